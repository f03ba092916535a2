"""Adam."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from minigrad.backend import array_module
from minigrad.core.tensor import Tensor
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.settings import check_number, check_setting, is_finite
from minigrad.optim.vectors import cuda_kernels


class Adam(Optimizer):
    """Steps of about `lr` per element, whatever the size of its gradients.

    m ← β₁m + (1 − β₁)g,  v ← β₂v + (1 − β₂)g²,
    x ← x − lr · m̂ / (√v̂ + ε)  with  m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ)  at step t.

    Parameters
    ----------
    params : tensors or groups, see `Optimizer`.
    lr : step size, ≥ 0, in units of x.
    betas : (β₁, β₂), each in [0, 1): decay rates of the means m and v.
    eps : ε ≥ 0, in units of the gradient.
    weight_decay : λ ≥ 0; g becomes g + λ·x (so it is scaled like the rest of the gradient).
    amsgrad : divide by the root of the largest v so far: Reddi, Kale and Kumar, "On the convergence
        of Adam and beyond" (2018), algorithm 2.
    maximize : step uphill: g becomes −g.

    Raises
    ------
    ArgumentError : a setting is out of range.

    Notes
    -----
    Kingma and Ba, "Adam: a method for stochastic optimization" (2015), algorithm 1.
    """

    _first_state = ("step", "exp_avg", "exp_avg_sq")
    _later_state = ("max_exp_avg_sq",)

    def __init__(self, params: Iterable[Tensor] | Iterable[dict[str, Any]], lr: float = 1e-3,
                 betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0.0, amsgrad: bool = False, *, maximize: bool = False
                 ) -> None:
        super().__init__(params, {"lr": lr, "betas": tuple(betas), "eps": eps,
                                  "weight_decay": weight_decay, "amsgrad": amsgrad,
                                  "maximize": maximize})

    def check_settings(self, settings: dict[str, Any]) -> None:
        for name in ("lr", "eps", "weight_decay"):
            check_number(self._name, name, settings[name])
        betas = settings["betas"]
        right = isinstance(betas, (tuple, list)) and len(betas) == 2 and all(
            is_finite(beta) and 0 <= beta < 1 for beta in betas)
        check_setting(right, self._name, "betas", betas,
                      "two numbers, each at least 0 and below 1")

    def update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        xp = array_module(x)
        beta1, beta2 = (float(beta) for beta in group["betas"])
        if not state:
            state.update(step=0, exp_avg=xp.zeros_like(x), exp_avg_sq=xp.zeros_like(x))
        state["step"] += 1
        m, v, t = state["exp_avg"], state["exp_avg_sq"], state["step"]
        kernels = cuda_kernels("vectors", x)
        if kernels and not group["amsgrad"] and kernels.fits(x, g, m, v):
            kernels.adam(x, g, m, v, beta1, beta2, group["lr"] / (1 - beta1 ** t),
                         math.sqrt(1 - beta2 ** t), group["eps"], group["weight_decay"])
            return
        work = self.scratch(x, 0)
        if group["weight_decay"]:
            decayed = self.scratch(x, 1)
            xp.multiply(x, float(group["weight_decay"]), out=decayed)
            decayed += g
            g = decayed
        xp.subtract(g, m, out=work)             # m ← m + (1 − β₁)(g − m)
        work *= 1 - beta1
        m += work
        xp.multiply(g, g, out=work)             # v ← β₂v + (1 − β₂)g²
        work *= 1 - beta2
        v *= beta2
        v += work
        if group["amsgrad"]:
            largest = state.setdefault("max_exp_avg_sq", xp.zeros_like(x))
            v = xp.maximum(largest, v, out=largest)
        xp.sqrt(v, out=work)                    # √v̂ + ε
        work /= math.sqrt(1 - beta2 ** t)
        work += float(group["eps"])
        xp.divide(m, work, out=work)
        work *= float(group["lr"]) / (1 - beta1 ** t)
        x -= work
