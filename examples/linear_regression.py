"""Linear regression distinguishes zeros and ones: in closed form, and by gradient descent.

Follows "Deep Learning Review", section 2.1 and figure 3: ordinary least squares on the pixels of
handwritten digits 0 and 1, 99 % right on the test set. ŷ = w·x + b is fitted to the labels 0 and
1, and ŷ > ½ is read as a one. The document uses MNIST's digits (`--mnist FOLDER` reads its four
IDX files). By default the digits are scikit-learn's, and figures are means over five folds.

The textbook's w = (XᵀX)⁻¹Xᵀy does not exist here: pixels in the corners are the same in all
pictures, so XᵀX has no inverse. Many w have the minimum error; `lstsq` returns the shortest.
Gradient descent from w = 0 converges to the same w, because each gradient is a linear combination
of the pictures, but it is slow in directions in which the pictures hardly differ. The errors, the
weights and the predictions of both are compared.
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
from examples import common, digits, idx
from minigrad import functional as F
from minigrad import optim
from minigrad.errors import FileError

FOLDS, STEPS = 5, 2000


@dataclass
class Fold:
    """Training pictures x n×d, rows with a 1 in front, labels y n (0 or 1); the same for tests."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


@dataclass
class Fit:
    """Result of one fold.

    Attributes
    ----------
    exact, descended : weights d, by lstsq and by gradient descent.
    rank : of the matrix of training pictures.
    losses : mean of ½(ŷ − y)² over the training pictures after 0, 1, … steps of descent.
    """

    exact: np.ndarray
    descended: np.ndarray
    rank: int
    losses: np.ndarray

    def accuracy(self, weights: np.ndarray, fold: Fold) -> float:
        """Return the share of test pictures on the right side of ½."""
        return float(np.mean((fold.x_test @ weights > 0.5) == (fold.y_test == 1)))


def bundled(count: int, seed: int) -> list[Fold]:
    """Return folds of scikit-learn's zeros and ones (178 and 182 pictures of 64 pixels)."""
    images, labels = digits.load()
    binary = labels < 2
    x, y = rows(images[binary]), labels[binary].astype(np.float64)
    return [Fold(x[a], y[a], x[b], y[b]) for a, b in digits.folds(labels[binary], count, seed)]


def mnist(folder: Path) -> list[Fold]:
    """Return one fold: MNIST's zeros and ones, with its own training and test sets."""
    parts = []
    for part in ("train", "test"):
        images, labels = idx.mnist(folder, part)
        if not (labels == 0).any() or not (labels == 1).any():
            raise FileError(f"the {part} files in {folder} have no zeros or no ones to tell apart")
        parts += [rows(images[labels < 2] / 255.0), labels[labels < 2].astype(np.float64)]
    return [Fold(*parts)]


def rows(images: np.ndarray) -> np.ndarray:
    """Return pictures as rows n×(1 + pixels), float64; the weight of the leading 1 is b."""
    flat = images.reshape(len(images), -1).astype(np.float64)
    return np.column_stack([np.ones(len(flat)), flat])


def closed_form(fold: Fold) -> tuple[np.ndarray, int]:
    """Return the shortest weights with the minimum error, and the rank of the pictures."""
    weights, _, rank, _ = np.linalg.lstsq(fold.x, fold.y, rcond=None)
    return weights, int(rank)


def gradient_descent(fold: Fold, steps: int, device: str = "cpu") -> tuple[np.ndarray, np.ndarray]:
    """Return weights and losses of full-batch descent on E = ½·mean (ŷ − y)², from w = 0.

    The step is 1/λ, where λ is the largest eigenvalue of XᵀX/n. A longer step can overshoot.
    """
    n = len(fold.x)
    x, y = (mg.tensor(part, device=device) for part in (fold.x, fold.y))
    w = mg.zeros(fold.x.shape[1], dtype=np.float64, device=device, requires_grad=True)
    optimizer = optim.SGD([w], lr=n / np.linalg.norm(fold.x, 2) ** 2)
    losses = []
    for step in range(steps + 1):
        optimizer.zero_grad()
        loss = F.mse_loss(x @ w, y, "half_sum") / n
        losses.append(loss.item())
        if step < steps:
            loss.backward()
            optimizer.step()
    return w.numpy(), np.array(losses)


def fit_all(folds: list[Fold], steps: int, device: str) -> list[Fit]:
    """Return both fits of every fold."""
    fits = []
    for fold in common.progress(folds, "folds"):
        exact, rank = closed_form(fold)
        descended, losses = gradient_descent(fold, steps, device)
        fits.append(Fit(exact, descended, rank, losses))
    return fits


def min_loss(fold: Fold, fit: Fit) -> float:
    """Return the loss of the closed form, the minimum."""
    return float(0.5 * np.mean((fold.x @ fit.exact - fold.y) ** 2))


def report(folds: list[Fold], fits: list[Fit], steps: int) -> None:
    """Print the accuracies of both, and how close descent came."""
    fold, fit = folds[0], fits[0]
    size = fold.x.shape[1]
    print(f"zeros and ones of {size - 1} pixels: {len(fold.x)} to train, {len(fold.x_test)} to "
          f"test{f', {len(folds)} folds' if len(folds) > 1 else ''}")
    print(f"rank of the training pictures with a column of ones: {fit.rank} of {size}"
          f"{', so XᵀX has no inverse' if fit.rank < size else ''}\n")
    print(f"                                  closed form   {steps} steps of descent")
    pairs = [(f.accuracy(f.exact, d), f.accuracy(f.descended, d)) for d, f in zip(folds, fits)]
    for k, (exact, descended) in enumerate(pairs):
        print(f"fold {k + 1}: right in the test set     {exact:10.2%}   {descended:10.2%}")
    mean = np.mean(pairs, axis=0)
    print(f"{'mean':<32}  {mean[0]:10.2%}   {mean[1]:10.2%}")
    print(f"½ mean (ŷ − y)² in fold 1         {min_loss(fold, fit):.6f}      {fit.losses[-1]:.6f}")
    print(f"length of the weights in fold 1   {np.linalg.norm(fit.exact):8.4f}      "
          f"{np.linalg.norm(fit.descended):.4f}")
    same = np.mean([np.mean((d.x_test @ f.exact > 0.5) == (d.x_test @ f.descended > 0.5))
                    for d, f in zip(folds, fits)])
    print(f"both give the same answer for {same:.2%} of the test pictures")


def draw(file: Path, fold: Fold, fit: Fit) -> None:
    """Draw the fitted line, the weights as pictures, and the losses of the descent."""
    figure, axes = common.grid(1, 4, (4.2, 4.0))
    _draw_line(axes[0], fold, fit)
    side = round((len(fit.exact) - 1) ** 0.5)
    for ax, weights, name in ((axes[1], fit.exact, "closed form"),
                              (axes[2], fit.descended, "descent")):
        top = np.abs(weights[1:]).max()
        common.picture(ax, weights[1:].reshape(side, -1), f"weights, {name}\n(blue: speaks for 1)",
                       cmap="RdBu", vmin=-top, vmax=top)
    ax = axes[3]
    ax.loglog(np.arange(1, len(fit.losses)), fit.losses[1:], color=common.BLUE, label="descent")
    ax.axhline(min_loss(fold, fit), color=common.ORANGE, linestyle="--", label="closed form")
    ax.set(title="Training error", xlabel="steps", ylabel="½ mean (ŷ − y)²")
    ax.legend(frameon=False)
    common.save_plot(figure, file)


def _draw_line(ax, fold: Fold, fit: Fit) -> None:
    """Draw ŷ over the pictures' positions along w: a straight line through two point clouds."""
    w = fit.exact[1:]
    length = np.linalg.norm(w)
    place = fold.x_test[:, 1:] @ w / length
    ends = np.array([place.min() - 0.2, place.max() + 0.2])
    ax.plot(ends, fit.exact[0] + length * ends, color=common.BLUE, label="ŷ = |w|·s + b")
    for digit, colour in ((0, common.ORANGE), (1, common.GREEN)):
        chosen = fold.y_test == digit
        ax.plot(place[chosen], fold.y_test[chosen], "o", color=colour, alpha=0.4, markersize=4,
                label=f"test pictures of {digit}")
    ax.axhline(0.5, color=common.GREY, linestyle="--", linewidth=1)
    ax.set(title="The fitted line", xlabel="s: position along w, w·x/|w|", ylabel="label, and ŷ")
    ax.legend(frameon=False, loc="upper left", fontsize=8)


def program(arguments: Sequence[str] | None = None) -> None:
    parser = common.parser("linear_regression", __doc__)
    parser.add_argument("--mnist", type=Path, metavar="FOLDER",
                        help="use the zeros and ones of MNIST's four IDX files in FOLDER")
    parser.add_argument("--steps", type=common.counting_number, default=STEPS, metavar="N",
                        help=f"steps of gradient descent (default: {STEPS})")
    given = parser.parse_args(arguments)
    common.check_plot(given.plot)
    folds = mnist(given.mnist) if given.mnist else bundled(FOLDS, given.seed)
    fits = fit_all(folds, given.steps, given.device)
    report(folds, fits, given.steps)
    if given.plot:
        draw(given.plot, folds[0], fits[0])


if __name__ == "__main__":
    sys.exit(common.run("linear_regression", program))
