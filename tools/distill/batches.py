"""Lessons: a batch of pictures, and what the teacher makes of them.

The teacher costs more than the student, so each lesson is given twice, some time apart. Lesson n
follows from the seed and n alone: a run that was stopped goes on with the same lessons.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from minigrad import Tensor, no_grad
from nst.model import vgg
from tools.distill.crops import Crops

# Batches of about as many pixels each: large crops show the deep layers something that is not
# near the border, small ones show more different things.
SIZES = ((6, 112), (3, 160))
TERM = 40               # lessons after which the same ones are given again, in another order


@dataclass(frozen=True)
class Lesson:
    """Centred pictures N×3×H×W, and layer -> the teacher's features N×C×H'×W' over the layer's
    deviation; float16 where they are kept.
    """

    pictures: np.ndarray
    features: dict[str, np.ndarray]


class Teacher:
    """VGG19 with its features divided by each layer's deviation, so that all are of order 1.

    Parameters
    ----------
    network : vgg.Network
        Takes centred BGR pictures or RGB ones, as it says itself.
    scales : dict
        Layer -> deviation of its features; these are the layers that are taught.
    """

    def __init__(self, network: vgg.Network, scales: dict[str, float]) -> None:
        self.network, self.scales = network, scales

    def features(self, pictures: np.ndarray) -> dict[str, np.ndarray]:
        """Layer -> features of centred pictures N×3×H×W, divided by the layer's deviation."""
        with no_grad():
            found = self.network.features(Tensor(pictures), tuple(self.scales))
        return {layer: found[layer].numpy() / np.float32(scale)
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

    Channels differ by a factor of a hundred. Of those that hardly ever answer, a twentieth of
    the layer's deviation is taken, for a few crops say little about them.
    """
    teacher = Teacher(network, dict.fromkeys(layers, 1.0))
    rng = np.random.default_rng([seed, 1])
    variances: dict[str, list[np.ndarray]] = {layer: [] for layer in layers}
    for _ in range(batches):
        found = teacher.features(teacher.centred(crops.batch(*SIZES[0], rng)))
        for layer, features in found.items():
            variances[layer].append(features.var((0, 2, 3), dtype=np.float64))
    means = {layer: np.mean(values, axis=0) for layer, values in variances.items()}
    return {layer: np.sqrt(np.maximum(mean, mean.mean() / 400)).astype(np.float32)
            for layer, mean in means.items()}


def scale(deviation: np.ndarray) -> float:
    """The deviation of a whole layer, from those of its channels."""
    return float(np.sqrt(np.mean(np.square(deviation, dtype=np.float64))))


class Lessons:
    """Lessons by their number, and which one comes at which step."""

    def __init__(self, teacher: Teacher, crops: Crops, seed: int) -> None:
        self.teacher, self.crops, self.seed = teacher, crops, seed
        self.kept: dict[int, Lesson] = {}

    def at(self, step: int) -> Lesson:
        """The lesson of a training step: a term of new ones, then the same ones shuffled."""
        term, place = divmod(step, 2 * TERM)
        if place < TERM:
            lesson = self.make(term * TERM + place)
            self.kept[term * TERM + place] = _stored_as(lesson, np.float16)
            return lesson
        order = np.random.default_rng([self.seed, 2, term]).permutation(TERM)
        number = int(term * TERM + order[place - TERM])
        kept = self.kept.pop(number, None)      # not there if the run was resumed in between
        return _stored_as(kept, np.float32) if kept else self.make(number)

    def make(self, number: int) -> Lesson:
        """Lesson ``number``, which follows from the seed."""
        rng = np.random.default_rng([self.seed, 3, number])
        pictures = self.teacher.centred(self.crops.batch(*SIZES[number % len(SIZES)], rng))
        return Lesson(pictures, self.teacher.features(pictures))


def _stored_as(lesson: Lesson, dtype: type) -> Lesson:
    """The same lesson with features of that type."""
    return Lesson(lesson.pictures, {layer: features.astype(dtype)
                                    for layer, features in lesson.features.items()})
