"""The state in a checkpoint: each that a run can have is accepted, no other, whatever its seal."""

import copy
import dataclasses

import numpy as np
import pytest

from minigrad.errors import FileError
from minigrad.io import load_state, save_state, state_digest
from nst import Settings
from nst.job import checkpoint
from nst.job.checkpoint import CheckpointManager, load_checkpoint
from nst.job.transfer import Job, prepare
from nst.system.user_key import VARIABLE

NAN, INF = float("nan"), float("inf")
SMALL = {"weights": "random:0", "size": 24, "margin": 0, "scales": 2, "iterations": 6,
         "device": "cpu", "content_layers": "relu1_1", "style_layers": "relu1_1"}
RUNS = {
    "adam": {}, "adam, levels": {"size": 22, "margin": 1, "scales": 3},
    "adam, pixels": {"variable": "pixels", "average": 0.0, "lr_schedule": "cosine"},
    "adam, too fast": {"learning_rate": 1e30, "clamp": False},
    "adam, one step": {"iterations": 3, "scales": 3, "result": "best", "tile": 16},
    "sgd": {"optimizer": "sgd", "average": 0.5, "region_masks": [np.eye(48, 64)]},
    "sgd, too fast": {"optimizer": "sgd", "variable": "pixels", "average": 0.0, "clamp": False,
                    "learning_rate": 1e30, "colors": "histogram"},
    "lbfgs": {"optimizer": "lbfgs", "lbfgs_history": 2},
    "lbfgs, patience": {"optimizer": "lbfgs", "patience": 1, "min_delta": 0.5},
    "lbfgs, pixels": {"optimizer": "lbfgs", "variable": "pixels", "learning_rate": 1e12,
                      "colors": "luminance"}}
QUICK = "adam", "sgd, too fast", "lbfgs, patience"


class Recorder(CheckpointManager):
    """Saves before every evaluation, and reads what it has saved."""

    files: dict[int, bytes]

    def should_save(self, iteration):
        return iteration > 0

    def save(self, state, optimizer_state=lambda: None):
        before = self.last_saved
        super().save(state, optimizer_state)
        if self.last_saved != before:
            assert load_checkpoint(self.path, self.job).iteration == self.last_saved
            self.files[self.last_saved] = self.path.read_bytes()


@pytest.mark.parametrize("run", [
    pytest.param(run, marks=() if run in QUICK else pytest.mark.slow) for run in RUNS])
def test_every_state_of_a_run_is_accepted(run, pictures, tmp_path, monkeypatch):
    """Also after a rollback, after a restart of L-BFGS, and at the start of a scale."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "key"))
    job = prepare(*pictures, Settings(**{**SMALL, **RUNS[run]}))
    path, warnings = tmp_path / "one", []
    recorder = Recorder(path, job, 1, warnings.append)
    recorder.files = {}
    whole = job.run(None, recorder)
    assert set(recorder.files) >= set(range(1, len(whole.history)))
    assert all("its picture has numbers that are not finite" in warning for warning in warnings)
    assert bool(warnings or whole.rollbacks) == ("too fast" in run)
    for at in {1, len(whole.history) - 1, len(whole.history) // 2}:
        path.write_bytes(recorder.files[at])
        resumed = load_checkpoint(path, job)
        result = dataclasses.replace(job, settings=resumed.settings).run(None, None, resumed.state)
        np.testing.assert_array_equal(result.picture.pixels, whole.picture.pixels)


def make(run, between, pictures, folder):
    """The job, and the tree of a checkpoint within the second scale, or between the two."""
    job = prepare(*pictures, Settings(**{**SMALL, **RUNS[run]}))
    path = folder / "one"

    def stop(progress):
        if progress.history[-1].iteration == 5 and not between:
            raise KeyboardInterrupt

    def objective(self, reduced, scale, original=Job.objective):
        if scale.number:
            raise KeyboardInterrupt
        return original(self, reduced, scale)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(folder / "key"))
        if between:
            patch.setattr(Job, "objective", objective)
        job.run(stop, CheckpointManager(path, job, None if between else 5))
        assert load_checkpoint(path, job) is not None
    tree = load_state(path)
    path.unlink()
    del tree["seal"]
    assert (tree["picture"] is None) == between
    return job, tree


@pytest.fixture(scope="module")
def made(pictures, narrow_network, tmp_path_factory):
    """`make`, once for each run."""
    folder, known = tmp_path_factory.mktemp("made"), {}

    def find(run, between):
        if (run, between) not in known:
            known[run, between] = make(run, between, pictures, folder)
        return known[run, between]

    return find


WITHIN = {
    "adam": [
        "del o['mean']", "o['x'] = 1", "del o['moments'][-1]", "o['moments'].append({})",
        "o['moments'] = []", "o['moments'][0]['step'] = 1.0", "o['moments'][0]['step'] = 99",
        "o['moments'][0]['step'] = True", "o['moments'][1]['exp_avg_sq']['array'][...] = -1",
        "o['moments'][0]['exp_avg']['array'][0, 0, 0, 0] = nan", "o['unit'] = nan",
        "o['unit'] = 3.0", "o['unit'] = 0.0", "o['unit'] = 1", "o['unit'] = 2.0**900",
        "o['mean']['weight'] = 1e-30", "o['mean']['weight'] = nan", "o['mean']['mean'] = None",
        "o['moments'][0]['exp_avg']['axes'] = (0, 2, 3, nan)", "t['best'] = t['picture']['array']",
        "o['moments'][0]['exp_avg']['axes'] = (0, 2, 3, 1.5)",
        "o['moments'][0]['exp_avg']['axes'] = (0, 1, 1, 3)", "t['picture']['axes'] = 'abcd'",
        "o['mean']['mean']['array'] = o['mean']['mean']['array'].astype('f8')",
        "o['moments'][0]['exp_avg'] = np.ones((1, 3, 18, 24), 'f4')",
        "t['scale'] = 0", "t['warm_start'] = o", "t['more'] = 1", "t['optimizer'] = None"],
    "adam, pixels": ["o['mean']['mean'] = t['picture']", "o['mean']['weight'] = 0.5",
                     "o['moments'][0]['max_exp_avg_sq'] = o['moments'][0]['exp_avg']"],
    "sgd": ["o['steepest'] = nan", "o['steepest'] = -1.0", "o['steepest'] = 'x'",
            "o['steepest'] = 0.0", "o['mean'] = []", "o['mean']['mean']['array'][...] = inf"],
    "lbfgs": [
        "d['evaluations'] = nan", "d['iterations'] = 1.5", "d['iterations'] = 99",
        "d['since_best'] = -1", "d['stands'] = 'new'", "d['stands'] = 'aiming'",
        "d['stands'] = 'first'", "d['ended'] = 'stalled'", "d['slope'] = 0.0", "d['slope'] = nan",
        "d['step'] = -1.0", "d['step'] *= 2", "d['loss'] = nan", "d['best_loss'] = nan",
        "d['search'] = None", "d['search']['tell'] = 1", "del d['search']['high']",
        "d['search']['high'] = (1.0, 2.0)", "d['search']['bracketed'] = 1",
        "d['search']['trials'] = -10**6", "d['search']['limit'] = inf", "d['x']['array'][3] = nan",
        "d['direction']['array'] = d['direction']['array'][:-1]", "d['x']['axes'] = (nan,)",
        "d['curvature']['steps']['array'] = np.ones((0, 3), 'f4')", "d['curvature'] = {}",
        "del d['curvature']['changes']", "o['variable'] = {}", "o['optimizer'] = None",
        "o['variable']['levels'].pop()", "o['variable']['origin']['array'][...] = nan",
        "o['before'] = nan", "o['before'] = None"],
    "lbfgs, pixels": ["o['variable'] = {'origin': t['picture'], 'levels': []}"]}
BETWEEN = {
    "adam": ["w['moments'][0]['step'] = nan", "w['moments'] = []", "del w['unit']",
             "t['warm_start'] = None", "t['scale'] = 1", "t['optimizer'] = w",
             "w['moments'][0]['exp_avg']['array'] = np.zeros((1, 9, 9, 3), 'f4')"],
    "sgd": ["t['warm_start'] = {}"],
    "lbfgs": ["w['sizes'][0] = (1, 1)", "w['sizes'] = [(10**6, 10**6)]", "w['state'] = None",
              "w['state']['x']['array'][0] = inf", "del w['state']['slope']",
              "w['state']['evaluations'] = nan", "w['state']['ended'] = 'never'"]}


@pytest.mark.parametrize("between, run, edit", [
    (between, run, edit) for between, table in ((False, WITHIN), (True, BETWEEN))
    for run, edits in table.items() for edit in edits])
def test_no_other_state_is(between, run, edit, made, tmp_path, monkeypatch):
    job, tree = made(run, between)
    t = copy.deepcopy(tree)
    o, w = t["optimizer"], t["warm_start"]
    exec(edit, {"t": t, "o": o, "w": w, "d": o and o.get("optimizer"), "nan": NAN, "inf": INF,
                "np": np})
    t["seal"] = state_digest(t, bytes(32))
    monkeypatch.setattr(checkpoint, "user_key", lambda: bytes(32))
    monkeypatch.setattr(checkpoint, "load_state", lambda path: t)
    with pytest.raises(FileError, match=r"it is not a checkpoint of this nst\.run") as caught:
        load_checkpoint(tmp_path, job)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("content, word", [
    ([1], "a list"), (np.arange(3), "a ndarray"), (1, "a int"), (None, "a NoneType")])
def test_a_file_of_something_else(content, word, tmp_path):
    """Whoever wrote it needed no key."""
    save_state(tmp_path / "one", content)
    with pytest.raises(FileError, match=f"it holds {word}, not a state dict; leave out --resume"):
        load_checkpoint(tmp_path / "one", None)
