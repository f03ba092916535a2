"""What all examples share: --plot, --seed, --device, --help, and mistakes in one sentence."""

import importlib

import numpy as np
import pytest
from PIL import Image

from examples import common, digits
from minigrad import cuda
from nst.model import weights

# For each program the arguments of a short run, and the document that it follows.
WORKSHOP, TP, REVIEW, MONET = "Workshop 3", "TP 1", "Deep Learning Review", "Final Course Project"
EXAMPLES = {
    "perceptron": ((), WORKSHOP), "inverter": ((), TP), "descent": ((), TP),
    "activations": ((), WORKSHOP), "softmax_table": ((), WORKSHOP), "toy_backprop": ((), WORKSHOP),
    "linear_regression": (("--steps", 20), REVIEW),
    "mlp": (("--epochs", 1, "--folds", 1, "--activation", "relu"), REVIEW),
    "digits_cnn": (("--epochs", 1, "--folds", 1), WORKSHOP),
    "cyclegan": (("--size", 16, "--filters", 2, "--blocks", 1, "--steps", 2, "--pictures", 2,
                  "--held-out", 2, "--judge-steps", 2), MONET),
    "reconstruct": (("--weights", "random:0", "--size", 32, "--iterations", 2), REVIEW),
}
USES_SKLEARN = ("linear_regression", "mlp", "digits_cnn")


@pytest.fixture
def main(monkeypatch, tmp_path, capsys, load_narrow):
    """``main("descent", "--seed", 3)`` gives (exit status, output, errors), in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(weights, "load", load_narrow)

    def run(name, *arguments):
        module = "examples.cyclegan.__main__" if name == "cyclegan" else f"examples.{name}"
        program = importlib.import_module(module).program
        status = common.run(name, program, [str(a) for a in arguments])
        said = capsys.readouterr()
        return status, said.out, said.err
    return run


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_short_run_draws_a_picture(name, main, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    if name in USES_SKLEARN:
        pytest.importorskip("sklearn")
        images, labels = digits.load()
        monkeypatch.setattr(digits, "load", lambda: (images[:400], labels[:400]))
    status, out, err = main(name, *EXAMPLES[name][0], "--plot", "out.png")
    assert (status, err) == (0, "") and "out.png" in out
    with Image.open(tmp_path / "out.png") as image:
        width, height = image.size
        colours = image.convert("RGB").quantize(64).getcolors()
    assert width > 800 and height > 500
    assert len(colours) > 5 and max(count for count, _ in colours) < 0.97 * width * height


MISTAKES = {
    "no folder": (("--plot", "none/out.png"), "there is no folder none; create it first"),
    "no such format": (("--plot", "out.mp3"), "the end of its name must be one of"),
    "a folder": (("--plot", "."), "it is a folder"),
    "negative": (("--seed", "-1"), "'-1' is not a whole number of at least 0"),
    "no number": (("--seed", "one"), "'one' is not a whole number"),
    "no device": (("--device", "tpu"), "device 'tpu' is not known; use 'cpu', 'cuda' or 'cuda:N'"),
    "no option": (("--sed", "1"), "there is no option --sed; did you mean --seed?"),
}


# All examples share one parser: every mistake in one of them, and one mistake in all.
@pytest.mark.parametrize("name, mistake", [
    *(("descent", mistake) for mistake in MISTAKES),
    *((name, "no folder") for name in EXAMPLES if name != "descent")])
def test_mistakes_are_found_before_the_run(name, mistake, main, tmp_path):
    arguments, message = MISTAKES[mistake]
    status, out, err = main(name, *arguments)
    assert status == 2 and out == ""
    assert err.startswith(f"examples.{name}: ") and message in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there(main):
    status, out, err = main("descent", "--device", "cuda")
    assert status == 2 and out == "" and err.startswith("examples.descent: device 'cuda' ")


@pytest.mark.parametrize("name", ["descent", "cyclegan"])
def test_a_process_of_its_own(name, run_example, tmp_path):
    done = run_example(name, *EXAMPLES[name][0])
    assert (done.returncode, done.stderr) == (0, "") and len(done.stdout.splitlines()) > 10


def test_mistakes_end_a_process_with_2(run_example):
    done = run_example("descent", "--plot", "out.mp3")
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1


def test_without_matplotlib_only_plots_are_missing(run_example):
    assert run_example("perceptron", without="matplotlib").returncode == 0
    done = run_example("perceptron", "--plot", "out.png", without="matplotlib")
    assert done.returncode == 2 and done.stdout == ""
    assert "--plot needs Matplotlib" in done.stderr and "[plot]" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", USES_SKLEARN)
def test_without_scikit_learn_it_is_named(name, main, monkeypatch):
    for part in ("sklearn", "sklearn.datasets", "sklearn.model_selection"):
        monkeypatch.setitem(importlib.import_module("sys").modules, part, None)
    status, _, err = main(name, *EXAMPLES[name][0])
    assert status == 2 and "scikit-learn, which is not installed" in err and "[examples]" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("name", EXAMPLES)
def test_run_as_a_file_it_has_help_that_names_the_document(name, run_example, run_file):
    if name in ("descent", "cyclegan"):         # a module, and a package
        done = run_example(name, "--help", as_file=True)
    else:
        done = run_file(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "--plot FILE" in done.stdout and "--seed N" in done.stdout
    assert "--device NAME" in done.stdout
    assert EXAMPLES[name][1] in " ".join(done.stdout.split())


def test_an_interrupt_is_one_line(capsys):
    def program(arguments):
        raise KeyboardInterrupt
    assert common.run("descent", program) == 130
    assert capsys.readouterr().err == "examples.descent: interrupted\n"


def test_whole_numbers_of_options(main):
    for text in ("0", "-3", "2.5", "many"):
        status, _, err = main("mlp", "--epochs", text)
        assert status == 2 and "is not a whole number of at least 1" in err
    status, _, err = main("digits_cnn", "--folds", "6")
    assert status == 2 and "--folds" in err


def test_mosaic():
    tiles = np.arange(12.0).reshape(3, 2, 2)
    image = common.mosaic(tiles, 2)
    nan = np.nan
    np.testing.assert_array_equal(image, [[0, 1, nan, 4, 5], [2, 3, nan, 6, 7], [nan] * 5,
                                          [8, 9, nan, nan, nan], [10, 11, nan, nan, nan]])
