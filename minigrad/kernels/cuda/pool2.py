"""Launch pool2.cu: adjacent 2×2 windows in float32, four channels per thread."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.kernels.cuda.compiler import launch
from minigrad.kernels.geometry import Pooling

ALIGNMENT = 16          # bytes that a thread reads at a time
FOUR = 4                # channels of a thread


def fits(image: tuple, windows: tuple, geometry: Pooling, *arrays: Any) -> bool:
    """Whether pool2.cu can serve windows of this geometry.

    Parameters
    ----------
    image, windows : shapes N×H×W×C.
    arrays : contiguous arrays that the kernel reads and writes. Their start may be unaligned, as
        in views of a part of an array.
    """
    return (geometry.kernel == geometry.stride == (2, 2) and geometry.padding == (0, 0)
            and image[3] % FOUR == 0 and windows[1:3] == (image[1] // 2, image[2] // 2)
            and all(_is_aligned(array) for array in arrays if array is not None))


def _is_aligned(array: Any) -> bool:
    """Whether groups of four elements are aligned for one read."""
    if array.dtype == np.uint8:
        return array.data.ptr % FOUR == 0
    return array.dtype == np.float32 and array.data.ptr % ALIGNMENT == 0


def run(xp: Any, kernel: str, image: tuple, windows: tuple, *arrays: Any) -> None:
    """Launch `kernel` with one thread per window and four channels; shapes are N×H×W×C."""
    threads = windows[0] * windows[1] * windows[2] * (windows[3] // FOUR)
    launch(xp, "pool2", kernel, threads, *arrays, np.int64(threads), *image[1:3],
           image[3] // FOUR, *windows[1:3])
