"""What an AVIF makes libavif do: items, frames, samples and EXIF, counted before Pillow opens it.

libavif decodes the whole AV1 frame of an item, and only then scales it to the size that the item
states: 4 KB took 14 seconds, because 256 cells of a small grid shared one huge frame. It finds an
item by going through all, and a chunk of a track by going through all runs of chunks. Pillow parses
EXIF and encodes it anew as it opens the file.

All that libavif may decode is counted: the primary item and what is tied to it (cells of grids,
transparency, gain maps), and the first sample of each track, as only the first picture is read.
Overlays are not, as libavif knows none, nor copies of sequence headers in properties, which it does
not hand to the decoder. What libavif refuses may be refused here.

References
----------
ISO/IEC 14496-12, 4.2: boxes; 8.5 to 8.7: sample tables; 8.11: items. ISO/IEC 23008-12, 6.4 to 6.6:
image items, their properties, grids. AV1 Image File Format 1.1, 2 and 4.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field
from typing import IO

from nst.pictures import av1
from nst.pictures.bounded import check_count
from nst.pictures.directory import check_metadata

# Bytes; Pillow takes a second for each megabyte of it. Cameras write some kilobytes.
MAX_EXIF = 2 << 20
_EXIF_PLACE = 4                 # bytes before the EXIF of an item
MAX_ITEM_BYTES = 64 << 20       # of all items, or twice the file; some share their bytes
MAX_STEPS = 100_000_000         # chunks of a track times runs of chunks
MAX_LAYERED = 64                # pictures with a decoder each, which has its own threads
LIMITS = {
    "boxes": 200_000, "items": 10_000, "entries of items": 30_000, "references": 30_000,
    "properties": 32_767, "tied properties": 100_000, "extents": 100_000, "frames": 20_000,
    "units of AV1": 100_000, "sample tables": 100, "kinds of samples": 1_000,
}

_LAYERED = frozenset((b"a1lx", b"a1op", b"lsel"))       # properties: of layers, one may be shown
_TIES = b"dimg", b"auxl"                                # references: made from, transparency of
# Encoders may fill whole blocks.
_BLOCK = 64                     # pixels
_OF_TRACK = frozenset((b"meta", b"mdia"))
_OF_META = frozenset((b"iinf", b"iloc", b"iprp", b"iref", b"pitm", b"idat"))
_OF_TABLE = frozenset((b"stsd", b"stsc", b"stco", b"co64", b"stsz"))
_NOTHING = memoryview(b"")
_CUT = "it is damaged: a box ends too early"


def check_items(file: IO[bytes], check_pixels: Callable[[int, int], None]) -> None:
    """Check what an AVIF states and what its decoder would do; other files pass.

    Parameters
    ----------
    check_pixels : callable
        Called with the pixels of the picture, or the decoded samples over 4 if that is more; and
        with the bytes of these samples over 4. Raises if they are too many.

    Raises
    ------
    ValueError
        There are too many parts, a frame is larger than stated, or boxes are damaged.
    """
    file.seek(0)
    if file.read(8)[4:] != b"ftyp":
        return
    file.seek(0)
    data = memoryview(file.read())
    work = _Work(data)
    brands = b"".join(work.inside(data, b"ftyp"))
    if b"avif" not in brands and b"avis" not in brands:
        return                              # HEIC, for instance
    work.add_all()
    check_pixels(max(work.pixels, work.samples // 4), work.sample_bytes // 4)


@dataclass
class _Item:
    """What the boxes of an item state."""

    kind: bytes = b""
    in_idat: bool = False                   # places are those in a box for small data
    extents: list[tuple[int, int]] = field(default_factory=list)        # place and length
    properties: list[tuple[bytes, memoryview]] = field(default_factory=list)

    @property
    def length(self) -> int:
        return sum(length for _, length in self.extents)

    @property
    def size(self) -> tuple[int, int] | None:
        """Stated width and height in pixels."""
        for kind, content in self.properties:
            if kind == b"ispe":
                numbers = _Numbers(content[4:])
                return numbers(4), numbers(4)
        return None

    @property
    def is_layered(self) -> bool:
        return any(kind in _LAYERED for kind, _ in self.properties)


class _Work:
    """Counts of all that a file states."""

    def __init__(self, data: memoryview) -> None:
        self.pixels = 0                     # of the largest picture, as stated
        self._data = data
        self._counts: Counter[str] = Counter()
        self._frames: list[av1.Frames] = []
        self._exif = self._item_bytes = self._layered = 0

    @property
    def samples(self) -> int:
        """Of all frames."""
        return self._sum([(each.number, each.samples) for each in self._frames])

    @property
    def sample_bytes(self) -> int:
        """Of all frames."""
        return self._sum([(each.number, each.size) for each in self._frames])

    def _sum(self, frames: list[tuple[int, int]]) -> int:
        """Of all frames: numbers of frames, times what one has at most."""
        # A frame behind the first may be as large as one of another item, from which it is made.
        most = max((each for _, each in frames), default=0)
        return sum(number * (most if number > 1 else each) for number, each in frames)

    def add_all(self) -> None:
        """Count what is in the file."""
        if any(True for _ in self.inside(self._data, b"mini")):
            raise ValueError("it has the short form of AVIF, which is not supported; save it again")
        for content in self.inside(self._data, b"meta"):
            self._add_meta(content)
        for track in self.inside(self._data, b"moov", b"trak"):
            boxes = self._unique(track, _OF_TRACK)
            if b"meta" in boxes:
                self._add_meta(boxes[b"meta"])
            for content in self.inside(boxes.get(b"mdia", _NOTHING), b"minf", b"stbl"):
                self._add_table(content)

    def inside(self, data: memoryview, *path: bytes) -> Iterator[memoryview]:
        """The contents of all boxes on a path of kinds."""
        for kind, content in self._boxes(data):
            if kind == path[0] and len(path) == 1:
                yield content
            elif kind == path[0]:
                yield from self.inside(content, *path[1:])

    def _boxes(self, data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
        """Kind and content of each box, up to one that is damaged; libavif stops at it."""
        at = 0
        while at + 8 <= len(data):
            numbers = _Numbers(data[at:])
            length, kind, head = numbers(4), bytes(numbers.take(4)), 8
            if length == 1 and at + 16 <= len(data):
                length, head = numbers(8), 16
            elif length == 0:
                length = len(data) - at
            if kind == b"uuid":
                head += 16
            if length < head:
                return
            self._count("boxes")
            yield kind, data[at + head : at + length]
            at += length

    def _count(self, what: str, number: int = 1) -> None:
        self._counts[what] += number
        check_count(self._counts[what], LIMITS[what], what)

    def _unique(self, data: memoryview, kinds: Set[bytes]) -> dict[bytes, memoryview]:
        """The boxes of these kinds, of which there may be one each."""
        found: dict[bytes, memoryview] = {}
        for kind, content in self._boxes(data):
            if kind in kinds & found.keys():
                raise ValueError(f"it is damaged: two of its boxes are {kind.decode()}")
            found[kind] = content
        return found

    # ------------------------------------------------------------------------- items

    def _add_meta(self, content: memoryview) -> None:
        """Count the items of a table, and what is decoded of them."""
        boxes = self._unique(content[4:], _OF_META)
        items: defaultdict[int, _Item] = defaultdict(_Item)
        ties: defaultdict[int, set[int]] = defaultdict(set)
        for kind, add in ((b"iinf", self._add_kinds), (b"iloc", self._add_places),
                          (b"iprp", self._add_properties)):
            if kind in boxes:
                add(boxes[kind], items)
        self._add_references(boxes.get(b"iref", _NOTHING), items, ties)
        self._count("items", len(items))
        self._add_exif([item for item in items.values() if item.kind == b"Exif"],
                       boxes.get(b"idat", _NOTHING))
        self._item_bytes += sum(item.length for item in items.values())
        check_count(self._item_bytes >> 20, max(MAX_ITEM_BYTES, 2 * len(self._data)) >> 20,
                    "megabytes of items")
        if b"pitm" in boxes:
            for number in _tied(_Numbers(boxes[b"pitm"]).versioned(), ties):
                self._add_picture(items[number], boxes.get(b"idat", _NOTHING))

    def _add_exif(self, items: list[_Item], idat: memoryview) -> None:
        self._exif += sum(item.length for item in items)
        if self._exif > MAX_EXIF:
            raise ValueError(f"its EXIF has {self._exif:,} bytes, but may have {MAX_EXIF:,}")
        for item in items:
            content = b"".join(self._parts(item, idat))
            check_metadata(content[_EXIF_PLACE:])

    def _parts(self, item: _Item, idat: memoryview) -> list[memoryview]:
        """The bytes of an item."""
        source = idat if item.in_idat else self._data
        return [source[place : place + length] for place, length in item.extents]

    def _add_kinds(self, content: memoryview, items: dict[int, _Item]) -> None:
        numbers = _Numbers(content)
        numbers.versioned()                 # how many
        for kind, entry in self._boxes(numbers.rest()):
            if kind == b"infe":
                self._count("entries of items")
                numbers = _Numbers(entry)
                number = numbers.versioned(first_wide=3)
                numbers.take(2)             # protection
                items[number].kind = bytes(numbers.take(4))

    def _add_places(self, content: memoryview, items: dict[int, _Item]) -> None:
        numbers = _Numbers(content)
        version = numbers(1)
        numbers.take(3)
        widths = numbers(1), numbers(1)
        place_width, length_width, base_width, index_width = (
            widths[0] >> 4, widths[0] & 15, widths[1] >> 4, widths[1] & 15)
        wide = 4 if version == 2 else 2
        for _ in range(numbers(wide)):
            self._count("entries of items")
            item = items[numbers(wide)]
            item.in_idat = bool(version and numbers(2) & 15)
            numbers.take(2)                 # another file
            base = numbers(base_width)
            for _ in range(numbers(2)):
                self._count("extents")
                numbers.take(index_width if version else 0)
                item.extents.append((base + numbers(place_width), numbers(length_width)))

    def _add_properties(self, content: memoryview, items: dict[int, _Item]) -> None:
        properties = [each for container in self.inside(content, b"ipco")
                      for each in self._boxes(container)]
        self._count("properties", len(properties))
        for ties in self.inside(content, b"ipma"):
            numbers = _Numbers(ties)
            version, flags = numbers(1), numbers(3)
            width = 1 + (flags & 1)
            for _ in range(numbers(4)):
                item = items[numbers(4 if version else 2)]
                count = numbers(1)
                self._count("entries of items")
                self._count("tied properties", count)
                for _ in range(count):
                    index = numbers(width) & (1 << 8 * width - 1) - 1
                    if 0 < index <= len(properties):
                        item.properties.append(properties[index - 1])

    def _add_references(self, content: memoryview, items: dict[int, _Item],
                        ties: defaultdict[int, set[int]]) -> None:
        """Count references, and find the items that are tied to others."""
        wide = 4 if content[:1] == b"\1" else 2
        for kind, reference in self._boxes(content[4:]):
            numbers = _Numbers(reference)
            source = numbers(wide)
            targets = [numbers(wide) for _ in range(numbers(2))]
            if numbers.rest():              # libavif would find another reference there
                raise ValueError("it is damaged: a reference is shorter than its box")
            self._count("references", 1 + len(targets))
            for number in (source, *targets):
                items[number]               # libavif makes one, too
            if kind in _TIES:
                ties[source].update(targets)
                for target in targets:
                    ties[target].add(source)

    def _add_picture(self, item: _Item, idat: memoryview) -> None:
        size = item.size
        if size:
            self.pixels = max(self.pixels, size[0] * size[1])
        if item.kind != b"av01":
            return                          # a grid, or what libavif does not decode
        parts = self._parts(item, idat)
        found = self._add_frames(parts[0] if len(parts) == 1 else memoryview(b"".join(parts)),
                                 size[0] * size[1] if size else 0)
        self._layered += item.is_layered
        if self._layered:
            check_count(len(self._frames), MAX_LAYERED, "pictures in layers")
        elif size and not found.own_sizes and (
                found.width > _blocks(size[0]) or found.height > _blocks(size[1])):
            raise ValueError(f"it states {size[0]:,}×{size[1]:,} pixels, but a frame in it has "
                             f"{found.width:,}×{found.height:,}; save it again")

    # ------------------------------------------------------------------------ tracks

    def _add_table(self, content: memoryview) -> None:
        """Count the samples of a track, and the frames of the first."""
        self._count("sample tables")
        boxes = self._unique(content, _OF_TABLE)
        kinds, runs, sizes, near, far = (
            _Numbers(boxes.get(kind, bytes(12))[4:])
            for kind in (b"stsd", b"stsc", b"stsz", b"stco", b"co64"))
        self._count("kinds of samples", kinds(4))
        chunks, more = near(4), far(4)
        if chunks and more:
            raise ValueError("it is damaged: a track has places of 32 and of 64 bits")
        place = near(4) if chunks else far(8) if more else 0
        chunks += more
        check_count(chunks * runs(4), MAX_STEPS, "chunks times runs of them")
        length, samples = sizes(4), sizes(4)
        if samples and not length:          # each has a length of its own
            length = sizes(4)
        if any(kind == b"av01" for kind, _ in self._boxes(kinds.rest())):
            self._add_frames(self._data[place : place + length], 0)

    def _add_frames(self, data: memoryview, pixels: int) -> av1.Frames:
        """Count the frames of a picture, which is scaled to that many pixels."""
        found = av1.frames(data)
        self._count("units of AV1", found.units)
        self._count("frames", found.number)
        self._frames.append(found._replace(samples=max(found.samples, pixels),
                                           size=max(found.size, pixels)))
        return found


class _Numbers:
    """Numbers of any width in bytes, one after the other, the highest byte first."""

    def __init__(self, data: memoryview | bytes) -> None:
        self._data, self._at = memoryview(data), 0

    def __call__(self, width: int) -> int:
        return int.from_bytes(self.take(width))

    def take(self, length: int) -> memoryview:
        """That many bytes."""
        start, self._at = self._at, self._at + length
        if self._at > len(self._data):
            raise ValueError(_CUT)
        return self._data[start : self._at]

    def rest(self) -> memoryview:
        """All bytes that are left."""
        return self._data[self._at :]

    def versioned(self, first_wide: int = 1) -> int:
        """A number behind version and flags, of four bytes from a version on, of two before."""
        version = self(1)
        self.take(3)
        return self(4 if version >= first_wide else 2)


def _tied(first: int, ties: defaultdict[int, set[int]]) -> Set[int]:
    """All items that are tied to one, and itself."""
    found, left = {first}, [first]
    while left:
        more = ties[left.pop()] - found
        found |= more
        left += more
    return found


def _blocks(side: int) -> int:
    return -(-side // _BLOCK) * _BLOCK
