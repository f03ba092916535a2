"""Moment matrices: first and second moments of features in one matrix."""

from __future__ import annotations

from typing import Any

from minigrad.core.primitive import primitive
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, ShapeError
from minigrad.kernels import moments as kernels
from minigrad.kernels.geometry import Window
from minigrad.ops.deferred import mixed_moments, mixed_weighted_moments
from minigrad.ops.shape import matrix_transpose


@primitive
def moments(x, window):
    """P = [X; 1]·[X; 1]ᵀ over a window, N×C×H×W to N×(C+1)×(C+1)."""
    return kernels.moment_products(x, x, window)


moments.derivative(
    x=lambda g, x, window: mixed_moments(x, g + matrix_transpose(g), window),   # (G + Gᵀ)·[X; 1]
)


@primitive
def weighted_moments(x, weights, window):
    """P_k = Σ w_k·[X; 1]·[X; 1]ᵀ over a window, N×C×H×W to N×K×(C+1)×(C+1)."""
    return kernels.weighted_products(x, x, weights, window)


weighted_moments.derivative(
    x=lambda g, x, weights, window: mixed_weighted_moments(
        x, g + matrix_transpose(g), weights, window),
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


def weighted_moment_matrices(input: Tensor, weights: Tensor, window: Any = None) -> Tensor:
    """The moment matrix of features for each of several weights of the pixels: Σ w·[F; 1]·[F; 1]ᵀ.

    With weights that are 1 in a region and 0 elsewhere, these are the moment matrices of regions.
    Pixels of weight 0 cost no time.

    Parameters
    ----------
    input : Tensor, N×C×H×W
    weights : Tensor, K × the window's height × its width
        0 or more, of the type and on the device of the input. They are constants.
    window : minigrad.functional.Window or four int (top, bottom, left, right), optional
        As for `moment_matrix`.

    Returns
    -------
    Tensor, N×K×(C+1)×(C+1)

    Raises
    ------
    ShapeError
        The input does not have four dimensions, or the weights have another shape.
    ArgumentError
        The window is not four whole numbers, or not within the image; the weights require a
        gradient, or have a different type from the input.
    """
    if input.ndim != 4:
        raise ShapeError(f"weighted_moment_matrices needs features N×C×H×W, not shape "
                         f"{tuple(input.shape)}")
    height, width = input.shape[2:]
    inside = Window.of(window, (height, width), "weighted_moment_matrices")
    size = inside.bottom - inside.top, inside.right - inside.left
    if weights.ndim != 3 or tuple(weights.shape[1:]) != size:
        raise ShapeError(f"weighted_moment_matrices needs weights K×{size[0]}×{size[1]} for this "
                         f"window, not shape {tuple(weights.shape)}")
    if weights.requires_grad or weights.dtype != input.dtype:
        raise ArgumentError(f"weighted_moment_matrices needs constant weights of type "
                            f"{input.dtype}, not {weights.dtype}"
                            f"{' that require a gradient' * weights.requires_grad}; "
                            f"call weights.detach() or weights.to(input.dtype)")
    return weighted_moments(input, weights.data, inside)
