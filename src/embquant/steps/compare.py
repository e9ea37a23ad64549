"""The command ``compare``."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pandas as pd
from tabulate import tabulate

from embquant.files.atomic import atomic_path
from embquant.measure.metrics import parse_metric
from embquant.report.numbers.changes import Pairing, Report, changes, differences, pairings
from embquant.report.numbers.quality import shown
from embquant.study.settings import NO_STORE

VERDICTS = ("better", "worse", "noise", "same")
WIDTH = 60
"""Characters of a value that are printed."""


def compare(
    run_a: Annotated[Path, "reports of a study: results/reports/{study}"],
    run_b: Annotated[Path, "those that are compared with them"],
    /,
    *,
    output: Annotated[Path | None, "a row for each setting (CSV)"] = None,
) -> None:
    """Compare two runs and test which differences are significant."""
    one, other = Report.read(run_a), Report.read(run_b)
    table = changes(one, other)
    if output is not None:
        with atomic_path(output) as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
    sections = [section(table, pairing) for pairing in pairings(one, other)]
    parts = [made_with(one, other), *(sections or ["no dataset, model and method are in both runs"])]
    parts += [*only_in_one(table), *cautions(one, other)]
    parts.append(f"all settings: {output or 'with --output changes.csv'}")
    sys.stdout.write("\n\n".join(parts) + "\n")


def made_with(one: Report, other: Report) -> str:
    """Return the names of the runs and what differs in what they were made with, a line a change."""
    found = differences(one, other)
    same = "made with the same configuration, data, models and versions, on the same kind of machine"
    lines = [f"a: {one.folder}", f"b: {other.folder}", "", "made with, a → b:" if found else same]
    for values, places in found.items():
        more = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
        lines.append(f"   {places[0]}{more}: {' → '.join(map(_short, values))}")
    return "\n".join(lines)


def section(table: pd.DataFrame, pairing: Pairing) -> str:
    """Return the changes of one dataset and model: those of the summary, at the least top_k that has a metric."""
    rows = table[(table["dataset"] == pairing.dataset) & (table["model"] == pairing.model)]
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
        said = ", ".join(f"{counts[word]} {word}" for word in VERDICTS if word in counts)
        heading += f"{first['queries']:.0f} queries, the same in both\nb against a, all {len(rows)} settings: {said}"
    else:
        heading += f"not tested: {pairing.reason}"
    multipliers = sorted(set(least.loc[least["rescore_store"] != NO_STORE, "rescore_multiplier"])) or [1]
    return f"{heading}\n\n{_table(shown(least, multipliers))}"


def only_in_one(table: pd.DataFrame) -> Iterator[str]:
    """Yield, for either run, which settings it has alone."""
    for side in ("a", "b"):
        alone = table[table["in"] == side]
        counts = alone.groupby(["dataset", "model", "method"], sort=False).size()
        if len(alone):
            lines = [f"   {' · '.join(names)}: {count}" for names, count in counts.items()]
            yield "\n".join([f"settings only in {side}: {len(alone)}", *lines])


def cautions(one: Report, other: Report) -> Iterator[str]:
    """Yield what is to be known before speeds are compared."""
    if one.machine != other.machine:
        yield (
            f"warning: the machines differ ({one.machine}; {other.machine}): "
            "what became faster or slower may be theirs, and memory may differ by their pages"
        )


def _table(rows: pd.DataFrame) -> str:
    rescored = rows["rescore_store"] + " ×" + rows["rescore_multiplier"].astype(str)
    half = (rows["difference_high"] - rows["difference_low"]) / 2
    differs = rows["verdict"] != "same"
    columns = {
        "method": rows["method"],
        "rescored by": rescored.where(rows["rescore_store"] != NO_STORE, "–"),
        "a": _written(rows["value_a"], "{:.4f}"),
        "b": _written(rows["value_b"], "{:.4f}"),
        "difference": (_written(rows["difference"], "{:+.4f}") + _written(half, " ±{:.4f}")).where(differs, ""),
        "p (Holm)": _written(rows["p_holm"].where(differs), "{:.3g}"),
        "": _written(rows["verdict"], "{}"),
        "index bytes": _written(rows["index_file_bytes_difference"], "{:+,.0f}").replace("+0", "same"),
        "p50": _written(rows["speedup_p50"], "{:.2f}×"),
        "batch": _written(rows["speedup_batch"], "{:.2f}×"),
    }
    align = ["left", "left", *["right"] * 4, "left", *["right"] * 3]
    return tabulate(pd.DataFrame(columns).to_numpy().tolist(), list(columns), colalign=align, disable_numparse=True)


def _written(values: pd.Series, form: str) -> pd.Series:
    return values.astype(object).map(lambda value: "" if pd.isna(value) else form.format(value))


def _short(value: str) -> str:
    return value if len(value) <= WIDTH else value[:WIDTH] + " …"
