"""A run that was stopped and goes on is the run that was not stopped, bit for bit."""

import dataclasses
import json
import os
import weakref

import h5py
import numpy as np
import pytest

from minigrad import optim
from minigrad.errors import ArgumentError, FileError
from minigrad.io import load_state, save_state, state_digest
from nst import Settings
from nst.job.checkpoint import (
    CheckpointManager,
    checkpoint_path,
    is_checkpoint,
    is_taken,
    load_checkpoint,
)
from nst.job.memory_model import memory_needed
from nst.job.transfer import prepare
from nst.output import run_page
from nst.system.user_key import user_key

pytestmark = pytest.mark.usefixtures("narrow_network")

# Two blocks of a random network, at three scales.
SMALL = {"weights": "random:0", "size": 48, "margin": 4, "scales": 3, "iterations": 15,
         "device": "cpu", "content_layers": "relu2_1", "style_layers": "relu1_1,relu2_1"}
OPTIMIZERS = {
    "lbfgs": {"optimizer": "lbfgs"},
    "lbfgs, one pair": {"optimizer": "lbfgs", "lbfgs_history": 1, "auto_weights": False},
    "adam": {"optimizer": "adam", "lr_schedule": "cosine"},
    "sgd": {"optimizer": "sgd", "average": 0.5, "tv_weight": 2.0},
    "lbfgs, pixels": {"optimizer": "lbfgs", "variable": "pixels", "margin": 0},
    "adam, pixels": {"variable": "pixels", "result": "best"},
    "sgd, pixels": {"optimizer": "sgd", "variable": "pixels"},
    "noise": {"init": "random", "optimizer": "adam", "average": 0.0, "seed": 4},
}


@pytest.fixture
def job(pictures):
    def make(content=pictures[0], style=pictures[1], **more):
        return prepare(content, style, Settings(**{**SMALL, **more}))
    return make


@pytest.fixture(scope="module")
def whole_run(pictures, narrow_network):
    """The result of a job that is not stopped; every job runs once."""
    known = {}

    def run(**settings):
        key = tuple(sorted(settings.items()))
        if key not in known:
            known[key] = prepare(*pictures, Settings(**{**SMALL, **settings})).run()
        return known[key]
    return run


def stop_at(iteration):
    def observe(progress):
        if progress.history[-1].iteration == iteration:
            raise KeyboardInterrupt
    return observe


def stopped(job, path, iteration=7, every=None):
    """Run as far as ``iteration``, with a checkpoint just before it."""
    checkpoints = CheckpointManager(path, job, every or iteration)
    result = job.run(stop_at(iteration), checkpoints)
    assert (result.ended, checkpoints.last_saved) == ("interrupted", iteration)
    return result


def resume(path, job, observe=None, every=None):
    """Run a job from its checkpoint, or from the beginning if there is none."""
    resumed = load_checkpoint(path, job)
    if resumed is not None:
        job = dataclasses.replace(job, settings=resumed.settings)
    checkpoints = CheckpointManager(path, job, every, resumed=resumed)
    return job.run(observe, checkpoints, resumed and resumed.state)


def losses(result):
    return [dataclasses.replace(entry, seconds=0) for entry in result.history]


@pytest.mark.parametrize("iteration", [6, 9])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_it_goes_on_bit_for_bit(optimizer, iteration, job, whole_run, tmp_path):
    """At the beginning of a scale, and within it (5, 5 and 5 iterations)."""
    settings = OPTIMIZERS[optimizer]
    whole = whole_run(**settings)
    stopped(job(**settings), tmp_path / "one", iteration)
    resumed = resume(tmp_path / "one", job(**settings))     # everything is read again
    assert losses(resumed) == losses(whole)
    np.testing.assert_array_equal(resumed.picture.pixels, whole.picture.pixels)
    assert (resumed.ended, resumed.best_iteration) == (whole.ended, whole.best_iteration)


def test_again_and_again(job, whole_run, tmp_path):
    """Stopped after each iteration."""
    settings = {"optimizer": "lbfgs", "iterations": 9}
    whole = whole_run(**settings)
    path = tmp_path / "one"
    for iteration in range(1, 10):
        present = job(**settings)
        assert (load_checkpoint(path, present) is None) == (iteration == 1)
        resume(path, present, stop_at(iteration), every=1)
    result = resume(path, job(**settings))
    assert losses(result) == losses(whole)
    np.testing.assert_array_equal(result.picture.pixels, whole.picture.pixels)


def test_an_interruption_within_an_evaluation_loses_nothing(job, whole_run, tmp_path, monkeypatch):
    """Without regular checkpoints: one is written when the run is stopped."""
    whole, present = whole_run(), job()
    calls = []

    def walk(self, *arguments):
        calls.append(1)
        if len(calls) == 11:                # targets of two scales: 2 each; the rest evaluations
            raise KeyboardInterrupt
        return original(self, *arguments)

    original = type(present.network).walk
    monkeypatch.setattr(type(present.network), "walk", walk)
    checkpoints = CheckpointManager(tmp_path / "one", present)
    result = present.run(None, checkpoints)
    assert (result.ended, checkpoints.last_saved) == ("interrupted", len(result.history))
    monkeypatch.undo()
    resumed = resume(tmp_path / "one", job())
    assert losses(resumed) == losses(whole)


def test_an_interruption_between_two_scales(job, whole_run, tmp_path, monkeypatch):
    whole, present = whole_run(optimizer="lbfgs"), job(optimizer="lbfgs")

    def reduced(self, factor):
        if factor > 0.6:
            raise KeyboardInterrupt
        return original(self, factor)

    original = type(present.inputs).reduced
    monkeypatch.setattr(type(present.inputs), "reduced", reduced)
    result = present.run(None, CheckpointManager(tmp_path / "one", present))
    assert (result.ended, len(result.history)) == ("interrupted", 6)
    monkeypatch.undo()
    again = job(optimizer="lbfgs")
    assert load_checkpoint(tmp_path / "one", again).state.picture is None
    assert losses(resume(tmp_path / "one", again)) == losses(whole)


# ------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("other, clash", [
    ({"style_weight": 11.0}, f"style-weight was {Settings().style_weight}, but now it is 11.0"),
    ({"iterations": 16}, "iterations was 15, but now it is 16"),
    ({"weights": "random:1"}, "the weights file is not the same"),
    ({"init": "style"}, "the initial picture is not the same"),
    ({"content_mask": np.full((48, 64), 0.5)}, "a mask is not the same"),
])
def test_another_run_is_refused(other, clash, job, tmp_path):
    stopped(job(), tmp_path / "one")
    with pytest.raises(FileError, match=clash) as caught:
        load_checkpoint(tmp_path / "one", job(**other))
    assert str(caught.value).endswith("leave out --resume to start over")


def test_other_pictures_are_refused(job, pictures, colours, tmp_path):
    stopped(job(), tmp_path / "one")
    with pytest.raises(FileError, match="the content picture is not the same, or has changed"):
        load_checkpoint(tmp_path / "one", job(content=colours(48, 64, 3)))
    with pytest.raises(FileError, match=r"(a style|the initial) picture is not the same"):
        load_checkpoint(tmp_path / "one", job(style=[*pictures]))


def test_where_files_lie_does_not_matter(job, pictures, tmp_path):
    stopped(job(), tmp_path / "one")
    (tmp_path / "other.png").write_bytes(pictures[0].read_bytes())
    other = job(content=tmp_path / "other.png")
    assert load_checkpoint(tmp_path / "one", other).iteration == 7


def test_tiles_and_history_stay_what_they_were(job, whole_run, tmp_path):
    """They are fitted to the memory that is free, which may be another amount now."""
    whole = whole_run(optimizer="lbfgs", lbfgs_history=2)
    stopped(job(optimizer="lbfgs", lbfgs_history=2), tmp_path / "one", 9)
    present = job(optimizer="lbfgs")
    assert load_checkpoint(tmp_path / "one", present).settings.lbfgs_history == 2
    assert losses(resume(tmp_path / "one", present)) == losses(whole)


@pytest.mark.parametrize("tile, now", [(24, None), (None, 24), (24, 32)])
def test_tiles_stay_what_they_were(tile, now, job, whole_run, tmp_path):
    """Whether memory or the user chose them: other ones would change last bits."""
    whole = whole_run(tile=tile)
    stopped(job(tile=tile), tmp_path / "one", 9)
    present = job(tile=now)
    assert load_checkpoint(tmp_path / "one", present).settings.tile == tile
    result = resume(tmp_path / "one", present)
    assert losses(result) == losses(whole)
    np.testing.assert_array_equal(result.picture.pixels, whole.picture.pixels)


def test_tiles_that_do_not_fit_any_more_are_refused(job, tmp_path):
    first = job()
    stopped(first, tmp_path / "one")
    before = (tmp_path / "one").read_bytes()
    less = job(max_memory=memory_needed(first.spec) - 1)
    assert less.settings.tile is not None
    with pytest.raises(ArgumentError, match=r"^cannot resume from .*: its run computes the whole "
                       r"picture at once, which takes about [\d.]+ [MG]B of memory, but "
                       r"max-memory is [\d.]+ [MG]B, and other tiles .* bit for bit; free or "
                       r"allow that much memory, or leave out --resume to start over$"):
        load_checkpoint(tmp_path / "one", less)
    assert (tmp_path / "one").read_bytes() == before


def test_pictures_of_the_page_go_with_it(job, tmp_path):
    """Also through a part of the run that has no page."""
    whole = run_page.Recorder(one := job())
    one.run(whole)
    for iteration, wants_page in ((5, True), (9, False), (None, True)):
        present = job()
        resumed = load_checkpoint(tmp_path / "one", present)
        checkpoints = CheckpointManager(tmp_path / "one", present, iteration, resumed=resumed)
        recorder = run_page.Recorder(present, checkpoints.frames if wants_page else [])

        def observe(progress, recorder=recorder, iteration=iteration):
            recorder(progress)
            if progress.history[-1].iteration == iteration:
                raise KeyboardInterrupt

        present.run(observe, checkpoints, resumed and resumed.state)
    missing = [frame for frame in whole.frames if frame not in checkpoints.frames]
    assert checkpoints.frames[-1] == whole.frames[-1]
    assert {frame.iteration for frame in missing} == {5, 6, 7, 8} & {
        frame.iteration for frame in whole.frames}


def test_what_is_handed_over_is_let_go_of(job, tmp_path):
    """Else all that L-BFGS remembers would be there twice until the scale has ended."""
    stopped(job(optimizer="lbfgs"), tmp_path / "one", 9)
    present = job(optimizer="lbfgs")
    resumed = load_checkpoint(tmp_path / "one", present)
    checkpoints = CheckpointManager(tmp_path / "one", present, resumed=resumed)
    steps = weakref.ref(resumed.state.optimizer["optimizer"]["curvature"]["steps"])
    gone = []
    present.run(lambda progress: gone.append(steps() is None), checkpoints,
                resumed.state)
    assert gone and all(gone)


def test_no_memory_for_a_checkpoint_ends_no_run(job, tmp_path, monkeypatch):
    def snapshot(self):
        raise MemoryError

    monkeypatch.setattr(optim.LBFGS, "state_dict", snapshot)
    warnings = []
    present = job(optimizer="lbfgs", scales=1)
    checkpoints = CheckpointManager(tmp_path / "one", present, 5, warnings.append)
    result = present.run(stop_at(14), checkpoints)
    assert result.ended == "interrupted" and len(result.history) == 15
    assert warnings == [f"no checkpoint at iteration {n}: there is not enough memory"
                        for n in (5, 10)]


def test_a_damaged_checkpoint_is_refused(job, tmp_path):
    stopped(job(), tmp_path / "one")
    whole = (tmp_path / "one").read_bytes()
    (tmp_path / "half").write_bytes(whole[:len(whole) // 2])
    with pytest.raises(FileError, match="half"):
        load_checkpoint(tmp_path / "half", job())
    with h5py.File(tmp_path / "one", "a") as file:
        del file["state/history"]
    with pytest.raises(FileError, match="it was changed"):
        load_checkpoint(tmp_path / "one", job())


@pytest.fixture(scope="module")
def written(pictures, narrow_network, tmp_path_factory):
    """The file of a user's key, and all that a checkpoint of this user says."""
    folder = tmp_path_factory.mktemp("user")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NST_KEY_FILE", str(folder / "key"))
        stopped(prepare(*pictures, Settings(**SMALL)), folder / "one")
        return folder / "key", load_state(folder / "one")


@pytest.mark.parametrize("name, value", [
    ("scale", 10**6), ("history", "[]"), ("best_iteration", -1), ("picture", np.zeros(3)),
    ("best", None), ("best", "x"), ("best", {"a": 1}), ("best", 1e300), ("picture", [1e300]),
    ("optimizer", 5), ("frames", 3), ("about", []), ("rollbacks", "[1]"),
    ("rollbacks", '[{"iteration": [], "back_to": null, "cause": {}}]'), ("history", '[{"a": NaN}]'),
    ("optimizer", {"moments": [{"step": -1}], "mean": {}, "unit": 1.0})])
@pytest.mark.filterwarnings("error")
def test_a_checkpoint_that_was_edited_is_refused(name, value, written, job, tmp_path, monkeypatch):
    """With its old seal, with a new one of another key, and even with the user's own key."""
    key, whole = written
    monkeypatch.setenv("NST_KEY_FILE", str(key))
    tree, present = {**whole, name: value}, job()
    seal = tree.pop("seal")
    other = state_digest(tree, bytes(32))
    for sealed, words in ((seal, "it was changed"), (other, "it was changed"),
                          (state_digest(tree, user_key()), "it is not a checkpoint")):
        save_state(tmp_path / "one", {**tree, "seal": sealed})
        with pytest.raises(FileError, match=words):
            load_checkpoint(tmp_path / "one", present)


@pytest.mark.parametrize("name, value, words", [
    ("tile", "1", "tile is 1 pixels, but relu"), ("tile", "-16", "tile is -16, but must be"),
    ("tile", '"x"', "not 'x'"), ("lbfgs-history", "0", "lbfgs-history is 0, but must be"),
    ("tile", "[", "it is not a checkpoint")])
def test_tiles_and_history_that_no_run_has_are_refused(name, value, words, written, job, tmp_path,
                                                       monkeypatch):
    """Tiles smaller than their halo have no end."""
    key, whole = written
    monkeypatch.setenv("NST_KEY_FILE", str(key))
    tree = {**whole, "about": {**whole["about"], name: value}}
    del tree["seal"]
    save_state(tmp_path / "one", {**tree, "seal": state_digest(tree, user_key())})
    with pytest.raises(FileError) as raised:
        load_checkpoint(tmp_path / "one", job())
    assert str(raised.value).startswith(f"cannot resume from {tmp_path / 'one'}: ")
    assert words in str(raised.value) and str(raised.value).endswith("--resume to start over")


@pytest.mark.parametrize("change", [
    {"content": None}, {"palette": None}, {"style_layers": {"relu9_9": 1.0}}], ids=str)
def test_terms_that_the_run_does_not_have_are_refused(change, written, job, tmp_path, monkeypatch):
    """The page would draw a curve through iterations that lack its term."""
    key, whole = written
    monkeypatch.setenv("NST_KEY_FILE", str(key))
    history = [{**entry, **change} for entry in json.loads(whole["history"])]
    tree = {**whole, "history": json.dumps(history)}
    del tree["seal"]
    save_state(tmp_path / "one", {**tree, "seal": state_digest(tree, user_key())})
    with pytest.raises(FileError, match="its iterations have other terms or layers"):
        resume(tmp_path / "one", job())
    assert (tmp_path / "one").exists()


def test_a_pipe_in_the_place_of_a_checkpoint(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert not is_checkpoint(tmp_path / "pipe") and is_taken(tmp_path / "pipe")


def test_without_a_checkpoint_there_is_nothing_to_go_on_from(job, tmp_path):
    assert load_checkpoint(tmp_path / "none", job()) is None
    assert checkpoint_path(tmp_path / "out.png").name == "out.checkpoint.h5"


def test_a_checkpoint_that_cannot_be_written_ends_no_run(job, tmp_path):
    warnings = []
    path = tmp_path / "nowhere" / "one"
    result = (one := job()).run(None, CheckpointManager(path, one, 4, warnings.append))
    assert result.ended == "done"
    assert len(warnings) == 3 and "no checkpoint at iteration 4" in warnings[0]
