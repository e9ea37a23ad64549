"""center: the mean of the corpus becomes the origin."""

import numpy as np

from embquant.entries import NoParameters as Parameters
from embquant.quantize.transforms.base import Sample, Transform


def fit(sample: Sample, parameters: Parameters) -> Transform:
    """Return x ↦ x − mean."""
    return Transform(np.eye(sample.dim, dtype=np.float32), -sample.mean().astype(np.float32))
