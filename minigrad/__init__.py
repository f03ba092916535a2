"""minigrad: reverse-mode automatic differentiation on NumPy and CuPy.

Read the core in this order: :mod:`minigrad.core.primitive` (how an operation and its derivatives
are declared), :mod:`minigrad.core.plan` (what a call saves), :mod:`minigrad.core.graph` (the
backward pass), :mod:`minigrad.core.tensor`, then :mod:`minigrad.ops.arithmetic` as a table of
examples.
"""

import importlib

from minigrad import errors
from minigrad.anomaly import detect_anomaly
from minigrad.checkpoint import checkpoint
from minigrad.core.mode import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from minigrad.core.tensor import Tensor
from minigrad.derivatives import grad, hessian, hvp, jacobian, jvp, vjp
from minigrad.errors import MinigradError
from minigrad.kernels.conv import conv_algorithm
from minigrad.kernels.parallel import get_num_threads, set_num_threads
from minigrad.random import manual_seed
from minigrad.version import __version__

from minigrad import ops, functional  # isort: skip  (operations are built on Tensor)
from minigrad.core.primitive import Primitive, elementwise, primitive
from minigrad.creation import (
    arange,
    eye,
    from_numpy,
    full,
    ones,
    ones_like,
    rand,
    randint,
    randn,
    tensor,
    zeros,
    zeros_like,
)
from minigrad.ops import *  # noqa: F403

from minigrad import nn, optim  # isort: skip  (built on all of it)

__all__ = [
    "MinigradError", "Primitive", "Tensor", "__version__", "arange", "checkpoint",
    "conv_algorithm", "detect_anomaly", "elementwise", "enable_grad", "errors", "eye",
    "from_numpy", "full", "functional", "get_num_threads", "grad", "hessian", "hvp",
    "is_grad_enabled", "jacobian", "jvp", "manual_seed", "nn", "no_grad", "ones", "ones_like",
    "ops", "optim", "primitive", "rand", "randint", "randn", "set_grad_enabled",
    "set_num_threads", "tensor", "vjp", "zeros", "zeros_like",
]
__all__ += ops.__all__


def __getattr__(name: str) -> object:
    """Load `check`, `cuda` and `inspect` when they are first used."""
    if name in ("check", "cuda", "inspect"):
        return importlib.import_module(f"minigrad.{name}")
    raise AttributeError(f"module 'minigrad' has no attribute {name!r}")
