"""Choose the algorithm of a convolution, and cache its transformed weights.

On the host, float32 convolutions with 3×3 kernels and stride 1 use Winograd, with the tile size
for which a simple cost model is smallest (see benchmarks/conv2d.py). All others use im2col. So
does float64, which gradient checks use: im2col loses no accuracy.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError
from minigrad.kernels import relu_mask, winograd
from minigrad.kernels.array_cache import cached
from minigrad.kernels.dispatch import on_cuda_too
from minigrad.kernels.geometry import Convolution
from minigrad.kernels.im2col import im2col_conv2d, im2col_input_gradient, im2col_weight_gradient
from minigrad.kernels.loops import loops_conv2d
from minigrad.kernels.winograd import winograd_conv2d, winograd_weight_gradient
from minigrad.printable import shown

ALGORITHMS = ("auto", "loops", "im2col", *(f"winograd{m}" for m in winograd.POINTS), "implicit")


class _Choice(threading.local):
    algorithm = "auto"


_choice = _Choice()


@contextmanager
def conv_algorithm(name: str) -> Iterator[None]:
    """Select the algorithm of convolutions within a `with` block, where it applies.

    Parameters
    ----------
    name : `"auto"` (the default rule), `"loops"`, `"im2col"`, `"winograd2"`, `"winograd4"`,
        `"winograd6"` or `"winograd8"` (3×3 with stride 1 only; others use im2col), or
        `"implicit"` (the same, on a GPU's tensor cores in precision "high"; in "highest" it
        means "auto").

    Raises
    ------
    ArgumentError : the name is unknown.
    """
    if name not in ALGORITHMS:
        raise ArgumentError(f"conv_algorithm takes {', '.join(ALGORITHMS)}, not {shown(name)}")
    before = _choice.algorithm
    _choice.algorithm = name
    try:
        yield
    finally:
        _choice.algorithm = before


@on_cuda_too
def fastest(x: Any, weight: Any, bias: Any, geometry: Convolution, relu: bool = False,
            wants_mask: bool = False) -> tuple[Any, Any]:
    """Convolve by the fastest algorithm that fits, add the bias, optionally apply a ReLU.

    Parameters
    ----------
    x : array, N×C×H×W
    weight : array, O×(C/groups)×K×L
    bias : array of O numbers, or None
    relu : whether to apply a ReLU.
    wants_mask : whether to return the packed bits of result > 0, see `relu_mask`.

    Returns
    -------
    (result N×O×P×Q, bits N×P×⌈Q·O/8⌉ or None)
    """
    if _choice.algorithm == "loops":
        y = loops_conv2d(x, weight, bias, geometry)
        y = np.maximum(y, 0) if relu else y
        return y, relu_mask.pack(y) if wants_mask else None
    size = geometry.output_size(x.shape[2:], weight.shape[2:])
    m = _tile_size(x, weight.shape, geometry, size, FORWARD)
    if m:
        return winograd_conv2d(x, _planes(weight, m), bias, geometry.padding, m, relu=relu,
                               wants_mask=wants_mask)
    return im2col_conv2d(x, weight, bias, geometry, relu, wants_mask)


@on_cuda_too
def fastest_input(y: Any, weight: Any, shape: tuple, geometry: Convolution,
                  gate: Any = None) -> Any:
    """Gradient with respect to the input; y is that of the result, set to 0 where `gate` is 0."""
    top, bottom, left, right = (2 - side for side in geometry.padding)
    m = _tile_size(y, weight.shape, geometry, shape[2:], BACKWARD)
    if m and min(top, bottom, left, right) >= 0:
        return winograd_conv2d(y, _planes(weight, m), None, (top, bottom, left, right), m,
                               is_turned=True, gate=gate)[0]
    return im2col_input_gradient(y, weight, shape, geometry, gate)


def fastest_weight(y: Any, x: Any, shape: tuple, geometry: Convolution) -> Any:
    """Gradient with respect to the weights, from the result's gradient y and the image x."""
    m = _tile_size(x, shape, geometry, y.shape[2:], FORWARD, MIN_WEIGHT_WORK)
    if m:
        return winograd_weight_gradient(y, x, geometry.padding, m)
    return im2col_weight_gradient(y, x, shape, geometry)


def _planes(weight: np.ndarray, m: int) -> np.ndarray:
    return cached(weight, ("winograd", m), lambda: winograd.transform_weight(weight, m))


def _tile_size(x: Any, weight: tuple, geometry: Convolution, size: tuple[int, int],
               allowed: tuple[int, ...], min_work: float | None = None) -> int:
    """m of the Winograd algorithm to use for a result of `size`, or 0 for im2col."""
    possible = (type(x) is np.ndarray and x.dtype == np.float32 and weight[2:] == (3, 3)
                and geometry.stride == geometry.dilation == (1, 1) and geometry.groups == 1)
    if not possible or _choice.algorithm in ("im2col", "loops", "implicit"):
        return 0
    if _choice.algorithm != "auto":
        return int(_choice.algorithm.removeprefix("winograd"))
    filters, channels = weight[:2]
    work = len(x) * size[0] * size[1] * channels * filters * 9
    if min(filters, channels) < MIN_WINOGRAD_CHANNELS or work < (min_work or MIN_WORK):
        return 0
    return min(allowed, key=lambda m: _cost(m, len(x), size, channels, filters))


# In the forward pass a small error can change which of two nearly equal pixels wins a pooling
# window, or whether a ReLU is active, and so redirect gradients: only tiles with small errors are
# used. The backward convolution is linear and tolerates larger ones.
FORWARD = (2, 4)
BACKWARD = (2, 4, 6, 8)
MIN_WINOGRAD_CHANNELS = 16  # with fewer, the transforms cost more than they save
MIN_WORK = 2e7              # multiply-adds by the definition; below, start-up dominates
MIN_WEIGHT_WORK = 1e8       # the same for the weight gradient, which has more steps
MAX_PLANES = 40 << 20       # bytes that the transformed weights of one layer may take


def _cost(m: int, images: int, size: tuple[int, int], channels: int, filters: int) -> float:
    """Approximate nanoseconds on one core: products, transforms, reading the weights.

    The constants (115 multiply-adds, 0.6 pixels and 10 bytes per nanosecond) were measured on one
    machine. Only their ratios matter, and not much.
    """
    n = m + 2
    tiles = images * -(-size[0] // m) * -(-size[1] // m)
    planes = 4 * n * n * channels * filters
    if planes > MAX_PLANES:
        return float("inf")
    return (2 * tiles * n * n * channels * filters / 115
            + tiles * m * m * (channels + filters) * (1 + 2.5 / m) / 0.6 + planes / 10)
