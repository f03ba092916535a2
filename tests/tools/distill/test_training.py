"""Distillation as a whole: the loss falls, a stopped run goes on as if it had not been stopped."""

import itertools
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import narrow_vgg
import numpy as np
import pytest
from PIL import Image

from minigrad import Tensor, no_grad
from minigrad.errors import ArgumentError, FileError
from nst.model import small as small_network
from nst.model import small_file, weights
from nst.model.small import ADAPTED
from tools.distill import (
    batches,
    crops,
    distances,
    generated,
    initialization,
    pictures,
    plan,
    training,
)
from tools.distill.command import main
from tools.distill.training import Plan, Training
from weights_converter import Weights, vgg_spec, write_weights

ROOT = Path(__file__).resolve().parents[3]
SMALLER = {"conv1_1": 6, "conv1_2": 6, "conv2_1": 8, "conv2_2": 8, "conv3_1": 12, "conv3_2": 12,
           "conv3_3": 12, "conv4_1": 16, "conv4_2": 16, "conv4_3": 16, "conv5_1": 16}


@pytest.fixture
def small(monkeypatch):
    """Everything smaller: the small network, its batches, its paintings."""
    for name, count in SMALLER.items():
        monkeypatch.setitem(plan.FILTERS, name, count)
    monkeypatch.setattr(batches, "SIZES", ((2, 32), (1, 32)))
    for module, constants in ((initialization, {"BATCHES": 2, "COUNT": 2, "SIDE": 32}),
                              (generated, {"COUNT": 1, "SIDE": 32, "BATCHES": 2, "LIFETIME": 3})):
        for name, value in constants.items():
            monkeypatch.setattr(module, name, value)


@pytest.fixture(scope="module")
def narrow_teacher():
    """Random weights with an eighth of VGG19's channels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vgg_spec, "WEIGHT_SHAPES", narrow_vgg.SHAPES)
        patch.setattr(batches, "SIZES", ((3, 48),))
        network = weights.load("random:0", "relu5_1", "cpu")
        deviations = batches.deviations(network, ADAPTED, crops.Crops([]), 0, batches=1)
    scales = {layer: batches.scale(deviation) for layer, deviation in deviations.items()}
    return batches.Teacher(network, scales), deviations


@pytest.fixture
def teacher(narrow_teacher, monkeypatch):
    monkeypatch.setattr(vgg_spec, "WEIGHT_SHAPES", narrow_vgg.SHAPES)      # the adapters fit
    return narrow_teacher


def random_parameters():
    """He initialisation: quicker than least squares, and all that most tests need."""
    rng = np.random.default_rng(0)
    return {name: (Tensor(np.float32(rng.standard_normal(shape) * (2 / np.prod(shape[1:]))**0.5),
                          requires_grad=True),
                   Tensor(np.zeros(shape[0], np.float32), requires_grad=True))
            for name, shape in plan.shapes().items()}


def a_training(schedule, teacher, parameters=None):
    scaled, deviations = teacher
    endless = crops.Crops([])
    parameters = parameters or random_parameters()
    gains = {layer: deviations[layer] / scaled.scales[layer] for layer in ADAPTED}
    return Training(schedule, parameters, gains, batches.Batches(scaled, endless, schedule.seed),
                    generated.GeneratedBatches(scaled, endless, schedule.seed), said.append,
                    report_every=5)


said: list[str] = []


def numbers(run):
    return np.concatenate([t.numpy().ravel() for pair in run.parameters.values() for t in pair])


def test_training_lessens_the_error_on_batches_not_seen(small, teacher, tmp_path):
    run = a_training(Plan(24, rate=0.05, paint_from=0.5), teacher)
    unseen = [run.batches.make(number) for number in range(900, 902)]

    def loss():
        with no_grad():
            return np.mean([training.distance(run._small(), batch, 0.5)[0].item()
                            for batch in unseen])

    before = loss()
    said.clear()
    run.run(tmp_path / "checkpoint.h5")
    assert loss() < 0.95 * before
    assert len(said) == 5
    assert re.fullmatch(r"step +24 .*features( \d\.\d{3}){10}  grams( \d\.\d{3}){5}  "
                        r"distances( \d\.\d{3}){5}", said[-1])
    assert run.seen == 24 - 3           # every fourth step of the second half is a painting


def test_a_run_that_is_stopped_goes_on_as_if_it_had_not_been(small, teacher, tmp_path):
    schedule = Plan(6, seed=3, paint_from=2.0)
    whole = a_training(schedule, teacher)
    whole.run(tmp_path / "whole.h5")
    checkpoint = tmp_path / "stopped.h5"
    stopped = a_training(schedule, teacher)
    stopped.log = lambda line: None
    with pytest.raises(KeyboardInterrupt):
        stopped._learn, learn = lambda: _interrupt(stopped, learn), stopped._learn
        stopped.run(checkpoint, every=2)
    state, parameters = training.load_checkpoint(checkpoint, schedule)
    assert state["step"] == 4
    resumed = a_training(schedule, teacher, parameters)
    resumed.restore(state)
    resumed.run(checkpoint)
    np.testing.assert_allclose(numbers(resumed), numbers(whole), rtol=1e-5, atol=1e-7)


def _interrupt(run, learn):
    if run.step == 5:
        raise KeyboardInterrupt
    return learn()


def test_a_checkpoint_of_another_seed_is_refused(small, teacher, tmp_path):
    run = a_training(Plan(1), teacher)
    run.run(tmp_path / "checkpoint.h5")
    training.load_checkpoint(tmp_path / "checkpoint.h5", Plan(9, rate=0.1))     # these may change
    with pytest.raises(ArgumentError, match="--work"):
        training.load_checkpoint(tmp_path / "checkpoint.h5", Plan(1, seed=1))
    with pytest.raises(ArgumentError, match="step 1"):
        training.load_checkpoint(tmp_path / "checkpoint.h5", Plan(0))


def test_one_cycle_of_the_rate():
    schedule = Plan(200, rate=0.5)
    rates = [schedule.learning_rate(step) for step in range(200)]
    assert max(rates) == schedule.learning_rate(10) == 0.5
    assert rates[:10] == pytest.approx([0.05 * k for k in range(1, 11)])
    assert all(a >= b for a, b in itertools.pairwise(rates[10:])) and rates[-1] < 1e-4


def test_folded_layers_answer_in_the_teachers_own_scale(small, teacher):
    run = a_training(Plan(1), teacher)
    scaled, deviations = teacher
    stored = {name: tuple(map(Tensor, pair))
              for name, pair in training.folded(run.parameters, deviations).items()}
    picture = Tensor(np.random.default_rng(0).standard_normal((1, 3, 32, 32)).astype(np.float32))
    with no_grad():
        trained = dict(small_network.walk(picture, run._small(), tuple(ADAPTED)))
        full = dict(small_network.walk(picture, stored, tuple(ADAPTED)))
    for layer, scale in scaled.scales.items():
        np.testing.assert_allclose(full[layer].numpy(), scale * trained[layer].numpy(), rtol=1e-3,
                                   atol=1e-3 * scale)


def test_a_painting_comes_nearer_to_its_style_and_is_begun_afresh(small, teacher):
    run = a_training(Plan(1), teacher)
    studio = run.generated

    def distance(picture, style):
        found, wanted = (
            dict(small_network.walk(x / plan.INPUT_DEVIATION, run._small(),
                                    generated.STYLE_LAYERS)) for x in (picture, style))
        return sum(distances.NormalTarget(wanted[layer].numpy()).error(found[layer]).item()
                   for layer in found)

    first = studio.batch(0, run._small())
    begun = studio.paintings[0]
    before = distance(Tensor(first.pictures), begun.style)
    later = studio.batch(2, run._small())
    assert studio.paintings[0] is begun and begun.age == 2
    assert distance(Tensor(later.pictures), begun.style) < before
    truth = run.batches.teacher.features(later.pictures)
    for layer, features in later.features.items():
        np.testing.assert_array_equal(features, truth[layer])
    studio.batch(4, run._small())
    studio.batch(6, run._small())            # older than its lifetime
    assert studio.paintings[0] is not begun


# ------------------------------------------------------------------ the command line


def bundled():
    """In place of what scikit-image and scikit-learn bundle."""
    green = Image.new("RGB", (60, 50), "green")
    return [pictures.Picture("a bundled photograph", "CC BY 2.0", "photograph", green)]


@pytest.fixture(scope="module")
def vgg_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("vgg") / "vgg19.h5"
    random = weights.random_weights(0, "conv5_1")
    write_weights(path, Weights(**{**vars(random), "source_sha256": "0" * 64}))
    return path


@pytest.mark.slow
def test_the_command_trains_writes_measures_and_logs(small, vgg_file, tmp_path, monkeypatch,
                                                     capsys):
    monkeypatch.setattr(pictures, "photographs", bundled)
    work, out, painting = tmp_path / "work", tmp_path / "small.h5", tmp_path / "painting.png"
    monkeypatch.setattr(pictures, "DRAWN", 1)
    work.mkdir()
    for name in ("scene-100.png", "painting-100.png"):      # drawing them takes seconds
        Image.new("RGB", (90, 80), "green").save(work / name)
    noise = np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)
    Image.fromarray(noise).save(painting)
    command = [str(vgg_file), str(out), "--work", str(work), "--paintings",
               str(painting), "--steps", "2"]
    assert main(command) == 0, capsys.readouterr().err
    log = (work / "training.log").read_text(encoding="utf-8")
    assert "command: python -m tools.distill vgg19.h5 small.h5" in log
    assert str(tmp_path) not in log
    for word in ("painting.png", "a bundled photograph (CC BY 2.0)", "teacher sha256",
                 "step     2"):
        assert word in log
    stored = small_file.read_small(out)
    assert {name: pair[0].shape for name, pair in stored.layers.items()} == plan.shapes()
    assert f"{plan.count_parameters(stored.layers):,} parameters" in capsys.readouterr().out

    assert main([*command[:-1], "3"]) == 0                  # one step more
    assert "resuming after step 2" in capsys.readouterr().out

    shown = tmp_path / "shown"
    assert main(["measure", str(out), str(vgg_file), str(painting), str(painting),
                 "--out", str(shown), "--size", "48", "--iterations", "2"]) == 0
    tables = capsys.readouterr().out
    assert tables.count("| relu1_1 | relu2_1 |") == 2
    for words in ("error of features", "the unchanged photograph", "painted by the small network"):
        assert words in tables
    assert len(list(shown.glob("*.png"))) == 2


MISTAKES = {
    "no teacher": (["missing.h5", "{out}", "--work", "{work}"], "missing.h5"),
    "no work": (["{vgg}", "{out}"], "--work"),
    "no steps": (["{vgg}", "{out}", "--work", "{work}", "--steps", "0"], "steps is 0"),
    "no rate": (["{vgg}", "{out}", "--work", "{work}", "--rate", "1.5"], "rate is 1.5"),
    "never paints": (["{vgg}", "{out}", "--work", "{work}", "--paint-every", "0"], "paint-every"),
    "negative seed": (["{vgg}", "{out}", "--work", "{work}", "--seed", "-1"], "seed is -1"),
    "no folder for the result": (["{vgg}", "no/folder/s.h5", "--work", "{work}"], "no folder"),
    "work is a file": (["{vgg}", "{out}", "--work", "{vgg}"], "cannot make the folder"),
    "no such painting": (["{vgg}", "{out}", "--work", "{work}", "--paintings", "p.jpg"], "p.jpg"),
    "an odd picture": (["measure", "{vgg}", "{vgg}", "one.jpg", "--out", "{work}"], "partner"),
    "a folder for a file": (["measure", "{vgg}", "{vgg}", "a", "b", "--out", "{vgg}"],
                            "cannot make the folder"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_get_one_sentence(mistake, vgg_file, tmp_path, monkeypatch, capsys):
    arguments, word = MISTAKES[mistake]
    monkeypatch.setattr(pictures, "photographs", bundled)
    names = {"vgg": vgg_file, "out": tmp_path / "out.h5", "work": tmp_path / "work"}
    assert main([a.format(**names) for a in arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("distill: ") and word in error
    assert len(error.splitlines()) == 1
    assert not names["out"].exists()


def test_a_plan_can_be_stored():
    assert Plan(**asdict(Plan(7, seed=2))) == Plan(7, seed=2)


def test_without_the_packages_that_bundle_photographs_one_sentence_tells(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(FileError, match=r"scikit-image .* pip install -e '\.\[distill\]'"):
        list(pictures.photographs())


def test_the_command_runs_from_a_checkout():
    """As the documentation says it; nothing is trained."""
    done = subprocess.run([sys.executable, "-m", "tools.distill", "--help"], cwd=ROOT,
                          capture_output=True, text=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0 and "usage: python -m tools.distill" in done.stdout
