"""L-BFGS's approximation of the Hessian: the last m steps and gradient changes."""

from __future__ import annotations

from typing import Any

from minigrad.backend import array_module
from minigrad.optim.vectors import add_scaled, cuda_kernels, inner


class Curvature:
    """The last `size` pairs s = Δx, y = Δg, and the direction −H·g with H ≈ (∇²f)⁻¹.

    The two-loop recursion computes it; on a CUDA device `minigrad.kernels.cuda.lbfgs` does.

    Parameters
    ----------
    buffer : array 2×m×n
        Room for m vectors s and m vectors y; the oldest pair is overwritten by the newest.
    work : array n
        Workspace.
    """

    def __init__(self, buffer: Any, work: Any) -> None:
        self.steps, self.changes = buffer
        self.size = len(self.steps)
        self.work = work
        kernels = cuda_kernels("lbfgs", buffer)
        self.compact = kernels.Compact(buffer) if kernels else None
        self.clear()

    def clear(self) -> None:
        """Drop all pairs: H becomes the identity."""
        self.count = 0                      # pairs held
        self.next = 0                       # row that the next pair will take
        self.entering = False               # whether `compact` still lacks the newest pair
        self.products: list[Any] = [None] * self.size       # ⟨s, y⟩ by row, float64
        self.scale: Any = 1.0               # ⟨s, y⟩ / ⟨y, y⟩ of the newest pair

    def rows(self) -> list[int]:
        """Rows of the stored pairs, oldest first."""
        return [(self._oldest() + k) % self.size for k in range(self.count)]

    def _oldest(self) -> int:
        return (self.next - self.count) % self.size

    def room(self) -> tuple[Any, Any]:
        """Where to write the next pair (s, y) before `keep`.

        It is the row of the oldest pair. If the pair written here is not kept, the oldest is
        lost too, and the row is ignored until it is filled again.
        """
        if self.count == self.size:
            self.count -= 1
            if not self.count:              # it was the only one
                self.scale, self.entering = 1.0, False
        return self.steps[self.next], self.changes[self.next]

    def keep(self, product: Any) -> None:
        """Add the pair that was written to `room`, with its ⟨s, y⟩.

        It must be positive: without curvature along s the update would make H indefinite.
        """
        if self.compact is not None:
            if self.entering:
                self.compact.enter(self._oldest(), self.count)
            self.entering = True            # with the next direction, in one pass over all pairs
        else:
            y = self.changes[self.next]
            self.products[self.next] = product
            self.scale = product / inner(y, y)
        self.next = (self.next + 1) % self.size
        self.count = min(self.count + 1, self.size)

    def downhill(self, gradient: Any, out: Any) -> float:
        """Set out ← −H·gradient and return the slope ⟨out, gradient⟩."""
        if self.compact is not None:
            entering, self.entering = self.entering, False
            return self.compact.downhill(gradient, out, self._oldest(), self.count, entering)
        out[...] = gradient
        self._two_loops(out)
        out *= -1
        return float(inner(out, gradient))

    def _two_loops(self, q: Any) -> None:
        """q ← H·q, in place.

        Nocedal and Wright, "Numerical Optimization" (2006), algorithm 7.4; H₀ = γ·I with
        γ = ⟨s, y⟩/⟨y, y⟩ of the newest pair, eq. 7.20.
        """
        rows = self.rows()
        alphas = {}
        for i in reversed(rows):
            alphas[i] = inner(self.steps[i], q) / self.products[i]
            add_scaled(q, -alphas[i], self.changes[i], self.work)
        q *= array_module(q).asarray(self.scale, dtype=q.dtype)
        for i in rows:
            beta = inner(self.changes[i], q) / self.products[i]
            add_scaled(q, alphas[i] - beta, self.steps[i], self.work)

    # -- saving

    def state(self) -> dict[str, Any]:
        """The pairs, oldest first: copies as two arrays count×n."""
        rows = array_module(self.steps).asarray(self.rows(), dtype=int)
        return {"steps": self.steps[rows], "changes": self.changes[rows]}

    def load(self, state: dict[str, Any]) -> None:
        """Load `state`, or its newest pairs if there are too many."""
        self.clear()
        for s, y in list(zip(state["steps"], state["changes"]))[-self.size:]:
            self.steps[self.next], self.changes[self.next] = s, y
            self.keep(inner(s, y))
