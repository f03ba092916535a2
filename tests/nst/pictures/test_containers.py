"""Pictures of many parts: Pillow visits each in Python, so they are counted before."""

import io
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from minigrad.errors import FileError
from nst.pictures import bounded, containers, files

PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


def saved(kind, **options):
    encoded = io.BytesIO()
    Image.fromarray(PIXELS).save(encoded, kind, **options)
    return encoded.getvalue()


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(
        kind + content))


def png(*before, after=()):
    """A PNG with more chunks before and after its pixels."""
    data = saved("PNG")
    pixels, end = data.index(b"IDAT") - 4, data.index(b"IEND") - 4
    return data[:pixels] + b"".join(before) + data[pixels:end] + b"".join(after) + data[end:]


def jpeg(*segments):
    """A JPEG with more segments in front."""
    data = saved("JPEG")
    return data[:2] + b"".join(segments) + data[2:]


def segment(marker, content):
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def bitmap(width, height, data, kind=1):
    """A BMP in run lengths."""
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, kind, len(data), 0, 0, 2, 0)
    return b"BM" + struct.pack("<IHHI", 62 + len(data), 0, 0, 62) + head + bytes(8) + data


def icon(inner):
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 4, 4, 0, 0, 1, 32, len(inner), 22) + inner


MARK = b"Exif\0\0"
PROFILE = chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(32_000_000), 9))
BROKEN = chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(32_000_000), 9)[:-1])
LONG_EXIF = chunk(b"eXIf", b"II*\0" + bytes(8 << 20))
HEX = chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"00\n" * 8_000_000))


@pytest.mark.parametrize("content, sentence", {
    "EXIF in pieces": (jpeg(segment(0xE1, MARK + bytes(40)) * 1000),
                       "it states 101 segments of EXIF, but may have 100; save it again"),
    "comments": (jpeg(segment(0xFE, b"") * 6000), "it states 5,001 segments"),
    "a marker without a length": (jpeg(b"\xff\xf0" + segment(0xE1, MARK) * 1000), "101 segments"),
    "behind restarts": (jpeg(b"\xff\xd3\xff\xff\xff" + segment(0xE1, MARK) * 1000), "101 segm"),
    "a length of 0": (jpeg(b"\xff\xe5\0\0" * 6000), "it states 5,001 segments"),
    "metadata": (jpeg(segment(0xED, bytes(65_000)) * 60), "states 3 megabytes before its pixels"),
    "frames": (jpeg(segment(0xC0, b"\x08\0\4\0\4\3" + b"\1\x11\0" * 20_000) * 20),
               "it states 1,080,144 bytes of tables, but may have 1,048,576; save it again"),
    "padding": (jpeg(b"\xff" * 20_000), "it is read in more than 10,000 pieces"),
    "profiles": (png(PROFILE * 40), "it states 1,041 megabytes of unpacked texts and profiles"),
    "damaged texts behind": (png(after=[BROKEN * 40]), "megabytes of unpacked texts"),
    "a profile in an icon": (icon(png(PROFILE * 40)), "megabytes of unpacked texts"),
    "a long EXIF": (png(LONG_EXIF), "its EXIF has 8,388,618 bytes, but may have 8,388,608"),
    "a long EXIF behind": (png(after=[LONG_EXIF]), "its EXIF has"),
    "EXIF in hexadecimal": (png(HEX), "its EXIF has 12,000,000 bytes"),
    "comments of a PPM": (b"P3 4 4 255\n" + b"#\n" * 20_000, "it has 20,000 comments, which takes"),
    "a header of comments": (b"P3 4 4 #" + b"#" * 20_000, "it is read in more than 10,000 pieces"),
    "numbers of a PPM": (b"P3 3000 2000 255\n" + b"1 " * 20_000,
                         "it has 18,000,000 numbers as PPM, which takes too long"),
    "words of a PPM": (b"P6 3000 2000 4095\n" + bytes(60_000), "18,000,000 numbers as PPM"),
    "run lengths": (bitmap(178_000_000, 1, b"\1\0\0\0\0\1" + bytes(300_000)),
                    "it has 178,000,000 pixels as BMP, which takes too long to read; save it"),
    "run lengths in an icon": (icon(bitmap(150_000_000, 2, b"\1\0\0\0" + bytes(300_000))[14:]),
                               "it has 150,000,000 pixels of an icon, which takes too long"),
    "a QOI": (b"qoif" + struct.pack(">IIBB", 400, 250, 3, 0) + b"\1" * 100_000,
              "it is read in more than 10,000 pieces"),
    "a GIF": (saved("GIF")[:13].replace(b"\xf7", b"\0") + bytes(20_000), "more than 10,000 pieces"),
    "icons": (b"\0\0\1\0\0\2" + bytes(16 * 512), "it states 512 pictures, but may have 256"),
}.values(), ids=lambda value: value if isinstance(value, str) else "")
def test_what_would_take_long_is_refused(tmp_path, monkeypatch, content, sentence):
    monkeypatch.setattr(bounded, "MAX_READS", 10_000)
    monkeypatch.setattr(containers, "MAX_METADATA", 2 << 20)
    path = tmp_path / "picture"
    path.write_bytes(content)
    start = time.process_time()
    with pytest.raises(FileError) as error:
        files.read(path, "content")
    assert sentence in str(error.value)
    assert time.process_time() - start < 0.5


def test_many_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(containers, "MAX_CHUNKS", 1000)
    path = tmp_path / "p.png"
    path.write_bytes(png(chunk(b"juNk", b"") * 900))
    assert files.read(path, "content").size == (4, 4)
    path.write_bytes(png(chunk(b"juNk", b"") * 1100))
    with pytest.raises(FileError, match="it has more than 1,000 chunks"):
        files.read(path, "content")


@pytest.mark.parametrize("content", [
    jpeg(segment(0xE1, MARK + b"II*\0\x08\0\0\0\0\0" + bytes(60_000)), segment(0xE1, MARK + b"y"),
         *[segment(0xE2, bytes(60_000))] * 50, segment(0xFE, b"comment"), b"\xff" * 9),
    png(*[chunk(b"iTXt", b"key%d\0\0\0\0\0" % number + b"x" * 100_000) for number in range(40)]),
    png(*[chunk(b"zTXt", b"key%d\0\0" % number + zlib.compress(b"text")) for number in range(999)]),
    b"P3 # by hand\n4 4 255\n" + b"\n".join(b"%d # a number" % value for value in PIXELS.flat),
    saved("QOI"), saved("BMP"), saved("SGI"), saved("ICO", sizes=[(4, 4)]),
    bitmap(4, 4, b"\4\1\0\0" * 4 + b"\0\1")], ids=range(9))
def test_honest_files_of_many_parts(tmp_path, content):
    path = tmp_path / "picture"
    path.write_bytes(content)
    picture = files.read(path, "content")
    assert picture.size == (4, 4)
    if content[:1] not in b"\xffB":
        np.testing.assert_array_equal(picture.pixels, PIXELS)
    files.read_settings(path)


def test_long_json_is_no_settings(tmp_path):
    """31 KB took 880 MB: objects take more than their text."""
    path = tmp_path / "p.png"
    for count, expected in ((1000, [{}] * 1000), (2_000_000, None)):
        text = b'{"nst": 1, "settings": {"a": [' + b"{}," * count
        text = text[:-1] + b"]}}"
        path.write_bytes(png(chunk(b"zTXt", b"nst\0\0" + zlib.compress(text))))
        assert files.read_settings(path) == (expected and {"a": expected})
