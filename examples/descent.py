"""Gradient descent on f(x) = x⁴ − 2x³ + 2: stalled from the left, at the minimum from the right.

Follows "TP 1: Introduction to Deep Learning and Neural Style Transfer", section 1.2 and figure 1.
f′(x) = x²(4x − 6) is 0 at two places: x = 3/2, the minimum, f = 5/16; and x = 0, where the curve
is level but continues to fall (the document's "saddle point"; in one dimension it is called an
inflection).

From the right, steps −η·f′ end at 3/2. From the left they slow down towards 0: there f′ ≈ −6x², so
x ≈ −1/(6ηk) after k steps, and no number of steps passes 0. (The document's first case says "right
to the saddle point", but must say left.) Two remedies are drawn on the curve: momentum, which
passes 0, and restarts from random points, of which the best is kept.
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
from minigrad import optim

LEARNING_RATE, MOMENTUM, STEPS = 0.02, 0.9, 1000
LEFT, RIGHT = -0.8, 2.3
MINIMUM, MIN_VALUE = 1.5, 0.3125
RANGE, RESTARTS, SHORT_STEPS = (-1.0, 2.4), 8, 100    # where restarts begin, how many, how long


def f(x: mg.Tensor) -> mg.Tensor:
    """Return the document's curve at x; both have shape n."""
    return x ** 4 - 2 * x ** 3 + 2


@dataclass
class Descent:
    """The path of a descent.

    Attributes
    ----------
    name : the variant of descent.
    xs, fs : (steps + 1)×n positions and values, for n starts.
    """

    name: str
    xs: np.ndarray
    fs: np.ndarray

    @property
    def end(self) -> tuple[float, float]:
        """The last (x, f) of the start that ended lowest."""
        best = np.argmin(self.fs[-1])
        return float(self.xs[-1, best]), float(self.fs[-1, best])


def descend(name: str, starts: Sequence[float], momentum: float = 0.0, steps: int = STEPS,
            device: str = "cpu") -> Descent:
    """Descend from each of `starts` independently by the engine's SGD.

    The derivative of Σᵢ f(xᵢ) with respect to xᵢ is f′(xᵢ), so one tensor holds all starts.
    """
    x = mg.tensor(starts, dtype=np.float64, device=device, requires_grad=True)
    optimizer = optim.SGD([x], lr=LEARNING_RATE, momentum=momentum)
    xs, fs = [], []
    for step in range(steps + 1):
        optimizer.zero_grad()
        value = f(x)
        value.sum().backward()
        xs.append(x.numpy())
        fs.append(value.numpy())
        if step < steps:
            optimizer.step()
    return Descent(name, np.array(xs), np.array(fs))


def all_descents(rng: np.random.Generator, device: str) -> list[Descent]:
    """Descend from the left, the right, the left with momentum, and from random points."""
    return [
        descend("from the left", [LEFT], device=device),
        descend("from the right", [RIGHT], device=device),
        descend("from the left, momentum", [LEFT], MOMENTUM, device=device),
        descend(f"best of {RESTARTS} restarts", rng.uniform(*RANGE, RESTARTS).tolist(),
                steps=SHORT_STEPS,
                device=device),
    ]


def report(ways: list[Descent]) -> None:
    """Print where each path ends, and why the first one stalls."""
    print(f"f(x) = x⁴ − 2x³ + 2, η = {LEARNING_RATE}; minimum f(3/2) = 5/16 = {MIN_VALUE}\n")
    print("way                      start    steps   x at the end   f at the end")
    for way in ways[:3]:
        print(f"{way.name:<24} {way.xs[0, 0]:<8.4g} {len(way.xs) - 1:<7d} {way.end[0]:<14.6f} "
              f"{way.end[1]:.6f}")
    left, restarts = ways[0], ways[3]
    passed = int(np.argmax(ways[2].xs[:, 0] > 0))
    print("\nfrom the left f′ ≈ −6x² near 0, so x ≈ −1/(6ηk) after k steps:")
    for k in (10, 100, STEPS):
        print(f"  k = {k:<5d} x = {left.xs[k, 0]:.6f}   −1/(6ηk) = "
              f"{-1 / (6 * LEARNING_RATE * k):.6f}")
    print(f"momentum {MOMENTUM} carries x past 0 at step {passed}\n")
    print(f"{RESTARTS} random starts, {SHORT_STEPS} steps each:")
    for start, x, value in zip(restarts.xs[0], restarts.xs[-1], restarts.fs[-1]):
        print(f"  {start:8.4f} → {x:8.4f}   f = {value:.4f}{'' if x > 0.1 else '   stalled'}")
    print(f"  best: x = {restarts.end[0]:.6f}, f = {restarts.end[1]:.6f}")


def draw(file: Path, ways: list[Descent]) -> None:
    """Draw the points of each path on the curve."""
    figure, axes = common.grid(2, 2, (5.2, 3.4))
    line = np.linspace(-1.05, 2.35, 300)
    for ax, way, colour in zip(axes, ways, (common.ORANGE, common.BLUE, common.GREEN,
                                            common.BLUE)):
        ax.plot(line, line ** 4 - 2 * line ** 3 + 2, color=common.GREY, linewidth=1)
        ax.plot([0, MINIMUM], [2, MIN_VALUE], "|", color="black", markersize=12)
        for k in range(way.xs.shape[1]):
            stalled = way.xs[-1, k] < 0.1
            ax.plot(way.xs[:, k], way.fs[:, k], "o-", color=common.ORANGE if stalled else colour,
                    markersize=3.5, linewidth=0.8, alpha=0.7)
            ax.plot(way.xs[0, k], way.fs[0, k], "o", color="black", markersize=5, zorder=4)
        ax.set(title=f"{way.name}: {len(way.xs) - 1} steps, x = {way.end[0]:.3f}", xlabel="x",
               ylabel="f(x)", ylim=(0, 6))
    common.save_plot(figure, file)


def program(arguments: Sequence[str] | None = None) -> None:
    given = common.parser("descent", __doc__).parse_args(arguments)
    common.check_plot(given.plot)
    ways = all_descents(np.random.default_rng(given.seed), given.device)
    report(ways)
    if given.plot:
        draw(given.plot, ways)


if __name__ == "__main__":
    sys.exit(common.run("descent", program))
