"""The judge of the result: a small network that classifies the two domains by their texture.

It is trained on the training pictures after random colour maps, so that colours alone say little.
A translation passes if the judge, which has never seen it, assigns it to the target domain. The
baseline is recolouring: the best constant colour map, the same for all pixels of all pictures,
optimised against this judge.

A colour map here is c ↦ M·(c − m) + m + s for colours c with mean m. M is symmetric and positive
definite, as in the map of minimum change between two distributions of colours, so it does not
rotate colours (Pitié and Kokaram, "The linear Monge-Kantorovitch linear colour mapping for
example-based colour transfer", 2007). M changes no contrast by more than a factor of 2, and s moves
no colour by more than an eighth of the range. Without such bounds the "best" map destroys the
picture: it amplifies the difference of two colours, which contains only noise.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np

import minigrad as mg
from examples import common
from examples.cyclegan.domains import Domains
from examples.cyclegan.train import Trainer
from minigrad import functional as F
from minigrad import nn, optim

STEPS, BATCH, RATE = 700, 16, 2e-3
MAP_STEPS, MAP_RATE = 200, 2e-2
CONTRAST, SHIFT = 2.0, 0.25     # bounds of the colour maps; colours are −1 … 1


class Judge(nn.Module):
    """Pictures N×3×H×W to scores N×2: of domain A, of domain B.

    Each channel of each picture is normalised first, to remove brightness and contrast.
    """

    def __init__(self) -> None:
        self.features = nn.Sequential(
            nn.Conv2d(3, 16, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(16, 32, 4, 2, 1),
            nn.LeakyReLU(0.2), nn.Conv2d(32, 32, 4, 2, 1), nn.LeakyReLU(0.2))
        self.scores = nn.Linear(32, 2)

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        return self.scores(self.features(F.instance_norm(x)).mean((2, 3)))


@dataclass
class Verdict:
    """Shares of held-out pictures, 0 … 1, and mean |G(F(x)) − x| for pixels in 0 … 1.

    Attributes
    ----------
    real : share of real pictures that the judge assigns to their own domain.
    a_to_b, b_to_a : share of translations that it assigns to the target domain.
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
    """Apply a random colour map to each picture, about its mean colour; clip to −1 … 1."""
    count, limit = len(pictures), np.log(CONTRAST)
    axes, _ = np.linalg.qr(rng.normal(size=(count, 3, 3)))
    factors = np.exp(rng.uniform(-limit, limit, (count, 3)))
    matrix = np.einsum("nij,nj,nkj->nik", axes, factors, axes)
    shift = rng.uniform(-SHIFT, SHIFT, (count, 3))
    means = pictures.mean((2, 3))
    return np.concatenate([mapped(picture[None], ColourMap(*parts)) for picture, *parts in
                           zip(pictures, matrix, means, shift)])


def train(domains: Domains, seed: int, device: str = "cpu", steps: int = STEPS) -> Judge:
    """Train a judge on recoloured pictures of both domains, in equal numbers."""
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
    """Return the share of pictures that the judge assigns to `domain`, 0 (A) or 1 (B)."""
    device = next(judge.parameters()).device
    with mg.no_grad():
        found = [judge(mg.tensor(p[None], device=device)).numpy().argmax() for p in pictures]
    return float(np.mean(np.array(found) == domain))


class ColourMap(NamedTuple):
    """c ↦ M·(c − m) + m + s: M 3×3, m and s 3."""

    matrix: np.ndarray
    mean: np.ndarray
    shift: np.ndarray


def mapped(pictures: np.ndarray, colours: ColourMap) -> np.ndarray:
    """Return pictures N×3×H×W after a colour map, clipped."""
    mean, shift = colours.mean[:, None, None], colours.shift[:, None, None]
    result = np.einsum("ij,njhw->nihw", colours.matrix, pictures - mean) + mean + shift
    return np.clip(result, -1, 1).astype(np.float32)


def best_colour_map(judge: Judge, pictures: np.ndarray, domain: int, seed: int,
                    steps: int = MAP_STEPS) -> ColourMap:
    """Return the colour map, about the mean of all, that best makes the judge see `domain`.

    Adam minimises the judge's cross-entropy over the training pictures, starting from the
    identity. After each step the map is projected into its bounds.
    """
    rng, device = np.random.default_rng(seed), next(judge.parameters()).device
    average = pictures.mean((0, 2, 3))
    mean = mg.tensor(average.reshape(1, 3, 1, 1), device=device)
    matrix = mg.tensor(np.eye(3), dtype=np.float32, device=device, requires_grad=True)
    shift = mg.zeros(1, 3, 1, 1, device=device, requires_grad=True)
    optimizer = optim.Adam([matrix, shift], MAP_RATE)
    target = mg.tensor([domain] * BATCH, device=device)
    judge.requires_grad_(False)
    for _ in common.progress(range(steps), "colour map"):
        x = mg.tensor(pictures[rng.integers(0, len(pictures), BATCH)], device=device)
        optimizer.zero_grad()
        colours = mg.einsum("ij,njhw->nihw", matrix, x - mean) + mean + shift
        F.cross_entropy(judge(colours.clip(-1, 1)), target).backward()
        optimizer.step()
        with mg.no_grad():
            matrix.copy_(mg.tensor(within_bounds(matrix.numpy()), device=device))
            shift.clip_(-SHIFT, SHIFT)
    judge.requires_grad_(True)
    return ColourMap(matrix.numpy(), average, shift.numpy().reshape(3))


def within_bounds(matrix: np.ndarray) -> np.ndarray:
    """Return the nearest symmetric matrix with eigenvalues between 1/CONTRAST and CONTRAST."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    values = np.clip(values, 1 / CONTRAST, CONTRAST)
    return ((vectors * values) @ vectors.T).astype(np.float32)


def judge_translations(trainer: Trainer, domains: Domains, judge: Judge,
                       map_steps: int = MAP_STEPS) -> Verdict:
    """Return all shares and cycle errors on the held-out pictures."""
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
    """Return the mean absolute difference, for pixels in 0 … 1."""
    return float(np.abs(one - other).mean() / 2)
