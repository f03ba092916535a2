"""Training batches painted by the small network itself.

A style transfer drives its picture to where the network's loss is low, and that is where errors of
the network show first. So some batches are pictures in the middle of a style transfer by the
current small network, labelled by the teacher. This is like imitation learning in which an expert
labels the states that the learner's own policy reaches. The pictures are painted as `nst` paints by
default: the levels of a pyramid are optimised for the W₂ distances to the style. Each starts as the
photograph, as the photograph with the mean and covariance of the style's colours, or as noise.

References
----------
Ross, Gordon, Bagnell, "A Reduction of Imitation Learning and Structured Prediction to No-Regret
Online Learning" (2011): DAgger.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import minigrad.functional as F
from minigrad import Tensor, cat, no_grad, optim
from nst.config.settings import Settings
from nst.model import small
from nst.optimize.variables import Pyramid
from nst.pictures.colors import match_affine
from tools.distill.batches import Batch, Teacher
from tools.distill.crops import Crops
from tools.distill.distances import NormalTarget
from tools.distill.plan import INPUT_DEVIATION, Parameters

STYLE_LAYERS = tuple(Settings().style_layers)
CONTENT_LAYER = "relu4_2"
SIDE, COUNT = 144, 3        # pixels of a side, pictures in a batch
BATCHES = 6                 # batches in progress at any time
STEPS = 2                   # of the optimiser between two uses of a batch
LIFETIME = 14               # uses of a batch before new pictures replace it
RATE = 4.0                  # grey levels per level of the pyramid: Adam's learning rate
CONTENT_WEIGHT = 0.1        # relative to the five style errors


@dataclass
class Painting:
    """A batch of pictures in the middle of a style transfer."""

    variables: list[Pyramid]    # one for each picture 1×3×H×W, centred
    optimizer: optim.Adam
    content: Tensor             # N×3×H×W, centred
    style: Tensor
    age: int = 0

    def picture(self) -> Tensor:
        """The pictures, N×3×H×W."""
        return cat([variable.picture for variable in self.variables])


class GeneratedBatches:
    """Batches of pictures that the small network is painting.

    Parameters
    ----------
    teacher : Teacher
    crops : Crops
        Source of content and style pictures.
    seed : int
    """

    def __init__(self, teacher: Teacher, crops: Crops, seed: int) -> None:
        self.teacher, self.crops, self.seed = teacher, crops, seed
        self.paintings: dict[int, Painting] = {}

    def batch(self, number: int, parameters: Parameters) -> Batch:
        """Batch `number`, painted `STEPS` further with `parameters` and labelled by the teacher.

        Successive numbers go through the batches in progress in turn.
        """
        place = number % BATCHES
        painting = self.paintings.get(place)
        if painting is None or painting.age >= LIFETIME:
            painting = self.paintings[place] = self._begin(number)
        _paint(painting, parameters)
        painting.age += 1
        with no_grad():
            pictures = painting.picture().numpy()
        return Batch(pictures, self.teacher.features(pictures))

    def _begin(self, number: int) -> Painting:
        rng = np.random.default_rng([self.seed, 4, number])
        content, style = (np.stack([self.crops.styled(SIDE, kind, rng) for _ in range(COUNT)])
                          for kind in ("photograph", "painting"))
        start, chance = content, rng.random()
        if chance < 0.4:
            start = np.stack([match_affine(*pair) for pair in zip(content, style)])
        elif chance < 0.6:
            start = rng.normal(128, 30, content.shape)
        start, content, style = map(self.teacher.centred, (start, content, style))
        variables = [Pyramid(Tensor(one[None].astype(np.float32), requires_grad=True))
                     for one in start]
        levels = [level for variable in variables for level in variable.parameters]
        return Painting(variables, optim.Adam(levels, lr=RATE * rng.uniform(0.5, 1.5)),
                        Tensor(content), Tensor(style))


def _paint(painting: Painting, parameters: Parameters) -> None:
    frozen = {name: (weight.detach(), bias.detach())
              for name, (weight, bias) in parameters.items()}

    def features_of(picture: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        return dict(small.walk(picture / INPUT_DEVIATION, frozen, layers))

    with no_grad():
        style = {layer: NormalTarget(feature.numpy())
                 for layer, feature in features_of(painting.style, STYLE_LAYERS).items()}
        content = features_of(painting.content, (CONTENT_LAYER,))[CONTENT_LAYER]
    for _ in range(STEPS):
        for variable in painting.variables:
            variable.picture.grad = None
        features = features_of(painting.picture(), (*STYLE_LAYERS, CONTENT_LAYER))
        loss = CONTENT_WEIGHT * F.mse_loss(features[CONTENT_LAYER], content)
        for layer in STYLE_LAYERS:
            loss = loss + style[layer].error(features[layer]).mean()
        loss.backward()
        for variable in painting.variables:
            variable.pull_gradient()
        painting.optimizer.step()
        for variable in painting.variables:
            variable.update_picture()
