"""Resizing of images in the modes that :mod:`.interpolate` lacks, and of one or three dimensions.

Along each dimension every new pixel is a weighted sum of old ones: a mode is a matrix of weights.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.core.tensor import Tensor, wrap
from minigrad.errors import ArgumentError, DTypeError, ShapeError
from minigrad.kernels.arguments import whole
from minigrad.ops.windows import adaptive_avg_pool, along_dimension
from minigrad.printable import shown

MODES = {"nearest": (1, 2, 3), "nearest-exact": (1, 2, 3), "linear": (1,), "bilinear": (2,),
         "trilinear": (3,), "bicubic": (2,), "area": (1, 2, 3)}
CUBIC = -0.75           # a of Keys' kernel, as in PyTorch


def _positions(old: int, new: int, scale: float | None, align_corners: bool) -> np.ndarray:
    """Where the centres of new pixels lie between the centres of old ones."""
    if align_corners:
        return np.arange(new) * ((old - 1) / (new - 1) if new > 1 else 0.0)
    return (np.arange(new) + 0.5) * (1 / scale if scale else old / new) - 0.5


def _cubic(t: np.ndarray) -> np.ndarray:
    """Keys, "Cubic convolution interpolation" (1981), eq. 4, with a = −0.75."""
    t, a = np.abs(t), CUBIC
    near = (a + 2) * t ** 3 - (a + 3) * t ** 2 + 1
    far = a * (t ** 3 - 5 * t ** 2 + 8 * t - 4)
    return np.where(t <= 1, near, np.where(t < 2, far, 0.0))


def weights(old: int, new: int, scale: float | None, mode: str, align_corners: bool) -> np.ndarray:
    """The matrix old×new of one dimension."""
    if mode in ("nearest", "nearest-exact"):
        step = np.float32(1 / scale if scale else old / new)
        shift = np.float32(0.5 if mode == "nearest-exact" else 0.0)
        source = np.floor((np.arange(new, dtype=np.float32) + shift) * step).astype(int)
        return np.eye(old)[source.clip(0, old - 1)].T
    where = _positions(old, new, scale, align_corners)
    if mode == "bicubic":
        taps = np.floor(where)[:, None] + np.arange(-1, 3)
        shares = _cubic(where[:, None] - taps)
    else:
        where = where.clip(0, None)
        taps = np.floor(where)[:, None] + np.arange(2)
        shares = np.maximum(1 - np.abs(where[:, None] - taps), 0)
    matrix = np.zeros((old, new))
    place = taps.clip(0, old - 1).astype(int)
    np.add.at(matrix, (place, np.arange(new)[:, None]), shares)
    return matrix


def in_bytes(x: Tensor, matrices: dict[int, np.ndarray]) -> Tensor:
    """Each line of bytes along each dimension times a matrix, as PyTorch resizes uint8 images.

    The last dimension comes first; results are rounded to bytes after each. Weights are whole
    numbers below 2¹⁵, divided by a power of two.
    """
    xp, array = array_module(x._array), x._array
    for d, matrix in sorted(matrices.items(), reverse=True):
        bits = 15 - math.frexp(float(np.abs(matrix).max()) + 2.0 ** -16)[1]
        whole = xp.asarray(np.trunc(matrix * 2.0 ** bits + np.copysign(0.5, matrix)))
        sums = xp.moveaxis(array, d, -1).astype(np.float64) @ whole + 2.0 ** (bits - 1)
        array = xp.moveaxis(xp.floor(sums / 2.0 ** bits).clip(0, 255), -1, d)
    return wrap(array.astype(np.uint8))


def resize(input: Tensor, size: Any, scale_factor: Any, mode: str, align_corners: bool | None,
           recompute_scale_factor: bool | None = None) -> Tensor:
    """Images N×C×… of another size; the parameters are those of :func:`interpolate`."""
    pixels = input.ndim - 2
    if pixels not in MODES.get(mode, ()):
        raise ArgumentError(f"interpolate has the modes "
                            f"{', '.join(m for m, dims in MODES.items() if pixels in dims)} for an "
                            f"image of shape {input.shape}, not {shown(mode)}")
    any_type = mode in ("nearest", "nearest-exact") or (
        mode in ("bilinear", "bicubic") and input.dtype == np.uint8)
    if input.dtype.kind != "f" and not any_type:
        raise DTypeError(f"interpolate: {mode} needs floats, not {input.dtype}; use .float()")
    if align_corners is not None and mode in ("nearest", "nearest-exact", "area"):
        raise ArgumentError(f"interpolate: align_corners has no meaning in the mode {shown(mode)}")
    if (size is None) == (scale_factor is None):
        raise ArgumentError("interpolate needs either size or scale_factor")
    old = input.shape[2:]
    scales: list[Any] = [None] * pixels
    if size is not None:
        new = [whole(n, "interpolate: a size") for n in _each(size, pixels)]
    else:
        factors = [float(f) for f in _each(scale_factor, pixels)]
        new = [math.floor(n * f) for n, f in zip(old, factors)]
        scales = scales if recompute_scale_factor else factors
    if min(new) < 1 or 0 in old:
        raise ShapeError(f"interpolate cannot make an image of {tuple(new)} pixels from one of "
                         f"{tuple(old)}")
    if mode == "area":
        return adaptive_avg_pool(input, new, pixels=pixels)
    # PyTorch copies a dimension that keeps its length, in these modes also if a factor is given.
    copies = mode.endswith("linear") or (mode == "bicubic" and input.dtype == np.uint8)
    matrices = {d: weights(n, int(m), scale, mode, bool(align_corners))
                for d, (n, m, scale) in enumerate(zip(old, new, scales), start=2)
                if n != m or not (scale is None or copies)}
    if input.dtype == np.uint8 and mode in ("bilinear", "bicubic"):
        return in_bytes(input, matrices)
    x = input
    for d, matrix in matrices.items():
        x = along_dimension(x, d, matrix)
    return x if x is not input else input.clone()


def _each(value: Any, count: int) -> list:
    values = list(value) if isinstance(value, (tuple, list)) else [value] * count
    if len(values) != count:
        raise ArgumentError(f"interpolate needs a number, or one for each of {count} dimensions, "
                            f"not {shown(value)}")
    return values
