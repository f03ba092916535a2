"""Choose the algorithm of a convolution on a CUDA device.

Float32 convolutions with 3×3 kernels and stride 1 use the definition (`direct`) for few channels,
an implicit matrix product on tensor cores in precision "high" up to `MAX_IMPLICIT` channels, and
Winograd with the tile sizes of `TILE` otherwise. All other convolutions use im2col. So does
float64, which gradient checks use: im2col loses no accuracy.

Errors limit the tile size, see docs/gpu.md: transforms of large tiles amplify rounding, and TF32
rounds much more coarsely than float32. Memory traffic decides whether Winograd or the implicit
product is faster. Winograd needs a quarter of the multiplications, but with few channels it spends
its time on writing and reading planes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.kernels import conv as host
from minigrad.kernels.cuda import blas, direct, implicit, winograd
from minigrad.kernels.cuda.direct import direct_conv2d, direct_input_gradient
from minigrad.kernels.cuda.im2col import (
    im2col_conv2d,
    im2col_input_gradient,
    im2col_weight_gradient,
)
from minigrad.kernels.cuda.implicit import implicit_conv2d
from minigrad.kernels.cuda.winograd import winograd_conv2d
from minigrad.kernels.geometry import Convolution

# m of F(m×m, 3×3) by precision of the products: forward and for the input gradient. In the forward
# pass an error can change which ReLU is active or which pixel wins a window; backward is linear.
TILE = {"highest": (6, 6), "high": (4, 4)}
# The planes for F(6) have 64/9 of the size of the weights, those for F(4) 36/9. F(6) is used if its
# planes take at most this share of the memory of image and result.
MAX_PLANES_SHARE = 0.25
# Max channels and filters of the implicit product, in "high" only. At 512 pixels 128 would save
# 4 %, but 1 − cosine to float64 would rise from 0.8 to 1.1·10⁻⁴.
MAX_IMPLICIT = 256
MIN_WINOGRAD_CHANNELS = 16      # and filters; conv1_1 of VGG19 has 3

fastest_weight = im2col_weight_gradient


def fastest(x: Any, weight: Any, bias: Any, geometry: Convolution, relu: bool = False,
            wants_mask: bool = False) -> tuple[Any, Any]:
    """As `minigrad.kernels.conv.fastest`."""
    if _is_direct(x, weight, geometry):
        return direct_conv2d(x, weight, bias, geometry, relu, wants_mask)
    xp = array_module(x)
    algorithm, m = _algorithm(x, weight, geometry, is_turned=False)
    if algorithm == "implicit":
        return implicit_conv2d(xp, x, weight, bias, geometry.padding, relu=relu,
                               wants_mask=wants_mask)
    if algorithm == "winograd":
        return winograd_conv2d(xp, x, weight, bias, geometry.padding, m, relu=relu,
                               wants_mask=wants_mask)
    return im2col_conv2d(x, weight, bias, geometry, relu, wants_mask)


def fastest_input(y: Any, weight: Any, shape: tuple, geometry: Convolution,
                  gate: Any = None) -> Any:
    """As `minigrad.kernels.conv.fastest_input`."""
    if _is_direct(y, weight, geometry) and len(weight) <= direct.MAX_FILTERS:
        return direct_input_gradient(y, weight, shape, geometry, gate)
    xp = array_module(y)
    top, bottom, left, right = geometry.padding
    sides = 2 - top, 2 - bottom, 2 - left, 2 - right
    algorithm, m = _algorithm(y, weight, geometry, is_turned=True)
    if algorithm == "implicit":
        return implicit_conv2d(xp, y, weight, None, sides, is_turned=True, gate=gate)[0]
    if algorithm == "winograd":
        return winograd_conv2d(xp, y, weight, None, sides, m, is_turned=True, gate=gate)[0]
    return im2col_input_gradient(y, weight, shape, geometry, gate)


def _is_direct(x: Any, weight: Any, geometry: Convolution) -> bool:
    return _requested() == "auto" and direct.fits(x, weight, geometry)


def _requested() -> str:
    """The algorithm of `conv_algorithm`; "implicit" means "auto" in precision "highest"."""
    algorithm = host._choice.algorithm
    return "auto" if algorithm == "implicit" and blas.precision() == "highest" else algorithm


def _algorithm(x: Any, weight: Any, geometry: Convolution, is_turned: bool) -> tuple[str, int]:
    """`"implicit"`, `"winograd"` or `"im2col"`, and m of Winograd's F(m×m, 3×3)."""
    requested, precision, m = _requested(), blas.precision(), 0
    possible = (x.dtype == np.float32 and weight.shape[2:] == (3, 3)
                and geometry.stride == geometry.dilation == (1, 1) and geometry.groups == 1
                and (not is_turned or max(geometry.padding) <= 2))
    if not possible:
        return "im2col", 0
    is_fast = requested == "auto" and precision == "high" and max(weight.shape[:2]) <= MAX_IMPLICIT
    if (is_fast or requested == "implicit") and implicit.is_possible(
            array_module(x), weight.shape, is_turned):
        return "implicit", 0
    if requested.startswith("winograd"):
        m = int(requested.removeprefix("winograd"))
    elif requested == "auto" and min(weight.shape[:2]) >= MIN_WINOGRAD_CHANNELS:
        m = TILE[precision][is_turned]
        m = m if _has_room(x.shape, weight.shape, m) else min(m, 4)
    return ("winograd", m) if m in winograd.TILES else ("im2col", 0)


def _has_room(image: tuple, weight: tuple, m: int) -> bool:
    """Whether the planes of weights O×C×3×3 are small compared with image N×C×H×W and result."""
    pixels = image[0] * image[2] * image[3]
    filters, channels = weight[:2]
    return (m + 2) ** 2 * filters * channels <= MAX_PLANES_SHARE * pixels * (filters + channels)
