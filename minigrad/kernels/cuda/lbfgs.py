"""Launch lbfgs.cu: the vector work of L-BFGS, without scalars that the host waits for.

The two-loop recursion is 4·m sums and updates, one after the other. Its result also equals

    H·g = γ·g + S·a + γ·Y·b,   R·u = Sᵀg,   Rᵀ·a = D·u + γ·(YᵀY·u − Yᵀg),   b = −u

where S and Y hold the pairs as columns, the oldest first, R is the upper triangle of SᵀY and D
its diagonal: Byrd, Nocedal and Schnabel, "Representations of quasi-Newton matrices and their use
in limited memory methods" (1994), theorem 2.2. So the pairs are read twice, once for all
inner products and once for the sum. Here u is the α of the recursion and a is its α − β, computed
by the same divisions, so nearly parallel pairs do no more harm than in the recursion. Everything is
in float64; only the direction is rounded to the type of the vectors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.kernels.cuda.compiler import launch

THREADS, ROWS, EACH = 256, 10, 4        # as in lbfgs.cu
MAX_STRETCHES = 264     # of the vectors: with 20 rows, as many blocks as an H100 holds
MAX_COMPARE = 512       # blocks of `compare`
MAX_COMBINE = 1024      # blocks of `combine`, whose partial sums the host adds


def compare(x: Any, gradient: Any, x1: Any, gradient1: Any, direction: Any) -> list[float]:
    """Five scalars about the step from x to x1; the host waits once.

    With s = x1 − x, y = gradient1 − gradient: ⟨gradient1, direction⟩, ⟨s, gradient⟩, ⟨s, y⟩,
    max |s|, max |gradient1|.
    """
    blocks = _blocks(x.size, THREADS, MAX_COMPARE)
    parts = array_module(x).empty((5, blocks), dtype=np.float64)
    launch(array_module(x), "lbfgs", "compare", blocks * THREADS, x, gradient, x1, gradient1,
           direction, parts, np.int64(x.size), real=x.dtype.char, block=THREADS)
    known = parts.get()
    with np.errstate(invalid="ignore"):
        return [*known[:3].sum(axis=1).tolist(), *known[3:].max(axis=1).tolist()]


def pair(x: Any, gradient: Any, x1: Any, gradient1: Any, s: Any, y: Any) -> None:
    """s ← x1 − x, y ← gradient1 − gradient."""
    launch(array_module(x), "lbfgs", "pair", x.size, x, gradient, x1, gradient1, s, y,
           np.int64(x.size), real=x.dtype.char)


class Compact:
    """The matrices SᵀY and YᵀY of the pairs of L-BFGS, and products with H from them.

    Matrices are indexed by row of `pairs`, so nothing moves when a pair replaces another. Adding a
    pair adds one row of inner products. The caller passes the rows in use: `first` is the row of
    the oldest pair, `count` the number of pairs from there on.

    Parameters
    ----------
    pairs : array, 2×m×n, float32 or float64: the rows s and the rows y.
    """

    def __init__(self, pairs: Any) -> None:
        self.pairs = pairs
        _, self.size, self.length = pairs.shape
        self.stretches = _blocks(self.length, THREADS, MAX_STRETCHES)
        self.parts = self._numbers(4 * self.size, self.stretches)
        self.steps_changes = self._numbers(self.size, self.size)
        self.changes_changes = self._numbers(self.size, self.size)
        self.work = self._numbers(self.size, self.size + 6)
        self.factors = self._numbers(1 + 2 * self.size)

    def enter(self, first: int, count: int) -> None:
        """Add the newest of these pairs to the matrices."""
        self._solve(None, first, count, entering=True)

    def downhill(self, gradient: Any, out: Any, first: int, count: int, entering: bool) -> float:
        """Set out ← −H·gradient and return its slope ⟨out, gradient⟩, for which the host waits.

        With `entering`, the newest pair is added to the matrices first.
        """
        if count:
            self._solve(gradient, first, count, entering)
        blocks = _blocks(self.length, EACH * THREADS, MAX_COMBINE)
        parts = self._numbers(blocks)
        self._launch("combine", blocks, self.pairs, gradient, self.factors, out, parts, first,
                     count, self.size, np.int64(self.length))
        with np.errstate(invalid="ignore"):
            return float(parts.get().sum())

    def _solve(self, gradient: Any, first: int, count: int, entering: bool) -> None:
        """Add the newest pair, and compute the factors of H·gradient if a gradient is given."""
        chunks = -(-2 * count // ROWS)
        self._launch("products", chunks * self.stretches, self.pairs, gradient, self.parts, first,
                     count, self.size, entering, self.stretches, np.int64(self.length))
        self._launch("solve", 1, self.parts, self.steps_changes, self.changes_changes, self.work,
                     self.factors, self.stretches, first, count, self.size, entering,
                     gradient is not None)

    def _launch(self, kernel: str, blocks: int, *args: Any) -> None:
        launch(array_module(self.pairs), "lbfgs", kernel, blocks * THREADS, *args,
               real=self.pairs.dtype.char, block=THREADS)

    def _numbers(self, *shape: int) -> Any:
        return array_module(self.pairs).empty(shape, dtype=np.float64)


def _blocks(length: int, each: int, limit: int) -> int:
    """Number of blocks for `length` elements, `each` per block: at least 1, at most `limit`."""
    return max(1, min(limit, -(-length // each)))
