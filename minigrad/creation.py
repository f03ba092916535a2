"""Functions that make tensors: from data, constant, and random."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.core.tensor import Tensor, wrap
from minigrad.dtypes import DEFAULT_FLOAT
from minigrad.errors import ArgumentError, DTypeError
from minigrad.kernels.arguments import one_or_more
from minigrad.kernels.boundary import guarded_names
from minigrad.kernels.element_types import NUMBERS, need_real, number_type
from minigrad.printable import shown
from minigrad.random import generator


def tensor(data: Any, dtype: Any = None, device: str | None = None,
           requires_grad: bool = False) -> Tensor:
    """A Tensor with a copy of `data`; Python floats become float32."""
    return Tensor(data, requires_grad, dtype, device)


def from_numpy(array: np.ndarray) -> Tensor:
    """A Tensor that shares memory with `array`.

    Later changes to the array are not detected, even if an operation has saved it; :func:`tensor`
    makes a copy, which is protected.
    """
    if not isinstance(array, (np.ndarray, np.generic)) or array.dtype.kind not in NUMBERS:
        kind = getattr(array, "dtype", type(array).__name__)
        raise DTypeError(f"from_numpy takes an array of numbers, not {kind}; tensor() makes a "
                         f"copy of lists")
    return wrap(np.asarray(array))


def _shape(shape: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape


def _make(array: np.ndarray, dtype: Any, device: str | None, requires_grad: bool) -> Tensor:
    return Tensor(array, requires_grad, dtype or DEFAULT_FLOAT, device)


def zeros(*shape: Any, dtype: Any = None, device: str | None = None,
          requires_grad: bool = False) -> Tensor:
    """Zeros of `shape`."""
    return _make(np.zeros(_shape(shape)), dtype, device, requires_grad)


def ones(*shape: Any, dtype: Any = None, device: str | None = None,
         requires_grad: bool = False) -> Tensor:
    """Ones of `shape`."""
    return _make(np.ones(_shape(shape)), dtype, device, requires_grad)


def _float_of(value: Any) -> np.dtype:
    """The type of a number that is no integer: float32, or complex64."""
    return np.dtype(np.complex64) if isinstance(value, complex) else DEFAULT_FLOAT


def _plain(value: Any) -> Any:
    """A number of NumPy, or a tensor of one, as Python's: the type follows from the value."""
    return value.item() if hasattr(value, "item") else value


def full(shape: Any, value: float, dtype: Any = None, device: str | None = None,
         requires_grad: bool = False) -> Tensor:
    """`value` everywhere, in its own type: float32, int64 or bool, as in PyTorch."""
    if isinstance(value, (str, type(None))):
        raise DTypeError(f"full takes a number, not {shown(value)}")
    value = _plain(value)
    whole = isinstance(value, (bool, int)) and not requires_grad
    kind = None if whole else _float_of(value)
    return Tensor(np.full(shape, value), requires_grad, dtype or kind, device)


def zeros_like(x: Tensor, requires_grad: bool = False, dtype: Any = None,
               device: str | None = None) -> Tensor:
    """Zeros of the shape of `x`, and of its type and device if no others are given."""
    return zeros(x.shape, dtype=dtype or x.dtype, device=device or x.device,
                 requires_grad=requires_grad)


def ones_like(x: Tensor, requires_grad: bool = False, dtype: Any = None,
              device: str | None = None) -> Tensor:
    """Ones of the shape of `x`, and of its type and device if no others are given."""
    return ones(x.shape, dtype=dtype or x.dtype, device=device or x.device,
                requires_grad=requires_grad)


def eye(n: int, m: int | None = None, dtype: Any = None, device: str | None = None,
        requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal of an n×m matrix."""
    return _make(np.eye(n, m), dtype, device, requires_grad)


def arange(*bounds: float, dtype: Any = None, device: str | None = None) -> Tensor:
    """The numbers start, start + step, … below stop; integers stay integers."""
    bounds = tuple(map(_plain, bounds))
    return Tensor(np.arange(*bounds), False,
                  dtype or (None if all(isinstance(b, int) for b in bounds) else DEFAULT_FLOAT),
                  device)


def rand(*shape: Any, dtype: Any = None, device: str | None = None,
         requires_grad: bool = False) -> Tensor:
    """Uniform in [0, 1); a seed (:func:`manual_seed`) gives the same numbers on every device."""
    return _make(generator().random(_shape(shape)), dtype, device, requires_grad)


def randn(*shape: Any, dtype: Any = None, device: str | None = None,
          requires_grad: bool = False) -> Tensor:
    """Normal with mean 0 and standard deviation 1; see :func:`rand`."""
    return _make(generator().standard_normal(_shape(shape)), dtype, device, requires_grad)


def randint(low: int, high: int, shape: Any, device: str | None = None) -> Tensor:
    """Integers low … high − 1, all equally likely."""
    need_real("randint", low, high)
    lengths = one_or_more(shape, "randint: a length")
    return Tensor(generator().integers(low, high, lengths), device=device)


# ------------------------------------------------------------- like another tensor, in steps


def as_tensor(data: Any, dtype: Any = None, device: str | None = None) -> Tensor:
    """A Tensor of `data`. A Tensor of that type and device is returned as it is; an array shares
    memory if possible.
    """
    if not isinstance(data, Tensor):
        data = from_numpy(data) if isinstance(data, np.ndarray) else Tensor(data, dtype=dtype)
    if dtype is not None and data.dtype != dtype:
        data = data.to(np.dtype(dtype))
    return data if device is None else data.to(device)


def scalar_tensor(value: float, dtype: Any = None, device: str | None = None) -> Tensor:
    """A number as a zero-dimensional tensor, float32 (complex64) by default."""
    return Tensor(value, False, dtype or _float_of(value), device)


def empty(*shape: Any, dtype: Any = None, device: str | None = None,
          requires_grad: bool = False) -> Tensor:
    """A tensor to be filled. It holds zeros, so a program that forgets to fill it gives the same
    result every time.
    """
    return zeros(*shape, dtype=dtype, device=device, requires_grad=requires_grad)


def _like(x: Tensor, values: np.ndarray, dtype: Any, device: str | None, requires_grad: bool
          ) -> Tensor:
    return Tensor(values, requires_grad, dtype or x.dtype, device or x.device)


def empty_like(x: Tensor, dtype: Any = None, device: str | None = None,
               requires_grad: bool = False) -> Tensor:
    """A tensor of the shape, type and device of `x` to be filled, see :func:`empty`."""
    return _like(x, np.zeros(x.shape), dtype, device, requires_grad)


def full_like(x: Tensor, fill_value: float, dtype: Any = None, device: str | None = None,
              requires_grad: bool = False) -> Tensor:
    """`fill_value` everywhere, in the shape, type and device of `x`."""
    return _like(x, np.full(x.shape, fill_value), dtype, device, requires_grad)


def rand_like(x: Tensor, dtype: Any = None, device: str | None = None,
              requires_grad: bool = False) -> Tensor:
    """Uniform in [0, 1), in the shape, type and device of `x`."""
    return _like(x, generator().random(x.shape), dtype, device, requires_grad)


def randn_like(x: Tensor, dtype: Any = None, device: str | None = None,
               requires_grad: bool = False) -> Tensor:
    """Normal with mean 0 and standard deviation 1, in the shape, type and device of `x`."""
    return _like(x, generator().standard_normal(x.shape), dtype, device, requires_grad)


def randint_like(x: Tensor, low: int, high: int | None = None, dtype: Any = None,
                 device: str | None = None) -> Tensor:
    """Integers low … high − 1 (or 0 … low − 1), in the shape, type and device of `x`."""
    need_real("randint_like", low, high)
    low, high = (0, low) if high is None else (low, high)
    return _like(x, generator().integers(low, high, x.shape), dtype, device, False)


def randperm(n: int, dtype: Any = None, device: str | None = None) -> Tensor:
    """The numbers 0 … n − 1 in random order."""
    if n < 0:
        raise ArgumentError(f"randperm needs a number of at least 0, not {n}")
    return Tensor(generator().permutation(n), dtype=dtype, device=device)


def bernoulli(input: Tensor) -> Tensor:
    """1 with the probability that each element of `input` gives, else 0."""
    need_real("bernoulli", input)
    if input.numel() and not (input.data.min() >= 0 and input.data.max() <= 1):
        raise ArgumentError("bernoulli needs probabilities from 0 to 1; apply sigmoid to scores")
    drawn = generator().random(input.shape)
    return Tensor(drawn < input.numpy(), dtype=input.dtype, device=input.device)


def normal(mean: Any, std: Any = 1.0, size: Any = None, device: str | None = None) -> Tensor:
    """Normal numbers with these means and standard deviations, tensors or numbers."""
    tensors = [v for v in (mean, std) if isinstance(v, Tensor)]
    shape = np.broadcast_shapes(*[t.shape for t in tensors]) if size is None else size
    need_real("normal", mean, std)
    means, deviations = (v.numpy() if isinstance(v, Tensor) else v for v in (mean, std))
    if np.min(deviations, initial=0) < 0:
        raise ArgumentError("normal needs standard deviations of at least 0")
    drawn = generator().standard_normal(shape) * deviations + means
    dtype = tensors[0].dtype if tensors else DEFAULT_FLOAT
    return Tensor(drawn, False, dtype, device or (tensors[0].device if tensors else None))


def multinomial(input: Tensor, num_samples: int, replacement: bool = False) -> Tensor:
    """Positions drawn with probabilities proportional to the weights in each row of `input`.

    Parameters
    ----------
    input : Tensor, C or N×C
        Weights of at least 0, of which none is infinite and not all are 0.
    num_samples : int
        How many positions to draw for each row.
    replacement : bool
        Whether one position may be drawn several times.

    Returns
    -------
    Tensor of int64, num_samples or N×num_samples

    Raises
    ------
    ArgumentError
        Impossible weights, or more positions than there are.

    Notes
    -----
    Without replacement, the largest values of ln w + Gumbel noise are drawn: Efraimidis and
    Spirakis, "Weighted random sampling with a reservoir" (2006).
    """
    need_real("multinomial", input)
    weights = np.atleast_2d(input.numpy().astype(np.float64))
    if input.ndim not in (1, 2) or not np.isfinite(weights).all() or (weights < 0).any() \
            or (weights.sum(axis=-1) <= 0).any():
        raise ArgumentError(f"multinomial needs weights C or N×C of at least 0, finite and not all "
                            f"0, not {input}")
    possible = int((weights > 0).sum(axis=-1).min())
    if num_samples < 1 or (not replacement and num_samples > possible):
        raise ArgumentError(f"multinomial draws at least 1 and without replacement at most "
                            f"{possible} positions here, not {num_samples}")
    if replacement:
        steps = weights.cumsum(axis=-1)
        drawn = generator().random((len(weights), num_samples, 1)) * steps[:, None, -1:]
        positions = (steps[:, None, :] <= drawn).sum(axis=-1)
    else:
        with np.errstate(divide="ignore"):
            keys = np.log(weights) + generator().gumbel(size=weights.shape)
        positions = np.argsort(-keys, axis=-1)[:, :num_samples]
    return Tensor(positions if input.ndim == 2 else positions[0], device=input.device)


def linspace(start: Any, end: Any, steps: int, dtype: Any = None, device: str | None = None,
             requires_grad: bool = False) -> Tensor:
    """`steps` numbers at equal distances from `start` to `end`, both included."""
    return _in_steps(start, end, steps, None, dtype, device, requires_grad)


def logspace(start: Any, end: Any, steps: int, base: float = 10.0, dtype: Any = None,
             device: str | None = None, requires_grad: bool = False) -> Tensor:
    """`base` to the powers of :func:`linspace`."""
    return _in_steps(start, end, steps, base, dtype, device, requires_grad)


def _in_steps(start: Any, end: Any, steps: int, base: float | None, dtype: Any,
              device: str | None, requires_grad: bool) -> Tensor:
    if steps < 0:
        raise ArgumentError(f"linspace and logspace make a whole number of steps, at least 0, not "
                            f"{shown(steps)}")
    start, end = (v.item() if isinstance(v, Tensor) else v for v in (start, end))
    kind = number_type(dtype or DEFAULT_FLOAT)
    whole = kind.kind in "iu"
    if whole:           # as in PyTorch, the limits are whole numbers before the steps are taken
        start, end = int(start), int(end)
    position = np.arange(steps)
    step = (end - start) / max(steps - 1, 1)
    values = np.where(position < steps / 2, start + position * step,
                      end - (steps - 1 - position) * step) if steps != 1 else np.asarray([start])
    if base is not None:
        values = np.float64(base) ** values
    return Tensor(np.trunc(values) if whole else values, requires_grad, kind, device)


globals().update(guarded_names(globals(), [
    name for name, value in globals().items()
    if getattr(value, "__module__", "") == __name__ and not name.startswith("_")]))
