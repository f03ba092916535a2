"""Pictures in and out: the right way up, the right colours, the right size, or one sentence."""

import numpy as np
import pytest
from PIL import Image

from minigrad.errors import ArgumentError, FileError
from nst import images, vgg, weights
from nst.files import check_writable, write_atomically


@pytest.fixture
def network():
    return weights.load("random:0", "conv1_1", "cpu")


def test_exif_orientation_is_applied(tmp_path):
    image = Image.new("RGB", (30, 20), "red")
    exif = Image.Exif()
    exif[0x0112] = 6                                    # to be turned by a quarter
    image.save(tmp_path / "turned.jpg", exif=exif)
    assert images.load(tmp_path / "turned.jpg", "content").size == (20, 30)


def test_grey_palette_and_alpha_become_rgb():
    for mode in ("L", "P", "RGBA", "1", "CMYK"):
        assert images.load(Image.new(mode, (4, 4)), "content").mode == "RGB"


def test_16_bit_grey_is_scaled_not_clipped():
    grey = Image.fromarray(np.full((4, 4), 128 * 256, np.uint16))
    assert images.load(grey, "content").getpixel((0, 0)) == (128, 128, 128)


def test_arrays_of_bytes_and_of_floats_are_the_same_picture(rng):
    pixels = rng.integers(0, 256, (5, 7, 3)).astype(np.uint8)
    from_bytes, from_floats = (images.load(a, "content") for a in (pixels, pixels / 255))
    assert from_bytes.size == (7, 5)
    np.testing.assert_array_equal(np.asarray(from_bytes), pixels)
    np.testing.assert_array_equal(np.asarray(from_floats), pixels)


@pytest.mark.parametrize("array, sentence", [
    (np.zeros((3, 20, 20)), r"shape \(3, 20, 20\)"),
    (np.full((20, 20, 3), 2.0), "must lie in 0-1"),
    (np.full((20, 20, 3), np.nan), "must lie in 0-1"),
    (np.full((20, 20, 3), -1), "must lie in 0-255"),
    (np.zeros((0, 20, 3)), "0 elements"),
    (np.array([["a"]]), "must hold integers"),
])
def test_arrays_that_are_no_pictures(array, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        images.load(array, "style")


def test_scaling_is_by_the_long_side():
    image = Image.new("RGB", (400, 300))
    assert images.scaled(image, 100).size == (100, 75)
    assert images.scaled(image, 800).size == (800, 600)
    assert images.scaled(Image.new("RGB", (1000, 2)), 100).size == (100, 1)


def test_to_tensor_and_back_is_the_identity(network, device, rng):
    image = Image.fromarray(rng.integers(0, 256, (6, 9, 3)).astype(np.uint8))
    tensor = images.to_tensor(image, network, device)
    assert tensor.shape == (1, 3, 6, 9)
    np.testing.assert_array_equal(np.asarray(images.to_image(tensor, network)), np.asarray(image))


def test_the_network_sees_blue_first_and_no_mean(network):
    tensor = images.to_tensor(Image.new("RGB", (2, 2), (255, 0, 10)), network, "cpu").numpy()
    np.testing.assert_allclose(tensor[0, :, 0, 0], [10 - 103.939, -116.779, 255 - 123.68],
                               rtol=1e-6)


def test_values_beyond_the_range_are_clipped(network):
    tensor = images.to_tensor(Image.new("RGB", (2, 2), (250, 5, 128)), network, "cpu")
    image = images.to_image(tensor * 1000.0, network)
    assert image.getpixel((0, 0)) == (255, 0, 255)


@pytest.mark.parametrize("layer, least", [("relu1_1", 1), ("pool1", 2), ("relu4_2", 8),
                                          ("relu5_1", 16), ("pool5", 32)])
def test_least_size(layer, least):
    assert vgg.least_size({layer, "relu1_1"}) == least
    images.check_size(Image.new("RGB", (least, least)), "x.png", "content", {layer})
    with pytest.raises(ArgumentError, match=rf"x\.png is .* {layer} needs at least {least} pixels"):
        images.check_size(Image.new("RGB", (99, least - 1)), "x.png", "content", {layer})


@pytest.mark.parametrize("ending", images.FORMATS)
def test_each_format_is_written_and_read(tmp_path, ending):
    path = tmp_path / f"picture{ending}"
    images.save(Image.new("RGB", (8, 8), (200, 100, 50)), path)
    assert abs(np.asarray(images.load(path, "content"), int) - (200, 100, 50)).max() <= 2
    assert list(tmp_path.iterdir()) == [path]


def test_unknown_ending(tmp_path):
    with pytest.raises(ArgumentError, match=r"must end in \.png, \.jpg"):
        images.save(Image.new("RGB", (8, 8)), tmp_path / "picture.xyz")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(FileError, match=r"cannot write .*file: No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_checking_leaves_nothing_behind(tmp_path):
    check_writable(tmp_path / "file")
    assert not list(tmp_path.iterdir())


def test_a_truncated_picture_is_named(tmp_path, pictures):
    path = tmp_path / "half.png"
    path.write_bytes(pictures[0].read_bytes()[:900])
    with pytest.raises(FileError, match=r"half\.png cannot be read"):
        images.load(path, "content")
