"""The last step paints: what enters it, and the painting that its engine makes."""

import time

import numpy as np
import pytest
from PIL import Image

from course import after_step, painting
from course.errors import CourseError
from course.grading import painting as right

SECONDS = 120


def test_the_network_is_plain_arrays():
    network = painting.network()
    names = list(network)
    assert names[:2] == ["conv1_1", "conv1_2"] and "relu4_2" in names
    assert names.index("conv5_1") < names.index("relu1_1")
    for w, b in network.values():
        assert type(w) is type(b) is np.ndarray and w.ndim == 4 and w.shape[:1] == b.shape


def test_features_of_the_checks_are_never_all_zero():
    """In one network of a hundred they were, and a right solution was refused."""
    for seed in range(200):
        rng = np.random.default_rng(seed)
        network, picture = right.random_network(rng), right.random_picture(rng, 8, 8)
        layers = [name for name in network if name.startswith("relu")]
        assert all(x.any() for x in right.features(picture, network, layers).values()), seed


def test_pictures_go_there_and_back(tmp_path):
    photograph, style = painting.demonstration(16)
    assert photograph.shape == (1, 3, 12, 16) and style.shape[3] == 16
    assert photograph.dtype == np.float64 and abs(photograph.mean()) < 2
    painting.save(photograph, tmp_path / "it.png", enlarged=3)
    with Image.open(tmp_path / "it.png") as image:
        assert image.size == (48, 36)
    painting.save(photograph, tmp_path / "same.png")
    again = painting.opened(tmp_path / "same.png", 16)
    assert np.abs(again - photograph).max() < 0.5 / 64 + 1e-12
    assert painting.pixels(photograph).dtype == np.uint8
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 255
    Image.fromarray(red).save(tmp_path / "red.png")
    blue_green_red = painting.opened(tmp_path / "red.png", 4)[0, :, 0, 0]
    assert blue_green_red.argmax() == 2 and painting.pixels(
        painting.opened(tmp_path / "red.png", 4))[0, 0].tolist() == [255, 0, 0]


def test_files_that_fail_are_one_sentence(tmp_path):
    with pytest.raises(CourseError, match="is not there, or no picture"):
        painting.opened(tmp_path / "none.jpg", 16)
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(CourseError, match="no picture"):
        painting.opened(tmp_path / "text.jpg", 16)
    with pytest.raises(CourseError, match="cannot be written"):
        painting.save(np.zeros((1, 3, 2, 2)), tmp_path / "none" / "it.png")


@pytest.mark.slow
def test_the_last_engine_paints_the_demonstration():
    """At 64 pixels, in under two minutes: nearer to the painting's style, and still the photograph.
    """
    engine, network = after_step(30), painting.network()
    photograph, style = painting.demonstration(64)
    began = time.process_time()
    picture = engine.paint(photograph, style, network, steps=60)
    assert time.process_time() - began < SECONDS

    styles = engine.style_of(style, network, engine.STYLE)
    content = {layer: x.data
               for layer, x in engine.features(photograph, network, engine.CONTENT).items()}

    def far(picture, style_weight):
        return float(engine.transfer_loss(engine.Tensor(picture), network, content, styles,
                                          style_weight, 0.0).data)

    def style_gap(picture):
        return far(picture, 1.0) - far(picture, 0.0)

    assert style_gap(picture) < 0.2 * style_gap(photograph)
    other = style[:, :, :photograph.shape[2], :photograph.shape[3]]
    assert far(picture, 0.0) < 0.6 * far(other, 0.0)
