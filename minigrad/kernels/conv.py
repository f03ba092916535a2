"""Which algorithm computes a convolution, and the memory of its transformed weights.

The rule, justified by benchmarks/conv2d.py: Winograd for 3×3 kernels with stride 1 in
float32 on the host, with the tile size that a simple model of time prefers; im2col for all
else. float64 (gradient checks) always takes im2col, which loses no accuracy.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError
from minigrad.kernels import im2col, loops, relu_mask, winograd
from minigrad.kernels.array_cache import cached
from minigrad.kernels.dispatch import on_cuda_too
from minigrad.kernels.geometry import Convolution

ALGORITHMS = ("auto", "loops", "im2col", *(f"winograd{m}" for m in winograd.POINTS), "implicit")


class _Choice(threading.local):
    algorithm = "auto"


_choice = _Choice()


@contextmanager
def conv_algorithm(name: str) -> Iterator[None]:
    """Within ``with conv_algorithm("im2col"):`` convolutions use that algorithm, where it can.

    One of ``"auto"`` (the rule), ``"loops"``, ``"im2col"``, ``"winograd2"``, ``"winograd4"``,
    ``"winograd6"``, ``"winograd8"`` (3×3 and stride 1 only; others take im2col), ``"implicit"``
    (the same, on tensor cores of a GPU in precision "high"; in "highest" a GPU does as in "auto").
    """
    if name not in ALGORITHMS:
        raise ArgumentError(f"conv_algorithm knows {', '.join(ALGORITHMS)}, not {name!r}")
    before = _choice.algorithm
    _choice.algorithm = name
    try:
        yield
    finally:
        _choice.algorithm = before


@on_cuda_too
def conv2d(x: Any, weight: Any, bias: Any, geometry: Convolution, relu: bool = False,
           wants_mask: bool = False) -> tuple[Any, Any]:
    """Convolution, plus bias, through a ReLU if asked; and the packed bits of result > 0.

    x N×C×H×W, weight O×(C/groups)×K×L; the result N×O×P×Q; bits N×P×⌈Q·O/8⌉ or None.
    """
    if _choice.algorithm == "loops":
        y = loops.conv2d(x, weight, bias, geometry)
        y = np.maximum(y, 0) if relu else y
        return y, relu_mask.pack(y) if wants_mask else None
    size = geometry.output_size(x.shape[2:], weight.shape[2:])
    m = _tile_size(x, weight.shape, geometry, size, FORWARD)
    if m:
        return winograd.conv2d(x, _planes(weight, m), bias, geometry.padding, m, relu=relu,
                               wants_mask=wants_mask)
    return im2col.conv2d(x, weight, bias, geometry, relu, wants_mask)


@on_cuda_too
def conv2d_input(y: Any, weight: Any, shape: tuple, geometry: Convolution,
                 gate: Any = None) -> Any:
    """The gradient for the input, given that of the result (of which ``gate``'s bits count)."""
    top, bottom, left, right = (2 - side for side in geometry.padding)
    m = _tile_size(y, weight.shape, geometry, shape[2:], BACKWARD)
    if m and min(top, bottom, left, right) >= 0:
        return winograd.conv2d(y, _planes(weight, m), None, (top, bottom, left, right), m,
                               is_turned=True, gate=gate)[0]
    return im2col.conv2d_input(y, weight, shape, geometry, gate)


def conv2d_weight(y: Any, x: Any, shape: tuple, geometry: Convolution) -> Any:
    """The gradient for the weights, given that of the result, and the image."""
    m = _tile_size(x, shape, geometry, y.shape[2:], FORWARD, LEAST_WEIGHT_WORK)
    if m:
        return winograd.conv2d_weight(y, x, geometry.padding, m)
    return im2col.conv2d_weight(y, x, shape, geometry)


def _planes(weight: np.ndarray, m: int) -> np.ndarray:
    return cached(weight, ("winograd", m), lambda: winograd.transform_weight(weight, m))


def _tile_size(x: Any, weight: tuple, geometry: Convolution, size: tuple[int, int],
               allowed: tuple[int, ...], least_work: float | None = None) -> int:
    """m of the Winograd algorithm to use for a result of ``size``, or 0 for im2col."""
    possible = (type(x) is np.ndarray and x.dtype == np.float32 and weight[2:] == (3, 3)
                and geometry.stride == geometry.dilation == (1, 1) and geometry.groups == 1)
    if not possible or _choice.algorithm in ("im2col", "loops", "implicit"):
        return 0
    if _choice.algorithm != "auto":
        return int(_choice.algorithm.removeprefix("winograd"))
    filters, channels = weight[:2]
    work = len(x) * size[0] * size[1] * channels * filters * 9
    if min(filters, channels) < SMALLEST_WINOGRAD or work < (least_work or LEAST_WORK):
        return 0
    return min(allowed, key=lambda m: _cost(m, len(x), size, channels, filters))


# Forward, small errors decide which of two nearly equal pixels wins a pooling window, or
# whether a ReLU opens, and so where gradients go: tiles with small errors only. The gradient
# convolution is linear from there on, and can afford larger ones.
FORWARD = (2, 4)
BACKWARD = (2, 4, 6, 8)
SMALLEST_WINOGRAD = 16      # channels; with fewer, the transforms cost more than they save
LEAST_WORK = 2e7            # multiply-adds of the definition; below, starting costs too much
LEAST_WEIGHT_WORK = 1e8     # likewise, for the weights' gradient, which has more steps
LARGEST_PLANES = 40 << 20   # bytes that the transformed weights of one layer may take


def _cost(m: int, images: int, size: tuple[int, int], channels: int, filters: int) -> float:
    """Nanoseconds on one core, roughly: products, transforms, reading the weights.

    The constants (115 multiply-adds, 0.6 pixels and 10 bytes per nanosecond) are those of one
    machine; only their proportions matter, and not much.
    """
    n = m + 2
    tiles = images * -(-size[0] // m) * -(-size[1] // m)
    planes = 4 * n * n * channels * filters
    if planes > LARGEST_PLANES:
        return float("inf")
    return (2 * tiles * n * n * channels * filters / 115
            + tiles * m * m * (channels + filters) * (1 + 2.5 / m) / 0.6 + planes / 10)
