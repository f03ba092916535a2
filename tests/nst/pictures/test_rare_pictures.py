"""Honest pictures of rare kinds are seen as they are meant, or refused, never as another one."""

import io
import struct
import zlib

import numpy as np
import PIL
import pytest
from PIL import Image

from minigrad.errors import FileError
from nst.pictures import directory, files, tiff
from tests.helpers.narrow_pictures import read

needs_tifffile = pytest.mark.skipif(tiff.available() is None, reason="needs tifffile")
RNG = np.random.default_rng(3)
GREYS = RNG.integers(0, 65536, (10, 13)).astype(np.uint16)
COLORS = RNG.integers(0, 65536, (10, 13, 3)).astype(np.uint16)
ALPHA = RNG.integers(600, 65536, (10, 13)).astype(np.uint16)


@pytest.fixture
def without_tifffile(monkeypatch):
    monkeypatch.setattr(tiff, "available", lambda: None)


# ------------------------------------------------------------------- PNG


def png(samples, depth, clear=None):
    """A PNG of grey (H×W) or colours (H×W×3), with a transparent colour."""
    height, width = samples.shape[:2]
    bits = np.unpackbits(samples.astype(">u2").view(np.uint8).reshape(height, -1, 2), axis=2)
    rows = np.packbits(bits[..., 16 - depth:].reshape(height, -1), axis=1)
    head = struct.pack(">IIBBBBB", width, height, depth, 2 * (samples.ndim == 3), 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"".join(
        b"\0" + row.tobytes() for row in rows))), (b"IEND", b"")]
    if clear is not None:
        chunks.insert(1, (b"tRNS", struct.pack(f">{len(clear)}H", *clear)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks)


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_the_transparent_grey_of_a_png(tmp_path, depth):
    path, greys = tmp_path / "p.png", GREYS >> (16 - depth)
    clear = int(greys[4, 4])
    path.write_bytes(png(greys, depth, (clear,)))
    picture = read(path)
    np.testing.assert_array_equal(picture.alpha, np.where(greys == clear, 0, 255))
    seen = greys != clear
    expected = greys[seen] * (255 / (2**depth - 1))
    np.testing.assert_allclose(picture.pixels[seen, 1], expected, atol=1e-3)
    absent = min(set(range(2**depth)) - set(greys.ravel().tolist()), default=None)
    if absent is not None:
        path.write_bytes(png(greys, depth, (absent,)))
        assert read(path).alpha is None


@pytest.mark.parametrize("depth", [8, 16])
def test_the_transparent_colour_of_a_png(tmp_path, depth):
    """Of 16 bits, all count: Pillow looks at the upper bytes only."""
    path, colors = tmp_path / "p.png", COLORS >> (16 - depth)
    clear = colors[4, 4]
    colors[5, 5] = colors[4, 4]
    colors[6] = colors[4, 4] ^ 1                        # another one
    path.write_bytes(png(colors, depth, clear.tolist()))
    picture = read(path)
    np.testing.assert_array_equal(picture.alpha, np.where((colors == clear).all(axis=2), 0, 255))
    assert (picture.alpha == 0).sum() == 2
    top = 2**depth - 1
    np.testing.assert_allclose(picture.pixels[6], colors[6] * (255 / top), atol=1)


def test_no_pixel_of_the_transparent_colour(tmp_path):
    """Black pixels became transparent, because the lower bytes of the colour are 0."""
    colors = np.zeros((10, 13, 3), np.uint16)
    colors[5:] = 50_000
    (tmp_path / "p.png").write_bytes(png(colors, 16, (0x1200, 0x3400, 0x5600)))
    picture = read(tmp_path / "p.png")
    assert picture.alpha is None and (picture.pixels[:5] == 0).all()


# ------------------------------------------------------------------- TIFF


def write(path, samples, **options):
    tiff.available().imwrite(path, samples, metadata=None, **options)


@needs_tifffile
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("kind", ["minisblack", "miniswhite"])
def test_grey_with_alpha(tmp_path, dtype, kind):
    """Where 0 is white, it is still transparent."""
    shift = 8 if dtype == np.uint8 else 0
    grey, alpha = (GREYS >> shift).astype(dtype), (ALPHA >> shift).astype(dtype)
    write(tmp_path / "p.tif", np.dstack([grey, alpha]), photometric=kind, planarconfig="contig",
          extrasamples=["unassalpha"])
    picture, top = read(tmp_path / "p.tif"), np.iinfo(dtype).max
    seen = grey if kind == "minisblack" else top - grey
    np.testing.assert_allclose(picture.pixels[..., 2], seen * (255 / top), atol=1e-3)
    np.testing.assert_allclose(picture.alpha, alpha * (255 / top), atol=1e-3)


@needs_tifffile
def test_alpha_among_other_extra_samples(tmp_path):
    planes = np.dstack([COLORS, GREYS, ALPHA, GREYS])
    for kinds, is_alpha in ((["unspecified", "unassalpha", "assocalpha"], True),
                            (["unspecified"] * 3, False)):
        write(tmp_path / "p.tif", planes, photometric="rgb", extrasamples=kinds)
        picture = read(tmp_path / "p.tif")
        np.testing.assert_allclose(picture.pixels, COLORS / 257, atol=1e-3)
        if not is_alpha:
            assert picture.alpha is None
            continue
        np.testing.assert_allclose(picture.alpha, ALPHA / 257, atol=1e-3)


@needs_tifffile
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("kind, colors", [("minisblack", 1), ("rgb", 3), ("separated", 4)])
@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("alpha", ["unassalpha", "assocalpha"])
def test_colours_with_transparency(tmp_path, dtype, kind, colors, planes, compression, alpha):
    """Pillow knows premultiplied RGB, and most of the others not, or as another picture."""
    step = 1 if dtype == np.uint8 else 257
    values = RNG.integers(0, 256, (10, 13, colors)).astype(float)
    opacity = np.broadcast_to(np.linspace(51, 255, 13).round()[:, None], (10, 13, 1))
    stored = values * opacity / 255 if alpha == "assocalpha" else values
    samples = (np.dstack([stored, opacity]) * step).round().astype(dtype)
    write(tmp_path / "p.tif", samples if planes == "contig" else samples.transpose(2, 0, 1).copy(),
          photometric=kind, planarconfig=planes, extrasamples=[alpha], compression=compression)
    picture = read(tmp_path / "p.tif")
    np.testing.assert_allclose(picture.alpha, opacity[..., 0], atol=1e-3)
    seen = ((255 - values[..., :3]) * (255 - values[..., 3:]) / 255 if colors == 4 else
            values.repeat(4 - colors, axis=2)[..., :3])
    # Of a fifth of its steps, no more can be told.
    limit = 1.5 if colors == 4 else 1e-3
    np.testing.assert_allclose(picture.pixels, seen, atol=limit if alpha == "unassalpha" else 6)


@needs_tifffile
def test_inks_that_are_no_cmyk(tmp_path):
    write(tmp_path / "p.tif", np.dstack([COLORS, ALPHA, ALPHA]), photometric="separated",
          extrasamples=["unassalpha"], extratags=[(332, 3, 1, 2, True)])
    with pytest.raises(FileError, match="has an unsupported format"):
        read(tmp_path / "p.tif")


def linear_grey():
    """A profile of grey whose samples are light."""
    tags = {b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">iii", 63190, 65536, 54061),
            b"kTRC": b"curv\0\0\0\0" + struct.pack(">IHH", 1, 0x100, 0),
            b"cprt": b"text\0\0\0\0a\0\0\0"}
    head = bytes(12) + b"mntrGRAYXYZ " + bytes(12) + b"acsp" + bytes(28)
    head = (b"\0\0\0\0lcms\x02\x10\0\0" + head[12:]
            + struct.pack(">iii", 63190, 65536, 54061)).ljust(128, b"\0")
    table, body, at = b"", b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        table += struct.pack(">4sII", name, at + len(body), len(content))
        body += content
    profile = head + struct.pack(">I", len(tags)) + table + body
    return struct.pack(">I", len(profile)) + profile[4:]


@needs_tifffile
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_profile_of_grey(tmp_path, dtype):
    top = np.iinfo(dtype).max
    grey = np.linspace(0, top, 30).round().astype(dtype)[None].repeat(4, axis=0)
    light = grey / top
    seen = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    write(tmp_path / "p.tif", grey, photometric="minisblack", iccprofile=linear_grey())
    np.testing.assert_allclose(read(tmp_path / "p.tif").pixels[..., 0], seen, atol=3)


def packed(samples, bits, photometric=1, order="<", **entries):
    """A TIFF of one strip, whose samples lie across bytes, each row from a byte on."""
    height, width = samples.shape[:2]
    words = samples.astype(">u2").view(np.uint8).reshape(height, -1, 2)
    data = np.packbits(np.unpackbits(words, axis=2)[..., 16 - bits:].reshape(height, -1),
                       axis=1).tobytes()
    if entries.get("compression") == 8:
        data = zlib.compress(data)
    colors = 1 if samples.ndim == 2 else 3
    listed = [(256, width), (257, height), (258, bits), (259, entries.get("compression", 1)),
              (262, photometric if colors == 1 else 2), (273, 8), (277, colors), (278, height),
              (279, len(data))]
    extra = b""
    content = struct.pack(order + "H", len(listed))
    for tag, value in listed:
        if tag == 258 and colors == 3:
            place = 8 + len(data) + len(data) % 2 + 2 + 12 * len(listed) + 4
            content += struct.pack(order + "HHII", tag, 3, 3, place)
            extra = struct.pack(order + "HHH", bits, bits, bits)
        else:
            content += struct.pack(order + "HHII", tag, 4, 1, value)
    head = b"II*\0" if order == "<" else b"MM\0*"
    return (head + struct.pack(order + "I", 8 + len(data) + len(data) % 2) + data
            + bytes(len(data) % 2) + content + bytes(4) + extra)


@needs_tifffile
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", range(9, 16))
def test_samples_that_lie_across_bytes(tmp_path, bits, order):
    path, top = tmp_path / "p.tif", 2**bits - 1
    for samples in (GREYS, GREYS[:, :8], GREYS[:, :1], COLORS):
        samples = samples >> (16 - bits)
        for compression in (1, 8):
            path.write_bytes(packed(samples, bits, order=order, compression=compression))
            seen = samples if samples.ndim == 3 else samples[..., None].repeat(3, axis=2)
            np.testing.assert_allclose(read(path).pixels, seen * (255 / top), atol=3e-3)
    path.write_bytes(packed(GREYS >> (16 - bits), bits, 0, order))
    np.testing.assert_allclose(read(path).pixels[..., 0],
                               255 - (GREYS >> (16 - bits)) * (255 / top), atol=3e-3)
    with pytest.raises(FileError, match="cannot be read"):
        path.write_bytes(packed(GREYS[:, :12] >> (16 - bits), bits).replace(
            struct.pack("<HHII", 256, 4, 1, 12), struct.pack("<HHII", 256, 4, 1, 40)))
        read(path)


@needs_tifffile
def test_samples_that_need_a_codec(tmp_path):
    """They have 20 bits, which neither Pillow nor tifffile alone reads."""
    (tmp_path / "p.tif").write_bytes(packed(GREYS, 10).replace(
        struct.pack("<HHII", 258, 4, 1, 10), struct.pack("<HHII", 258, 4, 1, 20)))
    try:
        import imagecodecs  # noqa: F401
    except ImportError:
        with pytest.raises(FileError, match="its samples of 20 bits need the package imagecodecs"):
            read(tmp_path / "p.tif")


def test_12_bits_by_pillow(tmp_path, without_tifffile):
    """They were sixteen times too dark."""
    (tmp_path / "p.tif").write_bytes(packed(GREYS[:, :12] >> 4, 12))
    np.testing.assert_allclose(read(tmp_path / "p.tif").pixels[..., 0],
                               (GREYS[:, :12] >> 4) * (255 / 4095), atol=3e-3)


@needs_tifffile
@pytest.mark.parametrize("dtype, top", [(np.uint16, 65535), (np.uint32, 2**32 - 1),
                                        (np.float32, 1)])
@pytest.mark.parametrize("kind", ["minisblack", "miniswhite"])
def test_deep_greys_by_pillow(tmp_path, monkeypatch, dtype, top, kind):
    """Of white that is 0, Pillow knows nothing if the samples have 16 bits or are floats."""
    values = RNG.random((10, 13))
    write(tmp_path / "p.tif", (values * top).astype(dtype), photometric=kind)
    monkeypatch.setattr(tiff, "available", lambda: None)
    if (kind, dtype) == ("miniswhite", np.uint32):
        with pytest.raises(FileError):
            read(tmp_path / "p.tif")
        return
    seen = values if kind == "minisblack" else 1 - values
    np.testing.assert_allclose(read(tmp_path / "p.tif").pixels[..., 0], 255 * seen, atol=5e-3)


@needs_tifffile
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("kind", [1, 4, 5])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_a_thumbnail_before_the_picture(tmp_path, dtype, kind, order, big):
    colors = (COLORS >> (8 if dtype == np.uint8 else 0)).astype(dtype)
    path = tmp_path / "p.tif"
    with tiff.available().TiffWriter(path, byteorder=order, bigtiff=big) as file:
        for each, subfile in ((colors[::3, ::3], 1), (colors, 0), (colors[::2], 0)):
            file.write(each, photometric="rgb", subfiletype=subfile, metadata=None)
    with tiff.available().TiffFile(path) as file:
        place = file.pages.first.tags[254].valueoffset
    data = bytearray(path.read_bytes())
    struct.pack_into(order + "I", data, place, kind)
    path.write_bytes(data)
    assert directory.picture_page(path) == 1
    np.testing.assert_allclose(read(path).pixels, colors / (1 if dtype == np.uint8 else 257),
                               atol=1e-3)
    if not (big and order == ">"):          # which Pillow does not read
        assert files.read_settings(path) is None


@needs_tifffile
def test_only_thumbnails(tmp_path):
    write(tmp_path / "p.tif", GREYS, photometric="minisblack", subfiletype=1)
    assert read(tmp_path / "p.tif").size == (13, 10)
    data = bytearray((tmp_path / "p.tif").read_bytes())
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    for following in (start, len(data) - 1, 1 << 31):       # itself, and nothing
        struct.pack_into("<I", data, start + 2 + 12 * count, following)
        (tmp_path / "p.tif").write_bytes(data)
        assert directory.picture_page(tmp_path / "p.tif") == 0
        assert read(tmp_path / "p.tif").size == (13, 10)


# ------------------------------------------------------------------- palettes


def test_transparency_in_the_colour_map_of_a_tga(tmp_path):
    """Pillow before 13 refuses such a file."""
    head = struct.pack("<BBBHHBHHHHBB", 0, 1, 1, 0, 4, 32, 0, 0, 4, 1, 8, 0x28)
    colors = bytes([1, 2, 3, 9, 10, 20, 30, 255, 40, 50, 60, 128, 7, 8, 9, 255])    # BGRA
    (tmp_path / "p.tga").write_bytes(head + colors + bytes([0, 1, 2, 3]))
    if int(PIL.__version__.partition(".")[0]) < 13:
        with pytest.raises(FileError, match="unrecognized raw mode"):
            read(tmp_path / "p.tga")
        return
    picture = read(tmp_path / "p.tga")
    np.testing.assert_array_equal(picture.alpha, [[9, 255, 128, 255]])
    np.testing.assert_array_equal(picture.pixels[0, 2], [60, 50, 40])


def test_a_palette_that_is_missing(tmp_path):
    data = png(GREYS >> 8, 8)
    head = data[12:25] + b"\3" + data[26:29]                # the colours are those of a palette
    (tmp_path / "p.png").write_bytes(
        data[:12] + head + struct.pack(">I", zlib.crc32(head)) + data[33:])
    assert read(tmp_path / "p.png").alpha is None


# ------------------------------------------------------------------- EXIF

TURNED = 274, 3, 1, struct.pack("<H", 6)


def exif(*entries):
    """A block of these entries: tag, type, count and bytes."""
    at, body, content = 8 + 2 + 12 * len(entries) + 4, b"", struct.pack("<H", len(entries))
    for tag, kind, count, value in entries:
        content += struct.pack("<HHI", tag, kind, count)
        if len(value) > 4:
            content += struct.pack("<I", at + len(body))
            body += value
        else:
            content += value.ljust(4, b"\0")
    return b"Exif\0\0II*\0\x08\0\0\0" + content + bytes(4) + body


@pytest.mark.parametrize("entry", [
    (256, 2, 3, b"40\0"), (282, 10, 1, struct.pack("<ii", -5, 3)), (282, 2, 3, b"72\0"),
    (256, 8, 1, struct.pack("<h", -4)), (282, 12, 1, struct.pack("<d", float("nan")))],
    ids=["width in letters", "signed resolution", "resolution in letters", "negative", "NaN"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_odd_entries_beside_the_orientation(tmp_path, entry, kind):
    """A camera's or editor's mistake in another entry is no damage of the picture."""
    image = Image.fromarray((GREYS >> 8).astype(np.uint8)).convert("RGB")
    upright, encoded = {}, io.BytesIO()
    for name, entries in (("plain", ()), ("turned", (TURNED, entry))):
        path = tmp_path / f"{name}.{kind.lower()}"
        options = {"lossless": True} if kind == "WEBP" else {}
        image.save(encoded, kind, exif=exif(*sorted(entries)), **options)
        path.write_bytes(encoded.getvalue())
        upright[name], encoded = read(path).pixels, io.BytesIO()
    np.testing.assert_array_equal(upright["turned"], np.rot90(upright["plain"], -1))


def test_the_orientation_in_xmp(tmp_path):
    """Pillow takes it from there if EXIF has none."""
    image = Image.fromarray((COLORS >> 8).astype(np.uint8))
    image.save(tmp_path / "p.webp", lossless=True, xmp=b'<x tiff:Orientation="6"/>')
    np.testing.assert_array_equal(read(tmp_path / "p.webp").pixels, np.rot90(np.asarray(image), -1))


@pytest.mark.parametrize("orientation", [0, 9, 70])
def test_orientations_that_mean_nothing(tmp_path, orientation):
    image = Image.fromarray((COLORS >> 8).astype(np.uint8))
    image.save(tmp_path / "p.png", exif=exif((274, 3, 1, struct.pack("<H", orientation))))
    np.testing.assert_array_equal(read(tmp_path / "p.png").pixels, np.asarray(image))
