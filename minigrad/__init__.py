"""minigrad: reverse-mode automatic differentiation on NumPy and CuPy.

Read the core in this order: :mod:`minigrad.core.primitive` (how an operation and its derivatives
are declared), :mod:`minigrad.core.plan` (what a call saves), :mod:`minigrad.core.graph` (the
backward pass), :mod:`minigrad.core.tensor`, then :mod:`minigrad.ops.arithmetic` as a table of
examples.
"""

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad import errors
from minigrad.anomaly import detect_anomaly
from minigrad.checkpoint import checkpoint
from minigrad.core.mode import enable_grad, is_grad_enabled, no_grad
from minigrad.core.tensor import Tensor
from minigrad.derivatives import grad, hessian, hvp, jacobian, jvp, vjp
from minigrad.errors import MinigradError
from minigrad.grad_mode import set_grad_enabled
from minigrad.kernels.conv import conv_algorithm
from minigrad.kernels.parallel import get_num_threads, set_num_threads
from minigrad.random import manual_seed
from minigrad.version import __version__

from minigrad import ops, functional, linalg, special  # isort: skip  (built on Tensor)
from minigrad.core.primitive import Primitive, elementwise, primitive
from minigrad.creation import (
    arange,
    as_tensor,
    bernoulli,
    empty,
    empty_like,
    eye,
    from_numpy,
    full,
    full_like,
    linspace,
    logspace,
    multinomial,
    normal,
    ones,
    ones_like,
    rand,
    rand_like,
    randint,
    randint_like,
    randn,
    randn_like,
    randperm,
    scalar_tensor,
    tensor,
    zeros,
    zeros_like,
)
from minigrad.ops import *  # noqa: F403

from minigrad import nn, optim  # isort: skip  (built on all of it)

if TYPE_CHECKING:
    from minigrad.io import load, save

__all__ = [
    "MinigradError", "Primitive", "Tensor", "__version__", "arange", "as_tensor", "bernoulli",
    "checkpoint", "conv_algorithm", "detect_anomaly", "elementwise", "empty", "empty_like",
    "enable_grad", "errors", "eye", "from_numpy", "full", "full_like", "functional",
    "get_num_threads", "grad", "hessian", "hvp", "is_grad_enabled", "jacobian", "jvp", "linalg",
    "linspace", "load", "logspace", "manual_seed", "multinomial", "nn", "no_grad", "normal",
    "ones", "ones_like", "ops", "optim", "primitive", "rand", "rand_like", "randint",
    "randint_like", "randn", "randn_like", "randperm", "save", "scalar_tensor", "set_grad_enabled",
    "set_num_threads", "special", "tensor", "vjp", "zeros", "zeros_like",
]
__all__ += ops.__all__


# Element types, which PyTorch has as attributes as well.
float16, float32, float64 = map(np.dtype, ("float16", "float32", "float64"))
int8, int16, int32, int64 = map(np.dtype, ("int8", "int16", "int32", "int64"))
uint8, bool_ = map(np.dtype, ("uint8", "bool"))
half, double, short, long = float16, float64, int16, int64


def _tensor_html(tensor: Tensor) -> str:
    """The HTML that a notebook shows for a tensor."""
    inspect: Any = __getattr__("inspect")       # loaded when a notebook first shows one
    html: str = inspect.notebook.tensor_html(tensor)
    return html


Tensor._repr_html_ = _tensor_html


def __getattr__(name: str) -> object:
    """Load rarely used modules on first use; also three types with the names of Python's own."""
    if name in ("bool", "float", "int"):
        return {"bool": bool_, "float": float32, "int": int32}[name]
    if name in ("check", "cuda", "inspect", "io"):
        return importlib.import_module(f"minigrad.{name}")
    if name in ("load", "save"):
        return getattr(importlib.import_module("minigrad.io"), name)
    raise AttributeError(f"module 'minigrad' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
