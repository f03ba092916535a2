"""A network of three layers learns handwritten digits, by the equations of the document.

Follows "Deep Learning Review", section 3: total inputs z = W·a + b and units a = f(z) with f one
of ReLU, sigmoid and tanh (3.1); weights from N(0, 0.1) (3.2.1, read as a standard deviation);
E = ½(ŷ − t)² (equation 1) and steps W ← W − α·∂E/∂W, b ← b − α·∂E/∂b along the gradients of small
batches (2 and 3); ∂E/∂W² by the chain rule (4 to 7), checked factor by factor on a small network
in `examples/equations.py`, which also corrects the mistake in 7.

The digits are scikit-learn's, 8×8 pixels. The hidden units have f, the ten output units are
sigmoids, and t is 1 for the right digit, else 0. The document does not mention three details: the
training mean is subtracted from the pixels, every picture is rotated and moved a little each time,
and α falls to 0 along half a cosine.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

if not __package__:         # run as a file: the repository is one folder up
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import minigrad as mg
from examples import common, digits, equations
from minigrad import functional as F
from minigrad import nn, optim

HIDDEN, CLASSES, SPREAD = 128, 10, 0.1
EPOCHS, BATCH, FOLDS = 60, 8, 5
RATES = {"relu": 0.5, "tanh": 0.3, "sigmoid": 3.0}      # initial α, larger for flat f
JITTER = {"turn": 8.0, "scale": 0.08, "shift": 0.4, "slant": 0.1}


class Network(nn.Module):
    """64 pixels, two hidden layers, ten outputs between 0 and 1."""

    def __init__(self, activation: str) -> None:
        self.f = equations.ACTIVATIONS[activation].engine
        self.layer1 = nn.Linear(64, HIDDEN)
        self.layer2 = nn.Linear(HIDDEN, HIDDEN)
        self.layer3 = nn.Linear(HIDDEN, CLASSES)
        for layer in self.children():
            nn.init.normal_(layer.weight, 0.0, SPREAD)
            nn.init.zeros_(layer.bias)

    def forward(self, a0: mg.Tensor) -> mg.Tensor:
        a1 = self.f(self.layer1(a0))
        a2 = self.f(self.layer2(a1))
        return F.sigmoid(self.layer3(a2))


@dataclass
class Run:
    """One fold: the network, the mean of E after each epoch, and its answers to the test set."""

    network: Network
    errors: list[float]
    answers: np.ndarray
    accuracy: float


def train_fold(activation: str, data: tuple, rows: tuple, epochs: int, seed: int,
               device: str) -> Run:
    """Train on the first of `rows`, and predict the second."""
    images, labels = data
    training, test = rows
    mg.manual_seed(seed)
    rng = np.random.default_rng(seed)
    mean = images[training].mean(0)
    network = Network(activation).to(device)
    optimizer = optim.SGD(network.parameters(), lr=RATES[activation])
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    errors = []
    for _ in range(epochs):
        total = 0.0
        for batch in digits.batches(training, BATCH, rng):
            x = digits.jittered(images[batch], rng, **JITTER) - mean
            total += step(network, optimizer, tensor(x, device), labels[batch])
        errors.append(total / len(training))
        schedule.step()
    with mg.no_grad():
        answers = network(tensor(images[test] - mean, device)).numpy().argmax(1)
    return Run(network, errors, answers, float(np.mean(answers == labels[test])))


def step(network: Network, optimizer: optim.SGD, x: mg.Tensor, labels: np.ndarray) -> float:
    """Apply equations 1 to 3 to one batch, with the mean of E; return the sum of E."""
    target = np.eye(CLASSES, dtype=np.float32)[labels]
    optimizer.zero_grad()
    total = F.mse_loss(network(x), mg.tensor(target, device=x.device), "half_sum")
    (total / len(labels)).backward()
    optimizer.step()
    return total.item()


def tensor(images: np.ndarray, device: str) -> mg.Tensor:
    """Return pictures N×1×8×8 as rows N×64."""
    return mg.tensor(images.reshape(len(images), -1), device=device)


def train_all(activations: Sequence[str], given) -> dict[str, list[Run]]:
    """Train all folds with each function, and print a line for each function."""
    data = digits.load()
    folds = digits.folds(data[1], FOLDS, given.seed)[:given.folds]
    print(f"digits: {len(data[1])} pictures of 64 pixels, {len(folds)} of {FOLDS} folds, "
          f"{given.epochs} epochs, layers 64-{HIDDEN}-{HIDDEN}-{CLASSES}")
    print("f         α     right in the test sets                          mean     seconds")
    runs = {}
    for activation in activations:
        start = time.perf_counter()
        runs[activation] = [train_fold(activation, data, rows, given.epochs, given.seed,
                                       given.device)
                            for rows in common.progress(folds, activation)]
        shares = [run.accuracy for run in runs[activation]]
        listed = " ".join(f"{share:8.2%}" for share in shares)
        print(f"{activation:<9} {RATES[activation]:<5g} {listed:<46} {np.mean(shares):7.2%}  "
              f"{time.perf_counter() - start:7.1f}", flush=True)
    return runs


def draw(file: Path, runs: dict[str, list[Run]], seed: int) -> None:
    """Draw the errors over the epochs, weights of the first layer, and misread digits."""
    figure = common.blank(14, 4.4)
    left, middle, right = figure.subfigures(1, 3, width_ratios=(1.1, 1, 1))
    ax = left.subplots()
    for (name, folds), colour in zip(runs.items(), (common.BLUE, common.ORANGE, common.GREEN)):
        ax.plot(range(1, len(folds[0].errors) + 1), np.mean([run.errors for run in folds], 0),
                color=colour, label=name)
    ax.set(title="E, mean over the pictures shown", xlabel="epochs", yscale="log")
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    name, folds = next(iter(runs.items()))
    weights = folds[0].network.layer1.weight.numpy()[:25].reshape(-1, 8, 8)
    weights /= np.abs(weights).max((1, 2), keepdims=True)
    common.picture(middle.subplots(), common.mosaic(weights, 5),
                   f"{name}, fold 1: W¹ of the first 25 units", cmap="RdBu", vmin=-1, vmax=1)
    tests = [test for _, test in digits.folds(digits.load()[1], FOLDS, seed)]
    digits.draw_misread(right, tests[:len(folds)], [run.answers for run in folds],
                        f"{name}: ")
    common.save_plot(figure, file)


def program(arguments: Sequence[str] | None = None) -> None:
    parser = common.parser("mlp", __doc__)
    parser.add_argument("--activation", choices=[*RATES, "all"], default="all",
                        help="f of the hidden units (default: all, one after the other)")
    parser.add_argument("--epochs", type=common.counting_number, default=EPOCHS, metavar="N",
                        help=f"passes over the training pictures (default: {EPOCHS})")
    parser.add_argument("--folds", type=int, choices=range(1, FOLDS + 1), default=FOLDS,
                        metavar="N", help=f"how many of the {FOLDS} folds to run (default: all)")
    given = parser.parse_args(arguments)
    common.check_plot(given.plot)
    activations = list(RATES) if given.activation == "all" else [given.activation]
    print(f"Equations 1 to 7 on a network of sizes {'-'.join(map(str, equations.SIZES))}, f = "
          f"{activations[-1]}")
    equations.report(equations.Network.draw(activations[-1], np.random.default_rng(given.seed),
                                            1.0), given.device)
    runs = train_all(activations, given)
    if given.plot:
        draw(given.plot, runs, given.seed)


if __name__ == "__main__":
    sys.exit(common.run("mlp", program))
