"""Losses at random positions: what is drawn, from where, and when."""

import dataclasses

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import ArgumentError
from nst import Settings, stylize
from nst.job.checkpoint import CheckpointManager, load_checkpoint
from nst.job.transfer import prepare
from nst.loss import sampling
from nst.loss.sampled import SampledObjective, regions_of
from nst.loss.sampling import Positions
from nst.model.weights import load
from nst.optimize.evaluation import LossAndGradient
from nst.pictures.masks import Masks

pytestmark = pytest.mark.usefixtures("narrow_network")

LAYERS = {"style_layers": "relu1_1,relu2_1", "content_layers": "relu1_1,relu2_1"}
LOSSES = {"swd": {"style_loss": "swd"}, "remd": {"style_loss": "remd"},
          "selfsim": {"content_loss": "selfsim"},
          "both": {"style_loss": "remd", "content_loss": "selfsim"}}


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(sampling, "SAMPLES", 40)


# ----------------------------------------------------------------------------- positions


def test_distinct_positions_inside_the_border(rng):
    found = sampling.draw(rng, (10, 20), 60, border=3)
    assert len(set(zip(found.rows.tolist(), found.columns.tolist()))) == 60
    assert found.rows.min() >= 3 and found.rows.max() < 13
    assert found.columns.min() >= 3 and found.columns.max() < 23


def test_all_positions_of_a_small_picture(rng):
    found = sampling.draw(rng, (2, 3), 60)
    assert found.rows.tolist() == [0, 0, 0, 1, 1, 1]
    assert found.columns.tolist() == [0, 1, 2, 0, 1, 2]


def test_positions_under_a_mask_of_one_pixel(rng):
    mask = np.zeros((9, 7), np.float32)
    mask[4, 5] = 0.1
    found = sampling.draw(rng, (9, 7), 12, mask)
    assert found.rows.tolist() == [4] * 12 and found.columns.tolist() == [5] * 12


def test_features_between_the_positions_of_a_layer():
    """Pixel 1 of a layer of half the size lies a quarter of a step behind position 0."""
    features = mg.tensor(np.array([[0.0, 8.0], [16.0, 24.0]])[None, None])
    at = Positions(np.array([0, 1, 3, 2]), np.array([0, 1, 3, 1]))
    np.testing.assert_allclose(sampling.features_at(features, "relu2_1", at).numpy()[:, 0],
                               [0, 4 + 2, 24, 12 + 2])
    whole = sampling.features_at(features, "relu1_1", Positions(np.array([1]), np.array([0])))
    assert whole.numpy().tolist() == [[16]]


def test_layers_have_their_shares_of_a_hypercolumn(rng):
    features = {"relu1_1": mg.tensor(rng.uniform(0, 9, (1, 3, 4, 4))),
                "relu2_1": mg.tensor(rng.uniform(0, 1, (1, 5, 2, 2)))}
    factors = sampling.layer_factors([features], [1.0], {"relu1_1": 3, "relu2_1": 1})
    squares = {layer: ((features[layer].numpy() * factors[layer])**2).sum(axis=1).mean()
               for layer in factors}
    assert squares == pytest.approx({"relu1_1": 0.75 * 8, "relu2_1": 0.25 * 8})
    dead = {"relu1_1": mg.zeros(1, 3, 4, 4)}
    assert sampling.layer_factors([dead], [1.0], {"relu1_1": 1}) == {"relu1_1": 1}


def test_regions_and_their_styles():
    left = np.zeros((4, 8), np.float32)
    left[:, :2] = 1
    first, second = regions_of(Settings(blend=(1, 3)), Masks(regions=(left, None)), 2, (4, 8))
    assert (first.amounts, first.weight) == ((1, 0), 0.5 * 0.25)
    assert (second.mask, second.amounts, second.weight) == (None, (0, 1), 1.5)
    whole, = regions_of(Settings(blend=(1, 3)), Masks(), 2, (4, 8))
    assert (whole.amounts, whole.weight) == ((0.25, 0.75), 1)


# ---------------------------------------------------------------------------- objectives


@pytest.fixture(scope="module")
def network():
    return load("random:0", "relu2_1", "cpu")


@pytest.fixture
def picture(rng):
    return lambda *size: mg.tensor(rng.uniform(-100, 100, (1, 3, *size)).astype(np.float32))


@pytest.mark.parametrize("name", LOSSES)
def test_random_numbers_depend_on_seed_scale_and_evaluation_only(name, network, picture):
    content, style, result = picture(12, 14), picture(10, 16), picture(12, 14)

    def totals(seed=0, scale=0, **more):
        settings = Settings(**LAYERS, **LOSSES[name], seed=seed, **more)
        objective = SampledObjective(network, settings, content, style, scale=scale)
        found = []
        for evaluation in (3, 4, 3):
            objective.begin(evaluation)
            found.append(objective(result).total.item())
        return found

    first, second, again = totals()
    assert first == again != second
    assert totals() == [first, second, again]
    assert first not in totals(seed=1) and first not in totals(scale=1)
    assert len(set(totals(optimizer="lbfgs"))) == 1


@pytest.mark.parametrize("name", ["swd", "remd"])
def test_a_picture_of_the_size_of_a_style_is_at_no_distance_from_it(name, network, picture):
    style = picture(6, 6)               # no more positions than samples
    settings = Settings(**LAYERS, **LOSSES[name], content_weight=0)
    found = SampledObjective(network, settings, None, style, size=(6, 6))(style)
    assert found.style.item() < 2e-3 and found.content is None


def test_the_border_has_no_part_in_the_style(network, picture):
    for name in ("swd", "remd"):
        settings = Settings(style_layers="relu1_1", content_layers="relu1_1", **LOSSES[name])
        objective = SampledObjective(network, settings, picture(32, 32), picture(20, 20),
                                     border=8)
        result = picture(32, 32).numpy().copy()
        before = objective(mg.tensor(result)).style.item()
        result[:, :, :6] += 50          # a kernel of 3×3 reaches one pixel further
        assert objective(mg.tensor(result)).style.item() == pytest.approx(before, rel=1e-6)


def test_self_similarity_counts_more_at_coarse_scales(network, picture):
    settings = Settings(**LAYERS, content_loss="selfsim", content_weight=3)
    content = picture(12, 12)
    coarse = SampledObjective(network, settings, content, content, factor=0.25)
    assert coarse.settings.content_weight == 12


HARD = {
    "16 pixels": {},
    "one colour": {"style": np.full((16, 16, 3), 0.5)},
    "black": {"style": np.zeros((16, 16, 3)), "content": np.zeros((16, 16, 3))},
    "one pixel": {"masks": True},
    "blend": {"blend": (1, 3)},
}


@pytest.mark.parametrize("case", HARD)
@pytest.mark.parametrize("name", ["swd", "both"])
def test_hard_inputs_give_a_picture(name, case, rng):
    hard = HARD[case]
    content, style, other = (hard.get(role, rng.uniform(0, 1, (16, 16, 3)))
                             for role in ("content", "style", "other"))
    more = {"blend": hard.get("blend")}
    if hard.get("masks"):
        dot = np.zeros((16, 16), np.uint8)
        dot[5, 7] = 255
        more = {"content_mask": dot, "region_masks": [dot, 255 - dot], "style_masks": [dot, dot]}
    settings = Settings(weights="random:0", device="cpu", iterations=3, scales=1, margin=2,
                        **LAYERS, **LOSSES[name], **more)
    result = stylize(content, [style, other], settings)
    assert result.ended == "done", result.cause
    assert np.isfinite(result.picture.pixels).all()


SMALL = {"weights": "random:0", "size": 32, "scales": 2, "iterations": 6, "device": "cpu",
         "margin": 2, **LAYERS}


@pytest.mark.parametrize("name, optimizer", [("both", "adam"), ("swd", "lbfgs")])
def test_a_run_is_resumed_bit_for_bit(name, optimizer, pictures, tmp_path):
    def job():
        return prepare(*pictures, Settings(**SMALL, **LOSSES[name], optimizer=optimizer,
                                           variable="pixels"))

    def stop(progress):
        if len(progress.history) == 6:
            raise KeyboardInterrupt

    whole = job().run()
    stopped = job()
    stopped.run(stop, CheckpointManager(tmp_path / "one", stopped, every=5))
    again = job()
    checkpoint = load_checkpoint(tmp_path / "one", again)
    assert checkpoint.iteration == 5            # within the second scale
    resumed = again.run(None, None, checkpoint.state)
    np.testing.assert_array_equal(resumed.picture.pixels, whole.picture.pixels)
    assert ([dataclasses.replace(entry, seconds=0) for entry in resumed.history]
            == [dataclasses.replace(entry, seconds=0) for entry in whole.history])


@pytest.mark.parametrize("name", ["swd", "both"])
def test_a_gpu_does_not_replay_random_numbers(name, network, picture, played):
    content, style, result = picture(12, 14), picture(10, 16), picture(12, 14)
    there = weights_on(network, "cuda:0")
    settings = Settings(**LAYERS, **LOSSES[name])
    here = SampledObjective(network, settings, content, style)
    leaf = result.to("cuda:0").detach().requires_grad_()
    evaluate = LossAndGradient(SampledObjective(there, settings, content.to("cuda:0"),
                                                style.to("cuda:0")), leaf)
    assert evaluate.recording is None
    for evaluation in range(2):
        here.begin(evaluation)
        _, values = evaluate(evaluation)
        assert values["total"] == pytest.approx(here(result).total.item(), rel=1e-4)


def weights_on(network, device):
    return dataclasses.replace(network, parameters={
        name: (weight.to(device), bias.to(device))
        for name, (weight, bias) in network.parameters.items()})


# ------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize("wrong, sentence", [
    ({"style_loss": "swd", "tile": 64}, "style-loss swd cannot be computed by tiles, but tile is "
     "64; leave tile out, or choose style-loss w2 and content-loss features"),
    ({"content_loss": "selfsim", "processes": 2}, "content-loss selfsim cannot be computed by "
     "tiles, but processes is 2; leave processes out"),
])
def test_tiles_are_refused(wrong, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        Settings(**wrong)
    assert Settings(style_loss="remd", style_weight=0, tile=64).sampled == ""


def test_a_picture_that_is_too_large_for_memory_is_refused(pictures):
    settings = Settings(**SMALL, style_loss="remd", max_memory="20MB")
    with pytest.raises(ArgumentError, match=r"because style-loss remd cannot be computed by "
                       r"tiles, but max-memory is .*; choose a smaller --size, a larger "
                       r"--max-memory, or --style-loss w2 with --content-loss features$"):
        prepare(*pictures, settings)
