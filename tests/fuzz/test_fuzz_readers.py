"""The fuzz driver: every seed is read, changed files end in one sentence, faults are found.

`python -m tests.fuzz READER --executions N` runs longer; docs/security.md has its figures.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/statm"),
                                reason="needs Linux's /proc")

ROOT = Path(__file__).parents[2]
REDUCED = os.environ.get("SLOW_TESTS") == "reduced"
# Files that are read, by reader; what is not listed reads ten thousand.
EXECUTIONS = {"checkpoint": 2_000, "picture": 5_000}
needs_atheris = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None,
    reason="guided by coverage needs atheris: pip install -e .[fuzz]")
READERS = ("pickle", "npz", "safetensors", "mat", "hdf5", "tfjs", "zip", "small", "checkpoint",
           "picture", "toml", "json")


def drive(tmp_path, *arguments):
    """Run the command; its status, and what it printed about each reader."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", *map(str, arguments),
         "--crashes", str(tmp_path / "crashes")],
        cwd=ROOT, capture_output=True, text=True)
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == int(any(run["failure"] for run in runs)), done.stderr
    return runs


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["structure", pytest.param("atheris", marks=needs_atheris)])
@pytest.mark.parametrize("reader", READERS)
def test_changed_files_end_in_one_sentence(reader, engine, tmp_path):
    count = EXECUTIONS.get(reader, 10_000) // (25 if REDUCED else 1)
    (run,) = drive(tmp_path, reader, "--engine", engine, "--executions", count)
    assert run["failure"] is None and run["executions"] >= count, run
    assert run["memory"] < 1 << 30 and run["slowest"] < 10
    assert not (tmp_path / "crashes").exists()


@pytest.mark.slow
@needs_atheris
def test_a_run_begins_with_what_an_earlier_one_found(tmp_path):
    arguments = ("json", "--engine", "atheris", "--corpus", tmp_path / "corpus", "--executions")
    (first,) = drive(tmp_path, *arguments, 4_000)
    found = {path.name for path in (tmp_path / "corpus").iterdir()}
    assert found and not any(name.startswith("seed") for name in found)
    (again,) = drive(tmp_path, *arguments, 200, "--seed", 2)
    assert again["coverage"] >= first["coverage"]
    assert found <= {path.name for path in (tmp_path / "corpus").iterdir()}


@pytest.mark.slow
def test_the_driver_finds_faults(tmp_path):
    """A crash, a hang, a bad sentence, a warning, too much memory: each with its input."""
    for name, words in (("crash", "SIGSEGV"), ("loop", "10 seconds"), ("hang", "SIGVTALRM"),
                        ("error", "ZeroDivisionError"), ("sentence", "not one printable sentence"),
                        ("warning", "overflow encountered"), ("memory", "bytes of memory")):
        (tmp_path / name).write_text(name)
        (run,) = drive(tmp_path, "faults", "--file", tmp_path / name)
        assert words in run["failure"], run
        (kept,) = (tmp_path / "crashes").glob("faults-*/file")
        assert kept.read_text() == name
        kept.unlink()
        kept.parent.rmdir()


def test_the_corpus_is_small():
    files = list((Path(__file__).parent / "corpus").rglob("*.seed"))
    assert {path.parent.name for path in files} == set(READERS)
    assert max(path.stat().st_size for path in files) <= 1 << 16
    assert sum(path.stat().st_size for path in files) < 1 << 20
