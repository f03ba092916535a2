"""Launch pool.cu; see `minigrad.kernels.pool` for what the functions compute.

Adjacent 2×2 windows, as at the ends of VGG's blocks, have separate kernels (see `pool2`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.kernels.cuda import pool2
from minigrad.kernels.cuda.compiler import contiguous, launch
from minigrad.kernels.geometry import Pooling
from minigrad.kernels.layout import channels_first

_BYTE = np.dtype(np.uint8)
_MARKS = {_BYTE: "unsigned char", np.dtype(np.int32): "int"}


def max_pool2d(x: Any, geometry: Pooling, saving: bool = True) -> tuple[Any, Any]:
    """As `minigrad.kernels.pool.max_pool2d`."""
    xp = array_module(x)
    image = contiguous(xp, x)
    y = xp.empty(_result_shape(image, geometry), dtype=x.dtype)
    kind = np.dtype(np.uint8 if geometry.kernel[0] * geometry.kernel[1] <= 256 else np.int32)
    winner = xp.empty(y.shape, dtype=kind) if saving else None
    _launch(xp, "max_pool", y, image.shape, y.shape, geometry, image, y, winner, kind=kind)
    return channels_first(y), channels_first(winner) if saving else None


def max_unpool2d(y: Any, winner: Any, shape: tuple, geometry: Pooling) -> Any:
    """As `minigrad.kernels.pool.max_unpool2d`."""
    xp = array_module(y)
    values, winner = contiguous(xp, y), contiguous(xp, winner)
    x = _image(xp, shape, y.dtype)
    _launch(xp, "max_unpool", x, x.shape, values.shape, geometry, values, winner, x,
            kind=winner.dtype)
    return channels_first(x)


def max_pool2d_at(x: Any, winner: Any, geometry: Pooling) -> Any:
    """As `minigrad.kernels.pool.max_pool2d_at`."""
    xp = array_module(x)
    image, winner = contiguous(xp, x), contiguous(xp, winner)
    y = xp.empty(winner.shape, dtype=x.dtype)
    _launch(xp, "max_pool_at", y, image.shape, y.shape, geometry, image, winner, y,
            kind=winner.dtype)
    return channels_first(y)


def avg_pool2d(x: Any, geometry: Pooling) -> Any:
    """As `minigrad.kernels.pool.avg_pool2d`."""
    xp = array_module(x)
    image = contiguous(xp, x)
    y = xp.empty(_result_shape(image, geometry), dtype=x.dtype)
    _launch(xp, "avg_pool", y, image.shape, y.shape, geometry, image, y,
            before=(geometry.count_include_pad,))
    return channels_first(y)


def avg_unpool2d(y: Any, shape: tuple, geometry: Pooling) -> Any:
    """As `minigrad.kernels.pool.avg_unpool2d`."""
    xp = array_module(y)
    values = contiguous(xp, y)
    x = _image(xp, shape, y.dtype)
    _launch(xp, "avg_unpool", x, x.shape, values.shape, geometry, values, x,
            before=(geometry.count_include_pad,))
    return channels_first(x)


def _result_shape(image: Any, geometry: Pooling) -> tuple[int, ...]:
    return (len(image), *geometry.output_size(image.shape[1:3]), image.shape[3])


def _image(xp: Any, shape: tuple, dtype: Any) -> Any:
    n, c, h, w = shape
    return xp.empty((n, h, w, c), dtype=dtype)


def _launch(xp: Any, kernel: str, result: Any, image: tuple, windows: tuple, geometry: Pooling,
            *arrays: Any, kind: Any = _BYTE, before: tuple = ()) -> None:
    """Launch one thread per element of `result`; `image` and `windows` are shapes N×H×W×C."""
    if kernel != "max_pool_at" and pool2.fits(image, windows, geometry, *arrays):
        pool2.run(xp, kernel, image, windows, *arrays)
        return
    launch(xp, "pool", kernel, result.size, *arrays, np.int64(result.size), *before, *image[1:],
           *windows[1:3], *geometry.kernel, *geometry.stride, *geometry.padding,
           real=result.dtype.char, extra=f"typedef {_MARKS[kind]} mark;")
