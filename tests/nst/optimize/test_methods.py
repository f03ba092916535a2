"""What the optimisers do between evaluations: schedules, the running mean, the bounds of pixels."""

import numpy as np
import pytest

import minigrad
from nst import Settings, demo, stylize
from nst.config.choices import SCHEDULES
from nst.loss.objective import Losses
from nst.optimize.loop import optimize
from nst.optimize.methods import RunningMean, rate

pytestmark = pytest.mark.usefixtures("narrow_network")


def picture(value=0.0):
    return minigrad.full((1, 3, 2, 2), value).requires_grad_()


def slope(x):
    """A loss whose gradient is 1 everywhere."""
    total = x.sum(dtype=np.float64)
    return Losses(total, total, None, 0 * total)


@pytest.mark.parametrize("schedule, middle", [("constant", 1), ("linear", 0.505),
                                              ("cosine", 0.505), ("exponential", 0.1)])
def test_rates_fall_from_one_to_a_hundredth(schedule, middle):
    settings = Settings(optimizer="adam", lr_schedule=schedule)
    last = 1 if schedule == "constant" else 0.01
    found = [rate(settings, share) for share in (0, 0.5, 1)]
    np.testing.assert_allclose(found, [1, middle, last], rtol=1e-12)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_steps_follow_the_schedule(optimizer, schedule):
    seen = []

    def watched(x):
        seen.append(float(x.numpy().ravel()[0]))
        return slope(x)

    settings = Settings(optimizer=optimizer, lr_schedule=schedule, iterations=10, average=0,
                        learning_rate=2, clamp=False)
    optimize(watched, picture(), settings)
    expected = [-2 * rate(settings, k / 10) for k in range(10)]
    np.testing.assert_allclose(np.diff(seen), expected, rtol=1e-5)


@pytest.mark.parametrize("variable, iterations, expected",
                         [("pixels", 4, 10), ("pixels", 25, 10), ("pixels", 100, 5),
                          ("pixels", 2500, 1), ("pyramid", 4, 10), ("pyramid", 900, 2.5)])
def test_adams_rate_by_default(variable, iterations, expected):
    seen = []

    def watched(x):
        seen.append(float(x.numpy().ravel()[0]))
        if len(seen) == 3:
            raise KeyboardInterrupt
        return slope(x)

    optimize(watched, picture(), Settings(optimizer="adam", iterations=iterations, clamp=False,
                                          variable=variable))
    np.testing.assert_allclose(np.diff(seen), -expected, rtol=1e-5)


def test_a_schedule_runs_over_all_scales():
    settings = Settings(optimizer="sgd", lr_schedule="linear", iterations=10, average=0,
                        learning_rate=1, clamp=False)
    seen = []

    def watched(x):
        seen.append(float(x.numpy().ravel()[0]))
        return slope(x)

    first = optimize(watched, picture(), settings, iterations=5)
    del seen[:]
    optimize(watched, picture(), settings, iterations=5, after=first)
    np.testing.assert_allclose(np.diff(seen), [-rate(settings, k / 10) for k in range(6, 10)],
                               rtol=1e-5)


@pytest.mark.parametrize("beta", [0.5, 0.9])
def test_the_running_mean_is_weighted_by_age(beta, rng):
    pictures = rng.standard_normal((6, 1, 3, 2, 2)).astype("f")
    mean, result = RunningMean(picture(), beta), picture()
    for one in pictures:
        mean.add(minigrad.tensor(one))
    mean.replace(result)
    weights = beta ** np.arange(5, -1, -1.0)
    np.testing.assert_allclose(result.numpy(), np.average(pictures, axis=0, weights=weights),
                               rtol=1e-5, atol=1e-6)


def test_without_a_mean_the_last_picture_stays():
    mean, result = RunningMean(picture(), 0.0), picture(3.0)
    mean.add(picture(1.0))
    mean.replace(result)
    assert (result.numpy() == 3).all()


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_the_last_evaluation_is_that_of_the_mean(optimizer):
    """Three steps of −1 from 0: the pictures −1, −2, −3 with weights 1, 1/3, 1/9 from the end."""
    seen = []

    def watched(x):
        seen.append(float(x.numpy().ravel()[0]))
        return slope(x)

    optimize(watched, picture(), Settings(optimizer=optimizer, iterations=3, average=1 / 3,
                                          learning_rate=1, clamp=False))
    mean = np.average([-1, -2, -3], weights=[1 / 9, 1 / 3, 1])
    np.testing.assert_allclose(seen, [0, -1, -2, mean], rtol=1e-5)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("clamp", [True, False])
def test_pixels_stay_between_black_and_white_if_wanted(optimizer, clamp):
    black, white = (minigrad.tensor(np.array(v, "f").reshape(1, 3, 1, 1))
                    for v in ([-5, -6, -7], [5, 6, 7]))
    progress = optimize(slope, picture(), Settings(optimizer=optimizer, iterations=9, average=0,
                                                   learning_rate=2, clamp=clamp),
                        bounds=(black, white))
    lowest = progress.best.numpy().min(axis=(0, 2, 3))
    np.testing.assert_allclose(lowest, [-5, -6, -7] if clamp else [-18] * 3, rtol=1e-5)


def test_pixels_of_a_run_stay_within_a_picture(pictures):
    """Clamped and averaged pictures have nothing left to clip."""
    seen = []
    settings = Settings(size=32, iterations=6, weights="random:0", optimizer="adam",
                        learning_rate=60, content_layers="relu2_1", style_layers="relu1_1")
    stylize(*pictures, settings, lambda progress: seen.append(progress.best.numpy()))
    mean = np.array([103.939, 116.779, 123.68]).reshape(1, 3, 1, 1)
    assert all((s + mean).min() > -1e-3 and (s + mean).max() < 255.001 for s in seen)


@pytest.mark.usefixtures("whole_network")
def test_the_preset_gatys_makes_what_it_always_made():
    """Totals of a run before there were presets. Rounding grows on the way to the later ones."""
    history = stylize(demo.scene_path(), demo.painting_path(), Settings.preset(
        "gatys", size=64, iterations=12, weights="random:0", device="cpu")).history
    found = [entry.total for entry in history][::4]
    np.testing.assert_allclose(found[:2], [1.147958225e9, 1.044578584e9], rtol=1e-6)
    np.testing.assert_allclose(found[2:], [3.117213197e8, 1.327140571e8], rtol=0.1)
