"""Layers of networks whose filters were multiplied by positive numbers, as in `vgg_normalised`.

ReLU and pooling pass positive factors on. So a network computes the same, up to the factors of its
last layer, if each filter and its bias are multiplied by any s > 0, and the kernels that read its
output are divided by s. To judge such a layer, this is undone: kernels are multiplied by the
factors of the layer before, then the norm of each filter tells its own factor, by which filter and
bias are divided. What remains must be the published layer, biases included. It is compared like a
layer that was never rescaled, with the same tolerance. Where only a few filters have another norm,
that is damage, not rescaling.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from weights_converter import sketches
from weights_converter.fingerprints import KnownNetwork
from weights_converter.identify import (
    MISMATCH,
    RESCALED,
    SCALE_TOLERANCE,
    bias_fault,
    verdict,
)
from weights_converter.sketches import Sketch

# A filter with a norm of less than this share of the rounding's noise (one, in conv4_1) has an
# unknown norm, because the published copy is rounded. This one is assumed, to have some factor.
FAINT = 0.3


@dataclass(frozen=True)
class Judgement:
    """What became of a layer with O filters.

    Attributes
    ----------
    verdict : str
        One of those of `identify`.
    part, fault : str
        "kernels" or "biases" and what is wrong with them if the verdict is `MISMATCH`.
    factors : array, O, or None
        By which its filters were multiplied; None if they have the published norms.
    """

    verdict: str
    part: str = ""
    fault: str = ""
    factors: np.ndarray | None = None


def judge(network: KnownNetwork, name: str, weight: np.ndarray, bias: np.ndarray,
          before: np.ndarray | None = None) -> Judgement:
    """Judge a layer: as published, or with rescaled filters.

    Factors are sought only if the layer does not fit as it is, or if the layer before is rescaled.
    With them, kernels and biases must fit as well.

    Parameters
    ----------
    network : KnownNetwork
    name : str
        The layer.
    weight : array, O×I×H×W
        Its kernels in canonical form.
    bias : array, O
    before : array, I, or None
        The factors of the layer before.
    """
    known = network.layers.get(name)
    plain = _as_published(network, name, weight, bias)
    if known is None or known.sketch is None:
        return plain
    if before is None and not plain.fault:
        return plain
    with np.errstate(all="ignore"):         # what overflows is no published number
        factors, *arrays = undone(known.sketch, weight, bias, before)
        found = _as_published(network, name, *arrays)
    if before is None and not np.median(np.abs(factors - 1)) > SCALE_TOLERANCE:
        return plain
    if not found.fault:
        return Judgement(RESCALED, factors=factors)
    if before is None and (plain.part, found.part) != ("kernels", "biases"):
        return plain        # the factors explain nothing
    return replace(found, fault=f"{found.fault} when the scale of the filters is undone")


def _as_published(network: KnownNetwork, name: str, weight: np.ndarray, bias: np.ndarray
                  ) -> Judgement:
    judgement, fault = verdict(network.layers.get(name), weight, bias)
    if judgement == MISMATCH:
        return Judgement(MISMATCH, "kernels", fault)
    fault = bias_fault(network.biases.get(name), bias)
    return Judgement(MISMATCH, "biases", fault) if fault else Judgement(judgement)


def undone(known: Sketch, weight: np.ndarray, bias: np.ndarray, before: np.ndarray | None
           ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The factors of a layer's filters, and its kernels and biases without them."""
    if before is not None:
        weight = weight * before[:, None, None]
    factors = sketches.norms(weight)[0] / np.maximum(known.norms, FAINT * known.noise)
    factors = np.where(factors > 0, factors, 1)         # a filter of zeros stays one
    return factors, weight / factors[:, None, None, None], bias / factors
