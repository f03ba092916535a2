"""The inverter: one neuron learns x → 1 − x from examples, with everything that learning has.

Follows "TP 1: Introduction to Deep Learning and Neural Style Transfer", section 1,
"Understanding Deep Learning with a Simple Task": random bits as data and their opposites as
labels, 80 % of them to train and 20 % to test, a criterion (mean squared error), an optimiser
(gradient descent), 1000 batches, and the two loss curves, which must come together.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

if not __package__:         # run as a file: the repository is one folder up
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import minigrad as mg
from examples import common
from minigrad import nn, optim

EXAMPLES, TRAINING_SHARE = 1000, 0.8
BATCHES, BATCH_SIZE = 1000, 32
LEARNING_RATE, MOMENTUM = 1.0, 0.9
GOAL = 1e-3


@dataclass
class Curves:
    """Mean squared errors after 0, 1, … batches, over all examples of either set."""

    train: list[float] = field(default_factory=list)
    test: list[float] = field(default_factory=list)

    def reached(self, goal: float) -> int | None:
        """The first batch after which both stay below ``goal``, or None."""
        above = [i for i, pair in enumerate(zip(self.train, self.test)) if max(pair) >= goal]
        first = above[-1] + 1 if above else 0
        return first if first < len(self.train) else None


def generate(rng: np.random.Generator) -> tuple[tuple, tuple]:
    """(data, labels) to train and to test: bits as columns n×1, and their opposites."""
    data = rng.integers(0, 2, (EXAMPLES, 1)).astype(np.float32)
    labels = 1 - data
    border = int(TRAINING_SHARE * EXAMPLES)
    return (data[:border], labels[:border]), (data[border:], labels[border:])


def train(neuron: nn.Module, examples: tuple, test: tuple, rng: np.random.Generator) -> Curves:
    """Descend along the gradient of 1000 random batches; record both losses after each."""
    criterion = nn.MSELoss()
    optimizer = optim.SGD(neuron.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    curves = Curves()
    record(curves, neuron, examples, test)
    for _ in range(BATCHES):
        rows = rng.integers(0, len(examples[0]), BATCH_SIZE)
        x, target = (mg.tensor(part[rows]) for part in examples)
        optimizer.zero_grad()
        criterion(neuron(x), target).backward()
        optimizer.step()
        record(curves, neuron, examples, test)
    return curves


def record(curves: Curves, neuron: nn.Module, examples: tuple, test: tuple) -> None:
    """Add the loss over each whole set."""
    with mg.no_grad():
        for curve, (data, labels) in ((curves.train, examples), (curves.test, test)):
            curve.append(nn.MSELoss()(neuron(mg.tensor(data)), mg.tensor(labels)).item())


def accuracy(neuron: nn.Module, examples: tuple) -> float:
    """The share of examples where the output, rounded to a bit, is the label."""
    with mg.no_grad():
        bits = neuron(mg.tensor(examples[0])).numpy() > 0.5
    return float(np.mean(bits == (examples[1] == 1)))


def report(neuron: nn.Module, curves: Curves, examples: tuple, test: tuple) -> None:
    """The course of the training, and what the neuron has become."""
    print("batch   train loss   test loss")
    for batch in (0, 1, 3, 10, 30, 100, 300, BATCHES):
        print(f"{batch:5d}   {curves.train[batch]:<10.6f}   {curves.test[batch]:<10.6f}")
    reached = curves.reached(GOAL)
    print(f"both below {GOAL:g} from batch {reached} on" if reached is not None
          else f"not below {GOAL:g} within {BATCHES} batches")
    weight, bias = (parameter.item() for parameter in neuron.parameters())
    print(f"\nthe neuron: σ({weight:.3f}·x {'+' if bias >= 0 else '−'} {abs(bias):.3f})")
    for x in (0.0, 1.0):
        print(f"  {x:g} → {neuron(mg.tensor([[x]])).item():.4f}   (should be {1 - x:g})")
    print(f"accuracy: {accuracy(neuron, examples)} on {len(examples[0])} training examples, "
          f"{accuracy(neuron, test)} on {len(test[0])} test examples")


def draw(file: Path, curves: Curves) -> None:
    """Both curves over the batches, on scales where the end can be seen."""
    figure, (ax,) = common.panels(1)
    figure.set_size_inches(7, 4.2)
    batches = range(len(curves.train))
    ax.plot(batches, curves.test, color=common.ORANGE, linewidth=4, alpha=0.5, label="test")
    ax.plot(batches, curves.train, color=common.BLUE, linewidth=1.5, label="train")
    ax.axhline(GOAL, color=common.GREY, linestyle="--", linewidth=1)
    ax.annotate(f"goal {GOAL:g}", (BATCHES, GOAL), xytext=(0, 4), textcoords="offset points",
                ha="right", color="#555555")
    ax.set(title="x → 1 − x, learned by one neuron", xlabel="batches of 32 examples",
           ylabel="mean squared error", yscale="log", xlim=(0, BATCHES))
    ax.legend(frameon=False)
    common.save_plot(figure, file)


def program(arguments: Sequence[str] | None = None) -> None:
    given = common.parser("inverter", __doc__).parse_args(arguments)
    common.check_plot(given.plot)
    mg.manual_seed(given.seed)
    rng = np.random.default_rng(given.seed)
    examples, test = generate(rng)
    print(f"x → 1 − x: {len(examples[0])} examples to train, {len(test[0])} to test, "
          f"{BATCHES} batches of {BATCH_SIZE}\n")
    neuron = nn.Sequential(nn.Linear(1, 1), nn.Sigmoid())
    curves = train(neuron, examples, test, rng)
    report(neuron, curves, examples, test)
    if given.plot:
        draw(given.plot, curves)


if __name__ == "__main__":
    sys.exit(common.run("inverter", program))
