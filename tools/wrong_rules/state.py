"""Mistakes in what a rule remembers and in what it writes to."""

import numpy as np

from tools.wrong_rules.functions import relu, sigmoid
from tools.wrong_rules.rule import WrongRule, normal, positive


def first_input_kept():
    """Saves the input of the first call, and keeps it."""
    saved = []

    def forward(x):
        saved.append(x.copy())
        return x**2
    return forward, lambda g, x: 2 * g * (saved[0] if saved else x)


def shared_workspace():
    """One workspace for all calls: another call of the forward overwrites what was saved."""
    workspace = np.zeros((3, 4))

    def forward(x):
        workspace[...] = x
        return np.sin(x)
    return forward, lambda g, x: g * np.cos(workspace)


def clipped_in_place():
    """A relu in place, between the cube and its rule, changes what the cube saved."""
    def vjp(g, x):
        saved = x.copy()
        np.maximum(saved, 0, out=saved)
        return 3 * g * saved**2
    return (lambda x: x**3), vjp


def output_added_to():
    """A bias is added in place to the saved output."""
    def vjp(g, x):
        saved = np.tanh(x)
        saved += 0.5
        return g * (1 - saved**2)
    return np.tanh, vjp


def accumulating(function, gradient, shape):
    def make():
        buffer = np.zeros(shape)

        def vjp(g, x):
            buffer[...] += gradient(g, x)
            return buffer.copy()
        return function, vjp
    return make


def accumulating_weight():
    total = np.zeros((3, 2))

    def vjp(g, x, w):
        np.add(total, x.T @ g, out=total)
        return g @ w.T, total.copy()
    return (lambda x, w: x @ w), vjp


def upstream_changing(function, change):
    def make():
        def vjp(g, x):
            change(g, x)
            return g
        return function, vjp
    return make


def upstream_cleared():
    """Returns the right gradient, and clears the upstream gradient for the next step."""
    def vjp(g, x, y):
        result = g * y, g * x
        g[...] = 0
        return result
    return (lambda x, y: x * y), vjp


def relu_in_place(g, x):
    np.maximum(x, 0, out=x)
    return g * (x > 0)


def sigmoid_in_place(g, x):
    x[...] = sigmoid(x)
    return g * x * (1 - x)


def normalised_in_place():
    """The forward centres its input in place."""
    def forward(x):
        x -= x.mean()
        return x.copy()
    return forward, lambda g, x: g - g.mean()


def scaled_weight():
    """Weight decay, applied to the weights themselves while their gradient is computed."""
    def vjp(g, x, w):
        gradients = g @ w.T, x.T @ g
        w *= 0.99
        return gradients
    return (lambda x, w: x @ w), vjp


def dropout(rate, scale=True):
    """The forward's mask is fixed; the rule draws its own."""
    def make():
        generator = np.random.default_rng(7)
        factor = 1 / (1 - rate) if scale else 1.0

        def forward(x):
            return x * (np.random.default_rng(3).random(x.shape) > rate) * factor
        return forward, lambda g, x: g * (generator.random(x.shape) > rate) * factor
    return make


def noisy_choice():
    """Stochastic depth: the rule tosses its own coin for every row."""
    generator = np.random.default_rng(5)

    def passed_rows(source, n):
        return (source.random(n) > 0.5)[:, None]
    return (lambda x: x + passed_rows(np.random.default_rng(2), len(x)) * np.tanh(x),
            lambda g, x: g + passed_rows(generator, len(x)) * g * (1 - np.tanh(x)**2))


def random_slopes():
    """Randomised leaky relu, the slopes of which are drawn again."""
    generator = np.random.default_rng(11)

    def forward(x):
        return np.where(x > 0, x, np.random.default_rng(4).uniform(0.1, 0.3, x.shape) * x)
    return forward, lambda g, x: np.where(x > 0, g, generator.uniform(0.1, 0.3, x.shape) * g)


def multiply_by_slope(g, x):
    g *= 2 * x


def mask_by_sign(g, x):
    g[x < 0] = 0


def negate(g, x):
    np.negative(g, out=g)


RULES = [
    WrongRule("stale_value", "first input kept", first_input_kept, normal((6,))),
    WrongRule("stale_value", "shared workspace", shared_workspace, normal((3, 4))),
    WrongRule("stale_value", "clipped in place after saving", clipped_in_place, normal((2, 6))),
    WrongRule("stale_value", "output added to in place", output_added_to, normal((2, 5))),
    WrongRule("gradient_accumulates", "square",
              accumulating(lambda x: x**2, lambda g, x: 2 * g * x, (3, 4)), normal((3, 4))),
    WrongRule("gradient_accumulates", "sum", accumulating(np.sum, lambda g, x: g, (6,)),
              normal((6,))),
    WrongRule("gradient_accumulates", "logarithm",
              accumulating(np.log, lambda g, x: g / x, (2, 5)), positive((2, 5))),
    WrongRule("gradient_accumulates", "weight of a layer", accumulating_weight,
              normal((5, 3), (3, 2))),
    WrongRule("upstream_changed", "square", upstream_changing(lambda x: x**2, multiply_by_slope),
              normal((3, 4))),
    WrongRule("upstream_changed", "relu", upstream_changing(relu, mask_by_sign), normal((4, 5))),
    WrongRule("upstream_changed", "negation", upstream_changing(lambda x: -x, negate),
              normal((6,))),
    WrongRule("upstream_changed", "cleared afterwards", upstream_cleared, normal((2, 5), (2, 5))),
    WrongRule("input_changed", "relu", lambda: (relu, relu_in_place), normal((4, 5))),
    WrongRule("input_changed", "sigmoid", lambda: (sigmoid, sigmoid_in_place),
              normal((3, 4))),
    WrongRule("input_changed", "centred by the forward", normalised_in_place, normal((6,))),
    WrongRule("input_changed", "weight decay", scaled_weight, normal((5, 3), (3, 4))),
    WrongRule("mask_redrawn", "dropout", dropout(0.5), normal((5, 6))),
    WrongRule("mask_redrawn", "dropout without scale", dropout(0.3, scale=False), normal((8, 3))),
    WrongRule("mask_redrawn", "stochastic depth", noisy_choice, normal((12, 2))),
    WrongRule("mask_redrawn", "randomised leaky relu", random_slopes, normal((4, 6))),
]
