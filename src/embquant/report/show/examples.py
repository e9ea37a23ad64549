"""What reduced quality means: for at most three queries, what float32 finds and what the recommended setting finds."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from embquant.report.measure import Measure
from embquant.report.numbers.losses import LOSES_MOST, MIDDLE_OF_ALL, MIDDLE_OF_LOSING
from embquant.report.numbers.recommendation import CHOICE

FIRST = 3
"""Documents that are shown whether they count or not."""

WORDS = {
    LOSES_MOST: "the one that loses most of {:,} queries",
    MIDDLE_OF_LOSING: "in the middle of the {:,} that lose",
    MIDDLE_OF_ALL: "in the middle of all {:,}",
}
"""How a query was chosen, in words."""

NUMBERS = {1: "one query", 2: "two queries", 3: "three queries"}

WIDTH = 58
"""Characters of a document in a column of text."""


@dataclass(frozen=True)
class Found:
    """A document at a ``rank``; ``counts`` tells whether it is relevant, or one of float32's first where nothing is."""

    rank: int
    document: str
    counts: bool


@dataclass(frozen=True)
class Example:
    """A query of a ``dataset``, how it was chosen and what it loses, in ``words``; what float32 finds, and the setting.

    ``measure`` is what the setting is judged by: it says which documents count.
    """

    dataset: str
    measure: Measure
    query: str
    words: str
    baseline: list[Found]
    setting: list[Found]


def examples_of(table: pd.DataFrame, setting: pd.Series) -> list[Example]:
    """Return the queries in ``table``, examples.csv, that tell of a ``setting`` of a model.

    They are of the first dataset that has the setting's ``measure``.

    Of each list the first three documents are shown, and those further down that count.
    """
    if table.empty:
        return []
    keys = ["model", *CHOICE]
    measure = Measure.of_settings(setting["measure"])
    rows = table[(table[keys] == setting[keys].to_numpy()).all(axis=1) & (table["metric"] == measure.metric)]
    rows = rows[rows["dataset"].isin(rows["dataset"].head(1))]
    return [_example(of_query, measure) for _, of_query in rows.groupby("query_id", sort=False)]


def _example(rows: pd.DataFrame, measure: Measure) -> Example:
    first = rows.iloc[0]
    chosen = WORDS[first["example"]].format(first["among"])
    return Example(
        dataset=first["dataset"],
        measure=measure,
        query=" ".join(first["query"].split()),
        words=f"{chosen}; {first['metric']} {_change(first['baseline_value'], first['value'])}",
        baseline=list(_shown(rows, "baseline_")),
        setting=list(_shown(rows, "")),
    )


def _change(before: float, after: float) -> str:
    """Say what becomes of a value, with three digits, or with six where these are the same."""
    if before == after:
        return f"stays at {before:.3g}"
    digits = 3 if f"{before:.3g}" != f"{after:.3g}" else 6
    return f"{before:.{digits}g} → {after:.{digits}g}"


def _shown(rows: pd.DataFrame, prefix: str) -> Iterator[Found]:
    counts = rows[f"{prefix}gain"] > 0
    for row, count in zip(rows.to_dict("records"), counts, strict=True):
        document = row[f"{prefix}document"]
        if isinstance(document, str) and (row["rank"] <= FIRST or count):
            yield Found(int(row["rank"]), " ".join(document.split()), bool(count))


def examples_text(found: list[Example], setting: str, reference: str) -> str:
    """Return examples as text of two columns: documents of ``reference``, as float32 is called, and the setting's."""
    first = found[0]
    mark = "relevant" if first.measure.is_retention else f"among the first of {reference}"
    queries = NUMBERS[len(found)]
    lines = [f"what {setting} finds instead of {reference}, for {queries} of {first.dataset}; ✓: {mark}", ""]
    for example in found:
        lines += [f"{_cut(example.query, 2 * WIDTH)}", f"   {example.words}"]
        columns = [example.baseline, example.setting]
        for at in range(max(map(len, columns))):
            cells = [_cell(column[at]) if at < len(column) else "" for column in columns]
            lines.append(f"   {cells[0]:{WIDTH + 6}}{cells[1]}".rstrip())
        lines.append("")
    return "\n".join(lines).rstrip()


def _cell(found: Found) -> str:
    mark = "✓" if found.counts else " "
    return f"{found.rank:2} {mark} {_cut(found.document, WIDTH - 6)}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 2] + " …"
