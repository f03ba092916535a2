"""Parts of tensors along a dimension: equal ones, cuts, slices and windows."""

from __future__ import annotations

import builtins
import itertools
from typing import Any

from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, ShapeError
from minigrad.kernels.arguments import is_whole, wholes
from minigrad.ops.scan import part
from minigrad.ops.shape import normal_dim, reshape, select
from minigrad.ops.shape_functions import integer_index, split, stack

MAX_PARTS = 10 ** 5         # tensors that one call makes


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """x in `chunks` parts of equal length along `dim`; the last may be shorter, or missing.

    Raises
    ------
    ArgumentError
        Fewer than one part, or more than a hundred thousand.
    """
    _check_parts("chunk", chunks)
    dim = normal_dim(dim, input.ndim)
    if not input.shape[dim]:
        return tuple(part(input, dim, 0, 0) for _ in range(chunks))
    return split(input, -(-input.shape[dim] // chunks), dim)


def split_with_sizes(input: Tensor, split_sizes: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """:func:`split` into parts of these lengths."""
    return split(input, list(split_sizes), dim)


def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """x in as many parts of nearly equal length along `dim`, or cut before these positions.

    Raises
    ------
    ArgumentError
        Fewer than one part, or more than a hundred thousand.
    """
    dim = normal_dim(dim, input.ndim)
    cuts = indices_or_sections
    if isinstance(cuts, Tensor):
        cuts = cuts.tolist()
    if is_whole(cuts):
        _check_parts("tensor_split", cuts)
        each, more = divmod(input.shape[dim], cuts)
        cuts = [i * each + builtins.min(i, more) for i in range(1, cuts)]
    edges = [0, *wholes(cuts, "tensor_split: a position"), None]
    return tuple(part(input, dim, start, stop) for start, stop in itertools.pairwise(edges))


def _check_parts(name: str, count: int) -> None:
    if count < 1:
        raise ArgumentError(f"{name} makes at least 1 part, not {count}")
    if count > MAX_PARTS:
        raise ArgumentError(f"{name} makes at most {MAX_PARTS} parts, not {count}")


def _split_along(name: str, least: int, dim: int) -> Any:
    def function(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
        if input.ndim < least:
            raise ShapeError(f"{name} needs a tensor of at least {least} dimension(s), not shape "
                             f"{input.shape}")
        along = 0 if name == "hsplit" and input.ndim == 1 else dim
        sections, length = indices_or_sections, input.shape[along]
        if is_whole(sections) and (sections < 1 or length % sections):
            raise ShapeError(f"{name} cannot cut a length of {length} into {sections} equal parts; "
                             f"use tensor_split for parts that differ")
        return tensor_split(input, sections, along)
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"x in equal parts along dimension {dim}, or cut before these positions."
    return function


hsplit = _split_along("hsplit", 1, 1)
vsplit = _split_along("vsplit", 2, 0)
dsplit = _split_along("dsplit", 3, 2)


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """All slices of x along `dim`, without that dimension."""
    dim = normal_dim(dim, input.ndim)
    return tuple(index_at(input, dim, i) for i in range(input.shape[dim]))


def index_at(x: Tensor, dim: int, i: int) -> Tensor:
    """x[i] along `dim`."""
    return select(x, (slice(None),) * dim + (i,))


def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """`length` slices of x along `dim`, from `start` on.

    Raises
    ------
    ShapeError
        They are not all within x.
    """
    dim = normal_dim(dim, input.ndim)
    start = int(integer_index(start, "narrow"))
    whole = input.shape[dim]
    first = start + whole if start < 0 else start
    if not (0 <= first <= whole and 0 <= length <= whole - first):
        raise ShapeError(f"narrow: {length} slices from {start} on are not within dimension {dim} "
                         f"of shape {input.shape}")
    return part(input, dim, first, first + length)


def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """All windows of `size` slices along a dimension, `step` apart; they are a new last dimension.

    Raises
    ------
    ShapeError
        A window is longer than x, or the step is below 1.
    """
    dim = normal_dim(dimension, input.ndim)
    x = input if input.ndim else reshape(input, (1,))
    if not 0 <= size <= x.shape[dim] or step < 1:
        raise ShapeError(f"unfold needs a size of 0 … {x.shape[dim]} and a step of at least 1, not "
                         f"{size} and {step}")
    if not input.ndim:
        return part(x, 0, 0, size)
    count = (x.shape[dim] - size) // step + 1
    columns = [select(x, (slice(None),) * dim + (slice(i, i + (count - 1) * step + 1, step),))
               for i in range(size)]
    shape = (*x.shape[:dim], count, *x.shape[dim + 1:], 0)
    return stack(columns, -1) if columns else reshape(part(x, dim, 0, 0), shape)
