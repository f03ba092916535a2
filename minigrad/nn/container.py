"""Sequences of layers, and the layer between convolutions and linear layers."""

from __future__ import annotations

from collections.abc import Iterator

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


class Flatten(Module):
    """Join dimensions `start_dim` … `end_dim` into one; N×C×H×W becomes N×(C·H·W)."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Tensor) -> Tensor:
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
