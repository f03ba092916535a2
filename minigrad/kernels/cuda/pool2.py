"""Launching pool2.cu: 2×2 windows side by side in float32, four channels to a thread."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.kernels.cuda.compiler import launch
from minigrad.kernels.geometry import Pooling

ALIGNED = 16            # bytes that a thread reads at a time
FOUR = 4                # channels of a thread


def fits(image: tuple, windows: tuple, geometry: Pooling, *arrays: Any) -> bool:
    """Whether pool2.cu can serve windows of this geometry.

    Parameters
    ----------
    image, windows : shapes N×H×W×C.
    arrays : without gaps; whatever the kernel reads and writes. Their first byte may lie
        anywhere: views of a part of an array do.
    """
    return (geometry.kernel == geometry.stride == (2, 2) and geometry.padding == (0, 0)
            and image[3] % FOUR == 0 and windows[1:3] == (image[1] // 2, image[2] // 2)
            and all(_suits(array) for array in arrays if array is not None))


def _suits(array: Any) -> bool:
    """Whether fours of numbers lie where they can be read in one piece."""
    if array.dtype == np.uint8:
        return array.data.ptr % FOUR == 0
    return array.dtype == np.float32 and array.data.ptr % ALIGNED == 0


def run(xp: Any, kernel: str, image: tuple, windows: tuple, *arrays: Any) -> None:
    """Start `kernel` with one thread for each window and four channels; shapes N×H×W×C."""
    threads = windows[0] * windows[1] * windows[2] * (windows[3] // FOUR)
    launch(xp, "pool2", kernel, threads, *arrays, np.int64(threads), *image[1:3],
           image[3] // FOUR, *windows[1:3])
