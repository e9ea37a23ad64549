"""The command ``join-reports``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from embquant import __version__
from embquant.files.atomic import atomic_path, read_json, write_json
from embquant.files.provenance import environment
from embquant.report.numbers.cost import cost_table, mark, pareto_marks
from embquant.report.numbers.losses import explained as explained_tables
from embquant.report.numbers.recommendation import advice, recommendation_table, recommendations, verdicts
from embquant.report.numbers.significance import Chance
from embquant.report.numbers.tables import read_tables
from embquant.report.show.summary import summary_text

MARKED = ("retrieval", "memory", "speed", "summary")
"""Reports that say which settings none surpasses."""


def join_reports(
    *,
    runs: Annotated[Sequence[Path], "folders …/{dataset}/{model}/{method}"],
    embedding: Annotated[Sequence[Path], "…/{dataset}/{model}/embedding.json"] = (),
    explained: Annotated[Sequence[Path], "folders …/{dataset}/{model}"],
    baseline: Annotated[str, "the method that retentions refer to"],
    datasets: Annotated[Sequence[Path], "dataset.json of each dataset"],
    models: Annotated[Sequence[Path], "model.json of each model"],
    config: Annotated[Mapping[str, Any], "the study's configuration"],
    output: Annotated[Path, "folder of the reports"],
) -> None:
    """Join all measurements of a study into its reports."""
    tables = read_tables(runs, embedding, baseline, Chance(**config["statistics"]))
    marks = pareto_marks(tables.summary, config)
    reports = {name: mark(table, marks) if name in MARKED else table for name, table in tables.named().items()}
    found = recommendations(tables.summary, config, str(output.parents[1]))
    reports |= {"cost": cost_table(tables.summary, config), "recommendation": recommendation_table(found)}
    reports |= explained_tables(explained)
    paths = []
    for name, table in reports.items():
        paths.append(output / f"{name}.csv")
        with atomic_path(paths[-1]) as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
    described = [read_json(path) for path in datasets]
    text = summary_text(tables.summary, config, described)
    path = output / "summary.txt"
    parts = [advice(found, path), text, "\n".join(map(str, paths)), verdicts(found, path)]
    with atomic_path(path) as temporary:
        temporary.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    write_json(
        output / "provenance.json",
        {
            "embquant": __version__,
            "config": config,
            "datasets": described,
            "models": [read_json(path) for path in models],
            "environment": environment(
                ["faiss-cpu", "usearch", "numkong", "numpy", "scipy", "pyarrow", "pandas", "snakemake"]
            ),
        },
    )
