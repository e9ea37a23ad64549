"""Embeddings: models, the backends that run them, and vectors that were computed elsewhere."""
