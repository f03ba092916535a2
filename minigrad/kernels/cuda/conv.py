"""Which algorithm computes a convolution on a CUDA device.

Winograd for 3×3 kernels with stride 1 in float32, with the tile sizes of `TILE`, or the
definition where there are few channels (:mod:`.direct`); im2col for all else, and always for
float64 (gradient checks), which loses no accuracy.

How large tiles may be is a question of errors, see docs/gpu.md: transforms of large tiles
amplify rounding, and TF32 rounds much sooner than float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backend import array_module
from .. import conv as host
from ..geometry import Convolution
from . import blas, direct, im2col, winograd

# m of F(m×m, 3×3) by precision of the products: forward, and for the gradient of the input.
# Forward, errors decide which ReLU opens and which pixel wins a window; backward is linear.
TILE = {"highest": (4, 4), "high": (4, 4)}
SMALLEST_WINOGRAD = 16          # channels and filters; conv1_1 of VGG19 has 3
DIRECT = True                   # pictures of few channels go to direct.cu, where it fits

conv2d_weight = im2col.conv2d_weight


def conv2d(x: Any, weight: Any, bias: Any, geometry: Convolution, relu: bool = False,
           wants_signs: bool = False) -> tuple[Any, Any]:
    """As :func:`minigrad.kernels.conv.conv2d`."""
    if _is_direct(x, weight, geometry):
        return direct.conv2d(x, weight, bias, geometry, relu, wants_signs)
    m = _tile_size(x, weight, geometry, 0)
    if m:
        return winograd.conv2d(array_module(x), x, weight, bias, geometry.padding, m, relu=relu,
                               wants_signs=wants_signs)
    return im2col.conv2d(x, weight, bias, geometry, relu, wants_signs)


def conv2d_input(y: Any, weight: Any, shape: tuple, geometry: Convolution,
                 gate: Any = None) -> Any:
    """As :func:`minigrad.kernels.conv.conv2d_input`."""
    if _is_direct(y, weight, geometry) and len(weight) <= direct.BACKWARD:
        return direct.conv2d_input(y, weight, shape, geometry, gate)
    sides = tuple(2 - side for side in geometry.padding)
    m = _tile_size(y, weight, geometry, 1)
    if m and min(sides) >= 0:
        return winograd.conv2d(array_module(y), y, weight, None, sides, m, is_turned=True,
                               gate=gate)[0]
    return im2col.conv2d_input(y, weight, shape, geometry, gate)


def _is_direct(x: Any, weight: Any, geometry: Convolution) -> bool:
    return DIRECT and host._choice.algorithm == "auto" and direct.fits(x, weight, geometry)


def _tile_size(x: Any, weight: Any, geometry: Convolution, direction: int) -> int:
    """m of the Winograd algorithm to use, or 0 for im2col."""
    wanted = host._choice.algorithm
    possible = (x.dtype == np.float32 and weight.shape[2:] == (3, 3)
                and geometry.stride == geometry.dilation == (1, 1) and geometry.groups == 1)
    if not possible or wanted in ("im2col", "loops"):
        return 0
    if wanted != "auto":
        m = int(wanted.removeprefix("winograd"))
        return m if m in winograd.TILES else 0
    if min(weight.shape[:2]) < SMALLEST_WINOGRAD:
        return 0
    return TILE[blas.precision()][direction]
