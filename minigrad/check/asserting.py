"""Check a function's gradients to both orders in one line of a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.check.gradcheck import gradcheck, gradgradcheck
from minigrad.check.report import Report
from minigrad.core.tensor import Tensor, wrap


def assert_gradients(function: Callable[..., Any], *inputs: Any, orders: Sequence[int] = (1, 2),
                     **options: Any) -> list[Report]:
    """Assert that the derivatives of `function` are right at `inputs`.

    A test is one line: `assert_gradients(my_primitive, rng.standard_normal((3, 4)))`. pytest shows
    the checker's explanation, not the checker's code.

    Parameters
    ----------
    inputs : positional arguments. Float arrays become float64 Tensors that require a gradient;
        Tensors and everything else are passed unchanged.
    orders : 1 for the gradient, 2 for the gradient of the gradient.
    options : keyword arguments of `minigrad.check.gradcheck`.

    Returns
    -------
    list of Report
        One for each order.

    Raises
    ------
    GradcheckError : an AssertionError that explains what is wrong (KinkError for a kink).
    """
    __tracebackhide__ = True
    checks = {1: gradcheck, 2: gradgradcheck}
    reports = [checks[order](function, tuple(_leaf(value) for value in inputs), **{
        **options, "raise_exception": False}) for order in orders]
    for report in reports:
        report.raise_if_failed()
    return reports


def _leaf(value: Any) -> Any:
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        return value
    leaf: Tensor = wrap(value.astype(np.float64))
    leaf.requires_grad = True
    return leaf
