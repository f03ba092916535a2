"""What to say when there is not enough memory: how much was asked for, and what would fit."""

from __future__ import annotations

import math

from minigrad import cuda

# What a run on a GPU needs at its height, roughly: so much for each pixel of the picture, with
# L-BFGS and the default layers, and so much besides (weights, transformed weights, workspaces).
BYTES_PER_PIXEL = 2500
BYTES_OVERHEAD = 500_000_000


def in_words(error: Exception, size: tuple[int, int], device: str) -> str:
    """One sentence about ``error``, which came up at a picture of ``size`` (height, width)."""
    if not isinstance(error, MemoryError):
        return str(error)
    height, width = size
    pixels = f"{width}×{height} pixels"
    if device == "cpu":
        return f"there is not enough memory for {pixels}; choose a smaller --size than {max(size)}"
    fits = largest_size(size, cuda.memory_available(device) + cuda.memory_allocated(device))
    advice = (f"--size {fits} would fit" if fits
              else "the device is too small for this network, choose device 'cpu'")
    return f"{device} has not enough memory for {pixels}: {cuda.explain(error, device)}; {advice}"


def largest_size(size: tuple[int, int], room: int) -> int:
    """The long side that needs no more than ``room`` bytes, in steps of 16; 0 if there is none."""
    pixels = max(0, room - BYTES_OVERHEAD) / BYTES_PER_PIXEL
    share = math.sqrt(pixels / (size[0] * size[1]))
    return min(int(max(size) * share) // 16 * 16, (max(size) - 1) // 16 * 16)
