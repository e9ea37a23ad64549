"""When timing may stop: a median is known well enough, or has cost enough.

Intervals of a median are distribution-free. Of n values, the l-th smallest and the l-th greatest enclose the median
unless fewer than l values fall on one side of it, whose number is binomial (n, ½). See W. J. Conover, Practical
Nonparametric Statistics, 3rd edition, 1999, section 3.2. Values are taken as independent. The times within a round are
not, because they share the machine's state, so a round counts as one value: its median.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import isnan
from statistics import median

CONFIDENCE = Fraction("0.95")
"""Confidence level of the intervals of times and of their ratios."""

MOST_TIMES = 5
"""How many times the least number of rounds there may be."""


@dataclass(frozen=True)
class Effort:
    """How long something is timed.

    There are ``rounds`` at least. After these, what is timed gets another round until the interval of each of its
    medians is within ± ``precision``, a share of the median, until it has taken ``seconds``, or until it has had five
    times as many rounds: searches of some microseconds are never steady.
    """

    rounds: int
    precision: float
    seconds: float

    def is_enough(self, rounds: int, seconds: float, samples: Iterable[Sequence[float]]) -> bool:
        """Tell whether ``rounds`` that took ``seconds`` are enough; each of the ``samples`` has a value per round."""
        is_spent = seconds >= self.seconds or rounds >= MOST_TIMES * self.rounds
        return rounds >= self.rounds and (is_spent or all(map(self._knows, samples)))

    def _knows(self, values: Sequence[float]) -> bool:
        low, high = median_interval(values)
        return (high - low) / 2 <= self.precision * median(values)  # False for NaN


def medians(rounds: Iterable[Sequence[float]]) -> list[float]:
    """Return the median of each round's values."""
    return [median(values) for values in rounds]


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the interval that holds the median of what ``values``, one per round, are drawn from.

    Its level is at least CONFIDENCE. Of fewer than six values, both ends are NaN.
    """
    place = _place(len(values))
    if place == 0:
        return float("nan"), float("nan")
    ordered = sorted(values)
    return ordered[place - 1], ordered[-place]


def with_interval(name: str, values: Sequence[float]) -> dict[str, float | None]:
    """Return the median of ``values``, one per round, and both ends of its interval as columns; None if missing."""
    low, high = (None if isnan(end) else end for end in median_interval(values))
    return {name: median(values) if values else None, f"{name}_low": low, f"{name}_high": high}


@cache
def _place(count: int) -> int:
    """Return l for so many values; 0 if there are too few. All integers, because 2ⁿ is beyond floats."""
    least = int((1 - CONFIDENCE) * 2**count)
    place, ways, tail = 0, 1, 1  # `ways` to have `place` values below the median, `tail` to have so many at most
    while 2 * tail <= least:
        ways = ways * (count - place) // (place + 1)
        place += 1
        tail += ways
    return place
