"""Recompute in the backward pass instead of saving: less memory for more time.

`checkpoint(function, *arguments)` drops the record of `function` as soon as it is made and keeps
only its inputs. The backward pass makes the record again and walks back through it. So only
one checkpointed part at a time holds its arrays: n layers in √n parts need memory for about 2√n of
them (Chen et al., "Training deep nets with sublinear memory cost", 2016).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from minigrad.core.graph import Node, backward, next_number, topological_order
from minigrad.core.mode import enable_grad, mode
from minigrad.core.tensor import Tensor, wrap
from minigrad.errors import ArgumentError, GradientError
from minigrad.printable import shown
from minigrad.random import generator


def checkpoint(function: Callable[..., Tensor], *arguments: Any) -> Tensor:
    """Compute `function(*arguments)`, and compute it again in the backward pass.

    Parameters
    ----------
    function : Callable
        Returns one Tensor, the same whenever it is called with the same arguments. The engine's
        random numbers (dropout) are drawn again as they were. It may use leaves that are not
        among the arguments, such as the weights of a layer; they get their gradients too. A
        constant that changes before the backward pass must be an argument: a change of another
        is noticed only if a derivative needs it.
    arguments :
        Tensors, and anything else, which gets no gradient. Tensors among them, also within lists,
        tuples and dicts, must not change in place before the backward pass.

    Returns
    -------
    Tensor
        The result of `function`.

    Raises
    ------
    ArgumentError
        `function` did not return one Tensor, or used a computed tensor that is not an argument.
    GradientError
        In a backward pass that is itself recorded (`create_graph=True`): it would have to save
        the arrays that checkpointing is meant to drop.
    """
    if not callable(function):
        raise ArgumentError(f"checkpoint() takes a function and its arguments, not "
                            f"{shown(function)}")
    if not mode.recording:
        return _checked(function(*arguments), function)
    replay = _Replay(function, arguments)
    first = next_number()
    out = replay.run()
    if not out.requires_grad:
        return out
    leaves = _leaves(out, first, function)
    replay.leaves = [id(leaf) for leaf in leaves]
    given = {id(inside): outside for inside, outside in zip(replay.arguments, arguments)
             if isinstance(inside, Tensor)}
    outside = [given.get(id(leaf), leaf) for leaf in leaves]
    versions = _versions([*leaves, *_tensors_in(arguments)], out)
    parents = tuple([tensor.node or tensor for tensor in outside])
    result = wrap(out._array, Node(_Operation(function), _Plan(len(parents)), parents, [replay],
                                   versions, out._array))
    result._version = out._version      # it may be a view of an argument
    return result


def _checked(out: Any, function: Callable[..., Any]) -> Tensor:
    if not isinstance(out, Tensor):
        raise ArgumentError(f"checkpoint() needs a function that returns one Tensor, but "
                            f"{getattr(function, '__name__', function)} returned a "
                            f"{type(out).__name__}; checkpoint its parts one by one")
    return out


def _leaves(out: Tensor, first: int, function: Callable[..., Any]) -> list[Tensor]:
    """The leaves that `out` depends on; nodes made before number `first` are refused."""
    nodes = topological_order(out)
    for node in nodes:
        if node.order < first:
            raise ArgumentError(
                f"{getattr(function, '__name__', function)} in checkpoint() uses a result of "
                f"{node.primitive.name} that is not among its arguments; pass it as one")
    leaves = [parent for node in nodes for parent in node.parents if isinstance(parent, Tensor)]
    return list({id(leaf): leaf for leaf in leaves or [out]}.values())


def _tensors_in(arguments: Any) -> Iterator[Tensor]:
    """All tensors among the arguments, also within lists, tuples and dicts."""
    found = {id(arguments): arguments}
    waiting = [arguments]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (list, tuple, dict)):
            parts = value.values() if isinstance(value, dict) else value
            new = {id(part): part for part in parts if id(part) not in found}
            found.update(new)
            waiting.extend(new.values())


def _versions(tensors: list[Tensor], out: Tensor) -> list[tuple[Any, int]]:
    """`(version cell, version)` of what the function will read again.

    Of tensors that it reaches in other ways, those count that its operations saved.
    """
    saved = [pair for node in topological_order(out) for pair in node.saved_versions or ()]
    given = [(tensor._version, tensor._version[0]) for tensor in tensors]
    return list({(id(cell), version): (cell, version) for cell, version in given + saved}.values())


class _Replay:
    """One call of a function, to be repeated: its inputs, and the state of the generator."""

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self.function = function
        self.arguments = [_as_leaf(value) for value in arguments]
        self.random_state = generator().bit_generator.state
        self.leaves: list[int] = []         # ids of the leaves that get gradients

    def run(self) -> Tensor:
        with enable_grad():
            return _checked(self.function(*self.arguments), self.function)

    def gradients(self, g: Any) -> dict[int, Any]:
        """∂L/∂leaf by id, given g = ∂L/∂out: run the function and its backward pass."""
        random = generator().bit_generator
        now = random.state
        random.state = self.random_state
        try:
            out = self.run()
        finally:
            random.state = now
        if out.shape != g.shape or not out.requires_grad:
            raise GradientError(
                f"the function of checkpoint() returned a different result when called again: "
                f"shape {out.shape} instead of {tuple(g.shape)}, or one without a gradient; it "
                f"must compute the same each time")
        return {id(leaf): gradient for leaf, gradient in backward([out], [g])
                if isinstance(leaf, Tensor)}


def _as_leaf(value: Any) -> Any:
    """A leaf with the array of `value`, at which the repeated backward pass ends."""
    if not isinstance(value, Tensor):
        return value
    leaf = value.detach()
    leaf._requires_grad = value._requires_grad
    return leaf


class _Operation:
    """Stands in a node for its primitive: the function that is run again."""

    name = "checkpoint"
    broadcasts = elementwise = False
    parameters = ("sources",)
    variadic = "sources"
    fixed = 0

    def __init__(self, function: Callable[..., Any]) -> None:
        self.forward = function
        self.rules: dict[str, Callable[..., Any] | None] = {}
        self.saves: dict[str, type] = {}
        self.defaults: dict[int, Any] = {}


class _Plan:
    """Stands in a node for its plan: one rule for each leaf."""

    def __init__(self, count: int) -> None:
        self.inputs = tuple(range(count))
        self.saved_index = {"replay": 0}

    @property
    def rules(self) -> tuple[Any, ...]:
        """Rules for one pass: the first rule that runs computes the gradients of all leaves."""
        found: dict[int, Any] = {}
        return tuple([(functools.partial(_rule, found, i), (0,), f"source {i}")
                      for i in self.inputs])

    def saved_as_tensors(self, node: Node, saved: list[Any]) -> NoReturn:
        raise GradientError("checkpoint() cannot be differentiated twice: a recorded backward pass "
                            "(create_graph=True) would have to save the arrays that it drops; "
                            "call the function itself")


def _rule(found: dict[int, Any], index: int, g: Any, replay: _Replay) -> Any:
    """The gradient with respect to leaf number `index`."""
    if not found:
        found.update(replay.gradients(g))
    gradient = found.get(replay.leaves[index])
    if gradient is None:
        raise GradientError("the function of checkpoint() used other leaves when it was called "
                            "again; it must compute the same each time, and make no leaves itself")
    return gradient
