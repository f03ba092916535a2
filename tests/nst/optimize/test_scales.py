"""Coarse to fine: which sizes, how many iterations at each, and what goes from one to the next."""

import itertools
import math

import numpy as np
import pytest

import minigrad
from minigrad.backend import array_module, to_device
from minigrad.errors import ArgumentError
from nst import Settings, stylize
from nst.config.choices import VARIABLES
from nst.loss.objective import Losses
from nst.optimize.loop import optimize
from nst.optimize.scales import plan
from nst.pictures import resample

pytestmark = pytest.mark.usefixtures("narrow_network")

FREE = {"shortest_side": 10_000, "min_side": 1}         # no limit from the network


def sides(scales):
    return [max(scale.size) for scale in scales]


@pytest.mark.parametrize("size, expected", [
    ((512, 384), [128, 181, 256, 362, 512]), ((384, 512), [128, 181, 256, 362, 512]),
    ((320, 320), [113, 160, 226, 320]), ((256, 100), [128, 181, 256]), ((128, 96), [128]),
    ((40, 30), [40])])
def test_sizes_are_root_two_apart_from_about_128(size, expected):
    scales = plan(size, Settings(), **FREE)
    assert sides(scales) == expected
    assert scales[-1].size == size and scales[-1].factor == 1
    for scale in scales:
        assert scale.size == tuple(max(1, round(side * scale.factor)) for side in size)
    for one, next_one in itertools.pairwise(scales):
        assert next_one.factor / one.factor == pytest.approx(math.sqrt(2))


@pytest.mark.parametrize("iterations, expected", [
    (300, [60, 60, 60, 60, 60]), (304, [64, 60, 60, 60, 60]), (49, [13, 12, 12, 12]),
    (10, [10]), (3, [3])])
def test_iterations_are_shared_out_and_no_scale_gets_too_few(iterations, expected):
    scales = plan((512, 512), Settings(iterations=iterations), **FREE)
    assert [scale.iterations for scale in scales] == expected
    assert [scale.number for scale in scales] == list(range(len(expected)))


def test_no_scale_is_too_small_for_the_network():
    """A panorama 64 pixels high: relu5_1 needs 16, which two halvings leave."""
    scales = plan((512, 64), Settings(), shortest_side=64, min_side=16)
    assert sides(scales) == [128, 181, 256, 362, 512]
    scales = plan((512, 40), Settings(), shortest_side=40, min_side=16)
    assert sides(scales) == [256, 362, 512]


def test_the_number_of_scales_can_be_given():
    assert sides(plan((512, 512), Settings(scales=2), **FREE)) == [362, 512]
    assert sides(plan((512, 512), Settings(scales=1, iterations=2), **FREE)) == [512]
    with pytest.raises(ArgumentError, match="scales is 3, but there are only 2 iterations"):
        plan((512, 512), Settings(scales=3, iterations=2), **FREE)
    with pytest.raises(ArgumentError, match=r"a side of 40 pixels .* only 2 times .* give 3 or"):
        plan((512, 40), Settings(scales=9), shortest_side=40, min_side=16)


# ---------------------------------------------------------------------- from scale to scale


@pytest.mark.parametrize("old, new", [(24, 34), (34, 24), (9, 10), (5, 5), (8, 1)])
def test_a_wave_in_another_size_is_the_same_wave(old, new, device):
    """Every one that both sizes can hold, to the last digits; there is no beat."""
    def wave(k, n):
        return np.cos(np.pi * k * (np.arange(n) + 0.5) / n)

    xp = array_module(minigrad.zeros(1, device=device).data)
    for k in range(min(old, new)):
        found = resample.band_limited(xp.asarray(wave(k, old)[None]), new, 1)
        np.testing.assert_allclose(to_device(found, "cpu"), wave(k, new)[None], atol=1e-12)


@pytest.fixture
def waves():
    """A smooth picture 1×3×H×W of any size: the same function of place."""
    def make(height, width):
        y, x = (np.arange(n) / n + 0.5 / n for n in (height, width))
        planes = [np.sin(3 * y)[:, None] * np.cos((2 + c) * x) for c in range(3)]
        return np.stack(planes)[None].astype("f")
    return make


def test_a_picture_in_another_size_is_the_same_picture(waves, device):
    enlarged = resample.picture(minigrad.tensor(waves(24, 32), device=device), (34, 45))
    assert enlarged.device == minigrad.zeros(1, device=device).device
    np.testing.assert_allclose(enlarged.numpy(), waves(34, 45), atol=0.02)
    same = minigrad.tensor(waves(5, 4))
    copy = resample.picture(same, (5, 4))
    assert copy is not same
    np.testing.assert_array_equal(copy.numpy(), same.numpy())


def test_adam_knows_its_moments_in_the_new_size(waves):
    moments = {"step": 7, "exp_avg": waves(24, 32), "exp_avg_sq": waves(24, 32) ** 2}
    found = resample.adam_state(moments, (48, 64))
    assert found["step"] == 7
    np.testing.assert_allclose(found["exp_avg"], waves(48, 64) / 4, atol=0.005)
    np.testing.assert_allclose(found["exp_avg_sq"], waves(48, 64) ** 2 / 16, atol=0.005)
    assert (found["exp_avg_sq"] >= 0).all()


def test_lbfgs_knows_its_pairs_in_the_new_size(waves):
    """Every level of a pyramid has its place; one that is new is zero."""
    old, new = [(24, 32), (12, 16)], [(34, 45), (17, 23), (9, 12)]
    pairs = np.stack([factor * np.concatenate([waves(*size).ravel() for size in old])
                      for factor in (1, 2)])
    state = {"curvature": {"steps": pairs, "changes": pairs.copy()}, "search": {},
             "direction": pairs[0]}
    found = resample.lbfgs_state(state, old, new)
    expected = np.concatenate([waves(*size).ravel() for size in new[:2]] + [np.zeros(3 * 9 * 12)])
    growth = 34 * 45 / (24 * 32)
    for factor, step, change in zip((1, 2), found["curvature"]["steps"],
                                    found["curvature"]["changes"]):
        np.testing.assert_allclose(step, factor * expected, atol=0.05)
        np.testing.assert_allclose(change, factor * expected / growth, atol=0.05)
    assert found["direction"].shape == expected.shape and not found["direction"].any()


class Bowl:
    """A mean over the picture, so that its size does not matter: k·(x − waves)², k by place."""

    def __init__(self, waves, height, width):
        self.target = minigrad.tensor(waves(height, width))
        steep = 1 + 30 * (waves(height, width) > 0.2)
        self.steep = minigrad.tensor(steep.astype("f") / steep.size)

    def __call__(self, x):
        difference = x - self.target
        total = (self.steep * difference * difference).sum(dtype=np.float64)
        return Losses(total, total, None, 0 * total)


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_what_is_learned_helps_at_the_next_size(optimizer, variable, waves):
    """With the curvature or the moments of the small picture the large one starts faster.

    The pyramid of the large one has another level, about which nothing is known.
    """
    settings = Settings(optimizer=optimizer, variable=variable, iterations=16, average=0,
                        clamp=False,
                        learning_rate=0.05 if optimizer == "adam" else None)
    small = minigrad.zeros(1, 3, 24, 32).requires_grad_()
    totals = {}
    for taught in (True, False):
        before = optimize(Bowl(waves, 24, 32), small.detach().clone().requires_grad_(), settings,
                          iterations=10 if optimizer == "lbfgs" else 60)
        start = resample.picture(before.best, (34, 45))
        # L-BFGS is sent away to find back; Adam is to stay where it is, and not to jump about.
        start = (start * (0.5 if optimizer == "lbfgs" else 1)).requires_grad_()
        if not taught:
            before.warm_start = None
        after = optimize(Bowl(waves, 34, 45), start, settings, iterations=5, after=before)
        totals[taught] = after.history[-1].total
    assert totals[True] < (0.8 if variable == "pixels" else 0.9) * totals[False]


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "sgd"])
def test_a_run_through_three_sizes(optimizer, pictures):
    sizes, seen = [], []
    settings = Settings(size=64, scales=3, iterations=9, weights="random:0", optimizer=optimizer,
                        margin=5, content_layers="relu2_1", style_layers="relu1_1,relu2_1")

    def observe(progress):
        sizes.append(progress.best.shape[2:])
        seen.append(progress.history[-1].iteration)

    result = stylize(*pictures, settings, observe)
    assert seen == list(range(10)) == [entry.iteration for entry in result.history]
    assert sizes == [(34, 42)] * 4 + [(44, 55)] * 3 + [(58, 74)] * 3     # with their margins
    assert [entry.scale for entry in result.history] == [0] * 4 + [1] * 3 + [2] * 3
    assert result.image.size == (64, 48)
    last = [entry.total for entry in result.history[-3:]]
    assert result.best_iteration == (7 + int(np.argmin(last)) if optimizer == "lbfgs" else 9)


def test_each_size_starts_from_the_picture_before(pictures):
    """So its first loss is close to the best before, far from that of the initial picture."""
    history = stylize(*pictures, Settings(
        size=64, margin=4, scales=2, iterations=40, weights="random:0", content_layers="relu2_1",
        style_layers="relu1_1,relu2_1")).history
    first = {scale: next(e.total for e in history if e.scale == scale) for scale in (0, 1)}
    best = min(entry.total for entry in history if entry.scale == 0)
    assert first[1] < best + 0.3 * (first[0] - best)


def test_an_interruption_at_a_small_size_gives_a_picture_of_full_size(pictures):
    def observe(progress):
        if len(progress.history) == 3:
            raise KeyboardInterrupt

    result = stylize(*pictures, Settings(
        size=64, margin=4, scales=3, iterations=9, weights="random:0", content_layers="relu2_1",
        style_layers="relu1_1"), observe)
    assert (result.ended, len(result.history)) == ("interrupted", 3)
    assert result.image.size == (64, 48)


def test_an_interruption_between_two_sizes_keeps_the_picture(pictures, monkeypatch):
    from nst.job import transfer

    def interrupted(*_):
        raise KeyboardInterrupt

    def observe(progress):
        if len(progress.history) == 4:          # the last of the first size
            monkeypatch.setattr(transfer.resample, "picture", interrupted)

    picture_of_job = transfer.Job.picture

    def restored(job, tensor):
        monkeypatch.undo()
        return picture_of_job(job, tensor)

    monkeypatch.setattr(transfer.Job, "picture", restored)
    result = stylize(*pictures, Settings(
        size=64, margin=4, scales=3, iterations=9, weights="random:0", content_layers="relu2_1",
        style_layers="relu1_1"), observe)
    assert (result.ended, len(result.history)) == ("interrupted", 4)
    assert result.image.size == (64, 48)
