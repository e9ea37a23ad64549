"""Which values of each dimension a scalar quantizer's steps span."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from embquant.entries import Entry, Number
from embquant.quantize.batches import Batches
from embquant.quantize.extent import GREATEST, LEAST, Extent

ENOUGH_FOR_PERCENTILES = 100_000
"""The most vectors that percentiles are taken from: they have to be held in memory."""


class RangeParameters(Entry):
    """How the ranges of dimensions are found; values beyond are clipped.

    ``ranges``: ``min-max``, the smallest and the greatest value; ``percentile``, all values but (100 − percentile) % on
    either side; ``symmetric``, ± the greatest absolute value.
    """

    calibration: Annotated[int, Field(ge=1)] | Literal["all"] = Field(
        "all", description="number of vectors that the ranges are taken from"
    )
    seed: int = Field(0, ge=0, description="draws the calibration vectors")
    ranges: Literal["min-max", "percentile", "symmetric"] = Field(
        "min-max", description="range of values that the steps cover"
    )
    percentile: Number = Field(
        99.9, gt=50, le=100, description="with `ranges: percentile`: percentage of values below the upper end"
    )


def range_obstacle(extent: Extent, levels: int) -> str | None:
    """Say that the range of values, or one of its ``levels``, is no float32 number with all its digits."""
    return extent.outside(LEAST * levels / 2, GREATEST / 2, f"a range of {levels} steps of float32")


def fit_ranges(sample: Batches, parameters: RangeParameters) -> np.ndarray:
    """Return the ends of the range of each dimension, float32 (2, dim); values beyond get the code of an end."""
    if parameters.ranges == "percentile":
        known = ENOUGH_FOR_PERCENTILES if parameters.calibration == "all" else parameters.calibration
        ends = [100 - parameters.percentile, parameters.percentile]
        return np.percentile(sample.draw(known, parameters.seed), ends, axis=0).astype(np.float32)
    ranges = _extremes(sample, parameters)
    if parameters.ranges == "symmetric":
        greatest = np.abs(ranges).max(axis=0)
        return np.stack([-greatest, greatest])
    return ranges


def _extremes(sample: Batches, parameters: RangeParameters) -> np.ndarray:
    if parameters.calibration == "all":
        batches = iter(sample)
    else:
        batches = iter([sample.draw(parameters.calibration, parameters.seed)])
    low = np.full(sample.dim, np.inf, np.float32)
    high = np.full(sample.dim, -np.inf, np.float32)
    for batch in batches:
        low = np.minimum(low, batch.min(axis=0, initial=np.inf))
        high = np.maximum(high, batch.max(axis=0, initial=-np.inf))
    return np.stack([low, high])
