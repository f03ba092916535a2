"""TIFF files of microscopes and scanners, which tifffile reads in ways of their own."""

import struct
import time
import tracemalloc

import numpy as np
import pytest

from minigrad.errors import FileError
from nst.pictures import directory, files, one_page

tifffile = pytest.importorskip("tifffile")

MEGABYTE = 1 << 20
RNG = np.random.default_rng(4)
LSM = struct.pack("<II", 0x0400494C, 0) + bytes(492)       # magic number and lengths


def read(path):
    return files.read(path, "content")


def page(at, following, *entries, compression=1):
    """A directory at a place; its grey picture of 16 bits is at 8."""
    listed = sorted([(256, 4, 1, 1), (257, 4, 1, 1), (258, 3, 1, 16), (259, 3, 1, compression),
                     (262, 3, 1, 1), (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, 1), (279, 4, 1, 2),
                     *entries])
    length = 2 + 12 * len(listed) + 4
    entries = b"".join(struct.pack("<HHII", *each) for each in listed)
    return (struct.pack("<H", len(listed)) + entries
            + struct.pack("<I", at + length if following is None else following))


def pages(count, *entries, **options):
    """A file of that many pages, of which the last is followed by itself."""
    data = b"II*\0" + struct.pack("<I", 16) + bytes((0, 100)) + bytes(6)
    for number in range(count):
        at = len(data)
        data += page(at, at if number == count - 1 else None, *entries, **options)
    return data


def lsm():
    """Only the first two pages of it are whole."""
    data = pages(2, (34412, 7, 8, 8), compression=1)
    first, second = data[:-4], b""
    at = len(data)
    for number in range(120):
        second += struct.pack("<HI", 0, at + 6 * (number if number == 119 else number + 1))
    return first + struct.pack("<I", at) + second


def stack(values):
    """A table of MetaMorph's of that many values; all have the same long name and text."""
    text = b"\xff" + b"n" * 255
    start = len(pages(1, (33628, 4, 1, 0)))
    data = pages(1, (33628, 4, values, start + 1024))[:start - 4] + bytes(4)
    return (data + (bytes(4) + text + struct.pack("<IB", 0, 2) + text).ljust(1024, b"\0")
            + struct.pack("<II", 49, start) * values)


@pytest.mark.parametrize("content", [
    lsm(), pages(120, (271, 2, 2, 65), (65420, 4, 1, 1), (65441, 4, 1, 17)),
    pages(120, (305, 2, 4, int.from_bytes(b"SI.", "little"))), stack(20_000)],
    ids=["LSM", "NDPI", "ScanImage", "STK"])
def test_what_tifffile_would_follow_without_end(tmp_path, content):
    """1 KB took for ever; 8 MB took 27 s and 1.5 GB."""
    path = tmp_path / "p.tif"
    path.write_bytes(content)
    started = time.process_time()
    tracemalloc.start()
    try:
        np.testing.assert_allclose(read(path).pixels, 100 * 256 / 257, atol=1e-3)
        assert tracemalloc.get_traced_memory()[1] < 4 * MEGABYTE
    finally:
        tracemalloc.stop()
    assert time.process_time() - started < 0.5


def test_no_other_page_and_no_private_entry(tmp_path):
    """So there is nothing that any version of tifffile could know a kind of file by."""
    path = tmp_path / "p.ndpi"
    private = [(tag, 4, 1, 7) for tag in (
        33628, 33629, 34361, 34362, 34412, 34680, 37706, 43314, 50838, 50839, 51123, 65420, 65426)]
    path.write_bytes(pages(3, *private))
    with one_page.opened(path) as stream, tifffile.TiffFile(stream) as file:
        assert len(file.pages) == 1
        assert {tag.code for tag in file.pages[0].tags} == {
            256, 257, 258, 259, 262, 273, 277, 278, 279}
        assert file.flags <= {"generic", "final", "uniform"}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("options", [
    {"extratags": [(33628, 4, 2, (0, 0), True), (33629, 4, 6, (1,) * 6, True)]},
    {"extratags": [(34412, 1, 500, LSM, True)]}, {"ome": True}, {"imagej": True},
    {"software": "SI.5"}, {"extratags": [(65420, 4, 1, 1, True), (271, 2, 2, "H", True)]}],
    ids=["STK", "LSM", "OME", "ImageJ", "ScanImage", "NDPI"])
def test_honest_files_of_microscopes(tmp_path, dtype, options):
    grey = RNG.integers(0, np.iinfo(dtype).max, (9, 8)).astype(dtype)
    metadata = {} if options.keys() & {"ome", "imagej"} else {"metadata": None}
    tifffile.imwrite(tmp_path / "p.tif", grey, photometric="minisblack", **metadata, **options)
    np.testing.assert_allclose(read(tmp_path / "p.tif").pixels[..., 1],
                               grey * (255 / np.iinfo(dtype).max), atol=1e-3)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_a_file_is_otherwise_what_it_is(tmp_path, order, big):
    """Its bytes are the same but for the head and the directory, however they are read."""
    path = tmp_path / "p.tif"
    words = RNG.integers(0, 65536, (40, 30, 3)).astype(np.uint16)
    tifffile.imwrite(path, words, photometric="rgb", byteorder=order, bigtiff=big, rowsperstrip=7)
    data = path.read_bytes()
    with one_page.opened(path) as stream, tifffile.TiffFile(path) as file:
        seen = stream.read()
        place = file.pages[0].offset
        pieces = []
        stream.seek(0)
        while piece := stream.read(7):
            pieces.append(piece)
        assert stream.seek(-10, 2) == len(data) - 10 and stream.read() == data[-10:]
    assert b"".join(pieces) == seen and len(seen) == len(data)
    assert seen[:place] == data[:place] and seen[-words.nbytes:] == data[-words.nbytes:]
    np.testing.assert_allclose(read(path).pixels, words / 257, atol=1e-3)


@pytest.mark.parametrize("place", [0, 2, 6, 1 << 20])
def test_a_directory_in_the_head_or_nowhere(tmp_path, place):
    path = tmp_path / "p.tif"
    path.write_bytes(b"II*\0" + struct.pack("<I", place) + pages(1)[8:])
    with pytest.raises(FileError, match=r"cannot be read|is not a picture"):
        read(path)
    assert directory.picture_page(path) == 0
