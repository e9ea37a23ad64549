"""What reduced quality means: for three queries, what float32 finds and what the recommended setting finds."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

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
    """A query, how it was chosen and what it loses, in ``words``; what float32 finds, and the setting."""

    query: str
    words: str
    baseline: list[Found]
    setting: list[Found]


def examples_of(table: pd.DataFrame, setting: pd.Series) -> list[Example]:
    """Return the queries in ``table``, examples.csv, that tell of a ``setting`` of a model, on the first dataset.

    Of each list the first three documents are shown, and those further down that count.
    """
    if table.empty:
        return []
    keys = ["model", *CHOICE]
    rows = table[(table[keys] == setting[keys].to_numpy()).all(axis=1)]
    rows = rows[rows["dataset"] == rows["dataset"].min()]
    return [_example(of_query) for _, of_query in rows.groupby("query_id", sort=False)]


def _example(rows: pd.DataFrame) -> Example:
    first = rows.iloc[0]
    chosen = WORDS[first["example"]].format(first["among"])
    before, after = f"{first['baseline_value']:.3g}", f"{first['value']:.3g}"
    change = f"stays at {before}" if before == after else f"{before} → {after}"
    return Example(
        query=" ".join(first["query"].split()),
        words=f"{chosen}; {first['metric']} {change}",
        baseline=list(_shown(rows, "baseline_")),
        setting=list(_shown(rows, "")),
    )


def _shown(rows: pd.DataFrame, prefix: str) -> Iterator[Found]:
    counts = rows[f"{prefix}gain"] > 0
    for row, count in zip(rows.to_dict("records"), counts, strict=True):
        document = row[f"{prefix}document"]
        if isinstance(document, str) and (row["rank"] <= FIRST or count):
            yield Found(int(row["rank"]), " ".join(document.split()), bool(count))


def examples_text(found: list[Example], setting: str, reference: str) -> str:
    """Return examples as text of two columns: documents of ``reference``, as float32 is called, and the setting's."""
    lines = [f"what {setting} finds instead of {reference}, for three queries; ✓: relevant", ""]
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
