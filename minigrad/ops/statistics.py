"""Sums, means and counts beyond those of :mod:`minigrad.ops.reduce`; covariance."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from minigrad.backend import array_module
from minigrad.core.tensor import Tensor, wrap
from minigrad.errors import ArgumentError, DTypeError, ShapeError
from minigrad.kernels.geometry import is_omitted
from minigrad.ops.arithmetic import equal, greater, maximum, sqrt, where
from minigrad.ops.norms import vector_norm
from minigrad.ops.questions import isnan
from minigrad.ops.reduce import amax, amin, mean, normal_dims, std, sum, var
from minigrad.ops.scan import counted
from minigrad.ops.shape import cast, matrix_transpose, normal_dim, reshape
from minigrad.ops.smooth import as_real, conjugated


def count_nonzero(input: Tensor, dim: Any = None) -> Tensor:
    """How many elements are not 0, over all dimensions or `dim`."""
    dims = normal_dims(dim, input.ndim)
    return wrap(array_module(input._array).asarray(
        (input._array != 0).sum(axis=dims, dtype=np.int64)))


def nansum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Sum of the elements that are not NaN; NaN elements get no gradient."""
    return sum(counted(where(isnan(input), 0, input), dtype), dim, keepdim)


def nanmean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Mean of the elements that are not NaN.

    Raises
    ------
    DTypeError
        x holds integers, and no float `dtype` is given.
    """
    x = input if dtype is None else cast(input, np.dtype(dtype))
    if x.dtype.kind != "f":
        raise DTypeError(f"nanmean needs a float tensor, not {x.dtype}; convert it with .float()")
    numbers = cast(equal(x, x), x.dtype)
    return nansum(x, dim, keepdim) / sum(numbers, dim, keepdim)


def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False
            ) -> tuple[Tensor, Tensor]:
    """The smallest and the largest element, over all dimensions or one."""
    return amin(input, dim, keepdim), amax(input, dim, keepdim)


def var_mean(input: Tensor, dim: Any = None, unbiased: bool | None = None, *,
             correction: int | None = None, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """Variance and mean, see :func:`minigrad.var`; `unbiased=False` means `correction=0`."""
    dim, correction = _corrected(dim, unbiased, correction)
    return var(input, dim, correction, keepdim), mean(input, dim, keepdim)


def std_mean(input: Tensor, dim: Any = None, unbiased: bool | None = None, *,
             correction: int | None = None, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """Standard deviation and mean, see :func:`var_mean`."""
    dim, correction = _corrected(dim, unbiased, correction)
    return std(input, dim, correction, keepdim), mean(input, dim, keepdim)


def _corrected(dim: Any, unbiased: bool | None, correction: int | None) -> tuple[Any, int]:
    """`dim` and the correction; a bool in the place of `dim` is `unbiased`, as in PyTorch."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None:
        correction = int(unbiased)
    return (None if is_omitted(dim) else dim), 1 if correction is None else correction


def cov(input: Tensor, *, correction: int = 1, fweights: Tensor | None = None,
        aweights: Tensor | None = None) -> Tensor:
    """Covariances of the rows of x, each a variable with its observations.

    Parameters
    ----------
    input : Tensor, V×N or N
    correction : int
        1 for a sample, 0 for a population.
    fweights : Tensor of integers, N, optional
        How often each observation was made.
    aweights : Tensor, N, optional
        The weight of each observation.

    Returns
    -------
    Tensor, V×V, or a number for one variable

    Notes
    -----
    C = Σₙ wₙ(xₙ − x̄)(xₙ − x̄)* / (Σw − correction·Σ(w·a) / Σw) with w = fweights·a.
    """
    if input.ndim > 2:
        raise ShapeError(f"cov needs observations V×N or N, not shape {input.shape}")
    x = as_real(input)
    rows = reshape(x, (1, -1)) if x.ndim < 2 else x
    total: Any = rows.shape[1]
    _check_weights(fweights, "fweights", total, "iu")
    _check_weights(aweights, "aweights", total, "biuf")
    w: Any = None
    if fweights is not None:
        w = fweights
    if aweights is not None:
        w = aweights if w is None else w * aweights
    if w is not None:
        total = sum(w)
        centred = rows - reshape(sum(rows * w, 1) / total, (-1, 1))
    else:
        centred = rows - mean(rows, 1, True)
    norm = total - correction
    if aweights is not None and correction:
        norm = total - correction * sum(w * aweights) / total
    weighted = centred if w is None else centred * w
    divisor = maximum(norm, 0.0) if isinstance(norm, Tensor) else float(builtins.max(norm, 0))
    result = weighted @ matrix_transpose(conjugated(centred)) / divisor
    return reshape(result, ()) if result.numel() == 1 else result


def _check_weights(weights: Tensor | None, name: str, count: int, kinds: str) -> None:
    if weights is None:
        return
    if weights.dtype.kind not in kinds:
        raise DTypeError(f"cov needs {'whole' if kinds == 'iu' else 'real'} numbers as {name}, not "
                         f"{weights.dtype}")
    if weights.ndim > 1 or weights.numel() != count:
        raise ShapeError(f"cov of {count} observations needs {name} of shape ({count},), not "
                         f"{weights.shape}")
    if weights.numel() and weights._array.min() < 0:
        raise ArgumentError(f"cov needs {name} of at least 0")


def corrcoef(input: Tensor) -> Tensor:
    """Coefficients of correlation of the rows of x: cov scaled to a diagonal of ones."""
    c = cov(input)
    if not c.ndim:
        return c / c
    steps = array_module(c._array).arange(c.shape[0])
    deviation = sqrt(c[steps, steps])
    return c / reshape(deviation, (-1, 1)) / deviation


def dist(input: Tensor, other: Tensor, p: float = 2.0) -> Tensor:
    """‖x − y‖ₚ of all elements as one vector."""
    return vector_norm(input - other, p)


def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """x with each slice along `dim` whose p-norm is above `maxnorm` scaled down to it.

    Raises
    ------
    ArgumentError
        p is not above 0, or `maxnorm` is negative.
    """
    if input.ndim < 2:
        raise ShapeError(f"renorm needs slices, so at least two dimensions, not shape "
                         f"{input.shape}")
    if not p > 0 or maxnorm < 0:
        raise ArgumentError(f"renorm needs p above 0 and maxnorm of at least 0, not {p} and "
                            f"{maxnorm}")
    dim = normal_dim(dim, input.ndim)
    others = tuple(d for d in range(input.ndim) if d != dim)
    norm = vector_norm(input, p, others, True)
    return input * where(greater(norm, maxnorm), maxnorm / (norm + 1e-7), 1.0)
