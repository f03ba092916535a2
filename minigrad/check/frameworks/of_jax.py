"""JAX's functions, with `custom_vjp` or `custom_jvp` or without, on plain arrays.

Only this file imports JAX, and it is imported only for a function or an argument of JAX's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from minigrad.check.plain.differentiable import Arrays, Differentiable
from minigrad.errors import ArgumentError


def of_jax(function: Any, arguments: Sequence[Any]) -> Differentiable:
    """A `Differentiable` of a function of JAX arrays.

    Parameters
    ----------
    function : `jax.custom_vjp`, `jax.custom_jvp` or any function of arrays. The forward-mode
        derivative is checked as well, unless the function has a `custom_vjp`.
    arguments : arrays, or dicts and lists of arrays; those that hold floats are checked, in
        float64, whatever `jax_enable_x64` says.
    """
    name = str(getattr(function, "__name__", type(function).__name__))
    if not hasattr(jax, "enable_x64"):
        raise ArgumentError(f"the check of {name} needs JAX 0.8 or later, which computes in "
                            f"float64 on request; this is JAX {jax.__version__}")
    paths, tree = jax.tree_util.tree_flatten_with_path(tuple(arguments))
    notes: list[str] = []
    values = [_value(leaf, jax.tree_util.keystr(path), notes) for path, leaf in paths]
    chosen = [i for i, value in enumerate(values)
              if isinstance(value, np.ndarray) and value.dtype.kind in "fc"]
    if not chosen:
        raise ArgumentError(f"the check of {name} has nothing to check: no argument holds floats")
    complexes = [values[i].dtype.kind == "c" for i in chosen]

    def call(*checked: Any) -> list[Any]:
        filled = list(values)
        for i, value in zip(chosen, checked):
            filled[i] = value
        result = function(*jax.tree_util.tree_unflatten(tree, filled))
        outputs = [leaf for leaf in jax.tree_util.tree_leaves(result)
                   if isinstance(leaf, (jax.Array, np.ndarray)) and leaf.dtype.kind in "fcV"]
        if not outputs:
            raise ArgumentError(f"the check needs a function that returns arrays of floats, but "
                                f"{name} returned {type(result).__name__}")
        return outputs

    def inputs(arrays: Arrays) -> list[Any]:
        return [jax.numpy.asarray(_from_array(array, is_complex))
                for array, is_complex in zip(arrays, complexes)]

    def forward(arrays: Arrays) -> Arrays:
        with jax.enable_x64(True):
            return [_to_array(output) for output in call(*inputs(arrays))]

    def vjp(arrays: Arrays, upstream: Arrays) -> Arrays:
        with jax.enable_x64(True):
            outputs, pull = jax.vjp(call, *inputs(arrays))
            parts = [jax.numpy.asarray(_from_array(part, output.dtype.kind == "c").conj(),
                                       output.dtype) for part, output in zip(upstream, outputs)]
            return [_to_array(gradient, conjugate=True) for gradient in pull(parts)]

    def jvp(arrays: Arrays, tangents: Arrays) -> Arrays:
        with jax.enable_x64(True):
            return [_to_array(part) for part in jax.jvp(call, inputs(arrays), inputs(tangents))[1]]

    point = [np.array(_to_array(values[i]), np.float64) for i in chosen]
    labels = [_label(paths[i][0]) for i in chosen]
    result = Differentiable(name, point, labels, forward, vjp, jvp, notes)
    try:
        jvp(point, [np.zeros(array.shape) for array in point])
    except Exception as error:      # any other error recurs when the function is checked
        if isinstance(error, TypeError) and "forward-mode" in str(error):
            result.jvp = None       # custom_vjp has no forward mode
    return result


def _value(leaf: Any, what: str, notes: list[str]) -> Any:
    """Arrays of floats as float64 or complex128 NumPy arrays; anything else unchanged."""
    if isinstance(leaf, (bool, int, str)) or not isinstance(leaf, (float, np.ndarray, jax.Array)):
        return leaf
    array = np.asarray(leaf)
    if array.dtype.kind not in "fcV":
        return leaf
    wanted = np.complex128 if array.dtype.kind == "c" else np.float64
    if array.dtype != wanted:
        notes.append(f"argument {what} was {array.dtype}; it is checked as {np.dtype(wanted)}")
    return array.astype(wanted)


def _label(path: tuple) -> str:
    """`input 0`, or `input 0['w']` within a dict."""
    first, *rest = path
    return f"input {first.idx}" + jax.tree_util.keystr(tuple(rest))


def _from_array(array: np.ndarray, is_complex: bool) -> np.ndarray:
    return np.ascontiguousarray(array).view(np.complex128)[..., 0] if is_complex else \
        np.array(array)


def _to_array(value: Any, conjugate: bool = False) -> np.ndarray:
    """Complex numbers as pairs; JAX's gradients are conjugate to ∂L/∂re + i·∂L/∂im."""
    array = np.asarray(value)
    if array.dtype.kind == "c":
        array = np.stack([array.real, -array.imag if conjugate else array.imag], axis=-1)
    return array.astype(np.float64)
