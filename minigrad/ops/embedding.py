"""Embedding: rows of a table, selected by index."""

from __future__ import annotations

from typing import Any

from minigrad.core.tensor import Tensor, wrap
from minigrad.errors import ArgumentError, ShapeError
from minigrad.ops.arithmetic import where
from minigrad.ops.shape import select
from minigrad.ops.shape_functions import integer_index


def embedding(input: Any, weight: Tensor, padding_idx: int | None = None) -> Tensor:
    """Select rows of a table by index.

    Parameters
    ----------
    input : Tensor or array of integers, …
    weight : Tensor, V×D
        The table.
    padding_idx : int, optional
        A row that gets no gradient.

    Returns
    -------
    Tensor, …×D

    Raises
    ------
    ArgumentError
        A row that does not exist.
    DTypeError
        The input does not hold integers.
    """
    index = integer_index(input, "embedding")
    if weight.ndim != 2:
        raise ShapeError(f"embedding needs a table V×D, not one of shape {weight.shape}")
    if index.size and not (int(index.min()) >= 0 and int(index.max()) < weight.shape[0]):
        raise ArgumentError(f"embedding: the rows are 0 … {weight.shape[0] - 1}, but the index has "
                            f"{int(index.min())} … {int(index.max())}")
    rows = select(weight, index)
    if padding_idx is None:
        return rows
    return where(wrap((index == padding_idx)[..., None]), rows.detach(), rows)
