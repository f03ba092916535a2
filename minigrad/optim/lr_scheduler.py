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

from minigrad.optim.base_schedule import LRScheduler, power_of
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.schedules import (
    LambdaLR,
    LinearLR,
    MultiStepLR,
    OneCycleLR,
    ReduceLROnPlateau,
)
from minigrad.optim.settings import check_number

__all__ = ["CosineAnnealingLR", "ExponentialLR", "LRScheduler", "LambdaLR", "LinearLR",
           "MultiStepLR", "OneCycleLR", "ReduceLROnPlateau", "StepLR"]


class StepLR(LRScheduler):
    """lr = base · γ^⌊t / step_size⌋: multiplied by `gamma` every `step_size` epochs.

    Raises ArgumentError for a `step_size` below 1 or a negative `gamma`.
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        check_number("StepLR", "step_size", step_size, "at least 1", lambda size: size >= 1)
        check_number("StepLR", "gamma", gamma)
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        return base * power_of(self.gamma, t // self.step_size)


class ExponentialLR(LRScheduler):
    """lr = base · γᵗ: multiplied by `gamma`, at least 0, every epoch; otherwise ArgumentError."""

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        check_number("ExponentialLR", "gamma", gamma)
        self.gamma = gamma
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        return base * power_of(self.gamma, t)


class CosineAnnealingLR(LRScheduler):
    """lr = η + ½(base − η)(1 + cos(πt / T_max)): from `base` down to η = `eta_min`, and back.

    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017), eq. 5,
    without restarts. Raises ArgumentError for a `T_max` below 1 or a negative `eta_min`.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        check_number("CosineAnnealingLR", "T_max", T_max, "at least 1", lambda most: most >= 1)
        check_number("CosineAnnealingLR", "eta_min", eta_min)
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        return self.eta_min + 0.5 * (base - self.eta_min) * (1 + math.cos(math.pi * t / self.T_max))
