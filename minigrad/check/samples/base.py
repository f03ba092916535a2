"""Samples: the class, the registry, and the arrays that they are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad import backend
from minigrad.core.primitive import Primitive
from minigrad.core.tensor import wrap
from minigrad.errors import ArgumentError

Generator = np.random.Generator


@dataclass
class Sample:
    """One call of a primitive.

    Attributes
    ----------
    args : all arguments by position. Float arrays whose parameter has a derivative rule
        become Tensors that require a gradient; everything else is passed as it is.
    note : what is special about it: "broadcast", "negative dim" …
    eps : step of the finite differences, where the default is unsuitable.
    """

    args: tuple
    note: str = ""
    eps: float | None = None


Source = Callable[[Generator], Iterator[Sample]]
_sources: dict[str, list[Source]] = {}
_tie_sources: dict[str, list[Source]] = {}


def samples_of(*names: str) -> Callable[[Source], Source]:
    """Register a generator of samples for the primitives with these names."""
    def register(source: Source) -> Source:
        for name in names:
            _sources.setdefault(name, []).append(source)
        return source
    return register


def registered_samples(name: str, seed: int = 0) -> list[Sample]:
    """All samples of a primitive; the same seed gives the same numbers. Empty if there are none."""
    rng = np.random.default_rng([seed, *name.encode()])
    return [sample for source in _sources.get(name, ()) for sample in source(rng)]


def ties_of(*names: str) -> Callable[[Source], Source]:
    """Register samples at a kink where the rule gives the mean of the slopes on both sides.

    Central differences measure that mean, so the convention can be checked, to first order.
    """
    def register(source: Source) -> Source:
        for name in names:
            _tie_sources.setdefault(name, []).append(source)
        return source
    return register


def registered_ties(name: str, seed: int = 0) -> list[Sample]:
    """The samples of a primitive that are for first order only."""
    rng = np.random.default_rng([seed, *name.encode()])
    return [sample for source in _tie_sources.get(name, ()) for sample in source(rng)]


def inputs_of(operation: Primitive, sample: Sample, device: str = "cpu") -> list:
    """The arguments of a sample as gradcheck takes them.

    Raises
    ------
    ArgumentError : the sample has no float array that the primitive has a rule for.
    """
    inputs: list[Any] = []
    checked = 0
    for i, value in enumerate(sample.args):
        name = operation.parameters[min(i, len(operation.parameters) - 1)]
        if isinstance(value, np.ndarray):
            differentiable = value.dtype.kind == "f" and operation.rules.get(name) is not None
            value = backend.to_device(value, device)
            if differentiable:
                value = wrap(value)
                value.requires_grad = True
                checked += 1
        inputs.append(value)
    if not checked:
        raise ArgumentError(f"a sample of {operation.name} ({sample.note or 'no note'}) has no "
                            f"float array at a parameter with a derivative rule")
    return inputs


# ---------------------------------------------------------------------- arrays for samples


def normal(rng: Generator, *shape: int) -> np.ndarray:
    """Normal numbers, float64."""
    return rng.standard_normal(shape)


def positive(rng: Generator, *shape: int) -> np.ndarray:
    """Numbers between 0.5 and 2."""
    return rng.uniform(0.5, 2.0, shape)


def nonzero(rng: Generator, *shape: int) -> np.ndarray:
    """Numbers between 0.3 and 2 in size, of either sign: away from a kink at 0."""
    return np.asarray(rng.uniform(0.3, 2.0, shape) * rng.choice([-1.0, 1.0], shape))


def distinct(rng: Generator, *shape: int) -> np.ndarray:
    """Numbers no two of which are closer than 0.05: away from the ties of max and pooling."""
    size = int(np.prod(shape))
    grid = 0.1 * (np.arange(size) - size / 2) + rng.uniform(0, 0.05, size)
    return rng.permutation(grid).reshape(shape)


def transposed(array: np.ndarray) -> np.ndarray:
    """The same values and shape, with the dimensions reversed in memory."""
    return np.asfortranarray(array)
