"""Losses as modules; the formulas are in `minigrad.functional`."""

from __future__ import annotations

from minigrad import functional as F
from minigrad.core.tensor import Tensor
from minigrad.nn.module import Module


class _Loss(Module):
    """Parameters: `reduction`, `"mean"`, `"sum"` or `"none"`."""

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = reduction

    def extra_repr(self) -> str:
        return f"reduction={self.reduction!r}"


class MSELoss(_Loss):
    """(x − t)²; also with reduction `"half_sum"`, see `functional.mse_loss`."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, self.reduction)


class L1Loss(_Loss):
    """|x − t|."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.l1_loss(input, target, self.reduction)


class HuberLoss(_Loss):
    """½d² for |d| ≤ `delta`, else δ(|d| − ½δ), of d = x − t."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.huber_loss(input, target, self.reduction, self.delta)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, delta={self.delta}"


class NLLLoss(_Loss):
    """−x[n, t[n]]: log-probabilities N×C… and class indices N…."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.nll_loss(input, target, self.reduction)


class CrossEntropyLoss(_Loss):
    """−Σ t·log softmax(x): scores N×C…, class indices N… or probabilities N×C…."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(input, target, self.reduction)


class BCELoss(_Loss):
    """−t·log p − (1 − t)·log(1 − p) for probabilities p."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy(input, target, self.reduction)


class BCEWithLogitsLoss(_Loss):
    """log(1 + eˣ) − x·t: the same for scores x with p = σ(x)."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(input, target, self.reduction)
