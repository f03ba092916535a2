"""Numbers moved to the quantiles of another distribution, in order.

This is the transport of least cost between two sets of equally many numbers: the smallest goes to
the smallest, and so on. Villani, "Topics in Optimal Transportation" (2003), theorem 2.18.
"""

from __future__ import annotations

from typing import Any

from minigrad.backend import array_module
from minigrad.kernels.dispatch import on_cuda_too
from minigrad.kernels.sorting import sorting_order


@on_cuda_too
def table(quantiles: Any) -> Any:
    """What `at_ranks` needs of sorted numbers D×n, computed once: here the numbers themselves."""
    return quantiles


@on_cuda_too
def at_ranks(x: Any, table: Any) -> tuple[Any, Any]:
    """The quantile of each number's rank in its row, for x D×n and the `table` of D×n quantiles.

    Returns
    -------
    moved : array D×n
        Of equal numbers, the first in its row has the lowest rank. A GPU gives equal numbers the
        mean of their quantiles.
    spread : number
        The sum of the squared distances of quantiles from their means; 0 here. So the cost of the
        transport is Σ (x − moved)² + spread.
    """
    xp = array_module(x)
    moved = xp.empty(x.shape, x.dtype)
    moved[xp.arange(len(x))[:, None], sorting_order(x, 1, False)] = table
    return moved, 0.0
