"""Embeddings files of given vectors."""

import numpy as np

from embquant.files.parquet import write_embeddings


def write_vectors(path, vectors, prefix="d"):
    """Write vectors, (rows, dim), with the ids d0, d1, …; return the path."""
    ids = [f"{prefix}{row}" for row in range(len(vectors))]
    write_embeddings(path, vectors.shape[1], [(ids, np.asarray(vectors, np.float32))])
    return path
