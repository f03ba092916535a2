"""Names for readers: the user's names of tensors, the public names of operations."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

from minigrad.core.graph import Node
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError
from minigrad.inspect.record import record_of, saved_by_name
from minigrad.nn import Module
from minigrad.printable import shown

# Primitives that users know by another name, where several public functions call them; select is
# what x[i] calls.
PREFERRED = {
    "affine": "linear", "avg_pool": "avg_pool2d", "bounded_log": "binary_cross_entropy",
    "clip_between": "clip", "concatenate": "cat", "contract": "einsum", "convolve": "conv2d",
    "convolve_input": "conv_transpose2d", "deviation_root": "std", "gather_along": "gather",
    "huber": "huber_loss", "matrix_product": "matmul", "max_pool": "max_pool2d",
    "mean_squared_distance": "mse_loss", "orthonormal": "qr", "p_norm": "norm", "pad2d": "pad",
    "power": "pow", "select": "getitem", "squared_distance": "mse_loss", "sum_to": "sum_to_size"}
LONGEST_LIST = 1000     # tensors: longer lists and dictionaries are not searched for names


@functools.cache
def public_name(primitive: str) -> str:
    """The name by which users call a primitive, such as `matmul` for `matrix_product`."""
    if primitive in PREFERRED:
        return PREFERRED[primitive]
    # Loaded when first needed: the checker is large.
    names = importlib.import_module("minigrad.check.public_names")
    try:
        return (names.public_names(primitive) or [primitive])[0]
    except KeyError:        # not a primitive, such as a checkpoint
        return primitive


# ------------------------------------------------------------------ the user's names


def find_names(names: Mapping[str, Any] | Module | None, frame: FrameType | None
               ) -> dict[int, str]:
    """The user's names of tensors, by `id` of their node, leaf or array.

    `names` is a mapping from names to tensors (modules, lists of them …), or a Module. None stands
    for the variables of the calling function.
    """
    named: dict[str, Any]
    if isinstance(names, Module):
        named = {"": names}
    elif names is not None:
        if not isinstance(names, Mapping):
            raise ArgumentError(f"names is a mapping from names to tensors, or a Module, not "
                                f"{shown(names)}")
        named = dict(names)
    else:
        named = {**frame.f_globals, **frame.f_locals} if frame is not None else {}
    named = {name: value for name, value in named.items() if not str(name).startswith("_")}
    result: dict[int, str] = {}
    for name, value in named.items():
        if isinstance(value, Tensor):
            _add_name(result, str(name), value)
    for name, value in named.items():
        for inner, tensor in _within(str(name), value):
            _add_name(result, inner, tensor)
    # Parameters come last, so the name of a variable that holds one takes precedence.
    modules = {name: value for name, value in named.items() if isinstance(value, Module)}
    several = len({id(module) for module in modules.values()}) > 1
    for name, module in modules.items():
        for inner, tensor in module.named_parameters(name if several else ""):
            _add_name(result, inner, tensor)
    return result


def _within(name: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    """Tensors in a list, a tuple or a dictionary, and those of an object called self."""
    entries: Any = ()
    if isinstance(value, (list, tuple)) and len(value) <= LONGEST_LIST:
        entries = ((f"{name}[{i}]", entry) for i, entry in enumerate(tuple(value)))
    elif isinstance(value, dict) and len(value) <= LONGEST_LIST:
        entries = ((f"{name}[{key!r}]", entry) for key, entry in tuple(value.items()))
    elif name == "self" and hasattr(value, "__dict__") and not isinstance(value, Module):
        entries = ((f"self.{key}", entry) for key, entry in tuple(vars(value).items()))
    return ((inner, entry) for inner, entry in entries if isinstance(entry, Tensor))


def _add_name(names: dict[int, str], name: str, tensor: Tensor) -> None:
    names.setdefault(id(tensor.node if tensor.node is not None else tensor), name)
    names.setdefault(id(tensor._array), name)


# ------------------------------------------------------------- the operands of an operation

ORDINALS = ("1st", "2nd", "3rd")


def operand_names(node: Node, names: Mapping[int, str]) -> dict[str, str]:
    """A name for each parameter of an operation, as in "the 2nd operand of multiply is your w".

    This is the user's name; for a number, the number; otherwise the parameter's own name, or "1st",
    "2nd" … if the user has given that name to another tensor.
    """
    primitive = node.primitive
    taken = set(names.values())
    parents = dict(zip(node.plan.inputs, node.parents))
    recorded = record_of(node)
    known = dict(zip(primitive.parameters, recorded.originals)) if recorded is not None else \
        saved_by_name(node) or {}
    called = {}
    for position, parameter in enumerate(primitive.parameters):
        value = parents.get(position, known.get(parameter))
        name = names.get(id(value), "")
        if not name and isinstance(value, (int, float)) and not isinstance(value, bool):
            name = f"{value:.4g}".replace("-", "−")
        called[parameter] = name or (parameter if parameter not in taken
                                     else ordinal(position, primitive.fixed))
    result = names.get(id(node), "")
    called["out"] = result or ("z" if "z" not in taken else "result")
    return called


def ordinal(position: int, count: int) -> str:
    """Which of an operation's operands, in words."""
    if count < 2 and not position:
        return "the operand"
    return (ORDINALS[position] if position < len(ORDINALS) else f"{position + 1}th") + " operand"
