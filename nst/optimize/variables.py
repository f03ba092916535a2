"""The variable of the optimisation: the pixels of the picture, or the levels of a pyramid.

The losses see a picture, and an optimiser moves parameters. A variable connects the two. For the
pixels both are one tensor. For a pyramid the picture is a fixed origin plus the sum of the levels
(see `nst.optimize.pyramid`), and each level has moments of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from minigrad import Tensor, cuda, no_grad
from minigrad.backend import array_module, is_cuda
from nst.optimize import pyramid


class Variable(Protocol):
    """The parameters that stand for a picture 1×3×H×W.

    Attributes
    ----------
    picture : Tensor
    parameters : list of Tensor
        The tensors that the optimiser moves.
    """

    picture: Tensor
    parameters: list[Tensor]

    def pull_gradient(self) -> None:
        """Set the gradients of the parameters from that of the picture."""

    def update_picture(self) -> None:
        """Compute the picture from the parameters."""

    def rebase(self) -> None:
        """Adopt a picture that was changed by other means, such as clamping."""

    def state(self) -> dict[str, Any]:
        """The state for a checkpoint, in addition to the picture; arrays are not copied."""

    def load(self, state: dict[str, Any]) -> None:
        """Restore a `state`; the picture has been restored already."""


class Pixels:
    """The pixels themselves."""

    def __init__(self, picture: Tensor) -> None:
        self.picture = picture
        self.parameters = [picture]

    def pull_gradient(self) -> None:
        """See `Variable`; the gradient is there already."""

    def update_picture(self) -> None:
        """See `Variable`; the picture is the parameter."""

    def rebase(self) -> None:
        """See `Variable`; the picture is the parameter."""

    def state(self) -> dict[str, Any]:
        """See `Variable`."""
        return {}

    def load(self, state: dict[str, Any]) -> None:
        """See `Variable`."""


class Pyramid:
    """The levels of a Laplacian pyramid, as a displacement from a picture, the origin.

    `expand` and `adjoint` take a hundred small operations for each level. On a GPU they are
    recorded, so that the device does not wait for the host to launch them.
    """

    def __init__(self, picture: Tensor) -> None:
        self.picture = picture
        xp = array_module(picture.data)
        self.origin = xp.array(picture.data)
        self.parameters = [_zeros(picture, size) for size in pyramid.level_sizes(_size(picture))]
        self._gradient: Any = None
        self._adjoint: Callable[[], tuple[Tensor, ...]] = self._adjoint_levels
        self._expand: Callable[[], Tensor] = self._expanded
        self._recorded = is_cuda(picture.data)
        if self._recorded:      # what the recordings read keeps its place in memory
            self._gradient = xp.empty_like(picture.data)
            self._adjoint = cuda.Recording(self._adjoint_levels, picture.device, light=True)
            self._expand = cuda.Recording(self._expanded, picture.device, light=True)

    def pull_gradient(self) -> None:
        """See `Variable`."""
        gradient = self.picture.grad
        assert gradient is not None         # every evaluation sets it
        if self._recorded:
            self._gradient[...] = gradient.data
        else:
            self._gradient = gradient.data
        for level, part in zip(self.parameters, self._adjoint()):
            level.grad = part
        if not self._recorded:
            self._gradient = None       # its memory serves the next evaluation

    def _adjoint_levels(self) -> tuple[Tensor, ...]:
        """The gradients of all levels."""
        return tuple(map(Tensor, pyramid.adjoint(self._gradient)))

    def update_picture(self) -> None:
        """See `Variable`."""
        displacement = self._expand()
        with no_grad():
            array_module(displacement.data).add(self.origin, displacement.data,
                                                out=self.picture.array_for_writing())

    def _expanded(self) -> Tensor:
        """The sum of all levels."""
        return Tensor(pyramid.expand([level.data for level in self.parameters]))

    def rebase(self) -> None:
        """See `Variable`."""
        self.origin[...] = self.picture.data
        for level in self.parameters:
            with no_grad():
                level.array_for_writing()[...] = 0

    def state(self) -> dict[str, Any]:
        """See `Variable`."""
        return {"origin": self.origin, "levels": [level.data for level in self.parameters]}

    def load(self, state: dict[str, Any]) -> None:
        """See `Variable`."""
        self.origin[...] = state["origin"]
        for level, array in zip(self.parameters, state["levels"]):
            with no_grad():
                level.array_for_writing()[...] = array


VARIABLES: dict[str, Callable[[Tensor], Variable]] = {"pixels": Pixels, "pyramid": Pyramid}


def _zeros(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """A level of zeros 1×3×H×W, channels innermost in memory as in the picture."""
    height, width = size
    zeros = array_module(picture.data).zeros((1, height, width, 3), picture.dtype)
    return Tensor(zeros.transpose(0, 3, 1, 2)).requires_grad_()


def _size(picture: Tensor) -> tuple[int, int]:
    height, width = picture.shape[2:]
    return height, width
