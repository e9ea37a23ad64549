"""The command ``write-report``."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

from embquant.files.atomic import atomic_path
from embquant.report.numbers.quality import decisive
from embquant.report.numbers.recommendation import EVERY
from embquant.report.show import page_tables
from embquant.report.show.figures.heatmap import draw_heatmap
from embquant.report.show.figures.methods import draw_indexes
from embquant.report.show.figures.queries import draw_differences, draw_losses
from embquant.report.show.figures.rescoring import draw_multipliers
from embquant.report.show.figures.style import Drawing, save
from embquant.report.show.figures.tradeoff import draw_latency, draw_memory
from embquant.report.show.page import Section, render
from embquant.report.show.tabular import Table
from embquant.report.study import Group, Study, file_name, read_study
from embquant.steps.present import plain_methods

log = logging.getLogger(__name__)


def write_report(
    *,
    reports: Annotated[Path, "folder of a study's reports"],
    page: Annotated[Path, "the page (HTML)"],
    figures: Annotated[Path, "folder for the figures (SVG, PNG, CSV)"],
    tables: Annotated[Path, "folder for the tables (Markdown, LaTeX)"],
) -> None:
    """Write a study's reports as one page, with figures and tables."""
    study = read_study(reports)
    parts = sections(study)
    for section in parts:
        for drawing in section.figures:
            save(drawing, figures)
        for table in section.tables:
            write_table(table, tables)
    with atomic_path(page) as temporary:
        temporary.write_text(render(study, parts), encoding="utf-8")
    log.info("%s", page)


def write_table(table: Table, folder: Path) -> None:
    """Write a table as Markdown and LaTeX."""
    for ending, text in {"md": table.markdown(), "tex": table.latex()}.items():
        with atomic_path(folder / f"{table.name}.{ending}") as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")


def sections(study: Study) -> list[Section]:
    """Return what the page shows between verdict and provenance."""
    tables = {table.name: table for table in page_tables.tables(study)}
    single = [group for group in study.groups if group.dataset != EVERY]

    def named(*names: str) -> list[Table]:
        return [tables[name] for name in names if name in tables]

    found = [
        Section(
            "memory",
            "Quality against memory",
            "What a vector takes in memory, and what is left of float32's results.",
            drawn(draw_memory, study.groups),
            named("recommendation"),
        ),
        Section(
            "rescoring",
            "Quality against the rescore multiplier",
            "Candidates of the first search are scored again by the float query; how many, and from which store?",
            drawn(draw_multipliers, study.groups),
        ),
        Section(
            "latency",
            "Latency against quality",
            "What a query takes, and what is left of float32's results.",
            drawn(draw_latency, study.groups),
        ),
        Section(
            "retention",
            "What is left, by dataset",
            "The settings of the summary.",
            list(heatmaps(study)),
            named("averages"),
        ),
        Section(
            "queries",
            "Single queries",
            "A mean that hardly changes may hide queries that lose everything.",
            drawn(lambda group: draw_differences(study, group), single),
        ),
        Section(
            "losses",
            "Which queries lose",
            "Whether long queries lose more than short ones, or those that float32 itself is hardly sure of.",
            drawn(lambda group: draw_losses(study, group), single),
            named("worst-queries"),
        ),
        Section(
            "indexes",
            "Approximate indexes",
            "Apart from what codes lose, a graph or lists lose some of what an exact scan of the same codes finds.",
            list(indexes(study)),
        ),
        Section("settings", "All settings", "Click a heading to sort by it.", tables=named("settings")),
        Section("cost", "Memory and cost", "For this corpus, and for more vectors.", tables=named("cost")),
        Section(
            "significance",
            "What is a difference, and what is noise",
            "Every setting against float32, and next to its neighbour.",
            tables=named("differences"),
        ),
        Section("embedding", "Embedding", "What comes before any search.", tables=named("embedding")),
    ]
    return [section for section in found if section.figures or section.tables]


def drawn(draw: Callable[[Group], Drawing | None], groups: list[Group]) -> list[Drawing]:
    """Return the drawings of all groups that have something to draw."""
    with_values = [group for group in groups if group.settings["kept"].notna().any()]
    return [drawing for drawing in map(draw, with_values) if drawing is not None]


def heatmaps(study: Study) -> Iterator[Drawing]:
    """Yield a heat map for each model."""
    for model in dict.fromkeys(group.model for group in study.groups):
        drawing = draw_heatmap(study, [group for group in study.groups if group.model == model])
        if drawing is not None:
            yield drawing


def indexes(study: Study) -> Iterator[Drawing]:
    """Yield a figure of each model's approximate indexes, where there are some."""
    for model, rows in study.summary.groupby("model", sort=False):
        methods = plain_methods(decisive(rows), study.config)
        drawing = draw_indexes(methods, f"indexes-{file_name(str(model))}")
        if drawing is not None:
            yield drawing
