"""Tensor: an array, its gradient, and how it was made.

Its operators, and its methods that compute or convert something, are in
:mod:`minigrad.core.methods`. The operations that they call are in :mod:`minigrad.ops`, with their
derivatives.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import backend, dtypes, errors
from minigrad.core import graph, operations
from minigrad.core.methods import Methods
from minigrad.core.mode import mode
from minigrad.errors import GradientError
from minigrad.kernels.array_cache import invalidate
from minigrad.kernels.element_types import array_of
from minigrad.kernels.gradient_checks import check_gradient, name_of_hook, start_array


class Tensor(Methods["Tensor"]):
    """An n-dimensional array that records what is done with it.

    Parameters
    ----------
    data : number, nested list, array or Tensor; always copied.
    requires_grad : whether a backward pass computes the gradient with respect to this tensor.
    dtype : element type; by default that of an array, float32 for Python floats.
    device : `"cpu"` or `"cuda:N"`; by default where `data` is.

    Raises
    ------
    GradientDTypeError : `requires_grad` for a type that has no gradients (integers, bool).
    DTypeError : `data` does not hold numbers, or complex ones for a real `dtype`.
    """

    __slots__ = ("__weakref__", "_array", "_grad", "_hooks", "_requires_grad", "_version", "node")
    __array_ufunc__ = None          # until minigrad.ops sets what ndarray + Tensor calls
    __hash__ = object.__hash__      # == is elementwise; sets and dicts compare by identity

    def __init__(self, data: Any, requires_grad: bool = False, dtype: Any = None,
                 device: str | None = None) -> None:
        if isinstance(data, Tensor):
            data = data._array
        xp = backend.array_module(data)
        array = array_of(xp, data, dtype)
        self._array: Any = array if device is None else backend.to_device(array, device)
        self._grad: Tensor | None = None
        self.node: graph.Node | None = None
        self._requires_grad = False
        self._version = [0]
        self._hooks: list[Callable[..., Any]] | None = None
        self.requires_grad = requires_grad

    # -- the array

    @property
    def data(self) -> Any:
        """The array: a read-only view on NumPy, the array itself on CuPy."""
        if not isinstance(self._array, np.ndarray):
            return self._array
        view = self._array.view()
        view.flags.writeable = False
        return view

    @property
    def shape(self) -> tuple[int, ...]:
        return self._array.shape

    @property
    def dtype(self) -> np.dtype:
        return self._array.dtype

    @property
    def device(self) -> str:
        return backend.device_of(self._array)

    @property
    def ndim(self) -> int:
        return self._array.ndim

    @property
    def T(self) -> Tensor:
        """All dimensions in reverse order."""
        return self.permute(tuple(reversed(range(self.ndim))))

    # -- its gradient

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward passes have added up; None before the first.

        Raises
        ------
        DTypeError, GradientShapeError, MixedDeviceError : what is assigned is neither None nor a
            tensor of this one's type and shape, on its device.
        """
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            check_gradient(value, self, ".grad", "the tensor")
        self._grad = value

    @property
    def requires_grad(self) -> bool:
        """Whether a backward pass computes the gradient with respect to this tensor."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if self.node is not None:
            raise GradientError("requires_grad can be set on leaves only; this tensor is a result "
                                f"of {self.node.primitive.name}: use detach() for a leaf")
        if getattr(value, "ndim", 0):
            raise errors.ArgumentError(f"requires_grad is True or False, not a "
                                       f"{type(value).__name__}")
        if value and self.dtype.kind != "f":
            raise errors.GradientDTypeError(
                f"only floating-point tensors can require gradients; this one is "
                f"{self.dtype}; convert it with .float()")
        self._requires_grad = bool(value)

    def requires_grad_(self, value: bool = True) -> Tensor:
        """Set `requires_grad` and return this tensor."""
        self.requires_grad = value
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user, not by a recorded operation."""
        return self.node is None

    def backward(self, gradient: Any = None, retain_graph: bool | None = None,
                 create_graph: bool = False) -> None:
        """Add ∂(this)/∂leaf to `.grad` of every leaf that requires a gradient.

        Parameters
        ----------
        gradient : Tensor or array, ∂L/∂(this), of this tensor's shape; optional for a single
            element.
        retain_graph : keep the graph for another backward pass; by default as `create_graph`.
        create_graph : record the pass itself, for derivatives of higher order.

        Raises
        ------
        GradientError : this tensor does not depend on any leaf that requires a gradient.
        NonScalarError, GradientShapeError, MixedDeviceError : `gradient` is missing or unsuitable.
        ReleasedGraphError : the graph was released by an earlier pass.
        ModifiedError : an array that a rule needs was changed in place.
        """
        start = self.start_gradient(gradient, create_graph)
        retain = create_graph if retain_graph is None else retain_graph
        _accumulate(self, start, retain, create_graph)

    def start_gradient(self, gradient: Any, recorded: bool) -> Any:
        """The gradient that a backward pass starts from: `gradient`, checked, or a default of 1."""
        if not self._requires_grad:
            raise GradientError("backward() was called on a tensor that does not depend on any "
                                "leaf with requires_grad=True")
        backend.use_device_of(self._array)          # the pass works there
        if gradient is None:
            if self._array.size != 1:
                raise errors.NonScalarError(
                    f"backward() of {self._origin()} with shape {self.shape} needs a gradient of "
                    f"that shape; only a single number has a default: use the sum or mean, or pass "
                    f"gradient=…")
            array = backend.array_module(self._array).ones_like(self._array)
            return wrap(array) if recorded else array
        array = start_array(gradient, self._array, self._origin())
        if recorded and isinstance(gradient, Tensor):
            return gradient if array.dtype == self.dtype \
                else operations.cast(gradient, self.dtype)      # recorded, so it keeps its history
        array = array.astype(self.dtype, copy=False)
        return wrap(array) if recorded else array

    def _origin(self) -> str:
        return f"the result of {self.node.primitive.name}" if self.node else "the leaf"

    def detach(self) -> Tensor:
        """The same array as a constant: shares memory and version, not the graph."""
        out = wrap(self._array)
        out._version = self._version
        return out

    def retain_grad(self) -> None:
        """Store `.grad` in a backward pass although this tensor is not a leaf.

        It is the gradient after all hooks; a second call changes nothing.
        """
        if self.node is not None:
            hooks = self.node.hooks = self.node.hooks or []
            if not any(isinstance(hook, _Retain) and hook.target() is self for hook in hooks):
                hooks.append(_Retain(self))

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Callable[[], None]:
        """Call `hook(gradient)` in a backward pass, once this tensor's gradient is complete.

        Parameters
        ----------
        hook : returns None, or the gradient to use instead, of the same shape.

        Returns
        -------
        Callable : call it to remove the hook; a second time it does nothing.
        """
        name = name_of_hook(hook)

        def on_gradient(g: Any) -> Any:
            tensor = g if isinstance(g, Tensor) else wrap(g)
            replaced = hook(tensor)
            if replaced is None:
                return g
            check_gradient(replaced, tensor, f"what the hook {name} returned", "its gradient")
            return replaced if isinstance(g, Tensor) else replaced._array

        owner = self.node
        hooks = (self._hooks if owner is None else owner.hooks) or []
        hooks.insert(sum(type(other) is not _Retain for other in hooks), on_gradient)
        if owner is None:
            self._hooks = hooks
        else:
            owner.hooks = hooks
        return lambda: hooks.remove(on_gradient) if on_gradient in hooks else None

    # -- changes in place: each increments the version that saved arrays are checked against

    def array_for_writing(self) -> Any:
        """The array itself, for a change in place; increments the version.

        Raises
        ------
        GradientError : recording is on and this tensor requires a gradient.
        """
        if self._requires_grad and mode.recording:
            raise GradientError("a tensor that requires a gradient can be changed in place only "
                                "under no_grad(), because the graph does not record changes")
        self._version[0] += 1
        invalidate(self._array)
        return self._array

    def copy_(self, source: Any) -> Tensor:
        """Overwrite with `source` (broadcast to this shape)."""
        return operations.copy_(self, source)

    def add_(self, other: Any, alpha: float = 1) -> Tensor:
        return operations.add_(self, other, alpha)

    def mul_(self, other: Any) -> Tensor:
        return operations.mul_(self, other)

    def zero_(self) -> Tensor:
        return operations.copy_(self, 0)

    def __setitem__(self, index: Any, value: Any) -> None:
        operations.assign(self, index, value)

    # -- copies and conversions

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if self.node is not None:
            raise GradientError("only leaves can be deep-copied; detach() this tensor first")
        copy = type(self).__new__(type(self))
        memo[id(self)] = copy
        Tensor.__init__(copy, self._array, self._requires_grad)
        copy.grad = self.grad.detach().clone() if self.grad is not None else None
        return copy

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.numpy(), self._requires_grad)

    def __repr__(self) -> str:
        text = np.array2string(self.numpy(), separator=", ", prefix="tensor(")
        notes = ["" if self.dtype in (dtypes.DEFAULT_FLOAT, np.int64, np.bool_)
                 else f"dtype={self.dtype}",
                 "" if self.device == "cpu" else f"device={self.device!r}",
                 f"made by {self.node.primitive.name}" if self.node is not None
                 else "requires_grad=True" if self._requires_grad else ""]
        return "tensor(" + ", ".join([text, *filter(None, notes)]) + ")"

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else repr(self)


class _Retain:
    """The hook of `retain_grad`: adds the gradient to `.grad` of a tensor, if that still exists."""

    def __init__(self, tensor: Tensor) -> None:
        self.target = weakref.ref(tensor)

    def __call__(self, g: Any) -> Any:
        target = self.target()
        if target is not None:
            gradient = g if isinstance(g, Tensor) else wrap(g)
            target._grad = gradient.clone() if target._grad is None else target._grad + gradient
        return g


def _accumulate(root: Tensor, gradient: Any, retain_graph: bool, create_graph: bool) -> None:
    """Add the gradient of `root` to `.grad` of every leaf that it depends on."""
    for leaf, g in graph.backward([root], [gradient], retain_graph=retain_graph,
                                  create_graph=create_graph):
        if type(leaf) is graph.Node:
            continue
        known = leaf._grad
        if create_graph:
            leaf._grad = g.clone() if known is None else known + g
        elif known is None:
            # A copy, as above: x + y sends one array to both, and that of a sum is read-only.
            leaf._grad = wrap(g.copy())
        else:
            total = known._array.copy()
            total += g
            leaf._grad = wrap(total)


def wrap(array: Any, node: graph.Node | None = None) -> Tensor:
    """A Tensor around `array` without a copy: a constant, or the result of `node`."""
    tensor = Tensor.__new__(Tensor)
    tensor._array = array
    tensor._grad = None
    tensor.node = node
    tensor._requires_grad = node is not None
    tensor._version = [0]
    tensor._hooks = None
    return tensor


def share_version(view: Tensor, source: Any) -> None:
    """Let `view` share the version of `source` if it is that tensor's memory or a view of it."""
    if isinstance(source, Tensor):
        base = view._array.base
        if view._array is source._array or (
                base is not None and (base is source._array or base is source._array.base)):
            view._version = source._version


def _rebuild(kind: type[Tensor], array: np.ndarray, requires_grad: bool) -> Tensor:
    tensor = kind.__new__(kind)
    Tensor.__init__(tensor, array, requires_grad)
    return tensor
