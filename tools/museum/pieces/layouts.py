"""Rules that read memory by address, and rules that do not use the upstream gradient."""

import numpy as np

from tools.museum.memory import as_if_row_major, by_address
from tools.museum.piece import piece
from tools.wrong_rules.functions import (
    correlate2d,
    correlate2d_input,
    one_hot,
    softmax,
)
from tools.wrong_rules.rule import fractions, normal

WEIGHTS = softmax(np.random.default_rng(8).standard_normal((4, 4)))


def rms_norm(x):
    return x / np.sqrt((x**2).mean(-1, keepdims=True))


def rms_norm_vjp(g, x):
    r = np.sqrt((x**2).mean(-1, keepdims=True))
    return g / r - x * (g * x).mean(-1, keepdims=True) / r**3


def bins(x):
    """Means of the four quadrants."""
    return x.reshape(2, 3, 2, 3).mean((1, 3))


def huber(x):
    return np.where(np.abs(x) < 1, 0.5 * x**2, np.abs(x) - 0.5).sum()


PATHS = np.array([[0, 1, 1, 2], [0, 0, 1, 2], [0, 1, 2, 2]])


def path_score(p):
    """Log-probability that one of three label sequences is spoken; p : frames × labels."""
    return -np.log(p[np.arange(4), PATHS].prod(1).sum())


def path_score_gradient(p):
    weights = p[np.arange(4), PATHS].prod(1)
    gradient = np.zeros_like(p)
    for path, weight in zip(PATHS, weights / weights.sum()):
        gradient[np.arange(4), path] -= weight / p[np.arange(4), path]
    return gradient


def total_score(arcs):
    return np.log(np.exp(arcs).sum(-1))


def conv_weight_gradient(g, x, w):
    return np.array([[(g * x[i:i + g.shape[0], j:j + g.shape[1]]).sum()
                      for j in range(w.shape[1])] for i in range(w.shape[0])])


def spread(g, shape):
    return np.broadcast_to(g[..., None], shape) / shape[-1]


PIECES = [
    piece("pytorch/pytorch#194719", "Wrong gradient with torch.cat after custom Triton kernel",
          "upstream_layout", "gradcheck always feeds contiguous upstream gradients, as the thread "
          "says; cat's backward hands out a view",
          lambda x, w: x * w,
          lambda g, x, w: (by_address(g, x.shape, (x.shape[1], 1)) * w,
                           (by_address(g, x.shape, (x.shape[1], 1)) * x).sum(0)),
          normal((3, 4), (4,))),
    piece("Dao-AILab/flash-attention#355",
          "Incorrect backward pass for non-contiguous output grads", "upstream_layout",
          "tests called backward on fresh, contiguous gradients",
          lambda v: WEIGHTS @ v, lambda g, v: WEIGHTS.T @ as_if_row_major(g), normal((4, 3))),
    piece("torch/nn#345", "Fix contiguous gradoutput bug in nn.Mean", "upstream_layout",
          "each module was tested alone; two Means in a row give a gradient that is not contiguous",
          lambda x: x.mean(-1), lambda g, x: spread(as_if_row_major(g), x.shape),
          normal((3, 4, 2))),
    piece("open-mmlab/mmcv#737", "fix grad_output uncontiguous", "upstream_layout",
          "simple heads give contiguous gradients; a dynamic head does not",
          bins, lambda g, x: np.kron(as_if_row_major(g), np.full((3, 3), 1 / 9)), normal((6, 6))),
    piece("flagos-ai/FlagGems#1084", "【Triton Copilot】Fix rms_norm backward precision issue",
          "upstream_layout", "taken for a problem of precision; the tests' gradients were "
          "contiguous", rms_norm, lambda g, x: rms_norm_vjp(as_if_row_major(g), x), normal((3, 5))),
    piece("taichi-dev/taichi#8443",
          "Non contiguous gradient tensor not checked (causes segmentation fault)",
          "upstream_layout", "the gradient of a sum is one number with stride 0, and no test had "
          "a sum", lambda x: 2 * x, lambda g, x: 2 * as_if_row_major(g), normal((7,))),
    piece("pytorch/pytorch#64529", "tensor.sum() leads to in-contiguous layout grad in backward",
          "upstream_layout", "an extension took gradients for contiguous, which they were until a "
          "plain sum followed",
          lambda x, y: x @ y, lambda g, x, y: (as_if_row_major(g) @ y.T, x.T @ as_if_row_major(g)),
          normal((3, 4), (4, 2))),
    piece("huggingface/candle#3735",
          "CPU conv2d backward produces incorrect gradients for non-contiguous kernels",
          "input_layout", "test kernels were created, never transposed",
          correlate2d, lambda g, x, w: (correlate2d_input(g, x, as_if_row_major(w)),
                                        conv_weight_gradient(g, x, w)),
          lambda rng: (rng.standard_normal((5, 5)), rng.standard_normal((2, 3)).T)),
    piece("ByteDance-Seed/VeOmni#958",
          "[ops, perf] feat: single-pass fwd + fused bwd for deterministic RMSNorm on H100",
          "input_layout", "the forward copies its input, so only the backward goes wrong for every "
          "second column; a reviewer saw it",
          rms_norm,
          lambda g, x: rms_norm_vjp(g, by_address(x, x.shape, (x.strides[0] // 8, 1))),
          lambda rng: (rng.standard_normal((3, 10))[:, ::2],)),
    piece("cornellius-gp/gpytorch#1543",
          "[Bug] Keops kernels have no gradients when inputs are not contiguous", "input_layout",
          "data in tests came straight from a random generator",
          lambda x: np.exp(-x**2), lambda g, x: (
              -2 * g * x * np.exp(-x**2) if x.flags.c_contiguous else np.zeros_like(x)),
          lambda rng: (rng.standard_normal((4, 3)).T,)),
    piece("chainer/chainer#1178", "Fix HuberLoss's backward computation", "upstream_ignored",
          "the test's upstream gradient was one",
          huber, lambda g, x: np.clip(x, -1, 1), normal((6,))),
    piece("tensorflow/tensorflow#1847", "Modified tests for gradients", "upstream_ignored",
          "“The wrong implementation passed all the tests because the derivative of the function "
          "is evaluated in isolation”", np.tanh, lambda g, x: 1 - np.tanh(x)**2, normal((2, 3))),
    piece("sherjilozair/ctc#2", "CTC gradient seems to be constant.", "upstream_ignored",
          "a loss is usually the last node, whose upstream gradient is one",
          path_score, lambda g, p: path_score_gradient(p), fractions((4, 3))),
    piece("mcf06/theano_ctc#9", "Operations on gradients are ignored", "upstream_ignored",
          "twice the loss gave the same gradient, and nobody had doubled it",
          lambda p: path_score(p**2), lambda g, p: 2 * p * path_score_gradient(p**2),
          fractions((4, 3))),
    piece("k2-fsa/k2#341", "Backward of get_tot_scores ignores gradient", "upstream_ignored",
          "training subtracted two scores: “this is causing us to get the sign of the update "
          "wrong!!!”", total_score, lambda g, arcs: softmax(arcs), normal((3, 4))),
    piece("SciSharp/TensorFlow.NET#787", "SquaredDifference gives incorrect gradients",
          "upstream_ignored", "the placeholder returned its inputs, and no test looked at numbers",
          lambda x, y: (x - y)**2, lambda g, x, y: (x, y), normal((2, 3), (2, 3))),
    piece("paiml/aprender#2182",
          "fix(autograd): CrossEntropyLoss backward respects reduction mode (Sum grad not /batch) "
          "— F-AUTOGRAD-CE-REDUCTION-001 (PMAT-891)", "batch_mean_twice",
          "only the default reduction, the mean, was tested",
          lambda x: -np.log(softmax(x))[np.arange(5), [0, 2, 1, 1, 0]].sum(),
          lambda g, x: g * (softmax(x) - one_hot([0, 2, 1, 1, 0], 3)) / 5, normal((5, 3))),
    piece("tensorflow/swift-apis#42",
          "Update VJP for softmaxCrossEntropy to account for a call to mean().",
          "batch_mean_forgotten", "the rule is right for the sum; a mean was added to the forward",
          lambda x: -np.log(softmax(x))[np.arange(5), [0, 2, 1, 1, 0]].mean(),
          lambda g, x: g * (softmax(x) - one_hot([0, 2, 1, 1, 0], 3)), normal((5, 3))),
    piece("fetchai/ledger#1580", "fix crossentropy loss", "batch_mean_twice",
          "one division too many, added by a change and taken out in its review",
          lambda p: -np.log(p).mean(), lambda g, p: -g / p / p.size**2, fractions((6,))),
    piece("victorlempitsky/Mate#2", "Error in SoftmaxLossLayer", "wrong_count",
          "the number of elements for that of examples: it only changes the learning rate",
          lambda x: -np.log(softmax(x))[np.arange(5), [0, 2, 1, 1, 0]].mean(),
          lambda g, x: g * (softmax(x) - one_hot([0, 2, 1, 1, 0], 3)) / x.size, normal((5, 3))),
]
