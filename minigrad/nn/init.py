"""Initialize parameters. All functions work in place and return the tensor.

Random numbers come from `minigrad.random.generator`, on the host and in float64, so that
`minigrad.manual_seed` gives the same network on every device.

A weight is O×I, or O×I×K×L for convolutions; an output sums fan_in = I·K·L products, an
input takes part in fan_out = O·K·L of them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import backend
from minigrad.core.mode import no_grad
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, ShapeError
from minigrad.printable import shown
from minigrad.random import generator


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Normal with `mean` and standard deviation `std`."""
    return _fill(tensor, mean + std * generator().standard_normal(tensor.shape))


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0) -> Tensor:
    """Uniform in [a, b)."""
    return _fill(tensor, generator().uniform(a, b, tensor.shape))


def constant_(tensor: Tensor, value: float) -> Tensor:
    """Fill with `value`."""
    return _fill(tensor, np.full(tensor.shape, float(value)))


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros, for example biases."""
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones, for example scales."""
    return constant_(tensor, 1.0)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Uniform with variance 2·gain²/(fan_in + fan_out): signals and gradients keep their size.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks" (2010), eq. 16.
    """
    bound = gain * math.sqrt(6 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound)


def xavier_normal_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Normal with variance 2·gain²/(fan_in + fan_out); Glorot and Bengio (2010), eq. 12."""
    return normal_(tensor, 0.0, gain * math.sqrt(2 / sum(fans(tensor))))


def kaiming_uniform_(tensor: Tensor, a: float = 0.0, mode: str = "fan_in",
                     nonlinearity: str = "leaky_relu") -> Tensor:
    """Uniform with variance gain²/fan: signals keep their size through rectifiers.

    Parameters
    ----------
    a : slope of the rectifier on the negative side.
    mode : `"fan_in"` keeps the size of signals, `"fan_out"` that of gradients.
    nonlinearity : the activation after the layer, see `calculate_gain`.

    Notes
    -----
    He, Zhang, Ren, Sun, "Delving deep into rectifiers" (2015), eq. 10 and 15.
    """
    bound = math.sqrt(3) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound)


def kaiming_normal_(tensor: Tensor, a: float = 0.0, mode: str = "fan_in",
                    nonlinearity: str = "leaky_relu") -> Tensor:
    """Normal with variance gain²/fan; parameters as for `kaiming_uniform_`."""
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity))


he_uniform_, he_normal_ = kaiming_uniform_, kaiming_normal_     # aliases after the first author


def orthogonal_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Rows (or columns, whichever are fewer) orthogonal, of length `gain`.

    A tensor O×I×… is taken as a matrix O×(I·…). Saxe, McClelland, Ganguli, "Exact solutions to
    the nonlinear dynamics of learning in deep linear neural networks" (2014). The signs of R's
    diagonal make the distribution uniform over all such matrices: Mezzadri, "How to generate
    random matrices from the classical compact groups" (2007), section 5.
    """
    if tensor.ndim < 2:
        raise ShapeError(f"orthogonal_ needs at least two dimensions, not shape {tensor.shape}")
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    flat = generator().standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(flat)
    q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)
    return _fill(tensor, gain * (q if rows >= columns else q.T).reshape(tensor.shape))


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which weights must be larger to compensate for the activation.

    1 for `linear`, `conv2d` and `sigmoid`, 5/3 for `tanh`, √2 for `relu`,
    √(2/(1 + param²)) for `leaky_relu` (`param` is its slope, 0.01 by default).
    """
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    gains = {"linear": 1.0, "conv2d": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2)}
    if nonlinearity not in gains:
        raise ArgumentError(f"the gain of {shown(nonlinearity)} is not known, only those of "
                            f"{', '.join(gains)} and leaky_relu")
    return gains[nonlinearity]


def fans(tensor: Tensor) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight O×I or O×I×K×L.

    Raises
    ------
    ShapeError : the weight has fewer than two dimensions.
    """
    if tensor.ndim < 2:
        raise ShapeError(f"fan_in and fan_out need a weight O×I or O×I×K×L, not shape "
                         f"{tensor.shape}")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ArgumentError(f"mode must be 'fan_in' or 'fan_out', not {shown(mode)}")
    return calculate_gain(nonlinearity, a) / math.sqrt(fans(tensor)[mode == "fan_out"])


def _fill(tensor: Tensor, values: Any) -> Tensor:
    with no_grad():
        return tensor.copy_(backend.to_device(np.asarray(values, tensor.dtype), tensor.device))
