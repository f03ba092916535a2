"""How an operation is declared: a forward function on arrays, and one rule per input.

    @primitive(broadcasts=True)
    def multiply(x, y):
        '''Elementwise product  z = x·y.'''
        return x * y

    multiply.derivative(
        x=lambda g, y: g * y,        # ∂L/∂x = g·y: names y, so y is saved
        y=lambda g, x: g * x,        # ∂L/∂y = g·x: names x, so x is saved
    )

The parameter names of a rule say which values it needs. Only these are saved, and only for
inputs that require a gradient in this call. A rule may name

    g          the gradient of the result (always first),
    out        the result,
    x          any parameter of the forward function, array or not,
    x_shape    the shape of an input (saves no array),
    position   which of the arrays of `*xs` the gradient is for,
    and any side array that the forward function `saves`.

A rule given as None declares that the derivative is zero wherever it exists (sign, floor,
comparisons). An input without a rule cannot be differentiated: it is an error if it requires a
gradient.

A rule may return an addend (:mod:`minigrad.kernels.addend`) if the array that it stands for can
be computed directly into another gradient.

Rules are written with operators and other primitives. A primitive that is given only arrays
returns an array. So the same rules run on plain arrays in an ordinary backward pass, at NumPy's
speed, and on Tensors in a recorded pass, which can be differentiated again.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload

import numpy as np

from minigrad import backend
from minigrad.core.graph import Node
from minigrad.core.hooks import observed_forward, observers
from minigrad.core.mode import mode
from minigrad.core.plan import Plan
from minigrad.core.promotion import common_dtype, narrowed, promoted
from minigrad.core.tensor import Tensor, share_version, wrap
from minigrad.errors import DeclarationError, MixedDeviceError, NoRuleError
from minigrad.kernels.order import along_memory
from minigrad.kernels.refusal import FOREIGN, refusal, refuse_complex, renamed

_registry: dict[str, Primitive] = {}
_SAVEABLE = (bool, int)      # kinds of side arrays: constants of the derivative
_KINDS = {bool: "b", int: "iu"}
_FLOAT64 = np.dtype(np.float64)     # comparing with a dtype instead of a type takes 1/4 of the time


@overload
def primitive(forward: Callable[..., Any]) -> Primitive: ...
@overload
def primitive(*, saves: Mapping[str, type] | None = None, broadcasts: bool = False,
              view: bool = False) -> Callable[[Callable[..., Any]], Primitive]: ...


def primitive(forward: Callable[..., Any] | None = None, *, saves: Mapping[str, type] | None = None,
              broadcasts: bool = False, view: bool = False
              ) -> Primitive | Callable[[Callable[..., Any]], Primitive]:
    """Declare an operation; decorates its forward function on plain arrays.

    Parameters
    ----------
    saves : dict from str to type, optional
        Side arrays that the forward function makes, by name, with their kind (`bool` or `int`):
        `saves={"argmax": int}`. The forward function then returns `(result, argmax)` and takes
        a keyword `saving`, which is False if no rule needs them (it may return None for them).
        Float side arrays are refused: a second derivative would take them as constants and be
        silently wrong. Recompute them in the rule instead.
    broadcasts : bool
        Inputs broadcast against each other (elementwise operations, the batch axes of matmul).
        The engine then sums gradients back to the input's shape and promotes element types; for
        all other operations a difference is an error.
    view : bool
        The result may share memory with the first input.
    """
    if forward is None:
        return lambda function: Primitive(function, saves or {}, broadcasts, view)
    return Primitive(forward, saves or {}, broadcasts, view)


def elementwise(forward: Callable[..., Any]) -> Primitive:
    """Declare an operation whose inputs broadcast, and which treats all elements alike.

    Its forward function and its rules may be given the dimensions in any order: on a GPU they
    come in the order of memory.
    """
    operation = Primitive(forward, {}, True, False)
    operation.elementwise = True
    return operation


def registered_primitives() -> dict[str, Primitive]:
    """All declared primitives by name."""
    return dict(_registry)


class Primitive:
    """An operation that can be recorded; made by :func:`primitive`, called like a function."""

    elementwise = False

    def __init__(self, forward: Callable[..., Any], saves: Mapping[str, type], broadcasts: bool,
                 view: bool) -> None:
        functools.update_wrapper(self, forward)
        self.forward = forward
        self.name: str = forward.__name__
        self.saves = dict(saves)
        self.broadcasts = broadcasts
        self.view = view
        self.rules: dict[str, Callable[..., Any] | None] = {}
        self._plans: dict[int, Plan] = {}
        self._ruled = self._constant = 0     # bit masks over argument positions
        self._read_signature()
        known = _registry.get(self.name)
        if known and {p.__module__.split(".")[0] for p in (known, self)} == {"minigrad"}:
            raise DeclarationError(f"minigrad has a primitive {self.name} already; rename this one")
        _registry[self.name] = self

    def _read_signature(self) -> None:
        parameters = list(inspect.signature(self.forward).parameters.values())
        positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY,
                                                          p.POSITIONAL_OR_KEYWORD)]
        variadic = [p.name for p in parameters if p.kind is p.VAR_POSITIONAL]
        self.parameters = [p.name for p in positional] + variadic
        self.variadic = variadic[0] if variadic else None
        self.fixed = len(positional)
        self.defaults = {i: p.default for i, p in enumerate(positional)
                         if p.default is not p.empty}
        for name in [*self.parameters, *self.saves]:
            if name in ("g", "out", "position", "saving") or name.endswith("_shape"):
                raise DeclarationError(f"primitive {self.name} has a parameter called {name!r}, "
                                       f"which is reserved for derivative rules; rename it")
        for name, kind in self.saves.items():
            if kind not in _SAVEABLE:
                raise DeclarationError(
                    f"primitive {self.name} saves {name!r} as {kind.__name__}, but side arrays "
                    f"are constants of the derivative and must be bool or int; recompute a float "
                    f"one in the rule, or make it an input")

    def derivative(self, **rules: Callable[..., Any] | None) -> Primitive:
        """Attach one rule per input (see the top of this module) and check its parameter names."""
        known = set(self.parameters) | set(self.saves) | {"out"} | {
            f"{name}_shape" for name in self.parameters}
        for name, rule in rules.items():
            if name not in self.parameters:
                raise DeclarationError(f"{self.name} has no parameter {name!r} to differentiate "
                                       f"with respect to; it has {', '.join(self.parameters)}")
            index = self.parameters.index(name)
            # A variadic parameter takes every position from its own on: all higher bits.
            bits = -1 << index if name == self.variadic else 1 << index
            self._ruled |= bits
            self.rules[name] = rule
            if rule is None:
                self._constant |= bits
                continue
            names = list(inspect.signature(rule).parameters)
            allowed = known | ({"position"} if name == self.variadic else set())
            if not names or names[0] != "g":
                raise DeclarationError(f"the rule of {self.name} for {name} must take the upstream "
                                       f"gradient g first")
            for wanted in names[1:]:
                if wanted not in allowed:
                    raise DeclarationError(
                        f"the rule of {self.name} for {name} names {wanted!r}, which is neither a "
                        f"parameter, nor out, nor a shape, nor saved")
        self._plans.clear()
        return self

    @overload
    def __call__(self, x: Tensor, /, *args: Any, **named: Any) -> Tensor: ...
    @overload
    def __call__(self, *args: Any, **named: Any) -> Any: ...

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Apply the operation: to Tensors gives a Tensor, to arrays alone an array."""
        if named or len(args) < self.fixed:
            args = self._bind(args, named)
        for value in args:
            if isinstance(value, Tensor):
                break
        else:
            try:
                result = self.forward(*args)
            except FOREIGN as error:
                raise refusal(self.name, args, error) from error
            return result[0] if self.saves else result
        arrays = list(args)
        kind = None
        mask = 0
        bare = False        # whether a plain array follows a Tensor
        for i, value in enumerate(args):
            if isinstance(value, Tensor):
                array = arrays[i] = value._array
                if value._requires_grad:
                    mask |= 1 << i
                if kind is not type(array):
                    if kind is not None:
                        self._refuse_mixed_devices(arrays)
                    kind = type(array)
            elif kind is not None and hasattr(value, "shape"):
                bare = True
        assert kind is not None
        if bare or type(arrays[0]) is not kind:
            self._check_operands(arrays, kind)
        if kind is not np.ndarray and backend.has_several_devices(kind):
            if not backend.on_one_device(arrays):
                self._refuse_mixed_devices(arrays)
            backend.use_device_of(next(a for a in arrays if type(a) is kind))
        if self.broadcasts and len(arrays) > 1:
            common = common_dtype(self.name, arrays, self._ruled)
            if common is not None:
                return self(*promoted(self.name, args, common, self._ruled))
        if mask:
            mask = mask & ~self._constant if mode.recording else 0
            if mask & ~self._ruled:
                self._refuse_missing_rule(mask)
        if observers:
            return observed_forward(self, args, arrays, kind, mask)
        return self._apply(args, arrays, kind, mask)

    def _apply(self, args: tuple[Any, ...], arrays: list[Any], kind: type, mask: int) -> Tensor:
        sides: list[Any] = []
        try:
            if self.saves:
                plan = self._plan(mask)
                result, *sides = self.forward(*arrays, saving=plan.needs_side_arrays)
                self._check_sides(sides)
            elif kind is not np.ndarray and self.elementwise and backend.is_cuda_type(kind):
                result = along_memory(self.forward, *arrays)
            else:
                result = self.forward(*arrays)
        except FOREIGN as error:
            raise refusal(self.name, arrays, error) from error
        if type(result) is not kind and not backend.is_array(result):   # a NumPy scalar
            result = backend.array_module(*arrays).asarray(result)
        dtype = result.dtype
        if dtype == _FLOAT64:
            result = narrowed(result, arrays)
        out = wrap(result)
        if self.view or result is arrays[0]:        # which a cast to the same type returns
            share_version(out, args[0])
        if mask and dtype.kind in "fc":      # integers have no gradients
            plan = self._plans.get(mask) or self._plan(mask)
            out._requires_grad = True
            if dtype.kind == "c":
                refuse_complex(self.name, [arrays[i] for i in plan.inputs])
            parents = tuple([args[i].node or args[i] for i in plan.inputs])
            saved, versions = plan.save(args, arrays, out, sides)
            out.node = Node(self, plan, parents, saved, versions, result)
        return out

    def _plan(self, mask: int) -> Plan:
        if mask not in self._plans:
            self._plans[mask] = Plan(self, mask)
        return self._plans[mask]

    # -- arguments

    def _bind(self, args: tuple[Any, ...], named: dict[str, Any]) -> tuple:
        """All arguments by position, with named ones and defaults filled in.

        As in PyTorch, the first argument may always be called `input`; NumPy's `axis` is `dim`.
        """
        named = renamed(named) if named else named
        if "input" in named and not args:
            args = (named.pop("input"),)
        bound = list(args)
        for i in range(len(args), self.fixed):
            name = self.parameters[i]
            if name in named:
                bound.append(named.pop(name))
            elif i in self.defaults:
                bound.append(self.defaults[i])
            else:
                raise TypeError(f"{self.name}() needs an argument {name!r}")
        if named:
            raise TypeError(f"{self.name}() does not take {sorted(named)[0]!r}; it takes "
                            f"{', '.join(self.parameters)}")
        return tuple(bound)

    def _check_operands(self, arrays: list[Any], kind: type) -> None:
        """Refuse inputs on different devices, except those without a rule (conditions, indices)."""
        if any(backend.is_array(a) and not isinstance(a, kind)
               for i, a in enumerate(arrays) if self._ruled >> i & 1):
            self._refuse_mixed_devices(arrays)

    def _check_sides(self, sides: Sequence[Any]) -> None:
        for (name, kind), array in zip(self.saves.items(), sides):
            if array is not None and array.dtype.kind not in _KINDS[kind]:
                raise DeclarationError(f"{self.name} declares {name!r} as {kind.__name__}, "
                                       f"but its forward returned {array.dtype}")

    def _refuse_mixed_devices(self, arrays: list[Any]) -> None:
        devices = sorted({backend.device_of(a) for a in arrays if backend.is_array(a)})
        raise MixedDeviceError(f"{self.name} was given arrays on {' and '.join(devices)}; "
                               f"move them to one device with .to(device)")

    def _refuse_missing_rule(self, mask: int) -> None:
        index = next(i for i in range(mask.bit_length()) if mask & ~self._ruled & 1 << i)
        name = self.parameters[min(index, len(self.parameters) - 1)]
        raise NoRuleError(f"{self.name} has no derivative rule for {name}, which requires a "
                          f"gradient; detach() it, or declare a rule")

    def __repr__(self) -> str:
        return f"<primitive {self.name}({', '.join(self.parameters)})>"
