"""The perceptron: its update by hand, its convergence on separable data, its failure on XOR.

Follows "Workshop 3. Convolutional Neural Network + Style Transfer", slides "One layer neural
network (perceptron)": one neuron with a step, σ(w·x) = +1 if w·x > 0, else −1, where x₀ = 1.
Whenever a point with label y = ±1 is on the wrong side, w ← w + γ·y·x.

Part 1 is the worked update of the slides, and the sign that one of them gets wrong. Part 2 shows
the convergence theorem: on separable data the number of mistakes is at most (R/margin)², where R
is the length of the longest x (Novikoff, "On convergence proofs on perceptrons", 1962). Part 3
proves that no line separates XOR: the weights, whole numbers, return to earlier values, so mistakes
never end. By the theorem they would end if a line existed.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

if not __package__:         # run as a file: the repository is one folder up
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import minigrad as mg
from examples import common
from minigrad import functional as F
from minigrad import optim

W, X, LABEL, GAMMA = (0, -1, 1), (1, 2, 3), -1, Fraction(1, 10)     # the slides' example
OTHER_POINT = (1, -5, 5)    # the point of the earlier slides, with either label
GAPS = (1.0, 0.3, 0.1, 0.03)        # half widths of the empty strip between the classes
CORNERS = np.array([[1, 0, 0], [1, 0, 1], [1, 1, 0], [1, 1, 1]])    # (x₀, x₁, x₂)
AND, XOR = np.array([-1, -1, -1, 1]), np.array([-1, 1, 1, -1])


# --------------------------------------------------------------------------- the algorithm


def update(w: Sequence, x: Sequence, y: int, gamma: Any = 1) -> tuple:
    """Return w + γ·y·x, exact for exact numbers."""
    return tuple(a + gamma * y * b for a, b in zip(w, x))


def score(w: Sequence, x: Sequence) -> Any:
    """Return w·x, which is positive on the +1 side of the line."""
    return sum(a * b for a, b in zip(w, x))


def one_pass(w: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> list[np.ndarray]:
    """Visit the points once; yield the weights after each mistake."""
    steps = []
    for x, y in zip(xs, ys):
        if y * (x @ w) <= 0:        # a point on the line counts as wrong, for either class
            w = w + y * x
            steps.append(w)
    return steps


@dataclass
class Outcome:
    """How a training ended.

    Attributes
    ----------
    w : the weights at the end.
    count : mistakes made, that is, updates.
    passes : for each pass over the data, the weights after each of its mistakes.
    repeats : the number (from 0) of the pass that began with the final w, so that everything
        from that pass on repeats forever; None if no mistake is left.
    """

    w: np.ndarray
    count: int
    passes: list[list[np.ndarray]]
    repeats: int | None


def train(xs: np.ndarray, ys: np.ndarray, start: Sequence = (0, 0, 0)) -> Outcome:
    """Pass over the points in order, γ = 1, beginning with `start`, until one of two events.

    Either a pass makes no mistake: every point is on its side. Or w equals its value at the
    beginning of an earlier pass; a pass depends on nothing else, so everything since then repeats
    forever. With whole numbers one of these must happen: |w| stays bounded (Minsky and Papert,
    "Perceptrons", 1969, section 11.10), so only finitely many w are possible.
    """
    w = np.array(start, xs.dtype)
    first_pass: dict[tuple, int] = {}                # w at the beginning of each pass
    passes: list[list[np.ndarray]] = []
    while tuple(w.tolist()) not in first_pass:
        first_pass[tuple(w.tolist())] = len(passes)
        passes.append(one_pass(w, xs, ys))
        if not passes[-1]:
            return Outcome(w, sum(map(len, passes)), passes, None)
        w = passes[-1][-1]
    return Outcome(w, sum(map(len, passes)), passes, first_pass[tuple(w.tolist())])


# -------------------------------------------------------------------------- the three parts


def line(w: Sequence[Fraction]) -> str:
    """Format the boundary w·x = 0 with whole coefficients: "7x₂ − 12x₁ − 1 = 0"."""
    common_multiple = math.lcm(*[Fraction(a).denominator for a in w])
    whole = [int(a * common_multiple) for a in w]
    whole = [a // (math.gcd(*whole) or 1) for a in whole]
    terms = []
    for i in reversed(range(len(whole))):
        if whole[i]:
            size = "" if abs(whole[i]) == 1 and i else str(abs(whole[i]))
            terms.append((("− " if terms else "−") if whole[i] < 0 else ("+ " if terms else ""))
                         + size + ("x" + "₀₁₂₃₄₅₆₇₈₉"[i] if i else ""))
    return " ".join(terms or ["0"]) + " = 0"


def worked_update(device: str = "cpu") -> tuple:
    """Print part 1: the slides' update, in fractions, then as gradient descent."""
    print("1. One update by hand")
    print(f"   w = {W}, x = {X}, label {LABEL}: w·x = {score(W, X)} > 0, misclassified")
    w = update(W, X, LABEL, GAMMA)
    print(f"   w + γ·y·x with γ = {float(GAMMA)}: ({', '.join(str(float(a)) for a in w)})")
    print(f"   new boundary: {line(w)}; now w·x = {float(score(w, X))}")
    same = gradient_step(W, X, LABEL, float(GAMMA), device)
    print(f"   by minigrad, as a step of SGD on max(0, −y·w·x): ({', '.join(map(str, same))})")
    sign_of_w0()
    return w


def sign_of_w0() -> None:
    """Print the update for the slides' other point: y applies to every weight, including w₀."""
    origin = (0, 0, 0)
    for y in (-1, 1):
        print(f"   x = {OTHER_POINT}, label {y:+d}: w moves by γ·{update(origin, OTHER_POINT, y)}")
    print("   (for label +1 the slide moves w₀ by −γ; as x₀ = 1, it must be +γ)\n")


def gradient_step(w: Sequence, x: Sequence, y: int, gamma: float,
                  device: str = "cpu") -> list[float]:
    """Return the update as one step down the loss max(0, −y·w·x), whose gradient is −y·x."""
    weights = mg.tensor(w, dtype=np.float64, requires_grad=True, device=device)
    loss = F.relu(-y * (weights @ mg.tensor(x, dtype=np.float64, device=device)))
    loss.backward()
    optim.SGD([weights], lr=gamma).step()
    return [round(a, 12) for a in weights.tolist()]


def separable(rng: np.random.Generator, gap: float, count: int = 200) -> tuple:
    """Draw points of the square [−5, 5]² at a distance of at least `gap` from a random line.

    Returns xs count×3 with x₀ = 1, their labels, and the line as (w₀, w₁, w₂).
    """
    angle = rng.uniform(0, 2 * np.pi)
    hidden = np.array([rng.uniform(-2, 2), np.cos(angle), np.sin(angle)])
    points = np.zeros((0, 3))
    while len(points) < count:
        more = np.column_stack([np.ones(count), rng.uniform(-5, 5, (count, 2))])
        points = np.concatenate([points, more[np.abs(more @ hidden) >= gap]])
    xs = points[:count]
    return xs, np.sign(xs @ hidden).astype(int), hidden


def novikoff_bound(xs: np.ndarray, ys: np.ndarray, separator: np.ndarray) -> tuple:
    """Return (R, margin, (R/margin)²) for a separating line; the margin is in units of x."""
    radius = np.linalg.norm(xs, axis=1).max()
    margin = (ys * (xs @ separator)).min() / np.linalg.norm(separator)
    return radius, margin, (radius / margin) ** 2


def convergence(rng: np.random.Generator) -> list[tuple]:
    """Print part 2: training on separable data, which is harder the closer the classes are."""
    print("2. Separable data: 200 random points on both sides of a random line")
    print("   empty strip   R      margin    mistakes   ≤ (R/margin)²   passes")
    runs = []
    for gap in GAPS:
        xs, ys, hidden = separable(rng, gap)
        outcome = train(xs, ys)
        radius, margin, bound = novikoff_bound(xs, ys, hidden)
        print(f"   ±{gap:<11g}  {radius:<5.2f}  {margin:<8.4f}  {outcome.count:<9d}  "
              f"{bound:<14,.0f}  {len(outcome.passes)}")
        runs.append((xs, ys, hidden, outcome))
    print("   every run ended with all points on their side\n")
    return runs


def no_line_for_xor() -> Outcome:
    """Print part 3: starting from the slides' weights, AND converges and XOR cycles."""
    print(f"3. Corners of the unit square, in whole numbers, γ = 1, from w = {W} on")
    conjunction, exclusive = train(CORNERS, AND, W), train(CORNERS, XOR, W)
    print(f"   AND: {conjunction.count} mistakes, then none: {line(conjunction.w.tolist())}")
    print("   XOR: the weights after each mistake")
    for number, steps in enumerate(exclusive.passes):
        print(f"        pass {number + 1}: {'  '.join(str(tuple(w.tolist())) for w in steps)}")
    print(f"   {tuple(exclusive.w.tolist())} again, as before pass {exclusive.repeats + 1}: "
          f"from here on everything repeats.\n"
          f"   On separable data mistakes end, so XOR is not separable: no line has its corners "
          f"on their sides.")
    return exclusive


# ------------------------------------------------------------------------------- the plot


def draw(file: Path, w_new: tuple, run: tuple, exclusive: Outcome) -> None:
    """Draw the worked update, one of the separable sets, and the lines in XOR's cycle."""
    figure, (left, middle, right) = common.panels(3)
    left.plot(*X[1:], "o", color=common.ORANGE, markersize=9)
    left.annotate("x, label −1", X[1:], xytext=(4.2, 2.2), arrowprops={"arrowstyle": "-"})
    _boundary(left, W, (-1, 6), color=common.GREY, linestyle="--", label="before: x₂ − x₁ = 0")
    _boundary(left, w_new, (-1, 6), color=common.BLUE, label="after: 7x₂ − 12x₁ − 1 = 0")
    left.set(title="One update, γ = 0.1", xlim=(-1, 6), ylim=(-1, 6))
    left.legend(frameon=False, loc="lower right")

    xs, ys, hidden, outcome = run
    _points(middle, xs, ys)
    _boundary(middle, hidden, (-5, 5), color=common.GREY, linestyle="--", label="hidden line")
    _boundary(middle, outcome.w, (-5, 5), color=common.BLUE, label="found")
    middle.set(title=f"Separable: {outcome.count} mistakes, then none", xlim=(-5.2, 5.2),
               ylim=(-5.2, 6.8))
    middle.legend(frameon=False, loc="upper right", ncols=2)

    _points(right, CORNERS, XOR, size=90)
    cycle = [w for steps in exclusive.passes[exclusive.repeats:] for w in steps]
    for number, w in enumerate(cycle):
        _boundary(right, w, (-1, 2), color=common.BLUE, alpha=0.3 + 0.5 * number / len(cycle))
    right.set(title=f"XOR: {len(cycle)} lines, again and again", xlim=(-0.6, 1.6), ylim=(-0.6, 1.6))
    for ax in (left, middle, right):
        ax.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    common.save_plot(figure, file)


def _points(ax: Any, xs: np.ndarray, ys: np.ndarray, size: float = 14) -> None:
    for label, colour, marker in ((1, common.GREEN, "^"), (-1, common.ORANGE, "o")):
        ax.scatter(*xs[ys == label].T[1:], s=size, color=colour, marker=marker, linewidths=0,
                   zorder=3)


def _boundary(ax: Any, w: Sequence, span: tuple[float, float], **style: Any) -> None:
    """Draw the part of the line w·x = 0 within `span` (nothing if w₁ = w₂ = 0)."""
    w0, w1, w2 = (float(a) for a in w)
    ends = np.array(span, float)
    if abs(w2) >= abs(w1) and w2:
        ax.plot(ends, -(w0 + w1 * ends) / w2, **style)
    elif w1:
        ax.plot(-(w0 + w2 * ends) / w1, ends, **style)


def program(arguments: Sequence[str] | None = None) -> None:
    given = common.parser("perceptron", __doc__).parse_args(arguments)
    common.check_plot(given.plot)
    w_new = worked_update(given.device)
    runs = convergence(np.random.default_rng(given.seed))
    exclusive = no_line_for_xor()
    if given.plot:
        draw(given.plot, w_new, runs[1], exclusive)


if __name__ == "__main__":
    sys.exit(common.run("perceptron", program))
