"""Mistakes about sums, means, axes and broadcasting."""

import numpy as np

from tools.wrong_rules.functions import layer_norm, linear, softmax, unit
from tools.wrong_rules.rule import normal, positive, rules

TARGETS = np.eye(3)[[0, 2, 1, 1, 0, 2, 2]]          # one-hot, seven examples of three classes


def mean_cross_entropy(x):
    return -np.sum(np.log(softmax(x)) * TARGETS) / len(x)


def without_last(a):
    a = a.copy()
    a[..., -1] = 0
    return a


RULES = [
    *rules("broadcast_sum_missing", [
        ("bias, its gradient as large as the batch", lambda x, b: x + b, lambda g, x, b: (g, g),
         normal((5, 3), (3,))),
        ("bias, the first row only", linear, lambda g, x, w, b: (g @ w, g.T @ x, g[0]),
         normal((5, 3), (4, 3), (4,))),
        ("scale of channels", lambda x, s: x * s, lambda g, x, s: (g * s, (g * x)[:, :1]),
         normal((3, 5), (3, 1))),
        ("scalar", lambda x, a: a * x, lambda g, x, a: (a * g, g * x), normal((2, 4), ())),
    ]),
    *rules("broadcast_mean", [
        ("bias", linear, lambda g, x, w, b: (g @ w, g.T @ x, g.mean(0)),
         normal((5, 3), (4, 3), (4,))),
        ("scale of channels", lambda x, s: x * s,
         lambda g, x, s: (g * s, (g * x).mean(1, keepdims=True)), normal((3, 5), (3, 1))),
        ("scalar", lambda x, a: a + x, lambda g, x, a: (g, np.mean(g)), normal((3, 4), ())),
        ("outer sum", lambda x, y: x[:, None] + y, lambda g, x, y: (g.mean(1), g.mean(0)),
         normal((4,), (5,))),
    ]),
    *rules("wrong_axis", [
        ("bias of a square batch", lambda x, b: x + b, lambda g, x, b: (g, g.sum(1)),
         normal((4, 4), (4,))),
        ("softmax", softmax,
         lambda g, x: softmax(x) * (g - (g * softmax(x)).sum(0, keepdims=True)), normal((4, 5))),
        ("sum of rows", lambda x: x.sum(0), lambda g, x: np.broadcast_to(g[:, None], x.shape) + 0,
         normal((4, 4))),
        ("cumulative sum", lambda x: x.cumsum(1), lambda g, x: g[::-1].cumsum(0)[::-1],
         normal((3, 4))),
    ]),
    *rules("batch_mean_forgotten", [
        ("mean squared error", lambda p, t: np.mean((p - t)**2),
         lambda g, p, t: (2 * g * (p - t), -2 * g * (p - t)), normal((5, 1), (5, 1))),
        ("cross-entropy", mean_cross_entropy,
         lambda g, x: g * (softmax(x) - TARGETS), normal((7, 3))),
        ("mean over the batch", lambda x: x.mean(0), lambda g, x: np.ones_like(x) * g,
         normal((6, 2))),
        ("loss of a linear model", lambda x, w: np.mean((x @ w)**2),
         lambda g, x, w: (2 * g * np.outer(x @ w, w), 2 * g * x.T @ (x @ w)), normal((9, 3), (3,))),
    ]),
    *rules("batch_mean_twice", [
        ("mean squared error", lambda p, t: np.mean((p - t)**2),
         lambda g, p, t: (2 * g * (p - t) / 25, -2 * g * (p - t) / 25), normal((5, 1), (5, 1))),
        ("cross-entropy", mean_cross_entropy,
         lambda g, x: g * (softmax(x) - TARGETS) / 49, normal((7, 3))),
        ("mean over the batch", lambda x: x.mean(0), lambda g, x: np.ones_like(x) * g / 36,
         normal((6, 2))),
        ("loss of a linear model", lambda x, w: np.mean((x @ w)**2),
         lambda g, x, w: (2 * g * np.outer(x @ w, w) / 81, 2 * g * x.T @ (x @ w) / 81),
         normal((9, 3), (3,))),
    ]),
    *rules("spread_over_all", [
        ("maximum of rows", lambda x: x.max(-1), lambda g, x: np.ones_like(x) * g[:, None],
         normal((3, 5))),
        ("global maximum", np.max, lambda g, x: np.full_like(x, g / x.size), normal((3, 4))),
        ("maximum pooling", lambda x: x.reshape(3, 4).max(1), lambda g, x: np.repeat(g, 4) / 4,
         normal((12,))),
        ("median", lambda x: np.median(x, axis=-1),
         lambda g, x: np.ones_like(x) * g[:, None] / 5, normal((3, 5))),
    ]),
    *rules("order_not_reversed", [
        ("cumulative sum", lambda x: x.cumsum(), lambda g, x: g.cumsum(), normal((6,))),
        ("cumulative sum of rows", lambda x: x.cumsum(1), lambda g, x: g.cumsum(1), normal((3, 4))),
        ("reversal", lambda x: x[::-1] * 2, lambda g, x: 2 * g, normal((5,))),
        ("running average", lambda x: np.array([x[:i + 1].sum() * 0.5 ** i for i in range(5)]),
         lambda g, x: (g * 0.5 ** np.arange(5)).cumsum(), normal((5,))),
    ]),
    *rules("one_element_dropped", [
        ("exponential", np.exp, lambda g, x: without_last(g * np.exp(x)), normal((2, 5))),
        ("sum", np.sum, lambda g, x: without_last(np.full_like(x, g)), normal((6,))),
        ("differences", lambda x: x[1:] - x[:-1],
         lambda g, x: np.concatenate([-g, g[-1:]]) + np.concatenate([[0], g[:-1], [0]])
         - np.concatenate([[0] * 5, g[-1:]]), normal((6,))),
        ("weights of a layer", lambda x, w: x @ w, lambda g, x, w: (g @ w.T, without_last(x.T @ g)),
         normal((5, 3), (3, 4))),
    ]),
    *rules("softmax_diagonal_only", [
        ("softmax", softmax, lambda g, x: g * softmax(x) * (1 - softmax(x)), normal((3, 4))),
        ("softmax of a vector", softmax, lambda g, x: g * softmax(x), normal((6,))),
        ("log-softmax", lambda x: np.log(softmax(x)), lambda g, x: g * (1 - softmax(x)),
         normal((4, 3))),
        ("attention weights", lambda q, k: softmax(q @ k.T),
         lambda g, q, k: ((g * softmax(q @ k.T) * (1 - softmax(q @ k.T))) @ k,
                          (g * softmax(q @ k.T) * (1 - softmax(q @ k.T))).T @ q),
         normal((3, 2), (4, 2))),
    ]),
    *rules("target_not_subtracted", [
        ("cross-entropy", lambda x: -np.sum(np.log(softmax(x)) * TARGETS[:5]),
         lambda g, x: g * softmax(x), normal((5, 3))),
        ("squared error", lambda p, t: np.sum((p - t)**2),
         lambda g, p, t: (2 * g * p, 2 * g * (t - p)), normal((6,), (6,))),
        ("logistic loss", lambda x: np.sum(np.log1p(np.exp(x)) - np.array([0, 1, 1, 0, 1.0]) * x),
         lambda g, x: g / (1 + np.exp(-x)), normal((5,))),
        ("squared error of a linear model",
         lambda x, w: np.sum((x @ w - np.array([1.0, -2, 3, 0.5]))**2),
         lambda g, x, w: (2 * g * np.outer(x @ w - np.array([1.0, -2, 3, 0.5]), w),
                          2 * g * x.T @ (x @ w)), normal((4, 3), (3,))),
    ]),
    *rules("mean_detached", [
        ("centring", lambda x: x - x.mean(0), lambda g, x: g, normal((5, 3))),
        ("centring of rows", lambda x: 2 * (x - x.mean(1, keepdims=True)), lambda g, x: 2 * g,
         normal((3, 4))),
        ("layer normalisation", layer_norm,
         lambda g, x: (g - layer_norm(x) * (g * layer_norm(x)).mean(-1, keepdims=True))
         / np.sqrt(x.var(-1, keepdims=True) + 1e-5), normal((3, 6))),
        ("ratio to the mean", lambda x: x / x.mean(), lambda g, x: g / x.mean(), positive((5,))),
    ]),
    *rules("variance_detached", [
        ("batch normalisation", lambda x: (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5),
         lambda g, x: (g - g.mean(0)) / np.sqrt(x.var(0) + 1e-5), normal((6, 3))),
        ("layer normalisation", layer_norm,
         lambda g, x: (g - g.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5),
         normal((3, 6))),
        ("unit vectors", unit, lambda g, x: g / np.linalg.norm(x, axis=-1, keepdims=True),
         normal((4, 3))),
        ("root mean square normalisation", lambda x: x / np.sqrt((x**2).mean(-1, keepdims=True)),
         lambda g, x: g / np.sqrt((x**2).mean(-1, keepdims=True)), normal((2, 5))),
    ]),
]
