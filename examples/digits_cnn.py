"""A convolutional network reads the handwritten digits: sizes, filters, feature maps, accuracy.

Follows "Workshop 3. Convolutional Neural Network + Style Transfer", slides "An idea of CNN" to
"Fully Connected Layer" and the notebook of "Hand-on Experience" (the digits, and their first two
principal components), and "Deep Learning Review", section 4: convolution, ReLU, pooling, fully
connected layers. Part 1 prints the formulae for sizes and for numbers of weights, with the shapes
that the engine produces. Part 2 trains and tests in five folds.

During training each picture is rotated, slanted, scaled and moved a little each time, some of the
flattened features are dropped at random (dropout), and Adam's learning rate falls to 0 along half
a cosine.
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
from examples import common, digits, layer_sizes
from minigrad import functional as F
from minigrad import nn, optim

CHANNELS, HIDDEN, CLASSES = (24, 48, 48), 64, 10
EPOCHS, BATCH, FOLDS, RATE, DROPOUT = 40, 32, 5, 3e-3, 0.4
JITTER = {"turn": 10.0, "scale": 0.1, "shift": 0.6, "slant": 0.2}


class Network(nn.Module):
    """1×8×8 → 24×8×8 → 48×8×8 → pooled 48×4×4 → 48×2×2 → 64 → 10."""

    def __init__(self) -> None:
        first, second, third = CHANNELS
        self.conv1 = nn.Conv2d(1, first, 3, padding=1)
        self.conv2 = nn.Conv2d(first, second, 3, padding=1)
        self.conv3 = nn.Conv2d(second, third, 3)
        self.dropout = nn.Dropout(DROPOUT)
        self.hidden = nn.Linear(4 * third, HIDDEN)
        self.scores = nn.Linear(HIDDEN, CLASSES)

    def stages(self, x: mg.Tensor) -> dict[str, mg.Tensor]:
        """Return the outputs of every layer for pictures N×1×8×8, by name; last, scores N×10."""
        outputs = {"conv1": F.relu(self.conv1(x))}
        outputs["conv2"] = F.relu(self.conv2(outputs["conv1"]))
        outputs["pool"] = F.max_pool2d(outputs["conv2"], 2)
        outputs["conv3"] = F.relu(self.conv3(outputs["pool"]))
        flat = self.dropout(outputs["conv3"].flatten(1))
        outputs["hidden"] = F.relu(self.hidden(flat))
        outputs["scores"] = self.scores(outputs["hidden"])
        return outputs

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        return self.stages(x)["scores"]


@dataclass
class Run:
    """One fold: the network, the mean loss of each epoch, and its answers to the test set."""

    network: Network
    losses: list[float]
    answers: np.ndarray
    accuracy: float


def train_fold(data: tuple, rows: tuple, epochs: int, seed: int, device: str) -> Run:
    """Train on the first of `rows`, and predict the second."""
    images, labels = data
    training, test = rows
    mg.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = Network().to(device)
    optimizer = optim.Adam(network.parameters(), lr=RATE)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    losses = []
    for _ in common.progress(range(epochs), "epochs"):
        total = 0.0
        for batch in digits.batches(training, BATCH, rng):
            x = mg.tensor(digits.jittered(images[batch], rng, **JITTER), device=device)
            optimizer.zero_grad()
            loss = F.cross_entropy(network(x), mg.tensor(labels[batch], device=device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        losses.append(total / len(training))
        schedule.step()
    network.eval()
    with mg.no_grad():
        answers = network(mg.tensor(images[test], device=device)).numpy().argmax(1)
    return Run(network, losses, answers, float(np.mean(answers == labels[test])))


def train_all(data: tuple, folds: list, given) -> list[Run]:
    """Train all folds, and print a line for each."""
    print(f"2. Digits: {len(data[1])} pictures, {len(folds)} of {FOLDS} folds, {given.epochs} "
          f"epochs, {sum(p.numel() for p in Network().parameters()):,} parameters")
    runs, start = [], time.perf_counter()
    for number, rows in enumerate(folds):
        runs.append(train_fold(data, rows, given.epochs, given.seed, given.device))
        wrong = int(np.sum(runs[-1].answers != data[1][rows[1]]))
        print(f"   fold {number + 1}: {runs[-1].accuracy:.2%} right, {wrong} of {len(rows[1])} "
              f"misread, {time.perf_counter() - start:.0f} s", flush=True)
    print(f"   mean: {np.mean([run.accuracy for run in runs]):.2%}")
    return runs


def draw(file: Path, data: tuple, folds: list, runs: list[Run], device: str) -> None:
    """Draw principal components, filters and feature maps of the first fold, and misread digits."""
    network, tests = runs[0].network, [test for _, test in folds]
    figure = common.blank(15, 8)
    figure.get_layout_engine().set(w_pad=0.1)
    top, bottom = figure.subfigures(2, 1, height_ratios=(1.25, 1))
    left, middle, right = top.subfigures(1, 3, width_ratios=(1.3, 1, 1))
    _draw_components(left.subplots(), *data)
    filters = network.conv1.weight.numpy()[:, 0]
    filters /= np.abs(filters).max((1, 2), keepdims=True)
    common.picture(middle.subplots(), common.mosaic(filters, 6),
                   f"Fold 1: the {len(filters)} filters of conv1", cmap="RdBu", vmin=-1, vmax=1)
    digits.draw_misread(right, tests, [run.answers for run in runs])
    _draw_maps(bottom, data[0][tests[0][0]], network, device)
    common.save_plot(figure, file)


def _draw_components(ax, images: np.ndarray, labels: np.ndarray) -> None:
    """Draw the pictures in the plane of their first two principal components."""
    from matplotlib import colormaps
    places, shares = digits.principal_components(images)
    for digit in range(CLASSES):
        chosen = labels == digit
        ax.scatter(*places[chosen].T, s=5, color=colormaps["tab10"](digit), linewidths=0)
        ax.annotate(str(digit), places[chosen].mean(0), ha="center", va="center", weight="bold",
                    bbox={"boxstyle": "circle,pad=0.15", "facecolor": "white", "linewidth": 0.5})
    ax.set(title="The digits in two dimensions", xlabel=f"first component, {shares[0]:.1%} of the "
           f"variance", ylabel=f"second, {shares[1]:.1%}")
    ax.spines[["top", "right"]].set_visible(False)


def _draw_maps(figure, image: np.ndarray, network: Network, device: str) -> None:
    """Draw one test digit and the first 16 feature maps of each layer."""
    with mg.no_grad():
        stages = network.stages(mg.tensor(image[None], device=device))
    axes = figure.subplots(1, 5, width_ratios=(1, 1.6, 1.6, 1.6, 1.6))
    common.picture(axes[0], image[0], "input")
    for ax, name in zip(axes[1:], ("conv1", "conv2", "pool", "conv3")):
        maps = stages[name].numpy()[0]
        common.picture(ax, common.mosaic(maps[:16], 4), f"{name}: "
                       f"{'×'.join(map(str, maps.shape))}, the first 16 maps", cmap="magma")


def program(arguments: Sequence[str] | None = None) -> None:
    parser = common.parser("digits_cnn", __doc__)
    parser.add_argument("--epochs", type=common.counting_number, default=EPOCHS, metavar="N",
                        help=f"passes over the training pictures (default: {EPOCHS})")
    parser.add_argument("--folds", type=int, choices=range(1, FOLDS + 1), default=FOLDS,
                        metavar="N", help=f"how many of the {FOLDS} folds to run (default: all)")
    given = parser.parse_args(arguments)
    common.check_plot(given.plot)
    data = digits.load()
    layer_sizes.report(Network(), given.device)
    folds = digits.folds(data[1], FOLDS, given.seed)[:given.folds]
    runs = train_all(data, folds, given)
    if given.plot:
        draw(given.plot, data, folds, runs, given.device)


if __name__ == "__main__":
    sys.exit(common.run("digits_cnn", program))
