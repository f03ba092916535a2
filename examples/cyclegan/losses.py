"""The three losses: look real, come back, and leave alone what is of the target domain already.

Zhu, Park, Isola, Efros, "Unpaired image-to-image translation using cycle-consistent adversarial
networks" (2017): equations 1 and 2, with least squares in place of logarithms (section 4), and the
identity loss of section 5.2.
"""

from __future__ import annotations

import minigrad as mg
from minigrad import functional as F


def looks_real(verdict: mg.Tensor) -> mg.Tensor:
    """mean (D − 1)²: what a generator lowers, for verdicts on its translations."""
    return ((verdict - 1) ** 2).mean()


def tells_apart(real: mg.Tensor, translated: mg.Tensor) -> mg.Tensor:
    """½·mean (D(real) − 1)² + ½·mean D(translated)²: what a discriminator lowers."""
    return 0.5 * (((real - 1) ** 2).mean() + (translated ** 2).mean())


def cycle(back: mg.Tensor, original: mg.Tensor) -> mg.Tensor:
    """mean |G(F(x)) − x|."""
    return F.l1_loss(back, original)


def identity(kept: mg.Tensor, original: mg.Tensor) -> mg.Tensor:
    """mean |G(y) − y| for y of the domain that G translates to."""
    return F.l1_loss(kept, original)
