"""Adagrad."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minigrad.backend import array_module
from minigrad.core.tensor import Tensor
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.settings import check_number


class Adagrad(Optimizer):
    """Gradients divided by the root of the sum of all their squares so far.

    s ← s + g²,  x ← x − lr / (1 + (t − 1)·η) · g / (√s + ε)  at step t.

    Parameters
    ----------
    params : tensors or groups, see `Optimizer`.
    lr : step size, ≥ 0, in units of x.
    lr_decay : η ≥ 0, how fast the step size falls.
    weight_decay : λ ≥ 0; g becomes g + λ·x.
    initial_accumulator_value : s before the first step, ≥ 0.
    eps : ε ≥ 0, in units of the gradient.
    maximize : step uphill: g becomes −g.

    Raises
    ------
    ArgumentError : a setting is negative or not finite.

    Notes
    -----
    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization" (2011), section 1.1.
    """

    _first_state = ("step", "sum")

    def __init__(self, params: Iterable[Tensor] | Iterable[dict[str, Any]], lr: float = 1e-2,
                 lr_decay: float = 0.0, weight_decay: float = 0.0,
                 initial_accumulator_value: float = 0.0, eps: float = 1e-10, *,
                 maximize: bool = False) -> None:
        super().__init__(params, {"lr": lr, "lr_decay": lr_decay, "weight_decay": weight_decay,
                                  "initial_accumulator_value": initial_accumulator_value,
                                  "eps": eps, "maximize": maximize})

    def check_settings(self, settings: dict[str, Any]) -> None:
        for name in ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"):
            check_number("Adagrad", name, settings[name])

    def update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        xp = array_module(x)
        if not state:
            state.update(step=0, sum=xp.full(x.shape, group["initial_accumulator_value"], x.dtype))
        state["step"] += 1
        if group["weight_decay"]:
            g = g + float(group["weight_decay"]) * x
        total = state["sum"]
        total += xp.multiply(g, g, out=self.scratch(x, 0))
        root = xp.sqrt(total, out=self.scratch(x, 0))
        root += float(group["eps"])
        step = xp.divide(g, root, out=root)
        step *= float(group["lr"]) / (1 + (state["step"] - 1) * float(group["lr_decay"]))
        x -= step
