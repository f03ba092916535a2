"""The seed repository's headline job: it runs, in a reduced form, and says what it did."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import common  # noqa: E402
import seeds as seeds_program  # noqa: E402


@pytest.fixture
def seeds(tmp_path):
    """`seeds("--size", "32")` gives the finished process."""
    def call(*arguments):
        return subprocess.run([sys.executable, str(ROOT / "benchmarks" / "seeds.py"), *arguments],
                              capture_output=True, text=True, timeout=120, cwd=tmp_path,
                              env={**os.environ, "PYTHONPATH": str(ROOT)})
    return call


def test_a_reduced_job(seeds, tmp_path):
    done = seeds("--size", "32", "--iterations", "4", "--output", "seeds.json")
    assert (done.returncode, done.stderr) == (0, "")
    (result,) = json.loads((tmp_path / "seeds.json").read_text(encoding="utf-8"))["results"]
    assert (result["pixels"], result["iterations"], result["device"]) == ("32×24", 4, "cpu")
    assert 0 < result["seconds_per_iteration"] < result["seconds"]
    assert 0 < result["best_total"] < result["first_total"]
    assert result["share"] is None      # another job than the document's
    assert "| 32×24 | 4 | cpu |" in (tmp_path / "seeds.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("arguments, message", [
    (("--iterations", "0"), "'0' is not a whole number of at least 1"),
    (("--size", "8"), "fewer than the 16"),
    (("--weights", "none.h5"), "none.h5"),
    (("--device", "tpu"), "device 'tpu' is not known"),
    (("--output", "seeds.txt"), "must end in .json"),
])
def test_mistakes_are_one_sentence(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    status = common.run("seeds", seeds_program.main, arguments)
    out, err = capsys.readouterr()
    assert status == 2 and out == "" and err.count("\n") == 1
    assert err.startswith("seeds: ") and message in err


def test_a_mistake_ends_the_process_with_2(seeds):
    done = seeds("--size", "8")
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1
