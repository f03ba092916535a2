"""Picture files: what comes in is what people see, what goes out comes back, or it is refused."""

import io
import os
import struct
import sys
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from minigrad.errors import ArgumentError, FileError
from nst.pictures import files as files
from nst.pictures import metadata as metadata
from nst.pictures import profiles as profiles
from nst.pictures import tiff as tiff
from nst.pictures.picture import Picture

# Every example writes the same file again, so that one folder does for all.
SMALL = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LOSSLESS = [".png", ".webp", ".tif"]
needs_tifffile = pytest.mark.skipif(tiff.available() is None, reason="needs tifffile")


def read(path):
    return files.read(path, "content")


@pytest.fixture
def pixels(rng):
    return rng.integers(0, 256, (9, 14, 3)).astype(np.uint8)


def swapped_profile():
    """A profile whose red is sRGB's green, and the reverse."""
    swapped = profiles.srgb().replace(b"rXYZ", b"none").replace(b"gXYZ", b"rXYZ")
    return swapped.replace(b"none", b"gXYZ")


# ------------------------------------------------------------------------ what comes in


@pytest.mark.parametrize("orientation, turn", [
    (1, lambda a: a), (2, np.fliplr), (3, lambda a: np.rot90(a, 2)), (4, np.flipud),
    (5, lambda a: a.swapaxes(0, 1)), (6, lambda a: np.rot90(a, -1)),
    (7, lambda a: np.rot90(a, 2).swapaxes(0, 1)), (8, np.rot90)])
@pytest.mark.parametrize("ending", [".png", pytest.param(".tif", marks=needs_tifffile)])
def test_every_orientation(tmp_path, pixels, orientation, turn, ending):
    path = tmp_path / f"turned{ending}"
    if ending == ".tif":        # 16 bits, which Pillow does not turn for us
        tiff.available().imwrite(path, pixels.astype(np.uint16) * 256, photometric="rgb",
                                 extratags=[(274, "H", 1, orientation, True)])
        expected = turn(pixels.astype(np.float32)) * (256 / 257)
    else:
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(pixels).save(path, exif=exif)
        expected = turn(pixels)
    np.testing.assert_allclose(read(path).pixels, expected, atol=1e-4)


@pytest.mark.parametrize("mode, color, seen", [
    ("1", 1, (255, 255, 255)), ("L", 99, (99, 99, 99)), ("LA", (99, 255), (99, 99, 99)),
    ("RGB", (1, 2, 3), (1, 2, 3)), ("RGBA", (1, 2, 3, 255), (1, 2, 3)),
    ("CMYK", (0, 255, 0, 0), (255, 0, 255)), ("I;16", 99 * 257, (99, 99, 99)),
    ("I", 99 * 257, (99, 99, 99)), ("F", 0.6, (153, 153, 153))])
def test_modes_of_files(tmp_path, mode, color, seen):
    path = tmp_path / ("image.tif" if mode in ("CMYK", "I", "F") else "image.png")
    Image.new(mode, (5, 4), color).save(path)
    picture = read(path)
    assert picture.size == (5, 4) and picture.alpha is None
    np.testing.assert_array_equal(picture.pixels, np.full((4, 5, 3), seen))


def test_palettes_with_and_without_transparency(tmp_path):
    image = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8), "P")
    image.putpalette([10, 20, 30, 200, 0, 0, 0, 0, 255])
    image.save(tmp_path / "plain.png")
    image.save(tmp_path / "clear.png", transparency=0)
    expected = np.array([[(10, 20, 30), (200, 0, 0)], [(0, 0, 255), (200, 0, 0)]])
    np.testing.assert_array_equal(read(tmp_path / "plain.png").pixels, expected)
    clear = read(tmp_path / "clear.png")
    np.testing.assert_array_equal(clear.alpha, [[0, 255], [255, 255]])
    np.testing.assert_array_equal(clear.pixels[clear.alpha > 0], expected[clear.alpha > 0])


def test_the_print_colours_of_a_jpeg(tmp_path):
    Image.new("CMYK", (16, 16), (255, 0, 0, 0)).save(tmp_path / "ink.jpg", quality=100)
    red, green, blue = read(tmp_path / "ink.jpg").pixels[8, 8]
    assert red < 5 and green > 250 and blue > 250


def test_profiles_are_converted(tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / "p.png", icc_profile=swapped_profile())
    np.testing.assert_allclose(read(tmp_path / "p.png").pixels, pixels[..., [1, 0, 2]], atol=1)
    with_alpha = np.dstack([pixels, np.full((9, 14), 7, np.uint8)])
    Image.fromarray(with_alpha).save(tmp_path / "a.png", icc_profile=swapped_profile())
    picture = read(tmp_path / "a.png")
    np.testing.assert_allclose(picture.pixels, pixels[..., [1, 0, 2]], atol=1)
    assert (picture.alpha == 7).all()


def test_lab_is_understood(tmp_path):
    Image.new("LAB", (4, 4), (255, 128, 128)).save(tmp_path / "lab.tif")
    assert read(tmp_path / "lab.tif").pixels.min() >= 253


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("profile", [b"no profile at all", None])
def test_a_profile_that_is_damaged_or_of_another_mode_is_left_out(tmp_path, mode, profile):
    image = Image.new(mode, (4, 4), 77 if mode == "L" else (7, 77, 7))
    image.save(tmp_path / "p.png", icc_profile=profile or profiles.srgb())
    assert read(tmp_path / "p.png").pixels[0, 0, 1] == 77


@needs_tifffile
@pytest.mark.parametrize("with_codecs", [True, False])
def test_profiles_of_16_bits(tmp_path, rng, monkeypatch, with_codecs):
    if with_codecs:
        pytest.importorskip("imagecodecs")
    else:
        monkeypatch.setitem(sys.modules, "imagecodecs", None)
    words = rng.integers(0, 65536, (8, 8, 3)).astype(np.uint16)
    tiff.available().imwrite(tmp_path / "p.tif", words, photometric="rgb",
                             iccprofile=swapped_profile())
    np.testing.assert_allclose(read(tmp_path / "p.tif").pixels, words[..., [1, 0, 2]] / 257,
                               atol=0.02 if with_codecs else 1)


@needs_tifffile
@pytest.mark.parametrize("dtype, top", [(np.uint16, 65535), (np.uint32, 2**32 - 1),
                                        (np.float32, 1), (np.float64, 1)])
def test_deep_tiffs(tmp_path, rng, dtype, top):
    values = rng.random((6, 5, 3))
    samples = (values * top).astype(dtype)
    write = tiff.available().imwrite
    write(tmp_path / "rgb.tif", samples, photometric="rgb")
    write(tmp_path / "planar.tif", np.moveaxis(samples, 2, 0).copy(), photometric="rgb",
          planarconfig="separate")
    write(tmp_path / "grey.tif", samples[..., 0].copy())
    write(tmp_path / "inverted.tif", samples[..., 0].copy(), photometric="miniswhite")
    for name, expected in {"rgb": values, "planar": values, "grey": values[..., :1],
                           "inverted": 1 - values[..., :1]}.items():
        found = read(tmp_path / f"{name}.tif").pixels
        np.testing.assert_allclose(found, np.broadcast_to(expected * 255, found.shape), atol=5e-3)


@needs_tifffile
def test_premultiplied_transparency(tmp_path):
    words = np.zeros((2, 2, 4), np.uint16)
    words[0] = 30000, 10000, 0, 32768           # half of a colour twice as bright
    tiff.available().imwrite(tmp_path / "a.tif", words, photometric="rgb",
                             extrasamples=["assocalpha"])
    picture = read(tmp_path / "a.tif")
    np.testing.assert_allclose(picture.pixels[0, 0], np.array([60000, 20000, 0]) / 257, rtol=1e-3)
    np.testing.assert_allclose(picture.alpha, [[32768 / 257] * 2, [0, 0]], rtol=1e-6)


# ---------------------------------------------------------------------- there and back

SIDES = st.integers(1, 20)


@st.composite
def pictures(draw):
    """Of any small size, plain or noisy, of 8 or 16 bits, opaque or not."""
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    shape = draw(SIDES), draw(SIDES)
    few = draw(st.booleans())
    planes = rng.integers(0, 2 if few else 256, (*shape, 4)) * (255 if few else 1)
    if draw(st.booleans()):
        planes = ((planes * 256 + rng.integers(0, 256, planes.shape)) / 257).astype(np.float32)
    else:
        planes = planes.astype(np.uint8)
    return Picture(planes[..., :3], planes[..., 3] if draw(st.booleans()) else None)


def visible(picture):
    """The colours that can be seen, and the transparency."""
    alpha = np.full(picture.pixels.shape[:2], 255) if picture.alpha is None else picture.alpha
    return np.where(alpha[..., None] > 0, picture.pixels, 0), alpha


@settings(SMALL, max_examples=60)
@given(picture=pictures(), ending=st.sampled_from(LOSSLESS))
def test_what_is_written_without_loss_is_read_again(tmp_path, picture, ending):
    if ending == ".tif" and tiff.available() is None:
        return
    path = tmp_path / f"picture{ending}"
    files.write(picture, path, {"size": picture.width})
    again = read(path)
    assert again.size == picture.size
    # Half a step of the file: of 16 bits or of 8. Whole numbers come back exactly.
    step = 1 / 514 if ending == ".tif" else 0.5 if picture.pixels.dtype == np.float32 else 0
    for one, other in zip(visible(again), visible(picture)):
        if step == 0.5 and one.ndim == 3:       # an alpha below half a level is written as 0
            other = np.where(visible(again)[1][..., None] > 0, other, 0)
        assert np.abs(one.astype(float) - other).max() <= step + 1e-4
    assert files.read_settings(path) == {"size": picture.width}


@settings(SMALL, max_examples=15)
@given(picture=pictures())
def test_jpeg_lies_on_white(tmp_path, picture):
    files.write(picture, tmp_path / "p.jpg")
    again = read(tmp_path / "p.jpg")
    assert again.size == picture.size and again.alpha is None
    smooth = Picture(np.full((32, 32, 3), 90, np.uint8), np.full((32, 32), 51, np.uint8))
    files.write(smooth, tmp_path / "smooth.jpg")
    assert np.abs(read(tmp_path / "smooth.jpg").pixels - (90 * 0.2 + 255 * 0.8)).max() <= 2


@pytest.mark.parametrize("ending", files.FORMATS)
def test_every_file_names_its_colours(tmp_path, pixels, ending):
    if "tif" in ending:
        pytest.importorskip("tifffile")
    path = tmp_path / f"picture{ending}"
    files.write(Picture(pixels), path)
    with Image.open(path) as image:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(profile)
    assert files.encode(Picture(pixels), ending) == path.read_bytes()      # at any other time too
    assert list(tmp_path.iterdir()) == [path]


def test_the_profile_is_the_same_in_every_second():
    assert struct.unpack(">6H", profiles.srgb()[24:36]) == (2000, 1, 1, 0, 0, 0)


def test_jpeg_keeps_the_resolution_of_colours(tmp_path, pixels):
    files.write(Picture(pixels), tmp_path / "p.jpg")
    with Image.open(tmp_path / "p.jpg") as image:
        assert {sampling[1:3] for sampling in image.layer} == {(1, 1)}      # 4:4:4
        assert max(image.quantization[0]) <= 12                             # quality 95


# -------------------------------------------------------------------------- metadata

VALUES = st.recursive(st.none() | st.booleans() | st.integers(-2**53, 2**53)
                      | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
                      lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=5), v),
                      max_leaves=8)


@settings(SMALL, max_examples=30)
@given(given_settings=st.dictionaries(st.text(max_size=9), VALUES, max_size=5),
       ending=st.sampled_from([".png", ".jpg", ".webp", ".tif"]))
def test_any_settings_come_back(tmp_path, given_settings, ending):
    if ending == ".tif" and tiff.available() is None:
        return
    path = tmp_path / f"p{ending}"
    files.write(Picture(np.zeros((3, 3, 3), np.uint8)), path, given_settings)
    assert files.read_settings(path) == given_settings


def test_somebody_elses_comments_are_not_settings(tmp_path):
    for text in ("a sunset", "[1, 2]", '{"nst": 1}', '{"settings": {}}', "{" * 5000):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + text.encode()
        Image.new("RGB", (2, 2)).save(tmp_path / "p.jpg", exif=exif)
        assert files.read_settings(tmp_path / "p.jpg") is None


def test_settings_too_long_for_a_jpeg_are_left_out_not_the_picture(tmp_path):
    long = {"text": "x" * metadata.MAX_EXIF_BYTES}
    files.write(Picture(np.zeros((3, 3, 3), np.uint8)), tmp_path / "p.jpg", long)
    assert files.read_settings(tmp_path / "p.jpg") is None
    assert read(tmp_path / "p.jpg").size == (3, 3)


# ---------------------------------------------------------------------- what is refused


def png_of_size(width, height):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(
            ">I", zlib.crc32(name + data))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b""))


@pytest.mark.parametrize("content, sentence", [
    (b"", "is not a picture: it is empty"),
    (b"<!DOCTYPE html><html>404</html>", "is a web page, not a picture"),
    (b"  <svg xmlns=''>", "is an SVG drawing"),
    (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is a PostScript document"),
    (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "is a HEIC photograph.* export it as JPEG"),
    (bytes(300), "is not a picture"),
    (b"II*\0" + bytes(40), "cannot be read|is not a picture"),
    (png_of_size(60_000, 60_000), "has more than 178,956,970 pixels"),
    (png_of_size(14_000, 14_000), "has more than 178,956,970 pixels"),
    (png_of_size(7000, 7000), r"claims to have 49,000,000 pixels in a file of [\d,]+ bytes, which"),
    (png_of_size(100, 100), "cannot be read"),          # its data end early
], ids=["empty", "HTML", "SVG", "PostScript", "HEIC", "zeros", "TIFF of zeros", "PNG of 60000²",
        "PNG of 14000²", "PNG of 7000²", "PNG that ends early"])
def test_files_that_are_refused(tmp_path, content, sentence, recwarn, caplog):
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    with pytest.raises(FileError, match=sentence) as error:
        read(path)
    message = str(error.value)
    assert message.startswith(f"the content picture {path} ") and "\n" not in message
    assert not recwarn.list and not caplog.records


@needs_tifffile
def test_a_tiff_bomb_and_floats_that_are_no_picture(tmp_path):
    path = tmp_path / "bomb.tif"
    write = tiff.available().imwrite
    write(path, np.zeros((2, 2), np.uint16))
    data = bytearray(path.read_bytes())
    with tiff.available().TiffFile(path) as file:
        for tag in (256, 257):
            offset = file.pages.first.tags[tag].valueoffset
            data[offset:offset + 2] = struct.pack("<H", 60_000)
    path.write_bytes(data)
    with pytest.raises(FileError, match="more than 178,956,970 pixels"):
        read(path)
    with tiff.available().TiffFile(path) as file:
        offset = file.pages.first.tags[257].valueoffset
    data[offset:offset + 2] = struct.pack("<H", 2_000)      # in 16 bits, few pixels are many bytes
    path.write_bytes(data)
    with pytest.raises(FileError, match="claims to have 120,000,000 pixels in a file of"):
        read(path)
    write(tmp_path / "hdr.tif", np.array([[0.5, 7]], np.float32))
    with pytest.raises(FileError, match=r"floats from 0\.5 to 7, but 0 is black and 1 white"):
        read(tmp_path / "hdr.tif")


@needs_tifffile
@pytest.mark.parametrize("big", [False, True])
def test_a_tiff_with_an_entry_longer_than_the_file(tmp_path, big):
    """Nothing is allocated for it; 521 bytes stated eight exabytes."""
    path = tmp_path / "entry.tif"
    tiff.available().imwrite(path, np.zeros((2, 2), np.uint16), bigtiff=big)
    assert read(path).size == (2, 2)
    data = bytearray(path.read_bytes())
    with tiff.available().TiffFile(path) as file:
        place = file.pages.first.tags[258].offset + 4       # after tag and type: the count
    data[place:place + 4] = b"\xff\xff\xff\x5b"
    path.write_bytes(data)
    with pytest.raises(FileError, match="an entry of its directory is longer than the file"):
        read(path)


@needs_tifffile
def test_a_tiff_with_a_strip_longer_than_the_file(tmp_path):
    path = tmp_path / "strip.tif"
    tiff.available().imwrite(path, np.zeros((2, 2), np.uint16))
    data = bytearray(path.read_bytes())
    with tiff.available().TiffFile(path) as file:
        place = file.pages.first.tags[279].offset + 8       # the value: bytes of the only strip
    data[place:place + 4] = b"\xff\xff\xff\x5b"
    path.write_bytes(data)
    with pytest.raises(FileError, match="a strip of it is longer than the file"):
        read(path)


def test_names_that_are_no_files(tmp_path):
    with pytest.raises(FileError, match="does not exist"):
        read(tmp_path / "nothing.png")
    with pytest.raises(FileError, match="is a folder"):
        read(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError, match="not a file, but a device or pipe"):
        read(tmp_path / "pipe")


@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp", ".tif", ".gif", ".bmp"])
def test_truncated_files(tmp_path, pixels, ending):
    whole = tmp_path / f"whole{ending}"
    Image.fromarray(pixels.repeat(20, 0).repeat(20, 1)).save(whole)
    data = whole.read_bytes()
    for share in (0.02, 0.3, 0.7, 0.9):
        path = tmp_path / f"part{ending}"
        path.write_bytes(data[:int(len(data) * share)])
        with pytest.raises(FileError, match=f"the content picture {path} "):
            read(path)


@pytest.fixture(scope="module")
def samples():
    picture = Picture(np.random.default_rng(0).integers(0, 256, (12, 9, 3)).astype(np.uint8),
                      np.arange(108, dtype=np.uint8).reshape(12, 9))
    endings = [".png", ".jpg", ".webp"] + [".tif"] * (tiff.available() is not None)
    return {ending: files.encode(picture, ending, {"size": 12}) for ending in endings}


@settings(SMALL, max_examples=150)
@given(data=st.data())
def test_damage_is_a_picture_or_one_sentence(tmp_path, samples, data):
    """Bytes changed, cut out and put in, anywhere: nothing but our error comes out."""
    ending = data.draw(st.sampled_from(sorted(samples)))
    damaged = bytearray(samples[ending])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        length = data.draw(st.integers(0, 30))
        damaged[place:place + length] = data.draw(st.binary(max_size=30))
        damaged = damaged or bytearray(b"x")
    path = tmp_path / f"damaged{ending}"
    path.write_bytes(damaged)
    for function in (read, files.read_settings):
        try:
            function(path)
        except FileError as error:
            assert str(path) in str(error) and "\n" not in str(error)


# --------------------------------------------------------------------------- endings


def test_endings(tmp_path, monkeypatch):
    for name in ("picture.xyz", "picture"):
        with pytest.raises(ArgumentError, match=r"must end in \.png, \.jpg"):
            files.check_format(tmp_path / name)
    with pytest.raises(ArgumentError, match=r"16400×5 pixels, .* \.webp file has at most 16383"):
        files.write(Picture(np.zeros((5, 16_400, 3), np.uint8)), tmp_path / "long.webp")
    monkeypatch.setattr(tiff, "available", lambda: None)
    with pytest.raises(ArgumentError, match="need the package tifffile"):
        files.check_format(tmp_path / "picture.tiff")
