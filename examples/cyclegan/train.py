"""Training: one step of all four networks, the learning-rate schedule, checkpoints."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from examples.cyclegan import losses
from examples.cyclegan.domains import Domains
from examples.cyclegan.networks import Discriminator, Generator
from examples.cyclegan.pool import Pool
from minigrad import io, nn, optim
from minigrad.errors import FileError

BETAS = (0.5, 0.999)        # of Adam, from the paper's code; the document does not say
NAMES = ("adversarial_ab", "adversarial_ba", "cycle_a", "cycle_b", "identity", "d_a", "d_b")


@dataclass(frozen=True)
class Settings:
    """Settings of a run, saved with every checkpoint.

    Attributes
    ----------
    size : side of the pictures in pixels.
    filters, blocks : of the generators.
    discriminator : a key of `networks.DISCRIMINATORS`.
    steps : pairs of pictures to learn from (batch 1).
    rate : of Adam for the first half of the steps; then it falls linearly to 0.
    cycle_weight, identity_weight : λ of the paper, and the identity loss as a share of it.
    pool : how many translations are kept.
    """

    size: int = 64
    filters: int = 16
    blocks: int = 4
    discriminator: str = "patch34"
    steps: int = 6000
    rate: float = 2e-4
    cycle_weight: float = 10.0
    identity_weight: float = 0.5
    pool: int = 50
    seed: int = 0


class LinearDecay(optim.lr_scheduler.LRScheduler):
    """The base rate for the first half of `steps`, then a linear fall to 0."""

    def __init__(self, optimizer: optim.Optimizer, steps: int) -> None:
        self.steps = steps
        super().__init__(optimizer)

    def rate(self, base: float, t: int) -> float:
        return base * min(1.0, max(0.0, 2 * (self.steps - t) / self.steps))


class Trainer:
    """Two generators, two discriminators, and the state needed to stop and resume.

    Attributes
    ----------
    step : number of steps done.
    history : the losses of `NAMES` in each step.
    """

    def __init__(self, settings: Settings, device: str = "cpu") -> None:
        self.settings, self.device = settings, device
        mg.manual_seed(settings.seed)
        self.to_b, self.to_a = (Generator(settings.filters, settings.blocks).to(device)
                                for _ in range(2))
        self.judge_a, self.judge_b = (Discriminator(settings.discriminator).to(device)
                                      for _ in range(2))
        self.optimizers = [optim.Adam(self._parameters(*pair), settings.rate, BETAS)
                           for pair in (("to_b", "to_a"), ("judge_a", "judge_b"))]
        self.schedules = [LinearDecay(optimizer, settings.steps) for optimizer in self.optimizers]
        self.rng = np.random.default_rng(settings.seed)
        self.pools = {"a": Pool(settings.pool, self.rng), "b": Pool(settings.pool, self.rng)}
        self.step, self.history = 0, []

    def _parameters(self, *names: str) -> list[nn.Parameter]:
        return [p for name in names for p in getattr(self, name).parameters()]

    # -- one step

    def pick(self, pictures: np.ndarray) -> mg.Tensor:
        """Return a random picture, mirrored half of the time: 1×3×H×W."""
        picture = pictures[self.rng.integers(len(pictures))]
        if self.rng.random() < 0.5:
            picture = picture[:, :, ::-1]
        return mg.tensor(np.ascontiguousarray(picture[None]), device=self.device)

    def learn(self, a: mg.Tensor, b: mg.Tensor) -> dict[str, float]:
        """Train the generators, then the discriminators, for one step; return losses by name."""
        fake_b, fake_a, measured = self._generators(a, b)
        measured.update(self._discriminators(a, b, fake_a, fake_b))
        for schedule in self.schedules:
            schedule.step()
        self.step += 1
        self.history.append([measured[name] for name in NAMES])
        return measured

    def _generators(self, a: mg.Tensor, b: mg.Tensor) -> tuple[Any, Any, dict[str, float]]:
        settings = self.settings
        for judge in (self.judge_a, self.judge_b):
            judge.requires_grad_(False)         # only its verdicts are needed
        self.optimizers[0].zero_grad()
        fake_b, fake_a = self.to_b(a), self.to_a(b)
        parts = {"adversarial_ab": losses.generator_loss(self.judge_b(fake_b)),
                 "adversarial_ba": losses.generator_loss(self.judge_a(fake_a)),
                 "cycle_a": losses.cycle_loss(self.to_a(fake_b), a),
                 "cycle_b": losses.cycle_loss(self.to_b(fake_a), b)}
        total = (parts["adversarial_ab"] + parts["adversarial_ba"]
                 + settings.cycle_weight * (parts["cycle_a"] + parts["cycle_b"]))
        if settings.identity_weight:
            parts["identity"] = (losses.identity_loss(self.to_b(b), b)
                                 + losses.identity_loss(self.to_a(a), a))
            total = total + settings.cycle_weight * settings.identity_weight * parts["identity"]
        total.backward()
        self.optimizers[0].step()
        measured = {name: part.item() for name, part in parts.items()}
        return fake_b.detach(), fake_a.detach(), {"identity": 0.0, **measured}

    def _discriminators(self, a: mg.Tensor, b: mg.Tensor, fake_a: mg.Tensor,
                        fake_b: mg.Tensor) -> dict[str, float]:
        for judge in (self.judge_a, self.judge_b):
            judge.requires_grad_(True)
        self.optimizers[1].zero_grad()
        measured = {}
        for name, judge, real, fake in (("a", self.judge_a, a, fake_a),
                                        ("b", self.judge_b, b, fake_b)):
            shown = mg.tensor(self.pools[name].query(fake.numpy()), device=self.device)
            loss = losses.discriminator_loss(judge(real), judge(shown))
            loss.backward()
            measured[f"d_{name}"] = loss.item()
        self.optimizers[1].step()
        return measured

    def learn_from(self, domains: Domains) -> dict[str, float]:
        """Train for one step on a random picture of each domain."""
        return self.learn(self.pick(domains.train_a), self.pick(domains.train_b))

    # -- use

    def translate(self, pictures: np.ndarray, to: str) -> np.ndarray:
        """Translate pictures N×3×H×W to domain `to`, "a" or "b"."""
        network = self.to_a if to == "a" else self.to_b
        with mg.no_grad():
            return np.concatenate([network(mg.tensor(p[None], device=self.device)).numpy()
                                   for p in pictures])

    # -- checkpoints

    def save(self, path: Path) -> None:
        """Write everything to an HDF5 file atomically."""
        io.save_state(path, {
            "settings": json.dumps(asdict(self.settings)), "step": self.step,
            "history": np.array(self.history, np.float64).reshape(-1, len(NAMES)),
            "networks": {name: getattr(self, name).state_dict() for name in self._networks()},
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "schedules": [schedule.state_dict() for schedule in self.schedules],
            "pools": {name: list(pool.pictures) for name, pool in self.pools.items()},
            "rng": json.dumps(self.rng.bit_generator.state)})

    @staticmethod
    def _networks() -> tuple[str, ...]:
        return ("to_b", "to_a", "judge_a", "judge_b")

    @classmethod
    def load(cls, path: Path, device: str = "cpu") -> Trainer:
        """Restore a saved run; it continues exactly as the original would have.

        Raises
        ------
        FileError : the file is missing, damaged, or no checkpoint of this program.
        """
        state = io.load_state(path)
        try:
            trainer = cls(Settings(**json.loads(state["settings"])), device)
            for name in cls._networks():
                getattr(trainer, name).load_state_dict(state["networks"][name])
            for kind in ("optimizers", "schedules"):
                for part, saved in zip(getattr(trainer, kind), state[kind], strict=True):
                    part.load_state_dict(saved)
            for name, pool in trainer.pools.items():
                pool.pictures = list(state["pools"][name])
            trainer.rng.bit_generator.state = json.loads(state["rng"])
            trainer.step, trainer.history = state["step"], state["history"].tolist()
        except (KeyError, TypeError, ValueError) as error:
            raise FileError(f"{path} is not a checkpoint of examples.cyclegan ({error}); it must "
                            f"be a checkpoint.h5 that this program wrote") from error
        return trainer
