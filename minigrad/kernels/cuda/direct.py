"""Launching direct.cu: 3×3 convolution of pictures with few channels, and its input gradient.

That is conv1_1 of VGG19, whose time is that of writing (backward: reading) its 64 channels once.
Products are exact float32, whatever the precision in force: tensor cores would gain nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.kernels.array_cache import cached
from minigrad.kernels.cuda import relu_mask
from minigrad.kernels.cuda.compiler import WARP, contiguous, launch
from minigrad.kernels.geometry import Convolution
from minigrad.kernels.im2col import _weight_matrix as weight_matrix
from minigrad.kernels.layout import channels_first

CHANNELS = 4            # at most, of the picture: those of a pixel are read in one piece
BACKWARD = 2 * WARP     # filters of the input gradient, at most: a thread holds all its weights
ROWS, STRIP = 4, 16     # of the result, that a warp makes
WARPS = 4               # in a block


def fits(x: Any, weight: Any, geometry: Convolution) -> bool:
    """Whether direct.cu can convolve float32 images x with these weights O×C×3×3."""
    filters, channels = weight.shape[:2]
    return (x.dtype == np.float32 and weight.shape[2:] == (3, 3) and channels <= CHANNELS
            and filters % WARP == 0 and geometry.stride == geometry.dilation == (1, 1)
            and geometry.groups == 1)


def conv2d(x: Any, weight: Any, bias: Any, geometry: Convolution, relu: bool = False,
           wants_mask: bool = False) -> tuple[Any, Any]:
    """As :func:`minigrad.kernels.im2col.conv2d`, where it :func:`fits`."""
    xp = array_module(x)
    image = contiguous(xp, x)
    filters, channels = weight.shape[:2]
    rows, across = geometry.output_size(x.shape[2:], (3, 3))
    y = xp.empty((len(image), rows, across, filters), dtype=x.dtype)
    bits = relu_mask.empty(xp, y.shape) if wants_mask else None
    blocks = _pieces(len(image), rows, across, WARPS * STRIP) * (filters // WARP)
    launch(xp, "direct", "forward", blocks * WARPS * WARP, image, _matrix(xp, weight),
           bias if bias is None else xp.ascontiguousarray(bias), y, bits, *image.shape[1:3], rows,
           across, geometry.padding[0], geometry.padding[2], relu,
           extra=definitions(channels, filters), block=WARPS * WARP)
    return channels_first(y), bits


def conv2d_input(y: Any, weight: Any, shape: tuple, geometry: Convolution,
                 gate: Any = None) -> Any:
    """As :func:`minigrad.kernels.im2col.conv2d_input`, where it :func:`fits`.

    Of weights with `BACKWARD` filters at most.
    """
    xp = array_module(y)
    gradient = contiguous(xp, y)
    images, channels, height, width = shape
    x = xp.empty((images, height, width, channels), dtype=y.dtype)
    strips = _pieces(images, height, width, STRIP)
    launch(xp, "direct", "input_gradient", strips * WARP, gradient,
           gate if gate is None else xp.ascontiguousarray(gate), _matrix(xp, weight), x,
           np.int64(strips), height, width, *y.shape[2:], geometry.padding[0],
           geometry.padding[2], extra=definitions(channels, len(weight), gate is not None),
           block=WARPS * WARP)
    return channels_first(x)


def definitions(channels: int, filters: int, is_gated: bool = False) -> str:
    """What direct.cu wants in front of it."""
    return (f"const int C = {channels}, GROUPS = {filters // WARP};\n"
            f"const int ROWS = {ROWS}, STRIP = {STRIP}, WARPS = {WARPS};\n"
            f"const bool GATED = {str(is_gated).lower()};")


def _pieces(images: int, height: int, width: int, columns: int) -> int:
    """How many pieces of `ROWS` rows and ``columns`` columns pictures are cut into."""
    return images * -(-height // ROWS) * -(-width // columns)


def _matrix(xp: Any, weight: Any) -> Any:
    """Weights O×C×3×3 as (9·C)×O, kept beside them."""
    return cached(weight, "direct on cuda", lambda: xp.ascontiguousarray(weight_matrix(weight)))
