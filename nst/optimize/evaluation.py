"""One pass through the network and back: loss and gradient of a picture, and their numbers.

On a GPU the pass is recorded as a CUDA graph after it has run twice, and replayed from then on;
and the host waits for the device once per pass, for all numbers together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import Tensor, cuda
from minigrad.backend import array_module, is_cuda
from minigrad.errors import MinigradError
from nst.loss.objective import Losses

TERMS = ("content", "style", "tv", "total")
BY_LAYER = ("content_layers", "style_layers")


class NonFiniteError(MinigradError):
    """The loss or its gradient is no longer a finite number."""


class LossAndGradient:
    """Evaluates an objective at a picture that changes, but stays where it is in memory.

    Parameters
    ----------
    objective : callable
        From a picture 1×3×H×W to its `Losses`.
    picture : Tensor, 1×3×H×W
        A leaf that requires a gradient; each call sets its ``.grad``.

    Attributes
    ----------
    recording : minigrad.cuda.Recording or None
        On a GPU: whether the pass is replayed, and if not, why.
    """

    def __init__(self, objective: Callable[[Tensor], Losses], picture: Tensor) -> None:
        self.objective = objective
        self.picture = picture
        self.names: list[tuple] = []
        on_gpu = is_cuda(picture.data)
        self.recording = self._recording() if on_gpu else None
        self.address = _address(picture) if on_gpu else 0

    def __call__(self) -> tuple[Tensor, dict[str, Any]]:
        """The total loss, and all terms by name as Python numbers.

        Raises
        ------
        NonFiniteError
            One of them, or an element of the gradient, is not finite.
        """
        self.picture.grad = None
        if self.recording is None:
            return self._one_after_the_other()
        if _address(self.picture) != self.address:      # it has another array now: begin again
            self.recording = self._recording()
            self.address = _address(self.picture)
        gradient, numbers = self.recording()
        self.picture.grad = gradient
        *terms, finite = numbers.tolist()
        values = _named(self.names, terms)
        for name in TERMS:
            if values[name] is not None and not np.isfinite(values[name]):
                raise NonFiniteError(f"the {name} loss")
        if not finite:
            raise NonFiniteError("the gradient")
        return Tensor(np.asarray(values["total"])), values     # on the host, where it is known now

    def _recording(self) -> cuda.Recording:
        return cuda.Recording(self._all_at_once, self.picture.device)

    def _one_after_the_other(self) -> tuple[Tensor, dict[str, Any]]:
        losses = self.objective(self.picture)
        names, terms = _terms(losses)
        values = _named(names, [float(term.item()) for term in terms])
        for name in TERMS:
            if values[name] is not None and not np.isfinite(values[name]):
                raise NonFiniteError(f"the {name} loss")
        losses.total.backward()
        if not array_module(self.picture.grad.data).isfinite(self.picture.grad.data).all():
            raise NonFiniteError("the gradient")
        return losses.total, values

    def _all_at_once(self) -> tuple[Tensor, Tensor]:
        """The gradient, and one vector of all numbers, without looking at any of them."""
        self.picture.grad = None
        losses = self.objective(self.picture)
        losses.total.backward()
        gradient = self.picture.grad
        self.names, terms = _terms(losses)
        xp = array_module(gradient.data)
        numbers = xp.empty(len(terms) + 1, np.float64)
        for k, term in enumerate(terms):
            numbers[k] = term.data
        numbers[len(terms)] = xp.isfinite(gradient.data).all()
        return gradient, Tensor(numbers)


def _terms(losses: Losses) -> tuple[list[tuple], list[Tensor]]:
    """What each number of an evaluation is called, and the numbers."""
    found = [((name,), getattr(losses, name)) for name in TERMS]
    found += [((name, layer), term) for name in BY_LAYER
              for layer, term in getattr(losses, name).items()]
    found = [(name, term) for name, term in found if term is not None]
    return [name for name, _ in found], [term for _, term in found]


def _named(names: list[tuple], numbers: list[float]) -> dict[str, Any]:
    """The numbers under their names; terms that are not computed are None."""
    values: dict[str, Any] = {**dict.fromkeys(TERMS), **{name: {} for name in BY_LAYER}}
    for (name, *layer), number in zip(names, numbers):
        if layer:
            values[name][layer[0]] = number
        else:
            values[name] = number
    return values


def _address(picture: Tensor) -> int:
    return picture.data.data.ptr
