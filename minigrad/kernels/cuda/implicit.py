"""Launch implicit.cu: 3×3 convolution on tensor cores, in TF32, without transforms."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from minigrad.kernels.array_cache import cached
from minigrad.kernels.cuda import relu_mask
from minigrad.kernels.cuda.compiler import WARP, contiguous, launch
from minigrad.kernels.layout import channels_first

CHANNELS, FILTERS = 32, 64      # channels and filters must be multiples of these
ROWS, COLUMNS = 16, 16          # pixels of a block
THREADS = WARP * ROWS // 4
MIN_CAPABILITY = 80             # compute capability 8.0: tensor cores with TF32
# Bytes of shared memory, double-buffered for image and weights: one block fits on GPUs with 99 KB,
# two on an H100.
SEEN = (ROWS + 2) * (COLUMNS + 2)
SHARED = 4 * (2 * 32 * SEEN + 2 * 32 * FILTERS + SEEN)


def is_possible(xp: Any, weight_shape: tuple, is_turned: bool) -> bool:
    """Whether the kernel can serve weights O×C×3×3 on the current device."""
    filters, channels = weight_shape[1::-1] if is_turned else weight_shape[:2]
    return (channels % CHANNELS == 0 and filters % FILTERS == 0
            and _has_tf32(xp, xp.cuda.runtime.getDevice()))


@lru_cache
def _has_tf32(xp: Any, device: int) -> bool:
    return int(xp.cuda.Device(device).compute_capability) >= MIN_CAPABILITY


def arrange_weight(xp: Any, weight: Any, is_turned: bool) -> Any:
    """Weights O×C×3×3 in the order of the kernel, cached."""
    def compute() -> Any:
        arranged = xp.empty(weight.size, dtype=weight.dtype)
        launch(xp, "implicit", "arrange_weight", weight.size, xp.ascontiguousarray(weight),
               arranged, *weight.shape[:2], is_turned)
        return arranged
    return cached(weight, ("implicit on cuda", is_turned), compute)


def implicit_conv2d(xp: Any, x: Any, weight: Any, bias: Any, padding: tuple[int, int, int, int], *,
                    is_turned: bool = False, relu: bool = False, gate: Any = None,
                    wants_mask: bool = False) -> tuple[Any, Any]:
    """Convolve float32 images N×C×H×W with 3×3 weights and stride 1; requires `is_possible`.

    Parameters and results are those of `minigrad.kernels.winograd.winograd_conv2d`, except that
    `weight` is O×C×3×3. Operands are rounded to TF32, whatever the precision in force.
    """
    filters = weight.shape[1 if is_turned else 0]
    image = _aligned(xp, contiguous(xp, x), 16)
    gate = gate if gate is None else _aligned(xp, xp.ascontiguousarray(gate), 4)
    bias = bias if bias is None else xp.ascontiguousarray(bias)
    n, height, width, channels = image.shape
    top, bottom, left, right = padding
    size = (height + top + bottom - 2, width + left + right - 2)
    y = xp.empty((n, *size, filters), dtype=image.dtype)
    bits = relu_mask.empty(xp, y.shape) if wants_mask else None
    down, across = -(-size[0] // ROWS), -(-size[1] // COLUMNS)
    launch(xp, "implicit", "convolve", n * down * across * (filters // FILTERS) * THREADS, image,
           gate, arrange_weight(xp, weight, is_turned), bias, y, bits, height, width, channels,
           filters, *size, down, across, top, left, relu, block=THREADS, shared=SHARED)
    return channels_first(y), bits


def _aligned(xp: Any, array: Any, size: int) -> Any:
    """The array, or a copy of it, at an address that is a multiple of `size` bytes."""
    return array if array.data.ptr % size == 0 else xp.array(array)
