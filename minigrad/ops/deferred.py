"""Gradients of losses that a GPU computes and adds to other gradients in one kernel.

For arrays on a CUDA device these functions return a `minigrad.kernels.addend.Addend`; for other
arrays and for Tensors they compute at once, by primitives.
"""

from __future__ import annotations

from typing import Any

from minigrad.kernels import channel_matmul, moments, vectors
from minigrad.kernels.addend import addend
from minigrad.kernels.geometry import Window
from minigrad.ops.channels import mix_channels, moment_mix, weighted_mix
from minigrad.ops.shape import cast


def scaled_difference(g: Any, x: Any, y: Any) -> Any:
    """2g·(x − y), in the type of x; g is a number."""
    on_device = addend(vectors.distance_gradient, x, y, g) if x.dtype == y.dtype else None
    return on_device or cast(2 * g, x.dtype) * (x - y)


def mixed_channels(x: Any, m: Any) -> Any:
    """mix_channels(x, m)."""
    return addend(channel_matmul.mix_channels, x, m) or mix_channels(x, m)


def mixed_moments(x: Any, m: Any, window: Window) -> Any:
    """moment_mix(x, m, window)."""
    return addend(moments.moment_mix, x, m, window) or moment_mix(x, m, window)


def mixed_weighted_moments(x: Any, m: Any, weights: Any, window: Window) -> Any:
    """weighted_mix(x, m, weights, window)."""
    return (addend(moments.weighted_mix, x, m, weights, window)
            or weighted_mix(x, m, weights, window))
