"""What is equal to the recommended settings in databases: for the page, and as a file of Markdown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from embquant.report.databases import Answer, answers, transforms_of
from embquant.report.numbers.measured import dimensions
from embquant.report.numbers.recommendation import CHOICE
from embquant.report.reports import Reports, with_setting_name

MARKS = (
    "Measured here: a method of this study is the same, run by that database. Emulated: the database does what was "
    "measured here by another program. Not measured: it differs, as is said."
)


@dataclass(frozen=True)
class InDatabases:
    """What is equal to a ``setting`` in each database; ``transforms`` are what a database has to get vectors from."""

    setting: str
    transforms: str
    answers: Sequence[Answer]


def in_databases(reports: Reports, row: pd.Series) -> list[InDatabases]:
    """Return what is equal to the setting in a ``row`` of recommendation.csv and to its runner-up, if there are any."""
    found = []
    for prefix, model_column in (("", "chosen_model"), ("runner_up_", "runner_up_model")):
        chosen = pd.Series({**{name: row[f"{prefix}{name}"] for name in CHOICE}, "top_k": row["top_k"]}, dtype=object)
        if pd.isna(chosen["method"]):
            continue
        of_model = reports.summary[reports.summary["model"] == row.get(model_column, row["model"])]
        corpus = int(of_model["vectors"].max()), dimensions(of_model, reports.study.config.baseline)
        name = with_setting_name(pd.DataFrame([chosen]))["setting"].iloc[0]
        transforms = ", ".join(transforms_of(chosen["method"], reports.study))
        found.append(InDatabases(name, transforms, answers(chosen, reports.study, corpus)))
    return found


def databases_text(reports: Reports) -> str:
    """Return databases.md: for each model the recommended setting and its runner-up in each database's language."""
    table = reports.table("recommendation")
    lines = ["# The recommended settings in databases", "", MARKS]
    for model, rows in table.groupby("model", sort=False):
        for found in in_databases(reports, rows.iloc[0]):
            lines += ["", f"## {model} · {found.setting}", *_of_setting(found)]
    return "\n".join(lines) + "\n"


def _of_setting(found: InDatabases) -> Iterator[str]:
    if found.transforms:
        yield from ("", preparation(found.transforms))
    for answer in found.answers:
        yield from ("", f"### {answer.database}", "", words(answer))
        if answer.text:
            yield from ("", f"```{answer.language}", answer.text, "```")


def preparation(transforms: str) -> str:
    """Say what a database has to get instead of the embeddings."""
    return f"Insert, and search by, what the codec's transform ({transforms}) makes of the embeddings."


def words(answer: Answer) -> str:
    """Return an answer's mark, and how it differs, in one line."""
    if not answer.text:
        return answer.differs
    return f"{answer.mark}{': ' * bool(answer.differs)}{answer.differs}"
