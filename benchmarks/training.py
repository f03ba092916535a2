"""One training step of a small VGG-like classifier, compared with PyTorch.

Forward, cross entropy, backward with all weight gradients, and a step of gradient descent on the
weights. Without that step, cached transformed weights would stay valid, unlike in real training.
The layers: convolutions 3-32-32, pooling, 64-64, pooling, 128, pooling, a linear layer to 10
classes; ReLU after each convolution. The first loss and gradients must agree.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import common
import numpy as np
import turns

LAYERS = (32, 32, "pool", 64, 64, "pool", 128, "pool")
CLASSES, RATE = 10, 1e-4
MAX_DIFFERENCE = 1e-3      # of any gradient, relative; wrong ones differ by far more

COLUMNS = {
    "batch": common.column("batch"),
    "picture": lambda result: f"{result['size']}×{result['size']}",
    "ours, ms": common.column("ours_seconds", ".1f", 1e3),
    "PyTorch, ms": common.column("torch_seconds", ".1f", 1e3),
    "ratio": common.ratio_column,
    "loss, relative difference": common.column("loss_relative_difference", ".1e"),
    "gradients, largest difference": common.column("gradient_relative_difference", ".1e"),
    "PyTorch's format": common.column("torch_memory_format"),
}


def numbers(batch: int, size: int) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Return pictures N×3×H×W, their classes, and the weights and biases in order (He)."""
    rng = np.random.default_rng(0)
    pictures = rng.standard_normal((batch, 3, size, size), np.float32)
    parameters, channels, side = [], 3, size
    for layer in LAYERS:
        if layer == "pool":
            side //= 2
            continue
        weight = rng.standard_normal((layer, channels, 3, 3), np.float32)
        parameters += [weight * np.float32((2 / (9 * channels)) ** 0.5),
                       np.zeros(layer, np.float32)]
        channels = layer
    inputs = channels * side * side
    weight = rng.standard_normal((CLASSES, inputs), np.float32)
    parameters += [weight * np.float32(inputs ** -0.5), np.zeros(CLASSES, np.float32)]
    return pictures, rng.integers(0, CLASSES, batch), parameters


def layers(nn: Any) -> list[Any]:
    """Return the network's layers; minigrad.nn and torch.nn have the same names."""
    made, channels = [], 3
    for layer in LAYERS:
        if layer == "pool":
            made.append(nn.MaxPool2d(2))
        else:
            made += [nn.Conv2d(channels, layer, 3, padding=1), nn.ReLU()]
            channels = layer
    return [*made, nn.Flatten()]


class Ours:
    """The training step in minigrad."""

    def __init__(self) -> None:
        import minigrad

        minigrad.set_num_threads(common.cores())

    def prepare(self, batch: int, size: int) -> None:
        """Build the network with the given initial weights, and its data."""
        import minigrad
        from minigrad import nn, no_grad, optim

        pictures, classes, first = numbers(batch, size)
        self.model = nn.Sequential(*layers(nn), nn.Linear(first[-2].shape[1], CLASSES))
        with no_grad():
            for parameter, value in zip(self.model.parameters(), first, strict=True):
                parameter.copy_(minigrad.tensor(value))
        self.pictures, self.classes = minigrad.tensor(pictures), minigrad.tensor(classes)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = optim.SGD(list(self.model.parameters()), lr=RATE)

    def gradients(self) -> tuple[float, list[np.ndarray]]:
        """Return the loss and the gradients of all parameters at the current weights."""
        self.optimizer.zero_grad()
        loss = self.criterion(self.model(self.pictures), self.classes)
        loss.backward()
        return loss.item(), [p.grad.numpy() for p in self.model.parameters()]

    def step(self) -> float:
        """Run one training step; this is what is timed."""
        self.optimizer.zero_grad()
        loss = self.criterion(self.model(self.pictures), self.classes)
        loss.backward()
        self.optimizer.step()
        return loss.item()


class Torch:
    """The training step in PyTorch."""

    def __init__(self) -> None:
        import torch

        torch.set_num_threads(common.cores())
        self.torch = torch

    def prepare(self, batch: int, size: int, memory_format: str = "contiguous") -> None:
        """See `Ours.prepare`."""
        torch, nn = self.torch, self.torch.nn
        order = {"contiguous": torch.contiguous_format,
                 "channels_last": torch.channels_last}[memory_format]
        pictures, classes, first = numbers(batch, size)
        self.model = nn.Sequential(*layers(nn), nn.Linear(first[-2].shape[1], CLASSES))
        with torch.no_grad():
            for parameter, value in zip(self.model.parameters(), first, strict=True):
                parameter.copy_(torch.from_numpy(value))
        self.model = self.model.to(memory_format=order)
        self.pictures = torch.from_numpy(pictures).contiguous(memory_format=order)
        self.classes = torch.from_numpy(classes)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=RATE)

    def choose_format(self, batch: int, size: int) -> str:
        """Prepare in the faster memory format, and return its name."""
        taken = {}
        for name in ("contiguous", "channels_last"):
            self.prepare(batch, size, name)
            taken[name] = turns.timed(self.step)
        best = min(taken, key=taken.get)
        self.prepare(batch, size, best)
        return best

    gradients, step = Ours.gradients, Ours.step


def agreement(ours: tuple[float, list[np.ndarray]], theirs: tuple[float, list[np.ndarray]]
              ) -> dict[str, float]:
    """Return the relative differences of the loss and of the worst gradient."""
    apart = [np.linalg.norm(one - other) / np.linalg.norm(other)
             for one, other in zip(ours[1], theirs[1], strict=True)]
    return {"loss_relative_difference": abs(ours[0] - theirs[0]) / abs(theirs[0]),
            "gradient_relative_difference": float(max(apart))}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = common.parser("training", __doc__)
    parser.add_argument("--batch", type=common.positive, default=16, metavar="N",
                        help="pictures in a batch (default: 16)")
    parser.add_argument("--size", type=common.picture_size, default=64, metavar="PIXELS",
                        help="side of each picture (default: 64)")
    common.add_turns(parser)
    given = parser.parse_args(arguments)
    common.require_torch()
    report = common.Report("training", given.output, COLUMNS, rounds=given.rounds)
    with (turns.Worker(Ours, turn=given.turn) as ours,
          turns.Worker(Torch, turn=given.turn) as theirs):
        ours.call("prepare", given.batch, given.size)
        memory_format = theirs.call("choose_format", given.batch, given.size)
        equal = agreement(ours.call("gradients"), theirs.call("gradients"))
        compared = turns.compare(lambda: ours.seconds("step"), lambda: theirs.seconds("step"),
                                 given.rounds)
    report.add({"batch": given.batch, "size": given.size, **compared, **equal,
                "torch_memory_format": memory_format})
    report.finish()
    if max(equal.values()) > MAX_DIFFERENCE:
        print(f"training: loss or gradients differ from PyTorch's by more than "
              f"{MAX_DIFFERENCE:g}; the times compare different things", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(common.run("training", main))
