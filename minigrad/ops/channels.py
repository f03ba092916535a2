"""Sums over the pixels and over the channels of image batches, with their derivatives."""

from __future__ import annotations

from minigrad.core.primitive import primitive
from minigrad.kernels import channel_matmul as kernels
from minigrad.kernels import moments
from minigrad.ops.shape import broadcast_to, matrix_transpose, reshape


@primitive
def channel_products(x, y):
    """P[n,c,d] = Σ over pixels of x[n,c]·y[n,d]: x N×C×H×W, y N×D×H×W, result N×C×D."""
    return kernels.channel_products(x, y)


@primitive
def mix_channels(x, m):
    """y[n,k] = Σ_c m[n,k,c]·x[n,c]: x N×C×H×W, m N×K×C, result N×K×H×W."""
    return kernels.mix_channels(x, m)


@primitive
def channel_sums(x):
    """s[c] = Σ over images and pixels of x[n,c]: x N×C×H×W, result C."""
    return kernels.channel_sums(x)


@primitive
def moment_products(x, y, window):
    """P = [X; 1]·[Y; 1]ᵀ over a window: x N×C×H×W, y N×D×H×W, result N×(C+1)×(D+1)."""
    return moments.moment_products(x, y, window)


@primitive
def moment_mix(x, m, window):
    """Y = A·X + b in a window, 0 around it: x N×C×H×W, result N×K×H×W.

    m N×(K+1)×(C+1) is [A b] and a last row without effect: the products have the same shape.
    """
    return moments.moment_mix(x, m, window)


@primitive
def weighted_products(x, y, weights, window):
    """P_k = Σ w_k·[X; 1]·[Y; 1]ᵀ over a window: x N×C×H×W, y N×D×H×W, result N×K×(C+1)×(D+1).

    The weights K × the window's height × its width are constants, 0 or more.
    """
    return moments.weighted_products(x, y, weights, window)


@primitive
def weighted_mix(x, m, weights, window):
    """Y = Σ_k w_k·(A_k·X + b_k) in a window, 0 around it: x N×C×H×W, result N×L×H×W.

    m N×K×(L+1)×(C+1) has [A_k b_k] and a last row without effect: the products have that shape.
    """
    return moments.weighted_mix(x, m, weights, window)


@primitive
def without_last(m, row, column):
    """m …×K×C with zeros in the last row, the last column, or both."""
    m = m.copy()
    if row:
        m[..., -1, :] = 0
    if column:
        m[..., -1] = 0
    return m


channel_sums.derivative(
    x=lambda g, x_shape: broadcast_to(reshape(g, (1, x_shape[1], 1, 1)), x_shape),
)
channel_products.derivative(
    x=lambda g, y: mix_channels(y, g),
    y=lambda g, x: mix_channels(x, matrix_transpose(g)),
)
mix_channels.derivative(
    x=lambda g, m: mix_channels(g, matrix_transpose(m)),
    m=lambda g, x: channel_products(g, x),
)
moment_products.derivative(
    x=lambda g, y, window: moment_mix(y, g, window),                        # G·[Y; 1]
    y=lambda g, x, window: moment_mix(x, matrix_transpose(g), window),      # Gᵀ·[X; 1]
)
moment_mix.derivative(
    x=lambda g, m, window: moment_mix(g, without_last(matrix_transpose(m), False, True), window),
    m=lambda g, x, window: without_last(moment_products(g, x, window), True, False),
)
weighted_products.derivative(
    x=lambda g, y, weights, window: weighted_mix(y, g, weights, window),
    y=lambda g, x, weights, window: weighted_mix(x, matrix_transpose(g), weights, window),
)
weighted_mix.derivative(
    x=lambda g, m, weights, window: weighted_mix(
        g, without_last(matrix_transpose(m), False, True), weights, window),
    m=lambda g, x, weights, window: without_last(
        weighted_products(g, x, weights, window), True, False),
)
without_last.derivative(
    m=lambda g, row, column: without_last(g, row, column),
)
