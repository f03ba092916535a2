"""The loop: what counts as an iteration, and that no way of ending loses the best picture."""

import itertools

import numpy as np
import pytest

import minigrad
from minigrad.errors import ArgumentError
from nst import Settings, stylize
from nst.config.choices import VARIABLES
from nst.loss.objective import Losses
from nst.optimize.loop import optimize

OPTIMIZERS = ("lbfgs", "adam", "sgd")


class Valley:
    """Σ k·(x − 7)² with curvatures k from 1 to 30: a stand-in for the network."""

    def __init__(self, shape=(1, 3, 4, 4), device="cpu"):
        self.curvature = minigrad.tensor(np.linspace(1, 30, 48, dtype="f").reshape(shape),
                                         device=device)
        self.evaluations = 0

    def __call__(self, x):
        self.evaluations += 1
        total = (self.curvature * (x - 7.0) ** 2).sum(dtype=np.float64)
        return Losses(total, total, None, 0 * total)


def start(device="cpu"):
    return minigrad.zeros(1, 3, 4, 4, device=device).requires_grad_()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_iteration_is_an_evaluation(optimizer, device):
    valley, seen = Valley(device=device), []
    progress = optimize(valley, start(device), Settings(optimizer=optimizer, iterations=9,
                                                        learning_rate=None if optimizer == "lbfgs"
                                                        else 0.01),
                        lambda p: seen.append(p.history[-1].iteration))
    assert progress.ended == "done"
    # The initial picture, and nine iterations; on a GPU all after the second are replayed.
    assert valley.evaluations == (10 if device == "cpu" else 2)
    assert [entry.iteration for entry in progress.history] == list(range(10)) == seen
    assert progress.history[0].total == pytest.approx(48 * 15.5 * 49, rel=1e-6)
    assert progress.history[-1].total < progress.history[0].total
    assert all(entry.seconds > 0 for entry in progress.history)


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_best_is_the_picture_of_the_lowest_loss(optimizer, variable):
    rate = {"lbfgs": None, "adam": 20.0, "sgd": 0.034}[optimizer]   # too large: it overshoots
    progress = optimize(Valley(), start(), Settings(
        optimizer=optimizer, variable=variable, result="best", iterations=12, learning_rate=rate))
    totals = [entry.total for entry in progress.history]
    assert progress.best_iteration == np.argmin(totals)
    assert Valley()(progress.best).total.item() == pytest.approx(min(totals), rel=1e-6)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_the_mean_is_the_result_even_where_its_loss_is_higher(optimizer):
    """Steps that go down all the way: the mean lies behind the last picture."""
    pictures = []

    def slope(x):
        pictures.append(x.numpy())
        return Losses(total := x.sum(dtype=np.float64), total, None, 0 * total)

    progress = optimize(slope, start(), Settings(optimizer=optimizer, iterations=6, clamp=False,
                                                 average=0.8, learning_rate=1.0))
    totals = [entry.total for entry in progress.history]
    assert totals[6] > totals[5] == min(totals)
    assert progress.best_iteration == 6
    np.testing.assert_array_equal(progress.best.numpy(), pictures[6])


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_run_that_is_stopped_before_its_mean_has_the_lowest_loss(optimizer):
    def stop(progress):
        if len(progress.history) == 4:
            raise KeyboardInterrupt

    progress = optimize(Valley(), start(), Settings(optimizer=optimizer, iterations=6,
                                                    learning_rate=0.01), stop)
    totals = [entry.total for entry in progress.history]
    assert (progress.ended, progress.best_iteration) == ("interrupted", np.argmin(totals))


def test_lbfgs_stops_where_no_step_helps():
    progress = optimize(Valley(), start(), Settings(optimizer="lbfgs", iterations=500))
    assert progress.ended == "converged"
    assert len(progress.history) < 400
    np.testing.assert_allclose(progress.best.numpy(), 7, rtol=1e-4)


def test_no_default_step_of_gradient_descent_is_longer_than_ten():
    """Whatever the loss is multiplied by, and also where the gradient grows on the way."""
    pictures = []

    def hill(x):
        pictures.append(x.numpy())
        total = -1e9 * (x * x * x * x).sum(dtype=np.float64)
        return Losses(total, None, None, total)

    optimize(hill, (start().detach() + 1.0).requires_grad_(),
             Settings(optimizer="sgd", iterations=3, average=0))
    for before, after in itertools.pairwise(pictures):
        np.testing.assert_allclose(after - before, 10, rtol=1e-5)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("error, ended", [(KeyboardInterrupt, "interrupted")])
def test_interruption_keeps_the_best(optimizer, error, ended):
    valley = Valley()

    def interrupted(x):
        if valley.evaluations == 5:
            raise error
        return valley(x)

    progress = optimize(interrupted, start(), Settings(optimizer=optimizer, iterations=50,
                                                       learning_rate=0.01))
    assert (progress.ended, len(progress.history)) == (ended, 5)
    best = min(entry.total for entry in progress.history)
    assert Valley()(progress.best).total.item() == pytest.approx(best, rel=1e-6)


def test_steps_that_are_too_large_are_named_as_the_cause():
    progress = optimize(Valley(), start(), Settings(optimizer="sgd", learning_rate=1e6,
                                                    iterations=50))
    assert progress.ended == "fault"
    assert "choose a smaller learning-rate than 1e+06" in progress.cause
    assert np.isfinite(progress.best.numpy()).all()
    assert all(np.isfinite(entry.total) for entry in progress.history)


def test_nan_in_the_first_evaluation_returns_the_initial_picture():
    def broken(x):
        total = x.sum(dtype=np.float64)
        return Losses(total, total * np.nan, None, total)

    progress = optimize(broken, (start().detach() + 3.0).requires_grad_(), Settings())
    assert (progress.ended, progress.history) == ("fault", [])
    assert progress.cause.startswith("the content loss is not finite although the picture is")
    np.testing.assert_array_equal(progress.best.numpy(), 3)


def test_nan_in_the_gradient_alone_is_noticed():
    def broken(x):
        total = (x * x).sqrt().sum(dtype=np.float64)        # slope 0/0 at 0
        return Losses(total, None, total, total)

    progress = optimize(broken, start(), Settings())
    assert progress.ended == "fault"
    assert progress.cause.startswith("the gradient is not finite")


def test_overflow_of_the_weights_is_named():
    def huge(x):
        term = (x * x).sum(dtype=np.float64) + 1.0
        return Losses(term * 1e308 * 1e10, term, None, term)

    progress = optimize(huge, start(), Settings())
    assert "choose a smaller content-weight (1), style-weight (" in progress.cause
    assert "or palette-weight (" in progress.cause


@pytest.mark.parametrize("name", ["style", "palette"])
def test_a_weight_that_makes_the_gradient_overflow_is_named(name):
    def steep(x):
        total = (x * 1e30 * 1e30).sum(dtype=np.float64)
        return Losses(total, total, None, 0 * total)

    progress = optimize(steep, start(), Settings(**{f"{name}_weight": 1e25}))
    assert progress.cause.endswith(f"{name}-weight 1e+25 is too large for float32; choose a "
                                   f"smaller one")


def test_a_gradient_that_vanishes_in_float32_is_refused():
    def tiny(x):
        total = ((x * 1e-30) * 1e-30).sum(dtype=np.float64) + 1e-50
        return Losses(total, total, None, 0 * total)

    with pytest.raises(ArgumentError, match="so small that its gradient is 0 in float32; multiply"):
        optimize(tiny, start(), Settings())


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs", "sgd"])
@pytest.mark.parametrize("settings", [{}, {"auto_weights": False, "norm": "sum",
                                           "style_loss": "gram"}], ids=["auto", "sum"])
def test_only_the_ratio_of_the_weights_counts(optimizer, settings, narrow_network, rng):
    """From the smallest weights to large ones, in powers of two, which change no digit."""
    content, style = (rng.integers(0, 256, (20, 24, 3), dtype=np.uint8) for _ in range(2))

    def paint(weight):
        chosen = Settings(weights="random:0", device="cpu", iterations=3, scales=1, margin=0,
                          content_layers="relu2_1", style_layers="relu1_1,relu2_1", tv_weight=0,
                          palette_weight=0, optimizer=optimizer, content_weight=weight,
                          style_weight=weight, init="content", **settings)
        return np.asarray(stylize(content, style, chosen).picture.pixels, float)

    usual = paint(1.0)
    assert np.abs(usual - content).mean() > 0.1
    for exponent in (-66, -30, 50):
        np.testing.assert_allclose(paint(2.0 ** exponent), usual, atol=0.05)
