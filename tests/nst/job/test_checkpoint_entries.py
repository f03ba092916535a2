"""Each entry of a checkpoint is checked by its type: what a run writes is read, nothing else is."""

import dataclasses
import json

import numpy as np
import pytest

from nst.job import checkpoint_entries
from nst.optimize.progress import Iteration, Rollback
from nst.pictures.frame import Frame

NAN, INF = float("nan"), float("inf")
HISTORY = [Iteration(number, 3.5, None, 1.25, 0.5, 0.01, palette=0.1, scale=number // 2,
                     style_layers={"relu1_1": 1.0, "relu2_1": 0.25}) for number in range(4)]
FRAME = Frame(1, "iteration 1, 32×32", b"\xff\xd8", (32, 32))


def plain(entries):
    return json.loads(json.dumps([dataclasses.asdict(entry) for entry in entries]))


def packed(**changes):
    return {**vars(FRAME), "data": np.frombuffer(FRAME.data, np.uint8), **changes}


def test_what_a_run_writes():
    rollback = Rollback(3, 1, "the loss is not finite")
    assert checkpoint_entries.iterations(plain(HISTORY)) == HISTORY
    assert checkpoint_entries.rollbacks(plain([rollback]), 4) == [rollback]
    assert checkpoint_entries.frames([packed()], 4) == [FRAME]



@pytest.mark.parametrize("at", [0, -1])
@pytest.mark.parametrize("name, values", [
    ("total", [NAN, INF, True, 10**400, 1e301, None, "1"]),
    ("content", [1.0, NAN, "<script>", [1]]),
    ("style", [None, {}, INF]), ("tv", [None, NAN]), ("seconds", ["x", -1e300, INF, -1]),
    ("scale", [-1, 0.0, True, 2**62]), ("iteration", [True, 7, 0.0, None]),
    ("style_layers", [{}, None, [], {"relu1_1": 1.0}, {"relu1_1": "x", "relu2_1": 1.0}]),
    ("content_layers", [{"\x1b": 1.0}]), ("nothing", [1])])
def test_an_entry_of_the_history_that_no_run_writes(at, name, values):
    for value in values:
        entries = plain(HISTORY)
        entries[at][name] = value
        with pytest.raises((TypeError, ValueError, AttributeError)):
            checkpoint_entries.iterations(entries)


@pytest.mark.parametrize("rollback", [
    {"iteration": [], "back_to": None, "cause": {}}, {"iteration": 5, "back_to": 0, "cause": ""},
    {"iteration": 1, "back_to": 2, "cause": ""},
    {"iteration": 1, "back_to": 0, "cause": "\x1b[31m"},
    {"iteration": 1, "back_to": 0, "cause": "x" * 10**5}])
def test_a_rollback_that_no_run_writes(rollback):
    with pytest.raises((TypeError, ValueError)):
        checkpoint_entries.rollbacks([rollback], 4)


@pytest.mark.parametrize("changes", [
    {"size": "x"}, {"size": (0, 4)}, {"size": (4, 10**9)}, {"size": (1, 2, 3)}, {"label": 5},
    {"label": "\n"}, {"iteration": "x"}, {"iteration": 99}, {"data": "\xff\xd8"},
    {"data": np.frombuffer(b'"><script>', np.uint8)}], ids=lambda changes: next(iter(changes)))
def test_a_small_picture_that_no_run_writes(changes):
    with pytest.raises((TypeError, ValueError, AttributeError)):
        checkpoint_entries.frames([packed(**changes)], 4)
    with pytest.raises(ValueError, match="it has 5 small pictures of 4 iterations"):
        checkpoint_entries.frames([packed()] * 5, 4)
