"""Read the pickles in PyTorch's files without executing anything.

A pickle is a program for a small stack machine, and Python's implementation may call anything in
Python: opening an untrusted pickle runs untrusted code. This implementation has only the
instructions that dictionaries of tensors need, and a few names, which create inert records.
Anything else is rejected with its name.

`pickletools.genops`, which splits a pickle into instructions, executes nothing.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from weights_converter.checks import as_count, as_shape
from weights_converter.errors import WeightsError

# A VGG's pickle has some thousand instructions, and a few thousand bytes. The pickles of a file
# count together.
MAX_BYTES = 16 << 20
MAX_INSTRUCTIONS = 500_000
# List elements that all instructions together may copy: one for each instruction, and some more.
MAX_COPIED = 1_000_000
MAX_NUMBER = 1 << 64

# Storage classes of PyTorch -> NumPy's code of their elements, without the byte order.
STORAGES = {
    "DoubleStorage": "f8", "FloatStorage": "f4", "HalfStorage": "f2", "BFloat16Storage": "bf16",
    "LongStorage": "i8", "IntStorage": "i4", "ShortStorage": "i2", "CharStorage": "i1",
    "ByteStorage": "u1", "BoolStorage": "u1",
}


@dataclass(frozen=True)
class StorageType:
    """The class of a storage, which determines the element type."""

    code: str


@dataclass(frozen=True)
class Storage:
    """A block of memory that the pickle refers to and that lies elsewhere in the file."""

    code: str
    key: str
    count: int


@dataclass(frozen=True)
class Tensor:
    """A view of a storage: offset and strides in elements.

    `negative` says that the sign of what is stored is reversed; `unread` names an element type or a
    mark with which nothing is read.
    """

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    negative: bool = False
    unread: str = ""


class _Mark:
    """Marks the start of an instruction's arguments on the stack."""


MARK = _Mark()


@dataclass
class Spent:
    """What the pickles of a file have taken up to here."""

    instructions: int = 0
    copied: int = 0


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
        Dictionaries, lists, tuples, text, numbers, and `Tensor` and `Storage` records.

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


def _rebuild_tensor(storage: Any, offset: Any, shape: Any, strides: Any,
                    _requires_grad: Any = None, _hooks: Any = None, metadata: Any = None) -> Tensor:
    if not isinstance(storage, Storage):
        raise ValueError("a tensor without a storage")
    shape, strides = as_shape(shape), as_shape(strides)
    if len(shape) != len(strides):
        raise ValueError(f"{len(shape)} sizes and {len(strides)} strides")
    return Tensor(storage, as_count(offset), shape, strides, *_marks(metadata))


def _marks(metadata: Any) -> tuple[bool, str]:
    """Whether PyTorch reverses the sign of what is stored, and what else it would do to it.

    PyTorch does not compute a negated or conjugate view, but marks it, also in a file.
    """
    if metadata is None:
        return False, ""
    if type(metadata) is not dict:
        raise ValueError("marks of a tensor that are not a dictionary")
    negative = metadata.get("neg") is True
    others = [mark for mark, value in metadata.items()
              if value is not False and not (mark == "neg" and negative)]
    return negative, f"marked {str(others[0])[:60]!r}" if others else ""


def _rebuild_parameter(tensor: Any, *_: Any) -> Any:
    return tensor


def _ordered_dict(pairs: Any = ()) -> dict:
    made = {}
    for pair in pairs:
        if type(pair) not in (list, tuple) or len(pair) != 2:
            raise ValueError("a dictionary of something other than pairs")
        made[_key(pair[0])] = pair[1]
    return made


CALLABLE = (_ordered_dict, _rebuild_tensor, _rebuild_parameter)
MAX_ARGUMENTS = 10
MAX_KEY = 100
MAX_NAME = 200

# The only names that a pickle may use.
ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): _ordered_dict,
    ("torch._utils", "_rebuild_tensor"): _rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
    **{("torch", name): StorageType(code) for name, code in STORAGES.items()},
    **{("torch.cuda", name): StorageType(code) for name, code in STORAGES.items()},
}


def _find(module: Any, name: Any) -> Any:
    if type(module) is not str or type(name) is not str:
        raise ValueError("a name that is not text")
    value = ALLOWED.get((module, name))
    if value is None:
        raise WeightsError(
            f"it uses {module[:60]}.{name[:60]}, which no weights need: it may be a whole "
            "model (save its state_dict() instead), or an attack")
    return value


def _key(key: Any) -> str | int:
    if (type(key) is str and len(key) <= MAX_NAME) or (type(key) is int and abs(key) < MAX_NUMBER):
        return key
    raise ValueError(f"a dictionary with a {type(key).__name__} as key, or one that is too long")


def _storage(identity: Any) -> Storage:
    """Resolve a persistent id: ("storage", class, key, device, count[, view])."""
    if type(identity) is not tuple or len(identity) not in (5, 6):
        raise ValueError("a reference that is not a storage")
    kind, storage_type, key, _, count, *view = identity
    if type(kind) is not str or kind != "storage" or not isinstance(storage_type, StorageType) or (
            view not in ([], [None])):
        raise ValueError("a reference that is not a storage")
    if type(key) is not str or len(key) > MAX_KEY:
        raise ValueError("a storage whose key is not a short text")
    return Storage(storage_type.code, key, as_count(count))


class _Machine:
    """Stack, memo, and one method per kind of instruction."""

    def __init__(self, spent: Spent) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.spent = spent

    def charge(self, count: int) -> None:
        """Count elements that are copied: an instruction may copy a long list again and again."""
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
            elif name not in IGNORED:
                raise WeightsError(f"it has the instruction {name}, which no weights need")
        (result,) = self.stack
        return result

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
        self.top(list).extend(items)

    def new_dict(self, items: list[Any]) -> None:
        self.stack.append({})
        self.set_items(items)

    def set_items(self, items: list[Any]) -> None:
        target = self.top(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[_key(key)] = value

    def remember(self, slot: int | None) -> None:
        self.memo[len(self.memo) if slot is None else slot] = self.stack[-1]

    def name(self, module: str, name: str) -> None:
        self.stack.append(_find(module, name))

    def stack_name(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.name(module, name)

    def call(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        # By identity: comparing a nested tuple would descend into it.
        if not any(function is known for known in CALLABLE):
            raise ValueError(f"a call of a {type(function).__name__}")
        if type(arguments) is not tuple or len(arguments) > MAX_ARGUMENTS:
            raise ValueError("a call without a short tuple of arguments")
        if function is _ordered_dict and arguments:
            if len(arguments) > 1 or type(arguments[0]) not in (list, tuple):
                raise ValueError("a dictionary of something other than pairs")
            self.charge(len(arguments[0]))
        self.stack.append(function(*arguments))

    def build(self) -> None:
        """Ignore an object's attributes: a state dict's `_metadata` is not needed."""
        self.stack.pop()
        self.top(dict)


CONSTANTS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys((
        "BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "BINFLOAT", "FLOAT", "STRING",
        "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE",
        "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES",
    ), lambda argument: argument),
    "NONE": lambda _: None,
    "NEWTRUE": lambda _: True,
    "NEWFALSE": lambda _: False,
    "EMPTY_TUPLE": lambda _: (),
    "EMPTY_LIST": lambda _: [],
    "EMPTY_DICT": lambda _: {},
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
    "BUILD": lambda m, _: m.build(),
    "BINPERSID": lambda m, _: m.stack.append(_storage(m.stack.pop())),
}

IGNORED = ("PROTO", "FRAME")
