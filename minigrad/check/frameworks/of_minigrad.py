"""Functions of minigrad Tensors, and modules with all their parameters, on plain arrays."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad import backend, dtypes
from minigrad.check.plain.differentiable import Arrays, Differentiable
from minigrad.check.problem import Problem
from minigrad.core.tensor import Tensor, wrap
from minigrad.nn.module import Module


def of_problem(problem: Problem) -> Differentiable:
    """The function of a `Problem`, with the gradient by its rules as the vjp."""
    def forward(arrays: Arrays) -> Arrays:
        return [np.asarray(backend.to_device(output._array, "cpu"), np.float64)
                for output in problem.outputs(arrays)]

    def vjp(arrays: Arrays, upstream: Arrays) -> Arrays:
        leaves, outputs = problem.call(arrays)
        parts = [backend.to_device(np.asarray(part, output.dtype), output.device)
                 for part, output in zip(upstream, outputs)]
        return problem.gradients_of_parts(leaves, outputs, parts)

    return Differentiable(problem.name, problem.point, problem.labels, forward, vjp)


def of_minigrad(function: Callable[..., Any], arguments: Sequence[Any]) -> Differentiable:
    """A function of Tensors, or a module, whose parameters are inputs like the others.

    Arrays and Tensors of floats become float64 Tensors that require a gradient.
    """
    problem, notes, parameters = problem_of(function, arguments)
    result = of_problem(problem)
    result.notes, result.parameters = notes, parameters
    return result


def problem_of(function: Callable[..., Any], arguments: Sequence[Any]
               ) -> tuple[Problem, list[str], int]:
    """The function as a `Problem`, what was changed for it, and how many parameters it has."""
    notes: list[str] = []
    inputs = [_leaf(value, f"argument {i}", notes) for i, value in enumerate(arguments)]
    if not isinstance(function, Module):
        return Problem(function, inputs), notes, 0
    module = copy.deepcopy(function).to(np.float64)
    if any(parameter.dtype != np.float64 for parameter in function.parameters()):
        notes.append("the parameters were checked in float64")
    names = dict(module.named_parameters())

    def call(*values: Any) -> Any:
        with _substituted(module, dict(zip(names, values))):
            return module(*values[len(names):])

    call.__name__ = type(function).__name__
    labels = [*names, *(f"input {i}" for i, value in enumerate(inputs)
                        if isinstance(value, Tensor) and value.requires_grad)]
    parameters = [_leaf(parameter, "", []) for parameter in names.values()]
    return Problem(call, [*parameters, *inputs], labels), notes, len(parameters)


def leaf_of(array: np.ndarray) -> Tensor:
    """A Tensor that requires a gradient."""
    leaf: Tensor = wrap(np.array(array))
    leaf.requires_grad = True
    return leaf


def _leaf(value: Any, what: str, notes: list[str]) -> Any:
    array = value._array if isinstance(value, Tensor) else value
    if isinstance(value, (list, float)):
        array = np.asarray(value)
    if not hasattr(array, "dtype") or not dtypes.is_floating(array.dtype):
        return value
    if array.dtype != np.float64 and what:
        notes.append(f"{what} was {array.dtype}; it is checked as float64")
    return leaf_of(array.astype(np.float64))


@contextmanager
def _substituted(module: Module, values: dict[str, Any]) -> Iterator[None]:
    """Replace parameters by other Tensors, under all of their names; buffers stay."""
    by_identity = {id(tensor): values[name] for name, tensor in module.named_parameters()}
    replaced, buffers = [], []
    for part in module.modules():
        for name, value in vars(part).items():
            if id(value) in by_identity:
                replaced.append((part, name, value))
            elif name in part._buffer_names and value is not None:
                buffers.append((value, value._array.copy()))
    try:
        for part, name, value in replaced:
            vars(part)[name] = by_identity[id(value)]
        yield
    finally:
        for part, name, value in replaced:
            vars(part)[name] = value
        for buffer, array in buffers:       # running statistics, for example
            buffer._array = array
