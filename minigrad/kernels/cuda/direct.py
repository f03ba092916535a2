"""Launch direct.cu: 3×3 convolution of images with few channels, and its input gradient.

In VGG19 this is conv1_1, whose time goes into writing (backward: reading) its 64 channels once.
Products are float32, whatever the precision in force: tensor cores would gain nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.kernels.array_cache import cached
from minigrad.kernels.cuda import relu_mask
from minigrad.kernels.cuda.compiler import WARP, contiguous, launch
from minigrad.kernels.geometry import Convolution
from minigrad.kernels.im2col import weight_matrix
from minigrad.kernels.layout import channels_first

MAX_CHANNELS = 4        # of the image: a thread reads those of a pixel at once
MAX_FILTERS = 2 * WARP  # of the input gradient: a thread holds all its weights
ROWS, STRIP = 4, 16     # of the result, computed by one warp
WARPS = 4               # in a block


def fits(x: Any, weight: Any, geometry: Convolution) -> bool:
    """Whether direct.cu can convolve x with these weights O×C×3×3."""
    filters, channels = weight.shape[:2]
    return (x.dtype == np.float32 and weight.shape[2:] == (3, 3) and channels <= MAX_CHANNELS
            and filters % WARP == 0 and geometry.stride == geometry.dilation == (1, 1)
            and geometry.groups == 1)


def direct_conv2d(x: Any, weight: Any, bias: Any, geometry: Convolution, relu: bool = False,
                  wants_mask: bool = False) -> tuple[Any, Any]:
    """As `minigrad.kernels.im2col.im2col_conv2d`; requires `fits`."""
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


def direct_input_gradient(y: Any, weight: Any, shape: tuple, geometry: Convolution,
                          gate: Any = None) -> Any:
    """As `minigrad.kernels.im2col.im2col_input_gradient`.

    Requires `fits` and at most `MAX_FILTERS` filters.
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
    """Definitions that direct.cu expects before its text."""
    return (f"const int C = {channels}, GROUPS = {filters // WARP};\n"
            f"const int ROWS = {ROWS}, STRIP = {STRIP}, WARPS = {WARPS};\n"
            f"const bool GATED = {str(is_gated).lower()};")


def _pieces(images: int, height: int, width: int, columns: int) -> int:
    """Number of pieces of `ROWS` rows and `columns` columns that cover the images."""
    return images * -(-height // ROWS) * -(-width // columns)


def _matrix(xp: Any, weight: Any) -> Any:
    """Weights O×C×3×3 as (9·C)×O, cached."""
    return cached(weight, "direct on cuda", lambda: xp.ascontiguousarray(weight_matrix(weight)))
