"""Moment matrices: first and second moments of features in one matrix."""

from __future__ import annotations

from typing import Any

from minigrad.core.primitive import primitive
from minigrad.core.tensor import Tensor
from minigrad.errors import ShapeError
from minigrad.kernels import moments as kernels
from minigrad.kernels.geometry import Window
from minigrad.ops.deferred import mixed_moments
from minigrad.ops.shape import matrix_transpose


@primitive
def moments(x, window):
    """P = [X; 1]·[X; 1]ᵀ over a window, N×C×H×W to N×(C+1)×(C+1)."""
    return kernels.moment_products(x, x, window)


moments.derivative(
    x=lambda g, x, window: mixed_moments(x, g + matrix_transpose(g), window),   # (G + Gᵀ)·[X; 1]
)


def moment_matrix(input: Tensor, window: Any = None) -> Tensor:
    """[F; 1]·[F; 1]ᵀ of features F: the Gram matrix of F with a further channel of ones.

    Its blocks are the Gram matrix Σ F·Fᵀ, the sums Σ F, and the number of pixels. Mean and
    covariance follow from it, and the matrices of the parts of a picture add up to that of the
    whole.

    Parameters
    ----------
    input : Tensor, N×C×H×W
    window : minigrad.functional.Window or four int (top, bottom, left, right), optional
        The sums are over rows [top, bottom) and columns [left, right) only. Default: the whole
        image.

    Returns
    -------
    Tensor, N×(C+1)×(C+1)

    Raises
    ------
    ShapeError
        The input does not have four dimensions.
    ArgumentError
        The window is not four whole numbers, or not within the image.
    """
    if input.ndim != 4:
        raise ShapeError(f"moment_matrix needs features N×C×H×W, not shape {tuple(input.shape)}")
    height, width = input.shape[2:]
    return moments(input, Window.of(window, (height, width), "moment_matrix"))
