"""Normalisation layers: statistics, scales, and sums over the wrong elements."""

import numpy as np

from tools.museum.piece import Piece, piece
from tools.wrong_rules.functions import layer_norm
from tools.wrong_rules.rule import normal

EPS = 1e-5
RUNNING_MEAN, RUNNING_VARIANCE = np.array([0.3, -0.2, 0.1]), np.array([0.8, 1.5, 2.0])


def batch_norm(x, scale=1.0):
    return scale * (x - x.mean(0)) / np.sqrt(x.var(0) + EPS)


def batch_norm_vjp(g, x, inverse_deviation=None):
    r = 1 / np.sqrt(x.var(0) + EPS) if inverse_deviation is None else inverse_deviation
    normed = (x - x.mean(0)) * r
    return r * (g - g.mean(0) - normed * (g * normed).mean(0))


def batch_norm_without_mean_term(g, x):
    """The gradient through the mean lacks the part that comes by the normalised values."""
    r = 1 / np.sqrt(x.var(0) + EPS)
    normed = (x - x.mean(0)) * r
    return r * (g - normed * (g * normed).mean(0))


def scale_left_out(g, x, scale):
    """The scaled upstream gradient is computed, and the one without scale is used."""
    r = 1 / np.sqrt(x.var(0) + EPS)
    normed = (x - x.mean(0)) * r
    return r * (g - g.mean(0) - normed * (g * normed).mean(0)), (g * normed).sum(0)


def inverse_of_the_inverse(g, x):
    saved = 1 / np.sqrt(x.var(0) + EPS)
    return batch_norm_vjp(g, x, 1 / np.sqrt(saved + EPS))


def layer_norm_vjp(g, x, axes):
    r = 1 / np.sqrt(x.var(-1, keepdims=True) + EPS)
    normed = (x - x.mean(-1, keepdims=True)) * r
    return r * (g - g.mean(axes, keepdims=True)
                - normed * (g * normed).mean(axes, keepdims=True))


def flattened_layer_norm(g, x):
    """Takes everything behind the first axis for the normalised one."""
    rows = x.reshape(len(x), -1)
    r = 1 / np.sqrt(rows.var(-1, keepdims=True) + EPS)
    normed, g = (rows - rows.mean(-1, keepdims=True)) * r, g.reshape(rows.shape)
    return (r * (g - g.mean(-1, keepdims=True)
                 - normed * (g * normed).mean(-1, keepdims=True))).reshape(x.shape)


def rms_norm(x):
    return x / np.sqrt((x**2).mean(-1, keepdims=True))


def rms_rows_as_columns(g, x):
    r = 1 / np.sqrt((x**2).mean(-1, keepdims=True))
    return g * r - x * r**3 * (g * x).mean(-1)


def scaled_rms_norm(x, w):
    return w * rms_norm(x)


def scaled_rms_norm_wrong(g, x, w):
    r = 1 / np.sqrt((x**2).mean(-1, keepdims=True))
    return g * r - x * r**3 * (g * x).mean(-1, keepdims=True), (g * x * r).sum(0)


def group_norm(x, w):
    """Each image is one group; x : N×C×H×W, w : C."""
    normed = (x - x.mean((1, 2, 3), keepdims=True)) / np.sqrt(
        x.var((1, 2, 3), keepdims=True) + EPS)
    return normed * w[:, None, None]


def group_norm_first_rows(g, x, w):
    r = 1 / np.sqrt(x.var((1, 2, 3), keepdims=True) + EPS)
    normed = (x - x.mean((1, 2, 3), keepdims=True)) * r
    s = g * w[:, None, None]
    gx = r * (s - s.mean((1, 2, 3), keepdims=True)
              - normed * (s * normed).mean((1, 2, 3), keepdims=True))
    return gx, (g * normed)[:, :, 0].sum((0, 2))        # the first row of every channel only


def norm_of_one(w):
    """Layer normalisation of single elements: (x − x)·w + b, whatever w is."""
    x = np.array([1e6 + 0.1, -2e6 - 0.7])
    return (x - x) * w + np.array([3.0, 1.0])


def norm_of_one_weight(g, w):
    x = np.array([1e6 + 0.1, -2e6 - 0.7])
    mean = x.astype(np.float32).astype(float)           # rounded on its way to the backward pass
    return g * (x - mean) / np.sqrt(EPS)


def frozen_batch_norm(x):
    return (x - RUNNING_MEAN) / np.sqrt(RUNNING_VARIANCE + EPS)


def frozen_with_forgotten_buffers():
    """The statistics that the backward reads are written in training only, and drift."""
    saved = [np.ones(3)]

    def vjp(g, x):
        result = g * saved[0]
        saved[0] = saved[0] * 1.5
        return result
    return frozen_batch_norm, vjp


PIECES = [
    piece("mlpack/mlpack#1923", "Backward() implemented incorrectly in BatchNorm Layer.",
          "mean_detached", "the layer was the first of the tested network, so nothing used its "
          "input's gradient", batch_norm, batch_norm_without_mean_term, normal((6, 3))),
    piece("denizyuret/Knet.jl#288", "Batchnorm backward on cpu doesn't seem to take care about "
          "scales", "scale_ignored", "scales start at one; random ones failed “only occasionally”",
          batch_norm, scale_left_out, normal((6, 3), (3,))),
    piece("flagos-ai/FlagGems#5222", "[BUG] cudnn_batch_norm_backward applies rsqrt to the saved "
          "inverse std, returning wrong grad_input and grad_weight", "inverted_factor",
          "the two agree where the variance is one, as in normal test data",
          batch_norm, inverse_of_the_inverse,
          lambda rng: (3 * rng.standard_normal((6, 3)),)),
    piece("flagos-ai/FlagGems#5392", "layer_norm_backward assumes 2-D input: silently wrong "
          "gradients + out-of-bounds writes for rank ≥ 3 inputs", "wrong_axis",
          "test inputs had two dimensions, transformers have three",
          layer_norm, flattened_layer_norm, normal((2, 3, 4))),
    piece("flagos-ai/FlagGems#59", "[bugfix] fix error in layer_norm_backward_kernel",
          "wrong_axis", "a block held one row in every tested configuration",
          layer_norm, lambda g, x: layer_norm_vjp(g, x, (0, 1)), normal((3, 5))),
    piece("BobMcDear/attorch#17", "RMSNorm backward broadcasts each row's correction term across "
          "columns, so it fails to compile or silently returns wrong input gradients whenever "
          "BLOCK_SIZE_BATCH > 1", "wrong_axis",
          "it compiles only for square blocks, and no test shape gave one",
          rms_norm, rms_rows_as_columns, normal((4, 4))),
    piece("karpathy/llm.c#763", "rmsnorm backward simple baseline kernel", "scale_ignored",
          "a reader: “I forgot to multiply by the weight in the backward pass. Spent days chasing "
          "it”", scaled_rms_norm, scaled_rms_norm_wrong, normal((3, 4), (4,))),
    piece("linkedin/Liger-Kernel#1375", "LigerGroupNorm backward writes out of bounds and then "
          "raises for any input with more than 3 dimensions", "wrong_count",
          "the tests had three dimensions, where the last one is the whole channel",
          group_norm, group_norm_first_rows, normal((2, 3, 2, 3), (3,))),
    piece("pytorch/pytorch#188372", "CPU LayerNorm normalized_shape=(1,) gives nonzero weight.grad "
          "although output is independent of weight", "low_precision",
          "nobody normalises single numbers, least of all large ones",
          norm_of_one, norm_of_one_weight, normal((2,))),
    piece("pytorch/xla#913", "Batchnorm produce wrong gradient in eval mode", "wrong_statistics",
          "“why one would compute a backward and gradient in eval mode?”",
          frozen_batch_norm, batch_norm_vjp, normal((5, 3))),
    Piece("pytorch/pytorch#586",
          "CUDNN batchnorm backprop doesn't work properly in evaluation mode", "stale_value",
          "one backward looks plausible; the second gives something else",
          frozen_with_forgotten_buffers, normal((4, 3))),
]
