"""An HTML page about a run: pictures with a slider, losses, settings.

The page is a single file that includes its pictures, styles and script. It is made from plain
data, so other programs can create such pages too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError
from minigrad.html import document, escaped, fill
from minigrad.printable import printable
from nst.output.template import as_json, resource, tables
from nst.pictures.frame import Frame

MAX_POINTS = 500       # of a curve; a screen does not show more
TERMS = {"total": "#1f2933", "content": "#2f6fb7", "style": "#d9691f", "tv": "#4d8f3c",
         "palette": "#9a4fb0"}
LAYERS = ("#8a5fb0", "#c2487f", "#0f8b8d", "#b08900", "#6b7a89", "#a0522d", "#4361c2", "#7a9a2e")


@dataclass(frozen=True)
class Curve:
    """A loss over iterations.

    Attributes
    ----------
    name : str
        "total", "content", "style", "palette", "tv", or a layer's.
    points : sequence of (iteration, loss)
        Losses of 0 or less are left out, because the axis is logarithmic.
    """

    name: str
    points: Sequence[tuple[int, float]]


@dataclass(frozen=True)
class RunPage:
    """The content of the page of a run.

    Attributes
    ----------
    title, summary : str
        The heading, and a line below it.
    content : Frame or None
        Labelled with its file name; None for a texture.
    styles : sequence of Frame
        Labelled as well; empty if only the content was reconstructed.
    frames : sequence of Frame
        The picture during the run; the last one is the result.
    curves : sequence of Curve
    scales : sequence of (iteration, label)
        First iteration of each scale.
    distances : mapping
        Layer -> sliced Wasserstein distances to the style: of the content, and of the result.
    gram_errors : mapping
        The same with the relative errors of Gram matrices.
    distances_to : str
        Name of that style, if there are several.
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
    gram_errors: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    distances_to: str = ""
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    command: str = ""


def html(page: RunPage) -> str:
    """Return the page of a run as HTML.

    Raises
    ------
    ArgumentError
        The page has no picture.
    """
    if not page.frames:
        raise ArgumentError("the page of a run needs at least one picture")
    body = fill(resource("page.html"), {
        "title": escaped(page.title), "summary": escaped(page.summary),
        "script": resource("page.js"),
        "sources": _sources(page), "wipe": "hidden" if page.content is None else "",
        "distances": _distances(page), "tables": tables(page.tables),
        "command": escaped(page.command), "data": as_json(_data(page))})
    return document(page.title, resource("page.css"), body, scripts=True)


def _sources(page: RunPage) -> str:
    """Return the content and style pictures with their names, as HTML."""
    content = [] if page.content is None else [("content", page.content)]
    return "".join(
        f'<figure class="{role}"><img src="{frame.source}" alt="{role}">'
        f'<figcaption>{role} {escaped(frame.label)}</figcaption></figure>'
        for role, frame in [*content, *(("style", style) for style in page.styles)])


def _data(page: RunPage) -> dict[str, Any]:
    """Return the data that the script reads."""
    width, height = page.frames[-1].size
    return {"width": width, "height": height,
            "frames": [{"iteration": frame.iteration, "label": printable(frame.label),
                        "src": frame.source}
                       for frame in page.frames],
            "curves": _curves(page.curves), "scales": [list(scale) for scale in page.scales]}


def _curves(curves: Sequence[Curve]) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    layers = 0
    for curve in curves:
        points = [(x, y) for x, y in curve.points if math.isfinite(y) and y > 0]
        if not points:
            continue
        color = TERMS.get(curve.name)
        if color is None:
            color, layers = LAYERS[layers % len(LAYERS)], layers + 1
        indices = np.unique(np.linspace(0, len(points) - 1, MAX_POINTS).round().astype(int))
        shown.append({"name": printable(curve.name), "color": color,
                      "layer": curve.name not in TERMS,
                      "x": [points[i][0] for i in indices],
                      "y": [float(f"{points[i][1]:.5g}") for i in indices]})
    return shown


def _distances(page: RunPage) -> str:
    """Return tables with two bars per layer: grey for the content, orange for the result."""
    parts = [_bars(page, heading, values) for heading, values in (
        (f"Distance to the style {page.distances_to} (sliced Wasserstein distance of features, "
         "relative to its spread)", page.distances),
        ("Gram errors, ‖G−A‖/‖A‖", page.gram_errors)) if values]
    return f'<section class="wide" id="distances">{"".join(parts)}</section>' if parts else ""


def _bars(page: RunPage, heading: str, distances: Mapping[str, tuple[float, float]]) -> str:
    start = "start" if page.content is None else "content"
    longest = max(max(pair) for pair in distances.values()) or 1
    rows = []
    for layer, (before, after) in distances.items():
        bars = "".join(f'<td><div class="bar {kind}" style="width:{100 * value / longest:.1f}%">'
                       f'</div><span class="number">{value:.3f}</span></td>'
                       for value, kind in ((before, "before"), (after, "after")))
        rows.append(f"<tr><th>{escaped(layer)}</th>{bars}</tr>")
    return (f'<h2>{escaped(heading)}</h2><table class="bars"><tr><th>layer</th>'
            f'<td>{escaped(start)}</td><td>result</td></tr>{"".join(rows)}</table>')
