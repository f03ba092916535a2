"""`explain`: a page on which a reader steps through a forward and a backward pass."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from minigrad.backend import is_array
from minigrad.core.graph import topological_order
from minigrad.core.mode import enable_grad
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, GradientError
from minigrad.inspect.explanation import Explanation, page_path
from minigrad.inspect.fold import MAX_BOXES, folded
from minigrad.inspect.measure import Replay
from minigrad.inspect.model import build
from minigrad.inspect.naming import find_names
from minigrad.inspect.page_data import PageData
from minigrad.inspect.record import Values, record, saved_again
from minigrad.inspect.trace import require_saved, steps_of
from minigrad.nn import Module

_PACKAGE = str(Path(__file__).parents[1]) + os.sep


def explain(what: Tensor | Callable[..., Any], *inputs: Any,
            path: str | os.PathLike[str] | None = None, gradient: Any = None,
            names: Mapping[str, Any] | Module | None = None, title: str = "",
            max_boxes: int = MAX_BOXES) -> Explanation:
    """Show a computation step by step: forward, then backward, each gradient beside a measured one.

        explain(loss, "page.html")          # a graph that exists; before loss.backward()
        explain(f, 2.0, 3.0)                # calls f, and knows every value

    Notebooks display the result; `save` writes it as a page, a single file without network access
    or libraries. Small arrays are shown as numbers, large ones by shape, norm, range and
    histogram. A graph that was not computed within `minigrad.inspect.record` holds only the values
    that rules need; where more are missing, the page says so and gradients are not measured.

    Parameters
    ----------
    what : the result of recorded operations, or a function (a Module) that returns one Tensor. The
        graph can be used again, except where an earlier backward pass released it.
    inputs : for a function, its arguments; for a tensor, optionally the path. Numbers and arrays of
        floats become leaves, so that they get gradients; tensors stay as they are.
    path : the file to write, `.html`; by default none is written.
    gradient : ∂L/∂result, of its shape; optional for a single element.
    names : names of the tensors: a mapping from names to tensors, or a Module. By default the
        variables of the calling function, or the parameters and variables of the function `what`.
    title : heading of the page.
    max_boxes : the most operations that each have their own box; in a larger graph, those of one
        module, or neighbours in time, share a box.

    Raises
    ------
    GradientError : there is nothing to differentiate, or a gradient is needed and missing.
    ReleasedGraphError : an earlier backward pass released the graph, and nothing was recorded.
    ArgumentError : the suffix is not `.html`; `inputs` do not fit.
    FileError : the file cannot be written.
    """
    frame = sys._getframe(1)
    if isinstance(what, Tensor):
        if len(inputs) > 1 or (inputs and path is not None):
            raise ArgumentError("explain(tensor, path) takes one path; the inputs of a function "
                                "follow the function, not its result")
        path = inputs[0] if inputs else path
        loss, found = what, find_names(names, frame)
    elif callable(what) and not isinstance(what, type):
        if path is not None:
            page_path(path)         # refuse it before anything is computed
        loss, variables = _call(what, inputs)
        found = find_names(names if names is not None else variables, None)
        if names is None:           # what the function uses from outside comes last
            for key, name in find_names(None, frame).items():
                found.setdefault(key, name)
    else:
        raise ArgumentError(f"explain needs a tensor or a function, not something of type "
                            f"{type(what).__name__}")
    target = None if path is None else page_path(path)
    made = _explained(loss, gradient, found, title, max_boxes)
    if target is not None:
        made.save(target)
    return made


def _explained(loss: Tensor, gradient: Any, names: dict[int, str], title: str, max_boxes: int
               ) -> Explanation:
    if not loss.requires_grad:
        raise GradientError(
            "there is no gradient to explain: this tensor does not depend on any leaf with "
            "requires_grad=True; make one with mg.tensor(…, requires_grad=True), and compute from "
            "that")
    start = loss.start_gradient(gradient, recorded=False)
    nodes = topological_order(loss)
    require_saved(nodes)
    with saved_again(nodes):
        values = Values()
        model = build(loss, names, values)
        symbol = names.get(id(loss.node), "") or "loss"
        replay = Replay(loss, start, values)
        if len(nodes) > max_boxes:
            model = folded(model, names, max_boxes)
        data = PageData(model, steps_of(loss, start, names), symbol, replay)
    return Explanation.of(model, data, title or f"{symbol}, forwards and backwards")


# ------------------------------------------------------------------------- a function


def _call(function: Callable[..., Any], inputs: tuple) -> tuple[Tensor, dict[str, Any]]:
    """The recorded result of a function, and the values of its parameters and variables."""
    arguments = [_as_input(value) for value in inputs]
    with enable_grad(), record(), _variables(function) as variables:
        result = function(*arguments)
    if not isinstance(result, Tensor):
        raise ArgumentError(f"explain needs a function that returns one Tensor; "
                            f"{_name(function)} returned something of type {type(result).__name__}")
    if not result.requires_grad:
        raise GradientError(
            f"nothing that {_name(function)} computes depends on a tensor with "
            f"requires_grad=True, so there is no gradient to explain; pass floats (2.0, not 2), or "
            f"tensors made with requires_grad=True")
    named = {**_parameters(function, arguments), **variables}
    name = "output" if isinstance(function, Module) else _name(function)
    named.setdefault(name if name.isidentifier() else "f", result)
    return result, named


def _as_input(value: Any) -> Any:
    """Numbers and arrays of floats as leaves; anything else as it is."""
    if isinstance(value, float) or (is_array(value) and value.dtype.kind == "f"):
        return Tensor(value, requires_grad=True)
    if isinstance(value, list) and all(isinstance(part, (int, float, list)) for part in value) \
            and np.asarray(value).dtype.kind == "f":
        return Tensor(value, requires_grad=True)
    return value


def _parameters(function: Callable[..., Any], arguments: list) -> dict[str, Any]:
    try:
        bound = inspect.signature(_inner(function)).bind(*arguments)
    except (TypeError, ValueError):
        return {}
    return dict(bound.arguments)


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", "f")


def _inner(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function that a reader would look up; for a Module, its `forward`."""
    return function.forward if isinstance(function, Module) else function


@contextmanager
def _variables(function: Callable[..., Any]) -> Iterator[dict[str, Any]]:
    """The variables of a Python function at its return, filled in within a `with` block."""
    found: dict[str, Any] = {}
    code = getattr(_inner(function), "__code__", None)
    if code is not None and code.co_filename.startswith(_PACKAGE):
        code = None             # the names in our own code are not the user's

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "return" and frame.f_code is code:
            found.update(frame.f_locals)

    before = sys.getprofile()
    if code is not None:
        sys.setprofile(note)
    try:
        yield found
    finally:
        if code is not None:
            sys.setprofile(before)
