"""Coarse to fine: the sizes that a picture is worked out at, one after the other.

A position of relu4_1 sees 68×68 pixels, one of relu5_1 156×156. In a small picture that is most of
it, so large shapes are settled there, at a price of next to nothing; each further size starts from
the last one's picture and adds what could not be seen in it. Sizes are √2 apart, as in the program
of K. Crowson, "style-transfer-pytorch" (2021).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from minigrad.errors import ArgumentError
from nst.config.settings import Settings

STEP = math.sqrt(2)
COARSEST = 128              # pixels: about where the long side begins
MIN_ITERATIONS = 10       # for a scale to be worth its while


@dataclass(frozen=True)
class Scale:
    """One size to work at.

    Attributes
    ----------
    number : int
        From 0, the coarsest.
    factor : float
        What all sides of full-size pictures are multiplied by; 1 at the last scale.
    size : tuple of two int
        Width and height of the painted picture.
    iterations : int
        How many of the run's iterations are spent here.
    """

    number: int
    factor: float
    size: tuple[int, int]
    iterations: int


def reduced(size: tuple[int, int], factor: float) -> tuple[int, int]:
    """Width and height times ``factor``, at least 1×1."""
    width, height = (max(1, round(side * factor)) for side in size)
    return width, height


def plan(size: tuple[int, int], settings: Settings, shortest: int, least: int) -> list[Scale]:
    """The scales of a run, coarse to fine.

    Parameters
    ----------
    size : tuple of two int
        Width and height of the result.
    shortest, least : int
        The shortest side of all pictures at full size, and what the network needs of it.

    Raises
    ------
    ArgumentError
        More scales are asked for than there are iterations, or than the pictures bear.
    """
    most = 1 + max(0, math.floor(math.log(shortest / least, STEP) + 1e-9))
    count = settings.scales
    if count is None:
        wanted = 1 + max(0, round(math.log(max(size) / COARSEST, STEP)))
        count = max(1, min(wanted, most, settings.iterations // MIN_ITERATIONS))
    elif count > min(most, settings.iterations):
        why = (f"a side of {shortest} pixels can be divided by √2 only {most - 1} times before "
               f"the network's deepest layer has nothing to see" if most < settings.iterations
               else f"there are only {settings.iterations} iterations")
        raise ArgumentError(f"scales is {count}, but {why}; give {min(most, settings.iterations)} "
                            f"or fewer")
    factors = [STEP ** -k for k in reversed(range(count))]
    shares = _split(settings.iterations, count)
    return [Scale(number, factor, reduced(size, factor), shares[number])
            for number, factor in enumerate(factors)]


def _split(iterations: int, count: int) -> Sequence[int]:
    """As many for each scale; what is left over goes to the coarsest, where it is cheapest."""
    each, more = divmod(iterations, count)
    return [each + more] + [each] * (count - 1)
