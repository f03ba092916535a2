"""Normalization: shift and scale to mean 0 and variance 1, over different groups of elements.

        z = (x − mean) / √(var + ε) · weight + bias

All are compositions, so their derivatives of every order follow from those of mean, square and
square root. `var` is the variance of a population (divided by n), running variances are those of
a sample (divided by n − 1), as in PyTorch.
"""

from __future__ import annotations

import math
from typing import Any

from minigrad.core.mode import no_grad
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, ShapeError
from minigrad.kernels.arguments import one_or_more
from minigrad.ops.arithmetic import sqrt, square
from minigrad.ops.half import HALF, in_float32, is_half, wide
from minigrad.ops.reduce import mean as mean_over
from minigrad.ops.shape import reshape
from minigrad.printable import shown


def batch_norm(input: Tensor, running_mean: Tensor | None, running_var: Tensor | None,
               weight: Tensor | None = None, bias: Tensor | None = None, training: bool = False,
               momentum: float = 0.1, eps: float = 1e-5) -> Tensor:
    """(x − mean) / √(var + ε) · weight + bias for each channel, over all images and pixels.

    Parameters
    ----------
    input : Tensor, N×C or N×C×…
    running_mean, running_var : Tensor, C, or None
        The statistics to use outside training. In training, if given, they move towards those of
        the batch by `momentum`, in place (the variance is that of a sample, divided by n − 1).
    weight, bias : Tensor, C, optional
        1 and 0 by default.
    training : bool
        Whether to use the statistics of the batch, which are differentiated, or the running ones.
    momentum : float
        Between 0 (never move) and 1 (replace the running statistics).
    eps : float
        ε ≥ 0, in units of the variance.

    Raises
    ------
    ShapeError
        Shapes that do not fit, or one value per channel, which has no variance.
    ArgumentError
        Evaluation without running statistics.

    Notes
    -----
    Ioffe and Szegedy, "Batch normalization" (2015), algorithms 1 and 2.
    """
    dims = (0, *range(2, input.ndim))
    _check("batch_norm", input, 2, [running_mean, running_var, weight, bias], eps)
    return _normalized("batch_norm", input, dims, running_mean, running_var, weight, bias, training,
                       momentum, eps)


def instance_norm(input: Tensor, running_mean: Tensor | None = None,
                  running_var: Tensor | None = None, weight: Tensor | None = None,
                  bias: Tensor | None = None, use_input_stats: bool = True,
                  momentum: float = 0.1, eps: float = 1e-5) -> Tensor:
    """Like :func:`batch_norm`, for each channel of each image separately.

    `input` is N×C×H×W (or N×C×…). Running statistics move towards the mean over the images.

    Notes
    -----
    Ulyanov, Vedaldi, Lempitsky, "Instance normalization: the missing ingredient for fast
    stylization" (2016), eq. 2.
    """
    dims = tuple(range(2, input.ndim))
    _check("instance_norm", input, 3, [running_mean, running_var, weight, bias], eps)
    return _normalized("instance_norm", input, dims, running_mean, running_var, weight, bias,
                       use_input_stats, momentum, eps)


def layer_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None,
               bias: Tensor | None = None, eps: float = 1e-5) -> Tensor:
    """Like :func:`batch_norm`, over the last dimensions of each example separately.

    Parameters
    ----------
    input : Tensor, …×normalized_shape
    normalized_shape : int or sequence of int
        The lengths of the dimensions to normalize over; one number for the last one.
    weight, bias : Tensor, normalized_shape, optional
        1 and 0 by default.
    eps : float
        ε ≥ 0, in units of the variance.

    Notes
    -----
    Ba, Kiros, Hinton, "Layer normalization" (2016), eq. 3.
    """
    shape = one_or_more(normalized_shape, "layer_norm: a length")
    if not shape or tuple(input.shape[-len(shape):]) != shape:
        raise ShapeError(f"layer_norm over {shape} needs an input that ends in these lengths, not "
                         f"{tuple(input.shape)}")
    for tensor in (weight, bias):
        if tensor is not None and tuple(tensor.shape) != shape:
            raise ShapeError(f"layer_norm over {shape} needs weight and bias of that shape, not "
                             f"{tuple(tensor.shape)}")
    if is_half(input, weight, bias):
        return in_float32(lambda *v: layer_norm(v[0], shape, v[1], v[2], eps), input, weight, bias)
    dims = tuple(range(input.ndim - len(shape), input.ndim))
    return _affine(_standardized(input, *_moments(input, dims), eps), weight, bias)


def _normalized(name: str, x: Tensor, dims: tuple[int, ...], running_mean: Tensor | None,
                running_var: Tensor | None, weight: Tensor | None, bias: Tensor | None,
                use_input: bool, momentum: float, eps: float) -> Tensor:
    """Normalize with statistics of the input over `dims` (tracked), or with the running ones."""
    if is_half(x, weight, bias):
        return in_float32(lambda *v: _normalized(
            name, v[0], dims, running_mean, running_var, v[1], v[2], use_input, momentum, eps),
            x, weight, bias)
    if use_input:
        n = math.prod(x.shape[d] for d in dims)
        if n == 1:
            raise ShapeError(f"{name}: a variance needs more than one value per channel, but the "
                             f"input has shape {tuple(x.shape)}")
        mean, var = _moments(x, dims)
        if n:                       # an empty batch says nothing about the statistics
            with no_grad():
                _track(running_mean, mean, momentum)
                _track(running_var, var * (n / (n - 1)), momentum)
    elif running_mean is None or running_var is None:
        raise ArgumentError(f"{name} without the input's own statistics needs running_mean and "
                            f"running_var")
    else:
        mean, var = (_per_channel(wide(r), x) for r in (running_mean, running_var))
    scale = None if weight is None else _per_channel(weight, x)
    shift = None if bias is None else _per_channel(bias, x)
    return _affine(_standardized(x, mean, var, eps), scale, shift)


def _moments(x: Tensor, dims: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Mean and variance over `dims`, which stay with length 1."""
    mean = mean_over(x, dims, True)
    return mean, mean_over(square(x - mean), dims, True)


def _standardized(x: Tensor, mean: Tensor, var: Tensor, eps: float) -> Tensor:
    return (x - mean) / sqrt(var + eps)


def _affine(z: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    z = z if weight is None else z * weight
    return z if bias is None else z + bias


def _per_channel(values: Tensor, x: Tensor) -> Tensor:
    """C numbers as 1×C×1×1…, to broadcast against x."""
    return reshape(values, (1, x.shape[1], *(1,) * (x.ndim - 2)))


def _track(running: Tensor | None, current: Tensor, momentum: float) -> None:
    """running ← (1 − momentum)·running + momentum·current, the latter averaged over images."""
    if running is not None:
        latest = reshape(mean_over(current, 0), running.shape)
        if running.dtype == HALF:
            running.copy_(wide(running) * (1 - momentum) + wide(latest) * momentum)
        else:
            running.mul_(1 - momentum).add_(latest, alpha=momentum)


def _check(name: str, x: Tensor, min_dims: int, per_channel: list[Tensor | None],
           eps: float) -> None:
    if x.ndim < min_dims:
        raise ShapeError(f"{name} needs an input N×C×… of at least {min_dims} dimensions, not "
                         f"shape {tuple(x.shape)}")
    if not eps >= 0:
        raise ArgumentError(f"{name}: eps must be at least 0, not {shown(eps)}")
    for tensor in per_channel:
        if tensor is not None and tuple(tensor.shape) != (x.shape[1],):
            raise ShapeError(f"{name}: an input of shape {tuple(x.shape)} needs statistics, weight "
                             f"and bias of shape ({x.shape[1]},), not {tuple(tensor.shape)}")
