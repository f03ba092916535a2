"""Messages about a lack of memory: how much was requested, and which size would fit."""

from __future__ import annotations

import math

from minigrad import cuda
from nst.system.executors import WorkerError

# Approximate peak memory of a run on a GPU, with L-BFGS and the default layers: per pixel of the
# picture, and for weights, transformed weights and workspaces.
BYTES_PER_PIXEL = 3000
BYTES_OVERHEAD = 500_000_000


def in_words(error: Exception, size: tuple[int, int], device: str) -> str:
    """Describe an error that occurred with a picture of `size` (height, width)."""
    if isinstance(error, WorkerError) or not isinstance(error, MemoryError):
        return str(error)
    height, width = size
    pixels = f"{width}×{height} pixels"
    if device == "cpu":
        return f"there is not enough memory for {pixels}; choose a smaller --size than {max(size)}"
    fits = largest_size(size, cuda.memory_available(device) + cuda.memory_allocated(device))
    advice = (f"--size {fits} would fit" if fits
              else "the device is too small for this network, choose device 'cpu'")
    return (f"{device} does not have enough memory for {pixels}: {cuda.explain(error, device)}; "
            f"{advice}")


def largest_size(size: tuple[int, int], free: int) -> int:
    """Return the largest long side that fits into `free` bytes, a multiple of 16, or 0."""
    pixels = max(0, free - BYTES_OVERHEAD) / BYTES_PER_PIXEL
    share = math.sqrt(pixels / (size[0] * size[1]))
    return min(int(max(size) * share) // 16 * 16, (max(size) - 1) // 16 * 16)
