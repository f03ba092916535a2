"""The optimisation methods: L-BFGS, Adam and gradient descent.

All take the same arguments, use up the evaluations of their scale, and return their state for the
next scale, or None. `evaluate` is the closure of the loop, see
`nst.optimize.closure.ObjectiveClosure`: it computes loss and gradient at the picture, counts
evaluations, keeps the best picture and holds the state of the previous scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from minigrad import Tensor, no_grad, optim
from minigrad.backend import array_module
from nst.config.settings import Settings
from nst.optimize.closure import ObjectiveClosure
from nst.optimize.patience import StopSearch
from nst.optimize.variables import VARIABLES, Variable
from nst.pictures import resample

# Grey levels: Adam's default rate is this over √iterations …
ADAM_REACH = {"pixels": 50.0, "pyramid": 75.0}
MAX_STEP = 10.0         # grey levels: … and at most this, like a step of gradient descent
FINAL_RATE = 0.01        # fraction of the initial rate at the end of a schedule
EPSILON = 1e-8          # of Adam
STEEPEST = 1e-30        # gradient, before there is one


def lbfgs(evaluate: ObjectiveClosure, picture: Tensor, settings: Settings) -> Any:
    """L-BFGS. It restarts when it stalls, and ends when the restart stalls too."""
    variable = VARIABLES[settings.variable](picture)
    optimizer: optim.LBFGS | None = None
    before, warm_start = math.inf, evaluate.warm_start()
    restored = evaluate.register_state(lambda: {"optimizer": _lbfgs_state(optimizer),
                                                "variable": variable.state(), "before": before})

    def closure() -> Tensor:
        variable.update_picture()
        total = evaluate()
        variable.pull_gradient()
        if evaluate.out_of_patience:
            raise StopSearch
        return total

    if restored is not None:
        variable.load(restored["variable"])
    while evaluate.left and not evaluate.out_of_patience:
        before = evaluate.lowest
        optimizer = optim.LBFGS(variable.parameters,
                                lr=(settings.learning_rate or 1.0) * evaluate.backoff,
                                max_iter=evaluate.left, max_eval=evaluate.left,
                                history_size=settings.lbfgs_history, tolerance_grad=0,
                                tolerance_change=0, line_search_fn="strong_wolfe",
                                resume=restored is not None)
        if restored is not None:
            before = restored["before"]
            _load_states(optimizer, [restored["optimizer"]])
        elif warm_start is not None:
            _load_states(optimizer, [resample.lbfgs_state(
                warm_start["state"], warm_start["sizes"], _sizes(variable))])
        restored = warm_start = None    # each is as large as the optimiser's own state
        with suppress(StopSearch):
            optimizer.step(closure)
        if evaluate.lowest >= before:
            break
    if optimizer is None or not evaluate.continues:
        return None                     # a copy of the history would take as much memory again
    return {"state": _lbfgs_state(optimizer), "sizes": _sizes(variable)}


def _lbfgs_state(optimizer: optim.Optimizer | None) -> dict[str, Any] | None:
    """The state of all parameters, which L-BFGS sees as one vector."""
    return None if optimizer is None else optimizer.state_dict()["state"].get(0)


def _load_states(optimizer: optim.Optimizer, states: Sequence[Any]) -> None:
    """Load the states of the parameters, but keep the optimiser's hyper-parameters."""
    optimizer.load_state_dict({"state": dict(enumerate(states)),
                               "param_groups": optimizer.state_dict()["param_groups"]})


def adam(evaluate: ObjectiveClosure, picture: Tensor, settings: Settings) -> Any:
    """Adam. The last evaluation is that of the running mean of its pictures."""
    variable = VARIABLES[settings.variable](picture)
    base = (settings.learning_rate or adam_rate(settings)) * evaluate.backoff
    optimizer = optim.Adam(variable.parameters, lr=base, eps=EPSILON)
    warm_start = evaluate.warm_start()
    unit = 0.0                              # the factor of gradients; 0 until there is one
    if warm_start is not None:
        unit = warm_start["unit"]
        _load_states(optimizer, [resample.adam_state(state, size) for state, size
                                 in zip(warm_start["moments"], _sizes(variable))])
    mean = RunningMean(picture, settings.average)
    group = optimizer.param_groups[0]
    # The moments themselves: a copy would take the memory of two more pictures.
    restored = evaluate.register_state(lambda: {
        "moments": _moments(optimizer, variable), "mean": mean.state(), "unit": unit})
    if restored is not None:
        if restored["moments"]:
            _load_states(optimizer, restored["moments"])
        mean.load(restored["mean"])
        unit = restored["unit"]
    restored = warm_start = None
    while evaluate.left > 1 and not evaluate.out_of_patience:
        group["lr"] = base * rate(settings, evaluate.progress_share)
        evaluate()
        unit = unit or _unit(picture)
        _scale_gradient(picture, unit)
        variable.pull_gradient()
        optimizer.step()
        _move(variable, evaluate)
        mean.add(picture)
    mean.replace(picture)
    evaluate(is_final=True)                 # the picture after the last step
    return {"moments": _moments(optimizer, variable), "unit": unit}


def _moments(optimizer: optim.Optimizer, variable: Variable) -> list[dict[str, Any]]:
    """Adam's state of every parameter; empty before the first step."""
    states = [optimizer.state.get(parameter) for parameter in variable.parameters]
    return [state for state in states if state]


def _unit(picture: Tensor) -> float:
    """A power of two by which gradients are multiplied, so that the largest is about 1.

    Adam squares gradients, and loss weights make them arbitrarily large or small: 10⁻⁷ and less
    with relative errors. A power of two changes no digit.
    """
    steepest = _largest_gradient(picture)
    return 2.0 ** -math.frexp(steepest)[1] if steepest else 1.0


def _scale_gradient(picture: Tensor, unit: float) -> None:
    gradient = picture.grad
    assert gradient is not None         # every evaluation sets it
    with no_grad():
        gradient.array_for_writing()[...] *= gradient.dtype.type(unit)


def _move(variable: Variable, evaluate: ObjectiveClosure) -> None:
    """Bring the picture up to date after a step, and keep it within its bounds."""
    variable.update_picture()
    evaluate.clamp()
    variable.rebase()


def sgd(evaluate: ObjectiveClosure, picture: Tensor, settings: Settings) -> None:
    """Gradient descent. By default no step moves a parameter by more than `MAX_STEP`.

    The loss is of fourth order in the features: when a run starts from noise, the gradient first
    grows by orders of magnitude. So the rate follows from the steepest gradient so far, not from
    the first one. No state is carried over to another scale.
    """
    variable = VARIABLES[settings.variable](picture)
    optimizer = optim.SGD(variable.parameters, lr=settings.learning_rate or 0.0)
    mean = RunningMean(picture, settings.average)
    steepest = STEEPEST
    restored = evaluate.register_state(lambda: {"mean": mean.state(), "steepest": steepest})
    if restored is not None:
        mean.load(restored["mean"])
        steepest = restored["steepest"]
    while evaluate.left > 1 and not evaluate.out_of_patience:
        decay = rate(settings, evaluate.progress_share) * evaluate.backoff
        evaluate()
        variable.pull_gradient()
        steepest = max(steepest, *map(_largest_gradient, variable.parameters))
        base = settings.learning_rate or MAX_STEP / steepest
        optimizer.param_groups[0]["lr"] = base * decay
        optimizer.step()
        _move(variable, evaluate)
        mean.add(picture)
    mean.replace(picture)
    evaluate(is_final=True)


METHODS = {"lbfgs": lbfgs, "adam": adam, "sgd": sgd}


def adam_rate(settings: Settings) -> float:
    """The default rate, in grey levels: of every pixel, or of the coarse levels of a pyramid.

    Each step moves every number by about the rate, back and forth, and the last of these movements
    remain as grain. The more steps there are, the smaller they can be.
    """
    return min(MAX_STEP, ADAM_REACH[settings.variable] / math.sqrt(settings.iterations))


def rate(settings: Settings, share: float) -> float:
    """The factor of the learning rate when the fraction `share` of the run is done."""
    return {"constant": 1.0,
            "linear": 1 - (1 - FINAL_RATE) * share,
            "cosine": FINAL_RATE + (1 - FINAL_RATE) * (1 + math.cos(math.pi * share)) / 2,
            "exponential": FINAL_RATE**share}[settings.lr_schedule]


class RunningMean:
    """An exponential moving average of the pictures: m ← β·m + (1 − β)·x.

    As in Adam, m is divided by 1 − βᵗ, which corrects for its start at zero.
    Polyak and Juditsky, "Acceleration of stochastic approximation by averaging" (1992), with an
    exponential window in place of all iterates.
    """

    def __init__(self, picture: Tensor, beta: float) -> None:
        self.beta = beta
        self.weight = 0.0                   # 1 − βᵗ
        self.mean = array_module(picture.data).zeros_like(picture.data) if beta else None

    def add(self, picture: Tensor) -> None:
        """Add one more picture."""
        if self.mean is not None:
            self.mean *= self.beta
            self.mean += (1 - self.beta) * picture.data
            self.weight = self.beta * self.weight + 1 - self.beta

    def state(self) -> dict[str, Any]:
        """The state for a checkpoint; the array is not copied."""
        return {"weight": self.weight, "mean": self.mean}

    def load(self, state: dict[str, Any]) -> None:
        """Restore a `state`."""
        self.weight = state["weight"]
        if self.mean is not None:
            self.mean[...] = state["mean"]

    def replace(self, picture: Tensor) -> None:
        """Write the mean into the picture, if there is one."""
        if self.mean is not None and self.weight:
            with no_grad():
                picture.array_for_writing()[...] = self.mean / self.weight


def largest(tensor: Tensor) -> float:
    """max |x|, or NaN if the tensor contains NaN."""
    with no_grad():
        return float(tensor.abs().max().item())


def _largest_gradient(parameter: Tensor) -> float:
    gradient = parameter.grad
    assert gradient is not None         # every evaluation sets it
    return largest(gradient)


def _sizes(variable: Variable) -> list[tuple[int, int]]:
    """Height and width of every parameter."""
    return [(parameter.shape[2], parameter.shape[3]) for parameter in variable.parameters]
