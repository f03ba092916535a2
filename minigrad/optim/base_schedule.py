"""Base class of learning rates that are a formula of time."""

from __future__ import annotations

import math
from typing import Any

from minigrad.errors import ArgumentError
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.settings import check_number, check_setting, is_count


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
        groups = groups_of(optimizer, type(self).__name__)
        self.optimizer = optimizer
        self.base_lrs: list[float] = [group["lr"] for group in groups]
        self.last_epoch = 0
        self._apply()

    def rate(self, base: float, t: int) -> float:
        """The learning rate at time `t` of a group that began with `base`."""
        raise NotImplementedError(f"{type(self).__name__} does not define rate()")

    def group_rate(self, group: int, base: float, t: int) -> float:
        """The rate of one group; the same formula for all, unless a subclass overrides this."""
        return self.rate(base, t)

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
        for number, (group, base) in enumerate(zip(groups, self.base_lrs)):
            rate = self.group_rate(number, base, self.last_epoch)
            check_number(type(self).__name__, f"the rate at time {self.last_epoch}", rate)
            group["lr"] = rate

    def state_dict(self) -> dict[str, Any]:
        """The state of the schedule; the optimizer has its own state dict."""
        return {"last_epoch": self.last_epoch, "base_lrs": list(self.base_lrs)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the result of `state_dict`.

        Raises
        ------
        ArgumentError : the state is of another kind, or for another number of groups.
        """
        groups = len(self.optimizer.param_groups)
        if not isinstance(state_dict, dict) or set(state_dict) != {"last_epoch", "base_lrs"} \
                or not isinstance(state_dict["base_lrs"], (list, tuple)) \
                or len(state_dict["base_lrs"]) != groups:
            raise ArgumentError(f"{type(self).__name__} loads what state_dict() returns, "
                                f"last_epoch and base_lrs of {groups} group(s)")
        name = type(self).__name__
        check_setting(is_count(state_dict["last_epoch"]), name, "last_epoch",
                      state_dict["last_epoch"], "a whole number of at least 0")
        for rate in state_dict["base_lrs"]:
            check_number(name, "a rate", rate)
        self.last_epoch, self.base_lrs = state_dict["last_epoch"], list(state_dict["base_lrs"])
        self._apply()


def groups_of(optimizer: Any, schedule: str) -> list[dict[str, Any]]:
    """The parameter groups of an optimizer, for the schedule with this name.

    Raises
    ------
    ArgumentError : it is something else.
    """
    if not isinstance(optimizer, Optimizer):
        raise ArgumentError(f"{schedule} changes the rates of an optimizer, not of a "
                            f"{type(optimizer).__name__}")
    return optimizer.param_groups


def power_of(base: float, exponent: float) -> float:
    """baseⁿ, infinite where it is too large for a float."""
    try:
        return base ** exponent
    except OverflowError:
        return math.inf
