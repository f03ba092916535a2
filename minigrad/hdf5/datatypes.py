"""Element types and shapes: the messages for them, and the NumPy types that they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from minigrad.hdf5.heaps import global_object
from minigrad.hdf5.source import Cursor, Source, UnsupportedError

MAX_DIMENSIONS = 8
MAX_ELEMENTS = 1 << 40
MAX_ITEM = 1 << 20
FIXED, FLOAT, STRING, COMPOUND, ENUM, VARIABLE = 0, 1, 3, 6, 8, 9

# For messages.
_CLASSES = {2: "times", 4: "bit fields", 5: "opaque elements", 7: "references",
            COMPOUND: "records of several fields", VARIABLE: "elements of variable length",
            10: "arrays as elements"}

# Size in bytes -> bits of the fields of IEEE 754: position and length of the exponent, length of
# the mantissa, bias.
IEEE = {2: (10, 5, 10, 15), 4: (23, 8, 23, 127), 8: (52, 11, 52, 1023)}


@dataclass(frozen=True)
class VariableText:
    """Text of variable length, which lies in a global heap."""

    itemsize: int


Datatype = np.dtype | VariableText


@dataclass(frozen=True)
class Space:
    """The shape of an array, and the largest that it can grow to: None along axes without end."""

    shape: tuple[int, ...]
    maximum: tuple[int | None, ...]


def check_shape(shape: tuple[int, ...]) -> None:
    """Check that arrays of a shape are read; who writes files can ask before.

    Raises
    ------
    UnsupportedError
    """
    if len(shape) > MAX_DIMENSIONS:
        raise UnsupportedError(f"an array has {len(shape)} dimensions, but at most "
                               f"{MAX_DIMENSIONS} are supported")
    longest = max(*shape, prod(shape), 0)
    if longest > MAX_ELEMENTS:
        raise UnsupportedError(f"an array has {longest:.1e} elements along an axis or in all, but "
                               f"at most {MAX_ELEMENTS:.1e} are supported")


def check_type(dtype: np.dtype) -> None:
    """Check that arrays of numbers or truth values of a type are read.

    Raises
    ------
    UnsupportedError
    """
    if dtype.kind not in "biufc" or dtype.itemsize > (16 if dtype.kind == "c" else 8):
        raise UnsupportedError(f"an array has elements of {dtype}, but truth values and numbers "
                               "of up to 64 bits, or two times 64, are supported")


def read_space(body: Cursor) -> Space | None:
    """Shapes of a dataspace message; None for an empty space, which has no elements."""
    version, rank, flags = body.number(1), body.number(1), body.number(1)
    if version not in (1, 2):
        raise ValueError(f"version {version} of a shape is unknown")
    if version == 2 and body.number(1) == 2:
        return None
    body.take(5 if version == 1 else 0)
    shape = tuple(body.length() for _ in range(rank))
    check_shape(shape)
    endless = (1 << 8 * body.length_size) - 1
    limits = [body.length() for _ in range(rank)] if flags & 1 else shape
    if any(limit < length for limit, length in zip(limits, shape)):
        raise ValueError(f"a shape of {shape}, which is larger than its maximum")
    return Space(shape, tuple(None if limit == endless else limit for limit in limits))


def read_datatype(body: Cursor, depth: int = 0) -> Datatype:
    """The type of a datatype message.

    Raises
    ------
    UnsupportedError
        It is a type that no weights file needs.
    ValueError
        It is damaged.
    """
    head = body.number(1)
    kind, version = head & 15, head >> 4
    bits, size = body.number(3), body.number(4)
    if not size:
        raise ValueError("elements of 0 bytes")
    if size > MAX_ITEM or depth > 2:
        raise _unsupported(f"elements of {size:,} bytes")
    if kind == FIXED:
        return _fixed(body, bits, size)
    if kind == FLOAT:
        return _float(body, bits, size)
    if kind == STRING:
        return np.dtype(f"S{size}")
    if kind == ENUM:
        return _boolean(body, bits, size, depth)
    if kind == COMPOUND and version >= 3:
        return _complex(body, bits, size, depth)
    if kind == VARIABLE and bits & 15 == 1 and size == body.offset_size + 8:
        return VariableText(size)
    raise _unsupported(_CLASSES.get(kind, f"elements of HDF5's class {kind}"))


def _unsupported(elements: str) -> UnsupportedError:
    return UnsupportedError(f"an array has {elements}, but integers, IEEE 754's numbers of 16, 32 "
                            "and 64 bits, pairs of them, truth values and text are read")


def _fixed(body: Cursor, bits: int, size: int) -> np.dtype:
    if size not in (1, 2, 4, 8) or (body.number(2), body.number(2)) != (0, 8 * size):
        raise _unsupported(f"integers of {size} bytes, or with unused bits")
    return np.dtype(f"{'<>'[bits & 1]}{'i' if bits & 8 else 'u'}{size}")


def _float(body: Cursor, bits: int, size: int) -> np.dtype:
    precision = body.number(2), body.number(2)
    fields = body.number(1), body.number(1), body.number(1), body.number(1), body.number(4)
    layout = (fields[0], fields[1], fields[3], fields[4])
    if (IEEE.get(size) != layout or fields[2] or precision != (0, 8 * size) or bits & 64
            or bits >> 8 & 255 != 8 * size - 1):
        raise _unsupported(f"floating-point numbers of {size} bytes that are not IEEE 754's")
    return np.dtype(f"{'<>'[bits & 1]}f{size}")


def _boolean(body: Cursor, bits: int, size: int, depth: int) -> np.dtype:
    """An enumeration of FALSE and TRUE in one byte, as h5py writes boolean arrays."""
    base = read_datatype(body, depth + 1)
    rest = body.take(body.left)
    # Before version 3, names were padded to eight bytes.
    if bits & 0xFFFF != 2 or size != 1 or base != np.dtype("i1") or not rest.startswith(
            (b"FALSE\0TRUE\0\0\1", b"FALSE\0\0\0TRUE\0\0\0\0\0\1")):
        raise _unsupported("an enumeration other than of true and false")
    return np.dtype(bool)


def _complex(body: Cursor, bits: int, size: int, depth: int) -> np.dtype:
    """A pair of real and imaginary part, as h5py writes complex arrays."""
    parts: list[np.dtype] = []
    for name in (b"r\0", b"i\0"):
        if bits & 0xFFFF != 2 or body.take(2) != name:
            raise _unsupported(_CLASSES[COMPOUND])
        offset = body.number(1)
        part = read_datatype(body, depth + 1)
        if not isinstance(part, np.dtype) or part.kind != "f" or (
                offset != len(parts) * part.itemsize):
            raise _unsupported(_CLASSES[COMPOUND])
        parts.append(part)
    if parts[0] != parts[1] or size != 2 * parts[0].itemsize or size not in (8, 16):
        raise _unsupported("complex numbers of two types, or of another precision")
    return np.dtype(f"{parts[0].byteorder}c{size}")


def decode(source: Source, data: bytes, shape: tuple[int, ...], datatype: Datatype
           ) -> np.ndarray:
    """The array of some bytes; text of variable length becomes bytes objects."""
    count = prod(shape)
    if len(data) < count * datatype.itemsize:
        raise ValueError(f"{len(data):,} bytes for an array of shape {shape}")
    if isinstance(datatype, np.dtype):
        return np.frombuffer(data, datatype, count).reshape(shape)
    body = Cursor(data, source.offset_size, source.length_size)
    texts = np.empty(count, object)
    for position in range(count):
        length, address, index = body.number(4), body.address(), body.number(4)
        texts[position] = b"" if not address else (
            global_object(source, address, index)[:length])
    return texts.reshape(shape)
