"""What a setting keeps of float32's results: the one place that knows how reports name it."""

import re
from dataclasses import dataclass
from typing import Literal, Self

import pandas as pd

from embquant.measure.metrics import parse_metric
from embquant.measure.quality import INDEX_OVERLAP

RETENTION = "retention_"
OVERLAP_OR_RBO = re.compile(r"overlap@\d+|rbo")


@dataclass(frozen=True)
class Measure:
    """A measure of what is kept: a share of float32's quality, or agreement with float32's ranking.

    ``metric`` is written as ir-measures writes it, such as ``nDCG@10`` or ``overlap@10``.
    """

    kind: Literal["retention", "agreement"]
    metric: str

    @classmethod
    def of_metric(cls, metric: str) -> Self | None:
        """Return the measure of a metric; None for ``index_overlap``, which doesn't compare with float32."""
        if metric == INDEX_OVERLAP:
            return None
        return cls("retention" if parse_metric(metric).judged else "agreement", metric)

    @classmethod
    def of_column(cls, column: str) -> Self | None:
        """Return the measure whose value a report's ``column`` holds; None for every other column."""
        if re.fullmatch(rf"{RETENTION}[A-Za-z]+@\d+", column):
            return cls("retention", column.removeprefix(RETENTION))
        return cls("agreement", column) if OVERLAP_OR_RBO.fullmatch(column) else None

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


def measures(columns: pd.Index) -> list[Measure]:
    """Return the measures that a report's ``columns`` hold, the one that counts most first.

    Retentions come in the order of the study's metrics, then overlaps, then ``rbo``.
    """
    found = [measure for measure in map(Measure.of_column, columns) if measure is not None]
    return sorted(found, key=lambda measure: (not measure.is_retention, measure.metric == "rbo"))
