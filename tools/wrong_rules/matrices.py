"""Mistakes about matrices and complex numbers."""

import numpy as np

from tools.wrong_rules.rule import complex_normal, normal, positive, rules


def quadratic(x, a):
    return x @ a @ x


def inverse(x):
    return np.linalg.inv(x + 5 * np.eye(len(x)))


def whole_array(g):
    """The array that g is a view of, read without regard to the view's strides."""
    base = g.base
    return base if isinstance(base, np.ndarray) and base.size == g.size else g


RULES = [
    *rules("transposed", [
        ("weight of a square layer", lambda x, w: x @ w, lambda g, x, w: (g @ w.T, (x.T @ g).T),
         normal((5, 4), (4, 4))),
        ("inverse", inverse, lambda g, x: (-inverse(x).T @ g @ inverse(x).T).T, normal((3, 3))),
        ("scale of a square image", lambda x, y: x * y, lambda g, x, y: ((g * y).T, g * x),
         normal((4, 4), (4, 4))),
        ("transposition, forgotten in the rule", lambda x: 3 * x.T, lambda g, x: 3 * g,
         normal((4, 4))),
    ]),
    *rules("transpose_missing", [
        ("input of a square layer", lambda x, w: x @ w, lambda g, x, w: (g @ w, x.T @ g),
         normal((5, 4), (4, 4))),
        ("matrix times vector", lambda a, x: a @ x, lambda g, a, x: (np.outer(g, x), a @ g),
         normal((4, 4), (4,))),
        ("weight of a square layer", lambda x, w: x @ w, lambda g, x, w: (g @ w.T, x @ g),
         normal((4, 4), (4, 4))),
        ("rotation", lambda x: x @ np.array([[0.6, -0.8], [0.8, 0.6]]),
         lambda g, x: g @ np.array([[0.6, -0.8], [0.8, 0.6]]), normal((3, 2))),
    ]),
    *rules("gradients_swapped", [
        ("product", lambda x, y: x * y, lambda g, x, y: (g * x, g * y), normal((3, 4), (3, 4))),
        ("square layer", lambda x, w: x @ w, lambda g, x, w: (x.T @ g, g @ w.T),
         normal((4, 4), (4, 4))),
        ("difference", lambda x, y: 2 * x - 3 * y, lambda g, x, y: (-3 * g, 2 * g),
         normal((5,), (5,))),
        ("quotient", lambda x, y: x / y, lambda g, x, y: (-g * x / y**2, g / y),
         positive((2, 5), (2, 5))),
    ]),
    *rules("symmetric_part_missing", [
        ("quadratic form", quadratic, lambda g, x, a: (g * a @ x, g * np.outer(x, x)),
         normal((4,), (4, 4))),
        ("quadratic form, twice the matrix", quadratic,
         lambda g, x, a: (2 * g * a @ x, g * np.outer(x, x)), normal((5,), (5, 5))),
        ("Gram matrix", lambda x: x @ x.T, lambda g, x: g @ x, normal((4, 3))),
        ("covariance", lambda x: x.T @ x / len(x), lambda g, x: x @ g / len(x), normal((6, 3))),
    ]),
    *rules("conjugate_missing", [
        ("product", lambda x, y: x * y, lambda g, x, y: (g * y, g * x),
         complex_normal((5,), (5,))),
        ("matrix product", lambda x, y: x @ y, lambda g, x, y: (g @ y.T, x.T @ g),
         complex_normal((3, 4), (4, 2))),
        ("square", lambda x: x**2, lambda g, x: 2 * g * x, complex_normal((2, 3))),
        ("exponential", np.exp, lambda g, x: g * np.exp(x), complex_normal((6,))),
    ]),
    *rules("permutation_not_inverted", [
        ("axes", lambda x: 2 * x.transpose(1, 2, 0), lambda g, x: 2 * g.transpose(1, 2, 0),
         normal((3, 3, 3))),
        ("elements", lambda x: x[[2, 0, 1, 4, 3]], lambda g, x: g[[2, 0, 1, 4, 3]], normal((5,))),
        ("rows", lambda x: 3 * x[[1, 2, 3, 0]], lambda g, x: 3 * g[[1, 2, 3, 0]], normal((4, 2))),
        ("shift", lambda x: np.roll(x, 2), lambda g, x: np.roll(g, 2), normal((7,))),
    ]),
    *rules("reshape_for_transpose", [
        ("transposition", lambda x: x.T + 0, lambda g, x: g.reshape(x.shape), normal((3, 5))),
        ("channels last", lambda x: 2 * np.moveaxis(x, 0, -1), lambda g, x: 2 * g.reshape(x.shape),
         normal((2, 3, 4))),
        ("heads of attention", lambda x: x.reshape(4, 2, 3).transpose(1, 0, 2) + 0,
         lambda g, x: g.reshape(x.shape), normal((4, 6))),
        ("matrix product with a transposed input", lambda x, w: x.T @ w,
         lambda g, x, w: ((g @ w.T).reshape(x.shape), x @ g), normal((3, 5), (3, 2))),
    ]),
    *rules("memory_order", [
        ("flattened by columns", lambda x: x.ravel(order="F") + 0, lambda g, x: g.reshape(x.shape),
         normal((3, 4))),
        ("reshaped by columns", lambda x: x.reshape(6, 2) + 0,
         lambda g, x: g.reshape(x.shape, order="F"), normal((3, 4))),
        ("flattened by rows", lambda x: 2 * x.ravel(),
         lambda g, x: 2 * g.reshape(x.shape, order="F"), normal((2, 5))),
        ("vectorised matrix times a matrix", lambda x: x.ravel() * np.arange(1.0, 13),
         lambda g, x: (g * np.arange(1.0, 13)).reshape(x.shape, order="F"), normal((4, 3))),
    ]),
    *rules("upstream_layout", [
        ("square in memory order", lambda x: x**2,
         lambda g, x: 2 * g.ravel(order="K").reshape(g.shape) * x, normal((3, 4))),
        ("sum of matrices in memory order", lambda x, y: x + y,
         lambda g, x, y: (g, g.ravel(order="K").reshape(g.shape)), normal((4, 3), (4, 3))),
        ("scale of the array that a view is of", lambda x: 3 * x,
         lambda g, x: 3 * whole_array(g).reshape(x.shape), normal((3, 5))),
        ("transposition in memory order", lambda x: np.ascontiguousarray(x.T),
         lambda g, x: g.ravel(order="A").reshape(g.shape).T, normal((3, 4))),
    ]),
]
