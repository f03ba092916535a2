"""Resampling of pictures and of optimiser states to another size.

A picture enlarged by r in both directions has r² times as many pixels. The losses hardly depend on
that, so the gradient of each pixel becomes r² times smaller. So do Adam's first moments; the second
moments become r⁴ times smaller.

Pictures from an optimiser have much detail at the scale of a pixel. Kernels of a few pixels
(bilinear, bicubic) weaken it and leave its mirror image beyond the old resolution. Enlarging the
Fourier series does neither, so the first loss at a new size is closer to the last one at the old
size (docs/style-transfer.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import minigrad.functional as F
from minigrad import Tensor, no_grad
from minigrad.backend import array_module

Size = tuple[int, int]          # height, width


def picture(tensor: Tensor, size: Size) -> Tensor:
    """A picture 1×3×H×W in another size."""
    # Channels innermost in memory, see nst.pictures.tensors.
    rows = band_limited(band_limited(tensor.data, size[0], 2), size[1], 3).transpose(0, 2, 3, 1)
    innermost = array_module(rows).ascontiguousarray(rows)
    return Tensor(innermost.transpose(0, 3, 1, 2), device=tensor.device)


def adam_state(state: dict[str, Any], size: Size) -> dict[str, Any]:
    """Adam's moments of a picture in another size."""
    mean, squares = state["exp_avg"], state["exp_avg_sq"]
    growth = _growth(mean.shape[2:], size)
    with no_grad():                         # bilinear keeps positive numbers positive
        larger = F.interpolate(Tensor(squares), size=size, mode="bilinear").data
    return {"step": state["step"], "exp_avg": _planes(mean, size) / growth,
            "exp_avg_sq": larger / growth**2}


def lbfgs_state(state: dict[str, Any], old: Sequence[Size], sizes: Sequence[Size]
                ) -> dict[str, Any]:
    """The curvature pairs of L-BFGS, each a vector of all parameters, in other sizes.

    Steps are resampled as pictures, and changes of the gradient as gradients. The descent starts
    again, so its point and its direction are zero.
    """
    resized = {name: _vectors(pairs, old, sizes) for name, pairs in state["curvature"].items()}
    resized["changes"] /= _growth(old[0], sizes[0])
    length = sum(3 * height * width for height, width in sizes)
    vectors = {name: array_module(value).zeros(length, value.dtype)
               for name, value in state.items() if getattr(value, "ndim", 0) == 1}
    return {**state, **vectors, "search": None, "curvature": resized}


def band_limited(array: Any, length: int, axis: int) -> Any:
    """Resample an axis to `length` elements by the Fourier series of its rows.

    A row of n samples and its mirror image form one period of 2n, so there is no step at the ends.
    Samples are in the middle of pixels. Frequencies that the shorter row cannot represent are
    dropped.
    """
    n = array.shape[axis]
    if n == length:
        return array
    xp = array_module(array)
    mirrored = xp.concatenate([array, xp.flip(array, axis)], axis)
    spectrum = xp.fft.rfft(mirrored, axis=axis)
    count = min(n, length)                  # the coefficient at frequency n is 0, by symmetry
    k = xp.arange(count)
    # From the middle of old pixels, (j + ½)/n, to that of new ones.
    phases = (xp.exp(0.5j * np.pi * k * (1 / length - 1 / n)) * (length / n)).astype(spectrum.dtype)
    shape = [count if i == axis else 1 for i in range(array.ndim)]
    part = spectrum[tuple(slice(count) if i == axis else slice(None) for i in range(array.ndim))]
    rows = xp.fft.irfft(part * phases.reshape(shape), 2 * length, axis=axis)
    return rows[tuple(slice(length) if i == axis else slice(None) for i in range(array.ndim))
                ].astype(array.dtype)


def _growth(old: Size, size: Size) -> float:
    """r²: pixels in ``size`` for each one in ``old``."""
    return size[0] * size[1] / (old[0] * old[1])


def _vectors(rows: Any, old: Sequence[Size], sizes: Sequence[Size]) -> Any:
    """Rows of numbers, each a sequence of pictures 3·H·W, in other sizes.

    A larger picture may have more levels than the smaller one. They are the coarsest, the last of
    a row, and their numbers are zero.
    """
    length = sum(3 * height * width for height, width in sizes)
    resized = array_module(rows).zeros((len(rows), length), rows.dtype)
    old_start = start = 0
    for (height, width), size in zip(old, sizes):
        old_stop, stop = old_start + 3 * height * width, start + 3 * size[0] * size[1]
        pictures = rows[:, old_start:old_stop].reshape(len(rows), 3, height, width)
        resized[:, start:stop] = _planes(pictures, size).reshape(len(rows), 3 * size[0] * size[1])
        old_start, start = old_stop, stop
    return resized


def _planes(array: Any, size: Size) -> Any:
    """An array N×C×H×W in another size."""
    return array_module(array).ascontiguousarray(
        band_limited(band_limited(array, size[0], 2), size[1], 3))
