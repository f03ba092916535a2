"""Sums over paths: broadcasting, inputs that are used twice, recurrences."""

import numpy as np

from tools.museum.piece import piece
from tools.wrong_rules.functions import sigmoid
from tools.wrong_rules.rule import normal, positive

MASK = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 0.0]])


def silu(x):
    return x * sigmoid(x)


def silu_slope(x):
    return sigmoid(x) * (1 + x * (1 - sigmoid(x)))


def rnn(x, w, steps=3):
    """The last state of h ← tanh(w·h + x_t)."""
    h = np.zeros_like(w[0])
    for t in range(steps):
        h = np.tanh(w @ h + x[t])
    return h


def rnn_inputs(g, x, w, through_time):
    states = [np.zeros_like(w[0])]
    for t in range(len(x)):
        states.append(np.tanh(w @ states[-1] + x[t]))
    gx, gw = np.zeros_like(x), np.zeros_like(w)
    for t in reversed(range(len(x))):
        pre = g * (1 - states[t + 1]**2)
        gx[t], gw = pre, gw + np.outer(pre, states[t])
        g = w.T @ pre if through_time else np.zeros_like(g)
    return gx, gw


def cell(i, f):
    """Two steps of an LSTM's cell: c₁ = tanh i, c₂ = f·c₁, read out after both."""
    c1 = np.tanh(i)
    return np.sin(c1) + np.sin(f * c1)


def cell_overwritten(g, i, f):
    c1 = np.tanh(i)
    later = g * np.cos(f * c1)
    return later * f * (1 - c1**2), later * c1


def gaussian(q):
    """Log-density of fixed observations, with the precision q."""
    return 0.5 * np.log(q).sum() - 0.5 * (q * np.arange(1.0, 5)**2).sum()


def zoneout_rnn(x):
    """A state that keeps its old value where the step's mask is 0."""
    h = np.zeros(3)
    for t in range(3):
        h = MASK[t] * np.tanh(h + x[t]) + (1 - MASK[t]) * h
    return h


def zoneout_first_mask(g, x):
    states, gx = [np.zeros(3)], np.zeros_like(x)
    for t in range(3):
        states.append(MASK[t] * np.tanh(states[-1] + x[t]) + (1 - MASK[t]) * states[-1])
    for t in reversed(range(3)):
        gx[t] = g * MASK[0] * (1 - np.tanh(states[t] + x[t])**2)
        g = gx[t] + g * (1 - MASK[0])
    return gx


def gru_reset(h, r):
    """The candidate of a gated unit, twice: the second step starts from the first's result."""
    h1 = np.tanh(r * h)
    return np.tanh(r * h1)


def gru_reset_wrong_state(g, h, r):
    h1 = np.tanh(r * h)
    h2 = np.tanh(r * h1)
    pre2 = g * (1 - h2**2)
    pre1 = pre2 * r * (1 - h1**2)
    return pre1 * r, pre2 * h2 + pre1 * h1          # should be h1 and h


def scan(x):
    """Runs over the first four of six inputs."""
    s = 1.0
    for value in x[:4]:
        s = s * 0.5 + np.sin(value)
    return np.array(s)


def scan_reversed_whole(g, x):
    """The sequence was reversed before it was cut."""
    gx = np.zeros_like(x)
    for step, value in enumerate(x[::-1][:4]):
        gx[len(x) - 1 - step] = g * 0.5**step * np.cos(value)
    return gx


def same_value(a, b):
    return np.array_equal(a, b)


PIECES = [
    piece("deeplearning4j/nd4j#2424",
          "Gradients for broadcast variables: wrong shape (not reduced)",
          "broadcast_sum_missing", "no test broadcast",
          lambda x, b: x + b, lambda g, x, b: (g, g), normal((3, 4), (1, 4))),
    piece("apache/tvm#2465", "Fix broadcast add and subtract gradient calculation",
          "broadcast_sum_missing", "the gradient was broadcast once more instead of summed; tests "
          "had operands of equal shape",
          lambda x, y: x - y, lambda g, x, y: (g, -g + np.zeros_like(y)), normal((3, 4), (4,))),
    piece("pytorch/pytorch#13669", "JIT gives wrong gradients", "counted_twice",
          "“a well known bug that broadcasting in forward causes our gradients to be incorrect”",
          lambda z: np.exp(z) + (np.exp(z) - np.zeros(10)).sum(),
          lambda g, z: 20 * g * np.exp(z), normal(())),
    piece("tenstorrent/tt-metal#40008",
          "[TTML] Bug: ttml.ops.binary.mul does not reduce broadcast dims in backward",
          "broadcast_sum_missing", "the forward's broadcast was added without the backward's",
          lambda h, m: h * m, lambda g, h, m: (g * m, g * h), normal((2, 4, 3), (2, 4, 1))),
    piece("pytorch/pytorch#1787", "autograd doesn't follow broadcasting", "broadcast_sum_missing",
          "broadcasting was new, and autograd never saw the expansion",
          lambda a, b: a * b, lambda g, a, b: (g * b, g * a), normal((1,), (5, 4))),
    piece("NervanaSystems/neon#169", "Incorrect AutoDiff for dot(x, x.T) ?", "missing_path",
          "x·x was tested, x·xᵀ was not: the transposed copy lost its gradient",
          lambda x: x @ x.T, lambda g, x: g @ x, normal((3, 2))),
    piece("PaddlePaddle/Paddle#11977", "fluid.layers.matmul 传入2个参数为相同变量时梯度计算错误",
          "missing_path", "tests gave two variables, never one twice",
          lambda x: x @ x, lambda g, x: g @ x.T, normal((3, 3))),
    piece("pytorch/pytorch#183604", "torch.compile produces wrong gradient for custom "
          "autograd.Function when the same tensor is passed twice", "missing_path",
          "functions were tested with different tensors",
          lambda x: x * x + x + x, lambda g, x: g * (x + 1), normal((5,))),
    piece("tensorflow/tensorflow#21837", "Incorrect gradients with assigning different Python "
          "variables to the same constant value.", "counted_twice",
          "random test inputs never have equal values",
          lambda x, w: x * w,
          lambda g, x, w: (g * (w + x), g * (w + x)) if same_value(x, w) else (g * w, g * x),
          lambda rng: (np.array(3.0), np.array(3.0))),
    piece("tinygrad/tinygrad#9597", "Incorrect gradients when using consts", "counted_twice",
          "equal constants became one node; tests used random numbers",
          lambda x, w: x + w,
          lambda g, x, w: (2 * g, 2 * g) if same_value(x, w) else (g, g),
          lambda rng: (np.full(3, 3.0), np.full(3, 3.0))),
    piece("sebgao/cTensor#5", "It seems the gradient compuation has bugs.", "counted_twice",
          "examples were chains; here two paths meet, and one is walked again",
          lambda x: x * x + x * x + x**2, lambda g, x: 7 * g * x, normal((4,))),
    piece("NVIDIA/warp#1293",
          "[BUG] Incorrect gradients with nested dynamic-range loops in reverse-mode AD",
          "counted_twice", "tests had one loop, or loops of fixed length",
          lambda q: np.sin(q.sum(1)).sum(0),
          lambda g, q: 2 * g * np.broadcast_to(np.cos(q.sum(1))[:, None], q.shape),
          normal((3, 2))),
    piece("NVIDIA/warp#1697", "[BUG] Adjoint of `v[i] = v[i] + x` on local vectors/matrices "
          "appears silently wrong under the default `enable_vector_component_overwrites=False` (no "
          "warning; compounds exponentially across taped launc", "counted_twice",
          "the tests wrote v[i] += x, which takes another path",
          lambda x: np.sum(x), lambda g, x: g * 2.0 ** np.arange(len(x))[::-1], normal((4,))),
    piece("SciSharp/TensorFlow.NET#303", "tf.gradients producing unexpected results",
          "missing_path", "products of different variables only were tested",
          lambda x: 0.1 * x * x * x, lambda g, x: 0.1 * g * x * x, normal((3,))),
    piece("linkedin/Liger-Kernel#1413",
          "fix(fused_moe): correct input-gradient (dx) on Blackwell/B300", "missing_path",
          "the tests ran on older GPUs, where the compiler kept both contributions",
          lambda x, u, v: silu(x @ u) * (x @ v),
          lambda g, x, u, v: ((g * (x @ v) * silu_slope(x @ u)) @ u.T,
                              x.T @ (g * (x @ v) * silu_slope(x @ u)), x.T @ (g * silu(x @ u))),
          normal((3, 4), (4, 2), (4, 2))),
    piece("apache/mxnet#9497", "Ensure that all operators properly support kAddTo in backward pass",
          "missing_path", "“easy to fix but hard to detect”: a result that goes to two operators",
          lambda x: np.maximum(0, 1 - x)**2 + np.sin(x),
          lambda g, x: -2 * g * np.maximum(0, 1 - x), normal((5,))),
    piece("apache/mxnet#4057", "lstm python seems not correct in backward", "missing_path",
          "an example, which was run and never checked", cell, cell_overwritten,
          normal((4,), (4,))),
    piece("timweiland/GaussianMarkovRandomFields.jl#193",
          "Fix silently wrong Zygote gradients on the chordal path", "missing_path",
          "“a zero cotangent instead of failing”: 12–14 % off, no error and no warning",
          gaussian, lambda g, q: -0.5 * g * np.arange(1.0, 5)**2, positive((4,))),
    piece("qixianbiao/RNN#2", "backward似乎不正确", "truncated_recurrence",
          "the network learned something all the same", rnn,
          lambda g, x, w: rnn_inputs(g, x, w, through_time=False), normal((3, 2), (2, 2))),
    piece("lmnt-com/haste#43", "`RNN`s with `zoneout > 0.0` have wrong gradients", "stale_value",
          "“right for LSTM but not GRU or IndRNN”", zoneout_rnn,
          zoneout_first_mask, normal((3, 3))),
    piece("ooples/AiDotNet#1049",
          "fix: systematic neural network backward pass and training bugs across 15+ models",
          "output_for_input", "a gate used the new state for the old one; tests asked only that "
          "the loss falls", gru_reset, gru_reset_wrong_state, normal((4,), (4,))),
    piece("Theano/Theano#166", "Fix a bug of grad reported by Michael Forbes", "wrong_place",
          "test sequences were as long as the loop", scan, scan_reversed_whole, normal((6,))),
]
