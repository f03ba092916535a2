"""The iteration of L-BFGS over one vector, in ask-and-tell form.

The caller asks for a point, evaluates loss and gradient there, and tells the result.
`Descent.state` holds everything that the next point depends on, so a run can be stopped after
any evaluation, saved, and resumed exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.optim.change import Change, Place, change
from minigrad.optim.curvature import Curvature
from minigrad.optim.line_search import FOUND, SEARCHING, LineSearch
from minigrad.optim.vectors import largest, step_along

NOISE = 10          # rounding of a loss, in units of the element type's epsilon
PATIENCE = 10       # iterations in a row that may pass without a lower loss

# States: not started, evaluate the first point, choose a direction, try a step.
NEW, FIRST, AIMING, TRYING = "new", "first", "aiming", "trying"
VECTORS = ("x", "gradient", "direction", "best_x", "best_gradient")
NUMBERS = ("stands", "loss", "slope", "step", "best_loss", "since_best", "iterations",
            "evaluations", "ended")


class Descent:
    """L-BFGS over a vector of length n.

    Parameters
    ----------
    empty : function
        `empty(*lead)` makes an array lead×n.
    settings : dict
        `lr`, `history_size`, `tolerance_grad`, `tolerance_change`, `line_search_fn`,
        see `minigrad.optim.LBFGS`.

    Attributes
    ----------
    x, gradient, loss : the current point.
    trial, trial_gradient : the point to evaluate, and where to write its gradient.
    best_x, best_gradient, best_loss : the lowest loss that was evaluated, and where.
    iterations, evaluations : number of directions chosen and losses received.
    ended : why the descent has ended: `"gradient"`, `"change"` (below their
        tolerances), `"stalled"` (no step lowers the loss any more), `"not finite"`; or "".
    """

    x: Any
    gradient: Any
    trial: Any
    trial_gradient: Any
    best_x: Any
    best_gradient: Any

    def __init__(self, empty: Callable[..., Any], settings: dict[str, Any]) -> None:
        self.settings = settings
        # Three places: the current point, the best one and the trial. If two coincide, one is free.
        self._places = [(empty(), empty()) for _ in range(3)]
        self._settle()
        self.direction, self.work = empty(), empty()
        self.curvature = Curvature(empty(2, settings["history_size"]), self.work)
        self.epsilon = float(np.finfo(self.x.dtype).eps)
        self.search: LineSearch | None = None
        self.stands = NEW
        self.loss = self.slope = self.step = 0.0
        self.best_loss = math.inf
        self.since_best = self.iterations = self.evaluations = 0
        self.ended = ""

    # -- ask and tell

    def start(self, x: Any) -> None:
        """Start at `x` with the current curvature, if any."""
        self.x[...] = x
        self.stands, self.search = FIRST, None
        self.best_loss, self.since_best, self.ended = math.inf, 0, ""

    def ask(self) -> bool:
        """Write the next point to evaluate into `trial`; return False if there is none."""
        if self.stands == AIMING and not self.ended:
            self._aim()
        if self.ended:
            return False
        if self.stands == TRYING:
            step_along(self.x, self.step, self.direction, self.trial, self.work)
        else:
            self.trial[...] = self.x
        return True

    def tell(self, loss: float) -> None:
        """Process the loss at `trial`; its gradient is in `trial_gradient`."""
        self.evaluations += 1
        place = self.trial, self.trial_gradient
        if loss < self.best_loss:
            self.since_best = 0
        if loss <= self.best_loss:      # of equal losses, keep the last
            self.best_loss = loss
            self.best_x, self.best_gradient = place
        if self.stands == FIRST:
            self.x, self.gradient = place
            self._arrive(loss, float(largest(self.gradient, self.work)))
        else:
            self._evaluate_trial(loss, self._change(place))
        self.trial, self.trial_gradient = self._free_place()

    def _evaluate_trial(self, loss: float, trial: Change) -> None:
        """Move to the trial point, or choose another one."""
        if self.search is None:
            self._move(loss, trial)
            return
        status = self.search.tell(loss, trial.slope())
        if status == SEARCHING:
            self.step = self.search.step
        elif status == FOUND:
            self._move(loss, trial)
        else:
            self._leave_search()

    def _change(self, place: Place) -> Change:
        return change((self.x, self.gradient), place, self.direction, self.work)

    def _free_place(self) -> Place:
        return next(place for place in self._places
                    if place[0] is not self.x and place[0] is not self.best_x)

    def _settle(self) -> None:
        """Assign separate vectors to each place."""
        ((self.x, self.gradient), (self.best_x, self.best_gradient),
         (self.trial, self.trial_gradient)) = self._places

    # -- one iteration

    def _aim(self) -> None:
        """Choose a direction and the first step along it."""
        self.since_best += 1
        wolfe = self.settings["line_search_fn"] is not None
        if wolfe and self.since_best > PATIENCE:
            self.ended = "stalled"
            return
        self._point_downhill()
        if not self.slope < -self.settings["tolerance_change"]:
            self.ended = "not finite" if math.isnan(self.slope) else "change"
            return
        self.iterations += 1
        self.stands = TRYING
        self.step = float(self.settings["lr"])
        if wolfe:
            if not self.curvature.count:
                # The gradient has a direction but not the length of a step: go the distance lr,
                # as L-BFGS-B does, and let the line search find the right one.
                self.step /= math.sqrt(-self.slope)
            noise = NOISE * self.epsilon * abs(self.loss)
            self.search = LineSearch(self.loss, self.slope, self.step, noise=noise)
        elif self.iterations == 1:
            self.step *= min(1.0, 1.0 / self._length1(self.gradient))

    def _point_downhill(self) -> None:
        """Set direction = −H·gradient, or −gradient if that is not a descent direction."""
        self.slope = self.curvature.downhill(self.gradient, self.direction)
        if not self.slope < 0 and self.curvature.count:
            self.curvature.clear()
            self._point_downhill()

    def _length1(self, vector: Any) -> float:
        return float(array_module(vector).abs(vector, out=self.work).sum(dtype=np.float64))

    def _move(self, loss: float, way: Change) -> None:
        """Move to the end of `way` and add its pair to the curvature."""
        along, curved, step, steepest = way.pair(*self.curvature.room())
        if curved > self.epsilon * abs(along):
            self.curvature.keep(curved)
        small = self.settings["tolerance_change"]
        if step <= small or abs(loss - self.loss) < small:
            self.ended = "change"
        self.x, self.gradient = way.end
        self._arrive(loss, steepest)

    def _arrive(self, loss: float, steepest: float) -> None:
        """Test for convergence at a new x whose largest gradient element is `steepest`."""
        self.loss = loss
        self.stands, self.search = AIMING, None
        if not (math.isfinite(loss) and math.isfinite(steepest)):
            self.ended = "not finite"
        elif steepest <= self.settings["tolerance_grad"]:
            self.ended = "gradient"

    def _leave_search(self) -> None:
        """Without a good step, take the best one, or else retry without the curvature."""
        if self.best_loss < self.loss:
            self._move(self.best_loss, self._change((self.best_x, self.best_gradient)))
        elif self.curvature.count:
            self.curvature.clear()
            self.stands, self.search = AIMING, None
        else:
            self.ended = "stalled"

    # -- saving

    def state(self) -> dict[str, Any]:
        """All data that the next iteration depends on: numbers and copies of arrays."""
        state: dict[str, Any] = {name: getattr(self, name) for name in NUMBERS}
        state.update({name: getattr(self, name).copy() for name in VECTORS})
        state["search"] = None if self.search is None else self.search.state()
        state["curvature"] = self.curvature.state()
        return state

    def load(self, state: dict[str, Any]) -> None:
        """Load the `state` of a descent over a vector of the same length."""
        for name in NUMBERS:
            setattr(self, name, state[name])
        self._settle()
        for name in VECTORS:
            getattr(self, name)[...] = state[name]
        search = state["search"]
        self.search = None if search is None else LineSearch.from_state(search)
        self.curvature.load(state["curvature"])
