"""The strips and tiles of a TIFF: decoded as tifffile decodes them, but not without end."""

import io
import lzma
import struct
import sys
import time
import tracemalloc
import types
import zlib

import numpy as np
import pytest
from PIL import Image

from minigrad.errors import FileError
from nst.pictures import bounded, files, segments, tiff

tifffile = pytest.importorskip("tifffile")

MEGABYTE = 1 << 20
WORDS = np.random.default_rng(5).integers(0, 65536, (23, 17, 3)).astype(np.uint16)


def read(path):
    picture = files.read(path, "content")
    # Anything wider would take twice the memory that is promised.
    assert picture.pixels.dtype in (np.uint8, np.float32)
    assert picture.alpha is None or picture.alpha.dtype in (np.uint8, np.float32)
    return picture


def crafted(data, entries, order="<"):
    """A TIFF with data at 8; more than one value of an entry stands before the directory."""
    body = data + bytes(len(data) % 2)
    places = []
    for tag, kind, *values in entries:
        packed = struct.pack(f"{order}{len(values)}{'H' if kind == 3 else 'I'}", *values)
        if len(packed) > 4:
            packed, body = struct.pack(order + "I", 8 + len(body)), body + packed
        places.append(struct.pack(order + "HHI", tag, kind, len(values)) + packed.ljust(4, b"\0"))
    head = b"II*\0" if order == "<" else b"MM\0*"
    return (head + struct.pack(order + "I", 8 + len(body)) + body
            + struct.pack(order + "H", len(places)) + b"".join(places) + bytes(4))


def grey(width, height, data, bits=16, compression=1, rows=1):
    """A grey TIFF whose strips are all at the same place."""
    strips = -(-height // rows)
    return crafted(data, [
        (256, 4, width), (257, 4, height), (258, 3, bits), (259, 3, compression),
        (262, 3, 1), (273, 4, *[8] * strips), (277, 3, 1),
        (278, 4, rows), (279, 4, *[len(data)] * strips)])


def zipped(megabytes):
    return zlib.compress(bytes(megabytes * MEGABYTE), 9)


# ------------------------------------------------------------------- without end


@pytest.mark.parametrize("compression, data", [
    (8, zipped(40)), (32946, zipped(40)), (34925, lzma.compress(bytes(40 * MEGABYTE), preset=0)),
    (32773, bytes((129, 0)) * 40_000)], ids=["zlib", "old zlib", "LZMA", "PackBits"])
def test_strips_that_expand_to_more_than_their_pixels(tmp_path, compression, data):
    """46 KB took 36 seconds, and 230 KB took 3 GB."""
    path = tmp_path / "p.tif"
    path.write_bytes(grey(64, 40, data, compression=compression))
    started = time.process_time()
    tracemalloc.start()
    try:
        assert not read(path).pixels.any()
        assert tracemalloc.get_traced_memory()[1] < 8 * MEGABYTE
    finally:
        tracemalloc.stop()
    assert time.process_time() - started < 1


def test_tiles_of_many_more_pixels_than_the_picture(tmp_path):
    """Each is decoded, so all of their pixels count."""
    path, side, tiles = tmp_path / "p.tif", 4096, 20
    path.write_bytes(crafted(bytes(100), [
        (256, 4, 16), (257, 4, side * (tiles - 1) + 1), (258, 3, 16), (259, 3, 8), (262, 3, 1),
        (277, 3, 1), (322, 4, side), (323, 4, side), (324, 4, *[8] * tiles),
        (325, 4, *[100] * tiles)]))
    with pytest.raises(FileError, match="claims to have 1,245,200 pixels in a file of"):
        read(path)


def test_many_strips_of_lzma(tmp_path, monkeypatch):
    """Each begins with a dictionary: 490,000 took 11 seconds."""
    monkeypatch.setattr(segments, "_MAX_DICTIONARIES", 30)
    path = tmp_path / "p.tif"
    for height in (30, 31):
        path.write_bytes(grey(4, height, lzma.compress(bytes(8)), compression=34925))
        if height == 30:
            assert read(path).size == (4, 30)
    with pytest.raises(FileError, match="states 31 strips or tiles of LZMA, but may have 30"):
        read(path)


# ------------------------------------------------------------------- the same bytes


@pytest.mark.parametrize("bits, compression", [(8, 7), (8, 32773), (8, 8), (16, 1), (16, 8)])
def test_strips_that_share_their_bytes(tmp_path, bits, compression):
    """900 KB, read 10,000 times, took 14 seconds."""
    path = tmp_path / "p.tif"
    path.write_bytes(grey(8, 800, bytes(100_000), bits, compression))
    for function in (files.read_settings, read):
        with pytest.raises(FileError, match=r"states 80,000,000 bytes of strips or tiles, but may "
                                            r"have 67,108,864; save it again"):
            function(path)


@pytest.mark.parametrize("dtype, is_sparse", [(np.uint8, False), (np.uint16, False), (
    np.uint16, True)], ids=["8 bits", "16 bits", "left out"])     # which libtiff never reads
def test_blank_tiles(tmp_path, dtype, is_sparse):
    """Some writers store one blank tile, or none, and a small picture among them."""
    tile = np.full((16, 16), 100, dtype)
    blank, data = zlib.compress(bytes(tile.nbytes)), zlib.compress(tile.tobytes())
    tiles = [(0, 0) if is_sparse else (8, len(blank))] * 2500
    tiles[1234] = 8 + len(blank), len(data)
    places, lengths = zip(*tiles)
    path = tmp_path / "p.tif"
    path.write_bytes(crafted(blank + data, [
        (256, 4, 800), (257, 4, 800), (258, 3, 8 * tile.itemsize), (259, 3, 8), (262, 3, 1),
        (277, 3, 1), (322, 4, 16), (323, 4, 16), (324, 4, *places), (325, 4, *lengths)]))
    pixels = read(path).pixels[..., 0]
    expected = np.zeros((50, 50, 16, 16))
    expected[24, 34] = 100 / (257 if dtype == np.uint16 else 1)
    np.testing.assert_allclose(pixels, expected.swapaxes(1, 2).reshape(800, 800), atol=0.01)


def test_the_scans_of_jpegs_in_a_tiff(tmp_path, monkeypatch):
    """Twelve strips that shared 100 KB of 99 scans took 14 seconds."""
    for module in (bounded, tiff):
        monkeypatch.setattr(module, "MAX_SCANNED", 100_000)
    encoded = io.BytesIO()
    Image.fromarray((WORDS[..., 0] >> 8).astype(np.uint8)).resize((64, 64)).save(
        encoded, "JPEG", progressive=True)
    scans = bounded.jpeg_scans(encoded.getvalue())
    path = tmp_path / "p.tif"
    for strips in (1, 100_000 // (scans * 64 * 64), 100_000 // (scans * 64 * 64) + 1):
        path.write_bytes(grey(64, 64 * strips, encoded.getvalue(), 8, 7, rows=64))
        if strips * scans * 64 * 64 <= 100_000:
            assert read(path).size == (64, 64 * strips)
    with pytest.raises(FileError, match="pixels in its scans, but may have 100,000"):
        read(path)


# ------------------------------------------------------------------- what is honest


@pytest.mark.parametrize("options", [
    {}, {"predictor": True}, {"rowsperstrip": 4}, {"tile": (16, 16)},
    {"tile": (16, 16), "predictor": True}, {"byteorder": ">", "rowsperstrip": 5, "predictor": True},
    {"bigtiff": True}], ids=str)
@pytest.mark.parametrize("compression", [None, "zlib", "lzma"])
@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_the_layouts_of_tifffile(tmp_path, options, compression, planes):
    words = WORDS if planes == "contig" else np.moveaxis(WORDS, 2, 0).copy()
    options = {key: value for key, value in options.items() if compression or key != "predictor"}
    path = tmp_path / "p.tif"
    tifffile.imwrite(path, words, photometric="rgb", planarconfig=planes, compression=compression,
                     metadata=None, **options)
    np.testing.assert_allclose(read(path).pixels, WORDS / 257, atol=1e-4)


def packbits(data):
    """PackBits with runs, literal bytes and a number that stands for nothing."""
    packed, at = bytearray((128,)), 0
    while at < len(data):
        run = 1
        while run < 128 and data[at + run : at + run + 1] == data[at : at + 1]:
            run += 1
        packed += bytes((257 - run if run > 1 else 0, data[at]))
        at += run
    return bytes(packed)


@pytest.mark.parametrize("is_reversed", [False, True])
def test_packbits_as_pillow_reads_it(tmp_path, is_reversed):
    words = np.repeat(WORDS[:, :4, 0], 9, axis=1) & 0xFF00
    data = packbits(words.tobytes())
    path = tmp_path / "p.tif"
    content = grey(36, 23, data, compression=32773, rows=23)
    path.write_bytes(content)
    with Image.open(path) as image:
        assert (np.asarray(image) == words).all()
    if is_reversed:
        table = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
        path.write_bytes(content.replace(data, data.translate(table)).replace(
            struct.pack("<HHII", 277, 3, 1, 1), struct.pack("<HHII", 266, 3, 1, 2)))
    np.testing.assert_allclose(read(path).pixels[..., 0], words / 257, atol=1e-4)


def test_more_rows_than_the_picture_and_fewer_bytes(tmp_path):
    """The last strip of some writers is as long as the others; what is cut off is refused."""
    path = tmp_path / "p.tif"
    words = WORDS[:, :, 0].copy()
    for rows in (words, np.vstack([words, words])):
        path.write_bytes(grey(17, 23, zlib.compress(rows.tobytes()), compression=8, rows=30))
        np.testing.assert_allclose(read(path).pixels[..., 0], words / 257, atol=1e-4)
    whole = zlib.compress(words.tobytes())
    for data, reason in ((whole[:-10], "the data of a strip or tile end too early"),
                         (whole[:-1] + bytes((whole[-1] ^ 1,)), "it is damaged")):
        path.write_bytes(grey(17, 23, data, compression=8, rows=23))
        with pytest.raises(FileError, match=reason):
            read(path)


def test_zstandard_where_python_has_it(tmp_path, monkeypatch):
    """Python 3.14 has a module with the interface of `zlib`, which stands for it here."""
    path = tmp_path / "p.tif"
    words = WORDS[:, :, 0].copy()
    path.write_bytes(grey(17, 23, zlib.compress(words.tobytes()), compression=50000, rows=23))
    module = types.ModuleType("compression.zstd")
    module.ZstdDecompressor = zlib.decompressobj
    monkeypatch.setitem(sys.modules, "compression", types.ModuleType("compression"))
    monkeypatch.setitem(sys.modules, "compression.zstd", module)
    np.testing.assert_allclose(read(path).pixels[..., 0], words / 257, atol=1e-4)
    monkeypatch.undo()
    if sys.version_info < (3, 14):
        with pytest.raises(FileError, match="compression ZSTD needs the package imagecodecs"):
            read(path)
