"""Right gradients that are hard to measure: large and small inputs, float32, noise, kinks."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tools.museum.right.function import RightFunction
from tools.wrong_rules.functions import sigmoid, softmax

SCALES = [10.0**k for k in range(-8, 9, 2)]

Pair = tuple[Callable[..., Any], Callable[..., Any]]

# name: forward and derivative; every input has the same scale.
SMOOTH: dict[str, Pair] = {
    "square": (lambda x: x**2, lambda g, x: 2 * g * x),
    "cube": (lambda x: x**3, lambda g, x: 3 * g * x**2),
    "reciprocal": (lambda x: 1 / x, lambda g, x: -g / x**2),
    "square root": (lambda x: np.sqrt(np.abs(x)),
                    lambda g, x: g * np.sign(x) / (2 * np.sqrt(np.abs(x)))),
    "logarithm": (lambda x: np.log(np.abs(x)), lambda g, x: g / x),
    "norm": (np.linalg.norm, lambda g, x: g * x / np.linalg.norm(x)),
    "sum of squares": (lambda x: np.sum(x**2), lambda g, x: 2 * g * x),
    "mean": (np.mean, lambda g, x: np.full_like(x, g / x.size)),
    "cumulative sum": (np.cumsum, lambda g, x: g[::-1].cumsum()[::-1]),
    "arc sine of a ratio": (lambda x: np.arcsinh(x), lambda g, x: g / np.sqrt(1 + x**2)),
    "tanh": (np.tanh, lambda g, x: g / np.cosh(np.clip(x, -300, 300))**2),
    "sigmoid": (lambda x: sigmoid(np.clip(x, -700, 700)), lambda g, x: g * sigmoid(
        np.clip(x, -700, 700)) * sigmoid(-np.clip(x, -700, 700))),
    "relu": (lambda x: np.maximum(x, 0), lambda g, x: g * (x > 0)),
    "absolute value": (np.abs, lambda g, x: g * np.sign(x)),
    "sort": (np.sort, lambda g, x: g[np.argsort(np.argsort(x))]),
    "maximum": (np.max, lambda g, x: g * (x == x.max())),
    "linear": (lambda x: 0.1 * x, lambda g, x: 0.1 * g),
    "differences": (lambda x: x[1:] - x[:-1], lambda g, x: np.concatenate(
        [[-g[0]], g[:-1] - g[1:], [g[-1]]])),
}


def _softmax_vjp(g: np.ndarray, x: np.ndarray) -> np.ndarray:
    s = softmax(x)
    return s * (g - (g * s).sum(-1, keepdims=True))


# Functions of standard normal inputs, which are cast or disturbed below.
PLAIN: dict[str, Pair] = {
    "sine": (np.sin, lambda g, x: g * np.cos(x)),
    "exponential": (np.exp, lambda g, x: g * np.exp(x)),
    "tanh": (np.tanh, lambda g, x: g * (1 - np.tanh(x)**2)),
    "softmax": (softmax, _softmax_vjp),
    "bell": (lambda x: np.exp(-x**2), lambda g, x: -2 * g * x * np.exp(-x**2)),
    "square": (lambda x: x**2, lambda g, x: 2 * g * x),
    "product of all": (np.prod, lambda g, x: g * np.prod(x) / x),
    "log-sum-exp": (lambda x: np.log(np.exp(x).sum()), lambda g, x: g * softmax(x)),
    "relu": (lambda x: np.maximum(x, 0), lambda g, x: g * (x > 0)),
    "sum": (np.sum, lambda g, x: np.full_like(x, g)),
}


def functions() -> Iterator[RightFunction]:
    yield from _scaled()
    yield from _float32()
    yield from _noisy()
    yield from _near_kinks()
    yield from _mixed_scales()


def _one(name: str, pair: Pair, *arguments: np.ndarray) -> RightFunction:
    forward, vjp = pair

    def gradients(g: np.ndarray, *arrays: np.ndarray) -> tuple:
        found = vjp(g, *arrays)
        return found if isinstance(found, tuple) else (found,)
    return RightFunction(name, "awkward", forward, gradients, arguments)


def _scaled() -> Iterator[RightFunction]:
    rng = np.random.default_rng(1)
    for name, pair in SMOOTH.items():
        for scale in SCALES:
            x = rng.uniform(0.5, 2, 5) * rng.choice([-1, 1], 5)
            yield _one(f"{name} of inputs about {scale:g}", pair, scale * x)


def _float32() -> Iterator[RightFunction]:
    """The forward rounds to float32; the gradient is that of the exact function."""
    rng = np.random.default_rng(2)
    for name, (forward, vjp) in PLAIN.items():
        for scale in (0.1, 1.0, 3.0):
            yield _one(f"{name} computed in float32, inputs about {scale:g}", (
                lambda x, f=forward: np.asarray(f(x.astype(np.float32)), np.float32), vjp),
                scale * rng.standard_normal(5).astype(np.float32).astype(float))


def _noise(x: np.ndarray, size: float) -> np.ndarray:
    """A function of x that jumps about like the last digits of an iterative solver."""
    return size * np.sin(1e12 * np.sin(1e6 * x))


def _noisy() -> Iterator[RightFunction]:
    rng = np.random.default_rng(3)
    for name, (forward, vjp) in PLAIN.items():
        for size in (1e-12, 1e-9):
            yield _one(f"{name} with noise of {size:g}", (
                lambda x, f=forward, size=size: f(x) + _noise(x.sum(), size), vjp),
                rng.standard_normal(4))


def _near_kinks() -> Iterator[RightFunction]:
    """Points beside a kink: the gradient exists, but only a small step sees it."""
    rng = np.random.default_rng(4)
    for distance in (1e-2, 1e-4, 1e-6, 1e-8):
        x = distance * rng.choice([-1.0, 1.0], 4)
        for name in ("relu", "absolute value", "sort", "maximum"):
            offset = np.arange(4) if name in ("sort", "maximum") else 0
            yield _one(f"{name}, {distance:g} from a kink", SMOOTH[name],
                       x + 1e-3 * distance * np.arange(4) + offset * distance)


def _mixed_scales() -> Iterator[RightFunction]:
    """Inputs of very different sizes in one array, and in one call."""
    rng = np.random.default_rng(5)
    for k in range(10):
        small, large = 10.0**-(k % 5 * 2), 10.0**(k % 5 * 2)
        x = np.array([small, 1.0, large]) * rng.uniform(1, 2, 3)
        yield _one(f"sum of logarithms, inputs from {small:g} to {large:g}, {k}",
                   (lambda x: np.log(x).sum(), lambda g, x: g / x), x)
        yield _one(f"product of inputs about {small:g} and {large:g}, {k}",
                   (lambda x, y: x * y, lambda g, x, y: (g * y, g * x)),
                   small * rng.uniform(1, 2, 3), large * rng.uniform(1, 2, 3))
