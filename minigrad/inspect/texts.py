"""Numbers and arrays as short texts, for boxes, pages and notebooks."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.anomaly import SourceLine, is_cell
from minigrad.backend import array_module, is_array, to_device

SMALL = 4           # elements; larger arrays show their shape and norm
WIDE = 28           # letters of a value in a box; longer ones show their shape and norm, too
TABLE = 36          # elements; larger arrays show shape, norm, range and a histogram
LINES = 9           # of a table; longer ones too
BINS = 25
COLUMNS = 43        # letters in a line of a table: as many as a telephone shows


def norm(array: Any) -> float:
    """Euclidean norm, accumulated in float64."""
    flat = array_module(array).abs(array).ravel().astype(np.float64)
    return float((flat * flat).sum() ** 0.5)


def arrays_in(value: Any) -> list:
    """The arrays in a saved value: itself, or the members of `*xs`."""
    if is_array(value):
        return [value]
    return [v for v in value if is_array(v)] if isinstance(value, tuple) else []


def brief(array: Any, max_size: int = 6) -> str:
    """A small array as its elements in one line, a large one as its norm."""
    if array.size <= max_size:
        host = to_device(array, "cpu")
        text = np.array2string(host, precision=4, separator=", ", suppress_small=False)
        return " ".join(text.split())
    return f"‖·‖ = {norm(array):.4g}"


def numbers(value: Any) -> str:
    """A number or small array with four digits and a true minus sign."""
    nested = to_device(value, "cpu").tolist() if is_array(value) else value

    def text(part: Any) -> str:
        if isinstance(part, list):
            return "[" + ", ".join(map(text, part)) + "]"
        return f"{part:.4g}" if type(part) in (int, float) else str(part)

    return text(nested).replace("-", "−")


def short(value: float | None) -> str:
    """A number with three digits, for a table; "" if there is none."""
    return "" if value is None else f"{value:.3g}".replace("-", "−")


def shape_text(shape: tuple[int, ...]) -> str:
    if len(shape) < 2:
        return f"vector of {shape[0]}" if shape else "scalar"
    return "×".join(map(str, shape))


def in_a_box(value: Any) -> str:
    """A number or a small array, if it is known and short enough for a box; otherwise ""."""
    if value is None or (is_array(value) and value.size > SMALL):
        return ""
    text = numbers(value)
    return text if len(text) <= WIDE else ""


def gradient_text(gradient: Any) -> str:
    text = in_a_box(gradient)
    return f"grad {text}" if text else f"‖grad‖ {norm(gradient):.4g}"


def plain(array: Any, max_size: int = SMALL) -> str:
    """A gradient in a sum or on an edge: its elements, or its norm."""
    return numbers(array) if array.size <= max_size else f"‖{norm(array):.4g}‖"


def place_of(line: SourceLine) -> str:
    """`file.py:12`, without the folder, since a page may be passed on; cells have no name."""
    path = Path(line.file)
    return f"line {line.number} of the cell" if is_cell(line.file) else f"{path.name}:{line.number}"


def bytes_text(count: int) -> str:
    """A number of bytes with three digits, in powers of 1000."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"


def is_table(array: Any) -> bool:
    """Whether an array is shown by its elements: there are few, in few lines."""
    lines = 1 if array.ndim < 2 or _is_column(array) else math.prod(array.shape[:-1])
    return array.size <= TABLE and lines <= LINES


def _is_column(array: Any) -> bool:
    return array.ndim > 1 and array.shape[-1] == 1


def describe(array: Any) -> str:
    """A small array as a table; a large one by shape, norm and range."""
    if is_table(array):
        host = to_device(array, "cpu")
        if not host.ndim:
            return numbers(array)
        column = _is_column(host) and host.size > SMALL
        before = f"{shape_text(host.shape)}: " if column else ""
        text = np.array2string(host.ravel() if column else host, max_line_width=COLUMNS,
                               prefix=before, precision=4, suppress_small=True)
        return before + text.replace("-", "−")
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
    if not is_array(array) or is_table(array) or array.dtype.kind != "f":
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
