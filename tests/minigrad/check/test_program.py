"""``python -m minigrad.check``: as a process, and in this one where that is not the point."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from minigrad.check.__main__ import main
from minigrad.check.public_names import primitives_behind, public_names

ROOT = Path(__file__).resolve().parents[3]

PLANTED = """
import numpy as np
from minigrad import elementwise, primitive
from minigrad.check import Sample, samples_of

@elementwise
def planted_wrong(x):
    return np.sin(x)

planted_wrong.derivative(x=lambda g, x: g * x)

@elementwise
def planted_right(x):
    return 3 * x

planted_right.derivative(x=lambda g: 3 * g)

@elementwise
def planted_broken(x):
    return 3 * x

planted_broken.derivative(x=lambda g: g.no_such_thing)

@elementwise
def planted_unsampled(x):
    return 3 * x

planted_unsampled.derivative(x=lambda g: 3 * g)

@samples_of("planted_wrong", "planted_right", "planted_broken")
def _(rng):
    yield Sample((rng.standard_normal((2, 3)),), "two dimensions")
"""


@pytest.fixture
def program(tmp_path):
    """Run ``python -m minigrad.check`` in a folder with a module of planted primitives."""
    (tmp_path / "planted.py").write_text(PLANTED)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}

    def run(*arguments):
        return subprocess.run([sys.executable, "-m", "minigrad.check", *arguments], cwd=tmp_path,
                              env=environment, capture_output=True, text=True, timeout=100)
    return run


@pytest.fixture
def run_here(capsys):
    """Run the program in this process; the result is a process's."""
    def run(*arguments):
        try:
            status = main(arguments)
        except SystemExit as end:       # argparse's
            status = end.code
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, status, said.out, said.err)
    return run


@pytest.mark.parametrize("given", [
    pytest.param(("add", "matrix_product", "max_pool", "multiply", "less"), id="some"),
    pytest.param((), id="all", marks=pytest.mark.slow)])     # test_primitive_gradients.py has all
def test_program_passes_over_every_primitive(program, given):
    done = program(*given)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert "all passed" in lines[-1]
    names = [line.split()[0].rstrip(",") for line in lines[1:-1]]
    assert set(given or ("add", "matrix_product", "convolve", "max_pool", "less")) <= set(names)
    assert "constant" in next(line for line in lines if line.startswith("less "))
    assert "x, y" in next(line for line in lines if line.startswith("multiply "))


def test_program_fails_for_a_wrong_primitive(program):
    done = program("--import", "planted", "planted_wrong", "planted_right", "--jobs", "2")
    assert done.returncode == 1
    assert "planted_wrong" in done.stdout.splitlines()[-1]
    assert "1 failed" in done.stdout.splitlines()[-1]
    assert "claimed by the rule" in done.stdout
    assert done.stderr == ""


def test_program_fails_for_a_primitive_that_raises_or_has_no_samples(program):
    done = program("--import", "planted", "planted_broken", "planted_unsampled", "exp")
    assert done.returncode == 1
    assert "AttributeError" in done.stdout
    assert "planted_unsampled has no samples" in done.stdout
    assert "2 failed: planted_broken, planted_unsampled" in done.stdout
    assert "Traceback" not in done.stderr


def test_program_options(run_here):
    assert run_here("exp", "--order", "1", "--seed", "3").returncode == 0
    listed = run_here("--list").stdout.splitlines()
    assert "multiply(x, y)" in listed and "exp(x)" in listed


def test_program_knows_what_users_call_things(run_here):
    done = run_here("matmul", "softmax", "--order", "1", "--jobs", "1")
    assert done.returncode == 0
    assert "matrix_product, matmul" in done.stdout and "softmax_along, softmax" in done.stdout


def test_public_names_lead_to_their_primitives():
    assert primitives_behind("conv2d") == ("reshape", "convolve")
    assert {"log_softmax_along", "mean"} <= set(primitives_behind("cross_entropy"))
    assert primitives_behind("exp") == ("exp",)
    assert primitives_behind("zeros") == primitives_behind("no_such_name") == ()
    assert public_names("convolve") == ["conv2d"] and public_names("exp") == []


@pytest.mark.parametrize("arguments, sentence", [
    (["matmull"], "nearest name is 'matmul'"),
    (["--jobs", "0"], "--jobs must be at least 1"),
    (["multply"], "nearest name is 'multiply'"),
    (["--import", "no_such_module"], "no_such_module"),
    (["--seed", "-1"], "--seed must be at least 0"),
    (["--order", "3"], "invalid choice"),
    (["--device", "abacus", "exp"], "'abacus' is not known"),
])
def test_program_with_a_mistake_in_the_call(run_here, arguments, sentence):
    done = run_here(*arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_mistake_ends_the_process_with_2(program):
    done = program("matmull")
    assert done.returncode == 2 and done.stderr.startswith("minigrad.check: there is no operation")
    assert done.stderr.count("\n") == 1
