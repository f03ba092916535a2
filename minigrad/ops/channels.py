"""Sums over the pixels and over the channels of image batches, with their derivatives."""

from __future__ import annotations

from minigrad.core.primitive import primitive
from minigrad.kernels import channel_matmul as kernels
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
