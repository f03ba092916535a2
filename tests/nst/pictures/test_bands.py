"""Large pictures are computed band by band: the same numbers, in little memory."""

import tracemalloc

import numpy as np
import pytest
from PIL import Image, features

from nst.pictures import bands, files, profiles, repairs, tiff
from nst.pictures.bands import by_bands
from nst.pictures.picture import STEPS, Picture, from_samples


@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 3), (1, 99), (2, 99, 4), (99, 1, 2), (0, 4),
                                   (4, 0)])
@pytest.mark.parametrize("dtype, top", [(np.uint16, 65535), (np.int32, 65535), (np.float32, 1),
                                        (np.float64, 255)])
def test_bands_change_no_number(rng, monkeypatch, shape, dtype, top):
    monkeypatch.setattr(bands, "_NUMBERS", 20)
    for levels in (65536, 256):             # the second kind fits into 8 bits
        steps = rng.integers(0, levels, shape) * (65535 // (levels - 1))
        samples = (steps * (top / 65535)).astype(dtype)
        expected = np.round(samples * (65535 / top)).clip(0, 65535).astype(np.uint16)
        is_coarse = not (expected % STEPS).any()
        found = from_samples(samples, top)
        assert found.dtype == (np.uint8 if is_coarse else np.float32) and found.shape == shape
        np.testing.assert_array_equal(found, expected // STEPS if is_coarse
                                      else expected.astype(np.float32) / STEPS)


def test_bands_of_several_arrays(rng, monkeypatch):
    monkeypatch.setattr(bands, "_NUMBERS", 20)
    colors, shares = rng.random((9, 40, 3)), rng.random((9, 40)).astype(np.float32)
    np.testing.assert_array_equal(by_bands(lambda a, b: a * b[..., None], colors, shares),
                                  colors * shares[..., None])
    np.testing.assert_array_equal(by_bands(lambda a: a.sum(axis=2), colors), colors.sum(axis=2))


SIDE = 200


def gamma(path, rng):
    repairs.on_screen(Picture(rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)), 1.0)


def grey(path, rng):
    words = rng.integers(0, 65536, (SIDE, SIDE), np.uint16)
    profiles.grey_to_srgb16(words, profiles.srgb().replace(b"RGB ", b"GRAY").replace(
        b"rTRC", b"kTRC"))


def floats(path, rng):
    Image.fromarray(rng.random((SIDE, SIDE), np.float32)).save(path)
    files.from_pillow(Image.open(path))


def deep(dtype, channels, **options):
    def read(path, rng):
        samples = rng.random((SIDE, SIDE, channels))
        if np.dtype(dtype).kind == "u":
            samples *= np.iinfo(dtype).max
        samples[:5, :5] = 0
        tiff.available().imwrite(path, samples.astype(dtype), photometric="rgb", metadata=None,
                                 **options)
        del samples
        tracemalloc.reset_peak()
        files.read(path, "content")
    return read


def converted(path, rng):
    deep(np.uint16, 3, iccprofile=profiles.srgb().replace(b"rXYZ", b"none").replace(
        b"gXYZ", b"rXYZ").replace(b"none", b"gXYZ"))(path, rng)


needs_tifffile = pytest.mark.skipif(tiff.available() is None, reason="needs tifffile")
needs_profiles = pytest.mark.skipif(not features.check("littlecms2"), reason="needs littleCMS")


@pytest.mark.parametrize("read, most", [
    pytest.param(deep(np.uint16, 3), 20, marks=needs_tifffile),
    pytest.param(deep(np.uint16, 4, extrasamples=["unassalpha"]), 40, marks=needs_tifffile),
    pytest.param(deep(np.uint16, 4, extrasamples=["assocalpha"]), 40, marks=needs_tifffile),
    pytest.param(deep(np.float32, 3), 20, marks=needs_tifffile),
    pytest.param(deep(np.float64, 3), 32, marks=needs_tifffile),
    pytest.param(converted, 23, marks=(needs_tifffile, needs_profiles)),
    pytest.param(grey, 12, marks=needs_profiles), (gamma, 23), (floats, 22)], ids=[
    "words", "transparent", "premultiplied", "floats", "doubles", "profile", "grey", "gamma",
    "mode F"])
def test_bytes_per_pixel(tmp_path, rng, monkeypatch, read, most):
    """Words took 52 bytes: more than 1 GB for 20 million pixels."""
    monkeypatch.setattr(bands, "_NUMBERS", 1 << 10)
    read(tmp_path / "p.tif", rng)            # what is imported stays out of the count
    tracemalloc.start()
    try:
        read(tmp_path / "p.tif", rng)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak / SIDE**2 < most
