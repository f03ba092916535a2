"""Sketches: sums with random signs, by which two copies of a layer can be compared part by part.

For random signs ε, the mean of (Σ εᵢ(wᵢ − vᵢ))² over all choices of ε is Σ (wᵢ − vᵢ)². So a few
sums tell by how much two copies of a filter differ, although no weight is stored (Alon, Matias and
Szegedy, "The space complexity of approximating the frequency moments", 1999). Here, the weights of
each filter are divided into buckets: one sum each. Biases are summed in groups.

A sketch finds damage and mistakes. It is no proof against somebody who makes weights that have the
same sums; only a hash is.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("data") / "oxford_vgg19_sketches.npz"
GROUPS = 64             # of biases; the first layers have one in each
BUCKETS = 32            # of a filter's weights
FEW_BUCKETS = 8         # where a filter has only 27 weights, so that no bucket holds a single one
STEPS = 256             # sums are stored as whole multiples of what they are measured in / STEPS
BIAS_STEPS = 1024

# Rounding numbers to eight bits, from −peak to peak, is noise with a deviation of about
# peak / ROUNDING. Other ways of rounding to eight bits, also of each filter or channel by itself,
# give less, but the published copy may be rounded as well.
ROUNDING = 127 * 12 ** 0.5
# How much a filter, a norm and a whole layer may differ: so many times this noise, and this share
# of the filter's or the layer's norm. docs/weights.md tells how often that errs.
FILTER = 2.5, 0.06
NORM = 1.5, 0.05
LAYER = 1.8, 0.05
# How much larger or smaller all weights of a layer may be, in the mean: rounding hardly changes it.
MAX_GROWTH = 0.03
BIAS = 4, 0.02          # as FILTER, for sums of biases


@dataclass(frozen=True)
class Sketch:
    """The sums of a published layer with O filters and I input channels.

    Attributes
    ----------
    kernels : array, O×BUCKETS (O×FEW_BUCKETS in conv1_1)
        Of each filter's weights, in units of its norm.
    norms : array, O
        The root of the mean square of each filter's weights.
    inputs : array, I
        The same of all weights that read one input channel.
    peak : float
        The largest absolute weight.
    biases : array, GROUPS
        Of the biases, in units of their deviation.
    """

    kernels: np.ndarray
    norms: np.ndarray
    inputs: np.ndarray
    peak: float
    biases: np.ndarray

    @property
    def noise(self) -> float:
        """The deviation of what rounding the layer to eight bits changes in a weight."""
        return self.peak / ROUNDING


def sketch(weight: np.ndarray, bias: np.ndarray) -> Sketch:
    """The sketch of a layer: kernels O×I×3×3, upright, and biases O."""
    size = weight[0].size
    found, inputs = norms(weight)
    sums = _sums(weight.astype(np.float64), len(weight), BUCKETS if size > 27 else FEW_BUCKETS)
    return Sketch(sums / np.where(found > 0, found, 1)[:, None], found, inputs,
                  float(np.abs(weight).max()),
                  _sums(bias, GROUPS, 1)[:, 0] / bias.std(dtype=np.float64))


def norms(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The roots of the mean squares of filters, O, and input channels, I, of O×I×3×3 weights."""
    squares = (weight * weight).reshape(len(weight), weight.shape[1], -1)
    of_filters, of_inputs = squares.mean(axis=(1, 2)), squares.mean(axis=0).mean(axis=1)
    return np.sqrt(of_filters.astype(np.float64)), np.sqrt(of_inputs.astype(np.float64))


def kernel_fault(known: Sketch, weight: np.ndarray) -> str:
    """How kernels differ from the known ones, in words; "" if they may be a rounded copy.

    Parameters
    ----------
    known : Sketch
    weight : array, O×I×3×3
        Upright.
    """
    with np.errstate(all="ignore"):         # infinity and NaN fail every comparison
        sums, (found, inputs) = _sums(weight, *known.kernels.shape), norms(weight)
        fault = _layer_fault(known, sums)
        differs, _ = excess(known, sums, found)
        worst = int(differs.argmax())
        if not fault and not differs[worst] <= 1:
            share = differences(known, sums)[worst] / known.norms[worst]
            fault = f"differ by {_percent(share)} in filter {worst} from the published ones"
        return (fault or _norm_fault(known, "filter", known.norms, found)
                or _norm_fault(known, "input channel", known.inputs, inputs))


def _norm_fault(known: Sketch, what: str, published: np.ndarray, found: np.ndarray) -> str:
    shares = _excess_of_norms(known, published, found)
    worst = int(shares.argmax())
    return "" if shares[worst] <= 1 else (
        f"are {found[worst] / published[worst]:.2f} times as large as the published ones in "
        f"{what} {worst}")


def _excess_of_norms(known: Sketch, published: np.ndarray, found: np.ndarray) -> np.ndarray:
    return np.abs(found - published) / (NORM[0] * known.noise + NORM[1] * published)


def excess(known: Sketch, sums: np.ndarray, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The differences of filters and of their norms, both O, divided by those that are allowed.

    Parameters
    ----------
    known : Sketch
    sums : array, O×BUCKETS
        Of the weights in question, in no units.
    found : array, O
        Their norms.
    """
    return (differences(known, sums) / (FILTER[0] * known.noise + FILTER[1] * known.norms),
            _excess_of_norms(known, known.norms, found))


def differences(known: Sketch, sums: np.ndarray) -> np.ndarray:
    """Estimates of the root of the mean square by which the weights of each filter differ, O."""
    return np.sqrt(((sums - known.kernels * known.norms[:, None]) ** 2).mean(axis=1))


def _layer_fault(known: Sketch, sums: np.ndarray) -> str:
    apart, whole = (_root_mean_square(values) for values in (differences(known, sums), known.norms))
    if not apart <= LAYER[0] * known.noise + LAYER[1] * whole:
        return f"differ by {_percent(apart / whole)} from the published ones"
    published = known.kernels * known.norms[:, None]
    growth = float((sums * published).sum() / (published ** 2).sum())
    return "" if abs(growth - 1) <= MAX_GROWTH else (
        f"are {growth:.3f} times as large as the published ones")


def bias_fault(known: Sketch, bias: np.ndarray, deviation: float, peak: float) -> str:
    """How biases differ from the known ones, in words; "" if they may be a rounded copy.

    Parameters
    ----------
    known : Sketch
    bias : array, O
    deviation, peak : float
        The deviation of the published biases, and the largest absolute one.
    """
    apart = np.abs(_sums(bias, GROUPS, 1)[:, 0] - known.biases * deviation)
    norms_of_groups = np.sqrt((bias.reshape(GROUPS, -1) ** 2).mean(axis=1))
    shares = apart / (BIAS[0] * peak / ROUNDING + BIAS[1] * norms_of_groups)
    worst = int(shares.argmax())
    if shares[worst] <= 1:
        return ""
    size = len(bias) // GROUPS
    return f"differ from the published ones at {worst * size}" + (
        f" to {worst * size + size - 1}" if size > 1 else "")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share < 10 else "999 %"     # also if it is not a number


def _root_mean_square(values: np.ndarray) -> float:
    return float(np.sqrt((values ** 2).mean()))


def _sums(values: np.ndarray, rows: int, buckets: int) -> np.ndarray:
    """rows×buckets: sums with signs, divided by the root of their length."""
    signed = (values.reshape(-1) * _signs(values.size)).reshape(rows, -1)
    count = signed.shape[1]
    if count % buckets:
        signed = np.pad(signed, ((0, 0), (0, -count % buckets)))
    sums: np.ndarray = signed.reshape(rows, -1, buckets).sum(axis=1)
    return sums.astype(np.float64) / np.sqrt(count / buckets)


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
        return {name: Sketch(arrays[f"{name}.kernels"] / STEPS,
                             arrays[f"{name}.norms"].astype(np.float64),
                             arrays[f"{name}.inputs"].astype(np.float64),
                             float(arrays[f"{name}.peak"]),
                             arrays[f"{name}.biases"] / BIAS_STEPS) for name in names}


def save(sketches: dict[str, Sketch], path: Path) -> None:
    """Write sketches as `published` reads them."""
    arrays: dict[str, Any] = {}
    for name, known in sketches.items():
        arrays |= {f"{name}.kernels": np.round(known.kernels * STEPS).astype(np.int16),
                   f"{name}.norms": known.norms.astype(np.float32),
                   f"{name}.inputs": known.inputs.astype(np.float32),
                   f"{name}.peak": np.array(known.peak, np.float32),
                   f"{name}.biases": np.round(known.biases * BIAS_STEPS).astype(np.int16)}
    np.savez_compressed(path, **arrays)
