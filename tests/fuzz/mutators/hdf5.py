"""Changes of HDF5 files: numbers beside signatures, addresses of one block put in for another's.

Checksums are not mended here: the driver lets the reader compute them and ignore the result.
"""

from __future__ import annotations

import re
from random import Random

from tests.fuzz.mutators.basic import EDGES, Leaf

BLOCKS = re.compile(rb"\x89HDF|OHDR|OCHK|FRHP|FHDB|FHIB|BTHD|BTLF|BTIN|FAHD|FADB|EAHD|EAIB|"
                    rb"EASB|EADB|SNOD|TREE|HEAP|GCOL")
MESSAGES = (0x01, 0x02, 0x03, 0x05, 0x06, 0x07, 0x08, 0x0B, 0x0C, 0x10, 0x11, 0x15)


def mutate_hdf5(random: Random, data: bytes, leaf: Leaf) -> bytes:
    """Change a few places of the metadata."""
    starts = [match.start() for match in BLOCKS.finditer(data)]
    if not starts or random.random() < 0.3:
        return leaf(random, data)
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 4))):
        at = random.choice(starts) + random.randrange(4, random.choice((16, 64, 300)))
        match random.randrange(6):
            case 0:
                _put(changed, at, random.choice(starts).to_bytes(8, "little"))
            case 1:
                _put(changed, at, random.choice(EDGES[:10]))
            case 2:
                _put(changed, at, bytes([random.randrange(256)]))
            case 3:
                _put(changed, at, bytes([random.choice(MESSAGES)]))
            case 4:
                size = random.choice((1, 2, 4, 8))
                number = int.from_bytes(changed[at : at + size], "little")
                number += random.choice((-8, -1, 1, 8, number))
                _put(changed, at, (number % (1 << 8 * size)).to_bytes(size, "little"))
            case _:
                _swap_addresses(random, changed, starts)
    return bytes(changed)


def _put(data: bytearray, at: int, piece: bytes) -> None:
    """Overwrite bytes; the length stays, and with it every address."""
    piece = piece[: max(0, len(data) - at)]
    data[at : at + len(piece)] = piece


def _swap_addresses(random: Random, data: bytearray, starts: list[int]) -> None:
    """Where the address of one block stands, write that of another."""
    old, new = (random.choice(starts).to_bytes(8, "little") for _ in range(2))
    places = [match.start() for match in re.finditer(re.escape(old), data)]
    if places:
        _put(data, random.choice(places), new)
