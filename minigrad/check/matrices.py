"""Claimed and measured Jacobians as coloured squares, for pages and notebooks."""

from __future__ import annotations

import numpy as np

_CELL, MAX_SIDE = 14, 64            # pixels per element; elements shown of one side
LEGEND = ("Rows are elements of the output, columns elements of the input; blue is positive, red "
          "negative. Point at a square for its value.")


def figures(claimed: np.ndarray, measured: np.ndarray) -> list[str]:
    """Three figures: the claimed matrix, the measured one, and their difference."""
    top = max(float(np.nanmax(np.abs(part), initial=0.0)) for part in (claimed, measured))
    return [f"<figure>{_svg(matrix, top or 1.0, title)}<figcaption>{title}</figcaption></figure>"
            for title, matrix in (("claimed by the rule", claimed), ("measured", measured),
                                  ("claimed − measured", claimed - measured))]


def _svg(matrix: np.ndarray, top: float, title: str) -> str:
    shown = matrix[:MAX_SIDE, :MAX_SIDE]
    rows, columns = shown.shape
    squares = [
        f'<rect x="{j * _CELL}" y="{i * _CELL}" width="{_CELL}" height="{_CELL}" '
        f'fill="{_colour(value / top)}"><title>output {i}, input {j}: {value:.6g}</title></rect>'
        for i, row in enumerate(shown) for j, value in enumerate(row)]
    size = f'width="{columns * _CELL}" height="{rows * _CELL}"'
    return (f'<svg {size} role="img" aria-label="{title}" style="border: 1px solid #bbb">'
            f'{"".join(squares)}</svg>')


def _colour(part: float) -> str:
    """White for 0, blue for 1, red for −1, black for NaN; only 0 is white."""
    if not np.isfinite(part):
        return "#000"
    strength = min(abs(part), 1.0) ** 0.5
    faded = round(255 - 200 * strength) if part else 255
    return f"rgb({faded},{faded},255)" if part > 0 else f"rgb(255,{faded},{faded})"
