"""How many queries a study needs to tell a loss from none."""

from dataclasses import dataclass
from typing import Self

from embquant.measure.statistics import queries_to_detect

LOSS = 0.01
"""The loss to tell, as a share of the baseline's mean."""

ASSUMED = {
    "int8": (0.010, 0.032, 0.197),
    "bits ×4, by int8": (0.032, 0.176, 0.865),
    "bits": (0.165, 0.469, 1.713),
}
"""A setting → the deviation of its differences per query in nDCG@10, in the baseline's mean: least, median and greatest
of ten collections and two models (docs/diagnose.md)."""


@dataclass(frozen=True)
class Power:
    """``queries`` tell a ``loss`` of a setting from none, at the level 0.05, with a power of 0.8.

    ``deviation`` is that of the differences per query, in the baseline's mean; ``measured_queries`` those that it was
    measured on, None where it is assumed. Fewest and most queries are those of the other collections that were assumed.
    """

    setting: str
    deviation: float
    queries: int
    fewest: int | None = None
    most: int | None = None
    dataset: str = ""
    model: str = ""
    measured_queries: int | None = None
    loss: float = LOSS

    @classmethod
    def assumed(cls) -> list[Self]:
        """Return the powers to expect before a study, of ``ASSUMED``."""
        found = []
        for setting, deviations in ASSUMED.items():
            fewest, queries, most = (queries_to_detect(deviation, LOSS) for deviation in deviations)
            found.append(cls(setting, deviations[1], queries, fewest, most))
        return found
