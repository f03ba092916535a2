"""One HTML page on which a reader steps through a backward pass."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.backend import is_array, to_device
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError
from minigrad.files import write_atomically
from minigrad.html import document, fill
from minigrad.inspect.drawing import (
    SMALL,
    STYLE,
    gradient_text,
    numbers,
    shape_text,
    svg,
    vertex_lines,
)
from minigrad.inspect.model import Model, build, find_names
from minigrad.inspect.trace import Saved, Sent, Step, arrays_in, norm, trace

if TYPE_CHECKING:
    from minigrad.nn import Module

TABLE = 36          # elements; larger arrays show shape, norm and range


def explain(loss: Tensor, path: str | Path, *, gradient: Any = None,
            names: Mapping[str, Tensor] | Module | None = None, title: str = "") -> Path:
    """Write a page that steps forwards and backwards through the backward pass of `loss`.

    The page is a single file without network access or libraries. Small arrays are shown as
    numbers, large ones by shape, norm and range. Compute `loss` under `minigrad.inspect.record` to
    see every forward value and the line of each call; otherwise the page shows only values that
    the graph saves.

    Parameters
    ----------
    loss : result of recorded operations; its graph can be used again.
    path : the file to write, `.html`.
    gradient : ∂L/∂loss, of its shape; optional for a single element.
    names : names of the tensors: a mapping from names to tensors, or a Module. By default
        the variables of the calling function.
    title : heading of the page.

    Returns
    -------
    Path of the file.

    Raises
    ------
    GradientError : there is nothing to differentiate, or a gradient is needed and missing.
    ArgumentError : the suffix is not `.html`.
    FileError : the file cannot be written.
    """
    path = Path(path)
    if path.suffix not in (".html", ".htm"):
        raise ArgumentError(f"explain writes a page, so the file's name must end in .html, not "
                            f"{path.name!r}")
    steps = trace(loss, gradient)
    model = build(loss, find_names(names, sys._getframe(1)))
    symbol = model.vertices[-1].name or "loss"
    data, widest = _page_data(model, steps, symbol)
    texts = [vertex_lines(vertex, reserved) for vertex, reserved in zip(model.vertices, widest)]
    title = title or f"The backward pass of {symbol}"
    body = fill(_resource("page.html"), {
        "title": escape(title),
        "svg": svg(model, texts),
        # "</" would end the script element; JSON reads "<\/" as the same.
        "data": json.dumps(data, ensure_ascii=False).replace("</", "<\\/"),
        "script": _resource("page.js"),
    })
    page = document(title, STYLE + _resource("page.css"), body, scripts=True)
    write_atomically(path, page.encode("utf-8"))
    return path


def _resource(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


# ------------------------------------------------------------------ what the script reads


def _page_data(model: Model, steps: Iterable[Step], symbol: str) -> tuple[dict, list[str]]:
    """The steps as the script shows them, and the longest gradient text of each box.

    Each step becomes text as it comes, so that its arrays can be released.
    """
    places = model.index()
    edge_of = {(edge.target, edge.rule): i for i, edge in enumerate(model.edges)
               if edge.rule is not None}
    paths = Counter(edge.source for edge in model.edges if edge.rule is not None)
    received: Counter = Counter()
    widest = [""] * len(model.vertices)
    shown: list[dict] = []
    vertex_step: dict[int, int] = {}
    for step in steps:
        if not shown:
            shown.append(_start(model, step, symbol))
            widest[-1] = shown[0]["sent"][0]["totalShort"]
        vertex = places[id(step.node)]
        vertex_step[vertex] = len(shown)
        sent = []
        for rule, one in enumerate(step.sent):
            target = places[id(one.target)]
            received[target] += 1
            sent.append(_sent(one, _called(model, target), target, edge_of[vertex, rule],
                              received[target], paths[target]))
            sent[-1]["with"] = _numbers_used(step, one)
            widest[target] = max(widest[target], _reserve(sent[-1]), key=len)
        shown.append(_step(step, model, vertex, sent, symbol))
    vertices = [{"step": vertex_step.get(i)} for i in range(len(model.vertices))]
    left = [edge.port < (edge.ports - 1) / 2 for edge in model.edges]
    return {"vertices": vertices, "edges": left, "steps": shown}, widest


def _reserve(sent: dict) -> str:
    partial = sent["path"] < sent["of"]
    return sent["totalShort"] + (f" ({sent['path']} of {sent['of']} paths)" if partial else "")


def _called(model: Model, vertex: int) -> str:
    one = model.vertices[vertex]
    return one.name or one.title


def _start(model: Model, first: Step, symbol: str) -> dict:
    """Step 0: the forward pass is done; the gradient of the loss with respect to itself."""
    root = model.vertices[-1]
    value = f" = {numbers(root.value)}" if root.value.size <= SMALL else ""
    seed = {"target": len(model.vertices) - 1, "edge": -1, "of": 1, "path": 1,
            "totalShort": gradient_text(first.gradient), "short": ""}
    return {"vertex": None, "operation": False, "title": "Before the first step", "formula": "",
            "created": "", "saved": [], "savedBytes": "", "sent": [seed],
            "gradientTitle": f"∂{symbol}/∂{symbol}", "gradient": describe(first.gradient),
            "notes": [f"The forward pass is done: {symbol}{value}, from top to bottom.",
                      "The backward pass goes upwards and visits each operation once, when the "
                      "gradient of its result is complete. It starts with the derivative of "
                      f"{symbol} with respect to itself."]}


def _step(step: Step, model: Model, vertex: int, sent: list[dict], symbol: str) -> dict:
    operation = step.operation != "leaf"
    name = _called(model, vertex)
    notes = [] if operation else [
        f"{name} was made by the user, so the pass ends here; backward() adds this to .grad."]
    summed = f", the sum of {step.paths} paths" if step.paths > 1 else ""
    result = name if not operation or name != step.operation else "result"
    return {"vertex": vertex, "operation": operation,
            "title": _title(step.operation, name),
            "formula": step.formula, "created": _line(step), "notes": notes,
            "gradientTitle": f"∂{symbol}/∂{result} is complete{summed}",
            "gradient": describe(step.gradient), "sent": sent,
            "saved": [_saved(saved) for saved in step.saved],
            "savedBytes": f"{step.saved_bytes:,} bytes"}


def _title(operation: str, name: str) -> str:
    if name == operation:
        return operation
    return f"leaf {name}" if operation == "leaf" else f"{name} = {operation}"


def _line(step: Step) -> str:
    """The calling line with the file's name alone, since a page may be passed on."""
    line = step.created
    return f"{Path(line.file).name}:{line.number}   {line.text}" if line else ""


def _sent(sent: Sent, to: str, target: int, edge: int, path: int, of: int) -> dict:
    return {"name": sent.name, "rule": sent.rule.text, "place": sent.rule.place, "to": to,
            "target": target, "edge": edge, "path": path, "of": of,
            "gradient": describe(sent.gradient), "short": _plain(sent.gradient),
            "flow": _plain(sent.gradient, max_size=1),
            "before": None if sent.before is None else _plain(sent.before),
            "totalPlain": _plain(sent.total), "totalShort": gradient_text(sent.total)}


def _numbers_used(step: Step, sent: Sent) -> str:
    """Values of a rule's parameters, such as `g = 1, y = 5`, if all are small."""
    values = {"g": step.gradient, **{saved.name: saved.value for saved in step.saved}}
    texts = []
    for name in sent.rule.names:
        value = values.get(name)
        if value is None or not is_array(value) or value.size > SMALL:
            return ""
        texts.append(f"{name} = {numbers(value)}")
    return ", ".join(texts)


def _plain(array: Any, max_size: int = SMALL) -> str:
    """A gradient in a sum or on an edge: its elements, or its norm."""
    return numbers(array) if array.size <= max_size else f"‖{norm(array):.4g}‖"


def _saved(saved: Saved) -> str:
    arrays = arrays_in(saved.value)
    if not arrays:
        return f"{saved.name} = {saved.value}"
    return "\n".join(f"{saved.name} = {describe(array)}" for array in arrays)


def describe(array: Any) -> str:
    """A small array as a table; a large one by shape, norm and range."""
    if array.size <= TABLE:
        host = to_device(array, "cpu")
        text = np.array2string(host, max_line_width=56, precision=4, suppress_small=True)
        return f"{text}".replace("-", "−") if host.ndim else numbers(array)
    shape = f"{shape_text(tuple(array.shape))} {array.dtype}"
    if array.dtype.kind not in "fc":
        return f"{shape}, {array.nbytes:,} bytes"
    return (f"{shape}   norm {norm(array):.4g}   from {float(array.min()):.4g} to "
            f"{float(array.max()):.4g}").replace("-", "−")
