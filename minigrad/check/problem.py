"""The function under test as a map F: Rⁿ → Rᵐ that can be evaluated near one point.

The n numbers are the elements of all inputs that require a gradient, the m numbers those of all
floating-point outputs. Everything here is on the host and in float64, whatever device the function
uses; `Problem` copies values there and back.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from minigrad import backend, dtypes
from minigrad.core.mode import enable_grad
from minigrad.core.primitive import Primitive
from minigrad.core.tensor import Tensor, wrap
from minigrad.creation import zeros_like
from minigrad.derivatives import grad
from minigrad.errors import ArgumentError, DTypeError
from minigrad.printable import shown

Arrays = list[np.ndarray]
Layout = Callable[[np.ndarray], np.ndarray]


def as_it_is(array: np.ndarray) -> np.ndarray:
    """A copy with the same memory layout."""
    return np.array(array)


class Problem:
    """A function of Tensors and the point at which its gradient is checked.

    Parameters
    ----------
    function : takes `inputs` as positional arguments, returns a Tensor or a tuple of Tensors.
    inputs : Tensors and anything else; Tensors that require a gradient are checked.
    labels : names of the inputs in reports; by default from the function's signature.
    output_labels : the same for the outputs.

    Attributes
    ----------
    checked : positions of the inputs that require a gradient.
    point : their values, float64 arrays on the host.
    name : the function's name in reports.
    evaluate : gives the same values as the function, and may record less.
    everywhere : the function is a primitive, or its gradient. Its rules have to be right wherever
        it can be computed, not only at the point.

    Raises
    ------
    ArgumentError : no input requires a gradient.
    DTypeError : an input that requires a gradient is not float64.
    """

    def __init__(self, function: Callable, inputs: Any, labels: Sequence[str] | None = None,
                 output_labels: Sequence[str] | None = None) -> None:
        self.function = self.evaluate = function
        self.everywhere = isinstance(function, Primitive)
        self.name: str = str(getattr(function, "name", None)
                             or getattr(function, "__name__", type(function).__name__))
        if not isinstance(inputs, (Tensor, Iterable)):
            raise ArgumentError(f"gradcheck of {self.name} takes a tensor or a tuple of arguments, "
                                f"not {shown(inputs)}")
        self.inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
        self.checked = [i for i, value in enumerate(self.inputs)
                        if isinstance(value, Tensor) and value.requires_grad]
        if not self.checked:
            raise ArgumentError(f"gradcheck of {self.name} has nothing to check: no input is a "
                                f"Tensor with requires_grad=True")
        for i in self.checked:
            if self.inputs[i].dtype != np.float64:
                raise DTypeError(
                    f"gradcheck of {self.name} needs float64, because finite differences of other "
                    f"types are too coarse to judge a gradient, but input {i} is "
                    f"{self.inputs[i].dtype}; make it with dtype='float64'")
        self.point: Arrays = [_host(self.inputs[i]._array) for i in self.checked]
        self.labels = list(labels) if labels is not None else self._labels_from_signature()
        self._output_labels = output_labels

    def _labels_from_signature(self) -> list[str]:
        try:
            names = list(inspect.signature(self.function).parameters.values())
        except (TypeError, ValueError):
            names = []
        plain = [p.name for p in names if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        return [f"input {i} ({plain[i]})" if i < len(plain) else f"input {i}"
                for i in self.checked]

    # -- evaluating

    def call(self, arrays: Arrays, only: int | None = None, layout: Layout = as_it_is
             ) -> tuple[list[Tensor], list[Tensor]]:
        """Apply the function to new leaves with the values `arrays`.

        Parameters
        ----------
        arrays : one for each checked input.
        only : let only this one (an index into `checked`) require a gradient.
        layout : arranges the elements of each array in memory.

        Returns
        -------
        leaves : the Tensors that were passed.
        outputs : the floating-point Tensors that were returned.
        """
        leaves, args = self._arguments(arrays, only, layout)
        with enable_grad():
            return leaves, float_outputs(self.function(*args), self.name)

    def outputs(self, arrays: Arrays) -> list[Tensor]:
        """The floating-point Tensors that the function returns; their graph is not used."""
        _, args = self._arguments(arrays, None, as_it_is)
        with enable_grad():
            return float_outputs(self.evaluate(*args), self.name)

    def _arguments(self, arrays: Arrays, only: int | None, layout: Layout
                   ) -> tuple[list[Tensor], list[Any]]:
        args = list(self.inputs)
        leaves = []
        for place, (i, array) in enumerate(zip(self.checked, arrays)):
            leaf = self._leaf(array, self.inputs[i].device, layout)
            leaf.requires_grad = only is None or only == place
            leaves.append(leaf)
            args[i] = leaf
        return leaves, args

    @staticmethod
    def _leaf(array: np.ndarray, device: str, layout: Layout) -> Tensor:
        return wrap(backend.to_device(layout(array), device))

    def values(self, arrays: Arrays) -> np.ndarray:
        """F at `arrays`: all outputs in one vector of length m."""
        return flat([output._array for output in self.outputs(arrays)])

    def complex_values(self, arrays: Arrays) -> np.ndarray:
        """F at complex `arrays`, in one complex vector; raises if F does not support them."""
        args = list(self.inputs)
        for i, array in zip(self.checked, arrays):
            args[i] = leaf = wrap(backend.to_device(array.copy(), self.inputs[i].device))
            leaf._requires_grad = True      # users' complex tensors cannot
        with enable_grad():
            outputs = float_outputs(self.function(*args), self.name)
        return np.concatenate([np.asarray(backend.to_device(o._array, "cpu"), np.complex128).ravel()
                               for o in outputs])

    def gradients(self, leaves: list[Tensor], outputs: list[Tensor], upstream: np.ndarray
                  ) -> Arrays:
        """Jᵀ·upstream by the rules: one array per leaf, zeros where there is no path.

        Parameters
        ----------
        upstream : array of m numbers, split over the outputs.
        """
        return self.gradients_of_parts(leaves, outputs, self.split(upstream, outputs))

    @staticmethod
    def gradients_of_parts(leaves: list[Tensor], outputs: list[Tensor], parts: list) -> Arrays:
        """Like `gradients`, for an upstream gradient given as one array per output."""
        flowing = [(output, wrap(part)) for output, part in zip(outputs, parts)
                   if output.requires_grad]
        targets = [leaf for leaf in leaves if leaf.requires_grad]
        results: list[Tensor | None] = [None] * len(targets)
        if flowing:
            results = list(grad([output for output, _ in flowing], targets,
                                [part for _, part in flowing], retain_graph=True,
                                allow_unused=True))
        return [np.zeros(leaf.shape) if result is None else backend.to_device(result._array, "cpu")
                for leaf, result in zip(targets, results)]

    @staticmethod
    def split(vector: np.ndarray, outputs: list[Tensor]) -> list:
        """Split a vector of length m into one array per output, of its shape and on its device."""
        parts, start = [], 0
        for output in outputs:
            part = vector[start:start + output.numel()].reshape(output.shape).astype(output.dtype)
            parts.append(backend.to_device(part, output.device))
            start += output.numel()
        return parts

    # -- naming elements

    def input_element(self, place: int, index: int) -> str:
        """Name of an input element, such as `input 1 (y)[0, 2]`."""
        return self.labels[place] + _subscript(index, self.point[place].shape)

    def output_element(self, index: int, outputs: list[Tensor]) -> str:
        """Name of an output element: `output[3]`, or `output 1[3]` if there are several outputs."""
        for number, output in enumerate(outputs):
            if index < output.numel():
                name = f"output {number}" if len(outputs) > 1 else "output"
                if self._output_labels is not None:
                    name = self._output_labels[number]
                return name + _subscript(index, output.shape)
            index -= output.numel()
        raise IndexError(index)


def gradient_problem(problem: Problem, upstream: list[Tensor]) -> Problem:
    """The gradient of a problem's function, as a function of its inputs and upstream gradients.

    Its Jacobian holds the second derivatives that gradgradcheck checks.
    """
    count = len(problem.inputs)

    def gradient(*args: Any, create_graph: bool = True) -> tuple[Tensor, ...]:
        outputs = float_outputs(problem.function(*args[:count]), problem.name)
        targets = [args[i] for i in problem.checked]
        flowing = [(output, g) for output, g in zip(outputs, args[count:]) if output.requires_grad]
        if not flowing:
            return tuple(zeros_like(leaf) for leaf in targets)
        results = grad([output for output, _ in flowing], targets, [g for _, g in flowing],
                       create_graph=create_graph, allow_unused=True)
        return tuple(zeros_like(leaf) if result is None else result
                     for leaf, result in zip(targets, results))

    labels = problem.labels + [f"upstream gradient {i}" for i in range(len(upstream))]
    second = Problem(gradient, problem.inputs + tuple(upstream), labels,
                     [f"gradient with respect to {label}" for label in problem.labels])
    second.name = problem.name
    second.everywhere = problem.everywhere
    second.evaluate = partial(gradient, create_graph=False)
    return second


def float_outputs(result: Any, name: str) -> list[Tensor]:
    """The Tensors of a result that can have a gradient (not indices or masks).

    Raises
    ------
    ArgumentError : the result is not a Tensor or a tuple of Tensors, or none is floating-point.
    """
    outputs = list(result) if isinstance(result, (tuple, list)) else [result]
    for output in outputs:
        if not isinstance(output, Tensor):
            raise ArgumentError(f"gradcheck needs a function that returns Tensors, but {name} "
                                f"returned {type(output).__name__}")
    floating = [output for output in outputs if dtypes.is_floating(output.dtype)]
    if not floating:
        raise ArgumentError(f"gradcheck of {name} has nothing to check: it returned no "
                            f"floating-point Tensor")
    return floating


def flat(arrays: Sequence[Any]) -> np.ndarray:
    """Join arrays of any device into one float64 vector on the host."""
    return np.concatenate([np.asarray(backend.to_device(a, "cpu"), np.float64).ravel()
                           for a in arrays])


def _host(array: Any) -> np.ndarray:
    return np.array(backend.to_device(array, "cpu"))


def _subscript(index: int, shape: tuple[int, ...]) -> str:
    if not shape:
        return ""
    return "[" + ", ".join(str(int(i)) for i in np.unravel_index(index, shape)) + "]"
