"""From a picture as people have it to a result as they want it, through the whole program."""

import json

import numpy as np
import pytest
from PIL import Image

from nst.cli import run
from nst.pictures import tensors
from nst.pictures import tiff as tiff

pytestmark = pytest.mark.usefixtures("narrow_network")

QUICK = ["--size", "32", "--iterations", "2", "--weights", "random:0", "--device", "cpu", "--quiet",
         "--content-layers", "relu2_1", "--style-layers", "relu1_1,relu2_1"]


@pytest.fixture
def cut_out(tmp_path, colours):
    """A photograph 48×64 of which the left half is transparent, lying on its side."""
    pixels = np.dstack([np.asarray(colours(48, 64, 1)), np.full((48, 64), 255, np.uint8)])
    pixels[:, :32] = 0
    exif = Image.Exif()
    exif[0x0112] = 8                                    # a quarter turn to the left
    path = tmp_path / "cut_out.png"
    Image.fromarray(np.rot90(pixels, -1)).save(path, exif=exif)
    return path


def paint(content, style, output, *more):
    assert run.main([str(content), str(style), "-o", str(output), *QUICK, *more]) == 0


def test_transparency_and_orientation(cut_out, pictures, tmp_path):
    paint(cut_out, pictures[1], tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        assert (image.mode, image.size) == ("RGBA", (32, 24))
        alpha = np.asarray(image.getchannel("A"))
    assert (alpha[:, :14] < 3).all() and (alpha[:, 18:] > 252).all()
    paint(cut_out, pictures[1], tmp_path / "white.jpg")
    left = np.asarray(tensors.load(tmp_path / "white.jpg", "finished"), int)[:, :12]
    assert left.min() > 240                             # white, where nothing is


def test_what_is_hidden_does_not_count(cut_out, pictures, tmp_path):
    """Another colour below the transparent half makes no other picture."""
    with Image.open(cut_out) as image:
        exif, pixels = image.getexif(), np.array(image)
    pixels[pixels[..., 3] == 0] = (255, 0, 255, 0)
    Image.fromarray(pixels).save(tmp_path / "other.png", exif=exif)
    for name in ("cut_out", "other"):
        paint(tmp_path / f"{name}.png", pictures[1], tmp_path / f"out_{name}.png")
    one, other = (tensors.load(tmp_path / f"out_{name}.png", "finished")
                  for name in ("cut_out", "other"))
    np.testing.assert_array_equal(one.pixels, other.pixels)


def test_sixteen_bits_and_the_settings(pictures, tmp_path):
    pytest.importorskip("tifffile")
    paint(*pictures, tmp_path / "out.tif")
    words = tiff.available().imread(tmp_path / "out.tif")
    assert words.dtype == np.uint16 and words.shape == (24, 32, 3)
    assert (words % 257 != 0).mean() > 0.9              # finer than 8 bits, and not made of them
    paint(*pictures, tmp_path / "out.png", "--overwrite")       # of out.json
    for name in ("out.tif", "out.png"):
        found = tensors.read_settings(tmp_path / name)
        beside = json.loads((tmp_path / "out.json").read_text())["settings"]
        assert found["size"] == 32 and found["style_layers"] == {"relu1_1": 0.5, "relu2_1": 0.5}
        assert set(found) < set(beside)
        assert all(found[key] == beside[key] for key in found)
    eight = tensors.load(tmp_path / "out.png", "finished").pixels.astype(int)
    assert np.abs(eight - words / 257).max() <= 0.5
