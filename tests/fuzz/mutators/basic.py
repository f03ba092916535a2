"""Changes of bytes, of plain values and of JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

# Changes bytes without any knowledge of their format.
Leaf = Callable[[Random, bytes], bytes]
# Changes a file of one format; what it does not take apart, a Leaf changes.
Mutator = Callable[[Random, bytes, Leaf], bytes]

# What sizes, offsets and counts are often wrong by, and beginnings of structures.
EDGES = (b"\0", b"\xff", b"\x7f", b"\x80", b"\xff" * 4, b"\xff" * 8, b"\xff\xff\xff\x7f", b"\0" * 8,
         b"\0\0\0\x80", b"\x01" + b"\0" * 7, b"{" * 40, b"[" * 40, b"(" * 40, b"9" * 30, b"../../",
         b"\x80\x02.", b"PK\x05\x06", b"\x0e\0\0\0", b"\x0f\0\0\0\xff\xff\xff\0", b"\x1b[31m",
         b"\n", b'"', b"\xed\xa0\x80")
ODD = (None, True, False, -1, 0, 1, 2, 3, 64, 2**31, 2**40, 2**63, 2**70, 10**400, 0.5, -0.0, 1e308,
       float("nan"), float("inf"), "", "x" * 1000, "../x", "/etc/passwd", "a\nb\x1b[2J", "\ud800",
       "F32", "BF16", "<f4", "|O", "|V2000000000", "uint8", "float16", [], [0], [3, 3, 3, 64],
       [64, 3, 3, 3], [2**40] * 8, [-1], [1] * 70, {}, [[[[]]]])
MAX_DEPTH = 100


def mutate_bytes(random: Random, data: bytes) -> bytes:
    """Change, insert, remove or repeat bytes; often near one of both ends."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 4))):
        low, high = random.choice(((0, 256), (len(changed) - 256, len(changed)),
                                   (0, len(changed))))
        low, high = max(low, 0), min(high, len(changed))
        at = random.randrange(low, high) if low < high else 0
        other = random.randrange(len(changed) + 1)
        match random.randrange(8):
            case 0 if changed:
                changed[at] ^= 1 << random.randrange(8)
            case 1 if changed:
                changed[at] = random.randrange(256)
            case 2:
                edge = random.choice(EDGES)
                changed[at : at + len(edge)] = edge
            case 3:
                changed[at:at] = random.choice(EDGES)
            case 4:
                del changed[at : at + random.choice((1, 1, 2, 4, 8, 64, 1024))]
            case 5:
                changed[at:at] = changed[at : at + random.choice((1, 2, 4, 8, 64, 1024))]
            case 6:
                piece = changed[other : other + random.choice((1, 2, 4, 8, 64))]
                changed[at : at + len(piece)] = piece
            case _:
                del changed[at + random.randrange(64):]
    return bytes(changed)


def mutate_number(random: Random, value: int) -> int:
    """A number that is off by one, by a power of two, or something else altogether."""
    return random.choice((value + 1, value - 1, value * 2, value // 2, -value, 0, 1,
                          value ^ 1 << random.randrange(64), 1 << random.randrange(66),
                          (1 << random.randrange(66)) - 1))


def mutate_value(random: Random, value: Any, depth: int = 0) -> Any:
    """Change a tree of dictionaries, lists and plain values in one place."""
    if isinstance(value, dict) and value and random.random() < 0.9 and depth < MAX_DEPTH:
        key = random.choice(list(value))
        changed = dict(value)
        match random.randrange(12):
            case 0:
                del changed[key]
            case 1:
                changed[random.choice(("", "x", "__metadata__", f"{key}2"))] = changed[key]
            case 2:
                changed[key] = changed[random.choice(list(value))]
            case _:
                changed[key] = mutate_value(random, value[key], depth + 1)
        return changed
    if isinstance(value, list | tuple) and value and random.random() < 0.9 and depth < MAX_DEPTH:
        at = random.randrange(len(value))
        items = list(value)
        match random.randrange(8):
            case 0:
                del items[at]
            case 1:
                items.insert(at, items[at])
            case 2:
                items[at] = items[random.randrange(len(items))]
            case _:
                items[at] = mutate_value(random, items[at], depth + 1)
        return type(value)(items)
    if type(value) is int and random.random() < 0.6:
        return mutate_number(random, value)
    if isinstance(value, str) and random.random() < 0.6:
        return mutate_bytes(random, value.encode(errors="replace"))[:5000].decode(errors="replace")
    return random.choice((*ODD, [value], {"a": value}))


def mutate_json(random: Random, data: bytes, leaf: Leaf) -> bytes:
    """Change JSON as a tree, or as bytes if it is damaged already."""
    if random.random() < 0.3:
        return leaf(random, data)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return leaf(random, data)
    try:
        return json.dumps(mutate_value(random, value)).encode()
    except (ValueError, RecursionError):
        return leaf(random, data)
