"""What all examples share: --plot, --seed, --help, and mistakes in one sentence."""

import pytest
from PIL import Image

EXAMPLES = ("perceptron", "inverter")


@pytest.mark.parametrize("name", EXAMPLES)
def test_plot_draws_a_picture(name, run_example, tmp_path):
    pytest.importorskip("matplotlib")
    done = run_example(name, "--plot", "out.png")
    assert (done.returncode, done.stderr) == (0, "") and "out.png" in done.stdout
    with Image.open(tmp_path / "out.png") as image:
        width, height = image.size
        colours = image.convert("RGB").quantize(64).getcolors()
    assert width > 800 and height > 500
    assert len(colours) > 5 and max(count for count, _ in colours) < 0.97 * width * height


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("arguments, message", [
    (("--plot", "none/out.png"), "there is no folder none; create it first"),
    (("--plot", "out.mp3"), "the end of its name must be one of"),
    (("--plot", "."), "it is a folder"),
    (("--seed", "-1"), "'-1' is not a whole number of at least 0"),
    (("--seed", "one"), "'one' is not a whole number"),
    (("--sed", "1"), "unrecognized arguments: --sed 1"),
])
def test_mistakes_are_found_before_the_run(name, arguments, message, run_example, tmp_path):
    done = run_example(name, *arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f"examples.{name}: ") and message in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_without_matplotlib_only_plots_are_missing(name, run_example):
    assert run_example(name, without="matplotlib").returncode == 0
    done = run_example(name, "--plot", "out.png", without="matplotlib")
    assert done.returncode == 2 and done.stdout == ""
    assert "--plot needs Matplotlib" in done.stderr and "[plot]" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", EXAMPLES)
def test_help_names_the_document(name, run_example):
    done = run_example(name, "--help")
    assert done.returncode == 0 and "--plot FILE" in done.stdout
    assert ("Workshop 3" if name == "perceptron" else "TP 1") in done.stdout
