"""HTML that a notebook shows for a tensor and for a step of the backward pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.anomaly import created_at
from minigrad.backend import to_device
from minigrad.core.graph import Node
from minigrad.core.tensor import Tensor
from minigrad.html import (
    MONO,
    Markup,
    block,
    escaped,
    paragraph,
    preformatted,
    table,
    with_code,
)
from minigrad.inspect.curves import histogram_image
from minigrad.inspect.naming import public_name
from minigrad.inspect.rules import formula
from minigrad.inspect.texts import (
    describe,
    histogram,
    numbers,
    place_of,
    plain,
    shape_text,
)

ROWS, COLUMNS = 12, 12      # of a matrix that is shown as a table


def tensor_html(tensor: Tensor) -> str:
    """A tensor: its values, shape and type, its gradient, and how it was made."""
    facts = [shape_text(tuple(tensor.shape)), str(tensor.dtype)]
    facts += [] if tensor.device == "cpu" else [tensor.device]
    facts += ["requires a gradient"] if tensor.requires_grad else []
    kind = type(tensor).__name__
    parts: list[object] = [paragraph(Markup(f"<b>{escaped(kind)}</b> "), ", ".join(facts)),
                           array_html(tensor._array)]
    if tensor.grad is not None:
        parts += [paragraph(Markup("<b>gradient</b>")), array_html(tensor.grad._array)]
    if tensor.node is not None:
        parts.append(_origin(tensor.node))
    return block(*parts)


def _origin(node: Node) -> Markup:
    """The operation behind a result, its formula, its operands, and the calling line."""
    name = public_name(node.primitive.name)
    operands = [f"{public_name(parent.primitive.name)} {tuple(parent.shape)}"
                if isinstance(parent, Node) else f"leaf {tuple(parent.shape)}"
                for parent in node.parents]
    parts: list[object] = ["made by ", Markup(f"<b>{escaped(name)}</b>")]
    said = formula(node.primitive)
    parts.append(with_code(f" ({said.rstrip('.')})") if said else "")
    parts.append(" from " + ", ".join(operands))
    line = created_at.get(node)
    if line is not None:
        parts.append(f", at {place_of(line)}: {line.text}")
    if node.saved is None:
        parts.append("; a backward pass has released the graph")
    return paragraph(*parts)


def array_html(array: Any) -> Markup:
    """A number or a table; for large arrays, a description with a histogram."""
    host = to_device(array, "cpu")
    if not host.ndim:
        return preformatted(numbers(host))
    if host.size and host.ndim <= 2 and host.shape[-1] <= COLUMNS \
            and (host.ndim == 1 or host.shape[0] <= ROWS):
        return _matrix(np.atleast_2d(host))
    counts = histogram(host)
    drawn = histogram_image(counts) if counts is not None else Markup("")
    return Markup(preformatted(describe(host)) + drawn)


def _matrix(host: np.ndarray) -> Markup:
    rows = [[numbers(value) for value in row] for row in host.tolist()]
    cells = "".join(
        "<tr>" + "".join(f'<td style="padding: 1px 7px; text-align: right; '
                         f'border: 1px solid rgba(128, 128, 128, 0.4)">{escaped(cell)}</td>'
                         for cell in row) + "</tr>" for row in rows)
    return Markup(f'<table style="border-collapse: collapse; {MONO}; font-size: 13px; '
                  f'margin: 4px 0"><tbody>{cells}</tbody></table>')


def step_html(title: str, said: str, gradient: Any, sent: list[Mapping[str, Any]], saved: str
              ) -> str:
    """A step of the backward pass.

    Parameters
    ----------
    title, said : the step's title; the operation's formula.
    gradient : array, ∂L/∂result.
    sent : of each rule: `to`, `formula`, `rule`, `gradient` and `total` (arrays).
    saved : what the operation saved, or "".
    """
    parts: list[object] = [paragraph(Markup(f"<b>{escaped(title)}</b> "), with_code(said)),
                           paragraph("gradient of the result"), array_html(gradient)]
    if sent:
        parts.append(table(
            [[one["to"], one["formula"], one["rule"], plain(one["gradient"]), plain(one["total"])]
             for one in sent], ("to", "formula", "rule", "gradient", "total so far")))
    if saved:
        parts.append(paragraph("saved: ", saved))
    return block(*parts)
