"""Adam with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minigrad.core.tensor import Tensor
from minigrad.optim.adam import Adam


class AdamW(Adam):
    """Adam whose weight decay is a separate step:  x ← x − lr·λ·x − (Adam's step without decay).

    In `Adam` the decay is part of the gradient and is divided by its size, so that
    weights with large gradients decay less; here all decay alike.

    Parameters
    ----------
    params, lr, betas, eps, amsgrad, maximize : see `Adam`.
    weight_decay : λ ≥ 0, per step and unit of lr.

    Raises
    ------
    ArgumentError : a setting is out of range.

    Notes
    -----
    Loshchilov and Hutter, "Decoupled weight decay regularization" (2019), algorithm 2; as in
    PyTorch, λ is multiplied by lr.
    """

    def __init__(self, params: Iterable[Tensor] | Iterable[dict[str, Any]], lr: float = 1e-3,
                 betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 1e-2, amsgrad: bool = False, *, maximize: bool = False
                 ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)

    def update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        x *= 1 - float(group["lr"]) * float(group["weight_decay"])
        super().update(x, g, state, {**group, "weight_decay": 0.0})
