"""``join-reports``: join all measurements of a study into its reports."""

import argparse
import json
from pathlib import Path

from embquant import __version__
from embquant.files.atomic import atomic_path, read_json, write_json
from embquant.files.provenance import environment
from embquant.report.numbers.cost import cost_table, mark, pareto_marks
from embquant.report.numbers.losses import explained
from embquant.report.numbers.recommendation import advice, recommendation_table, recommendations, verdicts
from embquant.report.numbers.significance import Chance
from embquant.report.numbers.tables import read_tables
from embquant.report.show.summary import summary_text

MARKED = ("retrieval", "memory", "speed", "summary")
"""Reports that say which settings none surpasses."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``join-reports``."""
    parser.add_argument("--runs", required=True, nargs="+", type=Path, help="folders …/{dataset}/{model}/{method}")
    parser.add_argument("--embedding", nargs="*", default=[], type=Path, help="…/{dataset}/{model}/embedding.json")
    parser.add_argument("--explained", required=True, nargs="+", type=Path, help="folders …/{dataset}/{model}")
    parser.add_argument("--baseline", required=True, help="the method that retentions refer to")
    parser.add_argument("--datasets", required=True, nargs="+", type=Path, help="dataset.json of each dataset")
    parser.add_argument("--models", required=True, nargs="+", type=Path, help="model.json of each model")
    parser.add_argument("--config", required=True, metavar="JSON", help="the study's configuration")
    parser.add_argument("--output", required=True, type=Path, help="folder of the reports")


def run(arguments: argparse.Namespace) -> None:
    """Write the CSVs, the summary and the provenance."""
    config = json.loads(arguments.config)
    tables = read_tables(arguments.runs, arguments.embedding, arguments.baseline, Chance(**config["statistics"]))
    marks = pareto_marks(tables.summary, config)
    reports = {name: mark(table, marks) if name in MARKED else table for name, table in tables.named().items()}
    found = recommendations(tables.summary, config, str(arguments.output.parents[1]))
    reports |= {"cost": cost_table(tables.summary, config), "recommendation": recommendation_table(found)}
    reports |= explained(arguments.explained)
    paths = []
    for name, table in reports.items():
        paths.append(arguments.output / f"{name}.csv")
        with atomic_path(paths[-1]) as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
    datasets = [read_json(path) for path in arguments.datasets]
    text = summary_text(tables.summary, config, datasets)
    path = arguments.output / "summary.txt"
    parts = [advice(found, path), text, "\n".join(map(str, paths)), verdicts(found, path)]
    with atomic_path(path) as temporary:
        temporary.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    write_json(
        arguments.output / "provenance.json",
        {
            "embquant": __version__,
            "config": config,
            "datasets": datasets,
            "models": [read_json(path) for path in arguments.models],
            "environment": environment(
                ["faiss-cpu", "usearch", "numkong", "numpy", "scipy", "pyarrow", "pandas", "snakemake"]
            ),
        },
    )
