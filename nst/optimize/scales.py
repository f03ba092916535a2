"""The scales of a run, coarse to fine.

The receptive field of relu4_1 is 68×68 pixels, that of relu5_1 156×156. It covers most of a small
picture, so large shapes form there at little cost. Each further scale starts from the picture of
the previous one and adds detail. Sizes are √2 apart, as in K. Crowson's program
"style-transfer-pytorch" (2021).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from minigrad.errors import ArgumentError
from nst.config.settings import Settings

STEP = math.sqrt(2)
COARSEST = 128          # pixels: about the long side of the first scale
MIN_ITERATIONS = 10     # per scale


@dataclass(frozen=True)
class Scale:
    """One size of the picture during a run.

    Attributes
    ----------
    number : int
        From 0, the coarsest.
    factor : float
        Factor of all sides of full-size pictures; 1 at the last scale.
    size : tuple of two int
        Width and height of the result.
    iterations : int
        Iterations of the run at this scale.
    margin : int
        Pixels on each side that are computed in addition, and cut off in the end.
    """

    number: int
    factor: float
    size: tuple[int, int]
    iterations: int
    margin: int = 0

    @property
    def border(self) -> int:
        """Pixels on each side in which the style does not count: the outer half of the margin.

        The outermost features see the padding. If the style counted in the result only, the pixels
        at its edges would be part of fewer features than all others, and would stay pale.
        """
        return self.margin // 2

    @property
    def computed_size(self) -> tuple[int, int]:
        """Height and width of the picture that is computed, with its margin."""
        width, height = self.size
        return height + 2 * self.margin, width + 2 * self.margin


def reduced(size: tuple[int, int], factor: float) -> tuple[int, int]:
    """Width and height times `factor`, at least 1×1."""
    width, height = (max(1, round(side * factor)) for side in size)
    return width, height


def plan(size: tuple[int, int], settings: Settings, shortest_side: int, min_side: int
         ) -> list[Scale]:
    """The scales of a run, coarse to fine.

    Parameters
    ----------
    size : tuple of two int
        Width and height of the result.
    shortest_side, min_side : int
        The shortest side of all pictures at full size, and the network's smallest side.

    Raises
    ------
    ArgumentError
        More scales are requested than there are iterations, or than the pictures allow.
    """
    limit = 1 + max(0, math.floor(math.log(shortest_side / min_side, STEP) + 1e-9))
    count = settings.scales
    if count is None:
        ideal = 1 + max(0, round(math.log(max(size) / COARSEST, STEP)))
        count = max(1, min(ideal, limit, settings.iterations // MIN_ITERATIONS))
    elif count > min(limit, settings.iterations):
        why = (f"a side of {shortest_side} pixels can be divided by √2 only {limit - 1} times "
               f"before the network's deepest layer is empty" if limit < settings.iterations
               else f"there are only {settings.iterations} iterations")
        raise ArgumentError(f"scales is {count}, but {why}; give {min(limit, settings.iterations)} "
                            f"or fewer")
    factors = [STEP ** -k for k in reversed(range(count))]
    shares = _split(settings.iterations, count)
    return [Scale(number, factor, reduced(size, factor), shares[number], settings.margin)
            for number, factor in enumerate(factors)]


def _split(iterations: int, count: int) -> Sequence[int]:
    """Equal shares; the remainder goes to the coarsest scale, where iterations are cheapest."""
    each, remainder = divmod(iterations, count)
    return [each + remainder] + [each] * (count - 1)
