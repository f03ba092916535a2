"""Pictures that the student itself has painted, to learn from.

A style transfer drives its picture to wherever the student is pleased, which is where the student
is wrong first. So some lessons are pictures on their way through a style transfer by the student
as it is now; the teacher says what they really look like, as an expert corrects a learner in the
states that the learner's own doing leads to.

References
----------
Ross, Gordon, Bagnell, "A Reduction of Imitation Learning and Structured Prediction to No-Regret
Online Learning" (2011): DAgger.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import minigrad.functional as F
from minigrad import Tensor, no_grad, optim
from nst.config.settings import Settings
from nst.model import small
from tools.distill.batches import Lesson, Teacher
from tools.distill.crops import Crops
from tools.distill.plan import INPUT_DEVIATION, Parameters

STYLE_LAYERS = tuple(Settings().style_layers)
CONTENT_LAYER = "relu4_2"
SIDE, COUNT = 144, 3        # of each batch
BATCHES = 6                 # batches that are on their way at any time
STEPS = 3                   # of the picture, before it is a lesson again
LIFETIME = 14               # lessons, after which a new picture is begun
RATE = 6.0                  # grey levels: Adam's step
CONTENT_WEIGHT = 0.02       # beside the five errors of style


@dataclass
class Painting:
    """A batch of pictures on their way from their content to their style."""

    picture: Tensor             # N×3×H×W, centred
    optimizer: optim.Adam
    content: Tensor
    style: Tensor
    age: int = 0


class Studio:
    """Batches of pictures that are being painted by the student.

    Parameters
    ----------
    teacher : Teacher
    crops : Crops
        Where contents and styles come from.
    seed : int
    """

    def __init__(self, teacher: Teacher, crops: Crops, seed: int) -> None:
        self.teacher, self.crops, self.seed = teacher, crops, seed
        self.paintings: dict[int, Painting] = {}

    def lesson(self, number: int, parameters: Parameters) -> Lesson:
        """Let the student with these parameters take a batch some steps further, and ask the
        teacher about it; lessons go through the batches in turn.
        """
        place = number % BATCHES
        painting = self.paintings.get(place)
        if painting is None or painting.age >= LIFETIME:
            painting = self.paintings[place] = self._begin(number)
        _paint(painting, parameters)
        painting.age += 1
        pictures = painting.picture.numpy().copy()
        return Lesson(pictures, self.teacher.features(pictures))

    def _begin(self, number: int) -> Painting:
        rng = np.random.default_rng([self.seed, 4, number])
        content, style = (self.teacher.centred(np.stack(
            [self.crops.styled(SIDE, kind, rng) for _ in range(COUNT)]))
            for kind in ("photograph", "painting"))
        start = content
        if rng.random() < 0.25:
            start = rng.normal(0, 30, content.shape).astype(np.float32)
        picture = Tensor(start, requires_grad=True)
        return Painting(picture, optim.Adam([picture], lr=RATE * rng.uniform(0.5, 1.5)),
                        Tensor(content), Tensor(style))


def _paint(painting: Painting, parameters: Parameters) -> None:
    frozen = {name: (weight.detach(), bias.detach())
              for name, (weight, bias) in parameters.items()}

    def look(picture: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        return small.features(picture / INPUT_DEVIATION, frozen, layers)

    with no_grad():
        style = {layer: F.gram_matrix(features)
                 for layer, features in look(painting.style, STYLE_LAYERS).items()}
        content = look(painting.content, (CONTENT_LAYER,))[CONTENT_LAYER]
    for _ in range(STEPS):
        painting.picture.grad = None
        found = look(painting.picture, (*STYLE_LAYERS, CONTENT_LAYER))
        loss = CONTENT_WEIGHT * F.mse_loss(found[CONTENT_LAYER], content)
        for layer in STYLE_LAYERS:
            loss = loss + gram_error(F.gram_matrix(found[layer]), style[layer]).mean()
        loss.backward()
        painting.optimizer.step()


def gram_error(gram: Tensor, target: Tensor) -> Tensor:
    """‖G − G*‖² / ‖G*‖² of each picture of a batch: N×C×C and N×C×C to N."""
    difference = gram - target
    return (difference * difference).sum((1, 2)) / ((target * target).sum((1, 2)) + 1e-6)
