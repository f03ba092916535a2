"""Samples of PyTorch's operators (OpInfo), as cases that run in minigrad and in PyTorch.

A case is one call: an entry of the table, an element type, and arguments. Beside PyTorch's own
samples there are variants of them: with gaps in memory, zero-dimensional, and empty.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_methods_invocations import (
    gradcheck_wrapper_hermitian_input,
    op_db,
)
from torch.testing._internal.opinfo.core import SampleInput

import minigrad as mg

FULL = os.environ.get("ORACLE") == "full"
MAX_SAMPLES = 10_000 if FULL else 8         # of one entry and element type
MAX_VARIED = 10_000 if FULL else 3          # of these, how many are varied

DEPRECATED_WITHOUT_DIMENSIONS = {"mT", "mH"}        # PyTorch warns that they will be an error

# PyTorch 2.13 ends with a segmentation fault in its backward pass.
CRASHES_WITHOUT_ELEMENTS = {"nn.functional.pdist"}

FLOATS = (torch.float64, torch.float32, torch.float16)
DTYPES = (*FLOATS, torch.int64, torch.int32, torch.int16, torch.uint8, torch.int8, torch.bool,
          torch.complex128)
NUMPY = {dtype: np.dtype(str(dtype).removeprefix("torch.")) for dtype in (
    *DTYPES, torch.complex64)}


def full_name(op: Any) -> str:
    """The name of an OpInfo entry, with its variant: `norm/inf`."""
    return f"{op.name}/{op.variant_test_name}" if op.variant_test_name else op.name


OPS = {full_name(op): op for op in op_db}


@dataclass
class Case:
    """One call of an operator.

    Attributes
    ----------
    name : of the entry.
    dtype : of the sample.
    variant : "", "non-contiguous", "zero-dimensional" or "empty".
    sample : PyTorch's arguments.
    """

    name: str
    dtype: torch.dtype
    variant: str
    sample: SampleInput

    @property
    def op(self) -> Any:
        return OPS[self.name]

    @property
    def values(self) -> tuple[Any, tuple, dict]:
        return self.sample.input, self.sample.args, self.sample.kwargs

    def __str__(self) -> str:
        def shown(value: Any) -> Any:
            if isinstance(value, torch.Tensor):
                return f"<{str(value.dtype)[6:]} {tuple(value.shape)}>"
            return value
        x, args, kwargs = mapped(shown, self.values)
        given = ", ".join([str(x), *map(str, args), *(f"{k}={v}" for k, v in kwargs.items())])
        return f"{self.name}({given})" + (f" [{self.variant}]" if self.variant else "")


def cases(name: str, dtypes: tuple = DTYPES) -> Iterator[Case]:
    """The cases of one entry, for every element type that PyTorch's operator takes."""
    op = OPS[name]
    supported = op.supported_dtypes("cpu")
    for dtype in dtypes:
        if dtype in supported:
            differentiable = op.supports_autograd and dtype in FLOATS
            torch.manual_seed(0)
            samples = list(op.sample_inputs("cpu", dtype, requires_grad=differentiable))
            if op.gradcheck_wrapper is gradcheck_wrapper_hermitian_input:
                samples = list(map(_symmetric, samples))
            step = max(1, -(-len(samples) // MAX_SAMPLES))
            for number, sample in enumerate(samples[::step]):
                yield Case(name, dtype, "", sample)
                if number < MAX_VARIED:
                    yield from _varied(name, dtype, sample)


def _varied(name: str, dtype: torch.dtype, sample: SampleInput) -> Iterator[Case]:
    with contextlib.suppress(RuntimeError, NotImplementedError):    # not every one can be made so
        yield Case(name, dtype, "non-contiguous", sample.noncontiguous())
    if isinstance(sample.input, torch.Tensor) and sample.input.numel():
        shape = sample.input.shape
        if name not in DEPRECATED_WITHOUT_DIMENSIONS:
            yield Case(name, dtype, "zero-dimensional", _changed(
                sample, shape, lambda x: x.detach().reshape(-1)[0].clone()))
        if shape and name not in CRASHES_WITHOUT_ELEMENTS:
            yield Case(name, dtype, "empty", _changed(
                sample, shape, lambda x: x.detach()[:0].clone()))


def _symmetric(sample: SampleInput) -> SampleInput:
    """x + x*, as PyTorch itself tests functions of symmetric matrices."""
    x = sample.input.detach()
    return SampleInput((x + x.mH).requires_grad_(sample.input.requires_grad), args=sample.args,
                       kwargs=sample.kwargs)


def _changed(sample: SampleInput, shape: tuple, change: Callable) -> SampleInput:
    """The sample with every tensor of the shape of the first one changed."""
    def convert(value: Any) -> Any:
        if isinstance(value, torch.Tensor) and value.shape == shape:
            return change(value).requires_grad_(value.requires_grad)
        return value
    x, args, kwargs = mapped(convert, (sample.input, sample.args, sample.kwargs))
    return SampleInput(x, args=args, kwargs=kwargs)


def mapped(function: Callable, value: Any) -> Any:
    """`value` with `function` applied to everything in its tuples, lists and dicts."""
    if isinstance(value, (tuple, list)) and not isinstance(value, torch.Size):
        return type(value)([mapped(function, part) for part in value]) \
            if not hasattr(value, "_fields") else tuple(mapped(function, part) for part in value)
    if isinstance(value, dict):
        return {key: mapped(function, part) for key, part in value.items()}
    return function(value)


def to_ours(value: Any) -> Any:
    """A value of PyTorch as one of minigrad; tensors share memory, so layouts are the same."""
    if isinstance(value, torch.Tensor):
        tensor = mg.from_numpy(value.numpy(force=True))
        return tensor.requires_grad_() if value.requires_grad else tensor
    if isinstance(value, torch.dtype):
        return NUMPY.get(value, value)
    if isinstance(value, torch.device):
        return str(value)
    return tuple(value) if isinstance(value, torch.Size) else value


def outputs(value: Any) -> list:
    """The results of a call as a flat list."""
    if isinstance(value, (tuple, list)):
        return [part for each in value for part in outputs(each)]
    return [value]
