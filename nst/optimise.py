"""The loop: evaluate, record, step, and never lose the best picture.

One iteration is one evaluation of loss and gradient, for every optimiser; what a line search
tries counts. Iteration 0 is the evaluation of the initial picture.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from minigrad import Tensor, no_grad, optim
from minigrad.backend import array_module
from minigrad.errors import MinigradError
from nst.losses import Losses
from nst.settings import Settings

DEFAULT_STEP = 10.0     # grey levels: Adam's rate, and the longest step of gradient descent
SANE = 1e5              # grey levels; no picture on its way to 0-255 has such pixels


@dataclass(frozen=True)
class Iteration:
    """One evaluation, as it is reported and written to OUT.json.

    Attributes
    ----------
    iteration : int
        0 is the initial picture.
    total : float
        With all weights in it.
    content, style : float or None
        Σ w_l C_l and Σ w_l E_l, before α and β; None if not computed (weight 0).
    tv : float
        Total variation, before its weight.
    seconds : float
        Time that this iteration took.
    """

    iteration: int
    total: float
    content: float | None
    style: float | None
    tv: float
    seconds: float


@dataclass
class Progress:
    """What the loop has so far; handed to the observer after every iteration.

    Attributes
    ----------
    best : Tensor
        The picture with the lowest total loss so far: a copy, the loop does not touch it.
    best_iteration : int
        Which iteration it is from.
    history : list of Iteration
    ended : str
        "running", then "done", "converged" (no step lowers the loss any more), "interrupted"
        or "fault".
    cause : str
        What the fault was, in one sentence; "" otherwise.
    """

    best: Tensor
    best_iteration: int = 0
    history: list[Iteration] = field(default_factory=list)
    ended: str = "running"
    cause: str = ""


class Fault(MinigradError):
    """The loss or its gradient is no longer a finite number."""


def optimise(objective: Callable[[Tensor], Losses], picture: Tensor, settings: Settings,
             observe: Callable[[Progress], None] | None = None) -> Progress:
    """Minimise ``objective``, starting from ``picture``, which is changed in place.

    Ends after ``settings.iterations`` iterations, earlier when nothing improves any more, on a
    fault (NaN, overflow), and on KeyboardInterrupt, which is not raised again. Whatever the
    end, ``best`` of the result is the best picture until then.

    Parameters
    ----------
    objective : callable
        From a picture 1×3×H×W to its `Losses`.
    picture : Tensor, 1×3×H×W
        A leaf that requires a gradient.
    observe : callable, optional
        Called after every iteration.
    """
    evaluation = _Evaluation(objective, picture, observe)
    progress = evaluation.progress
    minimise = {"lbfgs": _lbfgs, "adam": _adam, "sgd": _sgd}[settings.optimizer]
    try:
        # Overflow is noticed by looking at the results; warnings would only repeat it.
        with np.errstate(all="ignore"):
            minimise(evaluation, picture, settings)
        progress.ended = "done" if evaluation.count > settings.iterations else "converged"
    except Fault as fault:
        progress.ended, progress.cause = "fault", _cause(fault, picture, settings)
    except KeyboardInterrupt:
        progress.ended = "interrupted"
    return progress


class _Evaluation:
    """The closure that optimisers call: loss and gradient at the picture as it is now."""

    def __init__(self, objective: Callable[[Tensor], Losses], picture: Tensor,
                 observe: Callable[[Progress], None] | None) -> None:
        self.objective = objective
        self.picture = picture
        self.observe = observe
        self.progress = Progress(best=picture.detach().clone())
        self.lowest = float("inf")
        self.count = 0
        self.clock = time.perf_counter()

    def __call__(self) -> Tensor:
        self.picture.grad = None
        losses = self.objective(self.picture)
        values = _values(losses)
        losses.total.backward()
        _check_finite("the gradient", self.picture.grad)
        if values["total"] < self.lowest:
            self.lowest = values["total"]
            self.progress.best = self.picture.detach().clone()
            self.progress.best_iteration = self.count
        self._record(values)
        return losses.total

    def _record(self, values: dict[str, float | None]) -> None:
        now = time.perf_counter()
        self.progress.history.append(Iteration(self.count, **values, seconds=now - self.clock))
        self.clock = now
        self.count += 1
        if self.observe is not None:
            self.observe(self.progress)


def _values(losses: Losses) -> dict[str, float | None]:
    """The terms and their total as Python numbers; a Fault if one is not finite."""
    values: dict[str, float | None] = {}
    for name in ("content", "style", "tv", "total"):
        term = getattr(losses, name)
        if term is not None:
            _check_finite(f"the {name} loss", term)
        values[name] = None if term is None else float(term.item())
    return values


# --------------------------------------------------------------------- the optimisers


def _lbfgs(evaluate: _Evaluation, picture: Tensor, settings: Settings) -> None:
    """L-BFGS; begun afresh where it stalls, and given up where a fresh start stalls as well."""
    allowed = settings.iterations + 1
    while evaluate.count < allowed:
        before = evaluate.lowest
        left = allowed - evaluate.count
        optimizer = optim.LBFGS([picture], lr=settings.learning_rate or 1.0, max_iter=left,
                                max_eval=left, history_size=10, tolerance_grad=0,
                                tolerance_change=0, line_search_fn="strong_wolfe")
        optimizer.step(evaluate)
        if evaluate.lowest >= before:
            return


def _adam(evaluate: _Evaluation, picture: Tensor, settings: Settings) -> None:
    optimizer = optim.Adam([picture], lr=settings.learning_rate or DEFAULT_STEP)
    for _ in range(settings.iterations):
        optimizer.step(evaluate)
    evaluate()                          # the picture after the last step counts as well


def _sgd(evaluate: _Evaluation, picture: Tensor, settings: Settings) -> None:
    """Gradient descent; without a given rate, no step moves a pixel by more than DEFAULT_STEP.

    The loss is of fourth order in the features: from noise the gradient first grows by orders of
    magnitude, so the rate is set by the steepest gradient so far, not by the first one.
    """
    optimizer = optim.SGD([picture], lr=settings.learning_rate or 0.0)
    steepest = 1e-30
    for _ in range(settings.iterations):
        evaluate()
        if settings.learning_rate is None:
            steepest = max(steepest, _largest(picture.grad))
            optimizer.param_groups[0]["lr"] = DEFAULT_STEP / steepest
        optimizer.step()
    evaluate()


# -------------------------------------------------------------------------- the faults


def _check_finite(what: str, tensor: Tensor) -> None:
    if not array_module(tensor.data).isfinite(tensor.data).all():
        raise Fault(what)


def _largest(tensor: Tensor) -> float:
    """max |x|; NaN if there is one."""
    with no_grad():
        return float(tensor.abs().max().item())


def _cause(fault: Fault, picture: Tensor, settings: Settings) -> str:
    """What went wrong, and what to do about it."""
    largest = _largest(picture)
    if not largest < SANE:
        rate = "" if settings.learning_rate is None else f" than {settings.learning_rate:g}"
        return (f"{fault} is not finite because the last step took pixels to {largest:.3g}: "
                f"choose a smaller learning-rate{rate}, or the optimizer lbfgs")
    if str(fault) == "the total loss":
        return (f"{fault} is not finite although its terms are: choose a smaller content-weight "
                f"({settings.content_weight:g}), style-weight ({settings.style_weight:g}) or "
                f"tv-weight ({settings.tv_weight:g})")
    return (f"{fault} is not finite although the picture is: the numbers inside the network are "
            f"too large for float32; check the weights file, or choose smaller weights of layers")
