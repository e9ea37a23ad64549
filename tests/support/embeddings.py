"""Embeddings files of given vectors, and the codes that a provider makes of vectors."""

import numpy as np

from embquant.files.parquet import write_embeddings


def write_vectors(path, vectors, prefix="d"):
    """Write vectors, (rows, dim), with the ids d0, d1, …; return the path."""
    ids = [f"{prefix}{row}" for row in range(len(vectors))]
    write_embeddings(path, vectors.shape[1], [(ids, np.asarray(vectors, np.float32))])
    return path


def provider_codes(vectors, scale):
    """Return the codes of each precision: int8 of values times ``scale``, uint8 of the same, and bits of both kinds."""
    whole = np.rint(vectors * scale).clip(-128, 127).astype(np.int8)
    bits = np.packbits(vectors > 0, axis=1)
    return {
        "int8": whole,
        "uint8": (whole.astype(np.int64) + 128).astype(np.uint8),
        "ubinary": bits,
        "binary": (bits.astype(np.int64) - 128).astype(np.int8),
    }
