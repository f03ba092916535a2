"""RMSprop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minigrad.backend import array_module
from minigrad.core.tensor import Tensor
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.settings import check_number


class RMSprop(Optimizer):
    """Gradients divided by the root of their running mean square.

    v ← αv + (1 − α)g²,  d = g / (√v + ε),  b ← μb + d,  x ← x − lr·b  (or lr·d without momentum).

    Parameters
    ----------
    params : tensors or groups, see `Optimizer`.
    lr : step size, ≥ 0, in units of x.
    alpha : α in [0, 1): decay rate of the mean square.
    eps : ε ≥ 0, in units of the gradient.
    weight_decay : λ ≥ 0; g becomes g + λ·x.
    momentum : μ ≥ 0.
    maximize : step uphill: g becomes −g.
    centered : divide by the root of the variance v − m² instead, with m ← αm + (1 − α)g.

    Raises
    ------
    ArgumentError : a setting is out of range.

    Notes
    -----
    Tieleman and Hinton, "Lecture 6.5: RMSprop" (Coursera, 2012); centred as in Graves,
    "Generating sequences with recurrent neural networks" (2013), eq. 38-45.
    """

    _first_state = ("square_avg",)
    _later_state = ("grad_avg", "momentum_buffer")

    def __init__(self, params: Iterable[Tensor] | Iterable[dict[str, Any]], lr: float = 1e-2,
                 alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0.0,
                 momentum: float = 0.0, centered: bool = False, *, maximize: bool = False
                 ) -> None:
        super().__init__(params, {"lr": lr, "alpha": alpha, "eps": eps, "momentum": momentum,
                                  "weight_decay": weight_decay, "centered": centered,
                                  "maximize": maximize})

    def check_settings(self, settings: dict[str, Any]) -> None:
        for name in ("lr", "eps", "weight_decay", "momentum"):
            check_number("RMSprop", name, settings[name])
        check_number("RMSprop", "alpha", settings["alpha"], "at least 0 and below 1",
                     lambda alpha: 0 <= alpha < 1)

    def update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        xp = array_module(x)
        if group["weight_decay"]:
            g = g + float(group["weight_decay"]) * x
        v = _running_mean(state, "square_avg", xp.multiply(g, g, out=self.scratch(x, 0)), group)
        if group["centered"]:
            m = _running_mean(state, "grad_avg", g, group)
            v = xp.maximum(v - m * m, 0)        # rounding may make it negative
        root = xp.sqrt(v, out=self.scratch(x, 0))
        root += float(group["eps"])
        step = xp.divide(g, root, out=root)
        if group["momentum"]:
            if "momentum_buffer" not in state:
                state["momentum_buffer"] = xp.zeros_like(x)
            b = state["momentum_buffer"]
            b *= float(group["momentum"])
            b += step
            step = xp.multiply(b, float(group["lr"]), out=root)
        else:
            step *= float(group["lr"])
        x -= step


def _running_mean(state: dict[str, Any], name: str, value: Any, group: dict[str, Any]) -> Any:
    """state[name] ← α·state[name] + (1 − α)·value, starting from 0."""
    alpha = float(group["alpha"])
    if name not in state:
        state[name] = array_module(value).zeros_like(value)
    mean = state[name]
    mean *= alpha
    mean += (1 - alpha) * value
    return mean
