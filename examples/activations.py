"""The table of activation functions: identity, step, sigmoid, tanh, ReLU, leaky ReLU.

Follows "Workshop 3. Convolutional Neural Network + Style Transfer", the slide with the table of
f(x) and f′(x). ReLU, sigmoid and tanh are also the functions of "Deep Learning Review",
section 3.1.

Each row is computed twice: by the table's formula and by the engine, f′ by its backward pass.
The two differ only at x = 0, if no derivative exists there. For ReLU and leaky ReLU the table uses
the right branch at 0, so f′(0) = 1; the engine uses the left one, 0 and 0.01, as PyTorch does. For
the step the table has no derivative at 0; the engine has 0, as everywhere else. Both values are
printed. See docs/conventions.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

if not __package__:         # run as a file: the repository is one folder up
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import minigrad as mg
from examples import common
from minigrad import functional as F

POINTS = (-2.0, -0.5, 0.0, 0.5, 2.0)
SLOPE = 0.01        # of leaky ReLU for x < 0


@dataclass(frozen=True)
class Row:
    """One function of the table.

    Attributes
    ----------
    name : as on the slide.
    engine : the engine's function, on tensors.
    f, slope : the table's f(x) and f′(x), on arrays; `slope` may use the value f(x). NaN
        stands for the table's question mark.
    """

    name: str
    engine: Callable[[mg.Tensor], mg.Tensor]
    f: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray, np.ndarray], np.ndarray]

    def table(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return f(x) and f′(x) by the slide's formulae."""
        value = self.f(x)
        return value, self.slope(x, value)

    def computed(self, x: np.ndarray, device: str = "cpu") -> tuple[np.ndarray, np.ndarray]:
        """Return f(x) and f′(x) from the engine, the derivative of each element."""
        inputs = mg.tensor(x, dtype=np.float64, device=device, requires_grad=True)
        value = self.engine(inputs)
        value.sum().backward()
        return value.numpy(), inputs.grad.numpy()


def step(x: mg.Tensor) -> mg.Tensor:
    """Return 1 for x ≥ 0, else 0, as part of the graph with a derivative of 0."""
    return mg.where(x >= 0, 1.0, 0.0) + 0 * x


TABLE = (
    Row("Identity", lambda x: 1 * x, lambda x: x, lambda x, f: np.ones_like(x)),
    Row("Binary step", step, lambda x: np.where(x >= 0, 1.0, 0.0),
        lambda x, f: np.where(x == 0, np.nan, 0.0)),
    Row("Logistic (sigmoid)", F.sigmoid, lambda x: 1 / (1 + np.exp(-x)), lambda x, f: f * (1 - f)),
    Row("TanH", F.tanh, lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)),
        lambda x, f: 1 - f ** 2),
    Row("ReLU", F.relu, lambda x: np.where(x < 0, 0.0, x), lambda x, f: np.where(x < 0, 0.0, 1.0)),
    Row("Leaky ReLU", lambda x: F.leaky_relu(x, SLOPE), lambda x: np.where(x < 0, SLOPE * x, x),
        lambda x, f: np.where(x < 0, SLOPE, 1.0)),
)


def largest_difference(row: Row, device: str = "cpu") -> float:
    """Return the largest difference of table and engine, in f or f′, at 2000 points of [−4, 4].

    The point 0 is excluded.
    """
    x = np.linspace(-4, 4, 2000)
    return max(float(np.abs(a - b).max()) for a, b in zip(row.table(x), row.computed(x, device)))


def report(device: str) -> None:
    """Print the rows at a few points, and where table and engine differ."""
    x = np.array(POINTS)
    print("x                           " + "".join(f"{a:10g}" for a in POINTS))
    for row in TABLE:
        value, slope = row.computed(x, device)
        print(f"{row.name:<20} f(x)    " + "".join(f"{a:10.5f}" for a in value))
        print(f"{'':<20} f′(x)   " + "".join(f"{a:10.5f}" for a in slope))
    print("\n                       table and engine differ   f′(0)")
    print("                       by at most (x ≠ 0)        table   engine")
    for row in TABLE:
        table, ours = row.table(np.zeros(1))[1][0], row.computed(np.zeros(1), device)[1][0]
        note = "" if np.isclose(table, ours) else "   ← differs"
        print(f"{row.name:<22} {largest_difference(row, device):<25.1e} "
              f"{'?' if np.isnan(table) else f'{table:g}':<7} {ours:g}{note}")


def draw(file: Path, device: str) -> None:
    """Draw f and f′ of every row, and the engine's f′(0) if it differs from the table's."""
    figure, axes = common.grid(2, 3, (4.2, 3.2))
    x = np.linspace(-4, 4, 801)
    for ax, row in zip(axes, TABLE):
        value, slope = row.computed(x, device)
        jump = np.abs(np.diff(slope, prepend=slope[0])) > 0.5        # draws no line across a jump
        broken = np.abs(np.diff(value, prepend=value[0])) > 0.5
        ax.plot(x, np.where(broken, np.nan, value), color=common.BLUE, linewidth=2, label="f(x)")
        ax.plot(x, np.where(jump, np.nan, slope), color=common.ORANGE, linewidth=1.5,
                linestyle="--", label="f′(x)")
        table, ours = row.table(np.zeros(1))[1][0], row.computed(np.zeros(1), device)[1][0]
        if not np.isclose(table, ours):
            ax.plot(0, ours, "o", color=common.ORANGE, label=f"f′(0) = {ours:g}, engine")
            if not np.isnan(table):
                ax.plot(0, table, "o", markerfacecolor="white", color=common.ORANGE,
                        label=f"f′(0) = {table:g}, table")
        ax.set(title=row.name, ylim=(-1.3, 2.2), xlim=(-4, 4))
        ax.axhline(0, color=common.GREY, linewidth=0.5, zorder=0)
        ax.axvline(0, color=common.GREY, linewidth=0.5, zorder=0)
        ax.legend(frameon=False, loc="upper left", fontsize=8)
    common.save_plot(figure, file)


def program(arguments: Sequence[str] | None = None) -> None:
    given = common.parser("activations", __doc__).parse_args(arguments)
    common.check_plot(given.plot)
    report(given.device)
    if given.plot:
        draw(given.plot, given.device)


if __name__ == "__main__":
    sys.exit(common.run("activations", program))
