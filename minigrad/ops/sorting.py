"""Sorting along a dimension: the order has no derivative; the elements are gathered in it."""

from __future__ import annotations

from minigrad.core.tensor import Tensor, wrap
from minigrad.errors import DTypeError
from minigrad.kernels.sorting import sorting_order
from minigrad.ops.arithmetic import clone
from minigrad.ops.shape import gather_along, normal_dim, reshape


def argsort(x: Tensor, dim: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """Positions along `dim` in the order of x's elements.

    Parameters
    ----------
    x : Tensor
        Of any shape; not complex.
    dim : int
        The dimension to sort along.
    descending : bool
        The largest first. NaN counts as larger than all numbers.
    stable : bool
        Accepted as in PyTorch; equal elements always stay in their order.

    Returns
    -------
    Tensor of int64, of x's shape

    Raises
    ------
    DTypeError
        Complex numbers have no order.
    """
    if x.dtype.kind == "c":
        raise DTypeError(f"argsort needs numbers that have an order, not {x.dtype}")
    dim = normal_dim(dim, x.ndim)
    if not x.ndim:
        return reshape(argsort(reshape(x, (1,)), 0), ())
    return wrap(sorting_order(x._array, dim, descending))


def sort(x: Tensor, dim: int = -1, descending: bool = False, stable: bool = True
         ) -> tuple[Tensor, Tensor]:
    """x's elements in order along `dim`, and their positions: `(values, indices)`.

    The gradient of a value goes to the element it came from. Parameters and errors are those of
    :func:`argsort`.
    """
    if not x.ndim:
        return clone(x), argsort(x, dim)
    indices = argsort(x, dim, descending)
    return gather_along(x, indices._array, normal_dim(dim, x.ndim), True), indices
