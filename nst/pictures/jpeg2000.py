"""How finely a JPEG 2000 says that it is divided, before OpenJPEG allocates memory for it.

OpenJPEG allocates 540 bytes for each code block as soon as it decodes a tile, and visits every
packet, with or without data for them: 1129 bytes of a file took 8 GB and a minute.

The markers are searched in the whole file, not read in their order: so whatever OpenJPEG finds, in
boxes and parts of tiles, is found here too. Data that look like a marker by chance are very rare,
because lengths and values must fit as well.

References
----------
ISO/IEC 15444-1, annex A: syntax of the codestream; B.3 to B.7: tiles, precincts, code blocks.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from nst.pictures.bounded import check_count

MAX_TILES = 20_000
MAX_BLOCKS = 1_000_000          # of a tile
MAX_PACKETS = 10_000_000        # of a tile
# Different sizes times different styles; a codestream has one size, and a style per component.
MAX_COMBINATIONS = 10_000

_MARKERS = re.compile(rb"\xff[\x51\x52\x53]")
_SIZE, _STYLE = 0x51, 0x52      # and 0x53, the style of one component
_MAX_COMPONENTS = 4             # that Pillow knows
_MAX_LEVELS = 32
_WHOLE = 15, 15                 # exponents of a precinct if none are stated


class _Size(NamedTuple):
    """What a marker of the size states; width and height are those of a tile."""

    tiles: int
    components: int
    width: int
    height: int


class _Style(NamedTuple):
    """Layers, and exponents of widths and heights; precincts from the coarsest resolution on."""

    layers: int
    block: tuple[int, int]
    precincts: tuple[tuple[int, int], ...]


def check_counts(data: bytes) -> None:
    """Check the numbers of tiles, code blocks and packets of a file.

    Raises
    ------
    ValueError
        There are too many.
    """
    sizes, styles = set[_Size](), set[_Style]()
    for match in _MARKERS.finditer(data):
        if data[match.start() + 1] == _SIZE:
            sizes.update(_sizes(data, match.end()))
        else:
            styles.update(_styles(data, match.end(), data[match.start() + 1] == _STYLE))
        check_count(len(sizes) * len(styles), MAX_COMBINATIONS, "ways in which it is divided")
    layers = max((style.layers for style in styles), default=1)
    for size in sizes:
        check_count(size.tiles, MAX_TILES, "tiles")
        for style in styles:
            blocks, precincts = _counts(size, style)
            check_count(size.components * blocks, MAX_BLOCKS, "code blocks")
            check_count(size.components * precincts * layers, MAX_PACKETS, "packets")


def _sizes(data: bytes, at: int) -> Iterator[_Size]:
    """The size, if its marker stands before that place."""
    if len(data) < at + 38:
        return
    length, _, right, bottom, left, top, width, height, first, above, components = (
        struct.unpack_from(">HH8IH", data, at))
    if (length == 38 + 3 * components and 1 <= components <= _MAX_COMPONENTS
            and right > left >= first and bottom > top >= above and width and height):
        yield _Size(_parts(right - first, width) * _parts(bottom - above, height), components,
                    min(right - left, width), min(bottom - top, height))


def _styles(data: bytes, at: int, for_all: bool) -> Iterator[_Style]:
    """The style of all components or of one, if its marker stands before that place."""
    # Before the style: length, flags, order, layers, transform; or length, component, flags.
    start, flags = (at + 7, at + 2) if for_all else (at + 4, at + 3)
    if len(data) < start + 5:
        return
    (length,) = struct.unpack_from(">H", data, at)
    levels, across, down, _, wavelet = data[start : start + 5]
    stated = data[start + 5 : at + length] if data[flags] & 1 else b""
    if (levels <= _MAX_LEVELS and across + down <= 8 and wavelet <= 1
            and len(stated) == (levels + 1 if data[flags] & 1 else 0)
            and length == start + 5 + len(stated) - at):
        layers = int.from_bytes(data[at + 4 : at + 6]) if for_all else 1
        yield _Style(layers, (across + 2, down + 2),
                     tuple((each & 15, each >> 4) for each in stated) or (_WHOLE,) * (levels + 1))


def _counts(size: _Size, style: _Style) -> tuple[int, int]:
    """Upper bounds of the code blocks and precincts of a tile of one component."""
    all_blocks = all_precincts = 0
    for number, exponents in enumerate(style.precincts):
        halvings = len(style.precincts) - 1 - number
        # Each resolution but the coarsest has three bands of half its width and height.
        is_split = number > 0
        blocks, precincts = 3 if is_split else 1, 1
        for side, block, precinct in zip((size.width, size.height), style.block, exponents):
            precincts *= _parts(_parts(side, 1 << halvings), 1 << precinct) + 1
            band = _parts(side, 1 << halvings + is_split)
            blocks *= _parts(band, 1 << min(block, max(precinct - is_split, 0))) + 1
        all_blocks += blocks
        all_precincts += precincts
    return all_blocks, all_precincts


def _parts(length: int, part: int) -> int:
    """How many parts cover a length."""
    return -(-length // part)
