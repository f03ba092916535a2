"""Layers without parameters: dropout and upsampling."""

from __future__ import annotations

from typing import Any

from minigrad import functional as F
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError
from minigrad.nn.module import Module
from minigrad.printable import shown


class Dropout(Module):
    """In training, set each element to 0 with probability `p`, else divide it by 1 − p.

    See `minigrad.functional.dropout`. Raises ArgumentError for p outside 0 … 1.
    """

    def __init__(self, p: float = 0.5) -> None:
        if not 0 <= p <= 1:
            raise ArgumentError(f"Dropout needs a probability p between 0 and 1, not {shown(p)}")
        self.p = p

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class Dropout2d(Dropout):
    """In training, set whole channels to 0 with probability `p`, else divide them by 1 − p."""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout2d(input, self.p, self.training)


class Dropout1d(Dropout2d):
    """`Dropout2d` for sequences N×C×L."""


class AlphaDropout(Dropout):
    """Dropout for `SELU`, which keeps mean and variance; see `minigrad.functional`."""

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training)


class Upsample(Module):
    """Resize images N×C×H×W; parameters as for `minigrad.functional.interpolate`."""

    def __init__(self, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
                 align_corners: bool | None = None) -> None:
        self.size, self.scale_factor = size, scale_factor
        self.mode, self.align_corners = mode, align_corners

    def forward(self, input: Tensor) -> Tensor:
        return F.interpolate(input, self.size, self.scale_factor, self.mode, self.align_corners)

    def extra_repr(self) -> str:
        where = f"size={self.size}" if self.size is not None \
            else f"scale_factor={self.scale_factor}"
        return f"{where}, mode={self.mode!r}"
