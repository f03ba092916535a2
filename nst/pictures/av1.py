"""How many frames AV1 data have, and of what size: all that a decoder would make of them.

Units (OBUs) are followed by their stated lengths, and of each header only the beginning is read, so
this takes microseconds. dav1d checks no frame against the largest size of its sequence; so a frame
that states a size of its own counts as the largest that its bits can state.

References
----------
AV1 Bitstream & Decoding Process Specification, 5.3: headers of units; 5.5: sequence header; 5.9.2:
the beginning of a frame header. AV1 in ISOBMFF, 2.4: samples begin with a sequence header and a key
frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from nst.pictures.bounded import check_count

MAX_UNITS = 100_000             # of one picture; it takes 1 µs to look at each
_SEQUENCE, _FRAMES = 1, (3, 6, 7)       # kinds of units: header, frame, redundant header
_MAX_HEADER = 1024              # bytes of a sequence header; 32 operating points take 400
_MAX_START = 64                 # bytes of a frame header up to the size
_ALIGNED = 128                  # pixels; dav1d allocates whole blocks
_KEY, _SWITCH = 0, 3            # kinds of frames
_EACH_FRAME = 2                 # chooses for itself
_SRGB = 1, 13, 0                # primaries, transfer and matrix that imply 4:4:4


class Frames(NamedTuple):
    """What a decoder makes of the data of one picture.

    Attributes
    ----------
    units : int
        How many pieces the data have.
    number : int
        How many of them are frames, with those that are not shown.
    width, height : int
        Pixels of the largest frame.
    samples : int
        Numbers in the largest frame: those of all its planes, as they are allocated.
    size : int
        Bytes of these.
    own_sizes : bool
        Frames state sizes of their own.
    """

    units: int
    number: int
    width: int
    height: int
    samples: int
    size: int
    own_sizes: bool


class _Sequence(NamedTuple):
    """What a sequence header says, as far as sizes and the beginnings of frames depend on it."""

    is_reduced: bool            # one key frame, with a short header
    width: int
    height: int
    width_bits: int
    height_bits: int
    halves: int                 # samples of two pixels
    sample_bytes: int
    presentation_bits: int      # in the header of a frame that is shown
    id_bits: int
    screen_tools: int           # 0, 1 or _EACH_FRAME; as is the next
    integer_motion: int


def frames(data: memoryview) -> Frames:
    """Count the frames in the data of one picture.

    Raises
    ------
    ValueError
        The data have too many units, or headers that AV1 does not allow.
    """
    found, sequence, units = Frames(0, 0, 0, 0, 0, 0, False), None, 0
    for kind, content in _units(data):
        units += 1
        check_count(units, MAX_UNITS, "units of AV1")
        if kind == _SEQUENCE:
            sequence = _sequence(_Bits(content[:_MAX_HEADER]))
        elif kind in _FRAMES:
            if sequence is None:
                raise ValueError("its AV1 data have a frame without a sequence header")
            is_key, has_size = _start(_Bits(content[:_MAX_START]), sequence)
            if not found.number and not is_key:
                raise ValueError("its AV1 data do not begin with a key frame")
            found = _with_frame(found, sequence, has_size)
    return found._replace(units=units)


def _with_frame(found: Frames, sequence: _Sequence, has_size: bool) -> Frames:
    """What was found before, and one frame more."""
    width, height = sequence.width, sequence.height
    if has_size:
        width, height = 1 << sequence.width_bits, 1 << sequence.height_bits
    samples = _aligned(width) * _aligned(height) * sequence.halves // 2
    return Frames(0, found.number + 1, max(found.width, width), max(found.height, height),
                  max(found.samples, samples), max(found.size, samples * sequence.sample_bytes),
                  found.own_sizes or has_size)


def _units(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Kind and content of each unit, up to one that is cut off; decoders stop at it."""
    at = 0
    while at < len(data):
        head = data[at]
        start = at + (2 if head & 4 else 1)     # one byte more for layers
        length = len(data) - start
        if head & 2:
            length, start = _length(data, start)
        if length < 0 or start + length > len(data):
            return
        at = start + length
        yield head >> 3 & 15, data[start:at]


def _length(data: memoryview, at: int) -> tuple[int, int]:
    """A number of seven bits per byte, the lowest first, and the place behind; -1 if it is cut."""
    number = 0
    for place, byte in enumerate(data[at : at + 8]):
        number |= (byte & 127) << 7 * place
        if byte < 128:
            return number, at + place + 1
    return -1, at


class _Bits:
    """Numbers of any width in bits, the highest bit first."""

    def __init__(self, data: memoryview) -> None:
        self._all, self._left = int.from_bytes(data), 8 * len(data)

    def __call__(self, width: int = 1) -> int:
        self._left -= width
        if self._left < 0:
            raise ValueError("its AV1 data have a header that ends too early")
        return self._all >> self._left & (1 << width) - 1

    def skip_variable(self) -> None:
        """Pass a number of variable width."""
        zeros = 0
        while not self():
            zeros += 1
            if zeros == 32:
                raise ValueError("its AV1 data have a number that is too long")
        self(zeros)


def _sequence(bits: _Bits) -> _Sequence:
    profile, _, is_reduced = bits(3), bits(), bool(bits())
    if profile > 2:
        raise ValueError(f"its AV1 data have profile {profile}, but 0 to 2 are defined")
    presentation_bits = id_bits = 0
    if is_reduced:
        bits(5)                                 # level
    else:
        presentation_bits = _operating_points(bits)
    width_bits, height_bits = bits(4) + 1, bits(4) + 1
    width, height = bits(width_bits) + 1, bits(height_bits) + 1
    if not is_reduced and bits():
        id_bits = bits(4) + 2
        id_bits += bits(3) + 1
    bits(3)                                     # block size, intra tools
    screen_tools = integer_motion = _EACH_FRAME
    if not is_reduced:
        screen_tools, integer_motion = _inter_tools(bits)
    bits(3)                                     # resolution, filters
    halves, sample_bytes = _planes(bits, profile)
    return _Sequence(is_reduced, width, height, width_bits, height_bits, halves, sample_bytes,
                     presentation_bits, id_bits, screen_tools, integer_motion)


def _operating_points(bits: _Bits) -> int:
    """Pass times and operating points; returns the bits of a time in the header of a frame."""
    delay_bits = presentation_bits = 0
    if bits():                                  # timing
        bits(64)
        is_regular = bits()
        if is_regular:
            bits.skip_variable()
        if bits():                              # model of a decoder
            delay_bits, _, _ = bits(5) + 1, bits(32), bits(5)
            time_bits = bits(5) + 1
            presentation_bits = 0 if is_regular else time_bits
    has_delays = bits()
    for _ in range(bits(5) + 1):
        bits(12)
        if bits(5) > 7:                         # level
            bits()
        if delay_bits and bits():
            bits(2 * delay_bits + 1)
        if has_delays and bits():
            bits(4)
    return presentation_bits


def _inter_tools(bits: _Bits) -> tuple[int, int]:
    """Tools for screen contents and whole pixels of motion, whose choice a frame may repeat."""
    bits(4)
    has_order = bits()
    if has_order:
        bits(2)
    screen_tools = _EACH_FRAME if bits() else bits()
    integer_motion = _EACH_FRAME
    if screen_tools:
        integer_motion = _EACH_FRAME if bits() else bits()
    if has_order:
        bits(3)
    return screen_tools, integer_motion


def _planes(bits: _Bits, profile: int) -> tuple[int, int]:
    """The samples of two pixels, and bytes per sample."""
    is_deep = bits()
    is_twelve = bool(profile == 2 and is_deep and bits())
    sample_bytes = 1 + is_deep
    is_grey = profile != 1 and bits()
    color = (bits(8), bits(8), bits(8)) if bits() else None
    if is_grey:
        return 2, sample_bytes
    if color == _SRGB:
        return 6, sample_bytes
    bits()                                      # range
    if profile < 2:
        return (6 if profile else 3), sample_bytes
    if not is_twelve:
        return 4, sample_bytes
    if not bits():                              # halved across
        return 6, sample_bytes
    return (3 if bits() else 4), sample_bytes


def _start(bits: _Bits, sequence: _Sequence) -> tuple[bool, bool]:
    """Whether a frame is a key frame that is shown, and whether it states its own size."""
    if sequence.is_reduced:
        return True, False
    if bits():                                  # shows a frame that was decoded before
        return False, False
    kind, is_shown = bits(2), bits()
    bits(sequence.presentation_bits if is_shown else 1)
    if not (kind == _SWITCH or (kind == _KEY and is_shown)):
        bits()                                  # resilience
    bits()
    has_screen_tools = bits() if sequence.screen_tools == _EACH_FRAME else sequence.screen_tools
    if has_screen_tools and sequence.integer_motion == _EACH_FRAME:
        bits()
    bits(sequence.id_bits)
    return kind == _KEY and bool(is_shown), kind == _SWITCH or bool(bits())


def _aligned(side: int) -> int:
    return -(-side // _ALIGNED) * _ALIGNED
