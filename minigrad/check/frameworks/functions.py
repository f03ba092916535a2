"""Check a function of any framework with the gradient that the framework computes for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from minigrad.check.frameworks.of_minigrad import leaf_of, of_minigrad, of_problem, problem_of
from minigrad.check.plain.arguments import need_function
from minigrad.check.plain.differentiable import Differentiable, flat, random_signed, split
from minigrad.check.plain.examine import examine
from minigrad.check.problem import gradient_problem
from minigrad.check.report import Report
from minigrad.core.primitive import Primitive
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError
from minigrad.nn.module import Module

Framework = Literal["minigrad", "torch", "jax"]


def check_function(function: Callable[..., Any], arguments: Sequence[Any], *,
                   framework: Framework | None = None, orders: Sequence[int] = (1, 2),
                   seed: int = 0, raise_exception: bool = True) -> Report:
    """Check the derivatives that minigrad, PyTorch or JAX computes for a function.

    Parameters
    ----------
    function : a function or module of minigrad; a function, `autograd.Function` or `nn.Module` of
        PyTorch; a function of JAX, with `custom_vjp` or `custom_jvp` or without. The parameters
        of a module are checked like its inputs, and forward-mode rules (`jvp`) as well.
    arguments : of the function, arrays of NumPy or of the framework. Floats are checked in float64.
    framework : by default that of the function or its arguments. PyTorch and JAX are imported
        only for their own functions.
    orders : 2 also checks the gradient of the gradient, if PyTorch or minigrad has one. To check
        it in JAX, pass the gradient function.

    The other parameters, the result and the errors are those of `check_gradient`.
    """
    __tracebackhide__ = True
    need_function(function, "the function")
    if not orders or not set(orders) <= {1, 2}:
        raise ArgumentError(f"the orders of a check are 1, 2 or both, not {tuple(orders)}")
    report = examine(adapted(function, arguments, framework), seed)
    if report and 2 in orders:
        second = _second_order(function, arguments, framework, seed)
        if second is not None and second.verdict == "wrong":
            report = second
    if raise_exception:
        report.raise_if_failed()
    return report


def _second_order(function: Callable[..., Any], arguments: Sequence[Any], framework: str | None,
                  seed: int) -> Report | None:
    """Check the gradient of the gradient; None if the function has none, which is common."""
    chosen = framework or _framework(function, arguments)
    if chosen == "jax":     # its gradients are ordinary functions, to be checked as such
        return None
    first = adapted(function, arguments, chosen)
    outputs = first.forward([array.copy() for array in first.point])
    upstream = split(random_signed(np.random.default_rng(seed + 1), flat(outputs).size), outputs)
    try:
        second = _gradient(function, arguments, chosen, first, upstream)
        second.vjp([array.copy() for array in second.point],
                   second.forward([array.copy() for array in second.point]))
    except Exception:       # frameworks raise many types for a missing second derivative
        return None
    report = examine(second, seed)
    report.order = 2
    return report


def _gradient(function: Callable[..., Any], arguments: Sequence[Any], framework: str | None,
              first: Differentiable, upstream: list[np.ndarray]) -> Differentiable:
    """The gradient as a function of the inputs and of the upstream gradients."""
    if framework == "torch":
        from minigrad.check.frameworks.of_torch import of_torch
        second = of_torch(function, arguments, order=2)
        second.point = [*second.point, *upstream]
        second.labels = [*second.labels,
                         *(f"upstream gradient {i}" for i in range(len(upstream)))]
        return second
    problem = problem_of(function, arguments)[0]
    return of_problem(gradient_problem(problem, [leaf_of(part) for part in upstream]))


def adapted(function: Callable[..., Any], arguments: Sequence[Any],
            framework: str | None = None) -> Differentiable:
    """The function as a `Differentiable`, by the adapter of its framework."""
    if not isinstance(arguments, (tuple, list)):
        raise ArgumentError(f"the arguments must be a tuple or list of them, not "
                            f"{type(arguments).__name__}")
    chosen = framework or _framework(function, arguments)
    if chosen == "torch":
        from minigrad.check.frameworks.of_torch import of_torch
        return of_torch(function, arguments)
    if chosen == "jax":
        from minigrad.check.frameworks.of_jax import of_jax
        return of_jax(function, arguments)
    if chosen == "minigrad":
        return of_minigrad(function, arguments)
    raise ArgumentError(
        f"check_function cannot tell the framework of {getattr(function, '__name__', function)}: "
        f"pass its tensors as arguments, or framework='minigrad', 'torch' or 'jax'; a NumPy "
        f"function and its gradient go to check_gradient or check_vjp")


def _framework(function: Any, arguments: Sequence[Any]) -> str | None:
    """The framework of the first object that has one; no framework is imported for it."""
    torch, jax = sys.modules.get("torch"), sys.modules.get("jax")
    for value in (function, *_flat(arguments)):
        if isinstance(value, (Primitive, Tensor, Module)):
            return "minigrad"
        if torch is not None and (isinstance(value, (torch.Tensor, torch.nn.Module)) or (
                isinstance(value, type) and issubclass(value, torch.autograd.Function))):
            return "torch"
        if jax is not None and isinstance(value, (jax.Array, jax.custom_vjp, jax.custom_jvp)):
            return "jax"
    return None


def _flat(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (tuple, list)):
        return [leaf for part in value for leaf in _flat(part)]
    return [value]
