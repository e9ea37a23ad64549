"""Which values of a dimension a scalar quantizer's steps span."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from embquant.errors import InputError
from embquant.quantize.transforms.base import Sample

ENOUGH_FOR_PERCENTILES = 100_000
"""Vectors that percentiles are taken from at most: they have to be held in memory."""


@dataclass(frozen=True)
class RangeParameters:
    """How ranges are found.

    ``calibration``: how many vectors, drawn with ``seed``, they are taken from, or ``all``. ``ranges``: ``min-max``,
    the least and greatest value; ``percentile``, all but the (100 − ``percentile``) % on either side; ``symmetric``,
    ± the greatest absolute value. Values beyond are clipped.
    """

    calibration: int | Literal["all"] = "all"
    seed: int = 0
    ranges: Literal["min-max", "percentile", "symmetric"] = "min-max"
    percentile: float | int = 99.9

    def __post_init__(self) -> None:
        """Refuse numbers that can't be meant."""
        if self.calibration != "all" and self.calibration < 1:
            raise InputError(f"calibration is {self.calibration}, expected 1 or more, or 'all'")
        if self.seed < 0:
            raise InputError(f"seed is {self.seed}, expected 0 or more")
        if not 50 < self.percentile <= 100:
            raise InputError(f"percentile is {self.percentile}, expected more than 50, at most 100")


def fit_ranges(sample: Sample, parameters: RangeParameters) -> np.ndarray:
    """Return least and greatest value of each dimension that keep a code of their own, float32 (2, dim)."""
    if parameters.ranges == "percentile":
        known = ENOUGH_FOR_PERCENTILES if parameters.calibration == "all" else parameters.calibration
        ends = [100 - parameters.percentile, parameters.percentile]
        return np.percentile(sample.draw(known, parameters.seed), ends, axis=0).astype(np.float32)
    ranges = _extremes(sample, parameters)
    if parameters.ranges == "symmetric":
        greatest = np.abs(ranges).max(axis=0)
        return np.stack([-greatest, greatest])
    return ranges


def _extremes(sample: Sample, parameters: RangeParameters) -> np.ndarray:
    if parameters.calibration == "all":
        batches = sample.batches()
    else:
        batches = iter([sample.draw(parameters.calibration, parameters.seed)])
    low = np.full(sample.dim, np.inf, np.float32)
    high = np.full(sample.dim, -np.inf, np.float32)
    for batch in batches:
        low = np.minimum(low, batch.min(axis=0, initial=np.inf))
        high = np.maximum(high, batch.max(axis=0, initial=-np.inf))
    return np.stack([low, high])
