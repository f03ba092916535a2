"""Style as statistics of features, and the distances between two pictures' statistics.

The statistics of a layer are one matrix of sums over positions. So they add up over the tiles of a
picture and can be weighted by masks, and a mean of several styles' matrices is a blend. With the
features F of N channels and M positions, the second moment S = F·Fᵀ/M, the mean μ = F·1/M and the
covariance C = S − μ·μᵀ:

====== ========================= ===================================================================
name   matrix                    distance to the style's A, μ', C'
====== ========================= ===================================================================
gram   G = F·Fᵀ, N×N             ‖G − A‖², Gatys et al. (2015), eq. 4
w2     [F; 1]·[F; 1]ᵀ            ‖μ − μ'‖² + tr(C + C' − 2(C'^½ C C'^½)^½), the squared
                                 2-Wasserstein distance of normal distributions
====== ========================= ===================================================================

A Gram matrix has one eigenvalue far above all others, that of the mean feature, so the first
distance is small as soon as the mean is right. The second counts every direction by its standard
deviation.

References
----------
Gatys, Ecker, Bethge, "A Neural Algorithm of Artistic Style" (2015).
Dowson and Landau, "The Fréchet distance between multivariate normal distributions" (1982), eq. 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

import minigrad.functional as F
from minigrad import Tensor, cat, einsum
from minigrad.backend import is_cuda
from minigrad.functional import Window
from minigrad.kernels import parallel

# Relative to the trace: smaller variances of the style are rounding errors of float32.
SMALLEST_VARIANCE = 1e-7
# Relative to the largest eigenvalue of B·C·Bᵀ. Its rows are as small as the directions they mean,
# so small eigenvalues are known better than to the precision of the largest.
FLOOR = 1e-10


def statistics(features: Tensor, masks: Sequence[Tensor | None], window: Window | None,
               style_loss: str, *, partition: bool = False) -> list[Tensor]:
    """The matrices of a layer's statistics, one for each mask, summed over a window, 1×K×K.

    Parameters
    ----------
    features : Tensor, 1×N×H×W
    masks : sequence of Tensor 1×1×(height of the window)×(its width), or None
        Each position counts as much as the mask says. None: every position counts.
    window : Window, optional
        The positions that count; None for all.
    style_loss : str
        The name of the distance, see above.
    partition : bool
        The masks that there are add up to 1 everywhere, so the matrix of every position is the sum
        of theirs and takes no time of its own.
    """
    regions = [mask for mask in masks if mask is not None]
    if not regions:
        return [_whole(features, window, style_loss) for _ in masks]
    weights = cat([mask[0] for mask in regions]).to(features.dtype)
    matrices = F.weighted_moment_matrices(features, weights, window)
    of_regions = iter([_needed(matrices[:, number], style_loss) for number in range(len(regions))])

    def of_everything() -> Tensor:
        if partition:
            return _needed(matrices.sum(dim=1), style_loss)
        return _whole(features, window, style_loss)

    return [of_everything() if mask is None else next(of_regions) for mask in masks]


def _whole(features: Tensor, window: Window | None, style_loss: str) -> Tensor:
    if style_loss == "gram" and window is None:
        return F.gram_matrix(features)
    return _needed(F.moment_matrix(features, window), style_loss)


def _needed(moments: Tensor, style_loss: str) -> Tensor:
    """The part of moment matrices that a distance compares."""
    return moments if style_loss == "w2" else moments[:, :-1, :-1]


@dataclass(frozen=True)
class StyleTarget:
    """One layer of the style in one region.

    Attributes
    ----------
    mask : Tensor 1×1×H×W, optional
        That of the region; None if it is the whole picture.
    factor : float
        The weight of the distance.
    """

    mask: Tensor | None
    factor: float


@dataclass(frozen=True)
class GramTarget(StyleTarget):
    """factor · ‖G − gram‖², eq. 10; `gram` 1×N×N is scaled to the size of the region."""

    gram: Tensor


@dataclass(frozen=True)
class WassersteinTarget(StyleTarget):
    """factor · W₂² of normal distributions.

    Attributes
    ----------
    mean : Tensor, 1×N
        μ' of the style.
    factor_of_covariance : Tensor, 1×R×N
        B with Bᵀ·B = C', one row for each of the R directions in which the style varies.
    trace : float
        tr C' + ‖μ'‖², the trace of the style's second moment.
    """

    mean: Tensor
    factor_of_covariance: Tensor
    trace: float


def distances(matrices: Sequence[Tensor], targets: Sequence[StyleTarget]) -> list[Tensor]:
    """w_l E_l for the statistics 1×K×K of a picture and their targets, in float64.

    All matrix roots are computed together, on all threads.
    """
    overlaps = iter(F.trace_sqrts(
        [_overlap(matrix, target.factor_of_covariance) for matrix, target
         in zip(matrices, targets) if isinstance(target, WassersteinTarget)],
        floor=FLOOR, dtype=np.float64))
    return [_wasserstein(matrix, target, next(overlaps)) if isinstance(target, WassersteinTarget)
            else _gram_distance(matrix, target)
            for matrix, target in zip(matrices, targets)]


def _gram_distance(matrix: Tensor, target: StyleTarget) -> Tensor:
    """factor · ‖G − gram‖²."""
    assert isinstance(target, GramTarget)
    return target.factor * F.mse_loss(matrix, target.gram, reduction="sum")


def _wasserstein(matrix: Tensor, target: WassersteinTarget, overlap: Tensor) -> Tensor:
    """factor · (‖μ − μ'‖² + tr C + tr C' − 2 · overlap), from the second moments."""
    second, mean = normalized(matrix)
    trace = einsum("nii->n", second).double()
    spread = trace - 2 * (mean * target.mean).sum(dim=1).double() + target.trace
    return target.factor * (spread - 2 * overlap).sum()


def _overlap(matrix: Tensor, factor: Tensor) -> Tensor:
    """B·C·Bᵀ, 1×R×R; its eigenvalues are those of C'^½·C·C'^½ that are not 0."""
    second, mean = normalized(matrix)
    covariance = second - mean.unsqueeze(2) * mean.unsqueeze(1)
    if is_cuda(covariance.data):        # its products of float32 may be of TF32
        factor, covariance = factor.double(), covariance.double()
    return factor @ covariance @ factor.transpose(1, 2)


class HostMoments(NamedTuple):
    """Second moment's trace, mean, and the spectrum of the covariance, in float64 on the host."""

    trace: float
    mean: np.ndarray
    values: np.ndarray
    vectors: np.ndarray


def host_moments(matrices: Sequence[Tensor]) -> list[HostMoments]:
    """The moments of sums 1×(N+1)×(N+1), decomposed on all threads, large matrices first."""
    pairs = [tuple(tensor.numpy().astype(np.float64)[0] for tensor in normalized(matrix))
             for matrix in matrices]
    moments: dict[int, HostMoments] = {}

    def decompose(k: int) -> None:
        second, mean = pairs[k]
        moments[k] = HostMoments(float(np.trace(second)), mean,
                                 *np.linalg.eigh(second - np.outer(mean, mean)))

    parallel.run(decompose, sorted(range(len(pairs)), key=lambda k: -len(pairs[k][1])))
    return [moments[k] for k in range(len(pairs))]


def style_target(matrix: Tensor, mask: Tensor | None, factor: float, style_loss: str,
                 moments: HostMoments | None = None) -> StyleTarget:
    """The target with the statistics 1×K×K of a style; `factor` multiplies the distance.

    `moments` are those of the matrix, if they are known.
    """
    if style_loss == "gram":
        return GramTarget(mask, factor, matrix)
    if moments is None:
        moments, = host_moments([matrix])
    varying = moments.values > SMALLEST_VARIANCE * moments.trace
    factor_of_covariance = (np.sqrt(moments.values[varying])[:, None]
                            * moments.vectors[:, varying].T)

    def tensor(array: np.ndarray) -> Tensor:
        return Tensor(array[None].astype(matrix.dtype), device=matrix.device)

    return WassersteinTarget(mask, factor, tensor(moments.mean), tensor(factor_of_covariance),
                             moments.trace)


def statistics_size(matrix: Tensor, style_loss: str) -> float:
    """The denominator of a relative distance: ‖A‖², or tr C' + ‖μ'‖²; 1 for features of zeros."""
    if style_loss == "gram":
        return float((matrix * matrix).sum(dtype=np.float64).item()) or 1.0
    second, _ = normalized(matrix)
    return float(np.trace(second.numpy()[0].astype(np.float64))) or 1.0


def normalized(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Second moment 1×N×N and mean 1×N from the sums 1×(N+1)×(N+1)."""
    mean_matrix = matrix / matrix[:, -1:, -1:].detach()
    return mean_matrix[:, :-1, :-1], mean_matrix[:, -1, :-1]
