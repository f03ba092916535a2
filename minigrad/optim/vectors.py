"""Several parameters as one vector, and inner products that do not lose digits."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from minigrad import backend
from minigrad.core.mode import no_grad
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError
from minigrad.kernels import parallel
from minigrad.ops.in_place import writable

_BLOCK = 1 << 15        # elements; as float64 two blocks fill a quarter of a core's L2 cache


def inner(x: Any, y: Any) -> Any:
    """⟨x, y⟩ of two vectors, computed in float64 whatever their type.

    Gradients of style losses have 10⁶ elements of very different size, and line searches
    compare slopes that cancel: float32 sums are not good enough. The products are formed
    block by block, so that no float64 copy of the vectors is made on the host.
    """
    kernels = cuda_kernels("vectors", x)
    if kernels:
        return kernels.inner(x, y)
    xp = backend.array_module(x)
    block = _BLOCK if xp is np else max(x.size, 1)
    starts = range(0, x.size, block)
    sums = xp.zeros(max(len(starts), 1), np.float64)

    def work(k: int) -> None:
        part = slice(starts[k], starts[k] + block)
        sums[k] = xp.dot(x[part].astype(np.float64, copy=False),
                         y[part].astype(np.float64, copy=False))

    parallel.run(work, range(len(starts)), xp)
    return sums.sum()


def add_scaled(x: Any, factor: Any, y: Any, work: Any) -> None:
    """x ← x + factor·y, in place; `factor` may be a number on the device of the vectors."""
    xp = backend.array_module(x)
    # In the vectors' own type: a float64 factor would make a float64 product.
    xp.multiply(y, xp.asarray(factor, dtype=x.dtype), out=work)
    x += work


def step_along(x: Any, factor: float, y: Any, out: Any, work: Any) -> None:
    """out ← x + factor·y."""
    kernels = cuda_kernels("vectors", x)
    if kernels:
        kernels.step_along(x, factor, y, out)
        return
    out[...] = x
    add_scaled(out, factor, y, work)


def largest(x: Any, work: Any) -> Any:
    """max |xᵢ|, as a number on the device."""
    return backend.array_module(x).abs(x, out=work).max()


def on_host(*numbers: Any) -> list[float]:
    """Numbers, possibly on a device, as floats; the host waits once for all of them."""
    xp = backend.array_module(*numbers)
    if xp is np:
        return [float(number) for number in numbers]
    together = xp.empty(len(numbers), np.float64)
    for k, number in enumerate(numbers):
        together[k] = number
    return together.tolist()


def cuda_kernels(name: str, x: Any) -> Any:
    """The module of that name in `kernels/cuda`; None unless x is float32 or 64 on a GPU."""
    if not backend.is_cuda(x) or x.dtype.char not in "fd":
        return None
    return import_module(f"minigrad.kernels.cuda.{name}")


class FlatView:
    """Parameters of one element type and device, read and written as one vector of length n.

    Raises
    ------
    ArgumentError : parameters differ in type or device.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        kinds = sorted({f"{p.dtype} on {p.device}" for p in parameters})
        if len(kinds) > 1:
            raise ArgumentError(f"LBFGS takes all parameters as one vector, so they must have one "
                                f"element type and device, not {' and '.join(kinds)}")
        self.parameters = list(parameters)
        self.length = sum(p.numel() for p in parameters)

    def empty(self, *lead: int) -> Any:
        """A new uninitialized array lead×n."""
        first = self.parameters[0].data
        backend.use_device_of(first)
        return backend.array_module(first).empty((*lead, self.length), first.dtype)

    def read(self, out: Any) -> None:
        """Copy the parameters into the vector `out`."""
        for parameter, part in self._parts(out):
            part[...] = parameter.data

    def read_gradients(self, out: Any) -> None:
        """Copy the gradients into `out`; zeros for parameters without one."""
        for parameter, part in self._parts(out):
            part[...] = 0 if parameter.grad is None else parameter.grad.data

    def write(self, vector: Any) -> None:
        """Copy `vector` into the parameters."""
        with no_grad():
            for parameter, part in self._parts(vector):
                writable(parameter)[...] = part

    def _parts(self, vector: Any) -> list[tuple[Tensor, Any]]:
        """Each parameter with its part of `vector`, in its shape."""
        parts, start = [], 0
        for parameter in self.parameters:
            stop = start + parameter.numel()
            parts.append((parameter, vector[start:stop].reshape(parameter.shape)))
            start = stop
        return parts
