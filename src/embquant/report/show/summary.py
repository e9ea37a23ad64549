"""The summary that a person reads at the end of a run."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype
from tabulate import tabulate

from embquant.measure.metrics import parse_metric
from embquant.report.numbers.cost import mark, pareto_marks
from embquant.report.numbers.quality import AGREEMENT, shown
from embquant.study.settings import NO_STORE

COLUMNS = {
    "bytes_per_vector": "B/vector",
    "compression_vs_float32": "smaller",
    "latency_p50_ms": "p50 ms",
    "speedup_p50_vs_float32": "faster",
    "queries_per_second": "queries/s",
    "pareto": "Pareto",
}
MARKS = {"better": ">", "noise": "≈", "worse": "<"}
LEGEND = "±: half of the confidence interval; <, ≈, >: less than float32, not told apart from it, more"


def summary_text(summary: pd.DataFrame, config: Mapping[str, Any], datasets: list[dict[str, Any]]) -> str:
    """Return a table for each dataset and model at the least ``top_k``, rescored with the middle multiplier.

    All settings are in the CSVs; ✓ marks those of which no other in the table costs less and keeps as much.
    ``datasets`` are what the dataset.json files say; what was left out is said again.
    """
    left_out = {described["name"]: described["left_out"] for described in datasets}
    deepest = int((summary["top_k"] * summary["rescore_multiplier"]).max())
    top_k = summary["top_k"].min()
    rows = shown(summary[summary["top_k"] == top_k], config["rescore"]["multipliers"])
    rows = mark(rows, pareto_marks(rows, config))
    texts = []
    for (dataset, model), table in rows.groupby(["dataset", "model"], sort=False):
        first = table.iloc[0]
        heading = (
            f"{dataset} · {model}: {first['vectors']:,} documents of {first['dim']} dimensions, "
            f"{first['queries']:,} queries, top_k {top_k}"
        )
        notes = [f"left out: {count:,} {what.replace('_', ' ')}" for what, count in left_out[dataset].items()]
        if deepest > first["vectors"]:
            notes.append(
                f"top_k × multiplier of up to {deepest:,} is clipped to the corpus's {first['vectors']:,} documents"
            )
        metric = first["compared_in"]
        if isinstance(metric, str) and not parse_metric(metric).judged:
            notes.append(f"compared in agreement with float32 ({metric}), not in quality")
        texts.append("\n".join([heading, *notes, "", _table(table)]))
    return "\n\n".join([*texts, LEGEND])


def _table(table: pd.DataFrame) -> str:
    rescored = table["rescore_store"] + " ×" + table["rescore_multiplier"].astype(str)
    table = table.assign(
        rescore=rescored.where(table["rescore_store"] != NO_STORE, "–"),
        **{name: table[name].map(_times) for name in ("compression_vs_float32", "speedup_p50_vs_float32")},
        queries_per_second=table["queries_per_second"].map("{:,.0f}".format),
        latency_p50_ms=table["latency_p50_ms"].map("{:.3f}".format),
        verdict=table["verdict"].map(MARKS).fillna(""),
        pareto=table["pareto"].map({True: "✓", False: ""}),
    )
    headings = {"method": "method", "rescore": "rescored by", **_measures(table), **COLUMNS}
    columns = [name for name in headings if name in table.columns and table[name].notna().any()]
    if f"{_kept(table)}_high" in table:
        kept = _kept(table)
        low, high = table[f"{kept}_low"], table[f"{kept}_high"]
        half = ((high - low) / 2).map(" ±{:.4f}".format).where(high.notna(), "")
        table[kept] = table[kept].map("{:.4f}".format) + half
    return tabulate(
        table[columns].to_numpy().tolist(),
        headers=[headings[name] for name in columns],
        floatfmt=".4f",
        colalign=["left", "left"] + ["right"] * (len(columns) - 2),
        disable_numparse=[at for at, name in enumerate(columns) if not is_numeric_dtype(table[name])],
    )


def _measures(table: pd.DataFrame) -> dict[str, str]:
    """Return the columns of quality and agreement with their headings: first what is compared, and its verdict."""
    agreement = [name for name in table.columns if AGREEMENT.fullmatch(name)]
    compared, kept = table["compared_in"].iloc[0], _kept(table)
    if kept == compared:
        return {kept: kept, "verdict": "", **{name: name for name in agreement}}
    return {compared: compared, kept: "of float32", "verdict": "", **{name: name for name in agreement[:1]}}


def _kept(table: pd.DataFrame) -> Any:
    """Return the column that settings are compared in: a retention, or agreement; NaN where nothing is told."""
    compared = table["compared_in"].iloc[0]
    retention = f"retention_{compared}"
    return retention if retention in table else compared


def _times(factor: float) -> str:
    return f"{factor:.1f}×" if factor >= 1 else f"{factor:.2f}×"
