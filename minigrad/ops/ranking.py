"""Elements by rank: the k largest, medians, quantiles.

The results are gathered from a sorted order, so their gradient goes to the elements taken.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.backend import array_module, to_device
from minigrad.core.tensor import Tensor, wrap
from minigrad.errors import ArgumentError, DTypeError
from minigrad.kernels.element_types import need_real
from minigrad.kernels.sorting import sorting_order
from minigrad.ops.arithmetic import equal, less_equal, where
from minigrad.ops.questions import isnan
from minigrad.ops.reduce import amax, count, mean, normal_dims, sum
from minigrad.ops.shape import gather_along, normal_dim, permute, reshape
from minigrad.ops.shape_functions import flatten
from minigrad.ops.sorting import sort
from minigrad.printable import shown


def msort(input: Tensor) -> Tensor:
    """x's elements in order along the first dimension."""
    return sort(input, 0)[0]


def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
         ) -> tuple[Tensor, Tensor]:
    """The k largest (or smallest) elements along `dim` in order, and their positions.

    Raises
    ------
    ArgumentError
        k is negative, or more than there are.
    """
    dim = normal_dim(dim, input.ndim)
    x = input if input.ndim else reshape(input, (1,))
    if not 0 <= k <= x.shape[dim]:
        raise ArgumentError(f"topk needs a k of 0 … {x.shape[dim]}, the length of dimension {dim}, "
                            f"not {k}")
    order = sorting_order(x._array, dim, largest)
    return _taken(x, order[(slice(None),) * dim + (slice(k),)], dim,
                  input.shape[:dim] + (k,) * bool(input.ndim) + input.shape[dim + 1:])


def _taken(x: Tensor, indices: Any, dim: int, shape: tuple) -> tuple[Tensor, Tensor]:
    """The elements at distinct `indices` along `dim`, reshaped."""
    return (reshape(gather_along(x, indices, dim, True), shape),
            wrap(indices.reshape(shape)))


def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False
             ) -> tuple[Tensor, Tensor]:
    """The k-th smallest element along `dim`, counted from 1, and its position.

    Raises
    ------
    ArgumentError
        There is no such element.
    """
    dim = normal_dim(dim, input.ndim)
    x = input if input.ndim else reshape(input, (1,))
    if not 1 <= k <= x.shape[dim]:
        raise ArgumentError(f"kthvalue needs a k of 1 … {x.shape[dim]}, the length of dimension "
                            f"{dim}, not {k}")
    order = sorting_order(x._array, dim, False)
    return _taken(x, order[(slice(None),) * dim + (slice(k - 1, k),)], dim,
                  _shape(input.shape, dim, keepdim))


def _shape(shape: tuple, dim: int, keepdim: bool) -> tuple:
    """`shape` after a reduction over `dim`."""
    return shape[:dim] + (1,) * (keepdim and bool(shape)) + shape[dim + 1:]


def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle element, or `(values, indices)` along `dim`; of two the smaller.

    NaN if an element is NaN, or if x holds floats but no elements; :func:`nanmedian` ignores NaN.
    Without `dim` equal elements share the gradient evenly, with `dim` the one at the index gets it.
    """
    return _median(input, dim, keepdim, "median")


def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The median of the elements that are not NaN, see :func:`median`."""
    return _median(input, dim, keepdim, "nanmedian")


def _median(input: Tensor, dim: int | None, keepdim: bool, name: str) -> Any:
    x = input if input.ndim else reshape(input, (1,))
    if dim is None and not x.numel() and x.dtype.kind == "f":
        return mean(x)              # of nothing: NaN
    if dim is None:
        return _shared(x, _median(flatten(x), 0, False, name)[0])
    dim = normal_dim(dim, input.ndim)
    if not x.shape[dim]:
        raise ArgumentError(f"{name} of no elements does not exist: shape {input.shape}, dimension "
                            f"{dim}")
    xp = array_module(x._array)
    numbers = (x._array == x._array).sum(axis=dim, keepdims=True)
    middle = xp.maximum(numbers - 1, 0) // 2
    if name == "median":        # NaN stands behind all numbers
        last = x.shape[dim] - 1
        middle = xp.where(numbers <= last, last, middle)
    order = sorting_order(x._array, dim, False)
    return _taken(x, xp.take_along_axis(order, middle, dim), dim, _shape(input.shape, dim, keepdim))


def _shared(x: Tensor, middle: Tensor) -> Tensor:
    """The middle element of all; those that equal it share its gradient evenly, as in `amax`."""
    if x.dtype.kind != "f":
        return middle
    value = middle.item()
    if np.isfinite(value):
        return amax(where(less_equal(x, value), x, -np.inf))
    equals = isnan(x) if np.isnan(value) else equal(x, value)
    return sum(where(equals, x, 0)) / sum(equals)       # the mean of equals keeps infinity and NaN


def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """The most frequent element along `dim` (the smallest of several), and its last position."""
    dim = normal_dim(dim, input.ndim)
    x = input if input.ndim else reshape(input, (1,))
    xp = array_module(x._array)
    order = xp.moveaxis(sorting_order(x._array, dim, False), dim, -1)
    values = xp.take_along_axis(xp.moveaxis(x._array, dim, -1), order, -1)
    length = values.shape[-1]
    run = xp.zeros(values.shape, np.int64)      # how many equal elements end here, less one
    for step in (1 << i for i in range(max(length - 1, 0).bit_length())):
        reaches = (run[..., step:] == step - 1) & (values[..., step:] == values[..., :-step])
        run[..., step:] += xp.where(reaches, run[..., :-step] + 1, 0)
    place = run.argmax(axis=-1)[..., None]
    indices = xp.moveaxis(xp.take_along_axis(order, place, -1), -1, dim)
    return _taken(x, indices, dim, _shape(input.shape, dim, keepdim))


INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def quantile(input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *,
             interpolation: str = "linear") -> Tensor:
    """The value below which a share `q` of the elements along `dim` lies.

    Parameters
    ----------
    input : Tensor
        Floating-point.
    q : float or Tensor of one dimension
        Shares in 0 … 1; a tensor's length becomes the first dimension of the result.
    dim, keepdim :
        The dimension to reduce; None for all elements.
    interpolation : str
        Between two elements: `"linear"`, `"lower"`, `"higher"`, `"midpoint"` or `"nearest"`.

    Raises
    ------
    DTypeError
        x does not hold floats.
    ArgumentError
        A share outside 0 … 1, or another interpolation.
    """
    return _quantile(input, q, dim, keepdim, interpolation, "quantile")


def nanquantile(input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *,
                interpolation: str = "linear") -> Tensor:
    """:func:`quantile` of the elements that are not NaN."""
    return _quantile(input, q, dim, keepdim, interpolation, "nanquantile")


def _quantile(input: Tensor, q: Any, dim: int | None, keepdim: bool, interpolation: str, name: str
              ) -> Tensor:
    if input.dtype.kind != "f":
        raise DTypeError(f"{name} needs a float tensor, not {input.dtype}")
    need_real(f"q of {name}", q)
    shares = np.asarray(q.numpy() if isinstance(q, Tensor) else q, np.float64)
    if (shares.size and not (shares.min() >= 0 and shares.max() <= 1)) or \
            interpolation not in INTERPOLATIONS:
        raise ArgumentError(f"{name} needs shares q in 0 … 1 and an interpolation of "
                            f"{', '.join(INTERPOLATIONS)}, not {shown(q)} and "
                            f"{shown(interpolation)}")
    dims = normal_dims(dim, input.ndim)
    kept = tuple(1 if d in dims else length for d, length in enumerate(input.shape))
    rest = [d for d in range(input.ndim) if d not in dims]
    x = reshape(permute(input, (*rest, *dims)),
                (*(input.shape[d] for d in rest), count(input.shape, dims)))
    if not x.shape[-1]:
        raise ArgumentError(f"{name} of no elements does not exist: shape {input.shape}")
    xp, length = array_module(x._array), x.shape[-1]
    numbers = (x._array == x._array).sum(axis=-1, keepdims=True)
    steps = wrap(xp.maximum(numbers - 1, 0).astype(x.dtype))
    given = q if isinstance(q, Tensor) else wrap(to_device(shares, x.device))
    rank = reshape(given, (-1,)).to(x.dtype) * steps
    if name == "quantile":
        rank = where(wrap(numbers < length), length - 1.0, rank)
    values = _between(sort(x)[0], rank, interpolation)
    order = (values.ndim - 1, *range(values.ndim - 1))
    shape = kept if keepdim else tuple(input.shape[d] for d in rest)
    return reshape(permute(values, order), (*shares.shape, *shape))


def _between(ordered: Tensor, rank: Tensor, interpolation: str) -> Tensor:
    """The elements of `ordered` at fractional positions along the last dimension."""
    xp, place = array_module(rank._array), rank._array
    if interpolation == "nearest":
        place = xp.rint(place)
    low, high = (edge(place).astype(np.int64) for edge in (xp.floor, xp.ceil))
    if interpolation == "lower":
        high = low
    if interpolation == "higher":
        low = high
    below = gather_along(ordered, low, ordered.ndim - 1)
    if interpolation in ("lower", "higher", "nearest"):
        return below
    above = gather_along(ordered, high, ordered.ndim - 1)
    weight = wrap(xp.where(low == high, 0, 0.5).astype(ordered.dtype)) \
        if interpolation == "midpoint" else rank - wrap(low.astype(ordered.dtype))
    return below + weight * (above - below)
