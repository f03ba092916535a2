"""The Python interface: what it takes, what it gives, and that it does what it is told."""

import numpy as np
import pytest
from PIL import Image

import minigrad as mg
from minigrad.cuda import is_available
from minigrad.errors import ArgumentError, DeviceError, FileError, OutOfMemoryError
from nst import Settings, stylize
from nst.job.transfer import prepare

SMALL = {"size": 32, "iterations": 3, "weights": "random:0", "content_layers": "relu2_1",
         "style_layers": "relu1_1,relu2_1"}


def settings(**more):
    return Settings(**{**SMALL, **more})


def same(one, other):
    return np.array_equal(np.asarray(one), np.asarray(other))


def test_paths_images_and_arrays_give_the_same_picture(pictures, device):
    opened = [Image.open(path) for path in pictures]
    arrays = [np.asarray(image) for image in opened]
    floats = [array / 255 for array in arrays]
    results = [stylize(*pair, settings(device=device))
               for pair in (pictures, [str(p) for p in pictures], opened, arrays, floats)]
    first = results[0]
    assert first.image.size == (32, 24)
    assert first.image.mode == "RGB"
    assert first.device == device
    assert first.ended == "done"
    assert [entry.iteration for entry in first.history] == [0, 1, 2, 3]
    assert all(same(first.image, other.image) for other in results[1:])


def test_default_size_is_the_contents_own_if_small(pictures):
    assert stylize(*pictures, settings(size=None, iterations=1)).image.size == (64, 48)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "sgd"])
def test_every_optimizer_lowers_the_loss(pictures, optimizer):
    history = stylize(*pictures, settings(optimizer=optimizer, iterations=12, style_weight=7,
                                           tv_weight=30, tv_exponent=2, palette_weight=10)
                      ).history
    assert history[-1].total < 0.6 * history[0].total


def test_the_seed_decides_the_noise(pictures):
    one, again, other = (stylize(*pictures, settings(init="random", seed=seed)).image
                         for seed in (1, 1, 2))
    assert same(one, again)
    assert not same(one, other)


def test_where_to_start(pictures):
    """With a step too small to be seen, the result is the initial picture."""
    content, style = pictures
    still = {"optimizer": "sgd", "learning_rate": 1e-30, "iterations": 1}

    def start(init):
        return np.asarray(stylize(content, style, settings(**still, init=init)).image)

    def expected(path):
        size, image = (32, 24), Image.open(path).convert("RGB")
        factor = 32 / max(image.size)
        scaled = image.resize([round(side * factor) for side in image.size], 1)
        return np.asarray(scaled.resize(size, 1))

    np.testing.assert_array_equal(start("content"), expected(content))
    np.testing.assert_array_equal(start("style"), expected(style))
    black = np.zeros((5, 5, 3), np.uint8)
    np.testing.assert_array_equal(start(black), np.zeros((24, 32, 3)))
    for strength in (1, 20):
        noise = np.asarray(stylize(content, style, settings(
            **still, init="random", noise=strength)).image).astype(float)
        np.testing.assert_allclose(noise.mean((0, 1)), [123.68, 116.779, 103.939],
                                   atol=0.3 * strength)
        np.testing.assert_allclose(noise.std((0, 1)), strength, rtol=0.2)


def test_style_alone_and_content_alone(pictures):
    texture = stylize(*pictures, settings(content_weight=0, init="random"))
    assert texture.history[-1].content is None
    assert texture.history[-1].style < texture.history[0].style
    memory = stylize(*pictures, settings(style_weight=0, init="random"))
    assert memory.history[-1].style is None
    assert memory.history[-1].content < memory.history[0].content


def test_automatic_weights_keep_the_balance(pictures):
    """Another size, other layers or another pooling change no term by a factor of two."""
    smooth = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)

    def terms(auto, **choice):
        first = stylize(*pictures, settings(init=smooth, iterations=1, auto_weights=auto,
                                            style_loss="gram", margin=0, **choice)).history[0]
        return np.array([first.content, first.style, first.tv])

    for choice in ({"size": 64}, {"norm": "sum"}, {"pooling": "avg"}, {"style_layers": "relu2_1"},
                   {"content_layers": "relu1_1=4,relu2_1=4"}):
        plain = terms(True)[:2] if "size" in choice else terms(True)
        changed = terms(True, **choice)[:len(plain)]
        assert (changed < 2 * plain).all() and (changed > plain / 2).all(), choice
    assert terms(False, size=64)[0] > 3 * terms(False)[0]
    assert terms(False, norm="sum")[1] > 1e6 * terms(False)[1]


def test_a_large_tv_weight_smooths(pictures):
    plain, smooth = (stylize(*pictures, settings(iterations=10, tv_weight=weight, style_weight=0,
                                                 init="style"))
                     for weight in (0, 1e7))
    assert smooth.history[smooth.best_iteration].tv < 0.7 * plain.history[plain.best_iteration].tv


def test_a_style_alone_may_be_shallower_than_the_content(pictures):
    wide = np.zeros((10, 40, 3), np.uint8)
    stylize(pictures[0], wide, settings(content_layers="pool4", style_layers="relu1_1",
                                        iterations=1))


@pytest.mark.parametrize("wrong, error, sentence", [
    ({"size": 8, "style_layers": "relu5_1"}, ArgumentError,
     "content.png is 8×6 pixels after scaling, but relu5_1 needs at least 16"),
    ({"init": "nowhere.png"}, FileError, "the initial picture nowhere.png does not exist"),
    ({"weights": "nowhere.h5"}, FileError, "nowhere.h5"),
    ({"device": "tpu"}, ArgumentError, "device 'tpu' is not known"),
])
def test_what_does_not_fit_is_refused_before_the_work(pictures, wrong, error, sentence):
    with pytest.raises(error) as raised:
        stylize(*pictures, settings(**wrong))
    assert sentence in str(raised.value)


def test_a_lack_of_memory_before_the_run_is_said_for_users(pictures, monkeypatch):
    """The engine's own sentence names its function, and the shapes of its arrays."""
    def full(*arguments):
        raise OutOfMemoryError("conv2d: for a float32 tensor of shape (1, 3, 130, 130) …")

    monkeypatch.setattr("nst.job.regions.guided", full)
    with pytest.raises(OutOfMemoryError, match=r"not enough memory for \d+×\d+ pixels; choose"):
        prepare(*pictures, settings())


def test_no_gpu(pictures):
    if is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(DeviceError, match="'cuda'"):
        stylize(*pictures, settings(device="cuda"))
    assert stylize(*pictures, settings(device="auto")).device == "cpu"


@pytest.mark.gpu
@pytest.mark.parametrize("precision, tolerance", [("highest", 1e-5), ("high", 1e-2)])
def test_gpu_and_cpu_agree(pictures, precision, tolerance):
    """The initial picture and one step: the same losses.

    Rounding decides the order of colours that are equal along a direction of the palette, so the
    step differs a little.
    """
    (here, moved), (there, moved_there) = [[entry.total for entry in stylize(*pictures, settings(
        device=device, precision=precision, optimizer="adam", iterations=1)).history]
        for device in ("cpu", "cuda")]
    assert there == pytest.approx(here, rel=tolerance)
    assert moved_there == pytest.approx(moved, rel=1e-2) and moved < 0.8 * here


@pytest.mark.parametrize("loss", ["w2", "swd"])
def test_the_style_counts_beyond_the_edges_of_the_result(pictures, loss):
    """Up to half of the margin; otherwise the pixels at the edges would count less than others."""
    job = prepare(*pictures, settings(margin=8, style_loss=loss, style_layers="relu1_1"))
    scale = job.scales[-1]
    objective = job.objective(job.inputs.reduced(scale.factor), scale)
    picture = mg.tensor(np.random.default_rng(0).normal(0, 50, (1, 3, *scale.computed_size)).astype(
        np.float32), requires_grad=True, device=job.device)
    objective(picture).style.backward()
    rows = (picture.grad.numpy() != 0).any(axis=(0, 1, 3))
    columns = (picture.grad.numpy() != 0).any(axis=(0, 1, 2))
    for counted in (rows, columns):         # a kernel of 3×3 reaches one pixel further
        assert not counted[:3].any() and counted[3:-3].all() and not counted[-3:].any()
