"""When timing may stop: a median is known well enough, or has cost enough.

Intervals of a median are distribution-free. Of n values, the l-th smallest and the l-th greatest enclose the median
unless fewer than l values fall on one side of it, whose number is binomial (n, ½). See W. J. Conover, Practical
Nonparametric Statistics, 3rd edition, 1999, section 3.2. Values are taken as independent.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np

CONFIDENCE = 0.95
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
        """Tell whether ``rounds`` that took ``seconds`` are enough, with the ``samples`` of the medians asked for."""
        is_spent = seconds >= self.seconds or rounds >= MOST_TIMES * self.rounds
        return rounds >= self.rounds and (is_spent or all(map(self._knows, samples)))

    def _knows(self, values: Sequence[float]) -> bool:
        low, high = median_interval(values)
        return (high - low) / 2 <= self.precision * float(np.median(values))  # False for NaN


def median_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the interval that holds the median of what ``values`` are drawn from; NaN if there are too few.

    Its level is at least ``confidence``: at 0.95, six values are the fewest.
    """
    place = _place(len(values), confidence)
    if place == 0:
        return float("nan"), float("nan")
    ordered = sorted(values)
    return ordered[place - 1], ordered[-place]


@cache
def _place(count: int, confidence: float) -> int:
    """Return l for so many values; 0 if there are too few. All integers, because 2ⁿ is beyond floats."""
    least = int((1 - Fraction(str(confidence))) * 2**count)
    place, ways, tail = 0, 1, 1  # `ways` to have `place` values below the median, `tail` to have so many at most
    while 2 * tail <= least:
        ways = ways * (count - place) // (place + 1)
        place += 1
        tail += ways
    return place


def ratio_interval(above: Sequence[float], below: Sequence[float]) -> tuple[float, float]:
    """Return the interval of the ratio of two medians.

    It follows from their own intervals, each at a level (1 + CONFIDENCE) / 2, so that both hold together with
    CONFIDENCE, whatever one says of the other (Bonferroni's inequality).
    """
    (least, greatest), (low, high) = (median_interval(values, (1 + CONFIDENCE) / 2) for values in (above, below))
    return least / high, greatest / low
