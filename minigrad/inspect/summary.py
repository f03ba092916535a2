"""`summary(model, *inputs)`: the layers of a model with shapes, parameters and operations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.core.hooks import OperationCall, operation_hooks
from minigrad.core.mode import no_grad
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError
from minigrad.html import Markup, block, escaped, paragraph, table
from minigrad.inspect.flops import forward_flops
from minigrad.inspect.texts import bytes_text
from minigrad.nn import Module


@dataclass
class Layer:
    """One module of a model.

    Attributes
    ----------
    name : within its parent; "" for the model itself.
    kind : name of its class.
    depth : 0 for the model, 1 for its parts …
    inputs, outputs : shapes of the first tensor that it was given and that it returned; None if it
        was not called, or not with tensors.
    parameters, trainable : numbers of elements of its own, without those of its parts.
    flops : floating-point operations of its own, see `minigrad.inspect.flops`; None if an
        operation has no count.
    calls : how often it was called.
    again : whether it also occurs elsewhere in the model, and is counted there.
    output_bytes : of its results, if it has no parts.
    """

    name: str
    kind: str
    depth: int
    inputs: tuple[int, ...] | None = None
    outputs: tuple[int, ...] | None = None
    parameters: int = 0
    trainable: int = 0
    flops: int | None = 0
    calls: int = 0
    again: bool = False
    output_bytes: int = 0


@dataclass(repr=False)
class Summary:
    """The layers of a model, as a table; `layers` are in the order of the model's attributes.

    Attributes
    ----------
    input_bytes, output_bytes, parameter_bytes : of the inputs, of the results of all innermost
        modules in one forward pass, and of the parameters.
    called : whether the model was called, so that shapes and operations are known.
    """

    layers: list[Layer] = field(default_factory=list)
    input_bytes: int = 0
    parameter_bytes: int = 0
    called: bool = False

    @property
    def parameters(self) -> int:
        """Elements of all parameters, shared ones once."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def trainable(self) -> int:
        """Elements of the parameters that require a gradient."""
        return sum(layer.trainable for layer in self.layers)

    @property
    def output_bytes(self) -> int:
        return sum(layer.output_bytes for layer in self.layers)

    @property
    def flops(self) -> int | None:
        """Floating-point operations of a forward pass; None if one has no count."""
        counts = [layer.flops for layer in self.layers]
        return None if None in counts else sum(count for count in counts if count is not None)

    def _rows(self) -> list[tuple[str, str, str, str, str]]:
        rows = []
        for layer, branch in zip(self.layers, _branches(self.layers)):
            named = f"{layer.kind}: {layer.name}" if layer.name else layer.kind
            count = "(again)" if layer.again else f"{layer.parameters:,}" if layer.parameters \
                else "–"
            flops = "" if not self.called else "?" if layer.flops is None else \
                f"{layer.flops:,}" if layer.flops else "–"
            rows.append((branch + named, _shape(layer.inputs), _shape(layer.outputs), count, flops))
        return rows

    def _totals(self) -> list[tuple[str, str]]:
        totals = [("parameters", f"{self.parameters:,}"), ("trainable", f"{self.trainable:,}"),
                  ("not trainable", f"{self.parameters - self.trainable:,}")]
        if self.called:
            flops = self.flops
            totals += [("floating-point operations", "?" if flops is None else f"{flops:,}"),
                       ("input", bytes_text(self.input_bytes)),
                       ("results of the layers", bytes_text(self.output_bytes))]
        return [*totals, ("weights", bytes_text(self.parameter_bytes))]

    def _header(self) -> tuple[str, ...]:
        return ("layer", "input", "output", "parameters", "operations")

    def __str__(self) -> str:
        rows = [self._header(), *self._rows()]
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        lines = ["  ".join([cell.ljust(width) if i < 3 else cell.rjust(width)
                            for i, (cell, width) in enumerate(zip(row, widths))]).rstrip()
                 for row in rows]
        rule = "─" * max(map(len, lines))
        totals = [f"{name}: {value}" for name, value in self._totals()]
        return "\n".join([lines[0], rule, *lines[1:], rule, *totals])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = [[Markup(escaped(row[0]).replace(" ", "&nbsp;")), *row[1:]] for row in self._rows()]
        totals = " · ".join(f"{name} {value}" for name, value in self._totals())
        return block(table(rows, self._header()), paragraph(totals))


def summary(model: Module, *inputs: Any) -> Summary:
    """Describe a model layer by layer.

    The model is called once, without recording and as after `eval()`, so nothing is learned from
    the call; its modes are restored.

    Parameters
    ----------
    model : Module
    inputs : what the model is called with; a tuple of ints stands for a float32 tensor of ones of
        that shape. Without any, only parameters are counted.

    Raises
    ------
    ArgumentError : `model` is not a Module.
    """
    if not isinstance(model, Module):
        raise ArgumentError(f"summary needs a Module, not something of type "
                            f"{type(model).__name__}")
    found = Summary(parameter_bytes=sum(p.data.nbytes for p in model.parameters()))
    places: dict[int, Layer] = {}
    counted: set[int] = set()
    _collect(model, "", 0, found, places, counted)
    if inputs:
        tensors = [_tensor(value) for value in inputs]
        found.input_bytes = sum(value._array.nbytes for value in tensors
                                if isinstance(value, Tensor))
        found.called = True
        with _evaluating(model), no_grad(), _watching(model, places):
            model(*tensors)
    return found


def _tensor(value: Any) -> Any:
    if isinstance(value, tuple) and value and all(isinstance(n, int) for n in value):
        return Tensor(np.ones(value, np.float32))
    return value


def _collect(module: Module, name: str, depth: int, found: Summary, places: dict[int, Layer],
             counted: set[int]) -> None:
    """Add a layer for the module and for each of its parts."""
    layer = Layer(name, type(module).__name__, depth, again=id(module) in places)
    found.layers.append(layer)
    if layer.again:
        return
    places[id(module)] = layer
    inner = {id(p) for child in module.children() for p in child.parameters()}
    for parameter in module.parameters():
        if id(parameter) not in inner and id(parameter) not in counted:
            counted.add(id(parameter))
            layer.parameters += parameter.numel()
            layer.trainable += parameter.numel() if parameter.requires_grad else 0
    for child_name, child in module.named_children():
        _collect(child, child_name, depth + 1, found, places, counted)


@contextmanager
def _evaluating(model: Module) -> Iterator[None]:
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training


@contextmanager
def _watching(model: Module, places: dict[int, Layer]) -> Iterator[None]:
    """Note shapes and operations while the model is called."""
    running: list[Layer] = []

    def enter(module: Module, args: tuple[Any, ...]) -> None:
        layer = places[id(module)]
        layer.calls += 1
        layer.inputs = _first_shape(args)
        running.append(layer)

    def leave(module: Module, args: tuple[Any, ...], result: Any) -> None:
        layer = running.pop()
        layer.outputs = _first_shape((result,))
        if not list(module.children()) and isinstance(result, Tensor):
            layer.output_bytes += result._array.nbytes

    def count(call: OperationCall) -> None:
        if call.phase == "forward" and running:
            flops = forward_flops(call)
            layer = running[-1]
            layer.flops = None if flops is None or layer.flops is None else layer.flops + flops

    handles = [handle for module in model.modules()
               for handle in (module.register_forward_pre_hook(enter),
                              module.register_forward_hook(leave))]
    try:
        with operation_hooks(after=count):
            yield
    finally:
        for handle in handles:
            handle.remove()


def _first_shape(values: Any) -> tuple[int, ...] | None:
    for value in values:
        if isinstance(value, Tensor):
            return tuple(value.shape)
        if isinstance(value, (tuple, list)):
            return _first_shape(value)
    return None


def _shape(shape: tuple[int, ...] | None) -> str:
    return "" if shape is None else "×".join(map(str, shape)) or "scalar"


def _branches(layers: list[Layer]) -> list[str]:
    """The lines of a tree before each layer."""
    texts = []
    for i, layer in enumerate(layers):
        if not layer.depth:
            texts.append("")
            continue
        text = ""
        for depth in range(1, layer.depth + 1):
            later = next((other.depth for other in layers[i + 1:] if other.depth <= depth), 0)
            more = later == depth
            last = depth == layer.depth
            text += ("├─ " if more else "└─ ") if last else ("│  " if more else "   ")
        texts.append(text)
    return texts
