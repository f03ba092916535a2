"""Changes of zip archives, NumPy's arrays, pickles, safetensors and TensorFlow.js models."""

from __future__ import annotations

import ast
import io
import pickletools
import struct
import zipfile
from itertools import pairwise
from random import Random

from tests.fuzz.mutators.basic import EDGES, Leaf, mutate_json, mutate_value

MAX_MEMBERS = 40
MAX_MEMBER = 1 << 17
MAX_INSTRUCTIONS = 3000
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
NAMES = ("archive/data.pkl", "archive/byteorder", "archive/data/0", "archive/data/1", "data.pkl",
         "a.npy", "../a.npy", "/etc/x.npy", "C:x.npy", "conv1_1_W.npy", "x" * 300, "\u202e.npy")

# Instructions that a pickle of tensors has, and some that it must not have.
INSTRUCTIONS = (
    b"(", b")", b"]", b"}", b"t", b"u", b"e", b"l", b"d", b"s", b"a", b"R", b"Q", b"b", b"0",
    b"1", b"2", b"N", b"\x88", b"\x89", b"\x85", b"\x86", b"\x87", b"\x93", b"\x94", b".",
    b"q\x00",
    b"h\x00", b"h\x01", b"r\x00\x00\x00\x7f", b"K\x00", b"K\x40", b"M\xff\xff",
    b"J\xff\xff\xff\xff",
    b"\x8a\x08" + b"\xff" * 8, b"\x8a\x09" + b"\x7f" * 9, b"G" + b"\x7f\xf8" + bytes(6),
    b"X\x03\x00\x00\x00cpu", b"X\x07\x00\x00\x00storage", b"X\x01\x00\x00\x000",
    b"X\xff\xff\xff\xff", b"\x8c\x01a", b"C\x01a", b"I01\n", b"L9999999999L\n", b"S'x'\n",
    b"Vabc\n", b"P0\n", b"ctorch\nFloatStorage\n", b"ctorch\nHalfStorage\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch._utils\n_rebuild_parameter\n",
    b"ccollections\nOrderedDict\n", b"cos\nsystem\n", b"cbuiltins\neval\n", b"\x81", b"\x92",
    b"\x8f", b"\x90", b"\x91", b"\x95" + bytes(8), b"\x96" + bytes(8), b"\x97", b"\x98")


# ---------------------------------------------------------------------------- zip archives


def mutate_zip(random: Random, data: bytes, leaf: Leaf) -> bytes:
    """Change one member, or the list of members; checksums and offsets are right again."""
    members = _members(data) if random.random() < 0.8 else None
    if not members:
        return leaf(random, data)
    at = random.randrange(len(members))
    name, method, content = members[at]
    match random.randrange(12):
        case 0:
            del members[at]
        case 1:
            members.append((random.choice(NAMES), method, content))
        case 2:
            members[at] = random.choice(NAMES), method, content
        case 3:
            members[at] = name, random.choice(METHODS), content
        case 4:
            members[at] = name, method, random.choice(members)[2]
        case 5:
            return _lied(random, _zipped(members))
        case _:
            members[at] = name, method, _mutate_member(random, name, content, leaf)
    return _zipped(members)


def _mutate_member(random: Random, name: str, content: bytes, leaf: Leaf) -> bytes:
    if name.endswith(".npy"):
        return mutate_npy(random, content, leaf)
    if name.endswith(".pkl"):
        return mutate_pickle(random, content, leaf)
    return leaf(random, content)


def _members(data: bytes) -> list[tuple[str, int, bytes]] | None:
    """Name, method and content of every member; None if it is damaged or large."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            if len(infos) > MAX_MEMBERS or any(info.file_size > MAX_MEMBER for info in infos):
                return None
            return [(info.filename, info.compress_type, archive.read(info)) for info in infos]
    except Exception:           # damaged by an earlier change, in any way
        return None


def _zipped(members: list[tuple[str, int, bytes]]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, method, content in members:
            known = method if method in METHODS else zipfile.ZIP_STORED
            # The second of two members of one name is not written as a warning, but as a member.
            archive.NameToInfo.clear()
            archive.writestr(zipfile.ZipInfo(name), content, known)
    return made.getvalue()


def _lied(random: Random, data: bytes) -> bytes:
    """Change a field of the directory: a method, a size, an offset, a count."""
    changed = bytearray(data)
    signature, fields = random.choice(((b"PK\x01\x02", (8, 10, 16, 20, 24, 28, 30, 42)),
                                       (b"PK\x03\x04", (6, 8, 14, 18, 22, 26, 28)),
                                       (b"PK\x05\x06", (8, 10, 12, 16, 20))))
    at = changed.find(signature)
    for _ in range(random.randrange(3)):
        at = max(at, changed.find(signature, at + 4))
    edge = random.choice(EDGES[:10])[: random.choice((1, 2, 4))]
    field = at + random.choice(fields)
    changed[field : field + len(edge)] = edge
    return bytes(changed)


# ---------------------------------------------------------------------------- NumPy's arrays


def mutate_npy(random: Random, data: bytes, leaf: Leaf) -> bytes:
    """Change the header of an array as a dictionary, or its bytes."""
    try:
        (length,) = struct.unpack("<H", data[8:10])
        header = ast.literal_eval(data[10 : 10 + length].decode("latin-1").strip())
    except Exception:
        return leaf(random, data)
    if random.random() < 0.3 or not isinstance(header, dict):
        return leaf(random, data)
    text = repr(mutate_value(random, header)).encode("utf-8", "replace")[:60_000] + b"\n"
    version = random.choice((b"\x01\0", b"\x01\0", b"\x01\0", b"\x02\0", b"\x03\0", b"\xff\0"))
    stated = struct.pack("<H" if version[0] == 1 else "<I", len(text))
    return data[:6] + version + stated + text + data[10 + length:]


# ---------------------------------------------------------------------------- pickles


def mutate_pickle(random: Random, data: bytes, leaf: Leaf) -> bytes:
    """Change the instructions of a pickle, or of several in a row, as in PyTorch's old files."""
    parts, end = _instructions(data)
    if not parts or random.random() < 0.15:
        return leaf(random, data)
    for _ in range(random.choice((1, 1, 2, 4))):
        at, other = random.randrange(len(parts) or 1), random.randrange(len(parts) or 1)
        match random.randrange(9):
            case 0 if parts:
                del parts[at : at + random.choice((1, 1, 2, 8))]
            case 1:
                parts[at:at] = parts[at : at + random.choice((1, 2, 8, 64))]
            case 2:
                parts[at:at] = parts[other : other + random.choice((1, 2, 4, 8))]
            case 3 if parts:
                parts[at], parts[other] = parts[other], parts[at]
            case 4 | 5:
                parts.insert(at, random.choice(INSTRUCTIONS))
            case 6 if parts:
                parts[at] = random.choice(INSTRUCTIONS)
            case 7:
                parts[at:at] = [random.choice(INSTRUCTIONS)] * random.choice((10, 200, 2000))
            case _ if parts:
                # The argument alone: the instruction stays.
                parts[at] = parts[at][:1] + leaf(random, parts[at][1:])[:2000]
    return b"".join(parts) + data[end:]


def _instructions(data: bytes) -> tuple[list[bytes], int]:
    """The instructions of all pickles at the beginning, and where they end."""
    parts: list[bytes] = []
    stream, end = io.BytesIO(data), 0
    try:
        while len(parts) < MAX_INSTRUCTIONS:
            found = [position for _, _, position in pickletools.genops(stream)]
            bounds = [*found, stream.tell()]
            parts += [data[start:stop] for start, stop in pairwise(bounds)]
            end = stream.tell()
    except Exception:           # the end of the pickles, or damage
        pass
    return parts, end


# ---------------------------------------------------------------------------- JSON and data


def mutate_safetensors(random: Random, data: bytes, leaf: Leaf) -> bytes:
    """Change the JSON header, whose length is right again, or the bytes."""
    (length,) = struct.unpack("<Q", data[:8].ljust(8, b"\0"))
    if length > len(data) or random.random() < 0.2:
        return leaf(random, data)
    header = mutate_json(random, data[8 : 8 + length], leaf)
    return struct.pack("<Q", len(header)) + header + data[8 + length:]


def mutate_model(random: Random, data: bytes, leaf: Leaf) -> bytes:
    """Change the JSON before the first zero byte, or the shard after it."""
    model, zero, shard = data.partition(b"\0")
    if random.random() < 0.9:
        return mutate_json(random, model, leaf) + zero + shard
    return model + b"\0" + leaf(random, shard)
