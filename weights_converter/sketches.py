"""Sketches: sums with random signs, by which two copies of a layer can be compared part by part.

For random signs ε, the mean of (Σ εᵢ(wᵢ − vᵢ))² over all choices of ε is Σ (wᵢ − vᵢ)². So a few
hundred sums tell by how much two copies of a layer differ, and in which filters, although no weight
is stored (Alon, Matias and Szegedy, "The space complexity of approximating the frequency moments",
1999). Here, filters are divided into groups, and the weights of a group into buckets: one sum each.

A sketch finds damage and mistakes. It is no proof against somebody who makes weights that have the
same sums; only a hash is.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("data") / "oxford_vgg19_sketches.npz"
GROUPS = 64             # of filters; the first layers have a filter in each
BUCKETS = 8
STEPS = 1024            # sums are stored as whole multiples of the deviation divided by this

# Largest differences of a layer and of a group, as shares of their norms. Copies rounded to eight
# bits in several ways differ by at most 0.15 and 0.25; unit kernels, of which the smallest are
# rounded most, by 0.42. Weights that have nothing to do with each other differ by 1.4.
MAX_LAYER, MAX_GROUP, MAX_DIRECTIONS = 0.2, 0.3, 0.55
# The same for biases, in deviations, and for the signs of biases.
MAX_BIAS, MAX_SIGNS = 0.2, 0.8


@dataclass(frozen=True)
class Sketch:
    """The sums of a published layer, in deviations of what they sum.

    Attributes
    ----------
    kernels, directions : array, GROUPS×BUCKETS
        Of the weights, and of the kernels when each has norm 1. Those do not change if filters
        are rescaled.
    biases, signs : array, GROUPS
        Of the biases, and of their signs.
    """

    kernels: np.ndarray
    directions: np.ndarray
    biases: np.ndarray
    signs: np.ndarray


def sketch(weight: np.ndarray, bias: np.ndarray) -> Sketch:
    """The sketch of a layer: kernels O×I×3×3, upright, and biases O."""
    parts = (weight, directions(weight), bias[:, None], np.sign(bias)[:, None])
    return Sketch(*(_sums(part) / part.std(dtype=np.float64) for part in parts[:2]),
                  *(_sums(part, 1)[:, 0] / part.std(dtype=np.float64) for part in parts[2:]))


def directions(weight: np.ndarray) -> np.ndarray:
    """The kernels, each divided by its norm; those of zeros stay zeros."""
    norms = np.sqrt((weight.astype(np.float64) ** 2).sum(axis=(2, 3), keepdims=True))
    return weight / np.where(norms > 0, norms, 1)


def kernel_fault(known: Sketch, weight: np.ndarray, rescaled: bool) -> str:
    """How kernels differ from the known ones, in words; "" if they may be a rounded copy.

    Parameters
    ----------
    known : Sketch
    weight : array, O×I×3×3
        Upright.
    rescaled : bool
        Whether filters may have other norms than the published ones; then directions count.
    """
    if rescaled:
        whole, _ = _differences(known.directions, directions(weight))
        return _in_words(whole, "") if not whole <= MAX_DIRECTIONS else ""
    whole, groups = _differences(known.kernels, weight)
    if not whole <= MAX_LAYER:
        return _in_words(whole, "")
    worst = int(groups.argmax())
    if groups[worst] <= MAX_GROUP:
        return ""
    size = len(weight) // GROUPS
    filters = f"filters {worst * size} to {worst * size + size - 1}" if size > 1 else (
        f"filter {worst}")
    return _in_words(groups[worst], f" in {filters}")


def bias_fault(known: Sketch, bias: np.ndarray, deviation: float, rescaled: bool) -> str:
    """How biases differ from the known ones, in words; "" if they may be a rounded copy.

    Parameters
    ----------
    deviation : float
        That of the published biases.
    """
    if rescaled:
        signs = np.sign(bias)[:, None]
        found = _sums(signs, 1)[:, 0] / max(signs.std(), 1e-3)
        apart = np.sqrt(((found - known.signs) ** 2).mean())
        return "have other signs than the published ones" if not apart <= MAX_SIGNS else ""
    found = _sums(bias[:, None], 1)[:, 0] / deviation
    worst = int(np.abs(found - known.biases).argmax())
    if np.abs(found - known.biases)[worst] <= MAX_BIAS:
        return ""
    size = len(bias) // GROUPS
    return f"differ from the published ones at {worst * size}" + (
        f" to {worst * size + size - 1}" if size > 1 else "")


def _in_words(share: float, where: str) -> str:
    return f"differ by {100 * min(share, 9.99):.0f} %{where} from the published ones"


def _differences(known: np.ndarray, found: np.ndarray) -> tuple[float, np.ndarray]:
    """The differences of a layer and of its groups, divided by the norms of what was found."""
    deviation = found.std(dtype=np.float64) or 1.0
    squares = (found.reshape(GROUPS, -1).astype(np.float64) ** 2).mean(axis=1) / deviation ** 2
    apart = ((_sums(found) / deviation - known) ** 2).mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        groups = np.nan_to_num(np.sqrt(apart / squares), nan=np.inf)
        return float(np.sqrt(apart.mean() / squares.mean())), groups


def _sums(values: np.ndarray, buckets: int = BUCKETS) -> np.ndarray:
    """GROUPS×buckets: sums with signs, divided by the root of their length."""
    signed = np.multiply(values.reshape(-1), _signs(values.size), dtype=np.float64)
    groups = signed.reshape(GROUPS, -1)
    short = -groups.shape[1] % buckets
    groups = np.pad(groups, ((0, 0), (0, short))).reshape(GROUPS, -1, buckets)
    return groups.sum(axis=1) / np.sqrt(values.size / (GROUPS * buckets))


def _signs(count: int) -> np.ndarray:
    """1 and −1, the same in every version of every library."""
    bits = np.unpackbits(np.frombuffer(hashlib.shake_256(b"signs").digest(-(-count // 8)),
                                       np.uint8))
    return (1 - 2 * bits[:count].astype(np.int8)).astype(np.int8)


@cache
def published() -> dict[str, Sketch]:
    """Layer -> sketch, of Oxford's VGG19."""
    with np.load(FILE, allow_pickle=False) as arrays:
        names = {name.partition(".")[0] for name in arrays}
        return {name: Sketch(*(arrays[f"{name}.{part}"] / STEPS
                               for part in Sketch.__dataclass_fields__)) for name in names}


def save(sketches: dict[str, Sketch], path: Path) -> None:
    """Write sketches as `published` reads them."""
    np.savez_compressed(path, **{
        f"{name}.{part}": np.round(getattr(known, part) * STEPS).astype(np.int16)
        for name, known in sketches.items() for part in Sketch.__dataclass_fields__})
