"""The pytest plugin of minigrad's gradient checker.

A module of its own, so that a run that checks no gradient imports neither minigrad nor NumPy for
it. The fixture `gradcheck` does the work; see docs/gradient-checking.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("gradcheck").addoption(
        "--gradcheck-html", metavar="DIR",
        help="write a page with both Jacobians into DIR for each wrong gradient")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "gradcheck(seed=0, framework=None): options of every check that the test makes "
                   "with the fixture gradcheck")


@pytest.fixture
def gradcheck(request: pytest.FixtureRequest) -> Gradcheck:
    """Check gradients: `gradcheck(function, arguments)`, `gradcheck.gradient(f, gradient, x)`,
    `gradcheck.vjp(forward, vjp, arguments)`."""
    options: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("gradcheck"))):
        options.update(marker.kwargs)
    return Gradcheck(request.node.nodeid, options, request.config.getoption("--gradcheck-html"))


class Gradcheck:
    """What the fixture gives; each method raises with a short explanation unless all is right."""

    def __init__(self, test: str, options: dict[str, Any], folder: str | None) -> None:
        self._test = test
        self._options = options
        self._folder = folder

    def __call__(self, function: Any, arguments: Any, **options: Any) -> Any:
        """Check a function of minigrad, PyTorch or JAX: `minigrad.check.check_function`."""
        __tracebackhide__ = True
        from minigrad.check import check_function
        return self._done(check_function(function, arguments, raise_exception=False,
                                         **{**self._options, **options}))

    def gradient(self, f: Any, gradient: Any, x: Any, **options: Any) -> Any:
        """Check a NumPy function's gradient by hand: `minigrad.check.check_gradient`."""
        __tracebackhide__ = True
        from minigrad.check import check_gradient
        return self._done(check_gradient(f, gradient, x, raise_exception=False,
                                         **self._seed(options)))

    def vjp(self, forward: Any, vjp: Any, arguments: Any, **options: Any) -> Any:
        """Check a vector-Jacobian product by hand: `minigrad.check.check_vjp`."""
        __tracebackhide__ = True
        from minigrad.check import check_vjp
        return self._done(check_vjp(forward, vjp, arguments, raise_exception=False,
                                    **self._seed(options)))

    @property
    def strategies(self) -> Any:
        """Hypothesis strategies for shapes, memory layouts, element types and arrays."""
        from minigrad.check import strategies
        return strategies

    def _seed(self, options: dict[str, Any]) -> dict[str, Any]:
        """The options without a framework, which arrays of NumPy do not have."""
        return {key: value for key, value in {**self._options, **options}.items()
                if key != "framework"}

    def _done(self, report: Any) -> Any:
        __tracebackhide__ = True
        if not report and self._folder:
            from minigrad.check.picture import write_page
            write_page(report, Path(self._folder), self._test)
        report.raise_if_failed()
        return report
