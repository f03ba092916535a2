"""The protocol: what the checker needs to know about a function, on plain arrays only.

An adapter turns a function of some framework into a `Differentiable`. Everything else in this
package sees NumPy arrays only and serves every framework.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Arrays = list[np.ndarray]


@dataclass
class Differentiable:
    """A function with its vector-Jacobian product.

    Attributes
    ----------
    name : of the function, in reports.
    point : float64 arrays, the inputs at which it is checked.
    labels : names of the inputs, in reports.
    forward : from arrays like `point` to a list of arrays.
    vjp : from arrays like `point` and upstream gradients, one for each output, to the gradients,
        one for each input: what the rule claims.
    jvp : from arrays and tangents to the tangents of the outputs, or None.
    notes : what the adapter changed, such as element types.
    where : lines that say where the rule is written.
    parameters : number of leading inputs that are parameters of a module. They are always stored
        row by row, so other memory layouts are not tried.
    """

    name: str
    point: Arrays
    labels: list[str]
    forward: Callable[[Arrays], Arrays]
    vjp: Callable[[Arrays, Arrays], Arrays]
    jvp: Callable[[Arrays, Arrays], Arrays] | None = None
    notes: Sequence[str] = ()
    where: Sequence[str] = ()
    parameters: int = 0

    def values(self, arrays: Arrays) -> np.ndarray:
        """All outputs at `arrays` in one float64 vector of length m."""
        return flat(self.forward(arrays))


def flat(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Join arrays into one float64 vector, copied."""
    parts = [np.asarray(array, np.float64).ravel() for array in arrays]
    return np.concatenate(parts) if parts else np.zeros(0)


def split(vector: np.ndarray, like: Sequence[np.ndarray]) -> Arrays:
    """The inverse of `flat`: arrays of the shapes and element types of `like`."""
    parts, start = [], 0
    for array in like:
        part = vector[start:start + array.size].reshape(array.shape)
        parts.append(np.array(part, dtype=array.dtype))
        start += array.size
    return parts


def random_signed(rng: np.random.Generator, n: int) -> np.ndarray:
    """n numbers of random sign and absolute value 0.5 to 1.5, so that none is near zero."""
    return rng.uniform(0.5, 1.5, n) * rng.choice([-1.0, 1.0], n)
