"""Computing again in backward instead of keeping: less memory for more time.

``checkpoint(function, *arguments)`` forgets the record of ``function`` as soon as it is made, and
keeps only its inputs. The backward pass makes the record again and goes back through it, so
that one checkpointed part at a time holds its arrays: n layers in √n parts need memory for about
2√n of them (Chen et al., "Training deep nets with sublinear memory cost", 2016).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ClassVar, NoReturn

from minigrad import backend
from minigrad.core import graph
from minigrad.core.graph import Node, backward, topological_order
from minigrad.core.mode import enable_grad, mode
from minigrad.core.tensor import Tensor, wrap
from minigrad.errors import ArgumentError, GradientError


def checkpoint(function: Callable[..., Tensor], *arguments: Any) -> Tensor:
    """``function(*arguments)``, computed again in the backward pass instead of kept.

    Parameters
    ----------
    function : gives one Tensor, the same whenever it is called with the same arguments. Random
        numbers of the engine (dropout) are drawn again as they were. It may use leaves that are
        no arguments, such as the weights of a layer; they get their gradients too.
    arguments : Tensors, and anything else, which gets no gradient.

    Returns
    -------
    Tensor : what ``function`` gave.

    Raises
    ------
    ArgumentError : ``function`` gave something other than one Tensor, or used a computed tensor
        that is no argument.
    GradientError : in the backward pass, if that is itself recorded (``create_graph=True``): it
        would have to keep what was to be saved.
    """
    if not mode.recording:
        return _checked(function(*arguments), function)
    replay = _Replay(function, arguments)
    first = next(graph._numbers)
    out = replay.run()
    if not out.requires_grad:
        return out
    sources = _sources(out, first, function)
    replay.parts = [id(source) for source in sources]
    given = {id(inside): outside for inside, outside in zip(replay.arguments, arguments)
             if isinstance(inside, Tensor)}
    outside = [given.get(id(source), source) for source in sources]
    guards = [(tensor._version, tensor._version[0]) for tensor in sources]
    parents = tuple([tensor.node or tensor for tensor in outside])
    return wrap(out._array, Node(_Operation(), _Plan(len(parents)), parents, [replay], guards,
                                 out._array))


def _checked(out: Any, function: Callable) -> Tensor:
    if not isinstance(out, Tensor):
        raise ArgumentError(f"checkpoint() needs a function that gives one Tensor, but "
                            f"{getattr(function, '__name__', function)} gave a "
                            f"{type(out).__name__}; give the parts a checkpoint each")
    return out


def _sources(out: Tensor, first: int, function: Callable) -> list[Tensor]:
    """The leaves behind ``out``; nodes made before number ``first`` are refused."""
    nodes = topological_order(out)
    for node in nodes:
        if node.order < first:
            raise ArgumentError(
                f"{getattr(function, '__name__', function)} in checkpoint() uses a result of "
                f"{node.primitive.name} that is not among its arguments; pass it as one")
    leaves = [parent for node in nodes for parent in node.parents if isinstance(parent, Tensor)]
    return list({id(leaf): leaf for leaf in leaves or [out]}.values())


class _Replay:
    """One call of a function, to be made again: its inputs, and the state of chance."""

    def __init__(self, function: Callable, arguments: tuple) -> None:
        self.function = function
        self.arguments = [_stand_in(value) for value in arguments]
        self.random_state = backend.generator().bit_generator.state
        self.parts: list[int] = []          # the leaves to differentiate by, as ids

    def run(self) -> Tensor:
        with enable_grad():
            return _checked(self.function(*self.arguments), self.function)

    def gradients(self, g: Any) -> dict[int, Any]:
        """∂L/∂leaf by id, given g = ∂L/∂out: the function is run and gone back through."""
        chance = backend.generator().bit_generator
        now = chance.state
        chance.state = self.random_state
        try:
            out = self.run()
        finally:
            chance.state = now
        if out.shape != g.shape or not out.requires_grad:
            raise GradientError(f"the function of checkpoint() gave another result when it was "
                                f"called again: shape {out.shape} instead of {tuple(g.shape)}, or "
                                f"one without a gradient; it must do the same each time")
        return {id(leaf): gradient for leaf, gradient in backward([out], [g])
                if isinstance(leaf, Tensor)}


def _stand_in(value: Any) -> Any:
    """A leaf with the array of ``value``, where the replayed backward pass ends."""
    if not isinstance(value, Tensor):
        return value
    leaf = value.detach()
    leaf._requires_grad = value._requires_grad
    return leaf


class _Operation:
    """The function is run again, and its own gradients are taken."""

    name = "checkpoint"
    broadcasts = elementwise = False
    # What minigrad.inspect asks of a primitive:
    parameters = ("sources",)
    variadic = "sources"
    fixed = 0
    saves: ClassVar[dict] = {}
    defaults: ClassVar[dict] = {}
    rules: ClassVar[dict] = {}


class _Plan:
    """Stands where a recorded operation has its plan: one rule for each source."""

    def __init__(self, count: int) -> None:
        self.inputs = tuple(range(count))
        self.slots = {"replay": 0}

    @property
    def rules(self) -> tuple:
        """Fresh for every pass: the first of these rules that runs computes for all of them."""
        found: dict[int, Any] = {}
        return tuple([(functools.partial(_rule, found, i), (0,), f"source {i}")
                      for i in self.inputs])

    def as_tensors(self, node: Node) -> NoReturn:
        raise GradientError("checkpoint() cannot be differentiated twice: a recorded backward pass "
                            "(create_graph=True) would keep what it saves; call the function "
                            "itself")


def _rule(found: dict[int, Any], index: int, g: Any, replay: _Replay) -> Any:
    """The gradient of source ``index``."""
    if not found:
        found.update(replay.gradients(g))
    part = found.get(replay.parts[index])
    if part is None:
        raise GradientError("the function of checkpoint() used other leaves when it was called "
                            "again; it must do the same each time, and make no leaves itself")
    return part
