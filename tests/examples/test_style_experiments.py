"""Every experiment of the documents in a reduced form: its sheet, its figures, its settings."""

import contextlib
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from examples import common, session
from examples.style_experiments import folder, layers, monet, pictures, timing, weighting
from examples.style_experiments.__main__ import EXPERIMENTS, program
from nst.model import small, weights
from nst.pictures.picture import Picture

TINY = ["--weights", "random:0", "--size", "32", "--iterations", "2"]
MORE = {"folder": ["--limit", "2"], "own": ["--styles-each", "2"]}


@pytest.fixture
def run(monkeypatch, tmp_path, capsys, load_narrow):
    """``run("beta", "--size", 32)`` gives (exit status, output, errors)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(weights, "load", load_narrow)

    def call(*arguments):
        status = common.run("style_experiments", program, [str(a) for a in arguments])
        said = capsys.readouterr()
        return status, said.out, said.err
    return call


@pytest.fixture(scope="module")
def figures(tmp_path_factory, load_narrow):
    """``figures("beta")`` gives the JSON of the reduced form, which runs once for all tests.

    With more arguments it is another run. The JSON has the output (``out``) and the folder
    (``folder``) beside the rest.
    """
    known = {}

    def run_once(name, *more):
        out = tmp_path_factory.mktemp(name) / "out"
        said, mistakes = io.StringIO(), io.StringIO()
        with (pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said),
              contextlib.redirect_stderr(mistakes)):
            patch.setattr(weights, "load", load_narrow)
            patch.setattr(layers, "POSITIONS", layers.POSITIONS[-2:])
            patch.setattr(weighting, "BALANCES", weighting.BALANCES[:2])
            patch.setattr(timing, "time_training", lambda trainer: 0.2)     # tested by itself
            status = common.run("style_experiments", program, [
                name, *TINY, *MORE.get(name, ()), *map(str, more), "--out", str(out)])
        assert (status, mistakes.getvalue()) == (0, "")
        found = json.loads((out / f"{name}.json").read_text())
        return {"out": said.getvalue(), "folder": out, **found}

    def call(name, *more):
        if more:
            return run_once(name, *more)
        if name not in known:
            known[name] = run_once(name)
        return known[name]
    return call


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_sheet_and_figures(name, figures):
    found = figures(name)
    assert found["experiment"] == name and found["document"] == EXPERIMENTS[name].document
    assert found["device"] == "cpu" and found["weights"] == "random:0"
    for one in found["pictures"]:
        assert one["seconds"] > 0 and one["iterations"] <= 2 and one["best_loss"] > 0
        assert len(one["curves"]["total"]) == one["iterations"] + 1
        assert one["style_error"] > 0 and one["content_error"] >= 0
        assert f"{one['label']}: " in found["out"]
    with Image.open(found["folder"] / f"{name}.png") as sheet:
        assert sheet.width > session.MIN_CELL and sheet.height > 100


def test_the_losses_are_drawn(figures, tmp_path):
    pytest.importorskip("matplotlib")
    file = tmp_path / "losses.png"
    assert f"Plot: {file}" in figures("curves", "--plot", file)["out"]
    with Image.open(file) as plot:
        assert plot.width > 800 and plot.height > 500


# ------------------------------------------------------------- what the documents ask for


def test_beta_is_the_review_s_sweep(figures):
    """α = 5, β from 500 to 500,000, average pooling, Adam with a rate of 10, white noise."""
    chosen = [one["settings"] for one in figures("beta")["pictures"]]
    assert [one["style_weight"] for one in chosen] == [500, 5000, 50_000, 500_000]
    for one in chosen:
        assert (one["content_weight"], one["pooling"], one["optimizer"], one["learning_rate"],
                one["init"], one["norm"]) == (5, "avg", "adam", 10, "random", "gatys")
        assert set(one["style_layers"].values()) == {0.2} and list(one["content_layers"]) == [
            "relu4_2"]


def test_the_other_sweeps(figures):
    """The workshop's practices: place of the content layer, balance, weights of the style."""
    deepest = [one["settings"]["content_layers"] for one in figures("positions")["pictures"]]
    assert deepest == [{"relu5_1": 1.0}, {"relu5_2": 1.0}]
    assert len(layers.POSITIONS) == 7
    balance = [one["settings"]["style_weight"] for one in figures("balance")["pictures"]]
    assert balance == [1, 10] and len(weighting.BALANCES) == 5
    chosen = [one["settings"]["style_layers"] for one in figures("style-weights")["pictures"]]
    assert chosen[1] == {"relu1_1": 16, "relu2_1": 8, "relu3_1": 4, "relu4_1": 2, "relu5_1": 1}
    assert chosen[3] == {"relu1_1": 1, "relu2_1": 1}


def test_figures_12_and_13_are_equations_8_to_12_from_noise(figures):
    for one in figures("figures")["pictures"]:
        chosen = one["settings"]
        assert (chosen["content_weight"], chosen["style_weight"]) == (1, 1000)
        assert (chosen["init"], chosen["norm"], chosen["auto_weights"], chosen["optimizer"],
                chosen["pooling"]) == ("random", "gatys", False, "lbfgs", "avg")


def test_the_default_run_has_the_loss_of_the_keras_example(run, tmp_path):
    """Its settings, evaluated by nst, against the example's formulae written out in NumPy."""
    from nst.config.settings import Settings
    from nst.job import transfer
    from nst.loss.objective import Objective
    from nst.pictures import tensors

    rng = np.random.default_rng(0)
    content, style, painted = (Picture(rng.integers(0, 256, (24, 32, 3), np.uint8))
                               for _ in range(3))
    settings = Settings.preset("gatys", weights="random:0", device="cpu", size=32,
                               **monet.objective(content, 32))
    network = transfer.load_network(settings)
    p, a, x = (tensors.to_tensor(one, network, "cpu") for one in (content, style, painted))
    found = Objective(network, settings, p, a)(x)
    f, wanted, target = (network.features(one, settings.layers) for one in (x, p, a))
    arrays = lambda features, layer: features[layer].numpy()[0].astype(np.float64)
    gram = lambda features: np.einsum("ihw,jhw->ij", features, features)
    loss = 2.5e-8 * ((arrays(f, "relu5_2") - arrays(wanted, "relu5_2")) ** 2).sum()
    for layer in session.STYLE_LAYERS:
        difference = gram(arrays(target, layer)) - gram(arrays(f, layer))
        loss += 1e-6 / 5 * (difference**2).sum() / (4 * 3**2 * (32 * 24) ** 2)
    pixels = x.numpy()[0].astype(np.float64)
    loss += 1e-6 * sum((np.diff(pixels, axis=axis) ** 2).sum() for axis in (1, 2))
    assert found.total.item() == pytest.approx(loss, rel=1e-5)


def test_the_default_run_falls_and_adam_follows_it(figures):
    one = figures("sgd")["pictures"][0]["settings"]
    assert (one["optimizer"], one["lr_schedule"]) == ("sgd", "exponential")
    assert one["tv_weight"] > 0 and list(one["content_layers"]) == ["relu5_2"]
    other = figures("adam")["pictures"][0]["settings"]
    assert other["optimizer"] == "adam" and EXPERIMENTS["adam"].iterations == 600
    same = ("content_layers", "style_layers", "content_weight", "style_weight", "tv_weight")
    assert [one[name] for name in same] == [other[name] for name in same]


def test_a_folder_with_random_styles_up_to_a_limit(figures, tmp_path, rng):
    photographs, paintings = tmp_path / "photographs", tmp_path / "paintings"
    for place, count in ((photographs, 4), (paintings, 3)):
        place.mkdir()
        for k in range(count):
            pixels = rng.integers(0, 256, (32, 32, 3), np.uint8)
            Image.fromarray(pixels).save(place / f"{k}.png")
    (photographs / "notes.txt").write_text("no picture")
    found = figures("folder", "--photographs", photographs, "--paintings", paintings, "--limit",
                    "3", "--iterations", "40", "--patience", "3", "--delta", "0.5")
    names = [one["label"].split(", after ") for one in found["pictures"]]
    assert [photo for photo, _ in names] == ["0.png", "1.png", "2.png"]
    assert {style for _, style in names} <= {"0.png", "1.png", "2.png"}
    losses = [one["best_loss"] for one in found["pictures"]]
    assert found["average_loss"] == pytest.approx(np.mean(losses))
    assert found["stopped_early"] == sum(one["iterations"] < 40 for one in found["pictures"]) == 3
    assert f"average loss {np.mean(losses):.4g} over 3 pictures" in found["out"]


def test_own_pictures_get_different_styles(figures):
    labels = [one["label"] for one in figures("own")["pictures"]]
    assert len(labels) == len(set(labels)) == 2
    assert all(label.startswith("scene.jpg, after painting ") for label in labels)


def test_the_seed_chooses_the_styles():
    drawn = [list(pictures.paintings(None, 16, seed, 2).values()) for seed in (0, 0, 7)]
    np.testing.assert_array_equal(drawn[0][0].pixels, drawn[1][0].pixels)
    assert (drawn[0][0].pixels != drawn[2][0].pixels).any()


def test_when_training_has_paid(figures):
    """Steps × seconds of a step, over what a picture is quicker."""
    found = figures("seconds")
    wanted = 6000 * 0.2 / (found["style_transfer_seconds"] - found["cyclegan_seconds"])
    in_the_table = found["pictures"][0]["seconds"]          # in whole milliseconds
    assert found["style_transfer_seconds"] == pytest.approx(in_the_table, rel=0, abs=0.501e-3)
    if wanted > 0:
        assert found["pictures_until_training_pays"] == pytest.approx(wanted)


def test_a_training_step_is_timed():
    trainer = timing.Trainer(timing.Settings(size=16, filters=2, blocks=1))
    assert timing.time_training(trainer) > 0 and trainer.step == 1 + timing.STEPS_TIMED


def test_curves_are_the_two_losses_of_the_tp(figures):
    """MSE over features and over Gram matrices, TP 2.1.3."""
    found = figures("curves")
    one = found["pictures"][0]
    assert one["settings"]["norm"] == "mse"
    lines = found["out"].partition("style loss\n")[2].splitlines()
    assert float(lines[0].split()[1]) == pytest.approx(one["curves"]["content"][0], rel=1e-3)
    assert float(lines[0].split()[2]) == pytest.approx(one["curves"]["style"][0], rel=1e-3)


def test_losses_are_drawn_from_where_they_begin_to_where_they_end():
    """Not up to a trial of the line search, nor down to the 0 with which the content begins."""
    history = [SimpleNamespace(content=content, style=style, tv=None)
               for content, style in ((0.0, 8.0), (1e-9, 1e6), (3.0, 0.5))]
    entry = session.Entry("one", SimpleNamespace(history=history), {})
    drawn = {term: session.loss_curves([entry], term) for term in ("content", "style", "tv")}
    assert list(drawn["content"]["one"]) == [0, 1e-9, 3] and drawn["tv"] == {}
    limits = {term: session.loss_limits(list(curves.values())) for term, curves in drawn.items()}
    assert limits["content"] == (1.5, 6) and limits["style"] == (0.25, 16)
    falling = session.loss_limits([np.array([1e9, 1.0])])
    assert falling == (2e9 * session.MIN_SHARE, 2e9)


# ------------------------------------------------------------------ the small network


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_conv5_2_needs_the_full_network(name, run, tmp_path):
    status, _, err = run(name, *TINY, "--weights", small.SMALL)
    assert status == 2 and err.count("\n") == 1
    assert "(conv5_2) needs the layer relu5_2, which only the full network has" in err
    assert list(tmp_path.iterdir()) == []


def test_others_say_what_they_leave_out(figures):
    found = figures("layers", "--weights", small.SMALL)
    assert "the default is left out: relu5_2 needs the full network" in found["out"]
    assert [one["label"] for one in found["pictures"]] == [
        "content relu4_2", "content relu2_1", "style: the first two", "style: the last two"]
    found = figures("folder", "--weights", small.SMALL)
    assert "conv5_2 needs the full network" in found["out"]
    assert list(found["pictures"][0]["settings"]["content_layers"]) == ["relu4_2"]


# ---------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize("arguments, message", [
    ((), "required: EXPERIMENT"),
    (("gamma",), "'gamma'"),
    (("beta", "--plot", "out.mp3"), "the end of its name must be one of"),
    (("beta", "--seed", "one"), "'one' is not a whole number"),
    (("beta", "--device", "tpu"), "device 'tpu' is not known"),
    (("beta", "--content", "none.jpg"), "none.jpg"),
    (("beta", "--size", "9"), "pixels on each side"),
    (("figures", "--scream", "none.jpg"), "none.jpg"),
    (("folder", "--photographs", "none"), "there is no folder none"),
    (("folder", "--photographs", "."), "has no pictures (.png"),
    (("folder", "--delta", "1"), "--delta is 1, but must be finite and 0 or more and below 1"),
    (("folder", "--patience", "0"), "'0' is not a whole number of at least 1"),
    (("seconds", "--checkpoint", "none.h5"), "none.h5"),
    (("beta", "--weights", "none.h5"), "none.h5"),
    (("beta", "--out", "none/here"), "there is no folder none"),
])
def test_mistakes_are_one_sentence(run, arguments, message, tmp_path):
    tiny = ["--weights", "random:0"] if len(arguments) > 1 else []
    status, _, err = run(*arguments[:1], *tiny, *arguments[1:])
    assert status == 2 and message in err and err.count("\n") == 1
    assert err.startswith("examples.style_experiments: ") and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [("--help",), ("folder", "--help")])
def test_help_names_the_document(arguments, run_file):
    done = run_file("style_experiments", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Final Course Project" in " ".join(done.stdout.split())
    if len(arguments) == 1:
        assert all(name in done.stdout for name in EXPERIMENTS)
    else:
        assert all(option in done.stdout for option in (
            "--plot FILE", "--seed N", "--device NAME", "--limit N", "--patience N", "--delta X"))


def test_a_process_of_its_own(run_example, tmp_path):
    done = run_example("style_experiments", "figures", *TINY, "--weights", small.SMALL)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "style_experiments" / "figures.png").is_file()


def test_share():
    assert folder.share("0") == 0 and folder.share("0.01") == 0.01
