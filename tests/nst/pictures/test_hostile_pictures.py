"""Pictures that were made to do harm: what they merely state takes no memory and no time."""

import io
import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from minigrad.errors import FileError
from nst.pictures import bounded, files, jpeg2000, repairs, tiff
from nst.pictures.bounded import BoundedFile

ROOT = Path(__file__).parents[3]
HUGE = 0x7FFF_FFF0              # bytes that a file states; Python would allocate them
MAX_GROWTH = 200 << 20          # bytes of addresses; Pillow's own buffers take less
KINDS = (b"IDAT", b"fdAT", b"fcTL", b"tEXt", b"zTXt", b"iCCP", b"eXIf", b"PLTE", b"juNk", b"IEND")

# Reads every file of a folder, and says by how much the most addresses have grown until then.
CHILD = """
import json, sys
from pathlib import Path
from nst.pictures import files
from tests.fuzz import limits

def addresses(name):
    line, = (line for line in open("/proc/self/status") if line.startswith(name))
    return int(line.split()[1]) << 10

limits.install()
found = {}
before = addresses("VmSize")
for path in sorted(Path(sys.argv[1]).iterdir()):
    for read in (files.read_settings, lambda path: files.read(path, "content")):
        try:
            with limits.limited():
                read(path)
        except limits.BadEndError as error:
            found[path.name] = str(error)
    found.setdefault(path.name, addresses("VmPeak") - before)
print(json.dumps(found))
"""


# ------------------------------------------------------------------------ crafted files


def chunk(kind, content, length=None):
    """A chunk of PNG, which may state a length that is not its own."""
    return (struct.pack(">I", len(content) if length is None else length) + kind + content
            + struct.pack(">I", zlib.crc32(kind + content)))


HEAD = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0))
ROWS = zlib.compress(bytes(4 * 13))
DATA, END = chunk(b"IDAT", ROWS), chunk(b"IEND", b"")


def pngs():
    """PNGs of 4 × 4 pixels in which one chunk states gigabytes."""
    for kind in KINDS:
        lie = chunk(kind, b"abcdefgh", HUGE)
        yield f"{kind.decode()} before", HEAD + lie + DATA + END
        yield f"{kind.decode()} after", HEAD + DATA + lie + END
    yield "only IDAT", HEAD + chunk(b"IDAT", ROWS, HUGE) + END
    yield "without an end", HEAD + struct.pack(">I", HUGE) + b"IDAT" + ROWS
    frames = [chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, 4, 4, 0, 0, 1, 10, 0, 0))
              for number in range(2)]
    start = HEAD + chunk(b"acTL", struct.pack(">II", 2, 0)) + frames[0]
    yield "first frame", start + chunk(b"IDAT", ROWS, HUGE) + frames[1] + END
    yield "next frame", (start + DATA + frames[1]
                         + chunk(b"fdAT", struct.pack(">I", 2) + ROWS, HUGE) + END)


def ico(inner, stated=None):
    entry = struct.pack("<BBBBHHII", 4, 4, 0, 0, 1, 32, stated or len(inner), 22)
    return struct.pack("<HHH", 0, 1, 1) + entry + inner


def icns(inner):
    return (struct.pack(">4sI", b"icns", 16 + len(inner))
            + struct.pack(">4sI", b"ic07", 8 + len(inner)) + inner)


def saved(kind, mode="RGB", **options):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    encoded = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(encoded, kind, **options)
    return encoded.getvalue()


def with_number(data, place, number, kind="<I"):
    changed = bytearray(data)
    struct.pack_into(kind, changed, place, number)
    return bytes(changed)


def entry(data, tag, number, of_count=False):
    """A little-endian TIFF in which one entry of the directory has another value or count."""
    (start,) = struct.unpack_from("<I", data, 4)
    place = start + 2
    while struct.unpack_from("<H", data, place) != (tag,):
        place += 12
    if of_count:
        return with_number(data, place + 4, number)
    return with_number(with_number(data, place + 2, 4, "<H"), place + 8, number)     # 32 bits


def two_strips():
    """A TIFF whose second strip begins gigabytes after the first."""
    data = entry(saved("TIFF"), 278, 32)
    places = len(data)
    data += struct.pack("<IIII", 8, HUGE, 6144, 6144)
    for tag, place in ((273, places), (279, places + 8)):
        data = entry(entry(data, tag, 2, of_count=True), tag, place)
    return data


def exif(kind, count):
    """A JPEG whose EXIF block has an entry of that many values."""
    block = (b"Exif\0\0II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 0x8769, 4, 1, 26) + b"\1\0"
             + struct.pack("<HHII", 0x9286, kind, count, 8) + bytes(4))
    data = saved("JPEG")
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]


def psd(colors=0, resource=None):
    resources = b"" if resource is None else b"8BIM" + struct.pack(">HHI", 1039, 0, resource)
    return (b"8BPS" + struct.pack(">H6xHIIHHI", 1, 3, 4, 4, 8, 3, colors)
            + struct.pack(">I", len(resources)) + resources + bytes(54))


def dib(bits):
    """An icon of 9000 × 9000 pixels without data."""
    header = struct.pack("<IiiHHIIiiII", 40, 9000, 18000, 1, bits, 0, 0, 0, 0, 2, 0)
    return ico(header + bytes(64))


def webp(width, height):
    """A lossless WebP of a few bytes, and of any size."""
    encoded = io.BytesIO()
    Image.new("RGB", (2, 2)).save(encoded, "WEBP", lossless=True)
    data = encoded.getvalue()
    (sides,) = struct.unpack_from("<I", data, 21)
    return with_number(data, 21, sides >> 28 << 28 | height - 1 << 14 | width - 1)


def crafted():
    """Name -> content of every file."""
    found = {}
    for name, data in pngs():
        found |= {f"PNG {name}": data, f"ICO {name}": ico(data), f"ICNS {name}": icns(data),
                  f"ICO of huge size {name}": ico(data, HUGE)}
    found |= {f"ICO of {bits} bits": dib(bits) for bits in (1, 32)}
    bmp, gif = saved("BMP", "P"), saved("GIF", "P")
    found |= {f"BMP at {place}": with_number(bmp, place, HUGE) for place in (10, 14, 34, 46)}
    found |= {"GIF": with_number(gif, 6, 65_000 | 2_700 << 16), "TIFF of two strips": two_strips()}
    for compression in (None, "tiff_lzw", "tiff_adobe_deflate", "jpeg"):
        data = saved("TIFF", compression=compression)
        for tag in (258, 273, 279):
            found[f"TIFF {compression} {tag}"] = entry(data, tag, HUGE)
            found[f"TIFF {compression} count of {tag}"] = entry(data, tag, HUGE, of_count=True)
    jpeg = saved("JPEG")
    found |= {"JPEG": jpeg[:2] + b"\xff\xe1\xff\xff" + jpeg[2:], "EXIF": exif(7, HUGE)}
    found |= {"PSD colours": psd(colors=HUGE), "PSD resource": psd(resource=0xFFFF_FFF0)}
    plain = saved("WEBP", lossless=True)
    found |= {"WebP file": with_number(plain, 4, HUGE), "WebP chunk": with_number(plain, 16, HUGE),
              "WebP canvas": webp(13_000, 13_000)}
    if features.check("jpg_2000"):
        data = saved("JPEG2000")
        for name in (b"jp2h", b"jp2c"):
            place = data.index(name) - 4
            found[f"JPEG2000 {name.decode()}"] = with_number(data, place, HUGE, ">I")
            found[f"JPEG2000 {name.decode()} of 64 bits"] = (
                data[:place] + struct.pack(">I4sQ", 1, name, 1 << 40) + data[place + 8:])
    return found


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs Linux's /proc")
def test_what_a_file_states_is_not_allocated(tmp_path):
    for name, content in crafted().items():
        (tmp_path / name).write_bytes(content)
    done = subprocess.run([sys.executable, "-c", CHILD, str(tmp_path)], cwd=ROOT, text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) == len(crafted())
    assert not {name: end for name, end in found.items()
                if isinstance(end, str) or end > MAX_GROWTH}


# ------------------------------------------------------------------------ the parts


def test_a_bounded_file_reads_what_is_left(tmp_path):
    content = bytes(range(256)) * 1000
    (tmp_path / "file").write_bytes(content)
    with BoundedFile(tmp_path / "file") as file:
        assert file.read(1 << 40) == content and file.read(1 << 40) == b""
        file.seek(255_000)
        assert file.read(70_000) == content[255_000:]
        file.seek(1 << 33)
        assert file.read(1 << 40) == b""
        file.seek(10)
        assert file.read() == file.read(None) + content[10:]
    with pytest.raises(FileNotFoundError):
        BoundedFile(tmp_path / "nothing")


@pytest.mark.parametrize("options", [{"lossless": True}, {}, {"xmp": b"<x/>"}],
                         ids=["lossless", "lossy", "with metadata"])
def test_the_size_that_a_webp_states(tmp_path, options):
    path = tmp_path / "p.webp"
    Image.new("RGB", (300, 70), (9, 8, 7)).save(path, **options)
    with BoundedFile(path) as file:
        assert bounded.webp_pixels(file) == 300 * 70
    assert files.read(path, "content").size == (300, 70)


def test_a_webp_of_a_large_canvas_is_refused_before_it_is_opened(tmp_path):
    path = tmp_path / "p.webp"
    path.write_bytes(webp(16_000, 16_000))
    with pytest.raises(FileError, match="has more than 178,956,970 pixels"):
        files.read(path, "content")
    path.write_bytes(webp(13_000, 13_000))
    for read in (files.read_settings, lambda path: files.read(path, "content")):
        with pytest.raises(FileError, match="claims to have 169,000,000 pixels in a file of"):
            read(path)


@pytest.mark.skipif(tiff.available() is None, reason="needs tifffile")
@pytest.mark.parametrize("tags", [{256: 1, 257: 6_600_000, 278: 1, 259: 8}, {
    256: 2500, 257: 2500, 322: 1, 323: 1}], ids=["strips", "tiles"])
def test_a_tiff_of_millions_of_strips_or_tiles(tmp_path, tags):
    """200 bytes took 18 seconds and 1.2 GB: tifffile makes an object for each."""
    path, encoded = tmp_path / "p.tif", io.BytesIO()
    tiff.available().imwrite(encoded, np.zeros((16, 16), np.uint16), metadata=None,
                             tile=(16, 16) if 322 in tags else None)
    data = encoded.getvalue()
    path.write_bytes(data)
    assert files.read(path, "content").size == (16, 16)
    for tag, value in tags.items():
        data = entry(data, tag, value)
    path.write_bytes(data)
    with pytest.raises(FileError, match=r"states 6,[26]\d\d,\d\d\d strips or tiles, but may have"):
        files.read(path, "content")


def repeated(jpeg, times):
    """The JPEG with more scans: the header of its last one, and two bytes."""
    last = jpeg.rindex(b"\xff\xda")
    header = jpeg[last:last + 2 + int.from_bytes(jpeg[last + 2:last + 4])]
    return jpeg[:-2] + (header + bytes(2)) * times + jpeg[-2:]


def test_a_jpeg_of_many_scans(tmp_path):
    """124 KB took 8 seconds, at 20 million pixels; a scan needs no more data at 170 million."""
    path = tmp_path / "p.jpg"
    for kind, scans in (("RGB", 10), ("L", 6)):
        jpeg = saved("JPEG", kind, progressive=True)
        assert bounded.jpeg_scans(jpeg) == scans
        for times, is_read in ((100, True), (300, False)):
            path.write_bytes(repeated(jpeg, times))
            if is_read:
                assert files.read(path, "content").size == (64, 64)
                continue
            with pytest.raises(FileError, match=rf"states {scans + times} scans, but may have 200"):
                files.read(path, "content")


def test_many_scans_of_many_pixels(tmp_path, monkeypatch):
    """374 KB of 178 million pixels took 25 seconds."""
    path = tmp_path / "p.jpg"
    jpeg = saved("JPEG", progressive=True)              # of ten scans
    size = jpeg.index(b"\xff\xc2") + 5
    for times in (10, 20):
        path.write_bytes(with_number(repeated(jpeg, times), size, 13_000 << 16 | 13_000, ">I"))
        with pytest.raises(FileError, match="pixels in its scans" if times == 20 else "claims to"):
            files.read(path, "content")
    path.write_bytes(jpeg[:-2])                         # whose end is found again in ten scans
    assert files.read(path, "content").size == (64, 64)
    monkeypatch.setattr(repairs, "MAX_SCANNED", 64 * 64 * 9)
    with pytest.raises(FileError, match="truncated"):
        files.read(path, "content")


def test_the_scans_of_other_jpegs():
    """What merely looks like a scan is none: in data, in a segment, after the end."""
    jpeg = saved("JPEG")
    assert bounded.jpeg_scans(repeated(jpeg, 5)) == 1       # all colours are in the first
    preview = b"\xff\xe1\0\x10" + b"\xff\xda" * 7
    progressive = saved("JPEG", progressive=True, restart_marker_blocks=1)
    assert bounded.jpeg_scans(progressive[:2] + preview + progressive[2:] + b"\xff\xda" * 9) == 10
    first = jpeg.index(b"\xff\xda")
    apart = b"\xff\xda\0\x08\1\1\0\0\x3f\0\0\0\xff\0\xff\xd0\0"        # one colour
    assert bounded.jpeg_scans(jpeg[:first] + apart * 4 + b"\xff\xd9") == 4
    assert [bounded.jpeg_scans(jpeg[:length]) for length in (0, 2, 3, first, first + 1)] == [0] * 5


def with_style(data, **changes):
    """A codestream of JPEG 2000 with other sizes, code blocks, layers or precincts."""
    changed, size, style = bytearray(data), data.index(b"\xff\x51"), data.index(b"\xff\x52")
    for name, kind, place in (("width", ">I", size + 6), ("height", ">I", size + 10),
                              ("tile_width", ">I", size + 22), ("tile_height", ">I", size + 26),
                              ("layers", ">H", style + 6), ("block", ">H", style + 10)):
        if name in changes:
            struct.pack_into(kind, changed, place, changes[name])
    for number in range(changed[style + 9] + 1 if "precinct" in changes else 0):
        changed[style + 14 + number] = changes["precinct"] if number else 0
    return bytes(changed)


needs_jpeg2000 = pytest.mark.skipif(not features.check("jpg_2000"), reason="needs OpenJPEG")


@needs_jpeg2000
@pytest.mark.parametrize("changes, sentence", [
    ({"block": 0}, "it states 3,651,534 code blocks, but may have 1,000,000"),
    ({"width": 1, "height": 19_000_000}, r"it states [\d,]+ code blocks"),
    ({"precinct": 0x11}, r"it states [\d,]+ code blocks"),
    ({"layers": 65535}, r"it states [\d,]+ packets, but may have 10,000,000"),
    ({"tile_width": 20, "tile_height": 20}, "it states 48,400 tiles, but may have 20,000"),
], ids=["code blocks", "a thin picture", "precincts", "layers", "tiles"])
def test_a_finely_divided_jpeg2000(tmp_path, changes, sentence):
    """730 bytes took 8 GB and a minute, with or without data for what they state."""
    path = tmp_path / "p.j2k"
    data = saved("JPEG2000", no_jp2=True, codeblock_size=(16, 16), precinct_size=(32, 32))
    size = {"width": 4400, "height": 4400, "tile_width": 4400, "tile_height": 4400}
    if changes == {"block": 0}:             # whose precincts are the largest
        data = saved("JPEG2000", no_jp2=True)
    path.write_bytes(with_style(data, **{**size, "tile_height": 19_000_000, **changes}))
    with pytest.raises(FileError, match=f"cannot be read: {sentence}"):
        files.read(path, "content")


@needs_jpeg2000
def test_the_style_of_one_component_of_a_jpeg2000():
    data = with_style(saved("JPEG2000", no_jp2=True), width=4400, height=4400, tile_width=4400,
                      tile_height=4400)
    jpeg2000.check_counts(data)
    for head in (b"\xff\x53\0\x09\1\0\5\0\0\0\0",
                 b"\xff\x53\0\x0b\1\1\1\4\4\0\0\x00\x11"):
        with pytest.raises(ValueError, match="code blocks"):
            jpeg2000.check_counts(data + head)
        jpeg2000.check_counts(data + head[:-1])             # cut off
    many = b"".join(b"\xff\x53\0\x0b\1\1\1\4\4\0\0" + struct.pack(">H", number | 0x8080)
                    for number in range(1 << 16))
    with pytest.raises(ValueError, match="states 10,001 ways in which it is divided"):
        jpeg2000.check_counts(data + many)


@needs_jpeg2000
@pytest.mark.parametrize("options", [
    {}, {"codeblock_size": (32, 32)}, {"precinct_size": (32, 32)}, {"num_resolutions": 1},
    {"tile_size": (16, 16)}, {"quality_layers": [40, 20, 10]}, {"no_jp2": True}],
    ids=["plain", "small blocks", "precincts", "one resolution", "tiles", "layers", "codestream"])
def test_usual_files_of_jpeg2000(tmp_path, options):
    """They are read, and in the usual blocks with as many pixels as are allowed."""
    (tmp_path / "p.jp2").write_bytes(data := saved("JPEG2000", **options))
    assert files.read(tmp_path / "p.jp2", "content").size == (64, 64)
    if not {"tile_size", "precinct_size"} & options.keys():
        jpeg2000.check_counts(with_style(data, width=16_000, height=11_000, tile_width=16_000,
                                         tile_height=11_000))


@pytest.fixture
def opened(monkeypatch):
    """The files that Pillow was given, whether or not anybody else still has them."""
    found = []

    class Noted(BoundedFile):
        def __init__(self, path):
            super().__init__(path)
            found.append(self)

    for module in (files, repairs):
        monkeypatch.setattr(module, "BoundedFile", Noted)
    return found


def pictures():
    """Name and content of files of all kinds, whole and damaged."""
    frames = [Image.new("P", (9, 7), color) for color in range(3)]
    several = {"save_all": True, "append_images": frames}
    yield from {
        "plain.png": saved("PNG"), "plain.jpg": saved("JPEG"), "plain.webp": saved("WEBP"),
        "lzw.tif": saved("TIFF", compression="tiff_lzw"), "icon.ico": saved("ICO", sizes=[(9, 7)]),
        "frames.gif": saved("GIF", "P", **several), "frames.png": saved("PNG", "P", **several),
        "pages.tif": saved("TIFF", "P", **several), "plain.bmp": saved("BMP"),
        "cut.jpg": saved("JPEG")[:900], "cut.png": saved("PNG")[:900], "text.png": b"hello",
        "cut.tif": saved("TIFF", compression="tiff_lzw")[:900], "large.webp": webp(13_000, 13_000),
    }.items()


@pytest.mark.parametrize("name, content", list(pictures()), ids=[name for name, _ in pictures()])
def test_files_are_closed(tmp_path, opened, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    for read in (files.read_settings, lambda path: files.read(path, "content")):
        try:
            read(path)
        except FileError:
            assert name.startswith(("cut", "text", "large"))
    assert len(opened) >= 2 and all(file.closed for file in opened)
