"""Moment matrices of a part of image batches, without copying the features.

The moment matrix of features F, channels × pixels, is the Gram matrix of F with a further row of
ones: it holds Σ F·Fᵀ, Σ F and the number of pixels. A window limits the sums to some rows and
columns of the image. It is processed in bands that stay in the cache, so that neither the window
nor the ones are written to memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from minigrad.backend import array_module
from minigrad.kernels import memory, parallel

BAND = 1 << 17          # numbers in one band of one image: 512 kB of float32


class Window(NamedTuple):
    """Rows and columns of an image, as half-open ranges."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def index(self) -> tuple[slice, slice]:
        """The index of the window in an image H×W."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def pixels(self) -> int:
        """The number of pixels."""
        return (self.bottom - self.top) * (self.right - self.left)


def moment_products(x: Any, y: Any, window: Window) -> Any:
    """[X; 1]·[Y; 1]ᵀ over the window: N×C×H×W and N×D×H×W to N×(C+1)×(D+1)."""
    xp = array_module(x)
    out = xp.empty((x.shape[0], x.shape[1] + 1, y.shape[1] + 1), dtype=x.dtype)
    out[:, -1, -1] = window.pixels
    if xp is not np:
        left, right = _inside(x, window), _inside(y, window)
        out[:, :-1, :-1] = xp.matmul(left.swapaxes(1, 2), right)
        out[:, :-1, -1], out[:, -1, :-1] = left.sum(axis=1), right.sum(axis=1)
        return out
    pieces = [(n, k, window_of_thread) for n in range(len(x))
              for k, window_of_thread in enumerate(_shares(window))]
    sums = np.empty((len(pieces), x.shape[1] + 1, y.shape[1] + 1), x.dtype)

    def work(number: int) -> None:
        n, _, share = pieces[number]
        _add_products(_image(x, n), None if x is y else _image(y, n), share, sums[number])

    parallel.run(work, range(len(pieces)))
    per_image = sums.reshape(len(x), -1, *sums.shape[1:]).sum(axis=1)
    out[:, :-1, :] = per_image[:, :-1, :]
    out[:, -1, :-1] = per_image[:, -1, :-1]
    return out


def moment_mix(x: Any, m: Any, window: Window) -> Any:
    """A·X + b in the window and 0 around it, [A b] being all rows of m but the last one.

    x N×C×H×W and m N×(K+1)×(C+1) to N×K×H×W, channels innermost in memory.
    """
    xp = array_module(x)
    n_images, _, height, width = x.shape
    matrix, offset = m[:, :-1, :-1], m[:, :-1, -1]
    if xp is not np:
        mixed = xp.zeros((n_images, height, width, matrix.shape[1]), dtype=x.dtype)
        inside = xp.matmul(_inside(x, window), matrix.swapaxes(1, 2)) + offset[:, None]
        mixed[(slice(None), *window.index)] = inside.reshape(
            n_images, window.bottom - window.top, window.right - window.left, -1)
        return mixed.transpose(0, 3, 1, 2)
    mixed = memory.empty_like_kind(np, (n_images, height, width, matrix.shape[1]), x.dtype)
    for n in range(n_images):
        _clear_around(mixed[n], window)

    def work(piece: tuple[int, Window]) -> None:
        n, share = piece
        _mix(_image(x, n), matrix[n], offset[n], share, mixed[n])

    parallel.run(work, [(n, share) for n in range(n_images) for share in _shares(window)])
    return mixed.transpose(0, 3, 1, 2)


def _add_products(x: np.ndarray, y: np.ndarray | None, window: Window, out: np.ndarray) -> None:
    """`moment_products` of one image, H×W×C; y is None where it is x."""
    out[...] = 0
    product = parallel.scratch("moments", out[:-1, :-1].shape, out.dtype)
    ones: np.ndarray | None = None
    for band in _bands(window, x.shape[2]):
        left = _band(x, band)
        right = left if y is None else _band(y, band)
        if ones is None or ones.shape[1] != len(left):
            ones = np.ones((1, len(left)), out.dtype)
        # For the product of an array with its own transpose NumPy computes one half only.
        np.matmul(left.T, right, out=product)
        out[:-1, :-1] += product
        out[:-1, -1] += (ones @ left)[0]
        if y is not None:
            out[-1, :-1] += (ones @ right)[0]
    if y is None:
        out[-1, :-1] = out[:-1, -1]


def _mix(x: np.ndarray, matrix: np.ndarray, offset: np.ndarray, window: Window, out: np.ndarray
         ) -> None:
    """`moment_mix` of one image, H×W×C, in the window only."""
    transposed = np.ascontiguousarray(matrix.T)
    for band in _bands(window, max(x.shape[2], out.shape[2])):
        rows, columns = band.index
        part = out[rows, columns]
        target = part.reshape(-1, part.shape[2]) if part.flags.c_contiguous else None
        product = np.matmul(_band(x, band), transposed, out=target)
        product += offset
        if target is None:
            part[...] = product.reshape(part.shape)


def _band(image: np.ndarray, band: Window) -> np.ndarray:
    """The pixels of a band, pixels × channels: a view of whole rows, otherwise a copy."""
    rows, columns = band.index
    return image[rows, columns].reshape(-1, image.shape[2])


def _bands(window: Window, channels: int) -> Iterator[Window]:
    """The window in bands of whole rows, of about `BAND` numbers each."""
    step = max(1, BAND // max(1, channels * (window.right - window.left)))
    for top in range(window.top, window.bottom, step):
        yield window._replace(top=top, bottom=min(top + step, window.bottom))


def _shares(window: Window) -> list[Window]:
    """The window in one part per thread."""
    threads, rows = parallel.get_num_threads(), window.bottom - window.top
    return [window._replace(top=window.top + rows * k // threads,
                            bottom=window.top + rows * (k + 1) // threads)
            for k in range(threads)]


def _image(x: np.ndarray, n: int) -> np.ndarray:
    return x[n].transpose(1, 2, 0)


def _inside(x: Any, window: Window) -> Any:
    """The pixels of the window, N × pixels × channels."""
    rows, columns = window.index
    return x.transpose(0, 2, 3, 1)[:, rows, columns].reshape(len(x), -1, x.shape[1])


def _clear_around(image: np.ndarray, window: Window) -> None:
    rows, columns = window.index
    image[:window.top] = 0
    image[window.bottom:] = 0
    image[rows, :window.left] = 0
    image[rows, window.right:] = 0
