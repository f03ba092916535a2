"""Fifty more wrong rules, one of each kind, on other functions.

Written from the names of the mistakes alone, when the diagnosis existed, by somebody who had not
read it. They do not change.
"""

import numpy as np
from scipy.special import digamma, gammaln

from tools.wrong_rules.functions import (
    correlate,
    correlate_input,
    correlate_weight,
    log_softmax,
    sigmoid,
    softmax,
)
from tools.wrong_rules.rule import (
    WrongRule,
    complex_normal,
    fractions,
    normal,
    positive,
    rules,
)


def softplus(x):
    return np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)


def pairwise(x, y):
    """Squared distances of all rows of x to all rows of y."""
    return ((x[:, None] - y) ** 2).sum(-1)


def power_mean(x):
    return np.cbrt((x**3).mean())


def hinge(x):
    return np.maximum(0, 1 - x)


def shrink(x):
    """Soft thresholding at 0.5."""
    return np.sign(x) * np.maximum(np.abs(x) - 0.5, 0)


def instance_norm(x):
    """x : C×N, normalised row by row."""
    return (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)


def gated():
    """A recurrent gate that reads the state of whatever sequence ran before."""
    state = np.zeros(4)

    def forward(x):
        state[...] = np.tanh(x)
        return np.tanh(x) * x
    return forward, lambda g, x: g * (state + x * (1 - state**2))


def running_total():
    seen = np.zeros((4, 3))

    def vjp(g, x):
        seen[...] = seen + g * np.cos(x)
        return seen.copy()
    return np.sin, vjp


def overwriting_division():
    def vjp(g, x, y):
        np.divide(g, y, out=g)
        return g.copy(), -g * x / y
    return (lambda x, y: x / y), vjp


def sorting_input():
    def vjp(g, x):
        order = np.argsort(x)
        x.sort()
        result = np.zeros_like(g)
        result[order] = g
        return result
    return np.sort, vjp


def noisy_relu():
    generator = np.random.default_rng(21)

    def forward(x):
        return np.maximum(x, 0) * (np.random.default_rng(8).random(x.shape) < 0.6)
    return forward, lambda g, x: g * (x > 0) * (generator.random(x.shape) < 0.6)


def spread_evenly(g, x):
    return np.full_like(x, g / x.size)


LATER = [
    *rules("wrong_sign", [("softplus of a negative", lambda x: softplus(-x),
                           lambda g, x: g * sigmoid(-x), normal((3, 4)))]),
    *rules("factor_of_two", [("pairwise distances", pairwise, lambda g, x, y: (
        (g[..., None] * (x[:, None] - y)).sum(1), -(g[..., None] * (x[:, None] - y)).sum(0)),
        normal((3, 2), (4, 2)))]),
    *rules("constant_factor", [("decibels", lambda x: 10 * np.log10(x), lambda g, x: 10 * g / x,
                                positive((6,)))]),
    *rules("inner_derivative_missing", [("log-gamma of a square", lambda x: gammaln(x**2),
                                         lambda g, x: g * digamma(x**2), positive((5,)))]),
    *rules("wrong_exponent", [("power mean", power_mean, lambda g, x: g * x / x.size
                               / power_mean(x)**2, positive((6,)))]),
    *rules("inverted_factor", [("tanh at a temperature", lambda x, t: np.tanh(x / t),
                                lambda g, x, t: (g * (1 - np.tanh(x / t)**2) * t,
                                                 -(g * (1 - np.tanh(x / t)**2) * x).sum() / t**2),
                                lambda rng: (rng.standard_normal(5), np.array(1.7)))]),
    *rules("product_rule_term_missing", [("bell times x", lambda x: x * np.exp(-x**2),
                                          lambda g, x: -2 * g * x**2 * np.exp(-x**2),
                                          normal((3, 3)))]),
    *rules("input_for_output", [("reciprocal", lambda x: 1 / x, lambda g, x: -g * x**2,
                                 positive((7,)))]),
    *rules("output_for_input", [("hyperbolic sine", np.sinh, lambda g, x: g * np.cosh(np.sinh(x)),
                                 normal((2, 4)))]),
    *rules("zero_gradient", [("temperature", lambda x, t: softmax(x * t),
                              lambda g, x, t: (t * softmax(x * t) * (
                                  g - (g * softmax(x * t)).sum(-1, keepdims=True)),
                                  np.zeros_like(t)),
                              lambda rng: (rng.standard_normal((3, 4)), np.array(0.8)))]),
    *rules("missing_path", [("gate and value from one input", lambda x: sigmoid(x) * np.tanh(x),
                             lambda g, x: g * sigmoid(x) * (1 - np.tanh(x)**2), normal((6,)))]),
    *rules("upstream_ignored", [("log-softmax", log_softmax,
                                 lambda g, x: 1 - x.shape[-1] * softmax(x), normal((3, 4)))]),
    *rules("upstream_twice", [("arc tangent", np.arctan, lambda g, x: g * g / (1 + x**2),
                               normal((4, 2)))]),
    *rules("mask_of_upstream", [("absolute value", np.abs,
                                 lambda g, x: np.maximum(g, 0) * np.sign(x), normal((4, 4)))]),
    *rules("mask_wrong_side", [("hinge", hinge, lambda g, x: -g * (x > 1), lambda rng: (
        1 + rng.standard_normal(9),))]),
    *rules("mask_missing", [("soft threshold", shrink, lambda g, x: g, normal((3, 5)))]),
    *rules("one_branch_zero", [("selu-like", lambda x: np.where(x > 0, 1.05 * x, 1.7 * np.tanh(x)),
                                lambda g, x: 1.05 * g * (x > 0), normal((3, 5)))]),
    *rules("epsilon_mismatch", [("root with a floor", lambda x: np.sqrt(x + 1e-2),
                                 lambda g, x: g / (2 * np.sqrt(x)), positive((6,)))]),
    *rules("low_precision", [("cosine in float32", np.cos, lambda g, x: (
        -g.astype(np.float32) * np.sin(x.astype(np.float32))).astype(float), normal((3, 4)))]),
    *rules("broadcast_sum_missing", [("scale of images", lambda x, s: x * s,
                                      lambda g, x, s: (g * s, (g * x)[0][:, :1, :1]),
                                      normal((2, 3, 2, 2), (3, 1, 1)))]),
    *rules("broadcast_mean", [("shift of rows", lambda x, b: np.tanh(x + b), lambda g, x, b: (
        g * (1 - np.tanh(x + b)**2), (g * (1 - np.tanh(x + b)**2)).mean(1, keepdims=True)),
        normal((3, 4), (3, 1)))]),
    *rules("wrong_axis", [("mean of columns", lambda x: x.mean(0),
                           lambda g, x: np.repeat(g[:, None], 5, 1) / 5, normal((5, 5)))]),
    *rules("batch_mean_forgotten", [("logistic loss", lambda x, y: np.mean(softplus(-x * y)),
                                     lambda g, x, y: (-g * y * sigmoid(-x * y),
                                                      -g * x * sigmoid(-x * y)),
                                     normal((7,), (7,)))]),
    *rules("batch_mean_twice", [("absolute error", lambda p, t: np.mean(np.abs(p - t)),
                                 lambda g, p, t: (g * np.sign(p - t) / 64,
                                                  -g * np.sign(p - t) / 64),
                                 normal((8,), (8,)))]),
    *rules("spread_over_all", [("minimum", np.min, spread_evenly, normal((3, 4)))]),
    *rules("order_not_reversed", [("discounted sum", lambda x: np.array(
        [sum(0.5**(t - k) * x[k] for k in range(t + 1)) for t in range(5)]),
        lambda g, x: np.array([sum(0.5**(t - k) * g[k] for k in range(t + 1)) for t in range(5)]),
        normal((5,)))]),
    *rules("one_element_dropped", [("moving average", lambda x: (x[:-1] + x[1:]) / 2,
                                    lambda g, x: np.concatenate(
                                        [g / 2, [0]]) + np.concatenate([[0], g[:-1] / 2, [0]]),
                                    normal((7,)))]),
    *rules("softmax_diagonal_only", [("softmax over columns", lambda x: softmax(x, axis=0),
                                      lambda g, x: g * softmax(x, axis=0)
                                      * (1 - softmax(x, axis=0)), normal((4, 3)))]),
    *rules("target_not_subtracted", [("binary cross-entropy with logits",
                                      lambda x: softplus(x).sum() - x[[1, 3]].sum(),
                                      lambda g, x: g * sigmoid(x), normal((5,)))]),
    *rules("mean_detached", [("instance normalisation", instance_norm, lambda g, x: (
        g - instance_norm(x) * (g * instance_norm(x)).mean(1, keepdims=True))
        / np.sqrt(x.var(1, keepdims=True) + 1e-5), normal((2, 6)))]),
    *rules("variance_detached", [("division by the maximum norm", lambda x: x / np.abs(x).max(),
                                  lambda g, x: g / np.abs(x).max(), normal((5,)))]),
    *rules("transposed", [("square layer with tanh", lambda x, w: np.tanh(x @ w),
                           lambda g, x, w: (((g * (1 - np.tanh(x @ w)**2)) @ w.T).T,
                                            x.T @ (g * (1 - np.tanh(x @ w)**2))),
                           normal((3, 3), (3, 3)))]),
    *rules("transpose_missing", [("linear system", lambda a, b: np.linalg.solve(
        a + 5 * np.eye(3), b), lambda g, a, b: (
            -np.outer(np.linalg.solve(a + 5 * np.eye(3), g),
                      np.linalg.solve(a + 5 * np.eye(3), b)),
            np.linalg.solve(a + 5 * np.eye(3), g)), normal((3, 3), (3,)))]),
    *rules("gradients_swapped", [("power", lambda x, y: x**y, lambda g, x, y: (
        g * x**y * np.log(x), g * y * x**(y - 1)), positive((4,), (4,)))]),
    *rules("symmetric_part_missing", [("bilinear form with itself", lambda x, a: np.einsum(
        "ni,ij,nj->n", x, a, x), lambda g, x, a: (
            g[:, None] * (x @ a.T), np.einsum("n,ni,nj->ij", g, x, x)), normal((3, 4), (4, 4)))]),
    *rules("conjugate_missing", [("sine", np.sin, lambda g, x: g * np.cos(x),
                                  complex_normal((4,)))]),
    *rules("permutation_not_inverted", [("rolled axes", lambda x: np.exp(x).transpose(2, 0, 1),
                                         lambda g, x: g.transpose(2, 0, 1) * np.exp(x),
                                         normal((2, 2, 2)))]),
    *rules("reshape_for_transpose", [("swapped batch and time", lambda x: np.tanh(x).swapaxes(0, 1),
                                      lambda g, x: g.reshape(x.shape) * (1 - np.tanh(x)**2),
                                      normal((2, 4, 3)))]),
    *rules("memory_order", [("rows of blocks", lambda x: 2 * x.reshape(2, 6),
                             lambda g, x: 2 * g.reshape(x.shape, order="F"), normal((4, 3)))]),
    *rules("upstream_layout", [("exponential in memory order", np.exp, lambda g, x: g.ravel(
        order="K").reshape(g.shape) * np.exp(x), normal((4, 5)))]),
    *rules("kernel_flip", [("smoothing of a signal", lambda x, w: np.convolve(x, w),
                            lambda g, x, w: (np.convolve(g, w, "valid"),
                                             np.correlate(g, x, "valid")),
                            normal((6,), (3,)))]),
    *rules("shifted_by_one", [("rows after the second", lambda x: x[2:] ** 2,
                               lambda g, x: np.concatenate(
                                   [np.zeros((1, 3)), 2 * g * x[2:], np.zeros((1, 3))]),
                               normal((6, 3)))]),
    *rules("stride_ignored", [("correlation with a stride of three", lambda x, w: correlate(
        x, w, stride=3), lambda g, x, w: (
            correlate_input(g, x, w), correlate_weight(g, x, w, stride=3)), normal((11,), (2,)))]),
    *rules("duplicates_overwritten", [("histogram lookup", lambda t: np.exp(t)[[3, 0, 3, 3, 1]],
                                       lambda g, t: np.exp(t) * np.array([g[1], g[4], 0, g[3]]),
                                       normal((4,)))]),
    *rules("pieces_swapped", [("real and imaginary halves", lambda x, y: np.concatenate(
        [np.cos(x), np.sin(y)]), lambda g, x, y: (-g[4:] * np.sin(x), g[:4] * np.cos(y)),
        normal((4,), (4,)))]),
    WrongRule("stale_value", "state of another sequence", gated, normal((4,))),
    WrongRule("gradient_accumulates", "sine", running_total, normal((4, 3))),
    WrongRule("upstream_changed", "division in place", overwriting_division,
              positive((5,), (5,))),
    WrongRule("input_changed", "sorted in place", sorting_input, fractions((7,))),
    WrongRule("mask_redrawn", "thinned relu", noisy_relu, normal((5, 6))),
]
