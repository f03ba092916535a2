"""Steps per second of a network so small that the cost of recording dominates.

A 2-16-16-1 network with tanh, a batch of 32, float32: forward, backward and a step of SGD, on one
thread each. minigrad and PyTorch (eager) take turns, in two styles:

  modules   nn.Linear, nn.Tanh, mse_loss and optim.SGD
  plain     tanh(x @ w + b) and w.add_(w.grad, alpha=-rate), nothing else

If autograd and micrograd are installed (pip install autograd micrograd), their results are
printed as well. micrograd computes on single numbers and has only relu, so it uses relu.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import statistics
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import common
import numpy as np
import turns

LAYERS = (2, 16, 16, 1)
BATCH = 32
RATE = 0.05
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
STYLES = ("modules", "plain")
COLUMNS = {
    "library": common.column("library"),
    "style": common.column("style"),
    "µs per step": common.column("seconds", ".1f", 1e6),
    "steps per second": common.column("steps_per_second", ".0f"),
    "minigrad ÷ PyTorch, steps per second": lambda result: (
        common.ratio_column(result) if "ratio" in result else "–"),
}


def task() -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Return inputs 32×2, targets 32×1, and weights I×O and biases O alternating."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((BATCH, LAYERS[0]), np.float32)
    parameters = []
    for inputs, outputs in pairwise(LAYERS):
        parameters.append(rng.standard_normal((inputs, outputs), np.float32) * inputs ** -0.5)
        parameters.append(np.zeros(outputs, np.float32))
    return x, np.sin(x[:, :1] + 2 * x[:, 1:]), parameters


class _Tensors:
    """The task in a library with PyTorch's interface, which a subclass imports as `library`."""

    library: Any
    functional: Any

    def prepare(self, style: str) -> None:
        x, target, arrays = task()
        self.x, self.target = self.library.tensor(x), self.library.tensor(target)
        if style == "modules":
            self._prepare_modules(arrays)
            self.step: Callable[[], Any] = self._modules_step
        else:
            self.parameters = [self.library.tensor(a, requires_grad=True) for a in arrays]
            self.step = self._plain_step

    def _prepare_modules(self, arrays: list[np.ndarray]) -> None:
        nn = self.library.nn
        self.model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(),
                                   nn.Linear(16, 1))
        with self.library.no_grad():
            for parameter, array in zip(self.model.parameters(), arrays):
                parameter.copy_(self.library.tensor(array.T))
        self.optimizer = self.library.optim.SGD(self.model.parameters(), lr=RATE)

    def _modules_step(self) -> Any:
        self.optimizer.zero_grad()
        loss = self.functional.mse_loss(self.model(self.x), self.target)
        loss.backward()
        self.optimizer.step()
        return loss

    def _plain_step(self) -> Any:
        w1, b1, w2, b2, w3, b3 = self.parameters
        hidden = ((self.x @ w1 + b1).tanh() @ w2 + b2).tanh()
        difference = hidden @ w3 + b3 - self.target
        loss = (difference * difference).mean()
        loss.backward()
        with self.library.no_grad():
            for parameter in self.parameters:
                parameter.add_(parameter.grad, alpha=-RATE)
                parameter.grad = None
        return loss

    def steps(self, count: int) -> None:
        for _ in range(count):
            self.step()

    def losses(self, count: int) -> list[float]:
        """Return the loss of each of the next steps, to check that all libraries learn the same."""
        return [self.step().item() for _ in range(count)]


class Ours(_Tensors):
    """The task in minigrad."""

    def __init__(self) -> None:
        import minigrad

        minigrad.set_num_threads(1)
        self.library, self.functional = minigrad, minigrad.functional


class Torch(_Tensors):
    """The task in PyTorch, eager."""

    def __init__(self) -> None:
        import torch

        torch.set_num_threads(1)
        self.library, self.functional = torch, torch.nn.functional


class Autograd:
    """The task in autograd, which traces NumPy's functions."""

    def __init__(self) -> None:
        import autograd
        import autograd.numpy as xp

        x, target, self.parameters = task()

        def loss(parameters: list) -> Any:
            w1, b1, w2, b2, w3, b3 = parameters
            hidden = xp.tanh(xp.dot(xp.tanh(xp.dot(x, w1) + b1), w2) + b2)
            return xp.mean((xp.dot(hidden, w3) + b3 - target) ** 2)

        self.gradient = autograd.grad(loss)

    def steps(self, count: int) -> None:
        for _ in range(count):
            for parameter, g in zip(self.parameters, self.gradient(self.parameters)):
                parameter -= np.float32(RATE) * g


class Micrograd:
    """The task in micrograd: its own network (relu), one number at a time."""

    def __init__(self) -> None:
        from micrograd.nn import MLP

        x, target, _ = task()
        self.x, self.target = x.tolist(), target[:, 0].tolist()
        self.model = MLP(LAYERS[0], list(LAYERS[1:]))

    def steps(self, count: int) -> None:
        sys.setrecursionlimit(100_000)      # its graph traversal is recursive
        for _ in range(count):
            loss = sum((self.model(x) - t) ** 2 for x, t in zip(self.x, self.target)) / BATCH
            self.model.zero_grad()
            loss.backward()
            for parameter in self.model.parameters():
                parameter.data -= RATE * parameter.grad


OTHERS = {"autograd": (Autograd, 50), "micrograd": (Micrograd, 1)}


def measure(ours: turns.Worker, theirs: turns.Worker, style: str, count: int, rounds: int
            ) -> list[dict[str, Any]]:
    """Measure both libraries in one style, with `count` steps in each timed call."""
    for worker in (ours, theirs):
        worker.call("prepare", style)
    first, second = (worker.call("losses", 5) for worker in (ours, theirs))
    if not np.allclose(first, second, rtol=1e-4):
        raise turns.WorkerError(f"the losses differ: {first} and {second}")
    taken = turns.compare(lambda: ours.seconds("steps", count),
                          lambda: theirs.seconds("steps", count), rounds)
    speedups = [1 / ratio for ratio in (taken["ratio"], taken["ratio_max"], taken["ratio_min"])]
    return [
        result("minigrad", style, taken["ours_rounds"], count,
               dict(zip(("ratio", "ratio_min", "ratio_max"), speedups))),
        result("PyTorch", style, taken["torch_rounds"], count),
    ]


def result(library: str, style: str, rounds: list[float], count: int,
           more: dict[str, float] | None = None) -> dict[str, Any]:
    """Return one line of the report, from the seconds of `count` steps in each round."""
    seconds = statistics.median(rounds) / count
    return {"library": library, "style": style, "seconds": seconds,
            "steps_per_second": 1 / seconds, "rounds": [taken / count for taken in rounds],
            **(more or {})}


def measure_other(name: str, rounds: int, turn: float) -> dict[str, Any]:
    """Return the result of an additional library."""
    factory, count = OTHERS[name]
    with turns.Worker(factory, turn=turn) as worker:
        taken = [worker.seconds("steps", count) for _ in range(rounds)]
    return {**result(name, "plain", taken, count), "version": importlib.metadata.version(name)}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = common.parser("small_network", __doc__)
    common.add_turns(parser)
    given = parser.parse_args(arguments)
    common.require_torch()
    os.environ.update(dict.fromkeys(THREADS, "1"))      # the workers inherit it
    report = common.Report("small_network", given.output, COLUMNS, rounds=given.rounds,
                           layers=LAYERS, batch=BATCH, threads=1)
    with (turns.Worker(Ours, turn=given.turn) as ours,
          turns.Worker(Torch, turn=given.turn) as theirs):
        for style in STYLES:
            for line in measure(ours, theirs, style, 20, given.rounds):
                report.add(line)
    missing = [name for name in OTHERS if importlib.util.find_spec(name) is None]
    for name in OTHERS:
        if name not in missing:
            report.add(measure_other(name, given.rounds, given.turn))
    report.finish(*(f"{name} is not installed (pip install {name}), so it was skipped."
                    for name in missing))
    return 0


if __name__ == "__main__":
    sys.exit(common.run("small_network", main))
