"""A toy example of backpropagation, f = w·x + b, step by step.

Follows "Workshop 3. Convolutional Neural Network + Style Transfer", slides "Backpropagation: a
toy example": x = 5, w = −2, b = 3, with g = w·x and f = g + b = −7. The chain rule gives
∂f/∂w = ∂f/∂g · ∂g/∂w = x = 5 and ∂f/∂b = 1. As f should be 3, the slides step *up* the gradient,
w ← w + η·∂f/∂w with η = 0.1: w = −1.5, b = 3.1, and f rises to −4.4.

That rule has no goal: f would rise past 3 without end. Descent needs a function with its minimum
at the goal, such as E = ½(f − 3)²; part 3 shows both. As f is linear, a step down E multiplies
f − 3 by 1 − η(x² + 1) = 1 − 26η. With the slides' η = 0.1 this is −1.6, and descent diverges; any η
below 1/13 works. `--page FILE.html` writes the engine's page that steps through the backward pass.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

if not __package__:         # run as a file: the repository is one folder up
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import minigrad as mg
from examples import common
from minigrad import inspect, optim
from minigrad.errors import ArgumentError
from minigrad.files import check_writable

X, W, B, GOAL, ETA = 5.0, -2.0, 3.0, 3.0, 0.1
STABLE_ETA = 0.02           # an η with which descent on E converges
STEPS = 8


class Toy:
    """x, w and b as tensors, and f(x)."""

    def __init__(self, device: str = "cpu") -> None:
        options = {"dtype": np.float64, "device": device}
        self.x = mg.tensor(X, **options)
        self.w = mg.tensor(W, requires_grad=True, **options)
        self.b = mg.tensor(B, requires_grad=True, **options)

    def forward(self) -> tuple[mg.Tensor, mg.Tensor]:
        """Return g = w·x and f = g + b."""
        g = self.w * self.x
        return g, g + self.b


def slides_step(toy: Toy) -> None:
    """Print parts 1 and 2: the slides' numbers, computed by the engine."""
    with inspect.record():
        g, f = toy.forward()
    print(f"1. forward:   g = w·x = {W:g}·{X:g} = {g.item():g}   f = g + b = {f.item():g}")
    print("   backward, node by node:")
    for step in inspect.trace(f, names={"w": toy.w, "b": toy.b, "x": toy.x, "g": g, "f": f}):
        print("   " + str(step).replace("\n", "\n   "))
    f.backward()
    print(f"   ∂f/∂w = x = {toy.w.grad.item():g}, ∂f/∂b = {toy.b.grad.item():g}\n")
    ascend(toy, ETA)
    print(f"2. f should be {GOAL:g}, so both rise along their gradients, η = {ETA}:")
    print(f"   w = {W:g} + {ETA}·{X:g} = {toy.w.item():g}   b = {B:g} + {ETA}·1 = "
          f"{toy.b.item():g}   f = {toy.forward()[1].item():g}\n")


def ascend(toy: Toy, eta: float) -> None:
    """Step w ← w + η·∂f/∂w, b ← b + η·∂f/∂b: SGD with negated gradients."""
    for parameter in (toy.w, toy.b):
        parameter.grad = -parameter.grad
    optim.SGD([toy.w, toy.b], lr=eta).step()


def trajectory(rule: str, eta: float, device: str = "cpu") -> list[float]:
    """Return f after 0, 1, … steps: `"f"` ascends f itself, `"E"` descends ½(f − 3)²."""
    toy = Toy(device)
    values = []
    for _ in range(STEPS + 1):
        toy.w.grad = toy.b.grad = None
        f = toy.forward()[1]
        values.append(f.item())
        if rule == "f":
            f.backward()
            ascend(toy, eta)
        else:
            (0.5 * (f - GOAL) ** 2).backward()
            optim.SGD([toy.w, toy.b], lr=eta).step()
    return values


def trajectories(device: str) -> dict[str, list[float]]:
    """Print part 3: the results of the slides' rule and of descent on E."""
    paths = {f"slides' ascent on f, η = {ETA}": trajectory("f", ETA, device),
             f"descent on E, η = {STABLE_ETA}": trajectory("E", STABLE_ETA, device),
             f"descent on E, η = {ETA}": trajectory("E", ETA, device)}
    print(f"3. f after 0, 1, … {STEPS} steps")
    for name, values in paths.items():
        print(f"   {name:<30}" + "".join(f"{v:8.2f}" for v in values))
    print("   each ascent adds η(x² + 1) = 2.6 and never stops; each descent multiplies the "
          "distance to 3 by 1 − 26η")
    return paths


def draw(file: Path, paths: dict[str, list[float]]) -> None:
    """Draw f over the steps of the three trajectories."""
    figure, (ax,) = common.panels(1)
    figure.set_size_inches(7, 4.2)
    for (name, values), colour in zip(paths.items(), (common.ORANGE, common.BLUE, common.GREY)):
        ax.plot(values, "o-", color=colour, label=name)
    ax.axhline(GOAL, color="black", linewidth=0.8, linestyle="--")
    ax.annotate("f should be 3", (1, GOAL), xycoords=("axes fraction", "data"), xytext=(4, 0),
                textcoords="offset points", va="center", fontsize=8)
    ax.set(title="f = w·x + b", xlabel="steps", ylabel="f", ylim=(-25, 30))
    ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=3)
    common.save_plot(figure, file)


def check_page(page: Path | None) -> None:
    """Check before any work that the page can be written."""
    if page is None:
        return
    if page.suffix not in (".html", ".htm"):
        raise ArgumentError(f"--page writes a page, so the end of its name must be .html, not "
                            f"{page.suffix or 'none'}")
    check_writable(page)


def write_page(page: Path, device: str) -> None:
    """Write the engine's page about the backward pass of f."""
    toy = Toy(device)
    with inspect.record():
        g, f = toy.forward()
    names: dict[str, Any] = {"x": toy.x, "w": toy.w, "b": toy.b, "g": g, "f": f}
    inspect.explain(f, page, names=names, title="A toy example of backpropagation: f = w·x + b")
    print(f"\nPage: {page}")


def program(arguments: Sequence[str] | None = None) -> None:
    parser = common.parser("toy_backprop", __doc__)
    parser.add_argument("--page", type=Path, metavar="FILE",
                        help="write a page that steps through the backward pass (.html)")
    given = parser.parse_args(arguments)
    common.check_plot(given.plot)
    check_page(given.page)
    slides_step(Toy(given.device))
    paths = trajectories(given.device)
    if given.plot:
        draw(given.plot, paths)
    if given.page:
        write_page(given.page, given.device)


if __name__ == "__main__":
    sys.exit(common.run("toy_backprop", program))
