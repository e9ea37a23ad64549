"""What a setting keeps of float32's results: the one place that knows how reports name it."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal, Self

import pandas as pd

from embquant.errors import InputError
from embquant.measure.metrics import parse_metric

RETENTION = "retention_"

FLOATS = "float32"
"""What reports call the search that all else is compared with."""


@dataclass(frozen=True)
class Measure:
    """A measure of what is kept: a share of float32's quality, or agreement with float32's ranking.

    ``metric`` is written as ir-measures writes it, such as ``nDCG@10`` or ``overlap@10``.
    """

    kind: Literal["retention", "agreement"]
    metric: str

    @classmethod
    @cache
    def of_metric(cls, metric: str) -> Self | None:
        """Return the measure of a metric; None for every other name, ``index_overlap`` among them."""
        try:
            return cls("retention" if parse_metric(metric).judged else "agreement", metric)
        except InputError:
            return None

    @classmethod
    def of_column(cls, column: str) -> Self | None:
        """Return the measure whose value a report's ``column`` holds; None for every other column."""
        measure = cls.of_metric(column.removeprefix(RETENTION))
        return measure if measure is not None and measure.column == column else None

    @classmethod
    def of_settings(cls, column: object) -> Self:
        """Return the measure that the column ``measure`` of settings names; one without values if it names none."""
        return cls.of_column(str(column)) or cls("agreement", "nothing measured")

    @property
    def is_retention(self) -> bool:
        """Whether it is a share of quality, which needs judgements."""
        return self.kind == "retention"

    @property
    def is_overlap(self) -> bool:
        """Whether it is an overlap@k."""
        return self.metric.startswith("overlap@")

    @property
    def column(self) -> str:
        """Name of the column that holds its value."""
        return f"{RETENTION}{self.metric}" if self.is_retention else self.metric

    @property
    def label(self) -> str:
        """Heading of a table's column."""
        return f"of float32's {self.metric}" if self.is_retention else f"agreement ({self.metric})"

    @property
    def axis(self) -> str:
        """Label of a figure's axis."""
        share = f"share of float32's {self.metric}"
        return share if self.is_retention else f"agreement with float32 ({self.metric})"


def renamed(words: str, reference: str) -> str:
    """Return ``words`` of the reports that say ``reference`` where they said float32; none may be a text of a dataset.

    ``reference`` is float32 itself, or the baseline of a study that has a provider's codes alone.
    """
    return words.replace(FLOATS, reference)


def measures(columns: pd.Index) -> list[Measure]:
    """Return the measures that a report's ``columns`` hold, the one that counts most first.

    Retentions come first, in the order of the study's metrics, then overlaps, then other agreement.
    """
    found = [measure for measure in map(Measure.of_column, columns) if measure is not None]
    return sorted(found, key=lambda measure: (not measure.is_retention, not measure.is_overlap))


def deciding(metrics: Iterable[str]) -> Measure | None:
    """Return the measure that decides among ``metrics``: the first retention, or without any the first overlap@k."""
    found = [measure for measure in map(Measure.of_metric, metrics) if measure is not None]
    judged = [measure for measure in found if measure.is_retention]
    return next(iter(judged + [measure for measure in found if measure.is_overlap]), None)
