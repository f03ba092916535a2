"""L-BFGS: descent that estimates the curvature of the loss from its last steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from minigrad import backend
from minigrad.core.mode import enable_grad
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, MinigradError
from minigrad.optim.descent import NEW, TRYING, Descent
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.saved_descent import check_descent
from minigrad.optim.settings import (
    check_choice,
    check_number,
    check_whole,
)
from minigrad.optim.vectors import FlatView
from minigrad.printable import shown


class LBFGS(Optimizer):
    """Limited-memory BFGS for losses that are the same function at every evaluation.

    Parameters
    ----------
    params : tensors of one element type on one device, or one group of them.
    lr : factor on the first step that is tried in each iteration; with a line search leave it
        at 1. Before any curvature is known that step has the Euclidean length `lr`.
    max_iter : iterations (directions) in one `step`.
    max_eval : evaluations in one `step`, 1¼·`max_iter` by default. The limit is
        exact, also within a line search.
    tolerance_grad : end when max |gradient| is at most this.
    tolerance_change : end when an iteration changes every parameter, or the loss, or the
        slope along its direction, by at most this.
    history_size : pairs (Δx, Δgradient) kept, each as large as two copies of the parameters.
    line_search_fn : `"strong_wolfe"` (see `.line_search`), or None for steps of length
        `lr` along the direction, whether the loss falls or not.
    resume : let `step` resume where the last one ended, even in the middle of a line search, if
        the parameters have not changed since. By default it evaluates them again first, as
        PyTorch does, because the loss may be a different function now (the next batch).

    Attributes
    ----------
    ended : str
        Why the last `step` ended: `"max_iter"`, `"max_eval"`, `"gradient"`,
        `"change"` (below the tolerances), `"stalled"` (no step lowers the loss any more) or
        `"not finite"`.
    iterations, evaluations : int
        Totals over all steps.
    best_loss : float
        The lowest loss evaluated since the last fresh start.

    Raises
    ------
    ArgumentError : a setting is out of range, or there are several groups or parameter types.

    Notes
    -----
    After a step the parameters are the best that were evaluated. There is one exception: after
    `max_iter` iterations without a line search they are the next ones, not evaluated yet, as in
    PyTorch. If the closure raises, they are those that it was evaluating.

    Nocedal and Wright, "Numerical Optimization" (2006), section 7.2; Liu and Nocedal, "On the
    limited memory BFGS method for large scale optimization" (1989).
    """

    def __init__(self, params: Iterable[Tensor] | Iterable[dict[str, Any]], lr: float = 1.0,
                 max_iter: int = 20, max_eval: int | None = None, tolerance_grad: float = 1e-7,
                 tolerance_change: float = 1e-9, history_size: int = 10,
                 line_search_fn: str | None = "strong_wolfe", resume: bool = False) -> None:
        super().__init__(params, {
            "lr": lr, "max_iter": max_iter, "max_eval": max_eval,
            "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change,
            "history_size": history_size, "line_search_fn": line_search_fn, "resume": resume})
        self.ended = ""
        self._view = FlatView(self.param_groups[0]["params"])
        self._descent = Descent(self._view.empty, self.param_groups[0])

    def add_param_group(self, group: dict[str, Any]) -> None:
        if self.param_groups:
            raise ArgumentError("LBFGS takes all parameters as one vector, so it has one group; "
                                "give it a list of all parameters")
        super().add_param_group(group)

    def check_settings(self, settings: dict[str, Any]) -> None:
        check_number("LBFGS", "lr", settings["lr"], "above 0", lambda rate: rate > 0)
        for name in ("max_iter", "history_size", "max_eval"):
            if name != "max_eval" or settings[name] is not None:
                check_whole("LBFGS", name, settings[name], 1)
        for name in ("tolerance_grad", "tolerance_change"):
            check_number("LBFGS", name, settings[name])
        check_choice("LBFGS", "line_search_fn", settings["line_search_fn"], ("strong_wolfe", None))

    @property
    def iterations(self) -> int:
        return self._descent.iterations

    @property
    def evaluations(self) -> int:
        return self._descent.evaluations

    @property
    def best_loss(self) -> float:
        return self._descent.best_loss

    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor:
        """Run up to `max_iter` iterations and `max_eval` evaluations.

        Parameters
        ----------
        closure : sets the gradients to zero, computes the loss and its gradients at the
            parameters as they are, and returns the loss. Called once for every evaluation.

        Returns
        -------
        Tensor : the loss of the first evaluation (the lowest known if there was nothing to do).
        """
        if closure is None:
            raise ArgumentError("LBFGS.step needs a closure, because an iteration evaluates the "
                                "loss several times: pass a function that computes it")
        self._check_closure(closure)
        descent, settings = self._descent, self.param_groups[0]
        self._check_group(settings)
        self._enter()
        allowed = settings["max_eval"] or settings["max_iter"] * 5 // 4
        before, used = descent.iterations, descent.evaluations
        first: Tensor | None = None
        while descent.ask():
            done = descent.iterations - before >= settings["max_iter"]
            if done and descent.search is None:     # without a line search: just move
                self._view.write(descent.trial)
                self.ended = "max_iter"
                return first if first is not None else Tensor(descent.best_loss)
            if descent.evaluations - used == allowed:
                self.ended = "max_eval"
                break
            self._view.write(descent.trial)
            loss = self._evaluate(closure)
            first = loss if first is None else first
            if done and descent.search is None and not descent.ended:
                self.ended = "max_iter"
                break
        else:
            self.ended = descent.ended
        if descent.best_loss < math.inf:
            self._view.write(descent.best_x)
        return first if first is not None else Tensor(descent.best_loss)

    def _evaluate(self, closure: Callable[[], Tensor]) -> Tensor:
        with enable_grad():
            loss = closure()
        try:
            value = float(loss)         # on a device, this waits: it must not be done twice
        except (TypeError, ValueError, OverflowError, MinigradError):
            raise ArgumentError(f"LBFGS: what the closure returns must be the loss, one number, "
                                f"not {shown(loss)}") from None
        self._view.read_gradients(self._descent.trial_gradient)
        self._descent.tell(value)
        return loss

    def _enter(self) -> None:
        """Continue a pending evaluation, or start from the current parameters."""
        descent, settings = self._descent, self.param_groups[0]
        descent.settings = settings
        x = descent.trial_gradient              # free between evaluations
        self._view.read(x)
        if descent.stands != NEW and (settings["resume"] or settings["line_search_fn"] is None):
            known = [descent.best_x, descent.x] if settings["resume"] else []
            if descent.stands == TRYING:
                descent.ask()
                known.append(descent.trial)
            if any(bool((x == point).all()) for point in known):
                return
        descent.start(x)

    # -- saving

    def state_dict(self) -> dict[str, Any]:
        """A snapshot, see `Optimizer.state_dict`; may be taken inside the closure.

        The evaluation in progress is not part of it: an optimizer that loads the snapshot begins
        with that evaluation, and with `resume` continues exactly as this one does.
        """
        result = super().state_dict()
        if self._descent.stands != NEW:
            result["state"] = {0: self._descent.state()}
        return result

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        groups = self._checked_groups(state_dict)
        state = state_dict["state"].get(0)
        settings = {**self.param_groups[0], **groups[0]}
        descent = Descent(self._view.empty, settings)
        if state is not None:
            check_descent(state, self._view.length)
            descent.load(self._to_device(state))
        self.param_groups[0].update(groups[0])
        descent.settings = self.param_groups[0]
        self._descent = descent

    def _to_device(self, state: Any) -> Any:
        if isinstance(state, dict):
            return {name: self._to_device(value) for name, value in state.items()}
        device = self._view.parameters[0].device
        return backend.to_device(state, device) if backend.is_array(state) else state
