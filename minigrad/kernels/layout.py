"""Convert between the two views of an image batch: N×C×H×W outside, N×H×W×C in memory."""

from __future__ import annotations

from typing import Any


def channels_last(x: Any) -> Any:
    """View N×C×H×W as N×H×W×C (contiguous if a kernel made it)."""
    return x.transpose(0, 2, 3, 1)


def channels_first(x: Any) -> Any:
    """View N×H×W×C as N×C×H×W."""
    return x.transpose(0, 3, 1, 2)


def zero_padded(xp: Any, x: Any, top: int, bottom: int, left: int, right: int,
                value: float = 0) -> Any:
    """N×H×W×C with a border of `value`; `x` itself if all widths are 0."""
    if not (top or bottom or left or right):
        return x
    n, h, w, c = x.shape
    padded = xp.full((n, h + top + bottom, w + left + right, c), value, dtype=x.dtype)
    padded[:, top:top + h, left:left + w] = x
    return padded
