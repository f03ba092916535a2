"""Limit the size of gradients before a step, so that one bad batch cannot ruin the weights."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.core.mode import no_grad
from minigrad.core.tensor import Tensor, wrap
from minigrad.errors import ArgumentError, GradientError
from minigrad.optim.settings import is_number
from minigrad.printable import shown


def clip_grad_norm_(parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0,
                    error_if_nonfinite: bool = False) -> Tensor:
    """Scale all gradients by one factor so that their common norm is at most `max_norm`.

    The direction stays. The norm is that of all gradients as one long vector, added up in
    float64.

    Parameters
    ----------
    parameters : a tensor or several; those without a gradient are skipped.
    max_norm : ≥ 0, in units of the gradient.
    norm_type : p of the p-norm, at least 1; `float("inf")` is the largest element.
    error_if_nonfinite : raise if the norm is not finite; otherwise it makes the gradients NaN
        (infinite norm times 0) as in PyTorch.

    Returns
    -------
    Tensor without dimensions, the norm before.

    Raises
    ------
    ArgumentError : `max_norm` is negative or `norm_type` is below 1.
    GradientError : the norm is not finite and `error_if_nonfinite` is set.

    Notes
    -----
    Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks" (2013),
    algorithm 1.
    """
    if not (is_number(max_norm) and max_norm >= 0 and is_number(norm_type) and norm_type >= 1):
        raise ArgumentError(f"clip_grad_norm_ needs max_norm of at least 0 and norm_type of at "
                            f"least 1, not {shown(max_norm)} and {shown(norm_type)}")
    gradients = _gradients(parameters)
    norm = _norm([gradient._array for gradient in gradients], float(norm_type))
    if error_if_nonfinite and not math.isfinite(norm):
        raise GradientError(f"clip_grad_norm_: the norm of the gradients is {norm}; look for the "
                            f"operation that made it, or lower the learning rate")
    factor = float(max_norm) / (norm + 1e-6)
    if not factor >= 1:
        with no_grad():
            for gradient in gradients:
                gradient.mul_(factor)
    return wrap(np.asarray(norm))


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Limit each element of all gradients to ± `clip_value`, in place.

    Raises
    ------
    ArgumentError : `clip_value` is negative.
    """
    if not (is_number(clip_value) and clip_value >= 0):
        raise ArgumentError(f"clip_grad_value_ needs a limit of at least 0, not "
                            f"{shown(clip_value)}")
    with no_grad():
        for gradient in _gradients(parameters):
            gradient.clip_(-float(clip_value), float(clip_value))


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    several = [parameters] if isinstance(parameters, Tensor) else \
        list(parameters) if isinstance(parameters, Iterable) else [None]
    for parameter in several:
        if not isinstance(parameter, Tensor):
            raise ArgumentError(f"the gradients of tensors can be clipped, not those of "
                                f"{shown(parameters)}")
    return [parameter.grad for parameter in several if parameter.grad is not None]


def _norm(arrays: list[Any], p: float) -> float:
    sizes = [array_module(array).abs(array) for array in arrays if array.size]
    if math.isinf(p):
        # Not Python's max, which loses NaN.
        return float(np.max([float(size.max()) for size in sizes], initial=0.0))
    return sum(float((size.astype(np.float64) ** p).sum()) for size in sizes) ** (1 / p)
