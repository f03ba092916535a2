"""A page about a wrong gradient: its explanation, and claimed against measured Jacobian."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

import numpy as np

from minigrad.check.report import Report
from minigrad.html import document

_CELL, MAX_SIDE = 14, 64            # pixels per element; elements shown of one side
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em; color: #222; background: #fff }
pre { background: #f4f4f2; padding: 1em; overflow-x: auto }
figure { display: inline-block; margin: 0 2em 1em 0; vertical-align: top }
"""


def write_page(report: Report, folder: Path, name: str) -> Path:
    """Write the page about a failed check; returns its path. Existing pages are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (re.sub(r"[^A-Za-z0-9.-]+", "_", name)[-150:] + ".html")
    path.write_text(document(f"Gradient of {report.name}", _STYLE, page_body(report)),
                    encoding="utf-8")
    return path


def page_body(report: Report) -> str:
    """The body of the page as HTML."""
    parts = [f"<body><h1>Gradient of {escape(report.name)}: {report.verdict}</h1>",
             f"<pre>{escape(report.message())}</pre>"]
    if report.failure is not None and report.failure.jacobians is not None:
        claimed, measured = report.failure.jacobians
        top = max(float(np.nanmax(np.abs(part), initial=0.0)) for part in (claimed, measured))
        for title, matrix in (("claimed by the rule", claimed), ("measured", measured),
                              ("claimed − measured", claimed - measured)):
            parts.append(f"<figure>{_svg(matrix, top or 1.0)}"
                         f"<figcaption>{title}</figcaption></figure>")
        parts.append("<p>Rows are elements of the output, columns elements of the input; blue is "
                     "positive, red negative. Point at a square for its value.</p>")
    return "\n".join([*parts, "</body>"])


def _svg(matrix: np.ndarray, top: float) -> str:
    shown = matrix[:MAX_SIDE, :MAX_SIDE]
    rows, columns = shown.shape
    squares = [
        f'<rect x="{j * _CELL}" y="{i * _CELL}" width="{_CELL}" height="{_CELL}" '
        f'fill="{_colour(value / top)}"><title>output {i}, input {j}: {value:.6g}</title></rect>'
        for i, row in enumerate(shown) for j, value in enumerate(row)]
    size = f'width="{columns * _CELL}" height="{rows * _CELL}"'
    return f'<svg {size} role="img" style="border: 1px solid #bbb">{"".join(squares)}</svg>'


def _colour(part: float) -> str:
    """White for 0, blue for 1, red for −1, black for NaN; what is not 0 is never white."""
    if not np.isfinite(part):
        return "#000"
    strength = min(abs(part), 1.0) ** 0.5
    faded = round(255 - 200 * strength) if part else 255
    return f"rgb({faded},{faded},255)" if part > 0 else f"rgb(255,{faded},{faded})"
