"""Public names of primitives: those behind `matmul`, `conv2d` or `cross_entropy`.

Nothing is declared here. The names are those of `minigrad`, `minigrad.functional` and the methods
of Tensor; the primitives are found in the code of those functions, and of minigrad's functions
that they call.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import types
from collections.abc import Iterator
from typing import Any

from minigrad.core.primitive import Primitive, registered_primitives
from minigrad.core.tensor import Tensor

_DEEP = 12          # functions that call one another


@functools.cache
def public_functions() -> dict[str, Any]:
    """Public functions by name; a function comes before a method of the same name."""
    found: dict[str, Any] = {}
    for space in (vars(importlib.import_module("minigrad.functional")),
                  vars(importlib.import_module("minigrad")), vars(Tensor)):
        for name, value in space.items():
            if not name.startswith("_") and isinstance(value, (Primitive, types.FunctionType)):
                found.setdefault(name, value)
    return found


@functools.cache
def primitives_behind(name: str) -> tuple[str, ...]:
    """Names of the primitives with rules that a public function calls; empty for other names."""
    function = public_functions().get(name)
    if function is None:
        return ()
    names = dict.fromkeys(primitive.name for primitive in _called(function, set(), _DEEP)
                          if any(rule is not None for rule in primitive.rules.values()))
    return tuple(names)


def public_names(primitive: str) -> list[str]:
    """The names by which users call a primitive, unless its own is one of them.

    These are functions that call it and at most `cast` and `reshape` besides. Those from its own
    module come first, then the others alphabetically.
    """
    if primitive in public_functions():
        return []
    home = registered_primitives()[primitive].__module__
    names = [name for name in public_functions()
             if set(primitives_behind(name)) - {"cast", "reshape"} == {primitive}]
    return sorted(names, key=lambda name: (public_functions()[name].__module__ != home, name))


def _called(function: Any, seen: set[int], deep: int) -> Iterator[Primitive]:
    """Primitives that a function's code names, directly or through functions of minigrad."""
    if isinstance(function, Primitive):
        yield function
        return
    function = inspect.unwrap(function)
    code = getattr(function, "__code__", None)
    if code is None or id(function) in seen or not deep:
        return
    seen.add(id(function))
    for name in code.co_names:
        for value in _meanings(function, name):
            yield from _called(value, seen, deep - 1)


def _meanings(function: types.FunctionType, name: str) -> Iterator[Any]:
    """Possible meanings of a name in a function's code: a global, or an attribute of a module."""
    spaces = [function.__globals__]
    spaces += [vars(function.__globals__[other]) for other in function.__code__.co_names
               if isinstance(function.__globals__.get(other), types.ModuleType)]
    for space in spaces:
        value = space.get(name)
        if isinstance(value, Primitive) or (isinstance(value, types.FunctionType)
                                            and value.__module__.startswith("minigrad.")):
            yield value
