"""Find where a NaN or an infinity comes from: `with minigrad.detect_anomaly():`.

Every result and every gradient is checked as it is made, so the error names the first operation
that went wrong and the line of the user's program that called it.
"""

from __future__ import annotations

import linecache
import math
import os
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minigrad import backend
from minigrad.core.graph import Node
from minigrad.core.hooks import OperationCall, operation_hooks
from minigrad.core.tensor import Tensor
from minigrad.errors import AnomalyError

_PACKAGE = os.path.dirname(__file__) + os.sep


class SourceLine(NamedTuple):
    """A line of the user's program."""

    file: str
    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.number} ({self.text})" if self.text else \
            f"{self.file}:{self.number}"


def is_cell(file: str) -> bool:
    """Whether this is the name that a notebook's cell has as a file."""
    return Path(file).parent.name.startswith("ipykernel_") or file.startswith("<ipython-input")


# Where recorded operations were called; filled only by detect_anomaly and inspect.record.
created_at: weakref.WeakKeyDictionary[Node, SourceLine] = weakref.WeakKeyDictionary()


def user_line() -> SourceLine:
    """The innermost line being executed that is not part of this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    file, number = frame.f_code.co_filename, frame.f_lineno
    return SourceLine(file, number, linecache.getline(file, number).strip())


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Raise as soon as an operation makes NaN or an infinity, forward or backward.

    Put both the forward computation and `backward()` inside. A NaN always raises. An infinity
    raises unless an operand or the upstream gradient already held one, so a deliberate −∞ (a
    mask before a softmax) is allowed. Every array is read once more: use it to debug, not to
    train.

    Raises
    ------
    AnomalyError
        Names the operation, the value and its index, and the line that called the operation.
    """
    with operation_hooks(after=_check):
        yield


def _check(call: OperationCall) -> None:
    if call.phase == "forward":
        _check_forward(call)
    else:
        _check_backward(call)


def _check_forward(call: OperationCall) -> None:
    line = user_line()
    if call.node is not None:
        created_at[call.node] = line
    found = _anomaly(call.result._array, allow_inf=any(_holds_inf(a) for a in call.arguments))
    if found:
        origin = "which an operand held already" if "NaN" in found and any(
            _holds_nan(a) for a in call.arguments) else "although its operands hold none"
        raise AnomalyError(f"{call.primitive.name} gave {found}, {origin}, at {line}")


def _check_backward(call: OperationCall) -> None:
    upstream = _array(call.gradient)
    for name, _, _, gradient in call.contributions:
        found = _anomaly(_array(gradient), allow_inf=_holds_inf(upstream))
        if found:
            line = created_at.get(call.node)
            origin = "which the gradient of its result held already" if _holds_nan(upstream) \
                else "although the gradient of its result holds none"
            raise AnomalyError(
                f"the derivative of {call.primitive.name} with respect to {name} gave {found}, "
                f"{origin}; the "
                + (f"operation was called at {line}" if line else
                   f"call of {call.primitive.name} was made outside detect_anomaly(); make it "
                   f"inside to see its line"))


def _anomaly(array: Any, allow_inf: bool) -> str:
    """The first non-finite element of `array` in words; empty if there is none."""
    if array.dtype.kind not in "fc":
        return ""
    xp = backend.array_module(array)
    bad = xp.isnan(array) if allow_inf else ~xp.isfinite(array)
    count = int(bad.sum())
    if not count:
        return ""
    index = np.unravel_index(int(bad.argmax()), array.shape) if array.shape else ()
    value = complex(array[index])
    kind = "NaN" if math.isnan(abs(value)) else "−inf" if value.real == -math.inf else "inf"
    if not array.shape:
        return kind
    return f"{kind} at index {tuple(map(int, index))} ({count} of {array.size} elements not finite)"


def _array(value: Any) -> Any:
    return value._array if isinstance(value, Tensor) else value


def _holds_inf(value: Any) -> bool:
    if isinstance(value, float):
        return math.isinf(value)
    return _is_float_array(value) and bool(backend.array_module(value).isinf(value).any())


def _holds_nan(value: Any) -> bool:
    if isinstance(value, float):
        return math.isnan(value)
    return _is_float_array(value) and bool(backend.array_module(value).isnan(value).any())


def _is_float_array(value: Any) -> bool:
    return backend.is_array(value) and value.dtype.kind in "fc"
