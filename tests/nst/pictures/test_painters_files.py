"""Pictures as painters have them: files on which public bug reports were written."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin, TiffImagePlugin

from minigrad.errors import ArgumentError, FileError
from nst import Settings
from nst.job import inputs
from nst.pictures import masks, tiff
from nst.pictures.picture import Picture
from tests.helpers.narrow_pictures import read

needs_tifffile = pytest.mark.skipif(tiff.available() is None, reason="needs tifffile")
SETTINGS = {"content_layers": "relu1_1", "style_layers": "relu1_1"}


@pytest.fixture
def ramp():
    return np.linspace(0, 1, 48 * 32).reshape(32, 48)


@needs_tifffile
def test_half_floats(tmp_path, ramp):
    """samples · 65535 is beyond the largest half float, 65504."""
    path = tmp_path / "half.tif"
    tiff.available().imwrite(path, np.dstack([ramp] * 3).astype(np.float16), photometric="rgb")
    np.testing.assert_allclose(np.asarray(read(path), float), np.dstack([ramp] * 3) * 255, atol=.1)


@needs_tifffile
def test_a_compression_that_only_pillow_knows(tmp_path, monkeypatch):
    path = tmp_path / "lzw.tif"
    Image.new("RGB", (9, 7), (200, 100, 50)).save(path, compression="tiff_lzw")

    def deep(path, pixels):
        raise tiff.MissingCodecError("its compression LZW needs the package imagecodecs; run it")

    monkeypatch.setattr(tiff, "read_deep", deep)
    assert (np.asarray(read(path)) == (200, 100, 50)).all()
    path.write_bytes(path.read_bytes()[:8])
    with pytest.raises(FileError, match="needs the package imagecodecs"):
        read(path)


@pytest.mark.parametrize("mode, colors", [("LA", (255,)), ("RGBA", (255, 255, 255))])
def test_the_transparent_part_of_a_mask_is_black(tmp_path, mode, colors):
    image = Image.new(mode, (8, 6), (*colors, 0))
    image.paste((*colors, 255), (0, 0, 4, 6))
    image.save(tmp_path / "mask.png")
    mask = masks.load(tmp_path / "mask.png", "content mask", (8, 6))
    np.testing.assert_array_equal(mask, np.repeat([[1, 1, 1, 1, 0, 0, 0, 0]], 6, axis=0))


def test_the_transparency_of_a_style_is_its_mask(rng):
    content = Picture(rng.integers(0, 256, (20, 20, 3), dtype=np.uint8))
    alpha = np.zeros((20, 20), np.uint8)
    alpha[:, :5] = 255
    style = Picture(content.pixels, alpha)
    alone = inputs.load(content, style, Settings(**SETTINGS))
    np.testing.assert_array_equal(alone.masks.styles[0], alpha / 255)
    upper = np.zeros((20, 20, 3), np.uint8)
    upper[:10] = 255
    both = inputs.load(content, style, Settings(**SETTINGS, style_masks=(upper,)))
    np.testing.assert_array_equal(both.masks.styles[0], alpha / 255 * upper[..., 0] / 255)
    with pytest.raises(ArgumentError, match="white only where the style picture is transparent"):
        right = np.zeros((20, 20, 3), np.uint8)
        right[:, 10:] = 255
        inputs.load(content, style, Settings(**SETTINGS, style_masks=(right,)))
    assert inputs.load(content, content, Settings(**SETTINGS)).masks.styles == ()


@pytest.mark.parametrize("settings", [{"colors": "affine"}, {"init": "recolored"}])
def test_what_is_transparent_counts_as_no_colour(rng, settings):
    """The pixels that are seen come out as they do from an opaque picture of them alone."""
    seen = rng.integers(60, 180, (20, 20, 3), dtype=np.uint8)
    other = rng.integers(60, 180, (20, 20, 3), dtype=np.uint8)
    hidden = np.concatenate([seen, np.full_like(seen, seen.mean())], axis=1)
    alpha = np.repeat(np.uint8([[255, 0]]), 20, axis=1).repeat(20, axis=0)
    settings = Settings(**SETTINGS, **settings)
    if settings.colors == "affine":
        whole = inputs.load(other, seen, settings).styles[0]
        wide = settings.replace(style_scale=2)      # the style is as wide as two contents
        part = inputs.load(other, Picture(hidden, alpha), wide).styles[0]
    else:
        whole = inputs.load(seen, other, settings).initial
        wide = settings.replace(size=40, style_scale=0.5)
        part = inputs.load(Picture(hidden, alpha), other, wide).initial
    np.testing.assert_allclose(np.asarray(part)[:, :20], np.asarray(whole), atol=0.01)


@pytest.mark.parametrize("hidden", ["content", "style"])
def test_a_picture_of_nothing(rng, hidden):
    seen = Picture(rng.integers(0, 256, (20, 20, 3), dtype=np.uint8))
    pair = {"content": seen, "style": seen,
            hidden: Picture(seen.pixels, np.zeros((20, 20), np.uint8))}
    with pytest.raises(ArgumentError, match=f"the {hidden} picture is completely transparent"):
        inputs.load(pair["content"], pair["style"], Settings(**SETTINGS))


def test_long_texts_in_a_png(tmp_path):
    texts = PngImagePlugin.PngInfo()
    texts.add_text("history", "x" * 3_000_000, zip=True)
    Image.new("RGB", (5, 4), (1, 2, 3)).save(tmp_path / "text.png", pnginfo=texts)
    limit = PngImagePlugin.MAX_TEXT_CHUNK
    assert (np.asarray(read(tmp_path / "text.png")) == (1, 2, 3)).all()
    assert limit == PngImagePlugin.MAX_TEXT_CHUNK       # others of Pillow's users keep their limit


def test_a_long_profile_in_a_png(tmp_path):
    """Which is no profile at all, but noise that compresses well."""
    encoded = io.BytesIO()
    Image.new("RGB", (5, 4), (1, 2, 3)).save(encoded, "PNG")
    chunk = b"name\0\0" + zlib.compress(bytes(5_000_000))
    (tmp_path / "profile.png").write_bytes(with_chunk(encoded.getvalue(), b"iCCP", chunk))
    assert (np.asarray(read(tmp_path / "profile.png")) == (1, 2, 3)).all()


def with_chunk(png, name, content):
    """The PNG with one more chunk after its header, which is 33 bytes long."""
    check = struct.pack(">I", zlib.crc32(name + content))
    return png[:33] + struct.pack(">I", len(content)) + name + content + check + png[33:]


@pytest.mark.parametrize("gamma, seen", [(1.0, 186), (0.45455, 128), (0.47, 128)])
def test_light_in_a_png(tmp_path, gamma, seen):
    """128 with gamma 1 is half of the light: 255 · (128/255)^(1/2.2) = 186."""
    encoded = io.BytesIO()
    Image.new("RGB", (5, 4), (128, 128, 128)).save(encoded, "PNG")
    chunk = struct.pack(">I", round(gamma * 100_000))
    path = tmp_path / "gamma.png"
    path.write_bytes(with_chunk(encoded.getvalue(), b"gAMA", chunk))
    assert np.abs(np.asarray(read(path), float) - seen).max() < 0.6
    path.write_bytes(with_chunk(path.read_bytes(), b"sRGB", b"\0"))       # which wins
    assert (np.asarray(read(path)) == 128).all()


def test_a_profile_of_deep_greys(tmp_path, monkeypatch):
    """Greys of 16 bits go through their profile as those of 8 bits do."""
    from nst.pictures import profiles

    monkeypatch.setattr(profiles, "_converted", lambda image, profile: image.point(
        lambda grey: 255 - grey).convert("RGB"))
    deep = Image.fromarray(np.array([[0, 257 * 100, 65535]], np.uint16))
    deep.save(tmp_path / "deep.png", icc_profile=ImageCms.ImageCmsProfile(
        ImageCms.createProfile("sRGB")).tobytes())
    np.testing.assert_allclose(np.asarray(read(tmp_path / "deep.png"), float)[0, :, 0],
                               [255, 155, 0], atol=0.01)


@pytest.mark.parametrize("name, tags", [("phone.dng", {50706: b"\1\4\0\0"}), ("camera.nef", {
    254: 1})])
def test_raw_photographs_are_refused(tmp_path, name, tags):
    """Their first picture is a thumbnail."""
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in tags.items():
        directory[tag] = value
    directory[330] = 8
    Image.new("RGB", (4, 3)).save(tmp_path / name, "TIFF", tiffinfo=directory)
    with pytest.raises(FileError, match="it is a raw photograph; export it"):
        read(tmp_path / name)


def test_the_end_of_a_jpeg(tmp_path, rng):
    smooth = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize((96, 96))
    smooth.save(tmp_path / "whole.jpg", quality=95)
    whole = (tmp_path / "whole.jpg").read_bytes()
    for missing in (2, 12):
        (tmp_path / "cut.jpg").write_bytes(whole[:-missing])
        np.testing.assert_array_equal(np.asarray(read(tmp_path / "cut.jpg"))[:78],
                                      np.asarray(read(tmp_path / "whole.jpg"))[:78])
    (tmp_path / "cut.jpg").write_bytes(whole[:len(whole) // 2])
    with pytest.raises(FileError, match="truncated"):
        read(tmp_path / "cut.jpg")


def test_a_folder_that_may_not_be_entered(monkeypatch, tmp_path):
    def refuse(path, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(tmp_path), "stat", refuse)
    with pytest.raises(FileError, match="its folder cannot be entered"):
        read(tmp_path / "photo.png")


def test_no_home(monkeypatch):
    from nst.model import small, weights
    from weights_converter import WeightsError, cache

    def homeless(*arguments, **options):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("NST_WEIGHTS", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_path", homeless)
    assert weights.find() == small.SMALL
    with pytest.raises(WeightsError, match="there is no home folder"):
        cache.cache_folder()
