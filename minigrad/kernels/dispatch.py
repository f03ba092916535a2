"""Send an array to the kernel here or to its CUDA twin.

    @on_cuda_too
    def avg_pool2d(x, geometry): ...

The decorated function serves NumPy arrays and those of any library with NumPy's interface. float32
and float64 arrays of CuPy go to the function of the same name in the module of the same name in
`minigrad.kernels.cuda`, which is imported on first use.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.backend import is_cuda


def on_cuda_too(function: Callable) -> Callable:
    """Send calls whose first argument is a CUDA array to the twin in `minigrad.kernels.cuda`."""
    package, _, module = function.__module__.rpartition(".")

    @functools.wraps(function)
    def choose(array: Any, *args: Any, **named: Any) -> Any:
        if type(array) is np.ndarray or not is_cuda(array) or array.dtype.char not in "fd":
            return function(array, *args, **named)
        twin = importlib.import_module(f"{package}.cuda.{module}")
        return getattr(twin, function.__name__)(array, *args, **named)

    return choose
