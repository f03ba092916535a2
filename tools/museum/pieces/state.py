"""State: values that rules remember, write to, or draw at random."""

import numpy as np

from tools.museum.piece import Piece, piece
from tools.wrong_rules.functions import one_hot, softmax
from tools.wrong_rules.rule import normal

LABELS = one_hot([0, 2, 1], 3)
FORTH, BACK = np.random.default_rng(6).standard_normal((2, 3, 3))


def cross_entropies(x):
    return -(LABELS * np.log(softmax(x))).sum(-1)


def weighted_by_zero(x):
    return 0 * cross_entropies(x).sum()


def losses_left_in_the_buffer(g, x):
    return LABELS * cross_entropies(x)[:, None]         # the loss, not its gradient


def bidirectional(x):
    return FORTH @ x + BACK @ x


def second_direction_reads_the_first(g, x):
    buffer = g.copy()
    first = FORTH.T @ buffer
    buffer[...] = first
    return first + BACK.T @ buffer


def covariance_writing_upstream(g, x):
    g += g.T.copy()
    return x @ g


def cross_entropy_in_place():
    """The forward stores the gradient where its input was, to save memory."""
    def forward(x):
        loss = cross_entropies(x).sum()
        x[...] = softmax(x) - LABELS
        return loss
    return forward, lambda g, x: g * (softmax(x) - LABELS)


def never_cleared():
    inner = np.zeros(4)

    def vjp(g, x):
        inner[...] += g * 2 * x
        return inner.copy()
    return (lambda x: x**2), vjp


def dirty_memory():
    """The gradient is added to a buffer that the allocator returns as it was left."""
    pool = np.zeros((5, 2))

    def vjp(g, x):
        np.add.at(pool, [1, 1, 4], g)
        return pool.copy()
    return (lambda x: x[[1, 1, 4]]), vjp


def dropout(function, slope, rate):
    """A block with dropout that is computed again in the backward pass, with a new mask."""
    def make():
        generator = np.random.default_rng(9)

        def forward(x):
            return function(x) * (np.random.default_rng(1).random(x.shape) >= rate) / (1 - rate)
        return forward, lambda g, x: slope(
            g * (generator.random(x.shape) >= rate) / (1 - rate), x)
    return make


def fixed_dropout(x):
    return 2 * x * (np.random.default_rng(1).random(x.shape) >= 0.5)


PIECES = [
    piece("BVLC/caffe#2895", "Incorrect gradient from a SoftmaxWithLossLayer with loss_weight 0",
          "stale_value", "a buffer held the losses and counted as the gradient; a weight of 0 was "
          "not tested", weighted_by_zero, losses_left_in_the_buffer, normal((3, 3))),
    piece("pytorch/pytorch#24413",
          "In-place modification detection does not work if a Tensor does not own its storage",
          "stale_value", "changes of a saved view were not counted",
          lambda x: np.exp(x).T + 1, lambda g, x: g.T * (np.exp(x) + 1), normal((2, 3))),
    piece("pytorch/pytorch#197887", "[inductor] Autograd's \"modified by an inplace operation\" "
          "check is lost when a view of a graph input is saved for backward: `x @ w`, `bmm`, "
          "`einsum`, 3-D `F.linear` silently return wrong gradients afte", "stale_value",
          "in eager mode the same program raises an error",
          lambda x, w: x @ w, lambda g, x, w: (g @ w.T, (x + 1).T @ g), normal((3, 4), (4, 2))),
    piece("taichi-dev/taichi#2505", "Incorrect gradients from autodiff", "stale_value",
          "x is overwritten by cos(θ)·x; with another name for the result it is right",
          lambda x, t: np.cos(t) * x,
          lambda g, x, t: (g * np.cos(t), -g * np.sin(t) * np.cos(t) * x), normal((4,), (4,))),
    piece("apache/mxnet#18203", "Fix LSTM and GRU layers gradient calculations", "stale_value",
          "only three layers and more, in both directions, reuse the buffer too early",
          bidirectional, second_direction_reads_the_first, normal((3, 2))),
    piece("happynear/caffe-windows#46", "CovarianceLayer Backward incorrect", "upstream_changed",
          "the gradient is right; another branch that gets the same array is not",
          lambda x: x.T @ x, covariance_writing_upstream, normal((4, 3))),
    Piece("linkedin/Liger-Kernel#262", "Fix/kldiv", "input_changed",
          "the loss comes last in a model, so nobody else wanted its input",
          cross_entropy_in_place, normal((3, 3))),
    Piece("karpathy/micrograd#102", "Update engine.py to zero grads prior to accumulation",
          "gradient_accumulates", "every example calls backward once", never_cleared,
          normal((4,))),
    Piece("apache/mxnet#19817", "F.Take Backwards - Incorrect Gradient", "gradient_accumulates",
          "fresh memory is zero; “if I run the script a couple more times I get weird results”",
          dirty_memory, normal((5, 2))),
    Piece("openai/guided-diffusion#167", "Gradient checkpointing + dropout causes loss divergence",
          "mask_redrawn", "tests of checkpointing had no dropout, and the other way round",
          dropout(np.tanh, lambda g, x: g * (1 - np.tanh(x)**2), 0.5), normal((6, 4))),
    Piece("pytorch/pytorch#190717",
          "[BUG] dropout gradient mask mismatch when memory budget is low", "mask_redrawn",
          "only a budget near zero computes the mask again",
          dropout(lambda x: x, lambda g, x: g, 0.3), normal((8, 3))),
    Piece("allenai/OLMo-core#828",
          "Preserve RNG state across activation-checkpoint recompute when dropout is active",
          "mask_redrawn", "“Harmless until now”: no model had dropout when the TODO was written",
          dropout(lambda x: x**2, lambda g, x: 2 * g * x, 0.25), normal((5, 5))),
    piece("candle-org/candle#82", "fix(mps): replay Philox RNG in dropout backward",
          "special_point", "the mask was read off the output, and random inputs are never zero",
          fixed_dropout, lambda g, x: 2 * g * (fixed_dropout(x) != 0),
          lambda rng: (np.array([0.0, 1.5, 0.0, -0.4, 0.0, 0.0, 0.7, 0.0]),)),
]
