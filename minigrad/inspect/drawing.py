"""Draw a graph as SVG, with its own layout, or as DOT text for Graphviz."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minigrad.core.graph import Node
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError
from minigrad.files import write_atomically
from minigrad.inspect.fold import MAX_BOXES, folded
from minigrad.inspect.layout import BOX_GAP, PORTS, Placed, place
from minigrad.inspect.model import Edge, Model, Vertex, build
from minigrad.inspect.naming import find_names
from minigrad.inspect.stretch import Stretch, key_of
from minigrad.inspect.texts import gradient_text, in_a_box, shape_text
from minigrad.inspect.trace import Step, need_tensor, trace
from minigrad.printable import shown

if TYPE_CHECKING:
    from minigrad.nn import Module

LINE = 16.0             # height of a line of text, in pixels
LETTER = 7.3            # width of a letter of the monospaced font at 12 pixels
SMALL_LETTER = 6.7      # and at 11
TAIL = 16.0             # the straight end of an edge, beside which its operand's name stands

STYLE = """
text { font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #1f2933;
       text-anchor: middle; }
.title { font-weight: bold; }
.gradient { fill: #b3400e; }
.box { stroke-width: 1.3; }
.operation .box { fill: #e8f0fb; stroke: #4a78b5; }
.leaf .box { fill: #e5f5e8; stroke: #3f8f55; }
.constant .box { fill: #f1f1ef; stroke: #98958c; }
.stretch .box { fill: #f6ecfb; stroke: #8d5fb0; }
.group .box { fill: #dfe7f2; stroke: #3d5f8c; stroke-width: 2.4; }
.edge { fill: none; stroke: #7b8794; stroke-width: 1.4; }
.operand { font-size: 11px; fill: #757575; text-anchor: start; }
"""


@dataclass(frozen=True)
class Picture:
    """A drawn graph. Notebooks display it; `save` writes `.svg` or `.dot`."""

    dot: str
    svg: str

    def save(self, path: str | Path) -> None:
        """Write the picture in the format of the suffix of `path`.

        Raises
        ------
        ArgumentError : the suffix is not .svg or .dot.
        FileError : the file cannot be written.
        """
        if not isinstance(path, (str, os.PathLike)):
            raise ArgumentError(f"a graph is saved to a path, not to {shown(path)}")
        path = Path(path)
        if path.suffix not in (".svg", ".dot"):
            raise ArgumentError(f"a graph is saved as .svg or .dot, not as {path.name!r}")
        text = self.svg if path.suffix == ".svg" else self.dot
        write_atomically(path, text.encode("utf-8"))

    def __repr__(self) -> str:
        return f"<graph of {self.svg.count('<g id=')} boxes; save(\"graph.svg\") writes it>"

    def _repr_svg_(self) -> str:
        return self.svg


def graph(loss: Tensor, *, gradients: bool | Iterable[Step] = False,
          names: Mapping[str, Any] | Module | None = None, max_boxes: int = MAX_BOXES) -> Picture:
    """Draw the graph of `loss`: operations, leaves, and constants that rules use.

    Parameters
    ----------
    loss : result of recorded operations.
    gradients : write ∂loss/∂v (or its norm) into every box. True runs a backward pass from a single
        element, after which the graph can be used again. Alternatively, the steps of a `trace`.
    names : names of the tensors: a mapping from names to tensors, or a Module. By default the
        variables of the calling function.
    max_boxes : the most operations that each have their own box; in a larger graph, those of one
        module, or neighbours in time, share a box.

    Returns
    -------
    Picture
        With `.svg` (which does not need Graphviz) and `.dot`. Boxes show values of up to four
        elements, otherwise shapes. Use `record` to make all values known.
    """
    need_tensor("graph", loss)
    found = find_names(names, sys._getframe(1))
    model = folded(build(loss, found), found, max_boxes)
    if gradients is True:
        gradients = trace(loss)
    steps = () if gradients is None or gradients is False else gradients
    if not isinstance(steps, Iterable):
        raise ArgumentError(f"gradients is True, False or the steps of trace(), not "
                            f"{shown(gradients)}")
    known = {key_of(step.node): gradient_text(step.gradient) for step in _only_steps(steps)}
    texts = [vertex_lines(vertex, known.get(key_of(vertex.owner), ""))
             for vertex in model.vertices]
    return Picture(dot(model, texts), svg(model, texts, STYLE))


def _only_steps(values: Iterable[Any]) -> Iterator[Step]:
    for value in values:
        if not isinstance(value, Step):
            raise ArgumentError(f"gradients holds the steps of trace(), not {shown(value)}")
        yield value


# --------------------------------------------------------------------------- text


def vertex_lines(vertex: Vertex, gradient: str = "") -> list[tuple[str, str]]:
    """The text of a box: (class, text) per line."""
    title = f"{vertex.name} = {vertex.title}" if vertex.name and vertex.kind != "group" \
        else vertex.title
    lines = [("title", title)]
    if vertex.kind == "group":
        count = sum(isinstance(owner, Node) for owner in vertex.members)
        lines.append(("members", f"{count} operation{'s' * (count > 1)}"))
    lines.append(("value", value_text(vertex)))
    return [*lines, ("gradient", gradient)] if gradient else lines


def value_text(vertex: Vertex) -> str:
    """The value of a vertex if it is small and known, its shape otherwise."""
    if isinstance(vertex.owner, Stretch):
        return f"{tuple(vertex.owner.source.shape)} → {vertex.shape}"
    return in_a_box(vertex.value) or shape_text(vertex.shape)


# ---------------------------------------------------------------------------- DOT


_DOT_FILL = {"operation": "#e8f0fb", "leaf": "#e5f5e8", "constant": "#f1f1ef",
             "stretch": "#f6ecfb", "group": "#dfe7f2"}


def dot(model: Model, texts: list[list[tuple[str, str]]]) -> str:
    """The graph in Graphviz's language."""
    lines = ["digraph minigrad {", "  rankdir=TB;",
             '  node [shape=box, style="rounded,filled", fontname="monospace", fontsize=11];',
             '  edge [fontname="monospace", fontsize=9];']
    for i, (vertex, text) in enumerate(zip(model.vertices, texts)):
        label = "\\n".join(_dot_escape(line) for _, line in text)
        lines.append(f'  v{i} [label="{label}", fillcolor="{_DOT_FILL[vertex.kind]}"];')
    for edge in model.edges:
        lines.append(f'  v{edge.source} -> v{edge.target} [label="{_dot_escape(edge.name)}"];')
    return "\n".join([*lines, "}", ""])


def _dot_escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


# ---------------------------------------------------------------------------- SVG


def svg(model: Model, texts: list[list[tuple[str, str]]], style: str = "", role: str = "img"
        ) -> str:
    """The graph as SVG; boxes have ids `v0`, `v1` …, edges `e0`, `e1` …

    `role` is "group" where boxes can be pressed, since elements within an image cannot.
    """
    sizes = [_box_size(text) for text in texts]
    for edge in model.edges:        # wide enough that the operands' names do not overlap
        width, height = sizes[edge.target]
        written = len(edge.name) * SMALL_LETTER
        # A single name, to the right of the middle, may reach into the gap beside the box.
        needed = edge.ports * (written + 14) / PORTS if edge.ports > 1 else 2 * written - BOX_GAP
        sizes[edge.target] = max(width, needed), height
    placed = place(sizes, [(edge.source, edge.target, _port(edge)) for edge in model.edges])
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {placed.width:.0f} '
             f'{placed.height:.0f}" width="{placed.width:.0f}" height="{placed.height:.0f}" '
             f'role="{role}" aria-label="graph of {len(model.vertices)} boxes">',
             f"<style>{style}</style>" if style else "",
             '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" '
             'markerHeight="9" markerUnits="userSpaceOnUse" orient="auto">'
             '<path d="M0,0 L8,4 L0,8 z" fill="#7b8794"/></marker>'
             "</defs>"]
    parts += [_edge_svg(i, edge, placed) for i, edge in enumerate(model.edges)]
    parts += [_vertex_svg(i, model.vertices[i], texts[i], sizes[i], placed.centers[i])
              for i in range(len(texts))]
    return "\n".join([part for part in parts if part] + ["</svg>", ""])


def _box_size(text: list[tuple[str, str]]) -> tuple[float, float]:
    longest = max(len(line) for _, line in text)
    return max(longest * LETTER + 18, 64.0), len(text) * LINE + 12


def _port(edge: Edge) -> float:
    """Where an operand's edge enters its box: the first at the left, the last at the right."""
    return (edge.port + 0.5) / edge.ports - 0.5


def _vertex_svg(i: int, vertex: Vertex, text: list[tuple[str, str]], size: tuple[float, float],
                center: tuple[float, float]) -> str:
    (width, height), (x, y) = size, center
    lines = [f'<g id="v{i}" class="vertex {vertex.kind}">',
             f'<rect class="box" x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" '
             f'width="{width:.1f}" height="{height:.1f}" rx="6"/>']
    for k, (kind, line) in enumerate(text):
        baseline = y - height / 2 + LINE * (k + 1) + 1
        lines.append(f'<text class="{kind}" x="{x:.1f}" y="{baseline:.1f}">{escape(line)}</text>')
    return "".join([*lines, "</g>"])


def _edge_svg(i: int, edge: Edge, placed: Placed) -> str:
    """A smooth line down through the bends, and the operand's name at its end."""
    *points, (x, y) = placed.paths[i]
    points.append((x, y - TAIL))        # from either side, the line stays above the name
    path = f"M{points[0][0]:.1f},{points[0][1]:.1f}"
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (y0 + y1) / 2
        path += f" C{x0:.1f},{middle:.1f} {x1:.1f},{middle:.1f} {x1:.1f},{y1:.1f}"
    path += f" V{y:.1f}"
    kind = "edge" if edge.rule is not None else "edge unneeded"
    return (f'<path id="e{i}" class="{kind}" d="{path}" marker-end="url(#arrow)"/>'
            f'<text class="operand" x="{x + 6:.1f}" y="{y - 7:.1f}">{escape(edge.name)}</text>')

