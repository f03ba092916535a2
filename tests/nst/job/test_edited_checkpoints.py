"""Hundreds of edited checkpoints: each is refused, or resumes to the right picture.

Half of them keep their seal; the other half get a new one, by somebody who has no key, or has one
of another user. Some more are sealed with the user's own key, and most of their edits are in the
optimiser's state: each is refused, or resumes and ends, with another picture only where a number
became another one that a run could have had.
"""

import dataclasses
import math
import os
from random import Random

import numpy as np
import pytest

from minigrad.errors import ArgumentError, FileError
from minigrad.io import load_state, save_state, state_digest
from nst import Settings
from nst.job.checkpoint import CheckpointManager, load_checkpoint
from nst.job.transfer import prepare
from nst.system.user_key import VARIABLE, user_key

pytestmark = pytest.mark.slow
COUNT = 40 if os.environ.get("SLOW_TESTS") == "reduced" else 300
SMALL = {"weights": "random:0", "size": 24, "margin": 0, "scales": 2, "iterations": 8,
         "device": "cpu", "content_layers": "relu1_1", "style_layers": "relu1_1"}
OTHERS = (None, True, -1, 0, 1, 2**40, 0.5, float("nan"), float("inf"), "", "x", "[]", "{}", "[1]",
          "null", [], {}, (), [[]], {"array": 1, "axes": 2}, np.zeros(3), np.array(1.5),
          np.zeros((1, 3, 4, 4), np.float32), np.full((2, 2), np.nan), np.zeros((0, 3)),
          np.ones(2, np.complex64), np.arange(4, dtype=np.int8))
MORE_NAMES = ("tell", "array", "axes", "step", "_bound")


def stop(progress):
    if progress.history[-1].iteration == 5:
        raise KeyboardInterrupt


def edited(random, value, depth=0):
    """Replace, remove or change one entry somewhere in a tree."""
    if isinstance(value, dict) and value and (not depth or random.random() < 0.9):
        name = random.choice(list(value))
        changed = dict(value)
        if not depth and random.random() < 0.5 and value["optimizer"] is not None:
            name = "optimizer"
        if depth and random.random() < 0.05:
            changed[random.choice(MORE_NAMES)] = random.choice(OTHERS)
        elif random.random() < 0.15:
            del changed[name]
        else:
            changed[name] = edited(random, value[name], depth + 1)
        return changed
    if isinstance(value, list | tuple) and value and random.random() < 0.8:
        at = random.randrange(len(value))
        return type(value)([*value[:at], edited(random, value[at], depth + 1), *value[at + 1:]])
    if isinstance(value, np.ndarray) and value.size and random.random() < 0.5:
        return edited_array(random, value)
    if isinstance(value, str) and value and random.random() < 0.6:
        at = random.randrange(len(value))
        return value[:at] + random.choice('0179-e.,"[]{}x') + value[at + 1:]
    if type(value) in (int, float) and random.random() < 0.5:
        return value + random.choice((-1, 1, 1000, -1e30, 1e30, float("nan")))
    return random.choice(OTHERS)


def edited_array(random, value):
    """Another number in an array, or another shape, type or sign."""
    changed = value.copy()
    if random.random() < 0.6:
        numbers = [*changed.flat[:1] + 1]
        if value.dtype.kind == "f":
            numbers += [np.nan, np.inf, 1e30, -1]
        changed.flat[random.randrange(value.size)] = random.choice(numbers)
        return changed
    return random.choice([
        changed[..., :-1], changed[:0], changed[None], -changed, changed.astype(np.float64),
        changed.astype(np.float32).astype(np.complex64), changed != 0])


def is_plausible(old, new):
    """Whether two trees differ only in finite numbers, or in texts of them, of the same kind."""
    if isinstance(old, dict):
        return list(old) == list(new) and all(map(is_plausible, old.values(), new.values()))
    if isinstance(old, list | tuple):
        return len(old) == len(new) and all(map(is_plausible, old, new))
    if isinstance(old, np.ndarray):
        return (old.shape, old.dtype) == (new.shape, new.dtype) and bool(np.isfinite(new).all())
    return type(old) is type(new) and (old == new or isinstance(new, str) or math.isfinite(new))


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_refused_or_right(optimizer, pictures, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "key"))
    job = prepare(*pictures, Settings(**SMALL, optimizer=optimizer))
    whole = job.run()
    path = tmp_path / "one"
    job.run(stop, CheckpointManager(path, job, 5))
    tree = load_state(path)
    seal = tree.pop("seal")
    ends = {"refused": 0, "right": 0}
    for number in range(COUNT // 2):
        changed = edited(Random(number), tree)
        new = state_digest(changed, b"" if number % 4 == 1 else bytes(32))
        save_state(path, {**changed, "seal": new if number % 2 else seal})
        try:
            resumed = load_checkpoint(path, job)
        except FileError as error:
            check(error, path)
            ends["refused"] += 1
        else:
            result = dataclasses.replace(job, settings=resumed.settings).run(
                None, None, resumed.state)
            np.testing.assert_array_equal(result.picture.pixels, whole.picture.pixels)
            ends["right"] += 1
    assert sum(ends.values()) == COUNT // 2 and ends["refused"] > 0.9 * (COUNT // 2)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs", "sgd"])
def test_the_user_has_sealed_it(optimizer, pictures, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "key"))
    job = prepare(*pictures, Settings(**SMALL, optimizer=optimizer))
    whole = job.run()
    path = tmp_path / "one"
    job.run(stop, CheckpointManager(path, job, 5))
    tree = load_state(path)
    del tree["seal"]
    ends = {"refused": 0, "same": 0, "other": 0}
    for number in range(COUNT // 2):
        changed = edited(Random(number), tree)
        save_state(path, {**changed, "seal": state_digest(changed, user_key())})
        resumed = None
        try:
            resumed = load_checkpoint(path, job)
            result = dataclasses.replace(job, settings=resumed.settings).run(
                None, None, resumed.state)
        except (FileError, ArgumentError) as error:
            check(error, "checkpoint" if resumed else path)
            ends["refused"] += 1
            continue
        same = np.array_equal(result.picture.pixels, whole.picture.pixels)
        assert same or is_plausible(tree, changed)
        assert np.isfinite(result.picture.pixels).all() and len(result.history) <= 9
        ends["same" if same else "other"] += 1
    print(optimizer, ends)


def check(error, path):
    assert str(path) in str(error) and str(error).isprintable()
    assert str(error).endswith("leave out --resume to start over")
