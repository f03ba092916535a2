"""The three losses: adversarial, cycle consistency, and identity on the target domain.

Zhu, Park, Isola, Efros, "Unpaired image-to-image translation using cycle-consistent adversarial
networks" (2017): equations 1 and 2, with least squares in place of logarithms (section 4), and the
identity loss of section 5.2.
"""

from __future__ import annotations

import minigrad as mg
from minigrad import functional as F


def generator_loss(verdict: mg.Tensor) -> mg.Tensor:
    """Return mean (D − 1)², which a generator minimises, for verdicts on its translations."""
    return ((verdict - 1) ** 2).mean()


def discriminator_loss(real: mg.Tensor, translated: mg.Tensor) -> mg.Tensor:
    """Return ½·mean (D(real) − 1)² + ½·mean D(translated)², which a discriminator minimises."""
    return 0.5 * (((real - 1) ** 2).mean() + (translated ** 2).mean())


def cycle_loss(back: mg.Tensor, original: mg.Tensor) -> mg.Tensor:
    """Return mean |G(F(x)) − x|."""
    return F.l1_loss(back, original)


def identity_loss(kept: mg.Tensor, original: mg.Tensor) -> mg.Tensor:
    """Return mean |G(y) − y| for y of the domain that G translates to."""
    return F.l1_loss(kept, original)
