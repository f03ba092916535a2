"""Pictures, and what an optimiser has learned about them, in another size.

A picture enlarged by r in both directions has r² times as many pixels. The losses hardly depend
on that, so each pixel's gradient is 1/r² of what it was: gradients, and with them Adam's first
moments, are divided by r², their squares by r⁴.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

import minigrad.functional as F
from minigrad import Tensor, no_grad

Size = tuple[int, int]          # height, width


def picture(tensor: Tensor, size: Size) -> Tensor:
    """A picture 1×3×H×W in another size (bicubic, on the host)."""
    if tensor.shape[2:] == size:
        return tensor.detach().clone()
    height, width = size
    planes = [np.asarray(Image.fromarray(np.ascontiguousarray(plane)).resize(
        (width, height), Image.Resampling.BICUBIC)) for plane in tensor.numpy()[0]]
    # Channels innermost, as everywhere: see nst.images.
    return Tensor(np.stack(planes, axis=2).transpose(2, 0, 1)[None], device=tensor.device)


def adam_state(state: dict[str, Any], size: Size) -> dict[str, Any]:
    """Adam's moments of a picture in another size."""
    growth = _growth(state["exp_avg"].shape[2:], size)
    return {"step": state["step"],
            "exp_avg": _planes(state["exp_avg"], size) / growth,
            "exp_avg_sq": _planes(state["exp_avg_sq"], size) / growth**2}


def lbfgs_state(state: dict[str, Any], old: Size, size: Size) -> dict[str, Any]:
    """What L-BFGS knows of the curvature around a picture, in another size.

    Steps are pictures and stay as large as they were; changes of gradient are gradients. The
    descent itself is new: its point and its direction are left at zero.
    """
    growth = _growth(old, size)
    resized = {name: _vectors(pairs, old, size) for name, pairs in state["curvature"].items()}
    resized["changes"] = resized["changes"] / growth
    vectors = {name: _vectors(value[None], old, size)[0] * 0 for name, value in state.items()
               if hasattr(value, "shape") and value.ndim == 1}
    return {**state, **vectors, "search": None, "curvature": resized}


def _growth(old: Size, size: Size) -> float:
    """r²: pixels in ``size`` for each one in ``old``."""
    return size[0] * size[1] / (old[0] * old[1])


def _vectors(rows: Any, old: Size, size: Size) -> Any:
    """Rows of 3·H·W numbers, each a picture, count×(3·H·W)."""
    if not len(rows):
        return rows.reshape(0, 3 * size[0] * size[1])
    return _planes(rows.reshape(len(rows), -1, *old), size).reshape(len(rows), -1)


def _planes(array: Any, size: Size) -> Any:
    """An array N×C×H×W in another size (bilinear: what is positive stays so)."""
    with no_grad():
        return F.interpolate(Tensor(array), size=size, mode="bilinear").data
