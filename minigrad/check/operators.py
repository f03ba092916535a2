"""Mutation operators that change a rule's arguments or result.

Unlike the mutants of the source (see `mutants`), they do not read it. Each is a common mistake: a
missing sum over broadcast dimensions, a transposition, the wrong axis, a detach() that only second
derivatives reveal.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from minigrad.check.mutants import Mutant
from minigrad.core.primitive import Primitive
from minigrad.core.tensor import Tensor
from minigrad.ops.shape import permute, reshape, select

FACTOR = 1 + 1e-3


def operator_mutants(operation: Primitive, parameter: str) -> Iterator[Mutant]:
    """Yield the mutants of one rule that make sense for it."""
    rule = operation.rules[parameter]
    assert rule is not None
    names = list(inspect.signature(rule).parameters)
    yield _mutant("zero", "0·rule", rule, lambda r, _: 0 * r)
    yield _mutant("sign", "−rule", rule, lambda r, _: -r)
    yield _mutant("factor", f"{FACTOR}·rule", rule, lambda r, _: FACTOR * r)
    yield _mutant("transposed", "last two dimensions exchanged", rule, lambda r, _: _transposed(r))
    yield _mutant("detached", "rule.detach()", rule, lambda r, _: _detached(r))
    for name in names:
        if name == "out" or operation.rules.get(name):
            yield _mutant("detached", f"{name}.detach()", rule, before={name: _detached})
    shape = f"{parameter}_shape"
    if operation.broadcasts and operation.fixed > 1:
        yield _mutant("missing broadcast sum", "first instead of sum", rule,
                      lambda r, given: _first(r, given[shape]), extra=shape)
    for name in ("dim", "dims"):
        if name in names:
            yield _mutant("wrong axis", f"{name} + 1", rule, extra=shape, before={
                name: lambda value, given: _next_axis(value, given[shape])})


def _mutant(kind: str, text: str, rule: Callable, after: Callable | None = None, *,
            before: dict[str, Callable] | None = None, extra: str = "") -> Mutant:
    """A rule with `before` applied to its arguments and `after` to its result.

    Parameters
    ----------
    extra : an additional argument that the changes need.
    """
    own = inspect.signature(rule)
    parameters = list(own.parameters.values())
    names = [p.name for p in parameters if p.name != "position"]
    if extra and extra not in names:
        parameters.insert(len(names), inspect.Parameter(extra, parameters[0].kind))

    def broken(*args: Any, **position: int) -> Any:
        given = dict(zip([p.name for p in parameters if p.name != "position"], args))
        for name, change in (before or {}).items():
            few = len(inspect.signature(change).parameters) == 1
            given[name] = change(given[name]) if few else change(given[name], given)
        result = rule(*[given[name] for name in names], **position)
        return after(result, given) if after is not None else result

    broken.__signature__ = own.replace(parameters=parameters)       # type: ignore[attr-defined]
    return Mutant(kind, text, broken)


def _detached(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_detached(part) for part in value)
    return value.detach() if isinstance(value, Tensor) else value


def _transposed(gradient: Any) -> Any:
    """The elements in transposed order, in the same shape (a vector is reversed)."""
    ndim = len(gradient.shape)
    if ndim < 2:
        return select(gradient, slice(None, None, -1)) if ndim else gradient
    return reshape(permute(gradient, (*range(ndim - 2), ndim - 1, ndim - 2)), gradient.shape)


def _first(gradient: Any, shape: tuple[int, ...]) -> Any:
    """The gradient cut, instead of summed, to the shape of a broadcast input."""
    extra = len(gradient.shape) - len(shape)
    if extra < 0 or 0 in gradient.shape:
        return gradient
    index = (0,) * extra + tuple(slice(length) for length in shape)
    return select(gradient, index) if extra or tuple(gradient.shape) != tuple(shape) else gradient


def _next_axis(dim: Any, shape: Any) -> Any:
    ndim = len(shape[0]) if isinstance(shape, list) else len(shape)
    if isinstance(dim, (tuple, list)):
        return tuple((d + 1) % ndim for d in dim)
    return dim if dim is None or not ndim else (dim + 1) % ndim
