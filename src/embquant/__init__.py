"""Measures what quantizing embeddings costs in retrieval quality and saves in memory and time."""

__version__ = "0.1.0"
