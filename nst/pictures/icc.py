"""What an ICC profile states, before littleCMS believes it.

littleCMS follows every address in a profile and builds what it finds there: a few hundred bytes,
unpacked from a picture, took 20 seconds, because the steps of a `D2B0` tag were one step 20,000
times. A look-up table is allocated before it is read, however short the file is.

So littleCMS gets a copy of the profile that has only the tags which a conversion to sRGB needs. It
checks by itself that they lie within the profile, and limits the points of curves.

References
----------
ICC.1:2022: section 7, profile; 9.2, tags; 10.8, 10.10, 10.11, types of look-up tables.
"""

from __future__ import annotations

import struct
from math import prod

MAX_BYTES = 16 << 20        # profiles of printing presses have 3 MB
MAX_TAGS = 100              # littleCMS knows no more
# Look-up tables from the device, curves and primaries, and the white that they refer to.
_TABLES = b"A2B0", b"A2B1", b"A2B2"
_OTHERS = (b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"kTRC", b"wtpt", b"bkpt",
           b"chad")
_HEADER, _ENTRY = 128, 12
_MAX_CHANNELS = 16          # of a grid, in the type mAB


def for_conversion(profile: bytes) -> bytes:
    """The profile without the tags that a conversion from it to sRGB does not need.

    A look-up table that states more colours than its tag holds is left out too.

    Raises
    ------
    ValueError
        The profile is too large, or the table of its tags is damaged.
    """
    if len(profile) > MAX_BYTES:
        raise ValueError("the colour profile is too large")
    entries = _entries(profile)
    needed = [struct.pack(">4sII", name, start, length) for name, start, length in entries
              if name in _OTHERS
              or (name in _TABLES and _is_whole(profile[start : start + length]))]
    table = struct.pack(">I", len(needed)) + b"".join(needed)
    # The tags keep their places, so the rest of the table is filled.
    end = _HEADER + 4 + _ENTRY * len(entries)
    return profile[:_HEADER] + table.ljust(end - _HEADER, b"\0") + profile[end:]


def _entries(profile: bytes) -> list[tuple[bytes, int, int]]:
    """The name, place and length of each tag."""
    if len(profile) < _HEADER + 4:
        raise ValueError("the colour profile is cut off")
    (count,) = struct.unpack_from(">I", profile, _HEADER)
    table = profile[_HEADER + 4 : _HEADER + 4 + _ENTRY * min(count, MAX_TAGS)]
    if count > MAX_TAGS or len(table) < _ENTRY * count:
        raise ValueError("the table of the colour profile is damaged")
    return list(struct.iter_unpack(">4sII", table))


def _is_whole(tag: bytes) -> bool:
    """Whether a look-up table is of a known type and all of its colours are in its tag."""
    if len(tag) < 32:
        return False
    kind, inputs, outputs, points = tag[:4], tag[8], tag[9], tag[10]
    if kind in (b"mft1", b"mft2"):
        grid, width = [points] * inputs, 1 if kind == b"mft1" else 2
    elif kind == b"mAB ":
        (start,) = struct.unpack_from(">I", tag, 24)
        if not start:                       # it has curves and a matrix only
            return True
        head = tag[start : start + 20]
        if len(head) < 20:
            return False
        grid, width = list(head[:inputs]), head[_MAX_CHANNELS]
    else:
        return False
    return inputs < _MAX_CHANNELS and prod(grid) * outputs * width <= len(tag)
