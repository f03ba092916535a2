"""What Oxford's VGG19 looks like: enough numbers to know it, too few to be it.

All of them are for kernels in the canonical form: out × in × height × width,
input channels blue, green, red, float32.

Two kinds of proof. A hash says that a layer is *exact*. Where no hash is known,
or a copy was rounded on its way, the layer is *plausible* if the deviation of
its kernels is right. Neither tells what is wrong with a kernel that fails, so
nine published numbers of the first layer are compared with every way in which
they can have been turned and moved: that decides orientation and colour order.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from weights_converter import vgg

# conv1_1, first filter, blue: height × width.
CONV1_1_BLUE = np.array(
    [
        [0.34120, 0.33999, -0.04484],
        [0.23216, 0.08978, -0.30331],
        [-0.07261, -0.24668, -0.33683],
    ]
)
CONV1_1_BIAS = np.array([0.73018, 0.06494, 0.03429])  # of the first three filters

# The red and green kernels of this filter resemble the blue one (correlation 0.9992 and 0.9985):
# so the best match of all decides, and it must be a very good one. Rounding to eight bits costs
# less than 0.0001.
LEAST_CORRELATION = 0.9999

BIAS_TOLERANCE = 1e-3
STD_TOLERANCE = 0.05  # relative

EXACT, PLAUSIBLE, UNLIKE = "exact", "plausible", "unlike VGG19"


@dataclass(frozen=True)
class Fingerprint:
    """The standard deviation of a layer's kernels; first 16 hex digits of SHA-256, if known."""

    std: float
    weight_sha256: str | None
    bias_sha256: str


# The deviations from conv4_1 on are those of a copy rounded to eight bits: three digits are sure,
# and a hash of its kernels would be worth nothing.
FINGERPRINTS = {
    "conv1_1": Fingerprint(0.19138, "f8ee325686ded007", "f8941ad2059e42cc"),
    "conv1_2": Fingerprint(0.03988, "6359a74e0dcd6dd6", "5761d90241981f04"),
    "conv2_1": Fingerprint(0.02999, "b041ae17dca50654", "4b770cb032dabd86"),
    "conv2_2": Fingerprint(0.02229, "f4ce3ca269e6523b", "2b817920c16e27b4"),
    "conv3_1": Fingerprint(0.01650, "4ce2a8bd985dc3ac", "b00b2e1b3f88d364"),
    "conv3_2": Fingerprint(0.01109, "5e082fa2a7741488", "8a2d2d519f265c12"),
    "conv3_3": Fingerprint(0.01023, "01ffd66f0d43827d", "9af5673e3e3a99dc"),
    "conv3_4": Fingerprint(0.01032, "4caecc66b12469af", "2f7261deddc17113"),
    "conv4_1": Fingerprint(0.00816, None, "4db22eed4328f154"),
    "conv4_2": Fingerprint(0.00634, None, "927639a4cf43a652"),
    "conv4_3": Fingerprint(0.00691, None, "c6745626bda6a197"),
    "conv4_4": Fingerprint(0.00749, None, "5ef6b81525816eb3"),
    "conv5_1": Fingerprint(0.00820, None, "8179000537abc0f2"),
    "conv5_2": Fingerprint(0.00842, None, "43646ac2708c4627"),
    "conv5_3": Fingerprint(0.00841, None, "b0d7ac8760c769d8"),
    "conv5_4": Fingerprint(0.00814, None, "f4960e334fa65b36"),
}

# The eight ways to lay a square down, in words that say what happened to it.
TURNS = {
    "upright": lambda kernel: kernel,
    "with height and width swapped": lambda kernel: kernel.T,
    "flipped by 180 degrees": lambda kernel: kernel[::-1, ::-1],
    "mirrored left to right": lambda kernel: kernel[:, ::-1],
    "mirrored top to bottom": lambda kernel: kernel[::-1],
    "rotated by 90 degrees": lambda kernel: np.rot90(kernel),
    "rotated by 270 degrees": lambda kernel: np.rot90(kernel, 3),
    "with height and width swapped and flipped by 180 degrees": lambda kernel: kernel[::-1, ::-1].T,
}


def sha256_prefix(array: np.ndarray) -> str:
    """First 16 hexadecimal digits of the SHA-256 of an array's little-endian float32 bytes."""
    return hashlib.sha256(np.ascontiguousarray(array, dtype="<f4").tobytes()).hexdigest()[:16]


def canonical(weight: np.ndarray, color_order: str) -> np.ndarray:
    """The kernels of conv1_1 with their input channels in the order blue, green, red."""
    return weight if color_order == vgg.COLOR_ORDER else weight[:, ::-1]


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's correlation of two kernels; 0 where one of them is constant."""
    a, b = (np.ravel(kernel) - np.mean(kernel, dtype=np.float64) for kernel in (a, b))
    scale = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / scale) if scale > 0 else 0.0


def best_match(weight: np.ndarray) -> tuple[float, int, str]:
    """How the published kernel is found best in the first filter of conv1_1.

    Parameters
    ----------
    weight : array, 64×3×3×3
        Kernels of conv1_1.

    Returns
    -------
    correlation, channel, turn
        The highest correlation of all, the input channel where it is found (0 in a BGR
        file), and which of `TURNS` it has undergone.
    """
    return max(
        (correlation(turn(CONV1_1_BLUE), weight[0, channel]), channel, name)
        for channel in range(3)
        for name, turn in TURNS.items()
    )


def misfit(weight: np.ndarray, bias: np.ndarray, color_order: str) -> str | None:
    """What is wrong with conv1_1, in words, or None if it is VGG19's.

    Parameters
    ----------
    weight : array, 64×3×3×3
    bias : array, 64
    color_order : str
        "BGR" or "RGB": the order in which the input channels are claimed to be.
    """
    likeness, channel, turn = best_match(weight)
    if likeness < LEAST_CORRELATION:
        return (
            "the kernels of conv1_1 are not those of Oxford's VGG19 in any orientation or colour "
            f"order (best correlation {likeness:.4f}, where {LEAST_CORRELATION} is the least)"
        )
    faults = []
    if channel != color_order.index("B"):
        faults.append(("in BGR order", "with blue as the middle channel", "in RGB order")[channel])
    if turn != "upright":
        faults.append(turn)
    if faults:
        return (
            f"the kernels of conv1_1 are {' and '.join(faults)}, "
            f"where upright kernels in {color_order} order are right"
        )
    if not np.allclose(bias[:3], CONV1_1_BIAS, rtol=0, atol=BIAS_TOLERANCE):
        return (
            f"the biases of conv1_1 begin with {_numbers(bias[:3])}, "
            f"where VGG19's begin with {_numbers(CONV1_1_BIAS)}"
        )
    return None


def _numbers(values: np.ndarray) -> str:
    return ", ".join(f"{value:.5f}" for value in values)


def verdict(name: str, weight: np.ndarray, bias: np.ndarray) -> str:
    """`EXACT`, `PLAUSIBLE` or `UNLIKE`: how sure it is that a layer is VGG19's.

    Parameters
    ----------
    name : str
        The layer.
    weight : array, O×I×H×W
        Its kernels in the canonical form.
    bias : array, O
    """
    known = FINGERPRINTS[name]
    hashes = sha256_prefix(weight), sha256_prefix(bias)
    if hashes == (known.weight_sha256, known.bias_sha256):
        return EXACT
    deviation = weight.std(dtype=np.float64)
    return PLAUSIBLE if abs(deviation / known.std - 1) <= STD_TOLERANCE else UNLIKE
