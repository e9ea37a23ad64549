"""center: the mean of the corpus becomes the origin."""

import numpy as np

from embquant.entries import NoParameters
from embquant.quantize.batches import Batches
from embquant.quantize.transforms.base import Transform, TransformKind


class Center(TransformKind):
    """The mean of the corpus becomes the origin."""

    @classmethod
    def fit(cls, sample: Batches, parameters: NoParameters) -> Transform:
        """Return x ↦ x − mean."""
        return Transform(np.eye(sample.dim, dtype=np.float32), -sample.mean().astype(np.float32))
