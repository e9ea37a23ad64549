"""Datasets: a corpus, queries and relevance judgements, read from several kinds of source and checked.

:mod:`embquant.datasets.prepare` is the command. Each source has a module of its own that turns a spec into a
:class:`embquant.datasets.collection.Collection`, tables in streamed batches; all checking and writing is shared.
"""
