"""Which algorithm computes a convolution on a CUDA device.

For 3×3 kernels with stride 1 in float32: the definition where there are few channels
(:mod:`.direct`); in precision "high", an implicit product on tensor cores up to `IMPLICIT`
channels; Winograd with the tile sizes of `TILE` for the others; im2col for all else, and always for
float64 (gradient checks), which loses no accuracy.

How large tiles may be is a question of errors, see docs/gpu.md: transforms of large tiles
amplify rounding, and TF32 rounds much sooner than float32. Which of the two is faster is a
question of bytes: Winograd needs a quarter of the multiplications, but with few channels the
time goes into writing and reading its planes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.kernels import conv as host
from minigrad.kernels.cuda import blas, direct, im2col, implicit, winograd
from minigrad.kernels.geometry import Convolution

# m of F(m×m, 3×3) by precision of the products: forward, and for the gradient of the input.
# Forward, errors decide which ReLU opens and which pixel wins a window; backward is linear.
TILE = {"highest": (6, 6), "high": (4, 4)}
# Planes of the weights for F(6) have 64/9 of their size. They may take this share of what the image
# and the result take; where they need more, there is F(4), whose planes have 36/9.
PLANES = 0.25
# The largest number of channels and filters that the implicit product serves, in "high" only. At
# 512 pixels 128 would save 4 %, but 1 − cosine to float64 would rise from 0.8 to 1.1·10⁻⁴.
IMPLICIT = 256
SMALLEST_WINOGRAD = 16          # channels and filters; conv1_1 of VGG19 has 3

conv2d_weight = im2col.conv2d_weight


def conv2d(x: Any, weight: Any, bias: Any, geometry: Convolution, relu: bool = False,
           wants_mask: bool = False) -> tuple[Any, Any]:
    """As :func:`minigrad.kernels.conv.conv2d`."""
    if _is_direct(x, weight, geometry):
        return direct.conv2d(x, weight, bias, geometry, relu, wants_mask)
    xp = array_module(x)
    algorithm, m = _algorithm(x, weight, geometry, is_turned=False)
    if algorithm == "implicit":
        return implicit.conv2d(xp, x, weight, bias, geometry.padding, relu=relu,
                               wants_mask=wants_mask)
    if algorithm == "winograd":
        return winograd.conv2d(xp, x, weight, bias, geometry.padding, m, relu=relu,
                               wants_mask=wants_mask)
    return im2col.conv2d(x, weight, bias, geometry, relu, wants_mask)


def conv2d_input(y: Any, weight: Any, shape: tuple, geometry: Convolution,
                 gate: Any = None) -> Any:
    """As :func:`minigrad.kernels.conv.conv2d_input`."""
    if _is_direct(y, weight, geometry) and len(weight) <= direct.BACKWARD:
        return direct.conv2d_input(y, weight, shape, geometry, gate)
    xp = array_module(y)
    sides = tuple(2 - side for side in geometry.padding)
    algorithm, m = _algorithm(y, weight, geometry, is_turned=True)
    if algorithm == "implicit":
        return implicit.conv2d(xp, y, weight, None, sides, is_turned=True, gate=gate)[0]
    if algorithm == "winograd":
        return winograd.conv2d(xp, y, weight, None, sides, m, is_turned=True, gate=gate)[0]
    return im2col.conv2d_input(y, weight, shape, geometry, gate)


def _is_direct(x: Any, weight: Any, geometry: Convolution) -> bool:
    return _wanted() == "auto" and direct.fits(x, weight, geometry)


def _wanted() -> str:
    """The algorithm that was asked for; the implicit product exists in precision "high" only."""
    wanted = host._choice.algorithm
    return "auto" if wanted == "implicit" and blas.precision() == "highest" else wanted


def _algorithm(x: Any, weight: Any, geometry: Convolution, is_turned: bool) -> tuple[str, int]:
    """``"implicit"``, ``"winograd"`` or ``"im2col"``, and m of Winograd's F(m×m, 3×3)."""
    wanted, precision, m = _wanted(), blas.precision(), 0
    possible = (x.dtype == np.float32 and weight.shape[2:] == (3, 3)
                and geometry.stride == geometry.dilation == (1, 1) and geometry.groups == 1
                and (not is_turned or max(geometry.padding) <= 2))
    if not possible:
        return "im2col", 0
    is_fast = wanted == "auto" and precision == "high" and max(weight.shape[:2]) <= IMPLICIT
    if (is_fast or wanted == "implicit") and implicit.is_possible(
            array_module(x), weight.shape, is_turned):
        return "implicit", 0
    if wanted.startswith("winograd"):
        m = int(wanted.removeprefix("winograd"))
    elif wanted == "auto" and min(weight.shape[:2]) >= SMALLEST_WINOGRAD:
        m = TILE[precision][is_turned]
        m = m if _has_room(x.shape, weight.shape, m) else min(m, 4)
    return ("winograd", m) if m in winograd.TILES else ("im2col", 0)


def _has_room(image: tuple, weight: tuple, m: int) -> bool:
    """Whether planes of weights O×C×3×3 are small beside an image N×C×H×W and its result."""
    pixels = image[0] * image[2] * image[3]
    filters, channels = weight[:2]
    return (m + 2) ** 2 * filters * channels <= PLANES * pixels * (filters + channels)
