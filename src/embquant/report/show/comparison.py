"""What changed between two runs, as texts: what ``compare`` prints, and a gallery shows."""

from collections.abc import Iterator

import pandas as pd

from embquant.measure.metrics import parse_metric
from embquant.report.numbers.changes import Pairing, StudyRun, differences, pairings
from embquant.report.numbers.quality import in_summary
from embquant.report.show.rendering import Column, TableView, formatted, rescored_by
from embquant.study import NO_STORE

VERDICTS = ("better", "worse", "noise", "same")
WIDTH = 60
"""Characters of a value that are printed."""

COLUMNS = {
    "method": Column("method"),
    "rescored_by": Column("rescored by"),
    "a": Column("a", "s"),
    "b": Column("b", "s"),
    "difference": Column("difference", "s"),
    "p": Column("p (Holm)", "s"),
    "verdict": Column(""),
    "index_bytes": Column("index bytes", "s"),
    "p50": Column("p50", "s"),
    "batch": Column("batch", "s"),
}


def results_text(one: StudyRun, other: StudyRun, changes: pd.DataFrame, names: tuple[str, str]) -> str:
    """Return how the results of two runs differ, which are called ``names``; ``changes`` are all settings."""
    sections = [_section(changes, pairing) for pairing in pairings(one, other)]
    parts = [f"a: {names[0]}\nb: {names[1]}", *(sections or ["no dataset, model and method are in both runs"])]
    return "\n\n".join([*parts, *_only_in_one(changes), *_cautions(one, other)])


def made_with(one: StudyRun, other: StudyRun) -> tuple[str, list[str]]:
    """Return a heading for what differs in what two runs were made with, and one line per change; none where none."""
    lines = []
    for values, places in differences(one, other).items():
        more = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
        shortened = (value if len(value) <= WIDTH else value[:WIDTH] + " …" for value in values)
        lines.append(f"{places[0]}{more}: {' → '.join(shortened)}")
    same = "made with the same configuration, data, models and versions, on the same kind of machine"
    return (f"differences in what they were made with, a → b: {len(lines)}" if lines else same), lines


def _section(changes: pd.DataFrame, pairing: Pairing) -> str:
    """Return the changes of one dataset and model: those of the summary, at the least top_k that has a metric."""
    rows = changes[(changes["dataset"] == pairing.dataset) & (changes["model"] == pairing.model)]
    rows = rows[rows["metric"].notna()]
    name = f"{pairing.dataset} · {pairing.model}"
    if rows.empty:
        return f"{name}: both runs have no metric at the same top_k"
    judged = rows["metric"].map(lambda metric: parse_metric(metric).judged)
    least = rows[judged == judged.max()]
    least = least[least["top_k"] == least["top_k"].min()]
    first = least.iloc[0]
    heading = f"{name}: {first['metric']} at top_k {first['top_k']}, "
    if pairing.paired:
        counts = rows["verdict"].value_counts()
        verdicts = ", ".join(f"{counts[word]} {word}" for word in VERDICTS if word in counts)
        heading += (
            f"{first['queries']:.0f} queries, the same in both\nb against a, all {len(rows)} settings: {verdicts}"
        )
    else:
        heading += f"not tested: {pairing.reason}"
    multipliers = sorted(set(least.loc[least["rescore_store"] != NO_STORE, "rescore_multiplier"])) or [1]
    return f"{heading}\n\n{_table(in_summary(least, multipliers))}"


def _table(rows: pd.DataFrame) -> str:
    half = (rows["difference_high"] - rows["difference_low"]) / 2
    differs = rows["verdict"] != "same"
    texts = rows[["method"]].assign(
        rescored_by=rescored_by(rows),
        a=formatted(rows["value_a"], "{:.4f}"),
        b=formatted(rows["value_b"], "{:.4f}"),
        difference=(formatted(rows["difference"], "{:+.4f}") + formatted(half, " ±{:.4f}")).where(differs, ""),
        p=formatted(rows["p_holm"].where(differs), "{:.3g}"),
        verdict=formatted(rows["verdict"], "{}"),
        index_bytes=formatted(rows["index_file_bytes_difference"], "{:+,.0f}").replace("+0", "same"),
        p50=formatted(rows["speedup_p50"], "{:.2f}×"),
        batch=formatted(rows["speedup_batch"], "{:.2f}×"),
    )
    return TableView("changes", "", "", texts, COLUMNS).text()


def _only_in_one(changes: pd.DataFrame) -> Iterator[str]:
    """Yield, for either run, which settings only it has."""
    for side in ("a", "b"):
        alone = changes[changes["in"] == side]
        counts = alone.groupby(["dataset", "model", "method"], sort=False).size()
        if len(alone):
            lines = [f"   {' · '.join(names)}: {count}" for names, count in counts.items()]
            yield "\n".join([f"settings only in {side}: {len(alone)}", *lines])


def _cautions(one: StudyRun, other: StudyRun) -> Iterator[str]:
    """Yield what to know before speeds are compared."""
    if one.machine != other.machine:
        yield (
            f"warning: the machines differ ({one.machine}; {other.machine}): "
            "what became faster or slower may be theirs, and memory may differ by their pages"
        )
