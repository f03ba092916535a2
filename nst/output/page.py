"""One HTML page about a run: its pictures on a slider, its losses, how it was done.

The page is one file that asks for nothing: pictures, styles and script are inside. It is made
from plain data, so that whatever paints pictures can have one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError
from minigrad.html import document, fill
from nst.output.template import as_json, check_page, resource, tables
from nst.pictures.frame import Frame
from nst.system.files import write_atomically

MAX_POINTS = 500       # of a curve; more cannot be told apart on a screen
TERMS = {"total": "#1f2933", "content": "#2f6fb7", "style": "#d9691f", "tv": "#4d8f3c"}
LAYERS = ("#8a5fb0", "#c2487f", "#0f8b8d", "#b08900", "#6b7a89", "#a0522d", "#4361c2", "#7a9a2e")


@dataclass(frozen=True)
class Curve:
    """A loss over iterations.

    Attributes
    ----------
    name : str
        "total", "content", "style", "tv", or a layer's.
    points : sequence of (iteration, loss)
        Those of 0 or less have no logarithm and are left out.
    """

    name: str
    points: Sequence[tuple[int, float]]


@dataclass(frozen=True)
class RunPage:
    """What the page of a run shows.

    Attributes
    ----------
    title, summary : str
        The heading, and a line below it.
    content : Frame or None
        With a label that names the file; None for a texture.
    styles : sequence of Frame
        Likewise; empty where content alone was brought back.
    frames : sequence of Frame
        The picture from the first to the last; the last is the result.
    curves : sequence of Curve
    scales : sequence of (iteration, label)
        Where a coarse scale gave way to a finer one.
    distances : mapping
        Layer -> relative Gram distance to the style of the content and of the result.
    distances_to : str
        The style that is meant, where there are several.
    tables : mapping
        Heading -> {name: value}: settings, timings, and so on.
    command : str
        The command line that repeats the run.
    """

    title: str
    summary: str
    content: Frame | None
    styles: Sequence[Frame]
    frames: Sequence[Frame]
    curves: Sequence[Curve]
    scales: Sequence[tuple[int, str]] = ()
    distances: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    distances_to: str = ""
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    command: str = ""


def write_page(page: RunPage, path: Path) -> None:
    """Write the page of a run, all at once.

    Raises
    ------
    ArgumentError, FileError
        The name does not end in .html, or the file cannot be written.
    """
    check_page(path)
    write_atomically(path, html(page).encode(errors="replace"))


def html(page: RunPage) -> str:
    """The page of a run, as text.

    Raises
    ------
    ArgumentError
        It has no picture.
    """
    if not page.frames:
        raise ArgumentError("the page of a run needs at least one picture")
    body = fill(resource("page.html"), {
        "title": escape(page.title), "summary": escape(page.summary),
        "script": resource("page.js"),
        "sources": _sources(page), "wipe": "hidden" if page.content is None else "",
        "distances": _distances(page), "tables": tables(page.tables),
        "command": escape(page.command), "data": as_json(_data(page))})
    return document(page.title, resource("page.css"), body, scripts=True)


def _sources(page: RunPage) -> str:
    """The pictures that it was made of, each with its name."""
    content = [] if page.content is None else [("content", page.content)]
    return "".join(
        f'<figure class="{role}"><img src="{frame.source}" alt="{role}">'
        f'<figcaption>{role} {escape(frame.label)}</figcaption></figure>'
        for role, frame in [*content, *(("style", style) for style in page.styles)])


def _data(page: RunPage) -> dict[str, Any]:
    """What the script reads."""
    width, height = page.frames[-1].size
    return {"width": width, "height": height,
            "frames": [{"iteration": frame.iteration, "label": frame.label, "src": frame.source}
                       for frame in page.frames],
            "curves": _curves(page.curves), "scales": [list(scale) for scale in page.scales]}


def _curves(curves: Sequence[Curve]) -> list[dict[str, Any]]:
    found = []
    layers = 0
    for curve in curves:
        points = [(x, y) for x, y in curve.points if math.isfinite(y) and y > 0]
        if not points:
            continue
        color = TERMS.get(curve.name)
        if color is None:
            color, layers = LAYERS[layers % len(LAYERS)], layers + 1
        kept = np.unique(np.linspace(0, len(points) - 1, MAX_POINTS).round().astype(int))
        found.append({"name": curve.name, "color": color, "layer": curve.name not in TERMS,
                      "x": [points[i][0] for i in kept],
                      "y": [float(f"{points[i][1]:.5g}") for i in kept]})
    return found


def _distances(page: RunPage) -> str:
    """A row for each layer: a grey bar for the content, an orange one for the result."""
    distances, to = page.distances, page.distances_to
    if not distances:
        return ""
    start = "start" if page.content is None else "content"
    longest = max(max(pair) for pair in distances.values()) or 1
    rows = []
    for layer, (before, after) in distances.items():
        bars = "".join(f'<td><div class="bar {kind}" style="width:{100 * value / longest:.1f}%">'
                       f'</div><span class="number">{value:.3f}</span></td>'
                       for value, kind in ((before, "before"), (after, "after")))
        rows.append(f"<tr><th>{escape(layer)}</th>{bars}</tr>")
    return ('<section class="wide" id="distances"><h2>Distance to the style '
            f'{escape(to)} (‖G−A‖/‖A‖ of Gram matrices)</h2><table class="bars"><tr>'
            f'<th>layer</th><td>{escape(start)}</td><td>result</td></tr>{"".join(rows)}'
            '</table></section>')
