"""``present``: a study's reports as Markdown tables and figures."""

import argparse
import math
import sys
from pathlib import Path
from typing import Any

import pandas as pd
from tabulate import tabulate

from embquant.artifacts import read_json
from embquant.codecs.ranges import RangeParameters
from embquant.errors import InputError
from embquant.evaluation import INDEX_OVERLAP
from embquant.grid import NO_STORE
from embquant.report.figures.methods import draw_indexes, draw_storage
from embquant.report.figures.style import save
from embquant.report.quality import measures, pareto
from embquant.report.reading import read_report
from embquant.report.significance import VERDICTS

FIELDS = {
    "method": "method",
    "bytes_per_vector": "bytes",
    "quality": "of float32's",
    "verdicts": "better / noise / worse",
    "overlap": "overlap",
    INDEX_OVERLAP: "index overlap",
    "latency_p50_ms": "p50 ms",
    "queries_per_second": "queries/s",
    "build_seconds": "build s",
    "pareto": "Pareto",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``present``."""
    parser.add_argument("--reports", required=True, type=Path, help="folder of a study's reports")
    parser.add_argument("--figures", required=True, type=Path, help="folder for the figures (SVG, PNG, CSV)")


def run(arguments: argparse.Namespace) -> None:
    """Print the tables; write the figures."""
    summary = read_summary(arguments.reports)
    methods = plain_methods(summary)
    name = arguments.reports.name
    sections = [_table(methods, FIELDS), rescored_table(summary)]
    if len(summary["dataset"].unique()) > 1:
        sections.append(datasets_table(summary))
    ranges = fitted_ranges(read_json(arguments.reports / "provenance.json")["config"])
    if len(ranges) > 1:
        sections.append(calibration_table(methods, ranges))
    sys.stdout.write("\n\n".join(sections) + "\n")
    for drawing in (draw_storage(methods, f"{name}-storage"), draw_indexes(methods, f"{name}-indexes")):
        if drawing is not None:
            save(drawing, arguments.figures)


def read_summary(reports: Path) -> pd.DataFrame:
    """Read a study's summary at its least ``top_k``, with ``quality`` and ``overlap``, the columns that are shown.

    Quality is the retention of the first judged metric of the study.
    """
    path = reports / "summary.csv"
    if not path.is_file():
        raise InputError(f"{path}: no such file; run the study first")
    summary = read_report(path)
    summary = summary[summary["top_k"] == summary["top_k"].min()]
    measured = [name for name in measures(summary) if summary[name].notna().any()]
    overlaps = [name for name in measured if name.startswith("overlap@")]
    if not overlaps:
        raise InputError(f"{path}: no overlap@k in it; add one to the study's metrics")
    return summary.assign(quality=summary[measured[0]], overlap=summary[overlaps[0]])


def plain_methods(summary: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each method without rescoring, means over datasets, in the order of the study.

    ``verdicts`` counts the datasets on which a method is better than the baseline, not told apart from it, or worse.
    ``pareto`` is ✓ where no other one is as small and better, or as good and smaller.
    """
    plain = summary[summary["rescore_store"] == NO_STORE]
    means = plain.groupby("method", sort=False).mean(numeric_only=True)
    counts = pd.crosstab(plain["method"], plain["verdict"]).reindex(columns=list(VERDICTS), fill_value=0)
    better, noise, worse = (counts[verdict].astype(str) for verdict in VERDICTS)
    marks = pareto(means["bytes_per_vector"], means["quality"]).map({True: "✓", False: ""})
    return means.assign(verdicts=better + " / " + noise + " / " + worse, pareto=marks).reset_index()


def rescored_table(summary: pd.DataFrame) -> str:
    """Return each method's quality by store and multiplier, means over datasets."""
    rescored = summary[summary["rescore_store"] != NO_STORE]
    setting = rescored["rescore_store"] + " ×" + rescored["rescore_multiplier"].astype(str)
    table = rescored.assign(setting=setting).pivot_table("quality", "method", "setting", sort=False)
    return _table(table.reset_index(), {name: name for name in ["method", *table.columns]})


def datasets_table(summary: pd.DataFrame) -> str:
    """Return each method's quality by dataset."""
    plain = summary[summary["rescore_store"] == NO_STORE]
    table = plain.pivot_table("quality", "method", "dataset", sort=False)
    table["mean"] = table.mean(axis=1)
    return _table(table.reset_index(), {name: name for name in ["method", *table.columns]})


def fitted_ranges(config: dict[str, Any]) -> dict[str, RangeParameters]:
    """Return how the ranges of int8 were found, by method: those that scan it as it is meant to be scored."""
    found = {}
    for name, method in config["methods"].items():
        codec = config["codecs"][method["codec"]]
        plain = method["index"] == "flat" and method.get("scoring", "asymmetric") == "asymmetric"
        if plain and codec["family"] == "int8" and "transform" not in codec:
            found[name] = RangeParameters(**{key: value for key, value in codec.items() if key != "family"})
    return found


def calibration_table(methods: pd.DataFrame, ranges: dict[str, RangeParameters]) -> str:
    """Return int8's quality and overlap by the rule of its ranges and the vectors they were taken from."""
    int8 = methods[methods["method"].isin(ranges)]
    rules, samples = zip(*((ranges[name].ranges, ranges[name].calibration) for name in int8["method"]), strict=True)
    both = int8["quality"].map("{:.4f}".format) + " · " + int8["overlap"].map("{:.4f}".format)
    columns = sorted(set(samples), key=lambda sample: math.inf if sample == "all" else sample)
    table = pd.DataFrame({"ranges": rules, "of": samples, "both": both})
    table = table.pivot_table("both", "ranges", "of", aggfunc="first", sort=False)[columns].reset_index()
    names = {sample: f"of {sample}" if sample == "all" else f"of {sample:,}" for sample in columns}
    return _table(table, {"ranges": "ranges: of float32's · overlap", **names})


def _table(rows: pd.DataFrame, names: dict[str, str]) -> str:
    columns = [name for name in names if name in rows.columns and rows[name].notna().any()]
    cells = [
        ["" if value != value else _cell(name, value) for name, value in row.items()]
        for row in rows[columns].to_dict("records")
    ]
    return tabulate(cells, [names[name] for name in columns], "github", disable_numparse=True)


def _cell(name: str, value: object) -> str:
    digits = {"bytes_per_vector": 0, "queries_per_second": 0, "latency_p50_ms": 3, "build_seconds": 1}
    return value if isinstance(value, str) else f"{value:,.{digits.get(name, 4)}f}"
