"""The tables that a person reads at the end of a run."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from embquant.measure.diagnosis import Diagnosis
from embquant.measure.quality import INDEX_OVERLAP
from embquant.report.measure import Measure, measures, renamed
from embquant.report.numbers.caveats import drift_words, graph_words, originals_words, tie_words
from embquant.report.numbers.cost import pareto_settings, with_pareto
from embquant.report.numbers.doubts import chance_words
from embquant.report.numbers.landmark import BM25
from embquant.report.numbers.measured import dimensions
from embquant.report.numbers.quality import in_summary
from embquant.report.numbers.spread import EXPECTED, LOST, judged_by_expected
from embquant.report.show.diagnosis import diagnosis_line
from embquant.report.show.rendering import Column, TableView, formatted, rescored_by
from embquant.report.tables.base import VERDICT_MARKS
from embquant.study.study import Study

FIGURES = {
    "bytes_per_vector": Column("B/vector", ".0f"),
    "compression_vs_float32": Column("smaller", ".1f"),
    "latency_p50_ms": Column("p50 ms", ".3f"),
    "speedup_p50_vs_float32": Column("faster", ".1f"),
    "queries_per_second": Column("queries/s", ",.0f"),
    "pareto": Column("Pareto", "s"),
}
FACTORS = ("compression_vs_float32", "speedup_p50_vs_float32")
LEGEND = "±: half of the confidence interval; <, ≈, >: less than float32, not distinguishable from it, more"
FASTER = "faster: float32's p50 in the same rounds / this p50; float32's row has the p50 of rounds of its own"
SMALLER = "B/vector: of a code; smaller: the index file, with a graph or lists if there are some, than 32-bit floats"


def summary_text(
    summary: pd.DataFrame,
    study: Study,
    datasets: list[dict[str, Any]],
    without: pd.DataFrame,
    diagnosed: Mapping[tuple[str, ...], Diagnosis] = {},
    bm25: pd.DataFrame | None = None,
) -> str:
    """Return a table for each dataset and model at the least ``top_k``, rescored with the middle multiplier.

    All settings are in the CSVs; ✓ marks those of which no other in the table costs less and keeps as much.
    ``datasets`` are what the dataset.json files say; the tables repeat what was left out, and what ``without``, the
    table left_out.csv, says of methods. ``diagnosed`` are what vectors are like, by dataset and model. ``summary`` has
    the columns of :func:`with_drift`. Where a dataset is judged, a table ends with the row of BM25, from ``bm25``, the
    table bm25.csv.
    """
    described = {dataset["name"]: dataset for dataset in datasets}
    deepest = int((summary["top_k"] * summary["rescore_multiplier"]).max())
    top_k = summary["top_k"].min()
    rows = in_summary(summary[summary["top_k"] == top_k], study.config.rescore.multipliers)
    rows = with_pareto(rows, pareto_settings(rows, study))
    texts = []
    for (dataset, model), table in rows.groupby(["dataset", "model"], sort=False):
        first = table.iloc[0]
        compared = first["compared_in"] if isinstance(first["compared_in"], str) else None
        measure = Measure.of_metric(compared) if compared else None
        lines = [
            *chance_words(table, study),
            f"{dataset} · {model}: {first['vectors']:,} documents of {dimensions(table, study.config.baseline)} "
            f"dimensions, {first['queries']:,} queries, top_k {top_k}",
        ]
        for verb, counts in (("left out", "left_out"), ("kept", "kept")):
            named = described[dataset][counts].items()
            lines += [f"{verb}: {count:,} {what.replace('_', ' ')}" for what, count in named]
        lines += [diagnosis_line(diagnosed[dataset, model])] if (dataset, model) in diagnosed else []
        lines += _without(without[(without["dataset"] == dataset) & (without["model"] == model)])
        if deepest > first["vectors"]:
            lines.append(
                f"top_k × multiplier of up to {deepest:,} is clipped to the corpus's {first['vectors']:,} documents"
            )
        if measure is not None and not measure.is_retention:
            lines.append(f"compared in agreement with float32 ({compared}), not in quality")
        if measure is not None and measure.is_retention:
            lines += tie_words(table)
        lines += [*graph_words(table, study), *drift_words(table, study), *originals_words(table, study)]
        landmark = None if bm25 is None else bm25[(bm25["dataset"] == dataset) & (bm25["model"] == model)]
        texts.append("\n".join([*lines, "", _table(table, measure, study, landmark)]))
    legend = [LEGEND, SMALLER, *([FASTER] if study.config.reference is None else [])]
    return renamed("\n\n".join([*texts, "\n".join(legend)]), study.config.compared_with)


def _without(rows: pd.DataFrame) -> Iterator[str]:
    """Yield what is left out of the methods of a dataset and model: what has the same reason together."""
    names = rows["method"].mask(rows["rescore_store"].notna(), "rescoring by " + rows["rescore_store"].fillna(""))
    for reason, alike in names.groupby(rows["reason"], sort=False):
        yield f"left out: {', '.join(alike.unique())}: {reason}"


def _table(table: pd.DataFrame, measure: Measure | None, study: Study, bm25: pd.DataFrame | None) -> str:
    """Return the table of one dataset and model; ``measure`` is what its settings are compared in.

    ``bm25`` are its rows of bm25.csv, if there are any.
    """
    rows = table.assign(
        rescored_by=rescored_by(table),
        verdict=table["verdict"].map(VERDICT_MARKS).fillna(""),
        pareto=table["pareto"].map({True: "✓", False: ""}),
        **{name: table[name].map(_times, na_action="ignore") for name in FACTORS},
    )
    kept = None if measure is None else _kept(table, measure)
    kept = kept if kept in table and table[kept].notna().any() else None  # no share of what is at chance
    if kept is not None and f"{kept}_high" in table:
        half = (table[f"{kept}_high"] - table[f"{kept}_low"]) / 2
        rows[kept] = formatted(table[kept], "{:.4f}") + formatted(half, " ±{:.4f}")
    if measure is not None and bm25 is not None:
        beside = bm25[(bm25["method"] == study.config.baseline) & (bm25["metric"] == measure.metric)]
        rows = pd.concat([rows, _landmark(beside, measure, kept)], ignore_index=True)
    quality = _quality(table, measure, study.config.compared_with)
    columns = {"method": Column("method"), "rescored_by": Column("rescored by"), **quality, **FIGURES}
    return TableView("summary", "", "", rows, columns).text()


def _landmark(beside: pd.DataFrame, measure: Measure, kept: str | None) -> pd.DataFrame:
    """Return BM25's row of a table, from the baseline's row of bm25.csv, if there is one."""
    marks = {"better": VERDICT_MARKS["worse"], "worse": VERDICT_MARKS["better"], "noise": VERDICT_MARKS["noise"]}
    found = pd.DataFrame({"method": BM25, "rescored_by": "–", measure.metric: beside[BM25]}, index=beside.index)
    found = found.assign(verdict=beside["verdict"].map(marks))
    return found if kept is None else found.assign(**{kept: formatted(beside[BM25] / beside["mean"], "{:.4f}")})


def _kept(table: pd.DataFrame, measure: Measure) -> str:
    """Return the column of what settings keep by ``measure``; by its expected value where ties matter."""
    return f"{measure.column}{EXPECTED}" if judged_by_expected(table, measure).any() else measure.column


def _quality(table: pd.DataFrame, measure: Measure | None, reference: str) -> dict[str, Column]:
    """Return the columns of quality and agreement: first what settings are compared in, and the verdict on it.

    ``reference`` is what settings are compared with.
    """
    agreement = [other.column for other in measures(table.columns) if not other.is_retention]
    if measure is None:
        return {name: Column(name, ".4f") for name in agreement[:1]}
    if measure.is_retention:
        kept = _kept(table, measure)
        expected = EXPECTED if kept.endswith(EXPECTED) else ""
        label = f"expected {measure.metric}" if expected else measure.metric
        first = {f"{measure.metric}{expected}": Column(label, ".4f"), kept: Column(f"of {reference}", ".4f")}
        agreement = agreement[:1]
    else:
        first = {measure.column: Column(measure.column, ".4f")}
    lost = f"{measure.metric}{LOST}"
    hidden = {lost: Column("lose all", ".1%")} if lost in table and (table[lost] > 0).any() else {}
    if INDEX_OVERLAP in table and table[INDEX_OVERLAP].notna().any():
        hidden[INDEX_OVERLAP] = Column("of exact scan", ".4f")
    others = {name: Column(name, ".4f") for name in agreement if name not in first}
    return first | {"verdict": Column("", "s")} | hidden | others


def _times(factor: float) -> str:
    return f"{factor:.1f}×" if factor >= 1 else f"{factor:.2f}×"
