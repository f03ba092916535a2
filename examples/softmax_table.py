"""From scores to probabilities: sigmoid, normalised sigmoid, softmax, and the cross-entropy.

Follows "Workshop 3. Convolutional Neural Network + Style Transfer", slides "A neural network
model: softmax vs normalization" and "cross entropy with softmax": four classes, frog, bird, dog
and cat, with the scores −5, −1, 1, 5, of which the cat is right.

Sigmoids are not probabilities of classes: they do not add up to 1. Divided by their sum they do,
but then a score of 5 gets only 1.4 times the share of a score of 1, because both sigmoids are
nearly 1. The softmax keeps the ratio e⁴ ≈ 55. Three numbers of the slides are wrong in the last
digits:
0.00334 and 0.49666 (exactly 0.00335 and 0.49665), and the cross-entropy 0.020621, which is −log
of their rounded 0.97959 (exactly 0.020626).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

if not __package__:         # run as a file: the repository is one folder up
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import minigrad as mg
from examples import common
from minigrad import functional as F

CLASSES, SCORES, RIGHT = ("frog", "bird", "dog", "cat"), (-5.0, -1.0, 1.0, 5.0), 3
SLIDES = {                          # the columns as printed there
    "sigmoid": (0.00669, 0.26894, 0.73106, 0.99331),
    "÷ sum": (0.00334, 0.13447, 0.36553, 0.49666),
    "softmax": (0.00004, 0.00243, 0.01794, 0.97959),
}
SLIDES_LOSS = 0.020621


@dataclass
class Result:
    """Results of the engine: columns of four numbers, the loss H = −Σ t·log y, and ∂H/∂scores."""

    columns: dict[str, np.ndarray]
    loss: float
    gradient: np.ndarray


def compute(device: str = "cpu") -> Result:
    """Compute the table and the loss, in float64."""
    scores = mg.tensor([SCORES], dtype=np.float64, device=device, requires_grad=True)
    sigmoid, softmax = F.sigmoid(scores), F.softmax(scores)
    loss = F.cross_entropy(scores, mg.tensor([RIGHT], device=device))
    loss.backward()
    columns = {"sigmoid": sigmoid, "÷ sum": sigmoid / sigmoid.sum(), "softmax": softmax}
    return Result({name: column.numpy()[0] for name, column in columns.items()}, loss.item(),
                  scores.grad.numpy()[0])


def report(result: Result) -> None:
    """Print the table, each number with the slide's, and the loss with its gradient."""
    print("                   " + "".join(f"{name:<22}" for name in SLIDES))
    print("class   score   " + "   engine    slide    " * 3)
    for i, (name, score) in enumerate(zip(CLASSES, SCORES)):
        cells = "".join(f"   {result.columns[c][i]:.6f}  {SLIDES[c][i]:.5f}{_mark(result, c, i)} "
                        for c in SLIDES)
        print(f"{name:<6} {score:6g}   {cells}")
    print(f"{'sum':<16}" + "".join(f"   {result.columns[c].sum():.6f}           " for c in SLIDES))
    print("(* the slide's last digit is not that of the exact number)\n")
    exact, rounded = result.loss, -np.log(SLIDES["softmax"][RIGHT])
    print(f"cross-entropy with the label {CLASSES[RIGHT]}: −log y = {exact:.6f}; the slide's "
          f"{SLIDES_LOSS} is −log {SLIDES['softmax'][RIGHT]} = {rounded:.6f}")
    print("its gradient with respect to the scores, from the backward pass, is y − t:")
    print("  " + "  ".join(f"{name} {g:+.5f}" for name, g in zip(CLASSES, result.gradient)))


def _mark(result: Result, column: str, i: int) -> str:
    """Return a star if the slide is off by more than rounding."""
    return " " if abs(result.columns[column][i] - SLIDES[column][i]) <= 5e-6 else "*"


def draw(file: Path, result: Result) -> None:
    """Draw the three columns as bars, and the loss over the right class's score."""
    figure, (left, right) = common.panels(2)
    place = np.arange(len(CLASSES))
    for k, (name, colour) in enumerate(zip(SLIDES, (common.GREY, common.ORANGE, common.BLUE))):
        bars = left.bar(place + 0.27 * (k - 1), result.columns[name], 0.25, color=colour,
                        label=name)
        left.bar_label(bars, fmt="%.2f", fontsize=7)
    left.set(xticks=place, xticklabels=[f"{n}\n{s:g}" for n, s in zip(CLASSES, SCORES)],
             title="Scores as probabilities", ylim=(0, 1.15))
    left.legend(frameon=False, loc="upper left")
    cat = np.linspace(-6, 8, 200)
    scores = np.tile(SCORES, (len(cat), 1))
    scores[:, RIGHT] = cat
    losses = F.cross_entropy(mg.tensor(scores), mg.tensor([RIGHT] * len(cat)),
                             reduction="none").numpy()
    right.plot(cat, losses, color=common.BLUE)
    right.plot(SCORES[RIGHT], result.loss, "o", color=common.ORANGE)
    right.annotate(f"{result.loss:.6f}", (SCORES[RIGHT], result.loss), xytext=(0, 10),
                   textcoords="offset points", ha="center")
    right.set(title="Cross-entropy, label cat", xlabel="score of the cat", ylabel="H")
    common.save_plot(figure, file)


def program(arguments: Sequence[str] | None = None) -> None:
    given = common.parser("softmax_table", __doc__).parse_args(arguments)
    common.check_plot(given.plot)
    result = compute(given.device)
    report(result)
    if given.plot:
        draw(given.plot, result)


if __name__ == "__main__":
    sys.exit(common.run("softmax_table", program))
