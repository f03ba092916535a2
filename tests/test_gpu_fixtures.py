"""Tests for a GPU where there is none: left out in one line; and what a real one cannot say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import real_cuda

ROOT = Path(__file__).parents[1]


def test_one_line_says_how_many_tests_were_left_out():
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "gpu",
         "tests/minigrad/core/test_tensor.py"], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""})
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
    (line,) = [line for line in done.stdout.splitlines() if "for a GPU were left out" in line]
    assert int(line.split()[0]) > 10 and "device 'cuda'" in line
    assert "skipped" not in done.stdout


def test_what_only_the_stand_in_has_is_refused(played, monkeypatch):
    real = real_cuda.RealCuda(played, monkeypatch)
    assert real.asarray is not None and real.launches == 0
    with pytest.raises(AttributeError, match=r"'syncs'.*`played`"):
        real.syncs  # noqa: B018
