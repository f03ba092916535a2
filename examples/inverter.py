"""The inverter: one neuron learns x → 1 − x from examples.

Follows "TP 1: Introduction to Deep Learning and Neural Style Transfer", section 1,
"Understanding Deep Learning with a Simple Task": random bits as data and their opposites as
labels, 80 % of them to train and 20 % to test, a criterion (mean squared error), an optimiser
(gradient descent), 1000 batches, and the two loss curves of its figure 2, which must come
together.

The 80/20 split shows little here: there are only two different inputs, and both are in each set,
so nothing in the test set is new to the neuron. The two losses differ only because the shares of
ones differ: each loss is p·E(1) + (1 − p)·E(0), where p is the share of ones in the set and E(x)
the squared error at x. The set with more of the bit with the larger error has the larger loss.
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
    """Mean squared errors after 0, 1, … batches, over all examples of each set."""

    train: list[float] = field(default_factory=list)
    test: list[float] = field(default_factory=list)

    def reached(self, goal: float) -> int | None:
        """Return the first batch after which both stay below `goal`, or None."""
        above = [i for i, pair in enumerate(zip(self.train, self.test)) if max(pair) >= goal]
        first = above[-1] + 1 if above else 0
        return first if first < len(self.train) else None


def generate(rng: np.random.Generator) -> tuple[tuple, tuple]:
    """Return (data, labels) for training and for testing: bits n×1 and their opposites."""
    data = rng.integers(0, 2, (EXAMPLES, 1)).astype(np.float32)
    labels = 1 - data
    border = int(TRAINING_SHARE * EXAMPLES)
    return (data[:border], labels[:border]), (data[border:], labels[border:])


def train(neuron: nn.Module, examples: tuple, test: tuple, rng: np.random.Generator,
          device: str = "cpu") -> Curves:
    """Train with the gradients of 1000 random batches; record both losses after each."""
    criterion = nn.MSELoss()
    optimizer = optim.SGD(neuron.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    examples, test = ([mg.tensor(part, device=device) for part in parts]
                      for parts in (examples, test))
    curves = Curves()
    record(curves, neuron, examples, test)
    for _ in common.progress(range(BATCHES), "batches"):
        rows = rng.integers(0, len(examples[0]), BATCH_SIZE)
        x, target = (part[rows] for part in examples)
        optimizer.zero_grad()
        criterion(neuron(x), target).backward()
        optimizer.step()
        record(curves, neuron, examples, test)
    return curves


def record(curves: Curves, neuron: nn.Module, examples: Sequence, test: Sequence) -> None:
    """Record the loss over each whole set."""
    with mg.no_grad():
        for curve, (data, labels) in ((curves.train, examples), (curves.test, test)):
            curve.append(nn.MSELoss()(neuron(data), labels).item())


def outputs(neuron: nn.Module, data: np.ndarray) -> np.ndarray:
    """Return the neuron's outputs for bits n×1."""
    device = next(neuron.parameters()).device
    with mg.no_grad():
        return neuron(mg.tensor(data, device=device)).numpy()


def accuracy(neuron: nn.Module, examples: tuple) -> float:
    """Return the share of examples whose output, rounded to a bit, is the label."""
    return float(np.mean((outputs(neuron, examples[0]) > 0.5) == (examples[1] == 1)))


def report(neuron: nn.Module, curves: Curves, examples: tuple, test: tuple) -> None:
    """Print the course of the training, and the trained neuron."""
    print("batch   train loss   test loss")
    for batch in (0, 1, 3, 10, 30, 100, 300, BATCHES):
        print(f"{batch:5d}   {curves.train[batch]:<10.6f}   {curves.test[batch]:<10.6f}")
    reached = curves.reached(GOAL)
    print(f"both below {GOAL:g} from batch {reached} on" if reached is not None
          else f"not below {GOAL:g} within {BATCHES} batches")
    weight, bias = (parameter.item() for parameter in neuron.parameters())
    print(f"\nthe neuron: σ({weight:.3f}·x {'+' if bias >= 0 else '−'} {abs(bias):.3f})")
    for x, out in enumerate(outputs(neuron, np.array([[0.0], [1.0]], np.float32))[:, 0]):
        print(f"  {x} → {out:.4f}   (should be {1 - x})")
    print(f"accuracy: {accuracy(neuron, examples)} on {len(examples[0])} training examples, "
          f"{accuracy(neuron, test)} on {len(test[0])} test examples")
    shares = [part[0].mean() for part in (examples, test)]
    print(f"ones: {shares[0]:.1%} of the training bits, {shares[1]:.1%} of the test bits; as both "
          f"inputs are in both sets, this is\nthe only cause of different losses: the 80/20 split "
          f"cannot find over-fitting in this task")


def draw(file: Path, curves: Curves) -> None:
    """Draw both curves over the batches: as in the document, and on a logarithmic scale."""
    figure, axes = common.panels(2)
    batches = range(len(curves.train))
    for ax in axes:
        ax.plot(batches, curves.test, color=common.ORANGE, linewidth=4, alpha=0.5, label="test")
        ax.plot(batches, curves.train, color=common.BLUE, linewidth=1.5, label="train")
        ax.set(xlabel=f"batches of {BATCH_SIZE} examples", ylabel="mean squared error",
               xlim=(0, BATCHES))
    axes[0].set(title="x → 1 − x, learned by one neuron", ylim=(0, None))
    axes[0].legend(frameon=False)
    axes[1].axhline(GOAL, color=common.GREY, linestyle="--", linewidth=1)
    axes[1].annotate(f"goal {GOAL:g}", (BATCHES, GOAL), xytext=(0, 4), textcoords="offset points",
                     ha="right", color="#555555")
    axes[1].set(title="the same on a logarithmic scale", yscale="log")
    common.save_plot(figure, file)


def program(arguments: Sequence[str] | None = None) -> None:
    given = common.parser("inverter", __doc__).parse_args(arguments)
    common.check_plot(given.plot)
    mg.manual_seed(given.seed)
    rng = np.random.default_rng(given.seed)
    examples, test = generate(rng)
    print(f"x → 1 − x: {len(examples[0])} examples to train, {len(test[0])} to test, "
          f"{BATCHES} batches of {BATCH_SIZE}\n")
    neuron = nn.Sequential(nn.Linear(1, 1), nn.Sigmoid()).to(given.device)
    curves = train(neuron, examples, test, rng, given.device)
    report(neuron, curves, examples, test)
    if given.plot:
        draw(given.plot, curves)


if __name__ == "__main__":
    sys.exit(common.run("inverter", program))
