"""Launch quantiles.cu: quantiles by rank, where ranks come from counting instead of sorting.

CuPy's sort takes several times as long, and a CUDA graph cannot contain it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minigrad.backend import array_module
from minigrad.kernels.cuda.compiler import launch

WIDTH, BINS = 256, 1 << 14      # as in quantiles.cu


class Table(NamedTuple):
    """Of sorted numbers D×n: the sums of the first 0, 1, … n in float64, and all squares' sum."""

    sums: Any
    squares: Any


def table(quantiles: Any) -> Table:
    """The sums that give the mean of any range of ranks."""
    xp = array_module(quantiles)
    rows, length = quantiles.shape
    exact = quantiles.astype(np.float64)
    sums = xp.zeros((rows, length + 1), np.float64)
    sums[:, 1:] = exact.cumsum(axis=1)
    return Table(sums, (exact * exact).sum())


def at_ranks(x: Any, table: Table) -> tuple[Any, Any]:
    """As `minigrad.kernels.quantiles.at_ranks`, but numbers that are almost equal share a rank.

    A bin is 1/16384 of the range of a row. All numbers in it get the mean of their quantiles.
    """
    xp = array_module(x)
    rows, length = x.shape
    moved = xp.empty((rows, length), x.dtype)
    if not x.size:
        return moved, 0.0
    x = xp.ascontiguousarray(x)
    ends = x.min(axis=1), x.max(axis=1)
    counts, means = xp.zeros((rows, BINS), np.int32), xp.zeros((rows, BINS), np.float64)
    real, sizes = x.dtype.char, (np.int64(length), np.int64(x.size))
    launch(xp, "quantiles", "count_bins", x.size, x, *ends, counts, *sizes, real=real)
    launch(xp, "quantiles", "mean_quantiles", rows * WIDTH, counts, table.sums, means, sizes[0],
           real=real, block=WIDTH)
    launch(xp, "quantiles", "move_to_means", x.size, x, *ends, means, moved, *sizes, real=real)
    return moved, table.squares - (counts * means * means).sum()
