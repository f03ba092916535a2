"""CycleGAN's rooms: sizes, losses, the pool, checkpoints, the judge; and its program."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

import minigrad as mg
from examples import common
from examples.cyclegan import classifier, domains, losses, networks
from examples.cyclegan.__main__ import program
from examples.cyclegan.pool import Pool
from examples.cyclegan.train import NAMES, LinearDecay, Settings, Trainer
from minigrad import nn, optim
from minigrad.errors import ArgumentError, FileError

TINY = {"size": 16, "filters": 2, "blocks": 1, "discriminator": "patch34"}
OPTIONS = ["--size", "16", "--filters", "2", "--blocks", "1", "--pictures", "2", "--held-out", "2",
           "--judge-steps", "2"]


def noise_domains(rng, count=5, side=16):
    """Bright pictures as A, dark ones as B."""
    made = [(rng.uniform(-0.2, 0.2, (n, 3, side, side)) + level).astype(np.float32)
            for n, level in ((count, 0.5), (count, -0.5), (3, 0.5), (3, -0.5))]
    return domains.Domains(*made)


# ---------------------------------------------------------------------------- networks


@pytest.fixture(scope="module")
def full_generator():
    return networks.Generator()


def test_numbers_of_parameters(full_generator):
    """At full size: those that the paper's code prints, 11.378 and 2.765 millions."""
    assert networks.count(full_generator) == 11_378_179
    assert networks.count(networks.Discriminator("patch70")) == 2_764_737


@pytest.mark.parametrize("kind, field", [("experiment1", 32), ("experiment2", 64),
                                         ("patch34", 34), ("patch70", 70)])
def test_receptive_fields(kind, field):
    """By the formula, and by which pixels have a gradient from one output of the convolutions."""
    layers = networks.DISCRIMINATORS[kind].layers
    assert networks.receptive_field(layers) == field
    inputs, chain = 1, []
    for layer in layers:
        chain.append(nn.Conv2d(inputs, 1, layer.kernel, layer.stride, layer.padding))
        nn.init.ones_(chain[-1].weight)
    x = mg.ones(1, 1, 160, 160, requires_grad=True)
    verdicts = nn.Sequential(*chain)(x)
    middle = verdicts.shape[2] // 2
    verdicts[0, 0, middle, middle].backward()
    seen = x.grad.numpy()[0, 0] != 0
    assert seen.any(0).sum() == seen.any(1).sum() == field
    assert verdicts.shape[2] == networks.map_side(kind, 160)


@pytest.mark.parametrize("kind", networks.DISCRIMINATORS)
def test_shapes(kind):
    x = mg.randn(2, 3, 64, 64)
    assert networks.Generator(4, 2)(x).shape == x.shape
    side = networks.map_side(kind, 64)
    assert networks.Discriminator(kind)(x).shape == (2, 1, side, side)


def test_the_generator_is_as_described(full_generator):
    """7×7, two strided, nine residual blocks of two, two transposed, 7×7 to 3 colours; tanh."""
    kinds = [type(layer).__name__ for layer in full_generator.layers.children()]
    assert kinds.count("Residual") == 9 and kinds.count("ConvTranspose2d") == 2
    convolutions = [m for m in full_generator.modules() if isinstance(m, nn.Conv2d)]
    assert [m.kernel_size for m in convolutions] == [(7, 7)] + [(3, 3)] * 20 + [(7, 7)]
    assert convolutions[0].out_channels == 64 and convolutions[-1].out_channels == 3
    assert kinds[-2:] == ["Conv2d", "Tanh"]         # nothing normalises the picture
    out = networks.Generator(4, 1)(mg.randn(1, 3, 16, 16)).numpy()
    assert np.abs(out).max() < 1


def test_sizes_that_cannot_be():
    for side, kind in ((30, "patch34"), (8, "patch34"), (48, "experiment2")):
        with pytest.raises(ArgumentError, match=r"--size|multiple of 4"):
            networks.check_sizes(side, kind)
    networks.check_sizes(64, "experiment2")


# ------------------------------------------------------------------- losses and training


def test_losses():
    real, fake = mg.tensor([1.0, 0.5]), mg.tensor([0.0, 0.5])
    assert losses.generator_loss(fake).item() == pytest.approx((1 + 0.25) / 2)
    assert losses.discriminator_loss(real, fake).item() == pytest.approx(0.5 * (0.125 + 0.125))
    assert losses.cycle_loss(real, fake).item() == losses.identity_loss(real, fake).item() == 0.5


def test_gradients_of_a_step_by_differences(rng):
    """The whole of the generators' loss in float64, along a random direction of all weights."""
    trainer = Trainer(Settings(**TINY))
    for name in ("to_b", "to_a", "judge_a", "judge_b"):
        getattr(trainer, name).to(np.float64)
    a, b = (mg.tensor(rng.uniform(-1, 1, (1, 3, 16, 16))) for _ in range(2))
    weights = trainer._parameters("to_b", "to_a")
    directions = [rng.standard_normal(w.shape) for w in weights]
    kept = [w.numpy() for w in weights]

    def loss_at(h):
        with mg.no_grad():
            for weight, value, direction in zip(weights, kept, directions):
                weight.copy_(value + h * direction)
        trainer.optimizers[0].step = lambda: None       # only the gradients are wanted
        measured = trainer._generators(a, b)[2]
        return (measured["adversarial_ab"] + measured["adversarial_ba"] + 5 * measured["identity"]
                + 10 * (measured["cycle_a"] + measured["cycle_b"]))

    h = 1e-8        # small, to meet few of the kinks of |x| and of ReLU
    slope = (loss_at(h) - loss_at(-h)) / (2 * h)
    loss_at(0.0)
    along = sum(float((w.grad.numpy() * d).sum()) for w, d in zip(weights, directions))
    assert along == pytest.approx(slope, rel=1e-4)
    assert all(p.grad is None for p in trainer._parameters("judge_a", "judge_b"))


def test_learning_lowers_what_it_should(rng):
    pictures = noise_domains(rng)
    trainer = Trainer(Settings(**TINY, steps=24, rate=3e-3))
    for _ in range(24):
        trainer.learn_from(pictures)
    history = np.array(trainer.history)
    cycles = history[:, [NAMES.index("cycle_a"), NAMES.index("cycle_b")]].sum(1)
    assert cycles[-5:].mean() < 0.7 * cycles[:5].mean()
    moved = trainer.translate(pictures.test_a, "b").mean()
    assert moved < pictures.test_a.mean() - 0.2         # towards the dark


def test_the_rate_falls_along_a_line():
    schedule = LinearDecay(optim.SGD([nn.Parameter([1.0])], lr=8.0), 8)
    rates = []
    for _ in range(10):
        rates += schedule.get_last_lr()
        schedule.step()
    assert rates == [8, 8, 8, 8, 8, 6, 4, 2, 0, 0]


def test_the_pool():
    rng = np.random.default_rng(0)
    pool = Pool(3, rng)
    assert [pool.query(k) for k in range(3)] == [0, 1, 2]       # until it is full
    answers = [pool.query(k) for k in range(3, 400)]
    older = [a for k, a in enumerate(answers, 3) if a != k]
    assert 0.4 < len(older) / len(answers) < 0.6 and len(pool.pictures) == 3
    assert len(set(older)) == len(older)                        # each leaves when it is shown
    assert [Pool(0, rng).query(k) for k in range(5)] == list(range(5))


def test_a_resumed_run_is_the_same_run(rng, tmp_path):
    pictures, settings = noise_domains(rng), Settings(**TINY, steps=6, pool=2)
    whole, half = Trainer(settings), Trainer(settings)
    for _ in range(6):
        whole.learn_from(pictures)
    for _ in range(3):
        half.learn_from(pictures)
    half.save(tmp_path / "checkpoint.h5")
    resumed = Trainer.load(tmp_path / "checkpoint.h5")
    assert resumed.settings == settings and resumed.step == 3
    for _ in range(3):
        resumed.learn_from(pictures)
    assert resumed.history == whole.history
    for name in ("to_b", "to_a", "judge_a", "judge_b"):
        for one, other in zip(getattr(resumed, name).parameters(),
                              getattr(whole, name).parameters()):
            np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_what_is_no_checkpoint(tmp_path):
    from minigrad import io
    io.save_state(tmp_path / "other.h5", {"x": 1})
    with pytest.raises(FileError, match=r"other\.h5 is not a checkpoint"):
        Trainer.load(tmp_path / "other.h5")
    with pytest.raises(FileError, match="there is no such file"):
        Trainer.load(tmp_path / "none.h5")


# ------------------------------------------------------------------ domains and the judge


def test_drawn_domains():
    photo, painted = domains.photograph(32, 7), domains.painting(32, 7)
    for picture in (photo, painted):
        assert picture.shape == (3, 32, 32) and picture.dtype == np.float32
        assert -1 <= picture.min() < 0 < picture.max() <= 1 and picture.std() > 0.1
    np.testing.assert_array_equal(photo, domains.photograph(32, 7))
    assert np.abs(photo - domains.photograph(32, 8)).mean() > 0.05
    # The same landscape, in strokes: close where it is averaged, rough where it is not.
    def blurred(p):
        return p.reshape(3, 4, 8, 4, 8).mean((2, 4))
    assert np.abs(blurred(photo) - blurred(painted)).mean() < 0.15

    def rough(p):
        return np.abs(np.diff(p[:, :10], axis=2)).mean()        # the sky
    assert rough(painted) > 1.5 * rough(photo)


def test_folders(tmp_path, rng):
    for folder, count in (("a", 4), ("b", 5)):
        (tmp_path / folder).mkdir()
        for k in range(count):
            pixels = rng.integers(0, 256, (20, 30 + k, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / f"{k}.png")
        (tmp_path / folder / "notes.txt").write_text("no picture")
    found = domains.from_folders(tmp_path / "a", tmp_path / "b", 16, 2)
    assert [len(part) for part in (found.train_a, found.train_b, found.test_a, found.test_b)] \
        == [2, 3, 2, 2]
    assert found.train_a.shape[1:] == (3, 16, 16) and np.abs(found.train_a).max() <= 1
    with pytest.raises(FileError, match=r"has 4 pictures .* at least 5 are needed"):
        domains.from_folders(tmp_path / "a", tmp_path / "b", 16, 4)
    (tmp_path / "a" / "9.png").write_bytes(b"no picture at all")
    with pytest.raises(FileError, match=r"9\.png is not a picture"):
        domains.from_folders(tmp_path / "a", tmp_path / "b", 16, 2)


def test_the_judge_tells_textures_and_a_colour_map_does_not_fool_it(rng):
    """A is even, B is striped, in any colour: no map of colours makes stripes."""
    stripes = np.where(np.arange(16) % 4 < 2, 0.6, -0.6)

    def some(count, striped):
        level = rng.uniform(-0.4, 0.4, (count, 3, 1, 1))
        return (level + striped * 0.5 * stripes + rng.normal(0, 0.02, (count, 3, 16, 16))
                ).astype(np.float32)
    pictures = domains.Domains(some(30, 0), some(30, 1), some(12, 0), some(12, 1))
    judge = classifier.train(pictures, 0, steps=60)
    assert classifier.share(judge, pictures.test_a, 0) > 0.9
    assert classifier.share(judge, pictures.test_b, 1) > 0.9
    colours = classifier.best_colour_map(judge, pictures.train_a, 1, 0, steps=40)
    assert classifier.share(judge, classifier.mapped(pictures.test_a, colours), 1) < 0.5


def test_the_best_colour_map_is_found_where_there_is_one(rng):
    """A has stripes in red, B in red and green: a map that mixes red into green does it."""
    stripes = np.where(np.arange(16) % 4 < 2, 0.4, -0.4)
    a, b = rng.normal(0, 0.1, (2, 20, 3, 16, 16)).astype(np.float32)
    a[:, 0] += stripes
    b[:, :2] += stripes
    judge = classifier.Judge()          # one that was not shown other colours
    optimizer = optim.Adam(judge.parameters(), 1e-2)
    x = mg.tensor(np.concatenate([a, b]))
    for _ in range(25):
        optimizer.zero_grad()
        mg.functional.cross_entropy(judge(x), mg.tensor([0] * 20 + [1] * 20)).backward()
        optimizer.step()
    assert classifier.share(judge, a, 1) == 0
    colours = classifier.best_colour_map(judge, a, 1, 0, steps=80)
    assert classifier.share(judge, classifier.mapped(a, colours), 1) == 1
    assert colours.matrix[1, 0] > 0.1
    np.testing.assert_allclose(colours.matrix, colours.matrix.T, atol=1e-6)
    values = np.linalg.eigvalsh(colours.matrix)
    assert values.min() > 0.4999 and values.max() < 2.0001
    assert np.abs(colours.shift).max() <= classifier.SHIFT


def test_colour_maps():
    """The identity changes nothing; bounds are those of the text."""
    picture = np.linspace(-1, 1, 2 * 3 * 4 * 4, dtype=np.float32).reshape(2, 3, 4, 4)
    same = classifier.ColourMap(np.eye(3), np.full(3, 0.3), np.zeros(3))
    np.testing.assert_allclose(classifier.mapped(picture, same), picture, atol=1e-6)
    far = np.array([[9.0, 2, 0], [0, 0.01, 0], [0, 0, 1]])
    bounded = classifier.within_bounds(far)
    np.testing.assert_allclose(np.linalg.eigvalsh(bounded), [0.5, 1, 2], atol=1e-6)
    np.testing.assert_allclose(classifier.within_bounds(bounded), bounded, atol=1e-6)


# ------------------------------------------------------------------------- the program


@pytest.fixture
def main(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        status = common.run("cyclegan", program, [*OPTIONS, *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err
    return run


def test_a_run_and_going_on(main, tmp_path):
    status, out, err = main("--steps", "4", "--save-every", "2")
    assert (status, err) == (0, "") and "best constant colour map" in out
    out_folder = tmp_path / "cyclegan"
    assert sorted(f.name for f in out_folder.iterdir()) == [
        "checkpoint.h5", "result.json", "sheet-000002.png", "sheet-000004.png"]
    with Image.open(out_folder / "sheet-000004.png") as sheet:
        assert sheet.width >= 1000
    result = json.loads((out_folder / "result.json").read_text(encoding="utf-8"))
    assert result["steps"] == 4 and 0 <= result["a_to_b"] <= 1 and result["cycle_a"] > 0
    status, _, err = main("--steps", "4")
    assert status == 2 and "exists already; continue it with --resume" in err
    status, out, _ = main("--resume")
    assert status == 0 and "continuing from step 4" in out
    status, _, err = main("--resume", "--steps", "9")
    assert status == 2 and "--steps is 9, but" in err and "started with 4" in err


def test_mistakes(main, tmp_path):
    (tmp_path / "file").write_text("x")
    for arguments, message in [
            (("--a", "x"), "--a and --b belong together"),
            (("--a", "x", "--b", "y"), "there is no folder x"),
            (("--out", "none/here"), "there is no folder none"),
            (("--out", "file"), "is a file; name a folder"),
            (("--size", "18"), "must be a multiple of 4"),
            (("--rate", "2"), "is not a rate between 0 and 1"),
            (("--discriminator", "patch34", "--resume"), "there is no such file")]:
        status, _, err = main(*arguments)
        assert status == 2 and message in err and err.count("\n") == 1, err


def test_describe_prints_the_receptive_fields(main, tmp_path):
    program(["--describe", "--full"])
    status, out, _ = main("--describe")
    assert status == 0 and "11,378,179" in out and "2,764,737" in out
    for field in ("32×32", "64×64", "70×70"):
        assert field in out
    full, this = (next(line for line in part.splitlines() if "this run" in line)
                  for part in out.split("generator ")[1:])
    assert full.split()[2:] == ["64", "9", "11,378,179"] and this.split()[2:4] == ["2", "1"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_interrupted_it_keeps_what_it_has(tmp_path):
    command = [sys.executable, "-m", "examples.cyclegan", *OPTIONS, "--steps", "100000",
               "--save-every", "5", "--out", str(tmp_path / "run")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "PYTHONPATH": os.getcwd()})
    end = time.monotonic() + 120
    while not (tmp_path / "run" / "sheet-000005.png").exists() and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "--resume continues from there" in err
    assert "Traceback" not in err
    trainer = Trainer.load(tmp_path / "run" / "checkpoint.h5")
    assert trainer.step >= 5 and f"stopped after step {trainer.step}" in err
