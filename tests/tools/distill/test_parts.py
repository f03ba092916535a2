"""The parts of distillation: pictures, first values, batches."""

import numpy as np
import pytest
from PIL import Image

import minigrad.functional as F
from minigrad import Tensor, no_grad
from minigrad.errors import FileError
from nst.model import small, weights
from nst.model.small import ADAPTED
from tools.distill import batches, crops, initialization, pictures, plan, procedural
from tools.distill.pictures import Picture


@pytest.fixture(scope="module")
def some_crops():
    def picture(kind, seed):
        coarse = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), np.uint8)
        return Picture(f"{kind} {seed}", "none", kind, Image.fromarray(coarse).resize((160, 120)))
    return crops.Crops([picture(kind, seed) for seed, kind in
                        enumerate(("photograph", "painting", "drawing"))])


@pytest.fixture(scope="module")
def network():
    return weights.load("random:0", "relu5_1", "cpu")


# ------------------------------------------------------------------------- pictures


@pytest.mark.parametrize("kind", [procedural.dead_leaves, procedural.cloud, procedural.waves])
def test_drawn_pictures_depend_on_the_seed_alone(kind):
    one, same, other = (kind(48, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.shape == (48, 48, 3)
    assert np.isfinite(one).all() and one.std() > 1
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_a_spectrum_falls_as_it_should():
    """Log amplitude over log frequency has the slope that was requested."""
    noise = procedural.spectrum(256, 1.5, np.random.default_rng(0))
    assert abs(noise.mean()) < 1e-9 and abs(noise.std() - 1) < 1e-9
    amplitude = np.abs(np.fft.rfft2(noise))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(256), np.fft.rfftfreq(256), indexing="ij"))
    inside = (frequency > 0.02) & (frequency < 0.4)
    slope = np.polyfit(np.log(frequency[inside]), np.log(amplitude[inside]), 1)[0]
    assert abs(slope + 1.5) < 0.05


def test_crops_are_what_they_are_asked_for(some_crops):
    found = [some_crops.batch(5, 64, np.random.default_rng(seed)) for seed in (3, 3, 4)]
    assert found[0].shape == (5, 64, 64, 3) and found[0].dtype == np.float32
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0] != found[2]).any()
    assert found[0].min() > -150 and found[0].max() < 450


def test_a_kind_of_which_there_is_none_leaves_its_share():
    alone = crops.Crops([])
    assert alone.shares.tolist() == [0, 0, 0, 1]
    assert alone.batch(2, 32, np.random.default_rng(0)).shape == (2, 32, 32, 3)


def test_bundled_photographs_have_a_licence():
    pytest.importorskip("skimage")
    found = list(pictures.photographs())
    assert len(found) == len(pictures.SCIKIT_IMAGE) + len(pictures.SCIKIT_LEARN)
    assert all(p.licence and p.image.mode == "RGB" for p in found)
    assert max(max(p.image.size) for p in found) <= pictures.MAX_SIDE
    assert len({p.sha256 for p in found}) == len(found)


def test_a_painting_that_is_no_picture(tmp_path):
    (tmp_path / "painting.jpg").write_text("no picture")
    with pytest.raises(FileError, match=r"painting\.jpg"):
        list(pictures.paintings([tmp_path / "painting.jpg"]))


# --------------------------------------------------------------------- first values


def test_least_squares_finds_a_linear_function():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((500, 7)).astype(np.float32) + 3
    weight, bias = rng.standard_normal((4, 7)), rng.standard_normal(4)
    found_weight, found_bias = initialization.least_squares(
        x, (x @ weight.T + bias).astype(np.float32))
    np.testing.assert_allclose(found_weight, weight, atol=0.01)
    np.testing.assert_allclose(found_bias, bias, atol=0.05)


def test_chosen_channels_tell_the_others():
    """Of eight channels that are mixtures of three, the three chosen give the rest."""
    rng = np.random.default_rng(1)
    answers = rng.standard_normal((400, 3)) @ rng.standard_normal((3, 8))
    chosen = initialization.choose(answers, 3)
    assert len(set(chosen)) == 3
    rest = np.linalg.lstsq(answers[:, chosen], answers, rcond=None)[0]
    np.testing.assert_allclose(answers[:, chosen] @ rest, answers, atol=1e-8)


def test_the_small_network_begins_as_a_rough_copy(network, some_crops, monkeypatch):
    """relu1_1 is near; every layer is nearer to the teacher than its mean is."""
    for name, value in (("BATCHES", 3), ("COUNT", 2), ("SIDE", 64)):
        monkeypatch.setattr(initialization, name, value)
    for name in [name for name in plan.FILTERS if name[4] in "345"]:
        monkeypatch.setitem(plan.FILTERS, name, 24)         # a smaller one, for speed
    monkeypatch.setattr(batches, "SIZES", ((3, 48),))
    deviations = batches.deviations(network, ADAPTED, some_crops, 0, batches=1)
    scales = {layer: batches.scale(deviation) for layer, deviation in deviations.items()}
    teacher = batches.Teacher(network, scales)
    first = initialization.initial_values(teacher, some_crops, deviations, 0)
    assert {name: pair[0].shape for name, pair in first.items()} == plan.shapes()
    parameters = plan.scaled(first, {name: deviations[name] / scales[name] for name in scales})
    seen = teacher.centred(some_crops.batch(2, 64, np.random.default_rng(9)))
    truth = teacher.features(seen)
    with no_grad():
        guess = dict(small.walk(Tensor(seen) / plan.INPUT_DEVIATION, parameters,
                                tuple(ADAPTED)))
    errors = {layer: np.square(guess[layer].numpy() - expected).sum()
              / np.square(expected - expected.mean((0, 2, 3), keepdims=True)).sum()
              for layer, expected in truth.items()}
    assert errors["relu1_1"] < 0.25
    assert all(errors[layer] < 0.9 for layer in ("relu2_1", "relu3_1", "relu4_1")), errors


# -------------------------------------------------------------------------- batches


def test_every_batch_is_used_twice_and_depends_on_its_number(network, some_crops, monkeypatch):
    monkeypatch.setattr(batches, "REPLAY_AFTER", 3)
    monkeypatch.setattr(batches, "SIZES", ((1, 32), (2, 16)))
    teacher = batches.Teacher(network, {"relu1_1": 2.0, "relu2_1": 5.0})
    course = batches.Batches(teacher, some_crops, 4)
    sequence = [course.at(step) for step in range(12)]
    assert not course.cached
    for term in (sequence[:6], sequence[6:]):
        first, again = ({batch.pictures.tobytes(): batch for batch in half}
                        for half in (term[:3], term[3:]))
        assert first.keys() == again.keys() and len(first) == 3
        for key, batch in first.items():        # cached as float16
            for layer, features in batch.features.items():
                np.testing.assert_allclose(again[key].features[layer], features, rtol=1e-3,
                                           atol=1e-6)
    resumed = batches.Batches(teacher, some_crops, 4)
    for step in (4, 10):
        np.testing.assert_array_equal(resumed.at(step).pictures, sequence[step].pictures)


def test_the_teacher_is_vgg_over_the_deviation(network):
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3)).astype(np.float32)
    teacher = batches.Teacher(network, {"relu1_1": 2.0})
    seen = teacher.centred(pixels)
    blue = pixels[..., 2] - network.mean[0]
    np.testing.assert_allclose(seen[:, 0], blue, rtol=1e-6)
    expected = F.conv2d_relu(Tensor(seen), *network.parameters["conv1_1"], padding=1).numpy() / 2
    np.testing.assert_allclose(teacher.features(seen)["relu1_1"], expected, rtol=1e-4, atol=1e-3)
