"""Codecs tried on a sample of vectors: the share of float32's first results that they find."""

import numpy as np

from embquant.errors import InapplicableError
from embquant.exact.topk import rank
from embquant.measure.ties import reached
from embquant.quantize.batches import Batches
from embquant.quantize.codecs import parse_codec

TRIED = {
    "binary": {"family": "binary"},
    "binary_centred": {"family": "binary", "threshold": "mean"},
    "int8": {"family": "int8"},
}
"""The codecs that are tried: they fit and encode a sample at once."""


def tried(sample: np.ndarray, queries: np.ndarray, own: np.ndarray, k: int) -> dict[str, float | None]:
    """Return overlap@k of each of ``TRIED`` on ``sample``, float32 (rows, dim); None where one can't be fitted.

    ``own`` is the row of each of ``queries`` in the sample, −1 for none, int64 (queries,); it is never found. Bits are
    compared with bits, int8 codes with the float32 query. Ties break by ascending row.
    """
    if len(queries) == 0 or len(sample) - 1 < k:
        return dict.fromkeys(TRIED)
    exact = _scores(queries, sample, own)
    least = reached(np.sort(exact, axis=1)[:, -k])
    found: dict[str, float | None] = {}
    for name, entry in TRIED.items():
        try:
            codec = parse_codec(entry).fit(Batches(lambda: iter([sample]), *sample.shape))
        except InapplicableError:
            found[name] = None
            continue
        asked = codec.decode(codec.encode(queries)) if codec.family == "binary" else queries
        scores = _scores(asked, codec.decode(codec.encode(sample)), own)
        best = rank(scores, np.broadcast_to(np.arange(len(sample)), scores.shape), k)
        found[name] = float(np.mean(np.take_along_axis(exact, best, axis=1) >= least[:, None]))
    return found


def _scores(queries: np.ndarray, vectors: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return inner products, float64 (queries, vectors), −∞ for a query's own vector."""
    scores = (queries @ vectors.T).astype(np.float64)
    owning = np.flatnonzero(own >= 0)
    scores[owning, own[owning]] = -np.inf
    return scores
