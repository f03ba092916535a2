"""Further schedules, see :mod:`minigrad.optim.lr_scheduler`: by a function, at milestones, in one
cycle, and by the progress of a loss.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError
from minigrad.optim.base_schedule import LRScheduler, groups_of, power_of
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.settings import (
    check_choice,
    check_flags,
    check_number,
    check_setting,
    check_whole,
    is_count,
    is_finite,
    is_number,
)
from minigrad.printable import shown


class LambdaLR(LRScheduler):
    """lr = base · f(t), with one function for all groups or one for each.

    Raises ArgumentError if there is neither one function nor one for each group.
    """

    def __init__(self, optimizer: Optimizer,
                 lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]]) -> None:
        groups = len(groups_of(optimizer, "LambdaLR"))
        functions = [lr_lambda] * groups if callable(lr_lambda) else \
            list(lr_lambda) if isinstance(lr_lambda, Iterable) else []
        if len(functions) != groups or not all(map(callable, functions)):
            raise ArgumentError(f"LambdaLR needs one function, or one for each of {groups} "
                                f"group(s), not {shown(lr_lambda)}")
        self.lr_lambdas = functions
        super().__init__(optimizer)

    def group_rate(self, group: int, base: float, t: int) -> float:
        factor = self.lr_lambdas[min(group, len(self.lr_lambdas) - 1)](t)
        check_number("LambdaLR", f"the factor at time {t}", factor)
        return base * factor


class MultiStepLR(LRScheduler):
    """lr = base · γ^(number of milestones ≤ t): multiplied by `gamma` at each milestone."""

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1
                 ) -> None:
        check_number("MultiStepLR", "gamma", gamma)
        steps = list(milestones) if isinstance(milestones, Iterable) else [None]
        check_setting(all(map(is_finite, steps)), "MultiStepLR", "milestones", milestones,
                      "a list of numbers")
        self.milestones, self.gamma = sorted(steps), gamma
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        return base * power_of(self.gamma, bisect_right(self.milestones, t))


class LinearLR(LRScheduler):
    """lr = base times a factor that grows linearly from `start_factor` to `end_factor` and stays.

    Raises ArgumentError for a `start_factor` outside (0, 1], an `end_factor` outside [0, 1] or
    `total_iters` below 1.
    """

    def __init__(self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0,
                 total_iters: int = 5) -> None:
        check_number("LinearLR", "start_factor", start_factor, "above 0 and at most 1",
                     lambda factor: 0 < factor <= 1)
        check_number("LinearLR", "end_factor", end_factor, "in 0 … 1",
                     lambda factor: 0 <= factor <= 1)
        check_number("LinearLR", "total_iters", total_iters, "at least 1",
                     lambda iterations: iterations >= 1)
        self.start_factor, self.end_factor = start_factor, end_factor
        self.total_iters = total_iters
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        share = min(t, self.total_iters) / self.total_iters
        return base * (self.start_factor + (self.end_factor - self.start_factor) * share)


class OneCycleLR(LRScheduler):
    """Up from max_lr / div_factor to max_lr, then down to a tiny rate, over `total_steps` steps.

    Parameters
    ----------
    optimizer : the one whose rates are set.
    max_lr : the highest rate, for all groups or for each.
    total_steps : length of the cycle; or `epochs` and `steps_per_epoch`, whose product it is.
    pct_start : the share of the cycle in which the rate rises, in 0 … 1.
    anneal_strategy : `"cos"` (half a cosine wave each way) or `"linear"`.
    cycle_momentum : whether momentum (or β₁) moves the opposite way.
    base_momentum, max_momentum : its lowest and its highest value.
    div_factor : max_lr over the rate at the start.
    final_div_factor : the rate at the start over that at the end.

    Raises
    ------
    ArgumentError : the cycle has no length, or a setting is out of range.

    Notes
    -----
    Smith and Topin, "Super-convergence" (2018), section 3.
    """

    def __init__(self, optimizer: Optimizer, max_lr: float | Sequence[float],
                 total_steps: int | None = None, epochs: int | None = None,
                 steps_per_epoch: int | None = None, pct_start: float = 0.3,
                 anneal_strategy: str = "cos", cycle_momentum: bool = True,
                 base_momentum: float = 0.85, max_momentum: float = 0.95, div_factor: float = 25.0,
                 final_div_factor: float = 1e4) -> None:
        name, groups = "OneCycleLR", groups_of(optimizer, "OneCycleLR")
        for setting, count in (("epochs", epochs), ("steps_per_epoch", steps_per_epoch)):
            check_number(name, setting, 0 if count is None else count)
        length = total_steps if total_steps is not None else (epochs or 0) * (steps_per_epoch or 0)
        check_number(name, "total_steps", length, "at least 1", lambda steps: steps >= 1)
        check_number(name, "pct_start", pct_start, "in 0 … 1", lambda share: 0 <= share <= 1)
        check_choice(name, "anneal_strategy", anneal_strategy, ("cos", "linear"))
        check_flags(name, {"cycle_momentum": cycle_momentum}, ("cycle_momentum",))
        for setting, value in (("base_momentum", base_momentum), ("max_momentum", max_momentum)):
            check_number(name, setting, value)
        for setting, value in (("div_factor", div_factor), ("final_div_factor", final_div_factor)):
            check_number(name, setting, value, "above 0", lambda factor: factor > 0)
        peaks: list[Any] = list(max_lr) if isinstance(max_lr, Sequence) \
            else [max_lr] * len(groups)
        check_setting(len(peaks) == len(groups) and all(map(is_finite, peaks)), name, "max_lr",
                      max_lr, "one number, or one for each group")
        self.total_steps, self.pct_start, self.anneal_strategy = length, pct_start, anneal_strategy
        self.cycle_momentum = cycle_momentum
        self.momenta = (base_momentum, max_momentum)
        self.peaks, self.div_factor, self.final_div_factor = peaks, div_factor, final_div_factor
        for group, peak in zip(groups, peaks):
            group["lr"] = peak / div_factor
        super().__init__(optimizer)

    def _between(self, start: float, end: float, share: float) -> float:
        if self.anneal_strategy == "linear":
            return start + (end - start) * share
        return end + (start - end) / 2 * (1 + math.cos(math.pi * share))

    def _phase(self, t: int) -> tuple[bool, float]:
        """Whether the rate rises at step t, and which share of that phase is over."""
        top = self.pct_start * self.total_steps - 1
        last = self.total_steps - 1
        if t <= top or last == top:
            return True, t / top if top > 0 else 1.0
        return False, (t - top) / (last - top)

    def group_rate(self, group: int, base: float, t: int) -> float:
        if t >= self.total_steps:
            raise ArgumentError(f"OneCycleLR has {self.total_steps} steps, and this would be step "
                                f"{t + 1}; make it longer")
        rising, share = self._phase(t)
        peak = self.peaks[min(group, len(self.peaks) - 1)]
        start = peak / self.div_factor
        return self._between(start, peak, share) if rising \
            else self._between(peak, start / self.final_div_factor, share)

    def _apply(self) -> None:
        super()._apply()
        if not self.cycle_momentum:
            return
        rising, share = self._phase(self.last_epoch)
        low, high = self.momenta
        momentum = self._between(high, low, share) if rising else self._between(low, high, share)
        for group in self.optimizer.param_groups:
            if "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            elif "momentum" in group:
                group["momentum"] = momentum


class ReduceLROnPlateau:
    """lr ← max(γ·lr, min_lr) when a measured value has not improved for more than `patience` steps.

    Parameters
    ----------
    optimizer : the one whose rates are set.
    mode : `"min"` if smaller values are better, `"max"` if larger ones are.
    factor : γ below 1.
    patience : steps without improvement that are tolerated.
    threshold : how much better a value must be to count.
    threshold_mode : `"rel"` (a share of the best value) or `"abs"`.
    cooldown : steps after a reduction in which nothing is counted.
    min_lr : the lowest rate.
    eps : smaller changes of a rate are not made.

    Attributes
    ----------
    best : the best value so far.
    num_bad_epochs : steps since it was last improved.

    Raises
    ------
    ArgumentError : a setting is out of range.
    """

    def __init__(self, optimizer: Optimizer, mode: str = "min", factor: float = 0.1,
                 patience: int = 10, threshold: float = 1e-4, threshold_mode: str = "rel",
                 cooldown: int = 0, min_lr: float = 0.0, eps: float = 1e-8) -> None:
        name = "ReduceLROnPlateau"
        groups_of(optimizer, name)
        check_number(name, "factor", factor, "at least 0 and below 1", lambda f: 0 <= f < 1)
        for setting, value in (("threshold", threshold), ("min_lr", min_lr), ("eps", eps)):
            check_number(name, setting, value)
        for setting, value in (("patience", patience), ("cooldown", cooldown)):
            check_whole(name, setting, value, 0)
        check_choice(name, "mode", mode, ("min", "max"))
        check_choice(name, "threshold_mode", threshold_mode, ("rel", "abs"))
        self.optimizer, self.mode, self.factor, self.patience = optimizer, mode, factor, patience
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.cooldown, self.min_lr, self.eps = cooldown, min_lr, eps
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = self.last_epoch = 0

    def step(self, metrics: float | Tensor) -> None:
        """Report the value of this step, a number or a tensor with one element."""
        check_setting(is_number(metrics), "ReduceLROnPlateau", "the value of a step", metrics,
                      "a number")
        value = float(metrics)
        self.last_epoch += 1
        if self._better(value):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0

    def _better(self, value: float) -> bool:
        margin = self.threshold * (self.best if self.threshold_mode == "rel" else 1.0)
        if math.isinf(self.best):
            margin = 0.0
        return value < self.best - margin if self.mode == "min" else value > self.best + margin

    def _reduce(self) -> None:
        for group in self.optimizer.param_groups:
            rate = max(group["lr"] * self.factor, self.min_lr)
            if group["lr"] - rate > self.eps:
                group["lr"] = rate

    def get_last_lr(self) -> list[float]:
        """The current rate of each group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """The state of the schedule; the optimizer has its own state dict."""
        return {name: getattr(self, name) for name in
                ("best", "num_bad_epochs", "cooldown_counter", "last_epoch")}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the result of `state_dict`.

        Raises
        ------
        ArgumentError : the state is of another kind.
        """
        if not isinstance(state_dict, dict) or set(state_dict) != set(self.state_dict()):
            raise ArgumentError(f"ReduceLROnPlateau loads what state_dict() returns, "
                                f"{', '.join(self.state_dict())}")
        for setting, value in state_dict.items():
            check_setting(is_number(value) if setting == "best" else is_count(value),
                          "ReduceLROnPlateau", setting, value,
                          "a number" if setting == "best" else "a whole number of at least 0")
        vars(self).update(state_dict)
