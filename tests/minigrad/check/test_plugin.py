"""The pytest plugin, in runs of its own."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from minigrad.check import check_gradient
from minigrad.check.picture import page_body
from minigrad.check.strategies import arrays, shapes

ROOT = Path(__file__).resolve().parents[3]

TESTS = """
    import minigrad as mg
    import numpy as np
    import pytest

    def softmax(x):
        e = np.exp(x - x.max())
        return e / e.sum()

    @pytest.mark.gradcheck(seed=3)
    def test_right(gradcheck):
        assert gradcheck.gradient(np.sin, np.cos, [0.5, 1.0]).verdict == "right"
        gradcheck.vjp(lambda x: 3 * x, lambda arguments, g: 3 * g, (np.ones(3),))
        gradcheck(mg.exp, (np.ones(3),))

    def test_wrong(gradcheck):
        gradcheck.gradient(softmax, lambda x: softmax(x) * (1 - softmax(x)), [0.5, 1.0, -0.3])
"""


@pytest.fixture
def run(tmp_path):
    """Run pytest with the plugin on a file of tests."""
    (tmp_path / "test_it.py").write_text(textwrap.dedent(TESTS))
    # Where the project is installed the plugin would be loaded twice.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

    def run(*options):
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "pytest_gradcheck", "-q", *options],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100)
    return run


def test_failures_are_short_and_show_both_matrices(run, tmp_path):
    done = run("--gradcheck-html", "pages")
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "softmax's diagonal without the rest" in done.stdout
    assert "claimed" in done.stdout and "█" in done.stdout
    assert "raise_if_failed" not in done.stdout and "examine" not in done.stdout
    (page,) = (tmp_path / "pages").glob("*.html")
    assert "test_it.py_test_wrong" in page.name
    assert page.read_text(encoding="utf-8").count("<svg") == 3


def test_the_plugin_imports_nothing_until_it_is_used():
    """The fastest of three imports, since the machine may be busy."""
    code = ("import sys, time, pytest; before = set(sys.modules); start = time.process_time(); "
            "import pytest_gradcheck; seconds = time.process_time() - start; "
            "new = set(sys.modules) - before; print(seconds); "
            "assert new == {'pytest_gradcheck'}, new")
    seconds = [float(subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True,
                                    capture_output=True, text=True, timeout=100).stdout)
               for _ in range(3)]
    assert min(seconds) <= 0.005


@settings(max_examples=30, deadline=None)
@given(arrays())
def test_arrays_of_every_layout(x):
    assert np.isfinite(x).all() and (x != 0).all() and x.dtype in (np.float32, np.float64)


@settings(max_examples=10, deadline=None)
@given(arrays(shape=shapes(1, 2), layout="column-major", dtype=np.float64))
def test_a_right_gradient_is_right_for_every_array(x):
    assert x.flags.f_contiguous
    assert check_gradient(np.sinh, np.cosh, x)


def test_pages_escape_what_they_show():
    def f(x):
        return np.sin(x)

    f.__name__ = "<script>"
    report = check_gradient(f, lambda x: 2 * np.cos(x), np.ones(2), raise_exception=False)
    assert "<script>" not in page_body(report) and "&lt;script&gt;" in page_body(report)
