"""The command ``present``."""

import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pandas as pd

from embquant.errors import InputError
from embquant.files.atomic import read_json
from embquant.measure.quality import INDEX_OVERLAP
from embquant.quantize.codecs.ranges import RangeParameters
from embquant.report.numbers.quality import decisive, measures, pareto, with_quality
from embquant.report.numbers.significance import VERDICTS
from embquant.report.reading import read_report
from embquant.report.show.figures.methods import draw_indexes, draw_storage
from embquant.report.show.figures.style import save
from embquant.report.show.figures.words import is_retention, kept_label
from embquant.report.show.tabular import Column, Table
from embquant.study.settings import NO_STORE

KEPT = ".4f"


def present(
    *,
    reports: Annotated[Path, "folder of a study's reports"],
    figures: Annotated[Path, "folder for the figures (SVG, PNG, CSV)"],
) -> None:
    """Print a study's tables as Markdown and draw its figures."""
    summary = read_summary(reports)
    config = read_json(reports / "provenance.json")["config"]
    several = len(summary["model"].unique()) > 1
    sections = []
    for model, rows in summary.groupby("model", sort=False):
        own = decisive(rows)
        methods = plain_methods(own, config)
        if several:
            sections.append(f"## {model}")
        sections += tables(own, methods, config)
        left_out = sorted(set(rows["dataset"]) - set(own["dataset"]))
        if left_out:
            sections.append(f"Nothing is judged on {', '.join(left_out)}, which the means leave out.")
        name = f"{reports.name}-{model}" if several else reports.name
        for drawing in (draw_storage(methods, f"{name}-storage"), draw_indexes(methods, f"{name}-indexes")):
            if drawing is not None:
                save(drawing, figures)
    sys.stdout.write("\n\n".join(sections) + "\n")


def read_summary(reports: Path) -> pd.DataFrame:
    """Read a study's summary; append what :func:`with_quality` does, and ``overlap``: its first overlap@k."""
    path = reports / "summary.csv"
    if not path.is_file():
        raise InputError(f"{path}: no such file; run the study first")
    summary = read_report(path)
    overlaps = [name for name in measures(summary) if name.startswith("overlap@") and summary[name].notna().any()]
    if not overlaps:
        raise InputError(f"{path}: no overlap@k in it; add one to the study's metrics")
    return with_quality(summary).assign(overlap=summary[overlaps[0]])


def tables(rows: pd.DataFrame, methods: pd.DataFrame, config: Mapping[str, Any]) -> list[str]:
    """Return all tables of a model in Markdown: of decisive ``rows`` of its summary and the ``methods`` of these."""
    sections = [methods_table(methods), rescored_table(rows)]
    if len(rows["dataset"].unique()) > 1:
        sections.append(datasets_table(rows))
    ranges = fitted_ranges(config)
    if len(ranges) > 1:
        sections.append(calibration_table(methods, ranges))
    return sections


def plain_methods(summary: pd.DataFrame, config: Mapping[str, Any]) -> pd.DataFrame:
    """Return a row for each method without rescoring, means over datasets, in the order of the study.

    ``exact`` says whether all codes are scanned, ``built`` which index is; ``measure`` names what ``kept`` is.
    ``verdicts`` counts the datasets on which a method is better than the baseline, not told apart from it, or worse.
    ``pareto`` is ✓ where no other one is as small and better, or as good and smaller.
    """
    plain = summary[summary["rescore_store"] == NO_STORE]
    means = plain.groupby("method", sort=False).mean(numeric_only=True)
    counts = pd.crosstab(plain["method"], plain["verdict"]).reindex(columns=list(VERDICTS), fill_value=0)
    better, noise, worse = (counts[verdict].astype(str) for verdict in VERDICTS)
    marks = pareto(means["bytes_per_vector"], means["kept"]).map({True: "✓", False: ""})
    specs = [config["methods"][name] for name in means.index]
    exact, built = [spec["index"] == "flat" for spec in specs], [spec["built"] for spec in specs]
    verdicts = better + " / " + noise + " / " + worse
    return means.assign(
        verdicts=verdicts, pareto=marks, exact=exact, built=built, measure=summary["measure"].iloc[0]
    ).reset_index()


def methods_table(methods: pd.DataFrame) -> str:
    """Return what each method keeps, takes and does a second."""
    columns = {
        "method": Column("method"),
        "bytes_per_vector": Column("bytes", ",.0f"),
        "kept": Column(kept_label(methods["measure"].iloc[0]), KEPT),
        "verdicts": Column("better / noise / worse"),
        "overlap": Column("overlap", KEPT, detail=not is_retention(methods["measure"].iloc[0])),
        INDEX_OVERLAP: Column("index overlap", KEPT),
        "latency_p50_ms": Column("p50 ms", ",.3f"),
        "queries_per_second": Column("queries/s", ",.0f"),
        "build_seconds": Column("build s", ",.1f"),
        "pareto": Column("Pareto"),
    }
    return Table("methods", "", "", methods, columns).markdown()


def rescored_table(summary: pd.DataFrame) -> str:
    """Return each method's quality by store and multiplier, means over datasets."""
    rescored = summary[summary["rescore_store"] != NO_STORE]
    setting = rescored["rescore_store"] + " ×" + rescored["rescore_multiplier"].astype(str)
    return _pivoted(rescored.assign(setting=setting), "setting")


def datasets_table(summary: pd.DataFrame) -> str:
    """Return each method's quality by dataset."""
    plain = summary[summary["rescore_store"] == NO_STORE]
    return _pivoted(plain, "dataset", mean=True)


def fitted_ranges(config: Mapping[str, Any]) -> dict[str, RangeParameters]:
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
    both = int8["kept"].map(f"{{:{KEPT}}}".format) + " · " + int8["overlap"].map(f"{{:{KEPT}}}".format)
    columns = sorted(set(samples), key=lambda sample: math.inf if sample == "all" else sample)
    table = pd.DataFrame({"ranges": rules, "of": samples, "both": both})
    table = table.pivot_table("both", "ranges", "of", aggfunc="first", sort=False)[columns].reset_index()
    names = {sample: Column(f"of {sample}" if sample == "all" else f"of {sample:,}") for sample in columns}
    first = {"ranges": Column(f"ranges: {kept_label(methods['measure'].iloc[0])} · overlap")}
    return Table("calibration", "", "", table, first | names).markdown()


def _pivoted(rows: pd.DataFrame, across: str, mean: bool = False) -> str:
    """Return what each method keeps, by the values of a column, and their mean if it is asked for."""
    table = rows.pivot_table("kept", "method", across, sort=False)
    table = table.assign(mean=table.mean(axis=1)) if mean else table
    columns = {"method": Column("method"), **{name: Column(name, KEPT) for name in table.columns}}
    return Table("kept", "", "", table.reset_index(), columns).markdown()
