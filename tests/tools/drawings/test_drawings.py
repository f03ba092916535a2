"""The five drawings, small: bytes by seed, sizes, and the palette that each is there for."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tools.drawings import DRAWINGS
from tools.drawings.__main__ import main
from tools.drawings.planes import COLOURS

SIZE = 40, 32


@pytest.fixture(scope="module")
def drawn() -> dict[str, np.ndarray]:
    return {name: draw(*SIZE) for name, draw in DRAWINGS.items()}


def luminance(picture: np.ndarray) -> np.ndarray:
    """Brightness from 0 to 1, (H, W)."""
    return picture.astype(float) @ (0.2126, 0.7152, 0.0722) / 255


def saturation(picture: np.ndarray) -> np.ndarray:
    """Largest less smallest channel over the largest, (H, W)."""
    high = picture.max(2).astype(float)
    return (high - picture.min(2)) / np.maximum(high, 1)


@pytest.mark.parametrize("name", DRAWINGS)
def test_size_type_and_the_same_bytes_by_the_same_seed(name, drawn):
    assert drawn[name].shape == (32, 40, 3) and drawn[name].dtype == np.uint8
    assert np.array_equal(DRAWINGS[name](*SIZE, seed=0), drawn[name])


@pytest.mark.parametrize("name", DRAWINGS)
def test_composition_has_contrasts_in_the_large_and_in_the_small(name, drawn):
    grey = luminance(drawn[name])
    blocks = grey.reshape(4, 8, 4, 10).mean((1, 3))
    contrast = 0.3 if name in ("night", "pastel") else 1.0
    assert np.ptp(blocks) > 0.25 * contrast
    assert np.abs(np.diff(grey, axis=1)).mean() > 0.04 * contrast


def test_planes_are_a_dozen_saturated_colours(drawn):
    colours = 255 * np.array(list(COLOURS.values()))
    away = np.linalg.norm(drawn["planes"][:, :, None] - colours, axis=3).min(2)
    assert (away < 40).mean() > 0.5          # the rest are edges, narrower than these pixels
    assert saturation(drawn["planes"]).mean() > 0.5


def test_line_is_black_on_white(drawn):
    picture = drawn["line"]
    assert np.ptp(picture.astype(int), axis=2).max() < 12
    assert np.percentile(luminance(picture), 70) > 0.7 and luminance(picture).min() < 0.35


def test_ink_has_one_hue_from_paper_to_nearly_black(drawn):
    picture = drawn["ink"].astype(float)
    red, green, blue = picture.reshape(-1, 3).T
    assert np.corrcoef([red, green, blue]).min() > 0.99
    assert (red >= green).all() and (green >= blue).all()
    assert luminance(picture).max() > 0.8 and luminance(picture).min() < 0.15


def test_night_is_dark_with_few_lights(drawn):
    grey = luminance(drawn["night"])
    assert np.median(grey) < 0.2 and grey.max() > 0.5
    assert (grey > 0.4).mean() < 0.1


def test_pastel_is_pale_in_many_hues(drawn):
    picture = drawn["pastel"]
    assert np.percentile(luminance(picture), 3) > 0.55 and saturation(picture).mean() < 0.3
    hue = np.asarray(Image.fromarray(picture).convert("HSV"))[..., 0].astype(int) * 6 // 256
    assert (np.bincount(hue.ravel(), minlength=6) > 0.02 * hue.size).sum() >= 4


@pytest.mark.slow
@pytest.mark.parametrize("name", DRAWINGS)
def test_another_seed_draws_another_picture(name, drawn):
    other = DRAWINGS[name](*SIZE, seed=3)
    assert np.abs(other.astype(int) - drawn[name]).mean() > 2


def test_command_writes_pictures(tmp_path, capsys):
    assert main([str(tmp_path / "out"), "--only", "planes", "--width", "60"]) == 0
    with Image.open(tmp_path / "out" / "planes.png") as picture:
        assert picture.size == (60, 48)
    assert "planes.png: 60×48" in capsys.readouterr().out


@pytest.mark.parametrize("options, words", [
    (["--width", "3"], "at least 40"), (["--seed", "-1"], "0 or greater"),
    (["--only", "oil"], "invalid choice"),
])
def test_command_explains_mistakes(options, words, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(tmp_path), *options])
    assert words in capsys.readouterr().err
