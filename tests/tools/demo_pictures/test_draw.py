"""The demonstration's pictures: what is packaged, and what the script draws, by measurement."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nst.demo import painting_path, scene_path
from tools.demo_pictures import draw
from tools.demo_pictures.draw import draw_painting, draw_scene, main

ROOT = Path(__file__).resolve().parents[3]
WIDTH, SMALL = 96, 32
DRAWERS = {"scene": (draw_scene, 72), "painting": (draw_painting, 77)}
PACKAGED = {"scene": (scene_path, (640, 480)), "painting": (painting_path, (640, 512))}


@pytest.fixture(scope="module")
def drawn() -> dict[str, np.ndarray]:
    return {name: draw(WIDTH, height, 0) for name, (draw, height) in DRAWERS.items()}


@pytest.fixture(scope="module")
def drawn_small() -> dict[str, np.ndarray]:
    return {"scene": draw_scene(SMALL, 24, 0), "painting": draw_painting(SMALL, 25, 0)}


def packaged(name: str) -> np.ndarray:
    with Image.open(PACKAGED[name][0]()) as picture:
        return np.asarray(picture.convert("RGB"))


def luminance(picture: np.ndarray) -> np.ndarray:
    """Brightness from 0 to 1, (H, W)."""
    return picture.astype(float) @ (0.2126, 0.7152, 0.0722) / 255


def halved(grey: np.ndarray) -> np.ndarray:
    """Mean of each two by two block."""
    height, width = (side // 2 * 2 for side in grey.shape)
    return grey[:height, :width].reshape(height // 2, 2, width // 2, 2).mean((1, 3))


def gradient_energy(picture: np.ndarray, scales: int = 4) -> list[float]:
    """Mean length of the luminance gradient at each of a few scales, the finest first."""
    grey, energy = luminance(picture), []
    for _ in range(scales):
        down, right = np.gradient(grey)
        energy.append(float(np.hypot(down, right).mean()))
        grey = halved(grey)
    return energy


def hue_shares(picture: np.ndarray) -> np.ndarray:
    """Share of the coloured pixels in each twelfth of the colour circle, (12,)."""
    hsv = np.asarray(Image.fromarray(picture).convert("HSV")).reshape(-1, 3)
    coloured = (hsv[:, 1] > 60) & (hsv[:, 2] > 40)
    twelfth = hsv[coloured, 0].astype(int) * 12 // 256
    return np.bincount(twelfth, minlength=12) / max(len(twelfth), 1)


def test_hue_shares_tells_red_from_blue():
    red_and_blue = np.zeros((2, 4, 3), np.uint8)
    red_and_blue[0, :, 0] = red_and_blue[1, :, 2] = 255
    assert sorted(hue_shares(red_and_blue))[-3:] == [0, 0.5, 0.5]


@pytest.mark.parametrize("name", PACKAGED)
def test_packaged_picture_has_the_documented_size_and_fits_a_package(name):
    path, size = PACKAGED[name]
    with Image.open(path()) as picture:
        assert (picture.format, picture.size, picture.mode) == ("JPEG", size, "RGB")
    assert path().stat().st_size < 350_000


@pytest.mark.parametrize("name", DRAWERS)
def test_packaged_picture_is_what_the_script_draws(name, drawn):
    """Shrunk to the size of the drawn one, it agrees up to the detail that shrinking removes."""
    height, width = drawn[name].shape[:2]
    shrunk = Image.fromarray(packaged(name)).resize((width, height), Image.Resampling.BOX)
    small, expected = luminance(drawn[name]), luminance(np.asarray(shrunk))
    assert np.corrcoef(small.ravel(), expected.ravel())[0, 1] > 0.7


@pytest.mark.parametrize("name", DRAWERS)
def test_another_seed_draws_another_picture(name, drawn_small):
    other = DRAWERS[name][0](SMALL, len(drawn_small[name]), 4)
    assert other.shape == drawn_small[name].shape and other.dtype == np.uint8
    assert np.abs(drawn_small[name].astype(int) - other).mean() > 3


@pytest.mark.parametrize("name", DRAWERS)
@pytest.mark.parametrize("source", ["drawn", "packaged"])
def test_picture_uses_the_whole_range_of_light_and_many_hues(name, source, drawn):
    picture = drawn[name] if source == "drawn" else packaged(name)
    dark, light = np.percentile(luminance(picture), (2, 98))
    assert light - dark > 0.5
    assert (hue_shares(picture) > 0.02).sum() >= 4


def test_scene_has_crisp_edges_between_quiet_surfaces():
    """Edges are rare and strong: the top hundredth of gradients is many times the middle one."""
    down, right = np.gradient(luminance(packaged("scene")))
    length = np.hypot(down, right)
    assert np.percentile(length, 99) > 8 * np.median(length)
    assert np.percentile(length, 99) > 0.12


def test_scene_has_depth(drawn):
    """Far mountains are paler and bluer than the near bank: aerial perspective."""
    for picture in (drawn["scene"], packaged("scene")):
        height, width = picture.shape[:2]
        far = picture[int(0.33 * height):int(0.38 * height), int(0.46 * width):int(0.53 * width)]
        near = picture[int(0.5 * height):int(0.75 * height), int(0.85 * width):]
        assert luminance(far).std() < 0.6 * luminance(near).std()
        assert luminance(far).mean() > luminance(near).mean() + 0.1
        assert (far[..., 2].mean() - far[..., 0].mean()
                > near[..., 2].mean() - near[..., 0].mean())


def test_water_mirrors_the_town():
    """Rows above the quay and rows of water below it vary together along the river."""
    grey = luminance(packaged("scene"))
    height, width = grey.shape
    columns = slice(int(0.1 * width), int(0.8 * width))
    town = grey[int(0.40 * height):int(0.52 * height), columns].mean(0)
    water = grey[int(0.72 * height):int(0.88 * height), columns].mean(0)
    assert np.corrcoef(town, water)[0, 1] > 0.3


def test_painting_has_structure_at_every_scale(drawn):
    """What Gram matrices pick up: strokes, bundles of strokes, and shapes are all strong."""
    for picture in (packaged("painting"), drawn["painting"]):
        assert min(gradient_energy(picture)) > 0.04


def test_painting_has_oriented_strokes():
    """Within small windows the gradients agree on a direction far more than noise would."""
    down, right = np.gradient(luminance(packaged("painting")))
    double = (right + 1j * down) ** 2  # doubling the angle makes opposite gradients agree
    height, width = (side // 16 * 16 for side in double.shape)
    blocks = double[:height, :width].reshape(height // 16, 16, width // 16, 16)
    coherence = np.abs(blocks.sum((1, 3))) / np.abs(blocks).sum((1, 3))
    noise = np.random.default_rng(0).normal(size=(2, 512, 640))
    noisy = ((noise[0] + 1j * noise[1]) ** 2).reshape(32, 16, 40, 16)
    by_chance = np.abs(noisy.sum((1, 3))) / np.abs(noisy).sum((1, 3))
    assert np.median(coherence) > 4 * np.median(by_chance)


def test_command_draws_the_same_pictures_again_from_a_checkout(drawn_small, tmp_path):
    """The same seed gives the same pixels, and the command saves them without loss as PNG."""
    folder = tmp_path / "new"
    done = subprocess.run([sys.executable, "-m", "tools.demo_pictures.draw", "--size", str(SMALL),
                           "--png", "--out", str(folder)], cwd=ROOT, capture_output=True, text=True,
                          encoding="utf-8", timeout=120,
                          env={**os.environ, "PYTHONIOENCODING": "utf-8"})
    assert done.returncode == 0, done.stderr
    assert "scene.png: 32×24" in done.stdout
    for name, picture in drawn_small.items():
        with Image.open(folder / f"{name}.png") as saved:
            assert np.array_equal(np.asarray(saved), picture)


def test_command_writes_jpeg(drawn, tmp_path, monkeypatch, capsys):
    for name in drawn:          # drawing takes a second
        monkeypatch.setattr(draw, f"draw_{name}", lambda *size_and_seed, name=name: drawn[name])
    assert main(["--out", str(tmp_path / "new")]) == 0
    assert {file.name for file in (tmp_path / "new").iterdir()} == {"scene.jpg", "painting.jpg"}
    assert "scene.jpg: 96×72" in capsys.readouterr().out
    for name, picture in drawn.items():
        with Image.open(tmp_path / "new" / f"{name}.jpg") as saved:
            assert np.abs(np.asarray(saved, float) - picture).mean() < 20


def test_painting_small_enough_for_no_stroke_is_still_a_picture():
    assert draw_painting(32, 26, 0).shape == (26, 32, 3)


@pytest.mark.parametrize("wrong", [["--size", "8"], ["--seed", "-1"]])
def test_impossible_option_is_one_sentence_and_status_2(wrong, capsys):
    with pytest.raises(SystemExit) as stop:
        main(wrong)
    assert stop.value.code == 2
    assert wrong[0] in capsys.readouterr().err


def test_importing_the_demonstration_loads_no_drawing_code():
    code = "import sys, nst.demo; print([m for m in sys.modules if m.split('.')[0] == 'tools'])"
    printed = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert printed.strip() == "[]"
