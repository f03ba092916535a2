"""Functions of minigrad Tensors on plain arrays."""

from __future__ import annotations

import numpy as np

from minigrad import backend
from minigrad.check.plain.differentiable import Arrays, Differentiable
from minigrad.check.problem import Problem


def of_problem(problem: Problem) -> Differentiable:
    """The function of a `Problem`, with the gradient by its rules as the vjp."""
    def forward(arrays: Arrays) -> Arrays:
        return [np.asarray(backend.to_device(output._array, "cpu"), np.float64)
                for output in problem.call(arrays)[1]]

    def vjp(arrays: Arrays, upstream: Arrays) -> Arrays:
        leaves, outputs = problem.call(arrays)
        parts = [backend.to_device(np.asarray(part, output.dtype), output.device)
                 for part, output in zip(upstream, outputs)]
        return problem.gradients_of_parts(leaves, outputs, parts)

    return Differentiable(problem.name, problem.point, problem.labels, forward, vjp)
