"""Odd names on every command line: each gets one sentence, which cannot control the terminal."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minigrad.check import __main__ as check
from minigrad.check import mutation
from minigrad.command_line import Parser, report
from nst.cli import batch, compare, evaluate, run
from weights_converter import __main__ as converter

ROOT = Path(__file__).parents[1]
PACKAGES = ("minigrad", "nst", "weights_converter")
# pathlib's own raise for a name that is too long, or for a folder that may not be entered.
RAISING = {"is_file": "isfile", "is_dir": "isdir", "exists": "exists", "is_symlink": "islink",
           "resolve": "realpath"}

LONG = "a" * 300
WILD = "y\x1b[31m\n\u202ez"


def calls(*words):
    """(place, name, text) of each call in the files that have one of the words."""
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if any(word in text for word in words):
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call):
                    place = f"{path.relative_to(ROOT).as_posix()}:{node.lineno}"
                    yield place, ast.unparse(node.func), ast.unparse(node)


def test_questions_about_paths_do_not_raise():
    found = [f"{place}: use os.path.{RAISING[name.rpartition('.')[2]]}"
             for place, name, _ in calls(*(f".{name}(" for name in RAISING))
             if "." in name and name.rpartition(".")[2] in RAISING
             and not name.startswith("os.path.")]
    assert found == []


def test_problems_are_printed_by_one_function():
    found = [f"{place}: use minigrad.command_line.report" for place, name, text in calls("stderr")
             if name == "print" and "sys.stderr" in text
             and not place.startswith(("minigrad/command_line.py", "nst/__main__.py"))]
    assert found == []


def test_a_report_is_one_printable_line(capsys):
    report("program", ValueError(WILD + "\x9b\r\udcff"))
    assert capsys.readouterr().err == "program: y�[31m��z���\n"


@pytest.fixture
def place(tmp_path, monkeypatch, painting):
    """A folder with a picture, links to themselves, and a file where a folder is meant."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(painting)
    (tmp_path / "b.pth").write_bytes(b"")
    for name in ("loop", "loop.h5", "loop.html", "loop.png"):
        (tmp_path / name).symlink_to(name)
    return tmp_path


@pytest.fixture(scope="module")
def painting(tmp_path_factory):
    from PIL import Image
    path = tmp_path_factory.mktemp("picture") / "a.png"
    Image.new("RGB", (8, 8)).save(path)
    return path.read_bytes()


@pytest.mark.parametrize("name", [LONG, WILD, "loop", "loop/x", "b.pth/x", "\0"],
                         ids=["long", "wild", "loop", "in a loop", "in a file", "NUL"])
@pytest.mark.parametrize("main, arguments", [
    (converter, ["b.pth", "X.h5"]), (converter, ["X", "c.h5"]), (converter, ["verify", "X"]),
    (converter, ["fetch", "vgg19", "-o", "X.h5", "--url", "ftp:"]),
    (converter, ["fetch", "vgg19", "-o", "X/c.h5", "--url", "ftp:"]),
    (converter, ["fetch", "vgg19", "-o", "c.h5", "--url", "X"]),
    (converter, ["fetch", "X"]), (converter, ["--X"]),
    (run, ["X", "a.png", "-o", "o.png"]), (run, ["a.png", "X", "-o", "o.png"]),
    (run, ["a.png", "a.png", "-o", "X.png", "--weights", "none"]),
    (run, ["a.png", "a.png", "-o", "X/o.png", "--weights", "none"]),
    (run, ["a.png", "a.png", "-o", "o.png", "--weights", "X"]),
    (run, ["a.png", "a.png", "-o", "o.png", "--weights", "none", "--report", "X.html"]),
    (run, ["a.png", "a.png", "-o", "o.png", "--weights", "none", "--init", "X"]),
    (run, ["a.png", "a.png", "-o", "o.png", "--weights", "none", "--content-mask", "X"]),
    (run, ["--config", "X"]), (run, ["--X"]), (run, ["a.png", "a.png", "--size", "X"]),
    (batch, ["X", ".", "-o", "out"]), (batch, [".", "X", "-o", "out"]),
    (batch, ["a.png", "a.png", "-o", "X/out", "--weights", "none"]),
    (batch, ["a.png", "a.png", "-o", "out", "--report", "X.html", "--weights", "none"]),
    (evaluate, ["X", "a.png", "a.png"]), (evaluate, ["a.png", "a.png", "a.png", "--weights", "X"]),
    (compare, ["X", "a.png", "-o", "s.png", "--run", "x: --tv 1", "--run", "y: --tv 2"]),
    (compare, ["a.png", "a.png", "-o", "X.png", "--weights", "none", "--run", "x: --tv 1",
               "--run", "y: --tv 2"]),
    (check, ["X"]), (check, ["--import", ".X"]), (check, ["--seed", "X"]),
    (check, ["--device", "X"]), (mutation, ["X"]), (mutation, ["--X"]),
], ids=lambda value: value.__name__ if hasattr(value, "main") else " ".join(value)[:40])
def test_odd_names_get_one_sentence(place, capsys, main, arguments, name):
    status = main.main([argument.replace("X", name) for argument in arguments])
    out, err = capsys.readouterr()
    assert status == 2
    assert all(os.path.islink(link) for link in place.glob("loop*"))
    assert err.endswith("\n") and err[:-1].isprintable(), err
    assert all(line.isprintable() for line in out.splitlines()), out


@pytest.mark.parametrize("main", [converter, run, batch, evaluate, compare, check],
                         ids=lambda main: main.__name__)
def test_a_lack_of_memory_gets_one_sentence(main, capsys, monkeypatch):
    """Wherever it is noticed; NumPy's own message is about an array that no user knows."""
    def too_large(*arguments, **options):
        np.empty(1 << 60, np.uint8)

    monkeypatch.setattr(Parser, "parse_known_args", too_large)
    assert main.main(["x", "y"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and ": there is not enough memory; close" in err


@pytest.mark.parametrize("arguments", [[LONG + ".h5"], [WILD + ".h5"]], ids=["long", "wild"])
def test_the_converter_as_a_process(place, arguments):
    """The destination exists if it can, so that a sentence names it."""
    if arguments[0] != LONG + ".h5":
        (place / arguments[0]).touch()
    done = subprocess.run([sys.executable, "-m", "weights_converter", "b.pth", *arguments],
                          capture_output=True, text=True, encoding="utf-8",
                          env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr[:-1].isprintable() and done.stderr.startswith("weights_converter: ")
