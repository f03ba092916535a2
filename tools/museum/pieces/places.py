"""Indices, pooling and convolution: right numbers in wrong places."""

import numpy as np

from tools.museum.piece import piece
from tools.wrong_rules.functions import sigmoid
from tools.wrong_rules.rule import normal

INDICES = np.array([0, 2, 2, 0])


def swiglu(x):
    return x[:, :3] * sigmoid(x[:, :3]) * x[:, 3:]


def swiglu_all_to_first_row(g, x):
    a, b = x[:, :3], x[:, 3:]
    s = sigmoid(a)
    rows = np.concatenate([g * b * s * (1 + a * (1 - s)), g * a * s], 1)
    gx = np.zeros_like(x)
    for row in rows:
        gx[0] = row                     # the output pointer is never advanced
    return gx


def scatter(src):
    out = np.zeros(3)
    out[INDICES] = src                  # the last write wins
    return out


def update(x, values):
    out = x.copy()
    out[[1, 1, 3]] = values
    return out


def windows(x, size, stride):
    return np.array([x[i:i + size] for i in range(0, len(x) - size + 1, stride)])


def max_pool(x, size=3, stride=1):
    return windows(x, size, stride).max(1)


def max_pool_overwritten(g, x, size=3, stride=1):
    gx = np.zeros_like(x)
    for i, value in enumerate(g):
        gx[i * stride + x[i * stride:i * stride + size].argmax()] = value
    return gx


def max_pool_2d(x):
    return np.lib.stride_tricks.sliding_window_view(x, (3, 3)).max((2, 3))


def max_pool_2d_overwritten(g, x):
    gx = np.zeros_like(x)
    for i, j in np.ndindex(g.shape):
        patch = x[i:i + 3, j:j + 3]
        gx[i:i + 3, j:j + 3][patch == patch.max()] = g[i, j]
    return gx


def max_pool_gate(g, x):
    """Each position remembers the last window that looked at it, and takes that one's gradient."""
    gx = np.zeros_like(x)
    gate = np.zeros(len(x), int)
    for i in range(len(g)):
        gate[i:i + 2] = x[i:i + 2] == x[i:i + 2].max()
    for i, value in enumerate(g):
        gx[i:i + 2] += gate[i:i + 2] * value
    return gx


def patches(x):
    return x.reshape(2, 2, 2, 2).max((1, 3))


def patches_first_only(g, x):
    gx = np.zeros_like(x)
    gx[:2, :2][x[:2, :2] == x[:2, :2].max()] = g[0, 0]
    return gx                           # returned from within the loop


def transposed(x, w, stride=2):
    out = np.zeros((len(x) - 1) * stride + len(w))
    for i, value in enumerate(x):
        out[i * stride:i * stride + len(w)] += value * w
    return out


def transposed_weight(g, x, w):
    return np.array([sum(g[2 * i + k] * x[i] for i in range(len(x))) for k in range(len(w))])


def stride_and_dilation_swapped(g, x, w):
    gx = np.array([sum(g[i + 2 * k] * w[k] for k in range(len(w))) for i in range(len(x))])
    return gx, transposed_weight(g, x, w)


def depth_conv(x, w):
    return np.array([sum(x[m + k] * w[k] for k in range(2)) for m in range(len(x) - 1)])


def depth_conv_wrong_index(g, x, w):
    gx = np.zeros_like(x)
    for m, value in enumerate(g):
        for k in range(2):
            gx[m] += value * w[k]       # should be gx[m + k]
    return gx, np.array([g @ x[:-1], g @ x[1:]])


def padded(x, w):
    """A transposed convolution of stride 1 with one more output that depends on nothing."""
    return np.concatenate([np.convolve(x, w), [0]])


def padded_too_long(g, x, w):
    return np.correlate(g, w, "valid"), np.correlate(g[:-1], x, "valid")


PIECES = [
    piece("ByteDance-Seed/Triton-distributed#185",
          "Fix swiglu backward writing every row's gradient to row 0", "wrong_place",
          "the third gradient, a sum over rows, was right", swiglu, swiglu_all_to_first_row,
          normal((3, 6))),
    piece("ooples/AiDotNet.Tensors#894",
          "fix(autodiff): gather backward must scatter-add for repeated indices", "wrong_function",
          "a helper with the right name did the opposite thing",
          lambda x: x[INDICES], lambda g, x: g[INDICES[np.arange(len(x)) % 4]], normal((4,))),
    piece("pytorch/pytorch#1631", "Gather backward is incorrect with repeated indices",
          "duplicates_overwritten", "test indices were a permutation",
          lambda x: x[[0, 0]], lambda g, x: np.array([g[1], 0.0]), normal((2,))),
    piece("pytorch/pytorch#1528", "LongTensor indexing with duplication not propagating gradients",
          "duplicates_overwritten", "backward keeps the last copy's gradient; others give zero",
          lambda y: np.exp(y)[[0, 2, 2, 0, 1]],
          lambda g, y: np.exp(y) * np.array([g[3], g[4], g[2]]), normal((3,))),
    piece("pytorch/pytorch#146299", "Possible gradient miscalculation with repeated indices in "
          "Autograd Functions `PutBackward0`, `IndexPutBackward0` and `ScatterBackward0`",
          "duplicates_overwritten", "declared undefined; guessing the winner would be slow",
          scatter, lambda g, src: g[INDICES], normal((4,))),
    piece("tensorflow/tensorflow#56961", "Wrong gradient in TensorScatterUpdate with duplicated "
          "indices", "duplicates_overwritten", "the first, overwritten update gets a gradient, too",
          update, lambda g, x, v: (g * np.array([1, 0, 1, 0, 1]), g[[1, 1, 3]]),
          normal((5,), (3,))),
    piece("FluxML/NNlib.jl#205", "Wrong MaxPool gradient", "duplicates_overwritten",
          "= instead of +=, and windows in tests did not overlap; found beside PyTorch",
          lambda x: max_pool(x, 3, 2), lambda g, x: max_pool_overwritten(g, x, 3, 2),
          lambda rng: (np.array([0.1, 0.5, 3.0, -0.2, 0.4, 2.0, 0.3]),)),
    piece("0809zheng/CS231n-assignment2019#19", "CS231n-assignment2019 answer wrong",
          "duplicates_overwritten", "the course's own test has stride 2 and windows of 2",
          max_pool_2d, max_pool_2d_overwritten, normal((5, 5))),
    piece("ahrefs/ocannl#512", "tropical/einmax1 gradients are silently wrong for overlapping "
          "windows (last-write-wins gate)", "duplicates_overwritten",
          "“all existing tests use stride = window, so the suite never exercises it”",
          lambda x: max_pool(x, 2, 1), max_pool_gate,
          lambda rng: (np.array([5.0, 3.0, 1.0, 2.0, 5.5]),)),
    piece("riccardoandreoni0/CNN-from-scratch#1",
          "MaxPoolingLayer back_prop return incorrectly indented", "one_element_dropped",
          "“Interestingly, the model as-is still converges”", patches, patches_first_only,
          normal((4, 4))),
    piece("pytorch/pytorch#63314", "Incorrect computation of gradients for transposed 2d "
          "convolution when stride=2 on CPU", "stride_ignored",
          "kernels of one pixel with a stride took a shortcut",
          transposed, lambda g, x, w: (g[:len(x)] * w, transposed_weight(g, x, w)),
          normal((4,), (1,))),
    piece("huggingface/candle#2337", "Fix for backprop in ConvTranspose2D with stride of 2",
          "stride_ignored", "stride and dilation were swapped; tests had one for both",
          transposed, stride_and_dilation_swapped, normal((3,), (3,))),
    piece("NervanaSystems/neon#111", "Bug in bprop?", "wrong_place",
          "the index of the output for that of the input: equal where the kernel has depth one",
          depth_conv, depth_conv_wrong_index, normal((5,), (2,))),
    piece("tracel-ai/burn#4916", "fix: trim padding_out in conv_transpose x-backward (#4845)",
          "wrong_place", "output padding was tested without a backward pass",
          padded, padded_too_long, normal((4,), (3,))),
]
