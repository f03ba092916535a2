"""Moment matrices: first and second moments of features in one matrix."""

from __future__ import annotations

from typing import Any

from minigrad.core.primitive import primitive
from minigrad.core.tensor import Tensor
from minigrad.errors import ShapeError
from minigrad.kernels import moments as kernels
from minigrad.kernels.addend import addend
from minigrad.kernels.geometry import Window
from minigrad.ops.shape import matrix_transpose


@primitive
def moments(x, window):
    """P = [X; 1]·[X; 1]ᵀ over a window, N×C×H×W to N×(C+1)×(C+1)."""
    return kernels.moment_products(x, x, window)


@primitive
def moment_products(x, y, window):
    """P = [X; 1]·[Y; 1]ᵀ over a window: x N×C×H×W, y N×D×H×W, result N×(C+1)×(D+1)."""
    return kernels.moment_products(x, y, window)


@primitive
def moment_mix(x, m, window):
    """Y = A·X + b in a window, 0 around it: x N×C×H×W, result N×K×H×W.

    m N×(K+1)×(C+1) is [A b] and a last row that has no effect, as the matrices above have it.
    """
    return kernels.moment_mix(x, m, window)


@primitive
def without_last(m, row, column):
    """m …×K×C with zeros in the last row, the last column, or both."""
    m = m.copy()
    if row:
        m[..., -1, :] = 0
    if column:
        m[..., -1] = 0
    return m


moments.derivative(
    x=lambda g, x, window: mixed_moments(x, g + matrix_transpose(g), window),   # (G + Gᵀ)·[X; 1]
)
moment_products.derivative(
    x=lambda g, y, window: moment_mix(y, g, window),                            # G·[Y; 1]
    y=lambda g, x, window: moment_mix(x, matrix_transpose(g), window),          # Gᵀ·[X; 1]
)
moment_mix.derivative(
    x=lambda g, m, window: moment_mix(g, without_last(matrix_transpose(m), False, True), window),
    m=lambda g, x, window: without_last(moment_products(g, x, window), True, False),
)
without_last.derivative(
    m=lambda g, row, column: without_last(g, row, column),
)


def mixed_moments(x: Any, m: Any, window: Window) -> Any:
    """moment_mix(x, m, window); a GPU may compute it while adding it to other gradients."""
    return addend(kernels.moment_mix, x, m, window) or moment_mix(x, m, window)


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
