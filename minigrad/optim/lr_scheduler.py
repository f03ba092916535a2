"""Learning rates that change over time.

A schedule holds an optimizer and sets `lr` of its groups; call `step()` after each epoch
(or after each step, whatever t counts):

    schedule = optim.lr_scheduler.StepLR(optimizer, step_size=30)
    for epoch in range(100):
        train(...)
        schedule.step()

Each is a formula of t and of the rate that a group had at the start, so rounding errors do not
add up, and a rate that is set by hand in between is overwritten.
"""

from __future__ import annotations

import math
from typing import Any

from minigrad.errors import ArgumentError
from minigrad.optim.optimizer import Optimizer, check_setting


class LRScheduler:
    """Base class; a subclass implements its formula in `rate`.

    Parameters
    ----------
    optimizer : the one whose groups' `lr` is set.

    Attributes
    ----------
    last_epoch : t, how often `step` was called.
    base_lrs : the rate of each group at the start.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise ArgumentError(f"{type(self).__name__} changes the rates of an optimizer, not of "
                                f"a {type(optimizer).__name__}")
        self.optimizer = optimizer
        self.base_lrs: list[float] = [group["lr"] for group in optimizer.param_groups]
        self.last_epoch = 0
        self._apply()

    def rate(self, base: float, t: int) -> float:
        """The learning rate at time `t` of a group that began with `base`."""
        raise NotImplementedError(f"{type(self).__name__} does not define rate()")

    def step(self) -> None:
        """Advance by one unit of time."""
        self.last_epoch += 1
        self._apply()

    def get_last_lr(self) -> list[float]:
        """The current rate of each group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def _apply(self) -> None:
        groups = self.optimizer.param_groups
        # Groups added later start from their own rate.
        self.base_lrs += [group["lr"] for group in groups[len(self.base_lrs):]]
        for group, base in zip(groups, self.base_lrs):
            group["lr"] = self.rate(base, self.last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """The state of the schedule; the optimizer has its own state dict."""
        return {"last_epoch": self.last_epoch, "base_lrs": list(self.base_lrs)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the result of `state_dict`.

        Raises
        ------
        ArgumentError : the state is of another kind or number of groups.
        """
        groups = len(self.optimizer.param_groups)
        if set(state_dict) != {"last_epoch", "base_lrs"} or len(state_dict["base_lrs"]) != groups:
            raise ArgumentError(f"{type(self).__name__} loads what state_dict() gives, last_epoch "
                                f"and base_lrs of {groups} group(s)")
        self.last_epoch, self.base_lrs = state_dict["last_epoch"], list(state_dict["base_lrs"])
        self._apply()


class StepLR(LRScheduler):
    """lr = base · γ^⌊t / step_size⌋: multiplied by `gamma` every `step_size` epochs.

    Raises ArgumentError for a `step_size` below 1 or a negative `gamma`.
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        check_setting(step_size >= 1, "StepLR", "step_size", step_size, "at least 1")
        check_setting(gamma >= 0, "StepLR", "gamma", gamma, "at least 0")
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        return base * self.gamma ** (t // self.step_size)


class ExponentialLR(LRScheduler):
    """lr = base · γᵗ: multiplied by `gamma`, at least 0, every epoch; otherwise ArgumentError."""

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        check_setting(gamma >= 0, "ExponentialLR", "gamma", gamma, "at least 0")
        self.gamma = gamma
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        return base * self.gamma ** t


class CosineAnnealingLR(LRScheduler):
    """lr = η + ½(base − η)(1 + cos(πt / T_max)): from `base` down to η = `eta_min`, and back.

    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017), eq. 5,
    without restarts. Raises ArgumentError for a `T_max` below 1 or a negative `eta_min`.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        check_setting(T_max >= 1, "CosineAnnealingLR", "T_max", T_max, "at least 1")
        check_setting(eta_min >= 0, "CosineAnnealingLR", "eta_min", eta_min, "at least 0")
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        return self.eta_min + 0.5 * (base - self.eta_min) * (1 + math.cos(math.pi * t / self.T_max))
