"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minigrad.backend import array_module
from minigrad.core.tensor import Tensor
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.settings import check_number, check_setting


class SGD(Optimizer):
    """Gradient descent with momentum:  x ← x − lr·v,  v ← μ·v + (1 − dampening)·g.

    Parameters
    ----------
    params : tensors or groups, see `Optimizer`.
    lr : step size, ≥ 0, in units of x per unit of gradient.
    momentum : μ ≥ 0; the first v is the first g, undampened. 0 means x ← x − lr·g.
    dampening : reduction of each later gradient's weight in v.
    weight_decay : λ ≥ 0; g becomes g + λ·x, the gradient of the loss + ½λ‖x‖².
    nesterov : step along g + μ·v instead of v; needs momentum and no dampening.
    maximize : step uphill: g becomes −g.

    Raises
    ------
    ArgumentError : a setting is negative or not finite, or `nesterov` lacks momentum or has
        dampening.

    Notes
    -----
    Polyak, "Some methods of speeding up the convergence of iteration methods" (1964).
    Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum in
    deep learning" (2013), eq. 1-4; v is scaled as PyTorch does, so that lr may change between
    steps.
    """

    _later_state = ("momentum_buffer",)

    def __init__(self, params: Iterable[Tensor] | Iterable[dict[str, Any]], lr: float = 1e-3,
                 momentum: float = 0.0, dampening: float = 0.0, weight_decay: float = 0.0,
                 nesterov: bool = False, *, maximize: bool = False) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "dampening": dampening,
                                  "weight_decay": weight_decay, "nesterov": nesterov,
                                  "maximize": maximize})

    def check_settings(self, settings: dict[str, Any]) -> None:
        for name in ("lr", "momentum", "weight_decay"):
            check_number("SGD", name, settings[name])
        check_number("SGD", "dampening", settings["dampening"], "a number", lambda _: True)
        if settings["nesterov"]:
            check_setting(settings["momentum"] > 0, "SGD with nesterov", "momentum",
                          settings["momentum"], "above 0")
            check_setting(settings["dampening"] == 0, "SGD with nesterov", "dampening",
                          settings["dampening"], "0")

    def update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        xp = array_module(x)
        product = self.scratch(x, 0)
        if group["weight_decay"]:
            decayed = self.scratch(x, 1)
            xp.multiply(x, float(group["weight_decay"]), out=decayed)
            decayed += g
            g = decayed
        momentum = float(group["momentum"])
        if momentum:
            v = state.get("momentum_buffer")
            if v is None:
                v = state["momentum_buffer"] = g.copy()
            else:
                v *= momentum
                v += xp.multiply(g, 1 - float(group["dampening"]), out=product)
            if group["nesterov"]:
                xp.multiply(v, momentum, out=product)
                product += g
                v = product
            g = v
        x -= xp.multiply(g, float(group["lr"]), out=product)
