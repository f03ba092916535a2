"""One evaluation: the loss of a picture and its gradient, and all terms as numbers.

On a GPU the evaluation is recorded as a CUDA graph after it has run once, and replayed from then
on, unless the objective is a different function at every evaluation. The palette has a recording of
its own, whose products are of float32 in any case. The host reads all numbers together, once per
evaluation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import Tensor, cat, cuda, no_grad
from minigrad.backend import array_module, cuda_library, is_cuda
from minigrad.errors import MinigradError
from nst.loss.objective import Losses, Objective

TermName = tuple[str, ...]         # a term, or a term and a layer

TERMS = ("content", "style", "tv", "palette", "total")
BY_LAYER = ("content_layers", "style_layers")


class NonFiniteError(MinigradError):
    """The loss or its gradient is no longer a finite number."""


class LossAndGradient:
    """Evaluate an objective at a picture whose values change but whose memory does not.

    Parameters
    ----------
    objective : callable
        From a picture 1×3×H×W to its `Losses`. An `Objective` has a method `begin` and an
        attribute `repeatable`; a plain function needs neither.
    picture : Tensor, 1×3×H×W
        A leaf that requires a gradient; each call sets its ``.grad``.

    Attributes
    ----------
    recording : minigrad.cuda.Recording or None
        On a GPU, the recorded evaluation of a repeatable objective, without the palette; it tells
        whether it is replayed, and if not, why.
    palette : minigrad.cuda.Recording or None
        That of the palette, if there is one.
    """

    def __init__(self, objective: Callable[[Tensor], Losses], picture: Tensor) -> None:
        self.objective = objective
        self.picture = picture
        self.names: list[TermName] = []
        self.begin = getattr(objective, "begin", None)
        recorded = is_cuda(picture.data) and getattr(objective, "repeatable", True)
        self.recording: cuda.Recording | None = None
        self.palette: cuda.Recording | None = None
        self.address = 0
        if recorded:
            self._begin_recording()

    def __call__(self, evaluation: int = 0) -> tuple[Tensor, dict[str, Any]]:
        """The total loss, and all terms by name as Python numbers.

        Parameters
        ----------
        evaluation : int
            Its number, counted over the whole run.

        Raises
        ------
        NonFiniteError
            One of them, or an element of the gradient, is not finite.
        """
        self.picture.grad = None
        if self.begin is not None:
            self.begin(evaluation)
        if self.recording is None:
            return self._evaluate()
        if _address(self.picture) != self.address:      # the array was replaced
            self._begin_recording()
        gradient, numbers = self.recording()
        if self.palette is not None:
            of_palette, more = self.palette()
            with no_grad():
                gradient += of_palette
                numbers = cat([numbers, more])
        self.picture.grad = gradient
        *terms, is_finite = cat([numbers, _vector([self._gradient_is_finite()])]).tolist()
        values = self._values(terms)
        _raise_unless_finite(values)
        if not is_finite:
            raise NonFiniteError("the gradient")
        return Tensor(np.asarray(values["total"])), values     # already on the host

    def _begin_recording(self) -> None:
        device = self.picture.device
        self.address = _address(self.picture)
        self.recording = cuda.Recording(self._record, device)
        if isinstance(self.objective, Objective) and self.objective.palette_targets:
            self.palette = cuda.Recording(self._record_palette, device, light=True)

    def _evaluate(self) -> tuple[Tensor, dict[str, Any]]:
        losses = self.objective(self.picture)
        names, terms = _terms(losses)
        values = _named(names, [float(term.item()) for term in terms])
        _raise_unless_finite(values)
        losses.total.backward()
        if not self._gradient_is_finite():
            raise NonFiniteError("the gradient")
        return losses.total, values

    def _record(self) -> tuple[Tensor, Tensor]:
        """The gradient, and all terms in one vector; the host reads none of them."""
        self.picture.grad = None
        losses = (self.objective.without_palette(self.picture)
                  if isinstance(self.objective, Objective) else self.objective(self.picture))
        losses.total.backward()
        self.names, terms = _terms(losses)
        return self._gradient(), _vector(terms)

    def _record_palette(self) -> tuple[Tensor, Tensor]:
        """The gradient of the palette alone, and the term before and after its weight."""
        assert isinstance(self.objective, Objective)
        self.picture.grad = None
        with cuda.matmul_precision("highest"):
            palette = self.objective.palette(self.picture)
            assert palette is not None
            weighted = self.objective.settings.palette_weight * palette
            weighted.backward()
        return self._gradient(), _vector([palette, weighted])

    def _values(self, numbers: list[float]) -> dict[str, Any]:
        """All terms by name: those of the evaluation, and the palette's behind them."""
        values = _named(self.names, numbers)
        if self.palette is not None:
            values["palette"], weighted = numbers[-2:]
            values["total"] += weighted
        return values

    def _gradient(self) -> Tensor:
        gradient = self.picture.grad
        assert gradient is not None         # the backward pass has just set it
        return gradient

    def _gradient_is_finite(self) -> Any:
        """A bool, as an array of no dimensions."""
        gradient = self._gradient().data
        return array_module(gradient).isfinite(gradient).all()


def _terms(losses: Losses) -> tuple[list[TermName], list[Tensor]]:
    """The names of all computed terms, and the terms."""
    terms: list[tuple[TermName, Tensor | None]] = [((name,), getattr(losses, name))
                                                   for name in TERMS]
    terms += [((name, layer), term) for name in BY_LAYER
              for layer, term in getattr(losses, name).items()]
    computed = [(name, term) for name, term in terms if term is not None]
    return [name for name, _ in computed], [term for _, term in computed]


def _named(names: list[TermName], numbers: list[float]) -> dict[str, Any]:
    """The numbers under their names; terms that are not computed are None."""
    values: dict[str, Any] = {**dict.fromkeys(TERMS), **{name: {} for name in BY_LAYER}}
    for (name, *layer), number in zip(names, numbers):
        if layer:
            values[name][layer[0]] = number
        else:
            values[name] = number
    return values


def _vector(numbers: list[Any]) -> Tensor:
    """Numbers on the GPU as one vector of float64."""
    vector = cuda_library().empty(len(numbers), np.float64)
    for k, number in enumerate(numbers):
        vector[k] = number.data if isinstance(number, Tensor) else number
    return Tensor(vector)


def _raise_unless_finite(values: dict[str, Any]) -> None:
    for name in TERMS:
        if values[name] is not None and not np.isfinite(values[name]):
            raise NonFiniteError(f"the {name} loss")


def _address(picture: Tensor) -> int:
    return picture.data.data.ptr
