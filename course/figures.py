"""The figures of the pages, as SVG: curves over axes, and rows of small grey pictures.

A page makes its figures in its own code, under a name, and shows the file of this name; the files
are written by `python -m course.pages`. In a notebook a figure shows itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

WIDTH, HEIGHT = 580, 300                        # of curves, in pixels
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 150, 14, 44  # margins around the axes
_COLORS = ("#1f5fa8", "#c8501e", "#3a8a3f", "#8650a0", "#8a6d1b", "#5b6570")
_FAINT = "#999"
_LEVELS = 9                                     # of grey
_PIXEL = 4                                      # pixels of the figure for one of a small picture
_FONT = 'font-family="sans-serif" font-size="12" fill="#333"'


class Figure:
    """A figure: `svg` is its text."""

    def __init__(self, width: int, height: int, parts: Sequence[str]) -> None:
        self.svg = "\n".join((
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}">',
            f'<rect width="{width}" height="{height}" fill="#fff"/>', *parts, "</svg>", ""))

    def _repr_svg_(self) -> str:
        """What a notebook shows."""
        return self.svg


def curves(lines: Mapping[str, Any], across: str, up: str, log: bool = False,
           faint: Collection[str] = ()) -> Figure:
    """Curves over two axes.

    Parameters
    ----------
    lines : by its name, the heights of a curve, one for each whole number from 0 on, or a pair
        (x, heights).
    across, up : what the axes show.
    log : a logarithmic axis upwards; heights have to be positive then.
    faint : names of curves that are drawn thin and grey.
    """
    points = {name: _points(line, log) for name, line in lines.items()}
    x, y = (np.concatenate([line[i] for line in points.values()]) for i in (0, 1))
    floor = 0.0 if not log and 0 <= y.min() < y.max() / 2 else y.min()
    x_range, y_range = (x.min(), x.max()), (floor, y.max())
    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM

    def place_x(value: Any) -> Any:
        return _LEFT + (value - x_range[0]) / (np.ptp(x_range) or 1) * (right - _LEFT)

    def place_y(value: Any) -> Any:
        return bottom - (value - y_range[0]) / (np.ptp(y_range) or 1) * (bottom - _TOP)

    parts = []
    for value in _ticks(*x_range):
        parts.append(f'<path d="M{place_x(value):.1f} {_TOP}V{bottom}" stroke="#e4e4e4"/>')
        parts.append(_text(place_x(value), bottom + 16, f"{value:g}", "middle"))
    for value in _powers(*y_range) if log else _ticks(*y_range):
        label = f"1e{value:g}" if log else f"{value:g}"
        parts.append(f'<path d="M{_LEFT} {place_y(value):.1f}H{right}" stroke="#e4e4e4"/>')
        parts.append(_text(_LEFT - 6, place_y(value) + 4, label, "end"))
    parts.append(_text((_LEFT + right) / 2, HEIGHT - 8, across, "middle"))
    parts.append(f'<text transform="translate(14 {(_TOP + bottom) / 2:.1f}) rotate(-90)" '
                 f'text-anchor="middle" {_FONT}>{escape(up)}</text>')
    for number, (name, (xs, ys)) in enumerate(points.items()):
        color, thick = (_FAINT, 0.8) if name in faint else (_COLORS[number % len(_COLORS)], 1.6)
        path = " ".join(f"{place_x(a):.1f} {place_y(b):.1f}" for a, b in zip(xs, ys))
        parts.append(f'<path d="M{path}" fill="none" stroke="{color}" '
                     f'stroke-width="{thick}"/>')
        height = _TOP + 12 + 18 * number
        parts.append(f'<path d="M{right + 12} {height - 4}h16" stroke="{color}" '
                     f'stroke-width="2.5"/>')
        parts.append(_text(right + 33, height, name, "start"))
    return Figure(WIDTH, HEIGHT, parts)


def greys(pictures: Any, columns: int, captions: Sequence[Any] = (),
          black: float | None = None, white: float = 0.0) -> Figure:
    """Small pictures in rows.

    Parameters
    ----------
    pictures : n × height × width.
    captions : what stands below each picture.
    black, white : the values that are drawn so; by default the largest one of all is black.
    """
    pictures = np.asarray(pictures, np.float64)
    high, wide = (length * _PIXEL + 8 for length in pictures.shape[1:])
    high += 14 if len(captions) else 0
    rows = -(-len(pictures) // columns)
    shade = (pictures - white) / ((pictures.max() if black is None else black) - white)
    levels = np.rint(np.clip(shade, 0, 1) * (_LEVELS - 1)).astype(int)
    parts = []
    for number, picture in enumerate(levels):
        left, top = 4 + number % columns * wide, 4 + number // columns * high
        parts.append(f'<g transform="translate({left} {top}) scale({_PIXEL})" '
                     f'shape-rendering="crispEdges">')
        parts += [f'<path d="{_runs(picture == level)}" stroke="{_grey(level)}"/>'
                  for level in range(1, _LEVELS) if (picture == level).any()]
        parts.append("</g>")
        if len(captions):
            parts.append(_text(left + wide / 2 - 4, top + high - 8, str(captions[number]),
                               "middle"))
    return Figure(columns * wide, rows * high, parts)


def _points(line: Any, log: bool) -> tuple[np.ndarray, np.ndarray]:
    xs, ys = line if isinstance(line, tuple) else (range(len(line)), line)
    heights = np.asarray(ys, np.float64)
    return np.asarray(xs, np.float64), np.log10(heights) if log else heights


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between two, about five."""
    if low == high:
        return [low]
    rough = (high - low) / 5
    power = 10.0 ** np.floor(np.log10(rough))
    step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [round(float(number * step), 12) + 0.0
            for number in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]


def _powers(low: float, high: float) -> list[float]:
    """Whole powers of ten between two, about six at most."""
    first, last = int(np.ceil(low)), int(np.floor(high))
    return [float(power) for power in range(first, last + 1, max(1, -(-(last - first) // 6)))]


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {_FONT}>{escape(text)}</text>'


def _runs(mask: np.ndarray) -> str:
    """The pixels of a mask as lines of height 1, row by row."""
    found = []
    for row, line in enumerate(mask):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(int), [0]])))
        found += [f"M{begin} {row}.5h{end - begin}" for begin, end in zip(edges[::2], edges[1::2])]
    return "".join(found)


def _grey(level: int) -> str:
    value = round(255 * (1 - level / (_LEVELS - 1)))
    return f"#{value:02x}{value:02x}{value:02x}"
