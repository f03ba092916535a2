"""TIFF files whose directory states more than the picture needs, and what libtiff prints."""

import io
import os
import struct
import subprocess
import sys
import time
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from minigrad.errors import FileError
from nst.pictures import directory, files, quiet
from nst.pictures.quiet import silent_libraries

ROOT = Path(__file__).parents[3]


def tiff(entries, data=b"", order="<", big=False):
    """A TIFF of these entries: tag, type, count, and value or place behind the directory."""
    count, entry = ("Q", "HHQQ") if big else ("H", "HHII")
    head = (b"II" if order == "<" else b"MM") + struct.pack(
        order + ("HHHQ" if big else "HI"), *((43, 8, 0, 16) if big else (42, 8)))
    body = b"".join(struct.pack(order + entry, *each) for each in entries)
    return (head + struct.pack(order + count, len(entries)) + body + bytes(8 if big else 4) + data)


def tiled(side, height=64):
    """A TIFF of 8 bits in tiles of that many pixels a side."""
    return tiff([(256, 4, 1, 64), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 8),
                 (262, 3, 1, 1), (277, 3, 1, 1), (322, 4, 1, side), (323, 4, 1, side),
                 (324, 4, 1, 8), (325, 4, 1, 100)], bytes(100))


def read_both(path):
    for read in (files.read_settings, lambda path: files.read(path, "content")):
        with pytest.raises(FileError) as error:
            read(path)
        yield str(error.value)


@pytest.mark.parametrize("content, sentence", {
    "a large tile": (tiled(26_000), "has more than 178,956,970 pixels"),
    "a tile of a small file": (tiled(8_000), "claims to have 64,000,000 pixels in a file of"),
    "tiny tiles": (tiled(1, 10_000), "states 640,000 strips or tiles, but may have 500,000"),
    "strips": (tiff([(256, 4, 1, 1), (257, 4, 1, 600_000), (258, 3, 1, 8), (259, 3, 1, 5),
                     (262, 3, 1, 1), (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, 1),
                     (279, 4, 1, 9)]), "states 600,000 strips or tiles"),
    "offsets": (tiff([(273, 4, 600_000, 8)], bytes(2_400_000)), "states 600,000 strips or tiles"),
    "offsets of BigTIFF": (tiff([(324, 16, 600_000, 8)], bytes(4_800_000), ">", big=True),
                           "states 600,000 strips or tiles"),
}.values(), ids=lambda value: value if isinstance(value, str) else "")
def test_strips_and_tiles_of_8_bits(tmp_path, content, sentence):
    """255 bytes took 2 GB."""
    path = tmp_path / "p.tif"
    path.write_bytes(content)
    assert all(sentence in message for message in read_both(path))


@pytest.mark.parametrize("order, big", [("<", False), (">", False), (">", True)])
def test_fractions_of_inner_directories(tmp_path, monkeypatch, order, big):
    monkeypatch.setattr(directory, "MAX_FRACTIONS", 1000)
    path, outer = tmp_path / "p.tif", [(34_665, 13, 1, 0)]
    start = len(tiff(outer, order=order, big=big))
    exif = tiff([(0x829A, 5, 600, 8), (0x829D, 10, 600, 8)], bytes(9000), order, big)
    value = start << (32 if big and order == ">" else 0)
    path.write_bytes(tiff([(34_665, 13, 1, value)], exif[16 if big else 8:], order, big))
    assert all("states 1,200 fractions, but may have 1,000" in message
               for message in read_both(path))


@pytest.mark.parametrize("options", [{}, {"compression": "tiff_lzw"}, {"compression": "jpeg"}, {
    "tiffinfo": {278: 1}}, {"exif": Image.Exif()}], ids=range(5))
def test_honest_files(tmp_path, options):
    pixels = np.arange(64 * 64 * 3).reshape(64, 64, 3).astype(np.uint8) // 32
    Image.fromarray(pixels).save(tmp_path / "p.tif", **options)
    picture = files.read(tmp_path / "p.tif", "content")
    assert options.get("compression") == "jpeg" or (picture.pixels == pixels).all()
    path = tmp_path / "tiled.tif"
    path.write_bytes(tiled(1024))           # the tile is larger than the picture, and damaged
    assert files.read_settings(path) is None


# ------------------------------------------------------------------------ entries of a directory


def sharing(number, length, kind=7, head=b"II*\0", at=8):
    """A TIFF without a picture: a directory whose entries all refer to the same bytes."""
    place = at + 2 + 12 * number + 4
    entries = [(1000 + each, kind, length >> (kind == 3), place) for each in range(number)]
    return head + tiff(entries, bytes(length))[4:]


def png(*chunks):
    """A PNG of one pixel with chunks before its pixel."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(
            kind + content)) for kind, content in (
            (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)), *chunks,
            (b"IDAT", zlib.compress(b"\0\7")), (b"IEND", b"")))


def saved(kind, **options):
    encoded = io.BytesIO()
    Image.new("RGB", (16, 16), (9, 8, 7)).save(encoded, kind, **options)
    return encoded.getvalue()


def jpeg(*segments):
    data = saved("JPEG")
    return data[:2] + b"".join(b"\xff" + marker + struct.pack(">H", 2 + len(content)) + content
                               for marker, content in segments) + data[2:]


def webp(exif):
    """Pillow would parse the EXIF before it writes it."""
    data = saved("WEBP", exif=b"Exif\0\0II*\0")
    place = data.index(b"EXIF")
    data = data[:place] + b"EXIF" + struct.pack("<I", len(exif)) + exif + bytes(len(exif) % 2)
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]


def avif(exif):
    """Pillow parses the EXIF that it writes, so it gets another of the same length."""
    mark = b"II*\0\x08\0\0\0" + bytes(len(exif) - 8)
    data = saved("AVIF", exif=mark)
    assert data.count(mark) == 1
    return data.replace(mark, exif)


EXIF = sharing(1200, 60_000)
INDEX = sharing(4000, 10_000, kind=3)           # of an MPO, whose entries Pillow unpacks all
PARTS = [(b"\xe1", b"Exif\0\0" + EXIF[:50_000]), (b"\xe1", b"Exif\0\0" + EXIF[50_000:])]


@pytest.mark.parametrize("content", {
    "TIFF": sharing(1200, 60_000),
    "EXIF in a TIFF": tiff([(34_665, 13, 1, 26)], sharing(1200, 60_000, at=26)[8:]),
    "PNG": png((b"eXIf", EXIF)),
    "text in a PNG": png((b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(
        b"\nexif\n 96038\n" + EXIF.hex().encode()))),
    "JPEG": jpeg(*PARTS), "MPO": jpeg((b"\xe2", b"MPF\0" + INDEX)), "WebP": webp(EXIF),
    "AVIF": avif(EXIF) if features.check("avif") else EXIF,
}.values(), ids=["TIFF", "EXIF in a TIFF", "PNG", "text in a PNG", "JPEG", "MPO", "WebP", "AVIF"])
def test_entries_that_share_their_bytes(tmp_path, content):
    """Pillow 12.3 copies them for each entry: 1 MB took 3 GB."""
    path = tmp_path / "picture"
    path.write_bytes(content)
    started = time.process_time()
    tracemalloc.start()
    try:
        for message in read_both(path):
            assert "bytes of entries, but may have 1," in message
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    assert time.process_time() - started < 1


@pytest.mark.parametrize("head", [b"II\0*", b"MM*\0", b"II+\0", b"MM\0+"])
def test_exif_with_other_heads(tmp_path, head):
    """Pillow reads the first two, which nobody writes, and the others in its own way."""
    path = tmp_path / "p.png"
    path.write_bytes(png((b"eXIf", sharing(3, 10, head=head))))
    assert all("EXIF begins like nothing" in message for message in read_both(path))


@pytest.mark.parametrize("head", [b"II\0*", b"MM*\0"])
def test_tiffs_with_other_heads(tmp_path, head):
    path = tmp_path / "p.tif"
    path.write_bytes(head + saved("TIFF")[4:])
    assert all("is not a picture, or has an unsupported format" in message
               for message in read_both(path))


def test_numbers_and_directories_without_end(tmp_path):
    path = tmp_path / "p.tif"
    path.write_bytes(tiff([(1000, 3, 5_000_000, 8)], bytes(10_000_000)))
    assert all("states 5,000,000 numbers" in message for message in read_both(path))
    path.write_bytes(tiff([(34_665, 4, 1, place) for place in range(10_000)], b"\xff" * 100_000))
    started = time.process_time()
    assert all("states 10,000 directories of EXIF" in message for message in read_both(path))
    assert time.process_time() - started < 2
    path.write_bytes(struct.pack("<2sHHHQQ", b"II", 43, 8, 0, 16, 70_000) + bytes(1_400_000))
    assert all("states 70,000 entries" in message for message in read_both(path))


def test_honest_entries(tmp_path):
    """They may share a few bytes; an MPO has an index of its pictures."""
    path = tmp_path / "p.png"
    path.write_bytes(png((b"eXIf", sharing(40, 5000))))
    assert files.read(path, "content").size == (1, 1)
    images = [Image.new("RGB", (16, 16), (color, 8, 7)) for color in (9, 99)]
    images[0].save(tmp_path / "p.mpo", "MPO", save_all=True, append_images=images[1:])
    assert files.read(tmp_path / "p.mpo", "content").pixels[0, 0, 0] < 20


# ------------------------------------------------------------------------ what is printed

PROGRAM = """
import sys
from pathlib import Path
from minigrad.errors import FileError
from nst.pictures import files
try:
    files.read(Path(sys.argv[1]), "content")
except FileError as error:
    print("sentence", file=sys.stderr)
"""


def test_libtiff_prints_nothing(tmp_path):
    """Not even before the sentence about a damaged file, which is printed."""
    encoded = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(noise).save(encoded, "TIFF", compression="tiff_lzw")
    damaged = bytearray(encoded.getvalue())
    damaged[300:2000] = b"\xff" * 1700
    (tmp_path / "p.tif").write_bytes(damaged)
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path / "p.tif")], cwd=ROOT,
                          capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "sentence\n")


def test_the_stream_comes_back(capfd):
    with pytest.raises(KeyError), silent_libraries():
        os.write(2, b"of a library\n")
        raise KeyError
    os.write(2, b"of ours\n")
    assert capfd.readouterr().err == "of ours\n"
    assert not quiet._lock.locked()


def test_silence_without_a_stream(monkeypatch):
    monkeypatch.setattr(quiet, "_ERRORS", 9999)
    with silent_libraries():
        pass
