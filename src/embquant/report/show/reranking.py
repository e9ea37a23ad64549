"""Which format and depth feed a reranker as well as float32 at the greatest depth does, in words."""

from collections.abc import Iterator

import pandas as pd

from embquant.study import NO_STORE

AS_WELL = ["noise", "better"]


def reranker_words(reranking: pd.DataFrame) -> list[str]:
    """Return a sentence per dataset and model on the methods that aren't rescored; ``reranking`` is reranking.csv.

    For each method it has the least ``top_k`` at which the quality after the reranker isn't worse than that of the
    baseline at the greatest. Nothing is said where no such test was made.
    """
    tested = reranking[(reranking["rescore_store"] == NO_STORE) & reranking["deepest_metric"].notna()]
    if tested["top_k"].nunique() < 2:
        return []
    return [
        f"{dataset} · {model}: {_sentence(rows)}"
        for (dataset, model), rows in tested.groupby(["dataset", "model"], sort=False)
    ]


def _sentence(rows: pd.DataFrame) -> str:
    """Say how the methods of a dataset and model compare with the baseline at the greatest depth."""
    baseline = rows[rows["deepest_verdict"].isna()].iloc[0]  # the one that all others are tested against
    return (
        f"the least top_k at which {baseline['deepest_metric']} after the reranker isn't distinguishable from that of "
        f"{baseline['method']} at top_k {baseline['top_k']} ({baseline['queries']} queries), or better: "
        + ", ".join(_least(rows.drop(baseline.name)))
    )


def _least(rows: pd.DataFrame) -> Iterator[str]:
    """Yield each method with the least depth at which it does as well."""
    for method, of_method in rows.groupby("method", sort=False):
        as_well = of_method[of_method["deepest_verdict"].isin(AS_WELL)]
        yield f"{method} {'at none' if as_well.empty else as_well['top_k'].min()}"
