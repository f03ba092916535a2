"""Pictures on their way to the network and back: values, sizes, or one sentence."""

import numpy as np
import pytest
from PIL import Image

from minigrad.errors import ArgumentError, FileError
from nst.model import vgg, weights
from nst.pictures import tensors
from nst.pictures.picture import Picture
from nst.system.files import check_writable, write_atomically


@pytest.fixture
def network():
    return weights.load("random:0", "conv1_1", "cpu")


def test_arrays_of_bytes_and_of_floats_are_the_same_picture(rng):
    pixels = rng.integers(0, 256, (5, 7, 3)).astype(np.uint8)
    for array in (pixels, pixels / 255, (pixels / 255).astype(np.float32)):
        picture = tensors.load(array, "content")
        assert picture.size == (7, 5) and picture.pixels.dtype == np.uint8
        np.testing.assert_array_equal(picture, pixels)


def test_floats_between_the_levels_of_8_bits_are_kept(rng):
    values = rng.integers(0, 65536, (5, 7, 4)) / 65535
    picture = tensors.load(values, "content")
    np.testing.assert_allclose(picture.pixels, values[..., :3] * 255, atol=1e-4)
    np.testing.assert_allclose(picture.alpha, values[..., 3] * 255, atol=1e-4)


def test_grey_arrays():
    assert (np.asarray(tensors.load(np.full((4, 6), 9), "content")) == np.full((4, 6, 3), 9)).all()


@pytest.mark.parametrize("array, sentence", [
    (np.zeros((3, 20, 20)), r"shape \(3, 20, 20\)"),
    (np.full((20, 20, 3), 2.0), "must be in 0-1"),
    (np.full((20, 20, 3), np.nan), "must be in 0-1"),
    (np.full((20, 20, 3), -1), "must be in 0-255"),
    (np.zeros((0, 20, 3)), "0 elements"),
    (np.array([["a"]]), "must contain integers"),
    ([[1], [1, 2]], "rows have different lengths"),
])
def test_arrays_that_are_no_pictures(array, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        tensors.load(array, "style")


def test_scaling_is_by_the_long_side():
    picture = tensors.load(Image.new("RGB", (400, 300)), "content")
    assert tensors.scaled(picture, 100).size == (100, 75)
    assert tensors.scaled(picture, 800).size == (800, 600)
    narrow = tensors.load(Image.new("RGB", (1000, 2)), "content")
    assert tensors.scaled(narrow, 100).size == (100, 1)


def test_floats_and_bytes_are_resized_alike(rng):
    # Within the range: 8 bits are clipped between rows and columns, floats only at the end.
    array = rng.integers(80, 170, (40, 30, 4)).astype(np.uint8)
    fine = Picture(array[..., :3].astype(np.float32), array[..., 3].astype(np.float32))
    for size in ((15, 21), (60, 70)):
        one, other = (picture.resized(size) for picture in (tensors.load(array, "style"), fine))
        assert one.pixels.dtype == np.uint8 and other.pixels.dtype == np.float32
        np.testing.assert_allclose(one.pixels, other.pixels, atol=1.5)    # rounded twice
        np.testing.assert_allclose(one.alpha, other.alpha, atol=1.5)


def test_what_cannot_be_seen_has_no_colour_of_its_own():
    array = np.zeros((4, 4, 4), np.uint8)       # black, and transparent
    array[:2] = 200, 100, 50, 255
    picture = tensors.load(array, "style")
    assert (picture.pixels == (200, 100, 50)).all()
    assert (picture.alpha[:2] == 255).all() and (picture.alpha[2:] == 0).all()
    assert tensors.load(array[:2], "style").alpha is None        # opaque: nothing to keep


def test_to_tensor_and_back_is_the_identity(network, device, rng):
    image = Image.fromarray(rng.integers(0, 256, (6, 9, 3)).astype(np.uint8))
    tensor = tensors.to_tensor(image, network, device)
    assert tensor.shape == (1, 3, 6, 9)
    np.testing.assert_array_equal(np.asarray(tensors.to_image(tensor, network)), np.asarray(image))


def test_the_network_sees_blue_first_and_no_mean(network):
    tensor = tensors.to_tensor(Image.new("RGB", (2, 2), (255, 0, 10)), network, "cpu").numpy()
    np.testing.assert_allclose(tensor[0, :, 0, 0], [10 - 103.939, -116.779, 255 - 123.68],
                               rtol=1e-6)


def test_values_beyond_the_range_are_clipped(network):
    tensor = tensors.to_tensor(Image.new("RGB", (2, 2), (250, 5, 128)), network, "cpu")
    image = tensors.to_image(tensor * 1000.0, network)
    assert image.getpixel((0, 0)) == (255, 0, 255)


def blank(width, height):
    return Picture(np.zeros((height, width, 3), np.uint8))


@pytest.mark.parametrize("layer, side", [("relu1_1", 1), ("pool1", 2), ("relu4_2", 8),
                                         ("relu5_1", 16), ("pool5", 32)])
def test_min_size(layer, side):
    assert vgg.min_size({layer, "relu1_1"}) == side
    tensors.check_size(blank(side, side), "x.png", "content", {layer})
    with pytest.raises(ArgumentError, match=rf"x\.png is .* {layer} needs at least {side} pixels"):
        tensors.check_size(blank(99, side - 1), "x.png", "content", {layer})


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
