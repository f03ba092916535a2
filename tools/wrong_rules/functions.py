"""Forward functions that several wrong rules share."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def relu(x):
    return np.maximum(x, 0)


def leaky_relu(x):
    return np.where(x > 0, x, 0.1 * x)


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def log_softmax(x):
    shifted = x - x.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def one_hot(indices, classes):
    return np.eye(classes)[indices]


def linear(x, w, b):
    """x : N×I, w : O×I, b : O."""
    return x @ w.T + b


def centred(x):
    return x - x.mean(0)


def standardized(x, eps=1e-5):
    """Batch normalisation without scale and shift, over axis 0."""
    return (x - x.mean(0)) / np.sqrt(x.var(0) + eps)


def layer_norm(x, eps=1e-5):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps)


def unit(x):
    """Rows divided by their Euclidean norms."""
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def correlate(x, w, stride=1, dilation=1):
    """Valid cross-correlation of a signal x with a kernel w."""
    reach = dilation * (len(w) - 1)
    return np.array([x[i:i + reach + 1:dilation] @ w for i in range(0, len(x) - reach, stride)])


def correlate_input(g, x, w, stride=1, dilation=1):
    """The right gradient of `correlate` with respect to x."""
    gx = np.zeros_like(x)
    for i, value in enumerate(g):
        start = i * stride
        gx[start:start + dilation * (len(w) - 1) + 1:dilation] += value * w
    return gx


def correlate_weight(g, x, w, stride=1, dilation=1):
    """The right gradient of `correlate` with respect to w."""
    gw = np.zeros_like(w)
    for i, value in enumerate(g):
        start = i * stride
        gw += value * x[start:start + dilation * (len(w) - 1) + 1:dilation]
    return gw


def correlate2d(x, w):
    """Valid cross-correlation of an image x : H×W with a kernel w."""
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape)
    return np.einsum("ijkl,kl->ij", windows, w)


def correlate2d_input(g, x, w):
    gx = np.zeros_like(x)
    for i in range(w.shape[0]):
        for j in range(w.shape[1]):
            gx[i:i + g.shape[0], j:j + g.shape[1]] += g * w[i, j]
    return gx
