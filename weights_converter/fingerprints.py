"""Fingerprints of the published networks: enough numbers to recognise them.

Four trained VGGs are in circulation: Oxford's VGG19 and VGG16 (the files of Caffe, Keras,
MatConvNet, Gatys …), and the two that torchvision trained. All numbers are for kernels in
canonical form: out × in × height × width, float32, input channels in the order of training.

Sources: hashes, deviations, sketches and kernels of Oxford's VGG19 were computed from a copy that
classifies photographs correctly. The first kernels of the other three are as printed by users of
Keras and torchvision.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from weights_converter import sketches, vgg_spec
from weights_converter.sketches import Sketch
from weights_converter.weights import Preprocessing


@dataclass(frozen=True)
class Fingerprint:
    """Known properties of a layer.

    Attributes
    ----------
    std : float
        Standard deviation of its kernels.
    weight_sha256, bias_sha256 : str or None
        First 16 hexadecimal digits of the SHA-256 of the little-endian float32 bytes.
    mark : tuple
        (filter, channel, 3×3 numbers): one kernel, strong and clearly asymmetric.
    sketch : Sketch or None
    """

    std: float
    weight_sha256: str | None
    bias_sha256: str
    mark: tuple[int, int, np.ndarray]
    sketch: Sketch | None = None


@dataclass(frozen=True)
class Biases:
    """Known properties of the biases of a layer.

    Attributes
    ----------
    mean, std : float
    extremes : dict
        Index -> value of the two smallest and the two largest.
    sketch : Sketch or None
    """

    mean: float
    std: float
    extremes: dict[int, float]
    sketch: Sketch | None = None


@dataclass(frozen=True)
class KnownNetwork:
    """A published network.

    Attributes
    ----------
    title : str
        Its name in messages.
    architecture : str
        "vgg19" or "vgg16".
    preprocessing : Preprocessing
        Preprocessing of the input.
    kernel : array, 3×3
        conv1_1, first filter, first input channel: height × width.
    bias : array, 3, or None
        First biases of conv1_1.
    licence : str
        Attribution and terms of use.
    layers : dict
        Layer name -> Fingerprint, for the layers that have one.
    biases : dict
        Layer -> known properties of its biases.
    """

    title: str
    architecture: str
    preprocessing: Preprocessing
    kernel: np.ndarray
    licence: str
    bias: np.ndarray | None = None
    layers: dict[str, Fingerprint] = field(default_factory=dict)
    biases: dict[str, Biases] = field(default_factory=dict)


def _kernel(numbers: str) -> np.ndarray:
    return np.array(numbers.split(), np.float64).reshape(3, 3)


def _fingerprint(std: float, weight: str | None, bias: str, filter_: int, channel: int, kernel: str
           ) -> Fingerprint:
    return Fingerprint(std, weight, bias, (filter_, channel, _kernel(kernel)))


def _biases(mean: float, std: float, extremes: str) -> Biases:
    pairs = (pair.split(":") for pair in extremes.split())
    return Biases(mean, std, {int(index): float(value) for index, value in pairs})


# From conv4_1 on, the numbers are from a copy rounded to eight bits: deviations are exact to three
# digits, and there are no hashes of kernels.
OXFORD_19_LAYERS = {
    "conv1_1": _fingerprint(0.19138, "f8ee325686ded007", "f8941ad2059e42cc", 60, 0,
                      "-.29262 -.18286 .01548 -.22496 .15627 .37053 -.15314 .09032 .20115"),
    "conv1_2": _fingerprint(0.03988, "6359a74e0dcd6dd6", "5761d90241981f04", 10, 10,
                      "-.07676 -.09626 -.02142 -.13186 .02713 .11514 .10536 .22960 .07155"),
    "conv2_1": _fingerprint(0.02999, "b041ae17dca50654", "4b770cb032dabd86", 80, 45,
                      "-.12026 .09554 .27315 -.21271 .02000 .22705 -.27555 -.08667 .10393"),
    "conv2_2": _fingerprint(0.02229, "f4ce3ca269e6523b", "2b817920c16e27b4", 101, 109,
                      "-.06422 .10696 -.00927 -.10365 .00557 .13836 -.02570 -.10455 .06710"),
    "conv3_1": _fingerprint(0.01650, "4ce2a8bd985dc3ac", "b00b2e1b3f88d364", 40, 3,
                      ".02375 -.01040 -.03017 .11790 -.02511 -.09649 .12201 -.00322 -.07663"),
    "conv3_2": _fingerprint(0.01109, "5e082fa2a7741488", "8a2d2d519f265c12", 135, 157,
                      ".06845 .14308 .10932 -.02993 .00362 .05801 -.04563 -.06014 .00769"),
    "conv3_3": _fingerprint(0.01023, "01ffd66f0d43827d", "9af5673e3e3a99dc", 0, 2,
                      "-.02052 .04287 -.03506 -.05151 .11008 .05810 -.04467 .02031 .05612"),
    "conv3_4": _fingerprint(0.01032, "4caecc66b12469af", "2f7261deddc17113", 168, 166,
                      "-.00461 .08791 .10988 .12109 .12361 -.00057 .02045 -.05510 -.05553"),
    "conv4_1": _fingerprint(0.00816, None, "4db22eed4328f154", 260, 77,
                      ".01578 -.05596 -.09900 .14922 .03587 -.10187 .12627 .04448 -.06855"),
    "conv4_2": _fingerprint(0.00634, None, "927639a4cf43a652", 107, 142,
                      "-.04921 -.03346 .02165 -.05118 -.00984 .04134 -.02165 .00984 .04957"),
    "conv4_3": _fingerprint(0.00691, None, "c6745626bda6a197", 356, 218,
                      "-.00762 .05178 .13860 -.00762 .03503 .11423 .00000 .01523 .05061"),
    "conv4_4": _fingerprint(0.00749, None, "5ef6b81525816eb3", 168, 71,
                      ".09820 -.05050 -.09119 .13328 .00281 -.09680 .01543 .01824 -.02546"),
    "conv5_1": _fingerprint(0.00820, None, "8179000537abc0f2", 501, 449,
                      ".00000 .08268 .06651 -.00899 .01438 .03056 -.04853 -.05213 -.03691"),
    "conv5_2": _fingerprint(0.00842, None, "43646ac2708c4627", 457, 253,
                      ".09175 .11927 .02202 .02202 -.00917 -.04771 -.02752 -.04404 -.04837"),
    "conv5_3": _fingerprint(0.00841, None, "b0d7ac8760c769d8", 210, 492,
                      "-.05324 -.05628 -.03042 .00608 .00000 -.00761 .08214 .05476 .01177"),
    "conv5_4": _fingerprint(0.00814, None, "f4960e334fa65b36", 434, 171,
                      "-.01118 .00559 -.02682 .00782 .03017 -.02235 .06482 .08046 .01092"),
}

# From the same copy.
OXFORD_19_BIASES = {
    "conv1_1": _biases(0.46782, 0.29507, "6:-.0124 24:.0322 41:1.1081 31:1.7519"),
    "conv1_2": _biases(0.04234, 0.30645, "16:-.9589 20:-.6865 33:.5494 4:.7764"),
    "conv2_1": _biases(0.10761, 0.11714, "75:-.1704 91:-.1391 24:.3436 83:.3515"),
    "conv2_2": _biases(0.00904, 0.18096, "36:-.5343 104:-.3932 85:.4162 70:.6119"),
    "conv3_1": _biases(0.01619, 0.06462, "220:-.1734 4:-.1621 174:.1983 115:.2295"),
    "conv3_2": _biases(0.04312, 0.07354, "204:-.1603 229:-.1567 79:.2710 97:.2726"),
    "conv3_3": _biases(0.04326, 0.07170, "164:-.1125 60:-.1120 33:.2862 122:.3458"),
    "conv3_4": _biases(0.01875, 0.04659, "49:-.0916 104:-.0619 62:.1797 229:.2502"),
    "conv4_1": _biases(0.01304, 0.01970, "53:-.0353 434:-.0334 398:.0805 377:.0819"),
    "conv4_2": _biases(0.01242, 0.01814, "416:-.0566 77:-.0551 106:.0845 428:.1113"),
    "conv4_3": _biases(0.01809, 0.02177, "214:-.0724 319:-.0656 59:.0729 356:.0890"),
    "conv4_4": _biases(0.01915, 0.04025, "180:-.1110 63:-.0968 161:.1576 51:.1883"),
    "conv5_1": _biases(0.02804, 0.07688, "446:-.1349 6:-.1283 444:.2767 101:.3115"),
    "conv5_2": _biases(0.06537, 0.11774, "473:-.2850 261:-.2577 127:.4308 242:.4643"),
    "conv5_3": _biases(0.05368, 0.25870, "508:-1.4180 431:-1.0147 455:.9842 273:1.0058"),
    "conv5_4": _biases(0.17162, 0.52039, "1:-.4857 435:-.4548 155:3.2195 315:9.6113"),
}

OXFORD_INPUT = Preprocessing()
TORCHVISION_INPUT = Preprocessing(
    color_order="RGB", input_range=(0.0, 1.0), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
)
TORCHVISION_LICENCE = (
    "VGG trained by the authors of torchvision (PyTorch), after Karen Simonyan and Andrew "
    "Zisserman; distributed with torchvision, whose licence is BSD 3-Clause."
)

OXFORD_19 = KnownNetwork(
    title="Oxford's VGG19",
    architecture="vgg19",
    preprocessing=OXFORD_INPUT,
    kernel=_kernel(".34120 .33999 -.04484 .23216 .08978 -.30331 -.07261 -.24668 -.33683"),
    bias=np.array([0.73018, 0.06494, 0.03429]),
    licence=vgg_spec.LICENCE,
    layers={name: replace(known, sketch=sketches.published()[name])
            for name, known in OXFORD_19_LAYERS.items()},
    biases={name: replace(known, sketch=sketches.published()[name])
            for name, known in OXFORD_19_BIASES.items()},
)
OXFORD_16 = KnownNetwork(
    title="Oxford's VGG16",
    architecture="vgg16",
    preprocessing=OXFORD_INPUT,
    kernel=_kernel(".42947 .37347 -.06136 .27477 .03868 -.36722 -.05747 -.26225 -.35010"),
    bias=np.array([0.73430, 0.09340, 0.06776]),
    licence=vgg_spec.LICENCE,
)
TORCHVISION_19 = KnownNetwork(
    title="torchvision's VGG19",
    architecture="vgg19",
    preprocessing=TORCHVISION_INPUT,
    kernel=_kernel("-.053474 -.049257 -.067942 .015314 .045068 .0021444 .036226 .019999 .019864"),
    licence=TORCHVISION_LICENCE,
)
TORCHVISION_16 = KnownNetwork(
    title="torchvision's VGG16",
    architecture="vgg16",
    preprocessing=TORCHVISION_INPUT,
    kernel=_kernel("-.5537 .1427 .5290 -.5831 .3566 .7657 -.6902 -.0480 .4841"),
    licence=TORCHVISION_LICENCE,
)

KNOWN = (OXFORD_19, OXFORD_16, TORCHVISION_19, TORCHVISION_16)
