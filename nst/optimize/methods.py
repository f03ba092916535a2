"""The optimisation methods: L-BFGS, Adam and gradient descent.

All take the same arguments, use up the evaluations that they are allowed, and return their state
for the next scale, or None. `evaluate` is the closure of the loop, see
`nst.optimize.closure.ObjectiveClosure`: it computes loss and gradient at the picture, counts
evaluations, keeps the best picture and holds the state of the scale before.
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from minigrad import Tensor, no_grad, optim
from minigrad.backend import array_module
from nst.config.settings import Settings
from nst.optimize.patience import StopSearch
from nst.pictures import resample

if TYPE_CHECKING:
    from nst.optimize.loop import ObjectiveClosure

ADAM_REACH = 50.0       # grey levels: Adam's rate by default is this over √iterations …
DEFAULT_STEP = 10.0     # grey levels: … and at most this, as is a step of gradient descent
LAST_RATE = 0.01        # of the rate at the start: where schedules end
EPSILON = 1e-8          # Adam's


def lbfgs(evaluate: ObjectiveClosure, picture: Tensor, settings: Settings) -> Any:
    """L-BFGS; begun afresh where it stalls, and given up where a fresh start stalls as well."""
    optimizer, before, warm_start = None, math.inf, evaluate.warm_start()
    restored = evaluate.register_state(lambda: {"optimizer": optimizer.state_dict()["state"].get(0),
                                       "before": before})

    def closure() -> Tensor:
        total = evaluate()
        if evaluate.out_of_patience:
            raise StopSearch
        return total

    while evaluate.left and not evaluate.out_of_patience:
        before = evaluate.lowest
        optimizer = optim.LBFGS([picture], lr=(settings.learning_rate or 1.0) * evaluate.backoff,
                                max_iter=evaluate.left, max_eval=evaluate.left,
                                history_size=settings.lbfgs_history, tolerance_grad=0,
                                tolerance_change=0, line_search_fn="strong_wolfe",
                                resume=restored is not None)
        if restored is not None:
            before = restored["before"]
            _load_state(optimizer, restored["optimizer"])
        elif warm_start is not None:
            _load_state(optimizer, resample.lbfgs_state(warm_start["state"], warm_start["size"],
                                                   picture.shape[2:]))
        restored = warm_start = None              # as large as all that the optimiser has now
        with suppress(StopSearch):
            optimizer.step(closure)
        if evaluate.lowest >= before:
            break
    if optimizer is None or not evaluate.goes_on:
        return None                     # to copy the history would take as much memory again
    return {"state": optimizer.state_dict()["state"].get(0), "size": picture.shape[2:]}


def _load_state(optimizer: optim.Optimizer, state: dict[str, Any]) -> None:
    """Give an optimiser what one knew about the picture, but not that one's settings."""
    optimizer.load_state_dict({"state": {0: state},
                               "param_groups": optimizer.state_dict()["param_groups"]})


def adam(evaluate: ObjectiveClosure, picture: Tensor, settings: Settings) -> Any:
    """Adam; its last evaluation is that of the running mean of its pictures."""
    base = (settings.learning_rate or adam_rate(settings.iterations)) * evaluate.backoff
    optimizer = optim.Adam([picture], lr=base, eps=EPSILON)
    warm_start = evaluate.warm_start()
    if warm_start is not None:
        _load_state(optimizer, resample.adam_state(warm_start, picture.shape[2:]))
    mean = RunningMean(picture, settings.average)
    scaled = not settings.auto_weights      # whether ε is what it is to be
    group = optimizer.param_groups[0]
    # The moments themselves: a snapshot would be another two pictures.
    restored = evaluate.register_state(lambda: {"moments": optimizer.state.get(picture),
                                       "epsilon": group["eps"], "mean": mean.state(),
                                       "scaled": scaled})
    if restored is not None:
        if restored["moments"] is not None:
            _load_state(optimizer, restored["moments"])
        mean.load(restored["mean"])
        group["eps"], scaled = restored["epsilon"], restored["scaled"]
    restored = warm_start = None
    while evaluate.left > 1 and not evaluate.out_of_patience:
        group["lr"] = base * rate(settings, evaluate.progress_share)
        evaluate()
        if not scaled:
            # Relative errors have gradients of 10⁻⁷ and less, beside which 10⁻⁸ is not small.
            group["eps"], scaled = EPSILON * (largest(picture.grad) or 1.0), True
        optimizer.step()
        evaluate.clamp()
        mean.add(picture)
    mean.replace(picture)
    evaluate()                          # the picture after the last step counts as well
    return optimizer.state.get(picture)


def sgd(evaluate: ObjectiveClosure, picture: Tensor, settings: Settings) -> None:
    """Gradient descent; without a given rate, no step moves a pixel by more than DEFAULT_STEP.

    The loss is of fourth order in the features: from noise the gradient first grows by orders of
    magnitude, so the rate is set by the steepest gradient so far, not by the first one. Nothing
    of it is worth carrying to another scale.
    """
    optimizer = optim.SGD([picture], lr=settings.learning_rate or 0.0)
    mean = RunningMean(picture, settings.average)
    steepest = 1e-30
    restored = evaluate.register_state(lambda: {"mean": mean.state(), "steepest": steepest})
    if restored is not None:
        mean.load(restored["mean"])
        steepest = restored["steepest"]
    while evaluate.left > 1 and not evaluate.out_of_patience:
        falling = rate(settings, evaluate.progress_share) * evaluate.backoff
        evaluate()
        steepest = max(steepest, largest(picture.grad))
        base = settings.learning_rate or DEFAULT_STEP / steepest
        optimizer.param_groups[0]["lr"] = base * falling
        optimizer.step()
        evaluate.clamp()
        mean.add(picture)
    mean.replace(picture)
    evaluate()


METHODS = {"lbfgs": lbfgs, "adam": adam, "sgd": sgd}


def adam_rate(iterations: int) -> float:
    """The rate for a run of so many iterations, in grey levels.

    Each step moves every pixel by about the rate, to and fro: what is left of that in the end is
    grit. The more steps there are, the smaller they can be and still get everywhere.
    """
    return min(DEFAULT_STEP, ADAM_REACH / math.sqrt(iterations))


def rate(settings: Settings, share: float) -> float:
    """What the learning rate is multiplied by when ``share`` (0 to 1) of the run is done."""
    return {"constant": 1.0,
            "linear": 1 - (1 - LAST_RATE) * share,
            "cosine": LAST_RATE + (1 - LAST_RATE) * (1 + math.cos(math.pi * share)) / 2,
            "exponential": LAST_RATE**share}[settings.lr_schedule]


class RunningMean:
    """The mean of the pictures so far, the last ones counting most: m ← β·m + (1 − β)·x.

    As in Adam, m is divided by 1 − βᵗ, so that the zeros that it starts from do not count.
    Polyak and Juditsky, "Acceleration of stochastic approximation by averaging" (1992), with an
    exponential window in place of all iterates.
    """

    def __init__(self, picture: Tensor, beta: float) -> None:
        self.beta = beta
        self.weight = 0.0                   # 1 − βᵗ
        self.mean = array_module(picture.data).zeros_like(picture.data) if beta else None

    def add(self, picture: Tensor) -> None:
        if self.mean is not None:
            self.mean *= self.beta
            self.mean += (1 - self.beta) * picture.data
            self.weight = self.beta * self.weight + 1 - self.beta

    def state(self) -> dict[str, Any]:
        """All it remembers, for a checkpoint that is written at once: its own array, no copy."""
        return {"weight": self.weight, "mean": self.mean}

    def load(self, state: dict[str, Any]) -> None:
        """Take over :meth:`state`."""
        self.weight = state["weight"]
        if self.mean is not None:
            self.mean[...] = state["mean"]

    def replace(self, picture: Tensor) -> None:
        """Write the mean into the picture, if there is one."""
        if self.weight:
            with no_grad():
                picture.array_for_writing()[...] = self.mean / self.weight


def largest(tensor: Tensor) -> float:
    """max |x|; NaN if there is one."""
    with no_grad():
        return float(tensor.abs().max().item())
