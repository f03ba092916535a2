"""Descent on x⁴ − 2x³ + 2: where it stalls, where it ends, and what helps."""

import numpy as np
import pytest

from examples import descent


def test_from_the_left_it_creeps_as_one_over_k():
    way = descent.descend("left", [descent.LEFT])
    assert (np.diff(way.xs[:, 0]) > 0).all() and way.end[0] < 0
    assert way.end[1] == pytest.approx(2.0, abs=1e-4)
    for k in (1000, 500):
        assert way.xs[k, 0] == pytest.approx(-1 / (6 * descent.LEARNING_RATE * k), rel=0.07)


@pytest.mark.parametrize("start", [0.05, 0.7, 1.4, 1.6, 2.3])
def test_from_the_right_it_ends_at_the_minimum(start):
    way = descent.descend("right", [start], steps=2000)
    assert way.end == (pytest.approx(1.5, abs=1e-6), pytest.approx(5 / 16, abs=1e-9))


def test_momentum_passes_the_inflection():
    way = descent.descend("momentum", [descent.LEFT], descent.MOMENTUM)
    assert way.end == (pytest.approx(1.5, abs=1e-6), pytest.approx(5 / 16, abs=1e-9))


def test_each_start_goes_its_own_way():
    together = descent.descend("both", [-0.8, 2.0], 0.5, steps=50)
    for k, start in enumerate((-0.8, 2.0)):
        alone = descent.descend("one", [start], 0.5, steps=50)
        np.testing.assert_array_equal(together.xs[:, k], alone.xs[:, 0])


def test_the_best_of_the_restarts_is_kept(rng):
    ways = descent.all_descents(rng, "cpu")
    restarts = ways[3]
    assert restarts.xs.shape == (descent.SHORT_STEPS + 1, descent.RESTARTS)
    assert (restarts.xs[-1] < 0.1).any() and restarts.end[1] == restarts.fs[-1].min()
    assert restarts.end[0] == pytest.approx(1.5, abs=1e-3)


def test_what_is_printed_depends_on_the_seed(capsys):
    printed = []
    for seed in (0, 0, 1):
        descent.program(["--seed", str(seed)])
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] != printed[2]
    assert "1.500000       0.312500" in printed[0] and "stalled" in printed[0]
