"""Launching lbfgs.cu: what L-BFGS does with its vectors, without a number that the host waits for.

The two-loop recursion is 4·m sums and steps, one after the other. Its product is also

    H·g = γ·g + S·a + γ·Y·b,   R·u = Sᵀg,   Rᵀ·a = D·u + γ·(YᵀY·u − Yᵀg),   b = −u

where S and Y hold the pairs as columns, the oldest first, R is the upper triangle of SᵀY and D
its diagonal: Byrd, Nocedal and Schnabel, "Representations of quasi-Newton matrices and their use
in limited memory methods" (1994), theorem 2.2. So the memory is read twice, once for all inner
products and once for the sum. The u are the α of the recursion, and a its α − β: the same numbers
by the same divisions, so that pairs that are nearly parallel do no more harm than there. All is
computed in float64; the direction alone is rounded to the type of the vectors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.kernels.cuda.compiler import launch

THREADS, ROWS, EACH = 256, 10, 4        # as lbfgs.cu has them
STRETCHES = 264         # of the vectors, at most: with 20 rows as many blocks as an H100 holds
BLOCKS = 512            # of `compare`, at most
MOST = 1024             # of `combine`, whose parts the host adds up


def compare(x: Any, gradient: Any, x1: Any, gradient1: Any, direction: Any) -> list[float]:
    """What the host must know of a way from x to x1; it waits once.

    With s = x1 − x, y = gradient1 − gradient: ⟨gradient1, direction⟩, ⟨s, gradient⟩, ⟨s, y⟩,
    max |s|, max |gradient1|.
    """
    blocks = _blocks(x.size, THREADS, BLOCKS)
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
    """SᵀY and YᵀY of a memory of L-BFGS, and the products with H that they give.

    They are kept by row, so that nothing moves when a pair takes the place of another; a row of
    numbers is added when a pair enters. Whoever holds the memory says each time which rows are
    filled: `first` is that of the oldest pair, `count` how many there are from there on.

    Parameters
    ----------
    pairs : array 2×m×n, float32 or float64: the rows s and the rows y.
    """

    def __init__(self, pairs: Any) -> None:
        self.pairs = pairs
        _, self.size, self.length = pairs.shape
        self.stretches = _blocks(self.length, THREADS, STRETCHES)
        self.parts = self._numbers(4 * self.size, self.stretches)
        self.steps_changes = self._numbers(self.size, self.size)
        self.changes_changes = self._numbers(self.size, self.size)
        self.work = self._numbers(self.size, self.size + 6)
        self.factors = self._numbers(1 + 2 * self.size)

    def enter(self, first: int, count: int) -> None:
        """Take in the newest of these pairs."""
        self._solve(None, first, count, entering=True)

    def downhill(self, gradient: Any, out: Any, first: int, count: int, entering: bool) -> float:
        """out ← −H·gradient, and its slope ⟨out, gradient⟩, for which the host waits.

        `entering` says that the newest pair has not been taken in yet.
        """
        if count:
            self._solve(gradient, first, count, entering)
        blocks = _blocks(self.length, EACH * THREADS, MOST)
        parts = self._numbers(blocks)
        self._launch("combine", blocks, self.pairs, gradient, self.factors, out, parts, first,
                     count, self.size, np.int64(self.length))
        with np.errstate(invalid="ignore"):
            return float(parts.get().sum())

    def _solve(self, gradient: Any, first: int, count: int, entering: bool) -> None:
        """Let the newest pair enter, and find the factors of H·gradient, if there is one."""
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


def _blocks(length: int, each: int, most: int) -> int:
    """How many blocks take `each` numbers of `length` at a time; a sum needs at least one."""
    return max(1, min(most, -(-length // each)))
