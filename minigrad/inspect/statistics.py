"""`with statistics(model) as seen:` shows what flows through each layer, and what comes back.

The table names what a reader of loss curves cannot see: units of a relu that never fire, a tanh
that is saturated, gradients that vanish on the way, NaN.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.backend import to_device
from minigrad.core.hooks import OperationCall, operation_hooks
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError
from minigrad.files import write_atomically
from minigrad.html import Markup, block, image, paragraph, table
from minigrad.inspect.curves import densities_svg
from minigrad.inspect.naming import public_name
from minigrad.inspect.record import running_modules
from minigrad.inspect.texts import short
from minigrad.nn import Module

SATURATED = 0.97        # of the way to a bound: there the slope of tanh is below 0.06
VANISHED, HUGE = 1e-7, 1e3      # norms of gradients, relative to the largest in the pass
KEPT = 20_000           # elements of a layer from which its curve is drawn

# Functions that flatten towards a bound, and how close an element is to it: 1 at the bound.
_FLAT: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "tanh": np.abs, "sigmoid": lambda y: np.abs(2 * y - 1)}
_RECTIFIERS = ("relu", "convolve_relu")


@dataclass
class Flow:
    """The output of one layer's last call, and the gradient that came back to it.

    Attributes
    ----------
    name, kind : of the module within the model, or of an activation function within one.
    shape : of the output.
    mean, std : of the output.
    zero : share of elements that are 0.
    dead, units : how many of the units were 0 in all calls; channels of images, otherwise elements
        of the last dimension. None if the layer is not a rectifier.
    saturated : share of elements near a bound of a tanh or sigmoid; None for any other.
    bad : number of elements that are NaN or infinite.
    grad_mean, grad_std, grad_norm : of the gradient of the output; None until a backward pass.
    calls : how often the layer was called.
    """

    name: str
    kind: str
    shape: tuple[int, ...] = ()
    mean: float = 0.0
    std: float = 0.0
    zero: float = 0.0
    dead: int | None = None
    units: int = 0
    saturated: float | None = None
    bad: int = 0
    grad_mean: float | None = None
    grad_std: float | None = None
    grad_norm: float | None = None
    calls: int = 0
    values: np.ndarray = field(default_factory=lambda: np.zeros(0), repr=False)
    gradients: np.ndarray = field(default_factory=lambda: np.zeros(0), repr=False)
    _alive: np.ndarray | None = field(default=None, repr=False)

    @property
    def called(self) -> str:
        """The name with the kind, unless the name includes it."""
        return self.name if self.kind in self.name else f"{self.name} ({self.kind})"

    def see(self, primitive: str, output: np.ndarray) -> None:
        """Take in one output."""
        self.calls += 1
        self.shape = output.shape
        finite = output[np.isfinite(output)].astype(np.float64)
        self.bad = output.size - finite.size
        self.mean, self.std = _mean_std(finite)
        self.zero = float((output == 0).mean()) if output.size else 0.0
        self.values = _sample(finite)
        if primitive in _FLAT and finite.size:
            self.saturated = float((_FLAT[primitive](finite) > SATURATED).mean())
        if primitive in _RECTIFIERS and output.ndim:
            self._count_dead(output)

    def _count_dead(self, output: np.ndarray) -> None:
        unit = 1 if output.ndim == 4 else output.ndim - 1
        others = tuple(d for d in range(output.ndim) if d != unit)
        alive = (output != 0).any(others)
        if self._alive is not None and self._alive.shape == alive.shape:
            alive = alive | self._alive
        self._alive, self.units, self.dead = alive, alive.size, int((~alive).sum())

    def see_gradient(self, gradient: np.ndarray) -> None:
        """Record the gradient of the last output."""
        finite = gradient[np.isfinite(gradient)].astype(np.float64)
        self.bad += gradient.size - finite.size
        self.grad_mean, self.grad_std = _mean_std(finite)
        self.grad_norm = float(np.sqrt((finite * finite).sum()))
        self.gradients = _sample(finite)


@dataclass
class Weights:
    """A parameter after the block; `ratio` is its gradient's deviation over its own."""

    name: str
    shape: tuple[int, ...]
    std: float
    grad_std: float | None
    ratio: float | None


@dataclass(repr=False)
class Statistics:
    """The result of `statistics`: prints as a table; a notebook shows the curves as well."""

    flows: list[Flow] = field(default_factory=list)
    weights: list[Weights] = field(default_factory=list)

    def flow(self, name: str) -> Flow:
        """The layer of that name.

        Raises
        ------
        ArgumentError : there is none.
        """
        for one in self.flows:
            if one.name == name:
                return one
        known = ", ".join(one.name for one in self.flows)
        raise ArgumentError(f"no layer {name!r} was called; known are {known or 'none'}")

    def warnings(self) -> list[str]:
        """Probable problems, one sentence each, in the order of the layers."""
        largest = max((one.grad_norm for one in self.flows if one.grad_norm is not None),
                      default=0.0)
        return [f"{one.called}: {said}" for one in self.flows for said in _warnings(one, largest)]

    def plot(self, path: str | Path | None = None) -> str:
        """The distributions of outputs and gradients, a line per layer, as SVG.

        Parameters
        ----------
        path : where to write it, too; `.svg`.

        Raises
        ------
        ArgumentError : the suffix is not .svg, or nothing was seen.
        FileError : the file cannot be written.
        """
        drawn = [svg for _, svg in self._curves()]
        if not drawn:
            raise ArgumentError("there is nothing to draw: no layer was called within the block")
        svg = _stacked(drawn)
        if path is not None:
            if Path(path).suffix != ".svg":
                raise ArgumentError(f"the plot is saved as .svg, not as {Path(path).name!r}")
            write_atomically(Path(path), svg.encode("utf-8"))
        return svg

    def _curves(self) -> list[tuple[str, str]]:
        """The title and the drawing of each plot."""
        pairs: tuple[tuple[str, Mapping[str, np.ndarray]], ...] = (
            ("outputs of the layers", {one.called: one.values for one in self.flows}),
            ("gradients of the outputs", {one.called: one.gradients for one in self.flows}))
        drawn = [(title, densities_svg(layers, title)) for title, layers in pairs]
        return [(title, svg) for title, svg in drawn if svg]

    def _rows(self) -> list[tuple[str, ...]]:
        return [(one.name, one.kind, "×".join(map(str, one.shape)) or "scalar",
                 short(one.mean), short(one.std), f"{100 * one.zero:.0f} %",
                 "" if one.dead is None else f"{one.dead} of {one.units}",
                 "" if one.saturated is None else f"{100 * one.saturated:.0f} %",
                 short(one.grad_std), short(one.grad_norm)) for one in self.flows]

    _HEADER = ("layer", "kind", "output", "mean", "std", "zero", "dead units", "saturated",
               "grad std", "‖grad‖")
    _WEIGHTS = ("parameter", "shape", "std", "grad std", "grad/value")

    def _weight_rows(self) -> list[tuple[str, ...]]:
        return [(one.name, "×".join(map(str, one.shape)), short(one.std),
                 short(one.grad_std), short(one.ratio)) for one in self.weights]

    def __str__(self) -> str:
        parts = [_aligned([self._HEADER, *self._rows()])]
        if self.weights:
            parts.append(_aligned([self._WEIGHTS, *self._weight_rows()]))
        warned = [f"! {said}" for said in self.warnings()]
        return "\n\n".join([*parts, "\n".join(warned)]).rstrip()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        warned = [paragraph(Markup("<b>!</b> "), said) for said in self.warnings()]
        weights = [table(self._weight_rows(), self._WEIGHTS)] if self.weights else []
        return block(table(self._rows(), self._HEADER), *warned,
                     *[image(svg, title) for title, svg in self._curves()], *weights)


@contextmanager
def statistics(model: Module) -> Iterator[Statistics]:
    """Watch the layers of a model within a `with` block: forward, and backward if one runs.

        with inspect.statistics(net) as seen:
            loss = F.cross_entropy(net(x), y)
            loss.backward()
        print(seen)

    A layer is a module without parts, or an activation function (relu, tanh, sigmoid) that a
    module calls itself. Outputs and gradients are those of the last call; units count as dead if
    no call of the block moved them. Values are copied to the host, so do not train with it.

    Raises
    ------
    ArgumentError : `model` is not a Module.
    """
    if not isinstance(model, Module):
        raise ArgumentError(f"statistics needs a Module, not something of type "
                            f"{type(model).__name__}")
    watch = _Watch(model)
    try:
        with operation_hooks(after=watch.after):
            yield watch.found
    finally:
        watch.finish()


class _Watch:
    def __init__(self, model: Module) -> None:
        self.model, self.found = model, Statistics()
        self.names = {id(module): name or type(module).__name__
                      for name, module in model.named_modules()}
        self.rows: dict[str, Flow] = {}
        self.handles = [module.register_forward_hook(self.leave) for module in model.modules()
                        if not list(module.children())]
        self.handles.append(model.register_forward_pre_hook(self.begin))
        self.in_this_pass: Counter[str] = Counter()
        self.last = ""      # the primitive that ran last

    def after(self, call: OperationCall) -> None:
        if call.phase != "forward":
            return
        self.last = call.primitive.name
        if self.last not in _FLAT and self.last not in _RECTIFIERS:
            return
        running = running_modules(sys._getframe(1))
        inner = running[-1] if running else None
        if inner is None or id(inner) not in self.names or not list(inner.children()):
            return          # a module without parts is watched as a whole
        kind = public_name(self.last)
        name = kind if inner is self.model else f"{self.names[id(inner)]}.{kind}"
        self.in_this_pass[name] += 1
        if self.in_this_pass[name] > 1:
            name = f"{name} ({self.in_this_pass[name]})"
        self.see(name, kind, self.last, call.result)

    def begin(self, module: Module, args: tuple[Any, ...]) -> None:
        """At each call of the model, count its activation functions from the first again."""
        self.in_this_pass.clear()

    def leave(self, module: Module, args: tuple[Any, ...], result: Any) -> None:
        if isinstance(result, Tensor):
            self.see(self.names[id(module)], type(module).__name__, self.last, result)

    def see(self, name: str, kind: str, primitive: str, result: Tensor) -> None:
        if result.dtype.kind != "f":
            return
        flow = self.rows.get(name)
        if flow is None:
            flow = self.rows[name] = Flow(name, kind)
            self.found.flows.append(flow)
        flow.see(primitive, _host(result))
        if result.requires_grad:
            result.register_hook(lambda gradient: flow.see_gradient(_host(gradient)))

    def finish(self) -> None:
        for handle in self.handles:
            handle.remove()
        for name, parameter in self.model.named_parameters():
            values = _host(parameter).astype(np.float64)
            std = float(values.std()) if values.size else 0.0
            grad = None if parameter.grad is None else \
                float(_host(parameter.grad).astype(np.float64).std())
            ratio = None if grad is None or not std else grad / std
            self.found.weights.append(Weights(name, tuple(parameter.shape), std, grad, ratio))


def _warnings(one: Flow, largest: float) -> Iterator[str]:
    if one.bad:
        yield f"{one.bad:,} elements are NaN or infinite"
    if one.dead:
        yield f"{one.dead} of {one.units} units never fired"
    if one.saturated is not None and one.saturated > 0.3:
        yield (f"{100 * one.saturated:.0f} % of the elements are saturated, and pass on hardly "
               f"any gradient")
    if one.grad_norm is not None and largest > 0 and one.grad_norm < VANISHED * largest:
        yield "the gradient has vanished" if one.grad_norm else "no gradient arrives"
    if one.grad_norm is not None and one.grad_norm > HUGE:
        yield f"the gradient is large, ‖grad‖ = {one.grad_norm:.2e}"


def _host(tensor: Tensor) -> np.ndarray:
    return np.asarray(to_device(tensor._array, "cpu"))


def _mean_std(finite: np.ndarray) -> tuple[float, float]:
    return (float(finite.mean()), float(finite.std())) if finite.size else (0.0, 0.0)


def _sample(finite: np.ndarray) -> np.ndarray:
    """At most KEPT elements, evenly spread."""
    return finite[::max(1, -(-finite.size // KEPT))]


def _aligned(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) if not i else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(row, widths))).rstrip()
                     for row in rows)


def _stacked(drawings: list[str]) -> str:
    """Drawings one below the other in one SVG."""
    heights = [int(one.split('height="')[1].split('"')[0]) for one in drawings]
    width = max(int(one.split('width="')[1].split('"')[0]) for one in drawings)
    parts, y = [], 0
    for one, height in zip(drawings, heights):
        parts.append(one.replace("<svg ", f'<svg y="{y}" ', 1))
        y += height + 12
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y}">'
            f'{"".join(parts)}</svg>\n')
