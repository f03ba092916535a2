"""LAPACK through NumPy, for arrays of every device.

Matrices of a GPU are brought to the host: CuPy's decompositions need cuSOLVER, which is not among
the parts of CUDA that are installed with minigrad, and for the usual sizes LAPACK is faster.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.backend import device_of, to_device
from minigrad.errors import ArgumentError

# LAPACK iterates for the first two until rotations are small enough: with an infinity, for ever. A
# matrix that is not finite is not positive definite either. The other functions take a fixed number
# of steps, and NaN gives NaN.
_OF_FINITE = {"svd": "matrices of finite numbers", "eigh": "matrices of finite numbers",
              "cholesky": "positive definite matrices"}


def lapack(function: Callable, *arrays: Any, **options: Any) -> Any:
    """`function(*arrays, **options)` of NumPy; the results are where the arrays are.

    Raises
    ------
    ArgumentError : a matrix is singular or not positive definite, or, for eigenvalues and singular
        values, not finite.
    """
    device, name = device_of(arrays[0]), function.__name__
    on_host = [to_device(array, "cpu") for array in arrays]
    wanted = _OF_FINITE.get(name, "square matrices that are not singular, of finite numbers")
    if name in _OF_FINITE and not np.isfinite(on_host[0]).all():
        raise ArgumentError(f"{name} needs {wanted}")
    try:
        result = function(*on_host, **options)
    except np.linalg.LinAlgError as error:
        raise ArgumentError(f"{name} needs {wanted}") from error
    if isinstance(result, tuple):
        return tuple(to_device(np.asarray(part), device) for part in result)
    return to_device(np.asarray(result), device)
