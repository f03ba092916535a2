"""Mistakes about convolutions, pooling, indices and pieces."""

import numpy as np

from tools.wrong_rules.functions import (
    correlate,
    correlate2d,
    correlate2d_input,
    correlate_input,
    correlate_weight,
)
from tools.wrong_rules.rule import normal, rules


def upsample(x):
    return np.repeat(x, 2)


def strided(x, w):
    return correlate(x, w, stride=2)


def dilated(x, w):
    return correlate(x, w, dilation=2)


def overwritten(g, indices, like):
    """Each row of g written to its place; the last one wins."""
    result = np.zeros_like(like)
    result[indices] = g
    return result


def windows_overwritten(g, x, w):
    result = np.zeros_like(x)
    for i, value in enumerate(g):
        result[i:i + len(w)] = value * w
    return result


def shifted(a):
    return np.roll(a, 1, axis=-1)


INDICES = np.array([0, 2, 2, 1, 0])

RULES = [
    *rules("kernel_flip", [
        ("input of a signal's correlation", correlate,
         lambda g, x, w: (correlate_input(g, x, w[::-1]), correlate_weight(g, x, w)),
         normal((8,), (3,))),
        ("input of an image's correlation", correlate2d,
         lambda g, x, w: (correlate2d_input(g, x, w[::-1, ::-1]), correlate2d(x, g)),
         normal((5, 6), (2, 3))),
        ("weight of a convolution", lambda x, w: np.convolve(x, w, "valid"),
         lambda g, x, w: (np.convolve(g, w[::-1]), np.correlate(x, g, "valid")),
         normal((8,), (3,))),
        ("weight of an image's correlation, both axes", correlate2d,
         lambda g, x, w: (correlate2d_input(g, x, w), correlate2d(x, g)[::-1, ::-1]),
         normal((6, 5), (3, 3))),
    ]),
    *rules("shifted_by_one", [
        ("slice", lambda x: x[2:6] * 2,
         lambda g, x: np.concatenate([[0] * 3, 2 * g, [0]]), normal((8,))),
        ("correlation", correlate,
         lambda g, x, w: (shifted(correlate_input(g, x, w)), correlate_weight(g, x, w)),
         normal((8,), (3,))),
        ("zero padding", lambda x: np.pad(x, ((0, 0), (2, 2))), lambda g, x: g[:, 1:-3],
         normal((3, 5))),
        ("every second element", lambda x: 3 * x[::2], lambda g, x: shifted(np.ravel(
            np.stack([3 * g, 0 * g], -1))), normal((8,))),
    ]),
    *rules("stride_ignored", [
        ("correlation", strided,
         lambda g, x, w: (np.resize(np.convolve(g, w), len(x)) * (np.arange(len(x)) < 6),
                          correlate_weight(g, x, w, stride=2)), normal((9,), (3,))),
        ("every second element", lambda x: x[::2] + 0,
         lambda g, x: np.concatenate([g, 0 * g]), normal((8,))),
        ("weight of a correlation", strided,
         lambda g, x, w: (correlate_input(g, x, w, stride=2), correlate_weight(g, x, w)),
         normal((9,), (3,))),
        ("dilated kernel", dilated,
         lambda g, x, w: (correlate_input(g, x, w), correlate_weight(g, x, w, dilation=2)),
         normal((9,), (3,))),
    ]),
    *rules("duplicates_overwritten", [
        ("rows of an embedding", lambda w: w[INDICES], lambda g, w: overwritten(g, INDICES, w),
         normal((4, 3))),
        ("gather with repeated indices", lambda x: 2 * x[[1, 1, 3]],
         lambda g, x: overwritten(2 * g, [1, 1, 3], x), normal((5,))),
        ("overlapping windows", correlate,
         lambda g, x, w: (windows_overwritten(g, x, w), correlate_weight(g, x, w)),
         normal((7,), (3,))),
        ("nearest neighbour upsampling", upsample,
         lambda g, x: overwritten(g, np.repeat(np.arange(4), 2), x), normal((4,))),
    ]),
    *rules("pieces_swapped", [
        ("concatenation of equal vectors", lambda x, y: np.concatenate([x, 2 * y]),
         lambda g, x, y: (g[4:], 2 * g[:4]), normal((4,), (4,))),
        ("stack", lambda x, y: np.stack([x, y]), lambda g, x, y: (g[1], g[0]),
         normal((2, 3), (2, 3))),
        ("halves of a gated unit", lambda x: x[:, :3] * x[:, 3:],
         lambda g, x: np.concatenate([g * x[:, :3], g * x[:, 3:]], 1), normal((4, 6))),
        ("three parts, rotated", lambda x, y, z: np.concatenate([x, y, z], 1),
         lambda g, x, y, z: (g[:, 2:4], g[:, 4:], g[:, :2]), normal((3, 2), (3, 2), (3, 2))),
    ]),
]
