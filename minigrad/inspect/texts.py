"""Numbers and arrays as short texts, for boxes, pages and notebooks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.backend import is_array, to_device
from minigrad.inspect.trace import norm

SMALL = 4           # elements; larger arrays show their shape and norm
TABLE = 36          # elements; larger arrays show shape, norm, range and a histogram
BINS = 25


def numbers(value: Any) -> str:
    """A number or small array with four digits and a true minus sign."""
    nested = to_device(value, "cpu").tolist() if is_array(value) else value

    def text(part: Any) -> str:
        if isinstance(part, list):
            return "[" + ", ".join(map(text, part)) + "]"
        return f"{part:.4g}" if type(part) in (int, float) else str(part)

    return text(nested).replace("-", "−")


def shape_text(shape: tuple[int, ...]) -> str:
    if len(shape) < 2:
        return f"vector of {shape[0]}" if shape else "scalar"
    return "×".join(map(str, shape))


def gradient_text(gradient: Any) -> str:
    small = gradient.size <= SMALL
    return f"grad {numbers(gradient)}" if small else f"‖grad‖ {norm(gradient):.4g}"


def plain(array: Any, max_size: int = SMALL) -> str:
    """A gradient in a sum or on an edge: its elements, or its norm."""
    return numbers(array) if array.size <= max_size else f"‖{norm(array):.4g}‖"


def describe(array: Any) -> str:
    """A small array as a table; a large one by shape, norm and range."""
    if array.size <= TABLE:
        host = to_device(array, "cpu")
        if not host.ndim:
            return numbers(array)
        column = host.ndim > 1 and host.shape[-1] == 1 and host.size > SMALL
        text = np.array2string(host.ravel() if column else host, max_line_width=56, precision=4,
                               suppress_small=True).replace("-", "−")
        return f"{shape_text(host.shape)}: {text}" if column else text
    shape = f"{shape_text(tuple(array.shape))} {array.dtype}"
    if array.dtype.kind not in "fc":
        return f"{shape}, {array.nbytes:,} bytes"
    return (f"{shape}   norm {norm(array):.4g}   from {float(array.min()):.4g} to "
            f"{float(array.max()):.4g}").replace("-", "−")


def histogram(array: Any) -> dict[str, Any] | None:
    """How the elements of a large array of floats are distributed; None for any other.

    Returns
    -------
    dict
        `counts` by equal bins from `low` to `high` (texts), and how many elements are `zeros` or
        `bad` (NaN or infinite, which are in no bin).
    """
    if not is_array(array) or array.size <= TABLE or array.dtype.kind != "f":
        return None
    flat = to_device(array, "cpu").ravel().astype(np.float64)
    finite = flat[np.isfinite(flat)]
    if not finite.size:
        return None
    low, high = float(finite.min()), float(finite.max())
    if not math.isfinite(high - low) or high - low <= 1e-12 * max(abs(low), abs(high)):
        counts = [int(finite.size)]
    else:
        counts = [int(n) for n in np.histogram(finite, BINS, (low, high))[0]]
    return {"counts": counts, "low": numbers(low), "high": numbers(high), "size": int(flat.size),
            "zeros": int((flat == 0).sum()), "bad": int(flat.size - finite.size)}
