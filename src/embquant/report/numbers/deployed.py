"""What settings are expected to keep of the corpus that is deployed, where it is larger than the measured one."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from embquant.measure.crowding import REACH
from embquant.measure.evaluation import DOCUMENTS
from embquant.report.measure import FLOATS
from embquant.report.numbers.growth import BASIS, BEYOND, KEYS
from embquant.report.numbers.quality import KEPT, with_quality
from embquant.study.study import Study


def expected_at(rows: pd.DataFrame, growth: pd.DataFrame, vectors: int) -> pd.DataFrame | None:
    """Return settings ``rows`` with what they are expected to keep of a corpus of so many ``vectors``.

    ``growth`` is growth.csv. None if nothing can be said of some dataset in ``rows``. What isn't known of a setting is
    missing: that of an approximate index, which would have to be built. More queries don't make up for what is expected
    and not measured, so ``queries_needed`` is infinite.
    """
    is_known = (growth[BASIS] == BEYOND) & (growth[DOCUMENTS] == vectors)
    if not set(rows["dataset"]) <= set(growth.loc[is_known & growth["model"].isin(rows["model"]), "dataset"]):
        return None
    expected = with_quality(growth[is_known]).set_index(KEYS)[KEPT]
    values = expected.reindex(pd.MultiIndex.from_frame(rows[KEYS])).to_numpy()
    known = dict(zip(KEPT, values.T, strict=True))
    return rows.assign(**known, **{BASIS: BEYOND, "queries_needed": np.inf})


def float32_bytes_beside(setting: pd.Series, dim: int, study: Study) -> float:
    """Return the bytes of the float32 vectors that ``setting`` has no need of, NaN if it keeps some itself.

    A database that holds them all the same takes so much more. NaN, too, where a study has no float vectors.
    """
    if study.config.reference is not None:
        return np.nan
    float32 = {name for name, codec in study.config.codecs.items() if codec.spec.family.family == FLOATS}
    if float32 & {study.config.methods[setting["method"]].codec, setting["rescore_store"]}:
        return np.nan
    return 4.0 * dim * setting["vectors"]


def expected_farthest(rows: pd.DataFrame, growth: pd.DataFrame) -> tuple[int, pd.DataFrame] | None:
    """Return the most vectors that something can be said of, and settings ``rows`` at that size; None if none."""
    for size in sorted(growth.loc[growth[BASIS] == BEYOND, DOCUMENTS].unique(), reverse=True):
        expected = expected_at(rows, growth, size)
        if expected is not None:
            return int(size), expected
    return None


def expected_cost(cost: pd.DataFrame, growth: pd.DataFrame) -> pd.DataFrame:
    """Append to cost.csv what each row's setting is expected to keep of as many vectors, with its interval.

    At the corpus's own size that is what was measured; it is missing where nothing can be said.
    """
    known = with_quality(growth[growth["top_k"].isin(cost["top_k"])]).set_index([*KEYS, DOCUMENTS])[KEPT]
    keys = pd.MultiIndex.from_frame(cost[[*KEYS, "vectors"]].rename(columns={"vectors": DOCUMENTS}))
    values = known[~known.index.duplicated()].reindex(keys).to_numpy()
    return cost.assign(**{f"expected_{name}": column for name, column in zip(KEPT, values.T, strict=True)})


def expected_words(vectors: int, measured: int, then: str, unknown: Sequence[str]) -> str:
    """Say that settings are judged by what is expected of ``vectors``, and ``then`` what the verdict was before.

    ``unknown`` are the methods with an approximate index, of which nothing is expected.
    """
    words = f"judged by what is expected of {vectors:,} vectors; at the {measured:,} vectors measured {then}"
    if not unknown:
        return words
    them = "its loss is" if len(unknown) == 1 else "their losses are"
    return (
        f"{words}; not in the choice: {', '.join(unknown)}, because an approximate index has to be built for its size, "
        f"so that {them} known at {measured:,} vectors alone"
    )


def not_expected(rows: pd.DataFrame, expected: pd.DataFrame) -> list[str]:
    """Return the methods of ``rows`` that were measured and of which nothing is ``expected``, in their order."""
    known = set(expected.loc[expected["kept"].notna(), "method"])
    return [name for name in rows.loc[rows["kept"].notna(), "method"].unique() if name not in known]


def beyond_words(vectors: int, measured: int) -> str:
    """Say that nothing can be said of so many ``vectors``."""
    reason = f"more than {REACH} times as many" if vectors > REACH * measured else "for a reason in docs/growth.md"
    return f"judged at the {measured:,} vectors measured; nothing can be said of {vectors:,}, {reason}"
