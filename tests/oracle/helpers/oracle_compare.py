"""Run a case in minigrad and in PyTorch, and compare values, types, shapes and gradients.

Results in float16 and float32 that differ by more than the tolerance are compared once more with
PyTorch's own result in float64: right is also what is at least as near to it as PyTorch's is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from oracle_cases import NUMPY, Case, mapped, outputs, to_ours
from oracle_ties import TIES, over_equal, tied

import minigrad as mg
from minigrad.core.mode import no_grad

LAYOUT = "memory_format"        # of a result: a choice of the kernel here
REFUSALS = (RuntimeError, IndexError, ValueError, TypeError, NotImplementedError)

# (relative, absolute) by the coarsest element type that takes part
TOLERANCE = {"float64": (1e-9, 1e-9), "complex128": (1e-9, 1e-9), "float32": (1e-4, 2e-5),
             "complex64": (1e-4, 2e-5), "float16": (8e-3, 4e-3)}
NARROW = (torch.float16, torch.float32)


class Refused(Exception):
    """minigrad refuses with a sentence of its own what PyTorch computes."""


class Differs(Exception):
    """The results differ; the message says in what."""


def compare(case: Case, ours: Callable, only_shapes: bool = False) -> bool:
    """Compare all results of one case; False if PyTorch itself refuses it.

    Parameters
    ----------
    ours : minigrad's function, called with the sample's arguments.
    only_shapes : for random results.

    Raises
    ------
    Refused, Differs
    """
    x, args, kwargs = mapped(_leaf, case.values)
    try:
        theirs = case.op.op(x, *args, **kwargs)
    except REFUSALS:
        return False
    our_values = mapped(to_ours, (x, args, {
        name: value for name, value in kwargs.items() if name != LAYOUT}))
    result = called(ours, *our_values)
    first, second = outputs(result), outputs(theirs)
    if len(first) != len(second):
        raise Differs(f"{len(first)} result(s) instead of {len(second)}")
    exact = _Exact(case)
    for number, (a, b) in enumerate(zip(first, second)):
        if not (case.name in TIES and tied(case, first, second)):
            _same(a, b, case.dtype, only_shapes, "value", lambda n=number: exact.values[n])
    if not only_shapes:
        _compare_method(case, result)
        _compare_in_place(case)
        leaves = [v for v in _leaves((x, args, kwargs)) if v.requires_grad]
        if leaves and case.op.supports_autograd:
            pairs = [(a, b) for a, b in zip(first, second)
                     if isinstance(b, torch.Tensor) and b.requires_grad]
            our_leaves = [v for v in _leaves(our_values) if v.requires_grad]
            _compare_gradients(case, pairs, our_leaves, leaves, exact)
    return True


def called(function: Callable, x: Any, args: tuple, kwargs: dict) -> Any:
    """The result of our function; its refusals as `Refused`, foreign errors as `Differs`."""
    try:
        return function(x, *args, **kwargs)
    except mg.MinigradError as error:
        raise Refused(f"{type(error).__name__}: {error}") from error
    except TypeError as error:
        if any(words in str(error) for words in (
                "unexpected keyword", "positional argument", "does not take")):
            raise Refused(f"no such argument: {error}") from error
        raise Differs(f"a foreign error: {type(error).__name__}: {error}") from error
    except Exception as error:
        raise Differs(f"a foreign error: {type(error).__name__}: {error}") from error


class _Exact:
    """PyTorch's results and gradients of a case, computed in float64 when they are asked for."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self._values: list | None = None
        self._gradients: list | None = None

    @property
    def values(self) -> list:
        if self._values is None:
            self._run()
        return self._values

    @property
    def gradients(self) -> list:
        if self._gradients is None:
            self._run()
        return self._gradients

    def _run(self) -> None:
        values = mapped(_wide_leaf, self.case.values)
        x, args, kwargs = values
        results = outputs(self.case.op.op(x, *args, **kwargs))
        self._values, self._gradients = [_constant(r) for r in results], []
        ends = [r for r in results if isinstance(r, torch.Tensor) and r.requires_grad]
        leaves = [v for v in _leaves(values) if v.requires_grad]
        if ends and leaves:
            upstream = [_random(r, self.case.dtype).double() for r in ends]
            found = torch.autograd.grad(ends, leaves, upstream, allow_unused=True)
            self._gradients = [torch.zeros_like(leaf) if g is None else g
                               for g, leaf in zip(found, leaves)]


def _leaf(value: Any) -> Any:
    """A tensor of its own that leaves a sample as it is, in the same layout."""
    if isinstance(value, torch.Tensor):
        return value.detach().requires_grad_(value.requires_grad)
    return value


def _wide_leaf(value: Any) -> Any:
    """As `_leaf`, with floats as float64."""
    if isinstance(value, torch.Tensor) and value.dtype.is_floating_point:
        return value.detach().double().requires_grad_(value.requires_grad)
    return _leaf(value)


def _leaves(values: Any) -> list:
    found: list = []
    mapped(lambda v: found.append(v) if isinstance(v, (torch.Tensor, mg.Tensor)) else None, values)
    return found


def _same(ours: Any, theirs: Any, dtype: torch.dtype, only_shapes: bool, what: str,
          exact: Callable | None = None) -> None:
    """Raise unless the results agree; `exact` gives PyTorch's in float64."""
    if not isinstance(theirs, torch.Tensor):
        nan = ours != ours and theirs != theirs
        if isinstance(ours, mg.Tensor) or (ours != theirs and not nan):
            raise Differs(f"{what} {ours!r} instead of {theirs!r}")
        return
    if not isinstance(ours, mg.Tensor):
        raise Differs(f"{what} is no tensor but {ours!r}")
    if ours.shape != tuple(theirs.shape):
        raise Differs(f"{what}: shape {ours.shape} instead of {tuple(theirs.shape)}")
    if theirs.dtype in NUMPY and ours.dtype != NUMPY[theirs.dtype]:
        raise Differs(f"{what}: type {ours.dtype} instead of {theirs.dtype}")
    if only_shapes:
        return
    a, b = ours.numpy(), theirs.numpy(force=True)
    if a.dtype.kind in "biu":
        if not np.array_equal(a, b):
            raise Differs(f"{what} {_excerpt(a, b)}")
        return
    coarsest = max((str(d) for d in (NUMPY[dtype], a.dtype)),
                   key=lambda name: TOLERANCE.get(name, (0, 0)))
    relative, absolute = TOLERANCE[coarsest]
    finite = np.abs(b[np.isfinite(b)])
    scale = max(1.0, float(finite.max(initial=0))) if coarsest == "float16" else 1.0
    if not np.allclose(a, b, relative, absolute * scale, equal_nan=True) and not (
            exact is not None and dtype in NARROW
            and _as_near(a, b, exact().numpy(force=True), relative, absolute * scale)):
        raise Differs(f"{what} {_excerpt(a, b)}")


def _as_near(ours: np.ndarray, theirs: np.ndarray, exact: np.ndarray, relative: float,
             absolute: float) -> bool:
    """Whether each of our numbers is right, or no farther from the exact one than theirs are."""
    if ours.shape != exact.shape:
        return False
    right = np.isclose(ours, exact.astype(ours.dtype), relative, absolute, equal_nan=True) \
        | np.isclose(ours, theirs, relative, absolute, equal_nan=True)
    distance = np.abs(theirs - exact)
    finite = np.isfinite(distance)
    worst = distance[finite].max(initial=0.0)       # where theirs overflows, ours may as well
    return bool((right | ~finite | (np.abs(ours - exact) <= worst)).all())


def _excerpt(a: np.ndarray, b: np.ndarray) -> str:
    with np.errstate(all="ignore"):
        off = np.abs(a.astype(complex) - b) / (1 + np.abs(b))
        wrong = (np.isfinite(a) != np.isfinite(b)) | (off > 0.5 * off[np.isfinite(off)].max(
            initial=0.0))
    return f"{a[wrong][:4]} instead of {b[wrong][:4]}"


def _compare_method(case: Case, result: Any) -> None:
    """The method of the same name gives what the function gives."""
    method = getattr(mg.Tensor, case.op.name, None)
    if method is None or case.op.method_variant is None or not callable(method) \
            or not isinstance(case.sample.input, torch.Tensor):
        return
    x, args, kwargs = mapped(to_ours, mapped(_leaf, case.values))
    again = called(method, x, args, {k: v for k, v in kwargs.items() if k != LAYOUT})
    for a, b in zip(outputs(again), outputs(result)):
        if isinstance(b, mg.Tensor) and (a.dtype != b.dtype or not np.array_equal(
                a.numpy(), b.numpy(), equal_nan=b.dtype.kind in "fc")):
            raise Differs("the method gives another result than the function")


def _compare_in_place(case: Case) -> None:
    """The operation in place gives PyTorch's tensor, or both refuse."""
    theirs = case.op.inplace_variant
    ours = getattr(mg.Tensor, f"{case.op.name}_", None)
    if theirs is None or ours is None or not isinstance(case.sample.input, torch.Tensor):
        return
    x, args, kwargs = mapped(_constant, case.values)
    our_x, our_args, our_kwargs = mapped(to_ours, (x, args, kwargs))
    our_x = our_x.clone()
    try:
        expected = theirs(x, *args, **kwargs)
    except REFUSALS:
        with no_grad():
            try:
                called(ours, our_x, our_args, our_kwargs)
            except Refused:
                return
        raise Differs(f"{case.op.name}_ changes in place what PyTorch refuses to change") from None
    with no_grad():
        result = called(ours, our_x, our_args, our_kwargs)
    if result is not our_x:
        raise Differs(f"{case.op.name}_ does not return its tensor")
    _same(our_x, expected, case.dtype, False, f"after {case.op.name}_:",
          lambda: _Exact(case).values[0])


def _constant(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, torch.Tensor) else value


def _compare_gradients(case: Case, pairs: list, ours: list, theirs: list, exact: _Exact) -> None:
    """First derivatives of all floating results; second ones in float64."""
    if not pairs:
        return
    second = case.dtype == torch.float64 and case.op.supports_gradgrad
    upstream = [_random(b, b.dtype) for _, b in pairs]
    try:
        expected = torch.autograd.grad([b for _, b in pairs], theirs, upstream,
                                       create_graph=second, allow_unused=True)
    except REFUSALS:
        return
    got = _our_gradients([a for a, _ in pairs], ours, upstream, second)
    for number, (a, b) in enumerate(zip(got, expected)):
        _same_gradient(case, a, b, theirs[number], f"gradient of input {number}:",
                       lambda n=number: exact.gradients[n])
    if not second:
        return
    seconds = [(a, b) for a, b in zip(got, expected) if b is not None and b.requires_grad]
    if not seconds:
        return
    weights = [_random(b, b.dtype) for _, b in seconds]
    try:
        expected = torch.autograd.grad([b for _, b in seconds], theirs, weights,
                                       allow_unused=True)
    except REFUSALS:
        return
    got = _our_gradients([a for a, _ in seconds], ours, weights, False)
    for number, (a, b) in enumerate(zip(got, expected)):
        _same_gradient(case, a, b, theirs[number], f"second derivative, input {number}:")


def _our_gradients(results: list, inputs: list, upstream: list, create_graph: bool) -> list:
    flowing = [(result, to_ours(g)) for result, g in zip(results, upstream)
               if result is not None and result.requires_grad]
    if not flowing:
        return [None] * len(inputs)
    return list(called(lambda *_: mg.grad(
        [r for r, _ in flowing], inputs, [g for _, g in flowing], create_graph=create_graph,
        allow_unused=True), None, (), {}))


def _same_gradient(case: Case, ours: Any, theirs: Any, leaf: torch.Tensor, what: str,
                   exact: Callable | None = None) -> None:
    """As values; no path and a gradient of zeros are the same."""
    zeros = torch.zeros_like(leaf)
    theirs = zeros if theirs is None else theirs.detach()
    ours = to_ours(zeros.detach()) if ours is None else ours.detach()
    theirs, ours = (over_equal(case, leaf.detach(), g)
                    for g in (theirs, torch.from_numpy(ours.numpy())))
    _same(to_ours(ours), theirs, case.dtype, False, what, exact)


def _random(like: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    shape = tuple(like.shape)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)
