"""A study's results as Markdown tables for a document, means over datasets."""

import math

import pandas as pd

from embquant.measure.quality import INDEX_OVERLAP
from embquant.quantize.codecs.ranges import RangeParameters
from embquant.report.measure import Measure
from embquant.report.show.rendering import Column, TableView, rescored_by
from embquant.study import NO_STORE
from embquant.study.study import Study

KEPT = ".4f"


def tables(rows: pd.DataFrame, methods: pd.DataFrame, study: Study) -> list[str]:
    """Return all tables of a model: of decisive ``rows`` of its summary and the unrescored ``methods`` among these."""
    measure = Measure.of_settings(methods["measure"].iloc[0])
    unrescored = rows["rescore_store"] == NO_STORE
    found = [_methods_table(methods, measure), _kept_by(rows[~unrescored].assign(setting=rescored_by), "setting")]
    if len(rows["dataset"].unique()) > 1:
        found.append(_kept_by(rows[unrescored], "dataset", mean=True))
    ranges = _fitted_ranges(study)
    if len(ranges) > 1:
        found.append(_calibration_table(methods, ranges, measure))
    return found


def _methods_table(methods: pd.DataFrame, measure: Measure) -> str:
    """Return what each method keeps, takes and does per second."""
    columns = {
        "method": Column("method"),
        "bytes_per_vector": Column("bytes", ",.0f"),
        "kept": Column(measure.label, KEPT),
        "verdicts": Column("better / noise / worse"),
        "overlap": Column("overlap", KEPT, detail=not measure.is_retention),
        INDEX_OVERLAP: Column("index overlap", KEPT),
        "latency_p50_ms": Column("p50 ms", ",.3f"),
        "queries_per_second": Column("queries/s", ",.0f"),
        "build_seconds": Column("build s", ",.1f"),
        "pareto": Column("Pareto"),
    }
    return TableView("methods", "", "", methods, columns).markdown()


def _fitted_ranges(study: Study) -> dict[str, RangeParameters]:
    """Return how the ranges of int8 were found, by method: of exact scans of plain codes with float queries."""
    found = {}
    for name, method in study.methods.items():
        plain = method.is_flat and method.scoring == "asymmetric" and not method.codec.transforms
        if plain and method.codec.family.family == "int8":
            found[name] = method.codec.parameters
    return found


def _calibration_table(methods: pd.DataFrame, ranges: dict[str, RangeParameters], measure: Measure) -> str:
    """Return int8's quality and overlap by the rule of its ranges and the vectors that they were taken from."""
    int8 = methods[methods["method"].isin(ranges)]
    rules, samples = zip(*((ranges[name].ranges, ranges[name].calibration) for name in int8["method"]), strict=True)
    both = int8["kept"].map(f"{{:{KEPT}}}".format) + " · " + int8["overlap"].map(f"{{:{KEPT}}}".format)
    columns = sorted(set(samples), key=lambda sample: math.inf if sample == "all" else sample)
    table = pd.DataFrame({"ranges": rules, "of": samples, "both": both})
    table = table.pivot_table("both", "ranges", "of", aggfunc="first", sort=False)[columns].reset_index()
    names = {sample: Column(f"of {sample}" if sample == "all" else f"of {sample:,}") for sample in columns}
    first = {"ranges": Column(f"ranges: {measure.label} · overlap")}
    return TableView("calibration", "", "", table, first | names).markdown()


def _kept_by(rows: pd.DataFrame, across: str, mean: bool = False) -> str:
    """Return what each method keeps, by the values of a column, and their mean if it is asked for."""
    table = rows.pivot_table("kept", "method", across, sort=False)
    table = table.assign(mean=table.mean(axis=1)) if mean else table
    columns = {"method": Column("method"), **{name: Column(name, KEPT) for name in table.columns}}
    return TableView("kept", "", "", table.reset_index(), columns).markdown()
