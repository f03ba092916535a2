"""The tree of a file: groups, arrays and attributes, with names as in h5py."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain
from math import prod
from typing import Any, TypeVar

import numpy as np

from minigrad.hdf5.chunks import find_chunks, read_chunks
from minigrad.hdf5.datatypes import Space, VariableText, decode, read_datatype, read_space
from minigrad.hdf5.filters import read_filters
from minigrad.hdf5.headers import (
    ATTRIBUTE,
    ATTRIBUTE_INFO,
    DATASPACE,
    DATATYPE,
    EXTERNAL_FILES,
    FILL_VALUE,
    FILTERS,
    LAYOUT,
    LINK,
    LINK_INFO,
    SYMBOL_TABLE,
    Message,
    read_messages,
)
from minigrad.hdf5.heaps import FractalHeap, LocalHeap
from minigrad.hdf5.layouts import CHUNKED, COMPACT, VIRTUAL, Layout, read_layout
from minigrad.hdf5.source import COST_OF_BLOCK, COST_OF_ENTRY, Cursor, Source, UnsupportedError
from minigrad.hdf5.trees import ATTRIBUTE_NAMES, GROUP_NODE, LINK_NAMES, SIZES, leaves, records

MAX_ATTRIBUTE = 1 << 20
# Attributes of an object, or members of a group.
MAX_LISTED = 20_000
# Letters of a path, which is copied for each member of a group.
MAX_PATH = 4096

# Where a message lies that several objects share: in the header of a named type.
COMMITTED = 2

Entry = TypeVar("Entry")


class Node:
    """Base class of groups and arrays.

    Attributes
    ----------
    name : str
        Its path in the file.
    attrs : mapping of str
        Its attributes. One of a type that is not supported raises a ValueError when it is read.
    """

    def __init__(self, source: Source, name: str, messages: list[Message]) -> None:
        self.source = source
        self.name = name
        self.messages = messages

    def body(self, kind: int) -> Cursor | None:
        """The first message of a kind."""
        for message in self.messages:
            if message.kind == kind:
                body = self.cursor(message.body)
                return self._shared(kind, body) if message.shared else body
        return None

    def _shared(self, kind: int, reference: Cursor) -> Cursor:
        """The message to which one refers that several objects share: a named element type."""
        version, place = reference.number(1), reference.number(1)
        if kind != DATATYPE or version not in (1, 2, 3) or (version == 3 and place != COMMITTED):
            raise UnsupportedError(f"{self.name} shares its description with other objects, which "
                                   "cannot be read; save it again as an array of its own")
        reference.take(6 if version == 1 else 0)
        address = reference.address()
        if address is not None:
            for message in read_messages(self.source, address):
                if message.kind == kind and not message.shared:
                    return self.cursor(message.body)
        raise ValueError(f"{self.name} refers to an element type that does not exist")

    def cursor(self, data: bytes) -> Cursor:
        return Cursor(data, self.source.offset_size, self.source.length_size)

    def dense(self, info: Cursor, order: int, kind: int, skip: int) -> Iterator[Cursor]:
        """The objects that an info message refers to, in its heap.

        Parameters
        ----------
        order : int
            Bytes of the largest creation order, if it is in the message.
        kind : int
            Type of the records.
        skip : int
            Bytes of a record before the identifier.
        """
        info.take(1)
        info.take(order * (info.number(1) & 1))
        heap_address, names = info.address(), info.address()
        if heap_address is None:
            return
        heap = FractalHeap(self.source, heap_address)
        for record in records(self.source, names, kind, SIZES[kind]):
            record.take(skip)
            yield heap.get(record)

    @cached_property
    def attrs(self) -> Attributes:
        bodies: Iterable[Cursor] = (self.cursor(message.body) for message in self.messages
                                    if message.kind == ATTRIBUTE and not message.shared)
        info = self.body(ATTRIBUTE_INFO)
        if info is not None:
            bodies = chain(bodies, self.dense(info, 2, ATTRIBUTE_NAMES, 0))
        return Attributes(self.source, _bounded(bodies))


def _bounded(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield what an object lists; one that lists too much is refused before it is all read."""
    for number, entry in enumerate(entries):
        if number >= MAX_LISTED:
            raise ValueError(f"an object with more than {MAX_LISTED:,} attributes or members")
        yield entry


class Attributes(Mapping[str, Any]):
    """Attributes by name; values are decoded when they are read."""

    def __init__(self, source: Source, bodies: Iterable[Cursor]) -> None:
        self.source = source
        self._parts: dict[str, tuple[bytes, bytes, bytes]] = {}     # type, shape, value
        for body in bodies:
            source.charge(COST_OF_BLOCK)
            version = body.number(1)
            if version not in (1, 2, 3):
                raise ValueError(f"version {version} of an attribute is unknown")
            flags = body.number(1)
            lengths = [body.number(2) for _ in range(3)]
            body.take(version == 3)
            parts = []
            for length in lengths:
                parts.append(body.take(length))
                if version == 1:
                    body.align(8)
            name = parts[0].rstrip(b"\0").decode("utf-8", "surrogateescape")
            if flags & 3 == 0:      # descriptions that are shared with other objects are left out
                self._parts[name] = parts[1], parts[2], body.take(body.left)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of an attribute's value, which is not read."""
        space = read_space(self._cursor(self._parts[name][1]))
        return () if space is None else space.shape

    def _cursor(self, part: bytes) -> Cursor:
        return Cursor(part, self.source.offset_size, self.source.length_size)

    def __getitem__(self, name: str) -> Any:
        datatype, space, data = self._parts[name]
        kind, extent = read_datatype(self._cursor(datatype)), read_space(self._cursor(space))
        if extent is None:
            return np.empty(0, kind if isinstance(kind, np.dtype) else object)
        shape = extent.shape
        if prod(shape) * kind.itemsize > MAX_ATTRIBUTE:
            raise ValueError(f"the attribute {name[:60]!r} has {prod(shape):,} values")
        value = decode(self.source, data, shape, kind)
        return value if shape else value[()]

    def __contains__(self, name: object) -> bool:
        return name in self._parts

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)


class Dataset(Node):
    """An array.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    external : bool
        Whether its data are in another file, where they are never read.
    chunk_bytes : int
        Bytes of one chunk, 0 if it is not stored in chunks.
    """

    @cached_property
    def _space(self) -> Space:
        body = self.body(DATASPACE)
        if body is None:
            raise ValueError(f"{self.name} has no shape")
        return read_space(body) or Space((0,), (0,))

    @property
    def shape(self) -> tuple[int, ...]:
        return self._space.shape

    @cached_property
    def _datatype(self) -> np.dtype | VariableText:
        datatype = self.body(DATATYPE)
        if datatype is None:
            raise ValueError(f"{self.name} has no element type")
        return read_datatype(datatype)

    @cached_property
    def dtype(self) -> np.dtype:
        kind = self._datatype
        return kind if isinstance(kind, np.dtype) else np.dtype(object)

    @cached_property
    def _layout(self) -> Layout:
        layout = self.body(LAYOUT)
        if layout is None:
            raise ValueError(f"{self.name} has no layout")
        return read_layout(layout)

    @property
    def external(self) -> bool:
        return self._layout.kind == VIRTUAL or self.body(EXTERNAL_FILES) is not None

    @property
    def chunk_bytes(self) -> int:
        chunk = self._layout.chunk
        return prod(chunk) * self._datatype.itemsize if chunk else 0

    def read(self) -> np.ndarray:
        """The whole array.

        Raises
        ------
        UnsupportedError
            It is stored in a way that is not supported, for example in another file.
        ValueError, zlib.error
            It is damaged or only partly written.
        """
        layout = self._checked_layout()
        if not self._bytes:
            return np.empty(self.shape, self.dtype)
        if layout.kind == CHUNKED:
            return read_chunks(self.source, layout, self._filters, self._space, self._plain())
        if layout.kind == COMPACT:
            return decode(self.source, layout.data, self.shape, self._plain()).copy()
        if layout.address is None:
            return self._unwritten()
        result = np.empty(self.shape, self._plain())
        self.source.fill(layout.address, result)
        return result

    def check(self) -> None:
        """Raise what `read` would raise, unless the data themselves are damaged; at little cost."""
        layout = self._checked_layout()
        itemsize = self._plain().itemsize
        if self._bytes and layout.kind == CHUNKED:
            for _ in find_chunks(self.source, layout, self._filters, self._space, itemsize):
                pass
        elif self._bytes and layout.address is not None:
            self.source.check_range(layout.address, self._bytes)

    def _checked_layout(self) -> Layout:
        if self.external:
            raise UnsupportedError(f"the data of {self.name} are in another file")
        return self._layout

    @property
    def _bytes(self) -> int:
        return prod(self.shape) * self._datatype.itemsize

    @property
    def _filters(self) -> tuple[int, ...]:
        filters = self.body(FILTERS)
        return () if filters is None else read_filters(filters)

    def _unwritten(self) -> np.ndarray:
        """An array of zeros: the contents of an array that was never written."""
        fill = self.body(FILL_VALUE)
        if fill is not None:
            version = fill.number(1)
            fill.take(1 if version == 3 else 3)
            if any(fill.take(fill.left)[4:]):
                raise ValueError(f"{self.name} was never written")
        return np.zeros(self.shape, self._plain())

    def _plain(self) -> np.dtype:
        if self.dtype.hasobject:
            raise UnsupportedError(f"{self.name} has text of variable length, but numbers are read")
        return self.dtype


class Group(Node):
    """A group. Links to other files, and soft links, are not members."""

    @cached_property
    def _members(self) -> dict[str, int]:
        table = self.body(SYMBOL_TABLE)
        if table is not None:
            return dict(_bounded(self._old_members(table)))
        bodies: Iterable[Cursor] = (self.cursor(message.body) for message in self.messages
                                    if message.kind == LINK and not message.shared)
        info = self.body(LINK_INFO)
        if info is not None:
            bodies = chain(bodies, self.dense(info, 8, LINK_NAMES, 4))
        found = [self._link(body) for body in _bounded(bodies)]
        found.sort(key=lambda entry: entry[:2])     # by name if no order was recorded
        return {name: address for _, name, address in found if address is not None}

    def _old_members(self, table: Cursor) -> Iterator[tuple[str, int]]:
        source = self.source
        root, heap = table.address(), LocalHeap(source, table.address())
        width = source.length_size + source.offset_size + 24
        for _, at in leaves(source, root, GROUP_NODE, source.length_size):
            head = source.block(at, 8, b"SNOD\x01")
            head.take(1)
            count = head.number(2)
            source.charge(count * COST_OF_ENTRY)
            body = source.block(at + 8, count * width)
            while body.left:
                # Only hard links have the address of an object.
                entry = body.part(width)
                name, address = entry.number(source.offset_size), entry.address()
                if address is not None and entry.number(4) != 2:
                    yield heap.name(name), address

    @staticmethod
    def _link(body: Cursor) -> tuple[int, str, int | None]:
        """Creation order, name and address of a link message; no address if it leads elsewhere."""
        if body.number(1) != 1:
            raise ValueError("a link of an unknown version")
        flags = body.number(1)
        kind = body.number(1) if flags & 8 else 0
        order = body.number(8) if flags & 4 else 0
        body.take(1 if flags & 16 else 0)
        name = body.take(body.number(1 << (flags & 3))).decode("utf-8", "surrogateescape")
        return order, name, body.address() if kind == 0 else None

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def get(self, path: str) -> Node | None:
        """The group or array under a path, or None."""
        node: Node = self
        for name in path.split("/"):
            if not isinstance(node, Group) or name not in node._members:
                return None
            node = node_at(self.source, node.path_of(name), node._members[name])
        return node

    def path_of(self, name: str) -> str:
        """The path of a member."""
        path = f"{self.name.rstrip('/')}/{name}"
        if len(path) > MAX_PATH:
            raise ValueError(f"a path of {len(path):,} letters, but at most {MAX_PATH:,} are read")
        self.source.charge(len(path))
        return path

    def __getitem__(self, path: str) -> Node:
        node = self.get(path)
        if node is None:
            raise KeyError(path)
        return node


def node_at(source: Source, name: str, address: int) -> Node:
    """The object whose header is at an address."""
    messages = read_messages(source, address)
    kinds = {message.kind for message in messages}
    if LAYOUT in kinds:
        return Dataset(source, name, messages)
    if kinds & {SYMBOL_TABLE, LINK_INFO, LINK}:
        return Group(source, name, messages)
    return Node(source, name, messages)
