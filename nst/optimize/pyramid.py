"""A Laplacian pyramid: a picture as a sum of enlarged levels, each half as large as the one before.

    x = r₀p₀ + U(r₁p₁ + U(r₂p₂ + …)),    U: enlarge by two, bilinearly

An optimiser that moves the levels instead of the pixels moves a whole region by one number of a
coarse level, and an edge by many numbers of a fine one. The rates r slow down the
finest levels, which would otherwise fill plain parts of the picture with ripples. `expand` is the
sum above, a linear map from levels to pictures. `adjoint` is its transpose, which maps the gradient
with respect to the picture to that with respect to every level.

Burt and Adelson, "The Laplacian Pyramid as a Compact Image Code" (1983).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad.backend import array_module

Size = tuple[int, int]          # height, width

COARSEST = 16           # pixels: the long side of the last level is at most this
RATES = (0.15, 0.4, 0.8, 1.0)   # r of the levels, from the finest; the last for all others
NEAR, FAR = 0.75, 0.25  # weights of the two nearest pixels of the coarser level


def level_sizes(size: Size) -> list[Size]:
    """Height and width of every level, from that of the picture to the coarsest."""
    sizes = [size]
    while max(sizes[-1]) > COARSEST:
        height, width = sizes[-1]
        sizes.append(((height + 1) // 2, (width + 1) // 2))
    return sizes


def expand(levels: Sequence[Any]) -> Any:
    """The picture of the levels, arrays 1×C×H×W from fine to coarse."""
    rates = _rates(len(levels))
    picture = rates[-1] * levels[-1]
    for rate, level in zip(rates[-2::-1], levels[-2::-1]):
        enlarged = enlarge(picture, level.shape[2:])
        picture = rate * level
        picture += enlarged
    return picture


def adjoint(gradient: Any) -> list[Any]:
    """The transpose of `expand`: an array 1×C×H×W to one for each level, from fine to coarse."""
    parts = [gradient]
    for _ in level_sizes(gradient.shape[2:])[1:]:
        parts.append(enlarge_adjoint(parts[-1]))
    return [rate * part for rate, part in zip(_rates(len(parts)), parts)]


def _rates(count: int) -> list[float]:
    """The rates of `count` levels, from fine to coarse; a picture of one level has rate 1."""
    if count == 1:
        return [1.0]
    return [RATES[min(level, len(RATES) - 1)] for level in range(count)]


def enlarge(array: Any, size: Size) -> Any:
    """U: enlarge an array 1×C×H×W by two, to 2H or 2H − 1 rows and 2W or 2W − 1 columns."""
    rows = _enlarge_axis(array.transpose(0, 2, 3, 1), size[0], 1)
    return _enlarge_axis(rows, size[1], 2).transpose(0, 3, 1, 2)


def enlarge_adjoint(array: Any) -> Any:
    """Uᵀ: an array 1×C×H×W to one of half as many rows and columns, rounded up."""
    columns = _adjoint_axis(array.transpose(0, 2, 3, 1), 2)
    return _adjoint_axis(columns, 1).transpose(0, 3, 1, 2)


def _enlarge_axis(array: Any, length: int, axis: int) -> Any:
    """Rows 2k and 2k + 1 lie a quarter of a coarse row before and behind the coarse row k."""
    coarse = _first(array, axis)
    shape = list(coarse.shape)
    shape[0] = length
    fine = array_module(array).empty(shape, array.dtype)
    even, odd = fine[0::2], fine[1::2]
    pairs = len(odd)
    even[...] = NEAR * coarse
    even[1:] += FAR * coarse[:-1]
    even[0] += FAR * coarse[0]                      # the edge continues outside
    odd[...] = NEAR * coarse[:pairs]
    beyond = coarse[1:pairs + 1]
    odd[:len(beyond)] += FAR * beyond
    if len(beyond) < pairs:
        odd[-1] += FAR * coarse[-1]
    return fine.swapaxes(0, axis)


def _adjoint_axis(array: Any, axis: int) -> Any:
    fine = _first(array, axis)
    even, odd = fine[0::2], fine[1::2]
    coarse = NEAR * even
    pairs = len(odd)
    coarse[:-1] += FAR * even[1:]
    coarse[0] += FAR * even[0]
    coarse[:pairs] += NEAR * odd
    shifted = min(pairs, len(coarse) - 1)
    coarse[1:shifted + 1] += FAR * odd[:shifted]
    if shifted < pairs:
        coarse[-1] += FAR * odd[-1]
    return coarse.swapaxes(0, axis)


def _first(array: Any, axis: int) -> Any:
    return array.swapaxes(0, axis)
