"""Read the pickles in PyTorch's files without executing anything.

A pickle is a program for a small stack machine, and Python's implementation may call anything in
Python: opening an untrusted pickle runs untrusted code. This implementation has only the
instructions that dictionaries of tensors need, and the names in `torch_records`, which create inert
records. Anything else is rejected with its name.

`pickletools.genops`, which splits a pickle into instructions, executes nothing.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from weights_converter.errors import WeightsError
from weights_converter.torch_records import (
    CALLABLE,
    OTHER,
    WITH_ATTRIBUTES,
    Other,
    Storage,
    find,
    ordered_dict,
    other,
    put,
    storage,
)

# A VGG's pickle has some thousand instructions, and a few thousand bytes. The pickles of a file
# count together.
MAX_BYTES = 16 << 20
MAX_INSTRUCTIONS = 500_000
# Elements of lists, tuples and dictionaries that all instructions together may copy or go through:
# one for each instruction, and some more.
MAX_COPIED = 1_000_000
MAX_ARGUMENTS = 10
CONTAINERS = (tuple, list, dict)


class _Mark:
    """Marks the start of an instruction's arguments on the stack."""


MARK = _Mark()


@dataclass
class Spent:
    """What the pickles of a file have taken up to here, and the storages they refer to, by key."""

    instructions: int = 0
    copied: int = 0
    storages: dict[str, Storage] = field(default_factory=dict)


def unpickle(file: BinaryIO | bytes, spent: Spent | None = None) -> Any:
    """Read one pickle; a stream is then positioned after it.

    Parameters
    ----------
    file : binary stream or bytes
    spent : Spent, optional
        That of the pickles before this one in the same file.

    Returns
    -------
    object
        Dictionaries, lists, tuples, text, numbers, and the records of `torch_records`.

    Raises
    ------
    WeightsError
        The pickle uses a name or an instruction that no dictionary of tensors needs. The message
        does not name the file.
    ValueError, KeyError, IndexError, TypeError …
        It is damaged.
    """
    machine = _Machine(spent or Spent())
    return machine.run(io.BytesIO(file) if isinstance(file, bytes) else file)


class _Machine:
    """Stack, memo, and one method per kind of instruction."""

    def __init__(self, spent: Spent) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.spent = spent

    def charge(self, count: int) -> None:
        """Count elements that are copied or looked at: one list may be so again and again."""
        self.spent.copied += count
        if self.spent.copied > MAX_COPIED:
            raise ValueError(f"a pickle that copies more than {MAX_COPIED:,} elements")

    def run(self, stream: BinaryIO) -> Any:
        for opcode, argument, _ in pickletools.genops(stream):
            self.spent.instructions += 1
            if self.spent.instructions > MAX_INSTRUCTIONS:
                raise ValueError(f"a pickle of more than {MAX_INSTRUCTIONS:,} instructions")
            name = opcode.name
            if name in CONSTANTS:
                self.stack.append(CONSTANTS[name](argument))
            elif name in INSTRUCTIONS:
                INSTRUCTIONS[name](self, argument)
            elif name == "STOP":
                break
            elif name == "PERSID":
                raise WeightsError("it has the instruction PERSID of pickle's protocol 0, which "
                                   "cannot refer to tensors; save it with protocol 2")
            elif name not in IGNORED:
                raise WeightsError(f"it has the instruction {name}, which no weights need")
        (result,) = self.stack
        return result

    def refer(self) -> None:
        found = storage(self.stack.pop())
        self.spent.storages[found.key] = found
        self.stack.append(found)

    def after_mark(self) -> list[Any]:
        """Pop the items above the last mark, and the mark."""
        at = len(self.stack) - 1
        while self.stack[at] is not MARK:  # an IndexError if there is none
            at -= 1
        items = self.stack[at + 1 :]
        self.charge(len(items))
        del self.stack[at:]
        return items

    def top(self, kind: type) -> Any:
        if type(self.stack[-1]) is not kind:
            raise ValueError(
                f"a {type(self.stack[-1]).__name__}, but a {kind.__name__} is expected")
        return self.stack[-1]

    def tuple_of(self, count: int) -> None:
        if len(self.stack) < count:
            raise IndexError("the stack is empty")
        items = tuple(self.stack[len(self.stack) - count :])
        del self.stack[len(self.stack) - count :]
        self.stack.append(items)

    def extend(self, items: list[Any]) -> None:
        if self.stack[-1] is not OTHER:
            self.top(list).extend(items)

    def new_dict(self, items: list[Any]) -> None:
        self.stack.append({})
        self.set_items(items)

    def set_items(self, items: list[Any]) -> None:
        if self.stack[-1] is OTHER:
            return
        target = self.top(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            put(target, key, value)

    def remember(self, slot: int | None) -> None:
        self.memo[len(self.memo) if slot is None else slot] = self.stack[-1]

    def name(self, module: str, name: str) -> None:
        self.stack.append(find(module, name))

    def stack_name(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.name(module, name)

    def call(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if function is WITH_ATTRIBUTES and type(arguments) is tuple and len(arguments) == 4:
            function, _, arguments, _ = arguments
        # By identity: comparing a nested tuple would descend into it.
        if not any(function is known for known in CALLABLE):
            raise ValueError(f"a call of a {type(function).__name__}")
        if type(arguments) is not tuple or len(arguments) > MAX_ARGUMENTS:
            raise ValueError("a call without a short tuple of arguments")
        if function is ordered_dict and arguments and (
                len(arguments) > 1 or type(arguments[0]) not in (list, tuple)):
            raise ValueError("a dictionary of something other than pairs")
        self.charge(sum(len(each) for each in arguments if type(each) in CONTAINERS))
        self.stack.append(function(*arguments))

    def new(self) -> None:
        """Make an object without calling its `__init__`; none of those allowed is needed."""
        arguments, kind = self.stack.pop(), self.stack.pop()
        if kind is not other or type(arguments) is not tuple:
            raise ValueError(f"a new object of a {type(kind).__name__}")
        self.stack.append(OTHER)

    def add(self) -> None:
        """Add items to a set."""
        self.after_mark()
        self.top(Other)

    def freeze(self) -> None:
        self.after_mark()
        self.stack.append(OTHER)

    def build(self) -> None:
        """Ignore an object's attributes: a state dict's `_metadata` is not needed."""
        self.stack.pop()
        if self.stack[-1] is not OTHER:
            self.top(dict)


CONSTANTS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys((
        "BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "BINFLOAT", "FLOAT",
        "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE",
        "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
    ), lambda argument: argument),
    "NONE": lambda _: None,
    "NEWTRUE": lambda _: True,
    "NEWFALSE": lambda _: False,
    "EMPTY_TUPLE": lambda _: (),
    "EMPTY_LIST": lambda _: [],
    "EMPTY_DICT": lambda _: {},
    "EMPTY_SET": lambda _: OTHER,
    "MARK": lambda _: MARK,
}

INSTRUCTIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "TUPLE": lambda m, _: m.stack.append(tuple(m.after_mark())),
    "TUPLE1": lambda m, _: m.tuple_of(1),
    "TUPLE2": lambda m, _: m.tuple_of(2),
    "TUPLE3": lambda m, _: m.tuple_of(3),
    "LIST": lambda m, _: m.stack.append(m.after_mark()),
    "DICT": lambda m, _: m.new_dict(m.after_mark()),
    "APPEND": lambda m, _: m.extend([m.stack.pop()]),
    "APPENDS": lambda m, _: m.extend(m.after_mark()),
    "SETITEM": lambda m, _: m.set_items([m.stack.pop(), m.stack.pop()][::-1]),
    "SETITEMS": lambda m, _: m.set_items(m.after_mark()),
    "PUT": lambda m, slot: m.remember(slot),
    "BINPUT": lambda m, slot: m.remember(slot),
    "LONG_BINPUT": lambda m, slot: m.remember(slot),
    "MEMOIZE": lambda m, _: m.remember(None),
    "GET": lambda m, slot: m.stack.append(m.memo[slot]),
    "BINGET": lambda m, slot: m.stack.append(m.memo[slot]),
    "LONG_BINGET": lambda m, slot: m.stack.append(m.memo[slot]),
    "GLOBAL": lambda m, names: m.name(*names.split(" ", 1)),
    "STACK_GLOBAL": lambda m, _: m.stack_name(),
    "REDUCE": lambda m, _: m.call(),
    "NEWOBJ": lambda m, _: m.new(),
    "ADDITEMS": lambda m, _: m.add(),
    "FROZENSET": lambda m, _: m.freeze(),
    "BUILD": lambda m, _: m.build(),
    "BINPERSID": lambda m, _: m.refer(),
}

IGNORED = ("PROTO", "FRAME")
