"""The judge of the result: a small network that tells the two domains apart, by their texture.

It is trained on the training pictures with random colour maps in front, so that colours alone
tell it little. A translation counts if the judge, which has never seen it, takes it for a picture
of the target domain. The yardstick is what recolouring can do: the best constant colour map, an
affine map of the three colours that is the same for all pixels of all pictures, optimised against
this very judge.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

import minigrad as mg
from examples import common
from examples.cyclegan.domains import Domains
from examples.cyclegan.train import Trainer
from minigrad import functional as F
from minigrad import nn, optim

STEPS, BATCH, RATE = 500, 16, 2e-3
MAP_STEPS, MAP_RATE = 200, 2e-2


class Judge(nn.Module):
    """Pictures N×3×H×W to scores N×2: of domain A, of domain B."""

    def __init__(self) -> None:
        self.features = nn.Sequential(
            nn.Conv2d(3, 16, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(16, 32, 4, 2, 1),
            nn.LeakyReLU(0.2), nn.Conv2d(32, 32, 4, 2, 1), nn.LeakyReLU(0.2))
        self.scores = nn.Linear(32, 2)

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        return self.scores(self.features(x).mean((2, 3)))


@dataclass
class Verdict:
    """Shares of held-out pictures, 0 … 1, and mean |G(F(x)) − x| on the scale 0 … 1 of pixels.

    Attributes
    ----------
    real : of real pictures that the judge puts into their own domain.
    a_to_b, b_to_a : of translations that it takes for the target.
    colour_a_to_b, colour_b_to_a : the same for the best constant colour map.
    """

    real: float
    a_to_b: float
    b_to_a: float
    colour_a_to_b: float
    colour_b_to_a: float
    cycle_a: float
    cycle_b: float

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


def recoloured(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each picture with a random affine map of its colours; clipped to −1 … 1."""
    matrix = np.eye(3) * rng.uniform(0.5, 1.5, (len(pictures), 1, 1)) \
        + rng.normal(0, 0.15, (len(pictures), 3, 3))
    shift = rng.normal(0, 0.2, (len(pictures), 3, 1, 1))
    mapped = np.einsum("nij,njhw->nihw", matrix, pictures) + shift
    return np.clip(mapped, -1, 1).astype(np.float32)


def train(domains: Domains, seed: int, device: str = "cpu", steps: int = STEPS) -> Judge:
    """A judge, from recoloured pictures of both domains in equal numbers."""
    mg.manual_seed(seed)
    rng = np.random.default_rng(seed)
    judge = Judge().to(device)
    optimizer = optim.Adam(judge.parameters(), RATE)
    labels = mg.tensor([0] * (BATCH // 2) + [1] * (BATCH // 2), device=device)
    for _ in common.progress(range(steps), "judge"):
        both = [pictures[rng.integers(0, len(pictures), BATCH // 2)]
                for pictures in (domains.train_a, domains.train_b)]
        x = mg.tensor(recoloured(np.concatenate(both), rng), device=device)
        optimizer.zero_grad()
        F.cross_entropy(judge(x), labels).backward()
        optimizer.step()
    return judge


def share(judge: Judge, pictures: np.ndarray, domain: int) -> float:
    """The share of pictures that the judge puts into ``domain``, 0 (A) or 1 (B)."""
    device = next(judge.parameters()).device
    with mg.no_grad():
        found = [judge(mg.tensor(p[None], device=device)).numpy().argmax() for p in pictures]
    return float(np.mean(np.array(found) == domain))


def best_colour_map(judge: Judge, pictures: np.ndarray, domain: int, seed: int,
                    steps: int = MAP_STEPS) -> tuple[np.ndarray, np.ndarray]:
    """(matrix 3×3, shift 3) of the map after which the judge sees ``domain`` most.

    Adam on the judge's cross-entropy over the training pictures, from the identity on.
    """
    rng, device = np.random.default_rng(seed), next(judge.parameters()).device
    matrix = mg.tensor(np.eye(3), dtype=np.float32, device=device, requires_grad=True)
    shift = mg.zeros(1, 3, 1, 1, device=device, requires_grad=True)
    optimizer = optim.Adam([matrix, shift], MAP_RATE)
    target = mg.tensor([domain] * BATCH, device=device)
    judge.requires_grad_(False)
    for _ in common.progress(range(steps), "colour map"):
        x = mg.tensor(pictures[rng.integers(0, len(pictures), BATCH)], device=device)
        optimizer.zero_grad()
        mapped = (mg.einsum("ij,njhw->nihw", matrix, x) + shift).clip(-1, 1)
        F.cross_entropy(judge(mapped), target).backward()
        optimizer.step()
    judge.requires_grad_(True)
    return matrix.numpy(), shift.numpy().reshape(3)


def mapped(pictures: np.ndarray, colours: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Pictures after a colour map, clipped."""
    matrix, shift = colours
    result = np.einsum("ij,njhw->nihw", matrix, pictures) + shift[:, None, None]
    return np.clip(result, -1, 1).astype(np.float32)


def judge_translations(trainer: Trainer, domains: Domains, judge: Judge,
                       map_steps: int = MAP_STEPS) -> Verdict:
    """All shares and cycle errors on the held-out pictures."""
    fake_b = trainer.translate(domains.test_a, "b")
    fake_a = trainer.translate(domains.test_b, "a")
    seed = trainer.settings.seed
    to_b = best_colour_map(judge, domains.train_a, 1, seed, map_steps)
    to_a = best_colour_map(judge, domains.train_b, 0, seed, map_steps)
    real = [share(judge, domains.test_a, 0), share(judge, domains.test_b, 1)]
    return Verdict(
        real=float(np.mean(real)), a_to_b=share(judge, fake_b, 1), b_to_a=share(judge, fake_a, 0),
        colour_a_to_b=share(judge, mapped(domains.test_a, to_b), 1),
        colour_b_to_a=share(judge, mapped(domains.test_b, to_a), 0),
        cycle_a=_distance(trainer.translate(fake_b, "a"), domains.test_a),
        cycle_b=_distance(trainer.translate(fake_a, "b"), domains.test_b))


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    """Mean absolute difference on the scale 0 … 1."""
    return float(np.abs(one - other).mean() / 2)
