"""minigrad's own operations at the samples at which `python -m minigrad.check` checks them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.check.samples import inputs_of, registered_samples
from minigrad.core.primitive import registered_primitives
from tools.museum.right.function import RightFunction

MAX_ELEMENTS = 400


def functions() -> Iterator[RightFunction]:
    for name, operation in sorted(registered_primitives().items()):
        if not any(rule is not None for rule in operation.rules.values()):
            continue
        for i, sample in enumerate(registered_samples(name)):
            inputs = inputs_of(operation, sample)
            checked = [k for k, value in enumerate(inputs) if _requires_gradient(value)]
            arrays = tuple(inputs[k].numpy() for k in checked)
            if checked and 0 < sum(a.size for a in arrays) <= MAX_ELEMENTS:
                yield RightFunction(f"{name}, {sample.note or f'sample {i}'}", "minigrad",
                                    *_pair(operation, inputs, checked), arrays)


def _requires_gradient(value: Any) -> bool:
    return isinstance(value, mg.Tensor) and value.requires_grad


def _pair(operation: Any, inputs: Sequence[Any], checked: list[int]
          ) -> tuple[Callable[..., Any], Callable[..., tuple]]:
    def filled(arrays: tuple, requires_grad: bool) -> list[Any]:
        result = list(inputs)
        for k, array in zip(checked, arrays):
            result[k] = mg.tensor(array, requires_grad=requires_grad)
        return result

    def forward(*arrays: np.ndarray) -> np.ndarray:
        return operation(*filled(arrays, False)).numpy()

    def vjp(g: np.ndarray, *arrays: np.ndarray) -> tuple:
        tensors = filled(arrays, True)
        leaves = [tensors[k] for k in checked]
        found = mg.grad(operation(*tensors), leaves, mg.tensor(np.array(g)), allow_unused=True)
        return tuple(np.zeros_like(array) if gradient is None else gradient.numpy()
                     for array, gradient in zip(arrays, found))
    return forward, vjp
