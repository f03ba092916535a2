"""minigrad: reverse-mode automatic differentiation on NumPy and CuPy.

Read :mod:`minigrad.primitive` first: how an operation and its derivatives are declared.
Then :mod:`minigrad.graph`: how a backward pass walks. The rest are operations.
"""

import importlib

from . import errors
from .anomaly import detect_anomaly
from .backend import manual_seed
from .checkpoint import checkpoint
from .derivatives import grad, hessian, hvp, jacobian, jvp, vjp
from .errors import MinigradError
from .kernels.conv import conv_algorithm
from .kernels.parallel import get_num_threads, set_num_threads
from .mode import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .tensor import Tensor
from .version import __version__

from . import ops, functional  # isort: skip  (operations are built on Tensor)
from .creation import (
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
from .ops import *  # noqa: F403
from .primitive import Primitive, elementwise, primitive

from . import nn, optim  # isort: skip  (built on all of it)


def __getattr__(name: str) -> object:
    """``check``, ``cuda`` and ``inspect`` are loaded when first asked for."""
    if name in ("check", "cuda", "inspect"):
        return importlib.import_module(f"minigrad.{name}")
    raise AttributeError(f"module 'minigrad' has no attribute {name!r}")
