"""B-trees, which index the members of groups, dense attributes and chunks."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from minigrad.hdf5.source import COST_OF_ENTRY, Cursor, Source

GROUP_NODE, CHUNK_NODE = 0, 1
# Types of the records of a B-tree of version 2.
HUGE_OBJECTS, LINK_NAMES, ATTRIBUTE_NAMES, CHUNKS, FILTERED_CHUNKS = 1, 5, 8, 10, 11
SIZES = {LINK_NAMES: (11,), ATTRIBUTE_NAMES: (17,)}
MAX_LEVEL = 16


def leaves(source: Source, at: int | None, kind: int, key_size: int
           ) -> Iterator[tuple[Cursor, int]]:
    """Yield key and address of every leaf of a B-tree of version 1, in order.

    Parameters
    ----------
    kind : int
        GROUP_NODE or CHUNK_NODE.
    key_size : int
        Bytes of a key.
    """
    pending: list[tuple[int | None, int | None]] = [(at, None)]
    while pending:
        at, expected = pending.pop()
        head = source.block(at, 8 + 2 * source.offset_size, b"TREE")
        node_kind, level, count = head.number(1), head.number(1), head.number(2)
        # Levels fall by one, so the tree cannot contain itself.
        if node_kind != kind or level > MAX_LEVEL or expected not in (None, level):
            raise ValueError("a B-tree of another kind than expected")
        assert at is not None
        source.charge(count * COST_OF_ENTRY)
        body = source.block(at + len(head.data), count * (key_size + source.offset_size))
        children: list[tuple[int | None, int | None]] = []
        for _ in range(count):
            key, address = body.part(key_size), body.address()
            if address is None:
                raise ValueError("a B-tree with an undefined address")
            if level:
                children.append((address, level - 1))
            else:
                yield key, address
        pending += children[::-1]


def bytes_for(value: int) -> int:
    """Bytes that HDF5 uses for numbers up to `value`."""
    return max(value.bit_length() - 1, 0) // 8 + 1


def records(source: Source, at: int | None, kind: int, sizes: Collection[int]
            ) -> Iterator[Cursor]:
    """Yield every record of a B-tree of version 2.

    Parameters
    ----------
    kind : int
        The type of its records, one of those above.
    sizes : collection of int
        The bytes that a record may have.
    """
    head = source.checked(at, 22 + source.offset_size + source.length_size, b"BTHD\x00")
    stored_kind, node_size, record_size = head.number(1), head.number(4), head.number(2)
    depth = head.number(2)
    head.take(2)
    root, count = head.address(), head.number(2)
    if stored_kind != kind or depth > MAX_LEVEL or record_size not in sizes:
        raise ValueError("a B-tree of another kind than expected")
    if root is None:
        return
    widths = _widths(node_size, record_size, depth, source.offset_size)
    pending = [(root, count, depth)]
    while pending:
        address, count, level = pending.pop()
        width = sum(widths[level]) + source.offset_size if level else 0
        source.charge((2 * count + 1 if level else count) * COST_OF_ENTRY)
        size = 6 + count * record_size + (count + 1) * width + 4
        node = source.checked(address, size, b"BTIN\x00" if level else b"BTLF\x00")
        if node.number(1) != kind:
            raise ValueError("a B-tree of another kind than expected")
        for _ in range(count):
            yield node.part(record_size)
        for _ in range(count + 1 if level else 0):
            child, members = node.address(), node.number(widths[level][0])
            node.take(widths[level][1])
            if child is None:
                raise ValueError("a B-tree with an undefined address")
            pending.append((child, members, level - 1))


def _widths(node_size: int, record_size: int, depth: int, offset_size: int
            ) -> list[tuple[int, int]]:
    """Bytes of the two counts beside a pointer, by level: records of the child, and below it."""
    most = max(node_size - 10, 0) // record_size
    own, below, total = bytes_for(most), 0, most
    widths = [(0, 0)]
    for _ in range(depth):
        widths.append((own, below))
        pointer = offset_size + own + below
        most = max(node_size - 10 - pointer, 0) // (record_size + pointer)
        total = (most + 1) * total + most
        below = bytes_for(total)
    return widths
