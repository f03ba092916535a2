"""Module: a part of a network, with parameters and submodules."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Self

import numpy as np

from minigrad import backend, dtypes
from minigrad.core.mode import no_grad
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, DTypeError
from minigrad.kernels.boundary import FOREIGN, is_foreign, translated
from minigrad.kernels.element_types import number_type
from minigrad.kernels.gradient_checks import name_of_hook
from minigrad.nn.parameter import Parameter
from minigrad.nn.state import fitting_array, some
from minigrad.printable import printable, shown


class KeyDifferences(NamedTuple):
    """Names missing from a state dict, and names in it that are unknown to the module."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class HookHandle:
    """A handle to a registered hook: `remove()`, or calling it, removes the hook."""

    def __init__(self, hooks: dict[int, Any], hook: Callable[..., Any]) -> None:
        self._hooks, self._key = hooks, max(hooks, default=-1) + 1
        hooks[self._key] = hook

    def remove(self) -> None:
        """Remove the hook; a second time does nothing."""
        self._hooks.pop(self._key, None)

    __call__ = remove


class Module:
    """Base class of layers and networks. Subclasses write `__init__` and `forward`.

        class Net(nn.Module):
            def __init__(self):
                self.hidden = nn.Linear(2, 16)
                self.out = nn.Linear(16, 1)

            def forward(self, x):
                return self.out(F.tanh(self.hidden(x)))

    There is no bookkeeping: the parameters, buffers and children of a module are simply its
    attributes of these types, in the order in which they were set. A list of modules
    does not count; use `minigrad.nn.Sequential` or `ModuleList`.

    Attributes
    ----------
    training : bool
        Whether layers that behave differently in training do so; see `train`.
    """

    training = True
    _buffer_names: tuple[str, ...] = ()
    _hooks: Mapping[int, Callable[..., Any]] = {}
    _pre_hooks: Mapping[int, Callable[..., Any]] = {}

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the result; subclasses override this."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward()")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._pre_hooks or self._hooks:
            return self._call_with_hooks(args, kwargs)
        try:
            return self.forward(*args, **kwargs)
        except FOREIGN as error:
            if "_own_sentences" not in vars(type(self)) or not is_foreign(error):
                raise
            raise translated(type(self).__name__, [*args, *kwargs.values()], error) from error

    def _call_with_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for before in tuple(self._pre_hooks.values()):
            changed = before(self, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        result = self.forward(*args, **kwargs)
        for after in tuple(self._hooks.values()):
            changed = after(self, args, result)
            result = result if changed is None else changed
        return result

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """Call `hook(module, args)` before every `forward`.

        Parameters
        ----------
        hook : returns None, or the arguments to use instead: one value, or a tuple of them.
        """
        name_of_hook(hook)          # raises if it is no function
        hooks = dict(self._pre_hooks)
        self._pre_hooks = hooks
        return HookHandle(hooks, hook)

    def register_forward_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """Call `hook(module, args, result)` after every `forward`.

        Parameters
        ----------
        hook : returns None, or the result to use instead.
        """
        name_of_hook(hook)          # raises if it is no function
        hooks = dict(self._hooks)
        self._hooks = hooks
        return HookHandle(hooks, hook)

    def __setattr__(self, name: str, value: Any) -> None:
        before = vars(self).get(name)
        if isinstance(before, Parameter) and not isinstance(value, Parameter) \
                and value is not None:
            raise ArgumentError(f"{name} of {type(self).__name__} is a Parameter, and what is none "
                                f"would not be learned in its place; assign a Parameter, or change "
                                f"the values with copy_() under no_grad()")
        if value is not None and not isinstance(value, Tensor) and name in self._buffer_names:
            raise ArgumentError(f"{name} of {type(self).__name__} is a buffer, which is a tensor "
                                f"or None, not {shown(value)}")
        super().__setattr__(name, value)

    def register_buffer(self, name: str, tensor: Tensor | None) -> None:
        """Add a tensor that is saved and moved with the module but not learned.

        None says that there is no such tensor; nothing is saved then.
        """
        if not isinstance(name, str) or not name or "." in name:
            raise ArgumentError(f"the name of a buffer is a text without a dot, not {shown(name)}")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise ArgumentError(f"the buffer {printable(name)} is a tensor or None, not "
                                f"{shown(tensor)}; wrap it in minigrad.tensor()")
        setattr(self, name, tensor)
        if name not in self._buffer_names:
            self._buffer_names = (*self._buffer_names, name)

    # -- parts

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules that are attributes of this one."""
        return ((name, value) for name, value in vars(self).items() if isinstance(value, Module))

    def children(self) -> Iterator[Module]:
        return (child for _, child in self.named_children())

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all its submodules, each once, with dotted names; its own is `prefix`."""
        seen: set[int] = set()
        for name, module in self._walk(prefix):
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def modules(self) -> Iterator[Module]:
        return (module for _, module in self.named_modules())

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """All parameters with dotted names; shared parameters occur once."""
        seen: set[int] = set()
        for name, tensor in self._tensors(prefix):
            if isinstance(tensor, Parameter) and id(tensor) not in seen:
                seen.add(id(tensor))
                yield name, tensor

    def parameters(self) -> Iterator[Parameter]:
        """All parameters, for an optimizer."""
        return (parameter for _, parameter in self.named_parameters())

    def named_buffers(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """All buffers with dotted names; shared ones occur once."""
        seen: set[int] = set()
        for name, tensor in self._tensors(prefix):
            if not isinstance(tensor, Parameter) and id(tensor) not in seen:
                seen.add(id(tensor))
                yield name, tensor

    def buffers(self) -> Iterator[Tensor]:
        """All tensors that are saved and moved with the module but not learned."""
        return (buffer for _, buffer in self.named_buffers())

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Call `function` with each submodule, parts first, and with this module last."""
        for child in list(self._parts_first()):
            function(child)
        return self

    # A module may contain itself: these two end where a path leads back to a module above.

    def _parts_first(self, above: tuple[Module, ...] = ()) -> Iterator[Module]:
        for child in self.children():
            if not _among(child, (*above, self)):
                yield from child._parts_first((*above, self))
        yield self

    def _walk(self, prefix: str, above: tuple[Module, ...] = ()) -> Iterator[tuple[str, Module]]:
        yield prefix, self
        for name, child in self.named_children():
            if not _among(child, (*above, self)):
                yield from child._walk(f"{prefix}.{name}" if prefix else name, (*above, self))

    def _tensors(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """Parameters and buffers under all of their names."""
        for path, module in self._walk(prefix):
            for name, value in vars(module).items():
                if isinstance(value, Parameter) or (
                        name in module._buffer_names and value is not None):
                    yield (f"{path}.{name}" if path else name), value

    # -- changes of all parts

    def train(self, mode: bool = True) -> Self:
        """Switch this module and its submodules to training, or with False to evaluation."""
        for module in self.modules():
            module.training = bool(mode)
        return self

    def eval(self) -> Self:
        """Switch to evaluation."""
        return self.train(False)

    def requires_grad_(self, value: bool = True) -> Self:
        """Make all parameters require gradients, or with False freeze them."""
        for parameter in self.parameters():
            parameter.requires_grad = value
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients; with `set_to_none=False` they become zeros."""
        for parameter in self.parameters():
            if set_to_none or parameter.grad is None:
                parameter.grad = None
            else:
                with no_grad():
                    parameter.grad.zero_()

    def to(self, target: Any) -> Self:
        """Move to a device (`"cuda"`), or convert floats to another type (`np.float64`).

        None changes nothing. The parameters stay the same objects, so optimizers that hold them
        keep working.
        """
        if target is None:
            return self
        if backend.names_device(target):
            device = backend.canonical_device(target)
            for _, tensor in self._tensors():
                _replace(tensor, backend.to_device(tensor._array, device))
            return self
        dtype = number_type(target)
        if dtype.kind != "f":
            raise DTypeError(f"a module can be converted to a float type, not to {dtype}")
        for _, tensor in self._tensors():
            if dtypes.is_floating(tensor.dtype):
                _replace(tensor, tensor._array.astype(dtype, copy=False))
        return self

    def float(self) -> Self:
        """Convert parameters and buffers of floats to float32."""
        return self.to(np.float32)

    def double(self) -> Self:
        """Convert parameters and buffers of floats to float64."""
        return self.to(np.float64)

    def cpu(self) -> Self:
        """Move to the host."""
        return self.to("cpu")

    def cuda(self) -> Self:
        """Move to the first GPU."""
        return self.to("cuda")

    # -- saving

    def state_dict(self) -> dict[str, Tensor]:
        """All parameters and buffers by dotted name, as copies.

        Write it to a file with `minigrad.io.save_state`.
        """
        return {name: tensor.detach().clone() for name, tensor in self._tensors()}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> KeyDifferences:
        """Load values by name; they are cast to the parameters' types and moved to their devices.

        Parameters
        ----------
        state_dict : tensors or arrays by dotted name.
        strict : whether the names must match exactly.

        Raises
        ------
        ArgumentError : names differ (if `strict`), or it is no dict. Nothing is changed then.
        ShapeError : a value does not have its parameter's shape. Nothing is changed then.
        DTypeError : a value holds no numbers, or complex ones for a real parameter. Nothing is
            changed then.
        """
        if not isinstance(state_dict, Mapping):
            raise ArgumentError(f"{type(self).__name__} loads a dict of tensors by name, as "
                                f"state_dict() returns it, not {shown(state_dict)}")
        own = dict(self._tensors())
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        if strict and (missing or unexpected):
            parts = [f"lacks {some(missing)}"] * bool(missing) + \
                    [f"has {some(unexpected)} that the module does not have"] * bool(unexpected)
            raise ArgumentError(f"the state dict for {type(self).__name__} {' and '.join(parts)}")
        values = {}
        for name in own:        # in order: of two values for a shared one, the last counts
            if name not in state_dict:
                continue
            values[name] = fitting_array(type(self).__name__, name, state_dict[name], own[name])
        with no_grad():
            for name, array in values.items():
                own[name].copy_(backend.to_device(array, own[name].device))
        return KeyDifferences(missing, unexpected)

    # -- text

    def extra_repr(self) -> str:
        """Text between the parentheses; subclasses return their sizes."""
        return ""

    @reprlib.recursive_repr()
    def __repr__(self) -> str:
        lines = [f"  ({name}): " + repr(child).replace("\n", "\n  ")
                 for name, child in self.named_children()]
        inside = self.extra_repr() if not lines else "\n" + "\n".join(lines) + "\n"
        return f"{type(self).__name__}({inside})"


def _among(module: Module, others: tuple[Module, ...]) -> bool:
    return any(module is other for other in others)


def _replace(tensor: Tensor, array: Any) -> None:
    """Replace the array of a leaf; its gradient is converted too."""
    if array is tensor._array:
        return
    tensor._array = array
    tensor._version = [0]       # graphs that saved the old array still have it, unchanged
    if tensor.grad is not None:
        gradient = backend.to_device(tensor.grad._array, backend.device_of(array))
        tensor.grad = Tensor(gradient, dtype=array.dtype)
