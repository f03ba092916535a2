"""Claimed and measured Jacobians as a small picture in text."""

from __future__ import annotations

import numpy as np

ROWS, COLUMNS = 12, 24              # of one matrix, in characters
_SHADES = " ·░▒▓█"


def heat_map(claimed: np.ndarray, measured: np.ndarray) -> list[str]:
    """Lines that show both matrices and their difference side by side, one shade per element.

    Rows are elements of the output, columns elements of the input. All three share one scale;
    larger matrices are shown by the largest element of each block.
    """
    if claimed.size < 2:
        return []
    parts = [np.abs(np.nan_to_num(part, nan=0.0)) for part in (claimed, measured,
                                                               claimed - measured)]
    top = max(float(part.max()) for part in parts) or 1.0
    blocks = [_shrunk(part) for part in parts]
    width = max(blocks[0].shape[1], 10)
    lines = ["Jacobian  " + "   ".join(f"{name:<{width}}" for name in
                                       ("claimed", "measured", "difference")).rstrip()]
    for rows in zip(*blocks):
        lines.append("          " + "   ".join(
            "".join(_shade(value / top) for value in row).ljust(width) for row in rows).rstrip())
    return [*lines, f"          (rows: outputs, columns: inputs, █ = {top:.3g})"]


def _shade(part: float) -> str:
    """A character for a value between 0 and 1; anything that is not 0 is visible."""
    if part == 0:
        return _SHADES[0]
    return _SHADES[max(1, min(len(_SHADES) - 1, int(np.ceil(part * (len(_SHADES) - 1)))))]


def _shrunk(matrix: np.ndarray) -> np.ndarray:
    rows = np.array_split(matrix, min(ROWS, matrix.shape[0]), axis=0)
    blocks = [np.array_split(row, min(COLUMNS, matrix.shape[1]), axis=1) for row in rows]
    return np.array([[block.max() for block in row] for row in blocks])
