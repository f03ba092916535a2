"""Sequences of layers, and the layer between convolutions and linear layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError
from minigrad.nn.module import Module


class Sequential(Module):
    """Apply modules one after the other; their names are `"0"`, `"1"`, …

    Raises
    ------
    ArgumentError : an argument is not a module.
    """

    def __init__(self, *layers: Module) -> None:
        for layer in layers:
            self.append(layer)

    def append(self, layer: Module) -> Sequential:
        """Add a module at the end."""
        if not isinstance(layer, Module):
            raise ArgumentError(f"Sequential takes modules, not {type(layer).__name__}; wrap a "
                                f"function in a Module")
        setattr(self, str(len(self)), layer)
        return self

    def forward(self, input: Tensor) -> Tensor:
        for layer in self:
            input = layer(input)
        return input

    def __len__(self) -> int:
        return sum(1 for _ in self.children())

    def __iter__(self) -> Iterator[Module]:
        return self.children()

    def __getitem__(self, index: int | slice) -> Module:
        """One layer, or for a slice a Sequential with the same layers."""
        layers = list(self)
        return Sequential(*layers[index]) if isinstance(index, slice) else layers[index]


class ModuleList(Module):
    """A list of modules that counts as a part of the network; its `forward` is the network's.

    Raises
    ------
    ArgumentError : an element is not a module.
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self.extend(modules)

    def append(self, module: Module) -> ModuleList:
        """Add a module at the end."""
        if not isinstance(module, Module):
            raise ArgumentError(f"ModuleList takes modules, not {type(module).__name__}")
        setattr(self, str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> ModuleList:
        """Add several modules at the end."""
        for module in modules:
            self.append(module)
        return self

    def __len__(self) -> int:
        return sum(1 for _ in self.children())

    def __iter__(self) -> Iterator[Module]:
        return self.children()

    def __getitem__(self, index: int | slice) -> Module:
        """One module, or for a slice a list of the same modules."""
        modules = list(self)
        return ModuleList(modules[index]) if isinstance(index, slice) else modules[index]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, str(range(len(self))[index]), module)


class ModuleDict(Module):
    """Modules by name that count as parts of the network.

    Raises
    ------
    ArgumentError : a value is not a module, or a name is that of a method.
    """

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        for name, module in (modules or {}).items():
            self[name] = module

    def __setitem__(self, name: str, module: Module) -> None:
        if not isinstance(module, Module) or hasattr(type(self), name):
            raise ArgumentError(f"ModuleDict takes modules under names that are not methods, not "
                                f"{type(module).__name__} under {name!r}")
        setattr(self, name, module)

    def __getitem__(self, name: str) -> Module:
        found = dict(self.named_children()).get(name)
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        return any(name == other for other, _ in self.named_children())

    def __len__(self) -> int:
        return sum(1 for _ in self.children())

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.named_children())

    def keys(self) -> Iterator[str]:
        """The names."""
        return iter(self)

    def values(self) -> Iterator[Module]:
        """The modules."""
        return self.children()

    def items(self) -> Iterator[tuple[str, Module]]:
        """Names and modules."""
        return self.named_children()


class Identity(Module):
    """The input as it is; arguments are accepted and have no effect."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Unflatten(Module):
    """Split a dimension into several of these lengths."""

    def __init__(self, dim: int, unflattened_size: tuple[int, ...]) -> None:
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class Flatten(Module):
    """Join dimensions `start_dim` … `end_dim` into one; N×C×H×W becomes N×(C·H·W)."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Tensor) -> Tensor:
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
