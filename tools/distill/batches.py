"""Training batches: pictures with the teacher's features.

The teacher costs more than the small network, so each batch is used twice, some time apart. Batch n
only depends on the seed and n, so a resumed run uses the same batches.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from minigrad import Tensor, no_grad
from nst.model import vgg
from tools.distill.crops import Crops

# (crops, side) of batches with about the same number of pixels. Large crops give the deep layers
# content away from the border, small ones give more variety.
SIZES = ((6, 112), (3, 160))
REPLAY_AFTER = 40       # batches, after which they are used again in another order


@dataclass(frozen=True)
class Batch:
    """Pictures with the teacher's features.

    Attributes
    ----------
    pictures : array, N×3×H×W
        Centred: the mean pixel is subtracted.
    features : dict
        Layer -> array N×C×H'×W', divided by the layer's standard deviation; float16 in the cache.
    """

    pictures: np.ndarray
    features: dict[str, np.ndarray]


class Teacher:
    """VGG19 with its features divided by each layer's standard deviation.

    Parameters
    ----------
    network : vgg.Network
        Its `color_order` tells whether its input is BGR or RGB.
    scales : dict
        Layer -> standard deviation of its features; only these layers are evaluated.
    """

    def __init__(self, network: vgg.Network, scales: dict[str, float]) -> None:
        self.network, self.scales = network, scales

    def features(self, pictures: np.ndarray) -> dict[str, np.ndarray]:
        """Layer -> features of centred pictures N×3×H×W, divided by the layer's scale."""
        with no_grad():
            features = self.network.features(Tensor(pictures), tuple(self.scales))
        return {layer: features[layer].numpy() / np.float32(scale)
                for layer, scale in self.scales.items()}

    def centred(self, crops: np.ndarray) -> np.ndarray:
        """RGB crops N×H×W×3, 0-255, as centred pictures N×3×H×W; channels stay innermost."""
        if self.network.color_order == "BGR":
            crops = crops[..., ::-1]
        pictures = np.ascontiguousarray(crops - np.array(self.network.mean, np.float32))
        return pictures.transpose(0, 3, 1, 2)


def deviations(network: vgg.Network, layers: Collection[str], crops: Crops, seed: int,
               batches: int = 6) -> dict[str, np.ndarray]:
    """Layer -> standard deviation of each channel of VGG19.

    Channels differ by a factor of a hundred. Rarely active ones are raised to a twentieth of the
    layer's deviation, because a few crops contain little information about them.
    """
    teacher = Teacher(network, dict.fromkeys(layers, 1.0))
    rng = np.random.default_rng([seed, 1])
    variances: dict[str, list[np.ndarray]] = {layer: [] for layer in layers}
    for _ in range(batches):
        batch = teacher.features(teacher.centred(crops.batch(*SIZES[0], rng)))
        for layer, features in batch.items():
            variances[layer].append(features.var((0, 2, 3), dtype=np.float64))
    means = {layer: np.mean(values, axis=0) for layer, values in variances.items()}
    return {layer: np.sqrt(np.maximum(mean, mean.mean() / 400)).astype(np.float32)
            for layer, mean in means.items()}


def scale(deviation: np.ndarray) -> float:
    """The standard deviation of a whole layer, from those of its channels."""
    return float(np.sqrt(np.mean(np.square(deviation, dtype=np.float64))))


class Batches:
    """Batches by number, each used twice."""

    def __init__(self, teacher: Teacher, crops: Crops, seed: int) -> None:
        self.teacher, self.crops, self.seed = teacher, crops, seed
        self.cached: dict[int, Batch] = {}

    def at(self, step: int) -> Batch:
        """The batch of a training step: `REPLAY_AFTER` new ones, then the same ones shuffled."""
        round_, place = divmod(step, 2 * REPLAY_AFTER)
        if place < REPLAY_AFTER:
            batch = self.make(round_ * REPLAY_AFTER + place)
            self.cached[round_ * REPLAY_AFTER + place] = _astype(batch, np.float16)
            return batch
        order = np.random.default_rng([self.seed, 2, round_]).permutation(REPLAY_AFTER)
        number = int(round_ * REPLAY_AFTER + order[place - REPLAY_AFTER])
        cached = self.cached.pop(number, None)      # missing if the run was resumed in between
        return _astype(cached, np.float32) if cached else self.make(number)

    def make(self, number: int) -> Batch:
        """Batch `number`, which only depends on the seed."""
        rng = np.random.default_rng([self.seed, 3, number])
        pictures = self.teacher.centred(self.crops.batch(*SIZES[number % len(SIZES)], rng))
        return Batch(pictures, self.teacher.features(pictures))


def _astype(batch: Batch, dtype: type) -> Batch:
    """The same batch with features of another element type."""
    return Batch(batch.pictures, {layer: features.astype(dtype)
                                  for layer, features in batch.features.items()})
