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


def lapack(function: Callable, *arrays: Any, **options: Any) -> Any:
    """`function(*arrays, **options)` of NumPy; the results are where the arrays are.

    Raises
    ------
    ArgumentError : a matrix is singular, not positive definite, or the iteration did not converge.
    """
    device = device_of(arrays[0])
    try:
        result = function(*[to_device(array, "cpu") for array in arrays], **options)
    except np.linalg.LinAlgError as error:
        wanted = "positive definite matrices" if function.__name__ == "cholesky" else \
            "square matrices that are not singular, of finite numbers"
        raise ArgumentError(f"{function.__name__} needs {wanted}") from error
    if isinstance(result, tuple):
        return tuple(to_device(np.asarray(part), device) for part in result)
    return to_device(np.asarray(result), device)
