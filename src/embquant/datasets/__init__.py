"""Datasets: a corpus, queries and relevance judgements, read from several kinds of source and checked.

Each source has a module, which turns an entry of the configuration (:mod:`embquant.datasets.spec`) into a
:class:`embquant.datasets.collection.Collection`: tables in streamed batches. :mod:`embquant.datasets.prepare` checks
and writes them, whatever the source.
"""
