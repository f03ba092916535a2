"""Moment matrices: first and second moments of features in one matrix."""

from __future__ import annotations

from typing import Any

from minigrad.core.primitive import primitive
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, ShapeError
from minigrad.kernels import moments as kernels
from minigrad.kernels.moments import Window
from minigrad.ops.shape import matrix_transpose


@primitive
def moment_products(x, y, window):
    """[X; 1]·[Y; 1]ᵀ in a window: x N×C×H×W, y N×D×H×W, result N×(C+1)×(D+1)."""
    return kernels.moment_products(x, y, window)


@primitive
def moment_products_of(x, window):
    """moment_products(x, x, window), at half the cost."""
    return kernels.moment_products(x, x, window)


@primitive
def moment_mix(x, m, window):
    """A·X + b in a window, 0 around it; m N×(K+1)×(C+1) is [A b] and a row without effect."""
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


moment_products.derivative(
    x=lambda g, y, window: moment_mix(y, g, window),
    y=lambda g, x, window: moment_mix(x, matrix_transpose(g), window),
)
moment_products_of.derivative(
    x=lambda g, x, window: moment_mix(x, g + matrix_transpose(g), window),
)
moment_mix.derivative(
    x=lambda g, m, window: moment_mix(g, without_last(matrix_transpose(m), True, True), window),
    m=lambda g, x, window: without_last(moment_products(g, x, window), True, False),
)
without_last.derivative(m=lambda g, row, column: without_last(g, row, column))


def moment_matrix(input: Tensor, window: Any = None) -> Tensor:
    """[F; 1]·[F; 1]ᵀ of features F, the Gram matrix of F with a further channel of ones.

    Its blocks are the Gram matrix Σ F·Fᵀ, the sums Σ F, and the number of pixels. Mean and
    covariance follow from it, and the matrices of the parts of a picture add up to that of the
    whole.

    Parameters
    ----------
    input : Tensor, N×C×H×W
    window : four int, optional
        top, bottom, left, right: the sums are over these rows and columns only, [top, bottom) and
        [left, right). Default: the whole image.

    Returns
    -------
    Tensor, N×(C+1)×(C+1)

    Raises
    ------
    ShapeError
        The input has not four dimensions.
    ArgumentError
        The window does not lie within the image.
    """
    if input.ndim != 4:
        raise ShapeError(f"moment_matrix needs features N×C×H×W, not shape {tuple(input.shape)}")
    height, width = input.shape[2:]
    window = Window(0, height, 0, width) if window is None else Window(*window)
    if not (0 <= window.top <= window.bottom <= height
            and 0 <= window.left <= window.right <= width):
        raise ArgumentError(f"moment_matrix: the window {tuple(window)} must lie within the "
                            f"{height}×{width} image, as top, bottom, left, right")
    return moment_products_of(input, window)
