"""Resizing images, one dimension after the other.

:func:`pick` repeats or drops pixels along a dimension; :func:`unpick` is its derivative, which
sums them again. Bilinear interpolation is the weighted sum of two picks.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import backend
from minigrad.backend import array_module
from minigrad.core.primitive import primitive
from minigrad.core.tensor import Tensor, wrap
from minigrad.errors import ArgumentError, DTypeError, ShapeError
from minigrad.kernels.geometry import pair
from minigrad.ops.resize import resize
from minigrad.printable import shown

MODES = ("nearest", "bilinear")


@primitive
def pick(x, index, dim):
    """z[…, i, …] = x[…, index[i], …] along `dim`; `index` is a tuple of ascending numbers."""
    return array_module(x).take(x, array_module(x).asarray(index, dtype=np.intp), axis=dim)


MAX_ROUNDS = 64


@primitive
def unpick(y, index, dim, length):
    """z[…, k, …] = Σ y[…, i, …] over the i with index[i] = k, for k = 0 … length − 1."""
    xp, before = array_module(y), (slice(None),) * dim
    z = xp.zeros((*y.shape[:dim], length, *y.shape[dim + 1:]), y.dtype)
    rounds = _rounds(index)
    if rounds is None:
        xp.add.at(z, (*before, xp.asarray(index)), y)
        return z
    for sources in rounds:
        targets = np.asarray(index, np.intp)[sources]
        z[(*before, _compact(targets, xp))] += y[(*before, _compact(sources, xp))]
    return z


pick.derivative(x=lambda g, index, dim, x_shape: unpick(g, index, dim, x_shape[dim]))
unpick.derivative(y=lambda g, index, dim: pick(g, index, dim))


def _rounds(index: tuple[int, ...]) -> list[np.ndarray] | None:
    """Positions in `index` such that no number occurs twice in one round.

    The first of several equal numbers is in the first round, the second in the second, and so on.
    Each round is added at once; there are ⌈scale⌉ rounds. None if they are too many to be worth it.
    """
    values = np.asarray(index, np.intp)
    rank = np.arange(len(values)) - np.searchsorted(values, values)
    count = int(rank.max(initial=-1)) + 1
    return [np.flatnonzero(rank == r) for r in range(count)] if count <= MAX_ROUNDS else None


def _compact(positions: np.ndarray, xp: Any) -> Any:
    """Ascending positions as a slice where they are evenly spaced, which is much faster."""
    step = int(positions[1] - positions[0]) if len(positions) > 1 else 1
    if (np.diff(positions) == step).all():
        return slice(int(positions[0]), int(positions[-1]) + 1, step)
    return xp.asarray(positions)


def nearest_index(length: int, size: int, scale: float) -> tuple[int, ...]:
    """⌊i·scale⌋ for i = 0 … size − 1: the pixel that each new one is a copy of."""
    # In float32, like PyTorch: in exact arithmetic a few sizes would differ by one pixel.
    index = np.floor(np.arange(size, dtype=np.float32) * np.float32(scale)).astype(np.intp)
    return tuple(np.minimum(index, length - 1).tolist())


def _resampled(x: Tensor, dim: int, size: int, scale: float, mode: str, align: bool) -> Tensor:
    """Resample one dimension; `scale` is the number of old pixels per new one."""
    length = x.shape[dim]
    if mode == "nearest":
        return pick(x, nearest_index(length, size, scale), dim)
    if align:       # the centres of the corner pixels coincide
        place = np.arange(size) * ((length - 1) / (size - 1) if size > 1 else 0.0)
    else:           # the edges of the corner pixels coincide
        place = np.maximum((np.arange(size) + 0.5) * scale - 0.5, 0.0)
    low = np.minimum(place.astype(np.intp), length - 1)
    high = np.minimum(low + 1, length - 1)
    part = (place - low).astype(x.dtype).reshape(-1, *(1,) * (x.ndim - 1 - dim))
    t = wrap(backend.to_device(part, x.device))
    return pick(x, tuple(low.tolist()), dim) * (1 - t) + pick(x, tuple(high.tolist()), dim) * t


def interpolate(input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
                align_corners: bool | None = None, recompute_scale_factor: bool | None = None
                ) -> Tensor:
    """Resize N×C×H×W images.

    Parameters
    ----------
    input : Tensor, N×C×H×W
    size : int or pair of int, optional
        New height and width in pixels.
    scale_factor : float or pair of float, optional
        In place of `size`: new pixels per old one; sizes are rounded down.
    mode : str
        `"nearest"` (pixel i is a copy of pixel ⌊i·old/new⌋, or ⌊i / scale_factor⌋ if that is
        given), `"nearest-exact"` (of the pixel at its centre), `"bilinear"` (the nearest two rows
        and columns, weighted by distance), `"bicubic"` or `"area"` (means of nearly equal parts).
        Images N×C×L and N×C×D×H×W have `"linear"` and `"trilinear"` in place of the bilinear and
        bicubic modes.
    align_corners : bool, optional
        For bilinear: whether the centres of the corner pixels stay where they are (True), or
        their outer edges (False, the default).
    recompute_scale_factor : bool, optional
        Take the factor from the two sizes, after rounding, instead of the given one.

    Returns
    -------
    Tensor, N×C×P×Q

    Raises
    ------
    ShapeError
        The input is not an image batch.
    ArgumentError
        An impossible size, scale factor or mode.
    DTypeError
        Integers in a mode that computes means, except for bytes (uint8) in the bilinear and
        bicubic modes.
    """
    if input.ndim in (3, 5) or (input.ndim == 4 and mode in ("nearest-exact", "bicubic", "area")) \
            or recompute_scale_factor or (mode == "bilinear" and input.dtype == np.uint8):
        return resize(input, size, scale_factor, mode, align_corners, recompute_scale_factor)
    if input.ndim != 4 or 0 in input.shape[2:]:
        raise ShapeError(f"interpolate needs an image batch N×C×H×W with pixels, not shape "
                         f"{input.shape}")
    if mode not in MODES:
        raise ArgumentError(f"interpolate supports the modes {', '.join(MODES)}, not {shown(mode)}")
    if align_corners is not None and mode == "nearest":
        raise ArgumentError("interpolate: align_corners is an option of mode bilinear, not nearest")
    if mode == "bilinear" and input.dtype.kind != "f":
        raise DTypeError(f"interpolate: bilinear needs floats, not {input.dtype}; use .float()")
    old = input.shape[2:]
    sizes, scales = _sizes(old, size, scale_factor)
    for dim, (new, scale) in enumerate(zip(sizes, scales), start=2):
        if new != old[dim - 2]:     # as in PyTorch, a dimension that keeps its length is copied
            input = _resampled(input, dim, new, scale, mode, bool(align_corners))
    return input if sizes != old else input.clone()


def _sizes(old: tuple[int, ...], size: Any, scale_factor: Any
           ) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """New height and width, and for both the number of old pixels per new one."""
    if (size is None) == (scale_factor is None):
        raise ArgumentError("interpolate needs either size or scale_factor, and not both")
    if size is not None:
        sizes = pair(size, "interpolate: size", 1)
        return sizes, tuple(n / new for n, new in zip(old, sizes))
    several = isinstance(scale_factor, (tuple, list))
    factors = tuple(scale_factor) if several else (scale_factor, scale_factor)
    sizes = tuple(math.floor(n * factor) for n, factor in zip(old, factors))
    if len(factors) != 2 or min(sizes) < 1:
        raise ArgumentError(f"interpolate needs a scale_factor (a number or a pair) that leaves at "
                            f"least one pixel of {tuple(old)}, not {shown(scale_factor)}")
    return sizes, tuple(1 / f for f in factors)
