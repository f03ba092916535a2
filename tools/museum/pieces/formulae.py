"""Wrong formulae: signs, factors, exponents, the derivative of another function."""

import numpy as np

from tools.museum.piece import piece
from tools.wrong_rules.functions import one_hot, relu, sigmoid, softmax
from tools.wrong_rules.rule import normal, positive

LABELS = one_hot([0, 2, 1, 1, 0], 3)
DATA = np.random.default_rng(5).standard_normal((6, 3))


def mean_cross_entropy(x):
    return -(LABELS * np.log(softmax(x))).sum() / len(x)


def log_density(covariance):
    """Of one observation, for a symmetric part that is positive definite."""
    c = (covariance + covariance.T) / 2 + 4 * np.eye(3)
    y = np.array([1.0, -2, 0.5])
    return -0.5 * y @ np.linalg.solve(c, y) - 0.5 * np.linalg.slogdet(c)[1]


def log_density_gradient(covariance):
    c = (covariance + covariance.T) / 2 + 4 * np.eye(3)
    z = np.linalg.solve(c, np.array([1.0, -2, 0.5]))
    return 0.5 * np.outer(z, z) - 0.5 * np.linalg.inv(c)


def upsampling(positions):
    """Linear interpolation between four pixels at given positions, as a matrix."""
    weights = np.maximum(0, 1 - np.abs(np.clip(positions, 0, 3)[:, None] - np.arange(4)))
    return weights / weights.sum(1, keepdims=True)


HALF_PIXEL = upsampling((np.arange(8) + 0.5) / 2 - 0.5)
CORNERS = upsampling(np.arange(8) * 3 / 7)

SLOPES = np.array([0.5, 3.0, 1.0, -2.0])


def two_layers(x, u, v):
    return sigmoid(sigmoid(x @ u) @ v)


def without_last_slope(g, x, u, v):
    h = sigmoid(x @ u)
    inner = (g @ v.T) * h * (1 - h)
    return inner @ u.T, x.T @ inner, h.T @ g


def after_the_update(g, x, u, v):
    """The hidden layer's error goes through weights that were already changed."""
    h = sigmoid(x @ u)
    outer = g * two_layers(x, u, v) * (1 - two_layers(x, u, v))
    updated = v - 0.1 * h.T @ outer
    inner = (outer @ updated.T) * h * (1 - h)
    return inner @ u.T, x.T @ inner, h.T @ outer


def course_network(w, b):
    """Two layers as the course has them, with one example in each column."""
    hidden = relu(DATA[:4] @ DATA[:5, :].T + b[:, None])
    return w @ hidden


def course_gradient(g, w, b):
    hidden = relu(DATA[:4] @ DATA[:5, :].T + b[:, None])
    return 2 * g @ hidden.T, 4 * ((w.T @ g) * (hidden > 0)).sum(1)


PIECES = [
    piece("JuliaDiff/ChainRules.jl#74", "Fix hypot frule", "gradients_swapped",
          "“The tests were also wrong”", np.hypot,
          lambda g, x, y: (g * y / np.hypot(x, y), g * x / np.hypot(x, y)), normal((4,), (4,))),
    piece("HIPS/autograd#412", "Fix vjp for multivariate normal covariance", "wrong_sign",
          "a typo in the test script kept these tests from running", log_density,
          lambda g, c: -g * log_density_gradient(c), normal((3, 3))),
    piece("jax-ml/jax#3213", "Sign error in jax.custom_jvp and jax.custom_vjp docs", "wrong_sign",
          "documentation that nobody checks: f(x, y) = sin(x)·y",
          lambda x, y: np.sin(x) * y, lambda g, x, y: (g * np.cos(x) * y, -g * np.sin(x)),
          normal((3,), (3,))),
    piece("jax-ml/jax#29485", "Fix incorrect gradient in custom_gradient example", "factor_of_two",
          "on purpose, says a maintainer: “to show that you can return any gradient you want”",
          lambda x: x**2, lambda g, x: g * x, normal((3,))),
    piece("mlpack/mlpack#2360", "error in backward function in log softmax", "wrong_sign",
          "the Jacobian test handed over the input where the output was due (mlpack #3470)",
          lambda x: np.log(softmax(x)), lambda g, x: g + softmax(x), normal((4,))),
    piece("NVIDIA/warp#1466",
          "Fix autodiff metadata for built-ins with no-op placeholder adjoints", "wrong_function",
          "the vector overload got abs's adjoint; the scalar one was tested",
          np.sign, lambda g, x: g * np.sign(x), normal((3,))),
    piece("NVIDIA/warp#1552", "Adjoint of continue in dynamic for-loops produces wrong gradients "
          "for argmax-style reductions", "wrong_place",
          "short loops are unrolled, and then the gradient is right",
          lambda x: (x[:, None] * SLOPES).max(1), lambda g, x: g * SLOPES[-1], normal((5,))),
    piece("tenstorrent/tt-metal#6533", "[Bug Report] invalid ldexp backward result",
          "wrong_function", "a test of this very case “also passes the compare_result check”",
          lambda x, n: x * 2**n,
          lambda g, x, n: (np.exp(n) * np.log(2), x * np.exp(n) * np.log(2)**2),
          normal((4,), (4,))),
    piece("tenstorrent/tt-metal#55289", "ttnn.rpow_bw computes the gradient of x**base instead of "
          "base**x; NaN for every negative input", "wrong_function",
          "the forward was rewritten with sixteen edge cases, the backward was not looked at",
          lambda x: 3.0**x, lambda g, x: g * 3 * x**2, positive((4,))),
    piece("eduardoleao052/js-pytorch#42", "Fix pow recursive and gradient functions",
          "wrong_exponent", "right for squares",
          lambda x: x**3, lambda g, x: 2 * g * x, normal((4,))),
    piece("ahrefs/ocannl#73", "Major bug: `pointpow` (exponentiation) gradient op is missing",
          "wrong_function", "relu's gradient had been copied and never replaced",
          lambda x: x**2.5, lambda g, x: g * (x > 0), positive((4,))),
    piece("apache/mxnet#16938", "Quadratic operator backward actually calls forward for FComputeEx",
          "wrong_function", "an operator for a tutorial, on a path for sparse arrays",
          lambda x: 2 * x**2 + 3 * x + 1, lambda g, x: 2 * g**2 + 3 * g + 1, normal((3,))),
    piece("ooples/AiDotNet#1837", "OptimizerBase.CalculateGradient fallback uses algebraically "
          "wrong formula + latent over-indexing bug", "wrong_function",
          "a fallback that no optimiser with its own gradient reaches",
          lambda w: np.mean((DATA @ w - 1)**2),
          lambda g, w: g * np.mean((DATA @ w - 1)**2) * DATA.sum(0), normal((3,))),
    piece("JuliaGaussianProcesses/KernelFunctions.jl#549",
          "Simplify rule according to feedback in #531", "wrong_function",
          "a reviewer proposed it and took it back: “I misremembered the formula”",
          lambda d: (np.sin(np.pi * d) / 1.5)**2,
          lambda g, d: g * np.pi * np.cos(2 * np.pi * d) / 1.5**2, normal((4,))),
    piece("ooples/AiDotNet.Tensors#80", "fix: address all remaining gradient tape audit gaps (#76)",
          "wrong_function", "forward and backward placed pixels differently; until then no test "
          "compared them", lambda x: HALF_PIXEL @ x, lambda g, x: CORNERS.T @ g, normal((4,))),
    piece("ml-explore/mlx#2451", "[BUG] arctan2 gradient doesn't match JAX",
          "inner_derivative_missing", "the formula lacks a factor that is one in the obvious test",
          np.arctan2, lambda g, y, x: (g / (x**2 + y**2), -g * y / (x**2 + y**2)),
          positive((4,), (4,))),
    piece("chainer/chainer#3541", "Bad gradients pass gradient check", "constant_factor",
          "the checker checked nothing when no input was excluded; this is its new test",
          lambda x: x * x, lambda g, x: 3 * x * g, normal((3,))),
    piece("HomericIntelligence/Odyssey#2134",
          "[Test Fix] test_activations.mojo - Fix softmax backward Jacobian computation",
          "softmax_diagonal_only", "with an upstream gradient of ones every softmax gradient is "
          "zero", softmax, lambda g, x: g * softmax(x), normal((2, 4))),
    piece("markroxor/fromscratchtoml#65", "Gradient check for softmax", "factor_of_two",
          "the check found it, and the ticket asks why", mean_cross_entropy,
          lambda g, x: 2 * g * (softmax(x) - LABELS) / 5, normal((5, 3))),
    piece("tensorflow/tensorflow#60314",
          "Backpropagation for all zero label vectors in softmax/crossentropy", "wrong_function",
          "p − y needs labels that sum to one, and test labels do",
          lambda x: -(np.array([0.5, 0, 0.2]) * np.log(softmax(x))).sum(),
          lambda g, x: g * (softmax(x) - np.array([0.5, 0, 0.2])), normal((3,))),
    piece("Bot-Academy/NeuralNetworkFromScratch#3",
          "Fixed formally wrong backpropagation/gradient descent", "inner_derivative_missing",
          "“probably only works because the sigmoid function is strictly increasing”",
          two_layers, without_last_slope, normal((4, 3), (3, 2), (2, 2))),
    piece("louisjc/mnist-neural-network#1", "Bugs?", "stale_value",
          "91.6 % of the digits were right; with the mend, 92.6 %", two_layers, after_the_update,
          normal((4, 3), (3, 2), (2, 2))),
    piece("bighuang624/Andrew-Ng-Deep-Learning-notes#10",
          "mistakes in assignments/assignment2-1/3.Gradient+Checking.ipynb", "factor_of_two",
          "the course planted “* 2” and “4./m” for its gradient check to find; they stayed",
          course_network, course_gradient, normal((2, 4), (4,))),
    piece("benoitfragit/libBrain#78", "Error in backpropagation", "output_for_input",
          "the derivative was called with the activation instead of the weighted sum",
          sigmoid, lambda g, x: g * sigmoid(sigmoid(x)) * (1 - sigmoid(sigmoid(x))), normal((4,))),
    piece("karpathy/nn-zero-to-hero#52",
          "Bug on `lectures/micrograd/micrograd_lecture_second_half_roughly.ipynb`",
          "input_for_output", "a proposed correction of code that was right: exp's derivative is "
          "its output", np.exp, lambda g, x: g * x, normal((4,))),
    piece("AlexeyAB/darknet#3949", "some question about l2normalize_cpu", "variance_detached",
          "nobody compared; a reader who did the algebra asked",
          lambda x: x / np.linalg.norm(x),
          lambda g, x: g * (1 - x / np.linalg.norm(x)) / np.linalg.norm(x), normal((4,))),
    piece("tenstorrent/tt-metal#6534", "[Bug Report] invalid hardsigmoid backward result",
          "mask_missing", "test inputs stayed in the middle, where nothing is clipped",
          lambda x: np.clip(x / 6 + 0.5, 0, 1), lambda g, x: g / 6, lambda rng: (
              10 * rng.standard_normal(6),)),
]
