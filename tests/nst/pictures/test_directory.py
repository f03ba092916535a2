"""TIFF files whose directory states more than the picture needs, and what libtiff prints."""

import io
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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
