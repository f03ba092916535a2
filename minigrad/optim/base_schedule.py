"""Base class of learning rates that are a formula of time."""

from __future__ import annotations

from typing import Any

from minigrad.errors import ArgumentError
from minigrad.optim.optimizer import Optimizer


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
            group["lr"] = self.group_rate(number, base, self.last_epoch)

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
        if set(state_dict) != {"last_epoch", "base_lrs"} or len(state_dict["base_lrs"]) != groups:
            raise ArgumentError(f"{type(self).__name__} loads what state_dict() returns, "
                                f"last_epoch and base_lrs of {groups} group(s)")
        self.last_epoch, self.base_lrs = state_dict["last_epoch"], list(state_dict["base_lrs"])
        self._apply()
