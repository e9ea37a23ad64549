"""The sections of a study's page between its verdict and how it was measured: figures, and tables."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from embquant.report.measure import renamed
from embquant.report.numbers.caveats import originals_words
from embquant.report.numbers.methods import unrescored_methods
from embquant.report.numbers.quality import decisive
from embquant.report.numbers.recommendation import EVERY
from embquant.report.reports import Reports, Scope, file_name
from embquant.report.show.figures.grid import draw_grid
from embquant.report.show.figures.growth import draw_growth
from embquant.report.show.figures.heatmap import draw_heatmap
from embquant.report.show.figures.methods import draw_indexes
from embquant.report.show.figures.models import draw_models, model_datasets
from embquant.report.show.figures.queries import draw_differences, draw_losses
from embquant.report.show.figures.rescoring import draw_multipliers
from embquant.report.show.figures.style import Drawing
from embquant.report.show.figures.tradeoff import draw_latency, draw_memory
from embquant.report.show.models import model_words
from embquant.report.show.reference import renamed_drawing, renamed_table
from embquant.report.show.rendering import TableView
from embquant.report.show.reranking import reranker_words
from embquant.report.tables import TABLES


@dataclass(frozen=True)
class Section:
    """Sentences under a heading; then figures, of which the first is open and the others can be opened; then tables."""

    name: str
    title: str
    text: str
    figures: Sequence[Drawing] = ()
    tables: Sequence[TableView] = ()
    points: Sequence[str] = ()


SECTIONS = {
    "memory": ("Quality against memory", "What a vector takes in memory, and what is left of float32's results."),
    "models": (
        "All models side by side",
        "A large model in few bytes, or a small one in many? Each point is a setting of a model, by quality itself.",
    ),
    "grid": ("Dimensions and bits", "Fewer dimensions save bytes, and so do fewer bits."),
    "rescoring": (
        "Quality against the rescore multiplier",
        "The first search's candidates are scored again, by the query as it is: how many are needed, and which store?",
    ),
    "growth": (
        "As the corpus grows",
        "In a larger corpus more documents may be mistaken for a neighbour. What is left in smaller corpora and "
        "in this one, and what is expected in larger ones?",
    ),
    "latency": ("Latency against quality", "How long a query takes, and what is left of float32's results."),
    "retention": ("What is left, setting by setting", "The settings that summary.txt lists."),
    "queries": ("Single queries", "A mean that hardly changes may hide queries that lose everything."),
    "losses": (
        "Which queries lose",
        "Do long queries lose more than short ones? Do queries lose more where float32's scores are close together?",
    ),
    "indexes": (
        "Approximate indexes",
        "Besides what codes lose, an approximate index misses some of what an exact scan of the same codes finds.",
    ),
    "hybrid": (
        "Beside a search by words",
        "BM25 finds documents by the words that they share with a query. It costs little, so vectors should beat it.",
    ),
    "drift": (
        "Documents that come later",
        "What is lost where codecs and indexes were fitted before some of the documents came.",
    ),
    "settings": ("All settings", "Click a heading to sort by it."),
    "cost": ("Memory and cost", "For this corpus, and for more vectors."),
    "significance": (
        "What is a difference, and what is noise",
        "Every setting against float32, and against the next best.",
    ),
    "embedding": ("Embedding", "What comes before any search."),
}
"""A section's name → its title and its first sentence, in the order of the page."""

SENTENCES: dict[str, tuple[str, Callable[[pd.DataFrame], list[str]]]] = {
    "models": ("model_differences", model_words),
    "hybrid": ("reranking", reranker_words),
}
"""A section's name → a table, and what makes sentences of it."""


def sections(reports: Reports) -> list[Section]:
    """Return the sections that have something to show."""
    figures = _figures(reports)
    found = {name: Section(name, *words, figures.get(name, [])) for name, words in SECTIONS.items()}
    found["cost"] = replace(found["cost"], points=originals_words(reports.summary, reports.study))
    for name, (table, words) in SENTENCES.items():
        rows = reports.table(table)
        if not rows.empty:
            found[name] = replace(found[name], points=words(rows))
    for name in TABLES.names():
        kind = TABLES[name]()
        view = kind.view(reports)
        if view is not None and not view.rows.empty:
            section = found.setdefault(kind.section, Section(kind.section, view.title, ""))
            found[kind.section] = replace(section, tables=[*section.tables, view])
    reference = reports.study.config.compared_with
    return [_renamed(section, reference) for section in found.values() if section.figures or section.tables]


def _renamed(section: Section, reference: str) -> Section:
    """Return a section whose words say ``reference`` where they said float32."""
    return replace(
        section,
        title=renamed(section.title, reference),
        text=renamed(section.text, reference),
        figures=[renamed_drawing(drawing, reference) for drawing in section.figures],
        tables=[renamed_table(view, reference) for view in section.tables],
    )


def _figures(reports: Reports) -> dict[str, list[Drawing]]:
    """Return the figures of each section that has some."""
    scopes = reports.scopes
    datasets = [scope for scope in scopes if scope.dataset != EVERY]
    return {
        "memory": _drawn(draw_memory, scopes),
        "models": [draw_models(reports, dataset) for dataset in model_datasets(reports)],
        "grid": _drawn(lambda scope: draw_grid(reports, scope), scopes),
        "rescoring": _drawn(draw_multipliers, scopes),
        "growth": _drawn(lambda scope: draw_growth(reports, scope), datasets),
        "latency": _drawn(draw_latency, scopes),
        "retention": list(_heatmaps(reports)),
        "queries": _drawn(lambda scope: draw_differences(reports, scope), datasets),
        "losses": _drawn(lambda scope: draw_losses(reports, scope), datasets),
        "indexes": list(_indexes(reports)),
    }


def _drawn(draw: Callable[[Scope], Drawing | None], scopes: list[Scope]) -> list[Drawing]:
    """Return the drawings of all scopes that have something to draw."""
    with_values = [scope for scope in scopes if scope.settings["kept"].notna().any()]
    return [drawing for drawing in map(draw, with_values) if drawing is not None]


def _heatmaps(reports: Reports) -> Iterator[Drawing]:
    """Yield a heat map per model."""
    for model in dict.fromkeys(scope.model for scope in reports.scopes):
        drawing = draw_heatmap(reports, [scope for scope in reports.scopes if scope.model == model])
        if drawing is not None:
            yield drawing


def _indexes(reports: Reports) -> Iterator[Drawing]:
    """Yield a figure of each model's approximate indexes, where there are some."""
    for model, rows in reports.summary.groupby("model", sort=False):
        methods = unrescored_methods(decisive(rows), reports.study)
        drawing = draw_indexes(methods, f"indexes-{file_name(str(model))}")
        if drawing is not None:
            yield drawing
