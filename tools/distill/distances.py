"""Distances between the statistics of two batches of features, picture by picture."""

from __future__ import annotations

import numpy as np

import minigrad.functional as F
from minigrad import Tensor


def gram_error(gram: Tensor, target: Tensor) -> Tensor:
    """‖G − G*‖² / ‖G*‖² of each picture of a batch, N×C×C and N×C×C -> N."""
    difference = gram - target
    return (difference * difference).sum((1, 2)) / ((target * target).sum((1, 2)) + 1e-6)


class NormalTarget:
    """Normal distributions with the means and covariances of features, one for each picture.

    For B with Bᵀ·B = C', tr(C'^½·C·C'^½)^½ is the sum of the singular values of B·C^½, and so of
    B·F/√M for the centred features F of the other picture. So B may have as few rows as there are
    positions, of which deep layers of small pictures have far fewer than channels, and no root of
    C' is needed.

    Parameters
    ----------
    features : array, N×C×H×W
    """

    def __init__(self, features: np.ndarray) -> None:
        count, channels = features.shape[:2]
        flat = features.reshape(count, channels, -1).astype(np.float32)
        mean = flat.mean(2, keepdims=True)
        positions = flat.shape[2]
        factor = ((flat - mean) / np.float32(positions**0.5)).transpose(0, 2, 1)    # N×M×C
        variance = np.square(factor, dtype=np.float64).sum((1, 2))
        if positions > channels:
            factor = np.linalg.qr(factor, mode="r")     # Rᵀ·R = C'
        self.mean, self.factor = Tensor(mean), Tensor(np.ascontiguousarray(factor))
        self.variance = Tensor(variance.astype(np.float32))
        self.size = Tensor((variance + np.square(mean).sum((1, 2)) + 1e-6).astype(np.float32))

    def error(self, features: Tensor) -> Tensor:
        """W₂² / (tr C' + ‖μ'‖²) of each picture, N×C×H×W -> N.

        W₂² = ‖μ − μ'‖² + tr(C + C' − 2(C'^½·C·C'^½)^½), as in `nst.loss.style`.
        """
        flat = features.reshape(*features.shape[:2], -1)
        mean = flat.mean(2, keepdim=True)
        centred = (flat - mean) * flat.shape[2]**-0.5
        product = self.factor @ centred
        if product.shape[1] > product.shape[2]:
            product = product.transpose(1, 2)
        overlap = F.trace_sqrt(product @ product.transpose(1, 2))
        shift = mean - self.mean
        squared = ((shift * shift).sum((1, 2)) + (centred * centred).sum((1, 2)) + self.variance
                   - 2 * overlap)
        return F.relu(squared) / self.size      # the distance is 0 or more, except for rounding
