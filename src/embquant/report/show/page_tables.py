"""The tables of a study's page."""

import pandas as pd

from embquant.report.numbers.recommendation import EVERY
from embquant.report.show.figures.words import kept_label
from embquant.report.show.summary import MARKS
from embquant.report.show.tabular import Column, Table
from embquant.report.study import Study, with_setting
from embquant.study.settings import NO_STORE

MOST_ROWS = 3000
"""Beyond which a table of all settings is reduced to those of the summary and those that none surpasses."""

WHERE = {"dataset": Column("dataset"), "model": Column("model")}
SETTING = {
    "method": Column("method", meaning="a codec and the index its codes are searched in"),
    "store": Column("rescored by", meaning="what candidates are scored with again by the float32 query"),
    "multiplier": Column("×", ".0f", "candidates fetched, as a multiple of top_k"),
    "top_k": Column("top_k", ".0f", "documents returned"),
}
PARETO = {"mark": Column("Pareto", meaning="✓: no other setting costs less, memory and disk, and keeps as much")}
VERDICT = {
    "said": Column("against float32", meaning="≈ noise: not told apart from float32; < worse; > better (Holm's method)")
}
USD = Column("USD a month", ",.6g", "memory and disk, at the prices of the configuration")


def tables(study: Study) -> list[Table]:
    """Return the tables of a study in the order of its page; those that have no row are left out."""
    found = [
        recommended(study),
        settings(study),
        costs(study),
        differences(study),
        averages(study),
        worst_queries(study),
        embedding(study),
    ]
    return [table for table in found if not table.rows.empty]


def settings(study: Study) -> Table:
    """Return all settings: quality, agreement, memory and time."""
    rows = study.summary
    short = rows["shown"] | rows["pareto"]
    reduced = len(rows) > MOST_ROWS
    if reduced:
        rows, short = rows[short], short[short]
    top_k = study.groups[0].top_k
    bounded = [name for name in rows if f"{name}_low" in rows and not name.startswith(("retention_", "kept"))]
    compared = set(rows["compared_in"].dropna()) | {name for name in bounded if name.startswith("overlap@")}
    columns = {
        **_where(study),
        **SETTING,
        **PARETO,
        "kept": _kept(study, interval=True),
        **VERDICT,
        **{name: Column(name, ".4f", detail=name not in compared) for name in bounded},
        "bytes_per_vector": Column("B/vector", ",.0f", "size of a code"),
        "memory_bytes_per_vector": Column("B in memory", ",.0f", "what another vector takes in memory", detail=True),
        "compression_vs_float32": Column("smaller", ".1f", "float32's bytes / the index file's"),
        "resident_bytes": Column("resident", ",.0f", "private memory that opening it took, bytes", detail=True),
        "latency_p50_ms": Column("p50 ms", ".3f", "median time of a single query"),
        "latency_p95_ms": Column("p95 ms", ".3f", detail=True),
        "speedup_p50_vs_float32": Column("faster", ".2f", "float32's median latency / this one's"),
        "queries_per_second": Column("queries/s", ",.0f", "in batch"),
        "build_seconds": Column("build s", ".1f", detail=True),
    }
    return Table(
        "settings",
        "All settings",
        (f"{len(rows)} of {len(study.summary)} settings, all are in summary.csv. " if reduced else "")
        + "Brackets are confidence intervals.",
        _marked(rows),
        columns,
        filters=("dataset", "model", "top_k", "method", "store", "mark", "said"),
        first={"top_k": str(top_k)},
        short=short & (rows["top_k"] == top_k),
    )


def costs(study: Study) -> Table:
    """Return memory, disk and price at several numbers of vectors."""
    rows = study.tables["cost"]
    sizes = study.summary.groupby(["dataset", "model"])["vectors"].first()
    corpus = sizes.reindex(pd.MultiIndex.from_frame(rows[["dataset", "model"]])).to_numpy()
    columns = {
        **_where(study),
        "vectors": Column("vectors", ",.0f"),
        "method": SETTING["method"],
        "store": SETTING["store"],
        **PARETO,
        "kept": _kept(study, interval=False),
        "memory_bytes_per_vector": Column("B/vector", ",.0f", "what another vector takes in memory"),
        "memory_bytes": Column("memory, MB", ",.1f"),
        "disk_bytes": Column("disk, MB", ",.1f"),
        "usd_per_month": USD,
        "queries_per_second_per_core": Column("queries/s a core", ",.0f", "measured, at the corpus's size alone"),
    }
    vectors = f"{corpus[0]:,.0f}"
    prices = study.config["prices"]
    return Table(
        "cost",
        "Memory and cost",
        f"A GB (10⁹ bytes) of memory costs {prices['memory']['usd_per_gb_month']:g} USD a month "
        f"({prices['memory']['source']}), of disk {prices['disk']['usd_per_gb_month']:g} ({prices['disk']['source']}). "
        "Sizes other than the corpus's follow from measured files.",
        _marked(rows).assign(memory_bytes=rows["memory_bytes"] / 1e6, disk_bytes=rows["disk_bytes"] / 1e6),
        columns,
        filters=("dataset", "model", "vectors", "method", "store", "mark"),
        first={"vectors": vectors} if len(study.datasets) == 1 else {},
        short=rows["vectors"] == corpus,
    )


def differences(study: Study) -> Table:
    """Return every tested difference, against the baseline and between neighbours."""
    rows = study.tables["significance"]
    if rows.empty:
        return Table("differences", "", "", rows, {})
    columns = {
        **_where(study),
        "metric": Column("metric"),
        "comparison": Column("with", meaning="baseline, or the neighbour whose mean is next below"),
        **SETTING,
        **PARETO,
        "other": Column("other", meaning="the setting that it is compared with"),
        "difference": Column("difference", "+.4f", "of means, the one less the other", interval=True),
        "p_holm": Column("p (Holm)", ".3g", "adjusted for all comparisons of this family"),
        "said": Column("verdict", meaning="≈ noise: not told apart"),
        "differing": Column("queries that differ", ",.0f"),
        "least_detectable": Column("least detectable", ".4f", "true difference that four of five studies would find"),
    }
    other = rows[[name for name in rows if name.startswith("other_")]].rename(columns=lambda own: own[6:])
    marks = study.summary[[*WHERE, "method", "rescore_store", "rescore_multiplier", "top_k", "pareto"]]
    rows = rows.merge(marks, how="left").assign(other=with_setting(other)["setting"])
    top_k = study.groups[0].top_k
    reduced = len(rows) > MOST_ROWS
    if reduced:
        rows = rows[(rows["comparison"] == "baseline") & (rows["top_k"] == top_k)].reset_index(drop=True)
    return Table(
        "differences",
        "What is a difference, and what is noise",
        (f"The {len(rows)} comparisons with the baseline; all are in significance.csv. " if reduced else "")
        + "Paired randomization tests over queries; brackets are confidence intervals of the one comparison alone.",
        _marked(rows),
        columns,
        filters=("dataset", "model", "metric", "comparison", "top_k", "method", "mark", "said"),
        first={"comparison": "baseline", "top_k": str(top_k)},
        short=(rows["comparison"] == "baseline") & (rows["top_k"] == top_k),
    )


def averages(study: Study) -> Table:
    """Return averages over datasets; no row where there is but one."""
    rows = study.tables["macro"]
    if len(study.datasets) < 2:
        rows = rows.iloc[:0]
    columns = {
        "model": WHERE["model"],
        "metric": Column("metric"),
        **SETTING,
        **PARETO,
        "datasets": Column("datasets", ".0f"),
        "mean": Column("mean", ".4f", interval=True),
        "retention": Column("of float32", ".4f", interval=True),
        "wins": Column("better", ".0f", "datasets in which it is better than float32"),
        "ties": Column("noise", ".0f", "datasets in which it is not told apart from float32"),
        "losses": Column("worse", ".0f", "datasets in which it is worse than float32"),
    }
    marks = {
        (group.model, group.top_k, row.setting): row.pareto
        for group in study.groups
        if group.dataset == EVERY
        for row in group.settings.itertuples()
    }
    keys = zip(rows["model"], rows["top_k"], rows.get("setting", []), strict=False)
    rows = rows.assign(pareto=[bool(marks.get(key, False)) for key in keys])
    return Table(
        "averages",
        "Averages over datasets",
        "Datasets count alike, whatever their size. ✓ is by the averages.",
        _marked(rows),
        columns,
        filters=("model", "metric", "top_k", "method", "store", "mark"),
        first={"top_k": str(study.groups[0].top_k)},
        short=rows["top_k"] == study.groups[0].top_k,
    )


def worst_queries(study: Study) -> Table:
    """Return the queries that lose most, with a document that they lose; no row where the study hasn't told them."""
    rows = study.tables.get("worst_queries", pd.DataFrame())
    columns = {
        **_where(study),
        **SETTING,
        **PARETO,
        "place": Column("place", ".0f", "1: the greatest loss of the setting"),
        "query": Column("query"),
        "metric": Column("metric"),
        "baseline_value": Column("float32's value", ".3f"),
        "value": Column("its value", ".3f"),
        "loss": Column("loss", ".3f"),
        "document": Column("a document that is lost"),
        "baseline_rank": Column("float32's rank", ".0f"),
        "rank": Column("its rank", ".0f", "empty: not returned"),
        "reason": Column("why", meaning="not a candidate; lost in rescoring; ranked lower"),
        "query_id": Column("query's id"),
        "document_id": Column("document's id"),
    }
    if not rows.empty:
        marks = study.summary[[*WHERE, "method", "rescore_store", "rescore_multiplier", "top_k", "pareto"]]
        rows = rows.merge(marks, how="left")
    return Table(
        "worst-queries",
        "Worst queries",
        "Queries that lose most against float32.",
        _marked(rows) if not rows.empty else rows,
        columns,
        filters=("dataset", "model", "method", "store", "multiplier", "top_k", "reason"),
    )


def embedding(study: Study) -> Table:
    """Return what embedding itself takes; no row where all embeddings were given."""
    columns = {
        **WHERE,
        "dim": Column("dimensions", ".0f"),
        "backend": Column("backend"),
        "device": Column("device"),
        "threads": Column("threads", ".0f"),
        "query_latency_p50_ms": Column("a query, p50 ms", ".1f"),
        "query_latency_p95_ms": Column("p95 ms", ".1f"),
        "documents_per_second": Column("documents/s", ",.1f"),
    }
    note = "Time to embed, which no search above takes in."
    return Table("embedding", "Embedding", note, study.tables["embedding"], columns)


def recommended(study: Study) -> Table:
    """Return the recommendation of each dataset and model; no row where the verdict says it all."""
    rows = study.tables["recommendation"]
    rows = rows if len(rows) > 1 else rows.iloc[:0]
    columns = {
        **WHERE,
        "top_k": SETTING["top_k"],
        "measure": Column("measure", meaning="retention: share of float32's value"),
        "fitting": Column("settings that meet all", ".0f"),
        "settings": Column("of", ".0f"),
        "method": SETTING["method"],
        "store": SETTING["store"],
        "multiplier": SETTING["multiplier"],
        "kept": Column("keeps", ".4f"),
        "kept_low": Column("at least", ".4f", "lower bound of the confidence interval"),
        "latency_p95_ms": Column("p95 ms", ".3f"),
        "memory_bytes_per_vector": Column("B/vector", ",.0f"),
        "usd_per_month": USD,
        "runner_up_method": Column("runner-up"),
        "relax": Column("to be relaxed", meaning="what would have to be relaxed where none fits"),
    }
    note = "The cheapest setting that meets the requirements, which is one that none surpasses."
    return Table("recommendation", "Recommendations", note, _named(rows), columns)


def _where(study: Study) -> dict[str, Column]:
    """Return the columns that tell datasets and models, where there are several."""
    return {name: column for name, column in WHERE.items() if len(study.summary[name].unique()) > 1}


def _kept(study: Study, interval: bool) -> Column:
    """Return the column of what settings keep, named after the study's measure, if there is but one."""
    names = list(dict.fromkeys(study.summary["measure"].dropna()))
    label = kept_label(names[0]) if len(names) == 1 else "kept"
    meaning = "what is left of float32's value; where nothing is judged, agreement with float32's results"
    return Column(label, ".4f", meaning, interval)


def _marked(rows: pd.DataFrame) -> pd.DataFrame:
    """Append what readers see for ``pareto`` and ``verdict``, and the names of :func:`_named`."""
    rows = _named(rows)
    if "pareto" in rows:
        rows = rows.assign(mark=rows["pareto"].map({True: "✓", False: "–"}).fillna("–"))
    if "verdict" in rows:
        rows = rows.assign(said=rows["verdict"].map(_said))
    return rows


def _named(rows: pd.DataFrame) -> pd.DataFrame:
    """Append ``store`` and ``multiplier``: what candidates are rescored by, and from how many."""
    if "rescore_store" not in rows:
        return rows
    rescored = rows["rescore_store"] != NO_STORE
    multiplier = rows["rescore_multiplier"].where(rescored)
    return rows.assign(
        store=rows["rescore_store"].where(rescored | rows["rescore_store"].isna(), "–"), multiplier=multiplier
    )


def _said(verdict: object) -> str:
    return f"{MARKS[verdict]} {verdict}" if isinstance(verdict, str) else "–"
