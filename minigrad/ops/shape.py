"""Primitives that move elements without computing: shapes, views, selections, casts.

Each rule is the operation that moves them back, so most come in pairs: broadcast_to ↔ sum_to,
select ↔ scatter, concatenate ↔ select, gather_along ↔ scatter_along. The public functions that
are composed of them are in :mod:`minigrad.ops.shape_functions`.
"""

from __future__ import annotations

import builtins
import math
import operator
from typing import Any

import numpy as np

from minigrad.backend import array_module, device_of, to_device
from minigrad.core.primitive import primitive
from minigrad.errors import ArgumentError, OutOfRangeError, ShapeError
from minigrad.kernels.element_types import number_type
from minigrad.kernels.refusal import index_refusal
from minigrad.kernels.scattering import scattered, scattered_along
from minigrad.kernels.sums import sum_over
from minigrad.printable import shown


def normal_dim(dim: int, ndim: int) -> int:
    """A dimension counted from the front; −1 is the last.

    Raises
    ------
    ShapeError
        There is no such dimension.
    """
    try:
        whole = operator.index(dim)
    except TypeError:
        raise ArgumentError(f"a dimension is a whole number, not {shown(dim)}") from None
    if not -builtins.max(ndim, 1) <= whole < builtins.max(ndim, 1):
        raise OutOfRangeError(f"dimension {dim} does not exist in a tensor with {ndim} "
                              f"dimension(s)")
    return whole % ndim if ndim else 0      # a tensor without dimensions takes 0 and −1


# ---------------------------------------------------------- broadcasting and its undoing


@primitive(view=True)
def broadcast_to(x, shape):
    """x repeated to `shape` along new leading and length-1 dimensions."""
    try:
        return array_module(x).broadcast_to(x, shape)
    except ValueError:
        raise ShapeError(f"shape {tuple(x.shape)} cannot be broadcast to {tuple(shape)}; each "
                         f"dimension must be equal or 1, counted from the last") from None


@primitive
def sum_to(x, shape):
    """x summed over what broadcasting from `shape` would have repeated."""
    extra = x.ndim - len(shape)
    if extra:
        x = sum_over(x, tuple(range(extra)))
    repeated = tuple(i for i, length in enumerate(shape) if length == 1 != x.shape[i])
    return sum_over(x, repeated, True) if repeated else x


broadcast_to.derivative(x=lambda g, x_shape: sum_to(g, x_shape))
sum_to.derivative(x=lambda g, x_shape: broadcast_to(g, x_shape))

# ------------------------------------------------------------------ the same elements


@primitive(view=True)
def reshape(x, shape):
    """The same elements in row-major order in another shape; one length may be −1."""
    try:
        lengths = tuple(operator.index(length) for length in shape)
        if min(lengths, default=0) < -1:    # which NumPy takes as −1
            raise ValueError
        return x.reshape(lengths)
    except ValueError:
        raise ShapeError(f"reshape cannot turn shape {tuple(x.shape)} ({math.prod(x.shape)} "
                         f"elements) into {tuple(shape)}") from None


reshape.derivative(x=lambda g, x_shape: reshape(g, x_shape))


@primitive(view=True)
def permute(x, dims):
    """Dimensions in the order `dims`."""
    if sorted(normal_dim(d, x.ndim) for d in dims) != list(range(x.ndim)):
        raise ShapeError(f"permute needs each of the {x.ndim} dimensions of shape "
                         f"{tuple(x.shape)} once, not {tuple(dims)}")
    return x.transpose(dims)


permute.derivative(x=lambda g, dims: permute(g, tuple(int(d) for d in np.argsort(
    [d % len(dims) for d in dims]))))


@primitive(view=True)
def matrix_transpose(x):
    """The last two dimensions exchanged: …×n×m to …×m×n."""
    if x.ndim < 2:
        raise ShapeError(f"a matrix has two dimensions or more, not shape {tuple(x.shape)}")
    return x.swapaxes(-1, -2)


matrix_transpose.derivative(x=lambda g: matrix_transpose(g))


@primitive
def cast(x, dtype):
    """x as another element type; the gradient is cast back."""
    return x.astype(number_type(dtype), copy=False)


cast.derivative(x=lambda g: g)        # the engine gives the gradient the type of its input


@primitive
def flip(x, dims):
    """The order of elements reversed along `dims`, a number or a tuple; a copy, as in PyTorch."""
    named = [normal_dim(d, x.ndim) for d in (dims if isinstance(dims, (tuple, list)) else (dims,))]
    if len(set(named)) != len(named):
        raise ShapeError(f"flip: a dimension is named twice in {dims}")
    return x[tuple(slice(None, None, -1 if d in named else 1) for d in range(x.ndim))].copy()


flip.derivative(x=lambda g, dims: flip(g, dims))

# ------------------------------------------------------------------------- selection


@primitive(view=True)
def select(x, index):
    """x[index] for slices, integers, None, ..., integer arrays and masks, as in NumPy."""
    if type(x) is not np.ndarray:
        index = _on_device_of(x, index)
    try:
        part = x[index]
        if isinstance(part, np.generic):    # of integers only: a view, not a number
            part = x[(*index, ...) if isinstance(index, tuple) else (index, ...)]
    except IndexError as error:
        raise index_refusal(x.shape, error) from error
    return part


@primitive
def scatter(x, index, shape):
    """Zeros of `shape` with x added at `index`; positions named twice receive both."""
    if type(x) is not np.ndarray:
        index = _on_device_of(x, index)
    return scattered(x, index, shape)


select.derivative(x=lambda g, index, x_shape: scatter(g, index, x_shape))
scatter.derivative(x=lambda g, index: select(g, index))


def _on_device_of(x: Any, index: Any) -> Any:
    """The index with its host arrays moved to the device of x."""
    if isinstance(index, tuple):
        return tuple(_on_device_of(x, part) for part in index)
    return to_device(index, device_of(x)) if isinstance(index, np.ndarray) else index


@primitive
def gather_along(x, indices, dim, distinct=False):
    """z[i, j] = x[i, indices[i, j]] for dim = 1, and so on: one element per index along dim.

    `distinct` promises that no element is taken twice, which makes the rule faster.
    """
    try:
        return array_module(x).take_along_axis(x, indices, dim)
    except IndexError as error:
        raise index_refusal(x.shape, error, f"gather from shape {tuple(x.shape)} along dimension "
                                            f"{dim}") from error


@primitive
def scatter_along(x, indices, dim, length, distinct=False):
    """Zeros with x added at `indices` along `dim`, which becomes `length` long."""
    return scattered_along(x, indices, dim, length, distinct)


gather_along.derivative(
    x=lambda g, indices, dim, distinct, x_shape: scatter_along(
        g, indices, dim, x_shape[dim], distinct),
)
scatter_along.derivative(
    x=lambda g, indices, dim, distinct: gather_along(g, indices, dim, distinct),
)

# --------------------------------------------------------------------------- joining


@primitive
def concatenate(dim, *xs):
    """Arrays one after the other along `dim`."""
    return array_module(*xs).concatenate(xs, axis=dim)


concatenate.derivative(xs=lambda g, dim, xs_shape, position: select(
    g, _part(dim, xs_shape, position)))


def _part(dim: int, shapes: list, position: int) -> tuple:
    """The index of the part of a concatenation that came from array number `position`."""
    start = builtins.sum(shape[dim] for shape in shapes[:position])
    return (slice(None),) * dim + (slice(start, start + shapes[position][dim]),)

# --------------------------------------------------------------------- between devices


@primitive
def transfer(x, device, origin):
    """x on another device; the gradient is brought back to `origin`, where x is."""
    return to_device(x, device)


transfer.derivative(x=lambda g, device, origin: transfer(g, origin, device))
