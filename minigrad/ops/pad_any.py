"""Padding of tensors of any rank: constants, and pixels of the image itself by their position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, ShapeError
from minigrad.ops.arithmetic import where
from minigrad.ops.shape import scatter, select


def _pairs(widths: Sequence[int], x: Tensor) -> list[tuple[int, int]]:
    """(before, after) for each dimension of x; the widths begin with the last one."""
    widths = list(widths)
    if len(widths) % 2 or len(widths) > 2 * x.ndim:
        raise ArgumentError(f"pad needs two numbers (before, after) for each dimension, the "
                            f"last one first, not {tuple(widths)} for shape {x.shape}")
    pairs = list(zip(widths[::2], widths[1::2]))[::-1]
    return [(0, 0)] * (x.ndim - len(pairs)) + pairs


def constant_pad(input: Tensor, widths: Sequence[int], value: float = 0.0) -> Tensor:
    """x with `value` around it; a negative width removes what is there.

    Raises
    ------
    ShapeError
        More is removed than there is.
    """
    pairs = _pairs(widths, input)
    shape = tuple(n + before + after for n, (before, after) in zip(input.shape, pairs))
    if min(shape, default=0) < 0:
        raise ShapeError(f"pad: the widths {tuple(widths)} remove more than shape {input.shape} "
                         f"has")
    inner = select(input, tuple(slice(max(0, -before), max(0, n + min(0, after)))
                                for n, (before, after) in zip(input.shape, pairs)))
    place = tuple(slice(max(0, before), max(0, before) + n)
                  for n, (before, _) in zip(inner.shape, pairs))
    placed = scatter(inner, place, shape)
    value = input.dtype.type(value).item()          # a border does not change the type
    if not value:
        return placed
    border = np.ones(shape, bool)
    border[place] = False
    return where(Tensor(border, device=input.device), value, placed)


def _source(n: int, before: int, after: int, mode: str) -> np.ndarray:
    """The position in the image that each position of the padded one shows."""
    position = np.arange(-before, n + after)
    if mode == "replicate":
        return position.clip(0, n - 1)
    if mode == "circular":              # what is removed is not repeated
        first, last = max(0, -before), n - max(0, -after)
        return (position - first) % max(last - first, 1) + first
    position = np.abs(position)
    return np.where(position < n, position, 2 * (n - 1) - position)


def mirrored_pad(input: Tensor, widths: Sequence[int], mode: str) -> Tensor:
    """x with pixels of its own around it: `"reflect"`, `"replicate"` or `"circular"`.

    Raises
    ------
    ShapeError
        A border is wider than the image allows, or the first dimension would be padded.
    """
    pairs, x = _pairs(widths, input), input
    limits = {"reflect": lambda n: n - 1, "circular": lambda n: n, "replicate": lambda n: 1 << 30}
    for d, (before, after) in enumerate(pairs):
        n = input.shape[d]
        if not before and not after:
            continue
        if max(before, after) > limits[mode](n) or (not n and max(before, after) > 0) \
                or n + before + after < 0:
            raise ShapeError(f"pad: {mode} cannot add {before} and {after} to dimension {d} of "
                             f"shape {input.shape}")
        x = select(x, (slice(None),) * d + (_source(n, before, after, mode),))
    return x


def any_pad(input: Tensor, widths: Any, mode: str, value: float) -> Tensor:
    """Padding of any rank in any mode."""
    return constant_pad(input, widths, value) if mode == "zeros" \
        else mirrored_pad(input, widths, mode)
