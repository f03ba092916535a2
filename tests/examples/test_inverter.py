"""The inverter program: what it must reach, for whatever seed."""

import re

import numpy as np
import pytest

import minigrad as mg
from examples import inverter
from minigrad import nn


def test_the_program_says_that_it_learned(run_example):
    done = run_example("inverter")
    assert (done.returncode, done.stderr) == (0, "")
    assert "800 examples to train, 200 to test, 1000 batches" in done.stdout
    assert "both below 0.001 from batch" in done.stdout
    assert re.search(r"accuracy: 1\.0 on 800 training examples, 1\.0 on 200 test", done.stdout)
    assert run_example("inverter", as_file=True).stdout == done.stdout
    assert run_example("inverter", "--seed", 5).stdout != done.stdout


@pytest.mark.parametrize("seed", range(3))
def test_the_curves_meet_below_the_goal(seed):
    mg.manual_seed(seed)
    rng = np.random.default_rng(seed)
    examples, test = inverter.generate(rng)
    neuron = nn.Sequential(nn.Linear(1, 1), nn.Sigmoid())
    curves = inverter.train(neuron, examples, test, rng)
    assert len(curves.train) == len(curves.test) == 1001
    assert curves.train[0] > 0.1 and curves.test[0] > 0.1
    assert curves.train[-1] < 1e-3 and curves.test[-1] < 1e-3
    assert abs(curves.train[-1] - curves.test[-1]) < 0.1 * curves.train[-1]
    assert inverter.accuracy(neuron, examples) == inverter.accuracy(neuron, test) == 1.0


def test_data_are_bits_split_80_to_20(rng):
    (data, labels), (test_data, test_labels) = inverter.generate(rng)
    assert data.shape == labels.shape == (800, 1) and test_data.shape == (200, 1)
    assert set(np.unique(data)) == {0.0, 1.0}
    assert (data + labels == 1).all() and (test_data + test_labels == 1).all()


def test_only_the_shares_of_ones_set_the_losses_apart(rng):
    """Loss = p·E(1) + (1 − p)·E(0) over either set: the test set has no input of its own."""
    examples, test = inverter.generate(rng)
    neuron = nn.Sequential(nn.Linear(1, 1), nn.Sigmoid())
    curves = inverter.train(neuron, examples, test, rng)
    out = inverter.outputs(neuron, np.array([[0.0], [1.0]], np.float32))[:, 0]
    for loss, (data, _) in ((curves.train[-1], examples), (curves.test[-1], test)):
        p = data.mean()
        assert loss == pytest.approx(p * out[1] ** 2 + (1 - p) * (1 - out[0]) ** 2, rel=1e-4)


def test_accuracy_can_be_bad(rng):
    """A neuron that does not invert is right about nothing, one that says 1 about half."""
    examples, _ = inverter.generate(rng)
    neuron = nn.Sequential(nn.Linear(1, 1), nn.Sigmoid())
    neuron.load_state_dict({"0.weight": [[8.0]], "0.bias": [-4.0]})
    assert inverter.accuracy(neuron, examples) == 0.0
    neuron.load_state_dict({"0.weight": [[0.0]], "0.bias": [4.0]})
    assert inverter.accuracy(neuron, examples) == np.mean(examples[1])


def test_when_both_curves_stay_below():
    curves = inverter.Curves([3.0, 0.1, 3.0, 0.1, 0.1], [3.0, 0.1, 0.1, 2.0, 0.2])
    assert curves.reached(1.0) == 4
    assert curves.reached(0.15) is None and curves.reached(5.0) == 0
