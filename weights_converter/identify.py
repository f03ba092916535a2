"""Identify the network in a file, and the orientation of its kernels, from the numbers alone.

A matching hash proves that a layer is *exact*. Where no hash is known, or a copy was rounded,
published kernels are compared by correlation with every channel in every orientation. This
determines colour order and orientation, and also works for rescaled copies, because correlation
ignores scale. `rescaling` judges those layer by layer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from weights_converter import sketches
from weights_converter.errors import WeightsError
from weights_converter.fingerprints import KNOWN, Biases, Fingerprint, KnownNetwork

# In Oxford's first filter, red and green resemble blue (correlation 0.9992 and 0.9985), so the best
# match counts, and it must be very close. Rounding to eight bits costs less than 0.0001.
MIN_CORRELATION = 0.9999

# The known kernels of deep layers were themselves rounded to eight bits.
MIN_MARK_CORRELATION = 0.98

BIAS_TOLERANCE = 5e-3
STD_TOLERANCE = 0.05  # relative
# Biases of networks whose numbers are not known: the published ones have deviations from 0.018 to
# 0.52, and none beyond 9.7. Bytes in the wrong order give numbers from 1e-38 to 1e38.
MAX_BIAS = 100.0
# By how much mean, deviation and extreme values of the biases may differ, as a share of the known
# deviation. Copies rounded to eight bits stay within 0.04.
BIAS_SHARE = 0.1
VALUE_SHARE = 0.02      # what a single bias may differ in addition, as a share of itself
BIAS_STDS = 1e-5, 20.0
SCALE_TOLERANCE = 0.02  # relative: 8-bit copies stay within, rescaled networks do not

EXACT, PLAUSIBLE, RESCALED = "exact", "plausible", "rescaled"
SHAPE_ONLY, MISMATCH = "shape fits", "mismatch"

# The eight symmetries of a square: description -> function that applies it to an upright kernel.
# They act on the last two axes.
ORIENTATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "upright": lambda k: k,
    "with height and width swapped": lambda k: k.swapaxes(-1, -2),
    "flipped by 180 degrees": lambda k: k[..., ::-1, ::-1],
    "mirrored left to right": lambda k: k[..., ::-1],
    "mirrored top to bottom": lambda k: k[..., ::-1, :],
    "rotated by 90 degrees": lambda k: np.rot90(k, 1, (-2, -1)),
    "rotated by 270 degrees": lambda k: np.rot90(k, 3, (-2, -1)),
    "with height and width swapped and flipped by 180 degrees":
        lambda k: k[..., ::-1, ::-1].swapaxes(-1, -2),
}
# The inverse of each; all except the two rotations are their own inverse.
INVERSE = {**ORIENTATIONS, "rotated by 90 degrees": ORIENTATIONS["rotated by 270 degrees"],
           "rotated by 270 degrees": ORIENTATIONS["rotated by 90 degrees"]}


@dataclass(frozen=True)
class Identity:
    """Result of identifying conv1_1.

    Attributes
    ----------
    network : KnownNetwork
        The known network that matches.
    reversed_colors : bool
        Whether the input channels are in the reverse of the training's order.
    orientation : str
        The one of `ORIENTATIONS` that the kernels have.
    scale : float
        Norm of the first kernel divided by that of the published one.
    """

    network: KnownNetwork
    reversed_colors: bool
    orientation: str
    scale: float

    @property
    def rescaled(self) -> bool:
        """Whether the first filter has another norm than in the original training.

        Of a network whose layers are known, `rescaling.judge` looks at every filter instead.
        """
        return abs(self.scale - 1) > SCALE_TOLERANCE

    @property
    def color_order(self) -> str:
        """Order of the input channels in the file: "BGR" or "RGB"."""
        order = self.network.preprocessing.color_order
        return order[::-1] if self.reversed_colors else order


def identify(path: Path, weight: np.ndarray, bias: np.ndarray) -> Identity:
    """Identify a network by its first layer.

    Parameters
    ----------
    path : Path
        The file, for messages.
    weight : array, 64×3×3×3
    bias : array, 64

    Raises
    ------
    WeightsError
        The layer matches no known network in any orientation or colour order, or its biases belong
        to another network.
    """
    matches = [(*best_match(weight, known.kernel), known) for known in KNOWN]
    similarity, channel, orientation, known = max(matches, key=lambda match: match[0])
    if similarity < MIN_CORRELATION:
        titles = ", ".join(network.title for network in KNOWN)
        raise WeightsError(
            f"{path}: the kernels of conv1_1 are not those of {titles} in any orientation or "
            f"colour order (best correlation {similarity:.4f}, but at least {MIN_CORRELATION} is "
            "needed)")
    if channel == 1:
        raise WeightsError(
            f"{path}: the kernels of conv1_1 have {known.preprocessing.color_order[0]} as the "
            f"middle channel, but {known.preprocessing.color_order} or its reverse is expected")
    kernel = INVERSE[orientation](weight[0, channel].astype(np.float64))    # squares may overflow
    scale = float(np.linalg.norm(kernel) / np.linalg.norm(known.kernel))
    identity = Identity(known, channel == 2, orientation, scale)
    _check_biases(path, bias, identity)
    return identity


def _check_biases(path: Path, bias: np.ndarray, identity: Identity) -> None:
    """Check the first biases; where only a kernel is known, one of them also in a rescaled copy."""
    expected = identity.network.bias
    if expected is None or (identity.rescaled and identity.network.layers):
        return
    if not identity.rescaled:
        if not np.allclose(bias[:3], expected, rtol=0, atol=BIAS_TOLERANCE):
            raise WeightsError(
                f"{path}: the biases of conv1_1 begin with {_numbers(bias[:3])}, but those of "
                f"{identity.network.title} begin with {_numbers(expected)}")
        return
    # A filter's bias is rescaled like its kernels. The factors of the other filters are not known.
    wanted = identity.scale * expected
    if not (abs(bias[0] - wanted[0]) <= SCALE_TOLERANCE * abs(wanted[0])
            and (bias[:3] * wanted > 0).all()):
        raise WeightsError(
            f"{path}: the first filter of conv1_1 is {identity.scale:.3g} times that of "
            f"{identity.network.title}, so its bias must be {wanted[0]:.3g}, not {bias[0]:.3g}, "
            "and the next two have the published signs")


def _numbers(values: np.ndarray) -> str:
    return ", ".join(f"{value:.5f}" for value in values)


def best_match(weight: np.ndarray, kernel: np.ndarray) -> tuple[float, int, str]:
    """Find a published kernel in the first filter of conv1_1.

    Parameters
    ----------
    weight : array, 64×3×3×3
        Kernels of conv1_1.
    kernel : array, 3×3
        The published numbers.

    Returns
    -------
    correlation : float
        The highest of all.
    channel : int
        The input channel with this correlation.
    orientation : str
        The one of `ORIENTATIONS` with this correlation.
    """
    return max((correlation(transform(kernel), weight[0, channel]), channel, name)
               for channel in range(3) for name, transform in ORIENTATIONS.items())


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's correlation of two kernels; 0 if one of them is constant."""
    a, b = (np.ravel(kernel) - np.mean(kernel, dtype=np.float64) for kernel in (a, b))
    scale = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / scale) if scale > 0 else 0.0


def sha256_prefix(array: np.ndarray) -> str:
    """First 16 hexadecimal digits of the SHA-256 of an array's little-endian float32 bytes."""
    return hashlib.sha256(np.ascontiguousarray(array, dtype="<f4").tobytes()).hexdigest()[:16]


def bias_fault(known: Biases | None, bias: np.ndarray) -> str:
    """The fault of a layer's biases, in words; "" if they may be the network's.

    Parameters
    ----------
    known : Biases or None
        Those of the published network.
    bias : array, O
    """
    with np.errstate(invalid="ignore"):     # NaN fails every comparison below
        mean, deviation = bias.mean(dtype=np.float64), bias.std(dtype=np.float64)
    fault = _difference(known, bias, mean, deviation) if known is not None else ""
    if fault:
        return fault
    largest = float(np.abs(bias).max())
    if not (largest <= MAX_BIAS and deviation <= BIAS_STDS[1]):
        return f"reach {largest:.3g}, beyond those of any published network"
    if deviation < BIAS_STDS[0]:
        return f"are all nearly {mean:.3g}"
    return ""


def _difference(known: Biases, bias: np.ndarray, mean: float, deviation: float) -> str:
    bound = BIAS_SHARE * known.std
    if not max(abs(mean - known.mean), abs(deviation - known.std)) <= bound:
        return (f"have mean {mean:.5g} and standard deviation {deviation:.5g}, not "
                f"{known.mean} and {known.std}")
    for index, value in known.extremes.items():
        if not abs(bias[index] - value) <= bound + VALUE_SHARE * abs(value):
            return f"have {bias[index]:.5g} at {index}, not {value}"
    if known.sketch is None:
        return ""
    peak = max(map(abs, known.extremes.values()))
    return sketches.bias_fault(known.sketch, bias, known.std, peak)


def verdict(known: Fingerprint | None, weight: np.ndarray, bias: np.ndarray) -> tuple[str, str]:
    """Judge whether a layer is that of the known network.

    Parameters
    ----------
    known : Fingerprint or None
        The known properties of the layer.
    weight : array, O×I×H×W
        Its kernels in canonical form.
    bias : array, O
        Its biases, which only decide whether it is exact; `bias_fault` judges them.

    Returns
    -------
    verdict : str
        `EXACT`, `PLAUSIBLE`, `SHAPE_ONLY` (nothing but the shape is known) or `MISMATCH`.
    reason : str
        The difference in words if the verdict is `MISMATCH`; otherwise "".
    """
    deviation = weight.std(dtype=np.float64)
    if known is None:
        return (SHAPE_ONLY, "") if deviation > 0 else (MISMATCH, "are all equal")
    if (sha256_prefix(weight), sha256_prefix(bias)) == (known.weight_sha256, known.bias_sha256):
        return EXACT, ""
    if not abs(deviation / known.std - 1) <= STD_TOLERANCE:
        return MISMATCH, f"have a standard deviation of {deviation:.5f}, not {known.std}"
    filter_, channel, mark = known.mark
    similarity, orientation = max((correlation(transform(mark), weight[filter_, channel]), name)
                                for name, transform in ORIENTATIONS.items())
    if similarity < MIN_MARK_CORRELATION:
        return MISMATCH, f"lack the known kernel (best correlation {similarity:.4f})"
    if orientation != "upright":
        return MISMATCH, f"are {orientation}"
    fault = sketches.kernel_fault(known.sketch, weight) if known.sketch else ""
    return (MISMATCH, fault) if fault else (PLAUSIBLE, "")
