"""Points where a rule breaks: zeros, ties, borders, empty sums, lost digits; and constants."""

import numpy as np

from tools.museum.piece import given, piece
from tools.wrong_rules.functions import sigmoid, softmax
from tools.wrong_rules.rule import normal

PIXELS = np.array([0.0, 1.0, 3.0, 8.0])
ALLOWED = np.array([True, False, True])
CLASS_OF_FRAME = np.array([1, 0, 2, 1, 0])


def silenced(function):
    """The function with NumPy's warnings off: the pieces divide by zero on purpose."""
    def quiet(*arguments):
        with np.errstate(all="ignore"):
            return function(*arguments)
    return quiet


def softplus_vjp(g, x):
    return g * np.where(x == 0, 0, sigmoid(x))


def masked_logsumexp(a):
    return np.log(np.exp(a[ALLOWED]).sum())


def masked_logsumexp_vjp(g, a):
    shifted = np.exp(a - masked_logsumexp(a))           # overflows where it is masked
    return g * np.where(ALLOWED, shifted, 0 * shifted)


def sample(x):
    """Linear interpolation between pixels; beyond the border, the border's pixel."""
    return np.interp(x, np.arange(4), PIXELS)


def sample_vjp(g, x):
    """At the last pixel the neighbour does not exist and counts as black."""
    left = np.clip(np.floor(x).astype(int), 0, 3)
    right = np.where(left + 1 < 4, PIXELS[np.minimum(left + 1, 3)], 0)
    return g * np.where((x >= 0) & (x <= 3), right - PIXELS[left], 0)


def deviation_vjp(g, x):
    return g * (x - x.mean()) / (len(x) - 1) / x.std(ddof=1)


def frames(x):
    """Cross-entropy of the first three of five frames; the others are padding."""
    return -np.log(softmax(x))[np.arange(5), CLASS_OF_FRAME][:3].sum()


def all_frames(g, x):
    return g * (softmax(x) - np.eye(3)[CLASS_OF_FRAME])


PIECES = [
    piece("jax-ml/jax#2107", "grad(softplus) has wrong value at zero", "special_point",
          "the formula has an |x|, whose kink cancels everywhere but in the gradient at 0",
          lambda x: np.logaddexp(x, 0), softplus_vjp, given([0.0, 1.0, -2.0])),
    piece("jax-ml/jax#22398",
          "Incorrect Jacobian of `jax.scipy.special.logsumexp` when `b` contains a `0`",
          "special_point", "a weight of 10⁻³⁰ is right, and one of 0 is not",
          lambda b: np.log(b.sum()), lambda g, b: g * (b != 0) / b.sum(), given([1.0, 0.0, 2.0])),
    piece("jax-ml/jax#23842", "grad of logsumexp produces NaN", "not_a_number",
          "masked elements were small in tests",
          masked_logsumexp, silenced(masked_logsumexp_vjp), given([0.0, 1000.0, -1.0])),
    piece("pytorch/pytorch#23925",
          "'border' and 'reflection’ modes of grid_sample have incorrect gradients at border",
          "special_point", "“not likely to be caught by gradcheck because the incorrect gradient "
          "only occurs when a grid point happens to fall exactly on the border”",
          sample, sample_vjp, given([0.5, 3.0, 1.25])),
    piece("pytorch/pytorch#2421", "Gradient of zero norm is nan", "not_a_number",
          "zero vectors do not come out of random generators",
          np.linalg.norm, silenced(lambda g, x: g * x / np.linalg.norm(x)), given([0.0, 0.0])),
    piece("pytorch/pytorch#4320", "torch.std NaN gradient", "not_a_number",
          "test data varied; a black picture does not",
          lambda x: x.std(ddof=1), silenced(deviation_vjp), given([2.0, 2.0, 2.0])),
    piece("tenstorrent/tt-metal#55585", "[Bug] moreh_norm_backward returns NaN for all-zero "
          "reduced slices, where the gradient is finite", "not_a_number",
          "padded rows and dead channels are zero, test rows were not",
          lambda x: np.linalg.norm(x, axis=1),
          silenced(lambda g, x: g[:, None] * x / np.linalg.norm(x, axis=1, keepdims=True)),
          given([[0.0, 0, 0], [1, 2, 2]])),
    piece("ml-explore/mlx#628", "Unexpected result from mlx.core.vjp", "not_a_number",
          "0·log 0 in the gradient of the exponent", np.power,
          silenced(lambda g, x, y: (g * y * x**(y - 1), g * x**y * np.log(x))),
          given([0.0, 2.0], [2.0, 3.0])),
    piece("ml-explore/mlx#3668", "[BUG] VJP mx.maximum(rho, eps) is NaN at rho=0 even though the "
          "forward value is finite", "not_a_number", "the forward was guarded, so all values "
          "looked well", lambda x, y: np.maximum(np.hypot(x, y), 0.1),
          silenced(lambda g, x, y: (g * (np.hypot(x, y) > 0.1) * x / np.hypot(x, y),
                                    g * (np.hypot(x, y) > 0.1) * y / np.hypot(x, y))),
          given([0.0, 3.0], [0.0, 4.0])),
    piece("tenstorrent/tt-metal#54440", "[Bug fix] pow_bw: the gradient of a negative base is "
          "n*x^(n-1), not +inf", "not_a_number", "a guard painted infinity over NaN, and tests had "
          "positive bases", lambda x: x**3,
          silenced(lambda g, x: np.where(x <= 0, np.inf, g * 3 * np.exp(2 * np.log(x)))),
          given([2.0, -1.5, 0.5])),
    piece("apache/mxnet#18563", "The gradient of a tensor whose elements are all the same is wrong "
          "when the tensor pass to nd.max", "spread_over_all",
          "random numbers have no ties; the gradients of all equal elements were one each",
          lambda x: x.max(0), lambda g, x: g * (x == x.max(0)), given(np.ones((4, 3)))),
    piece("jax-ml/jax#40342", "`jax.nn.sigmoid` default JVP loses a finite float64 tail derivative "
          "that JAX's highest-accuracy rule preserves", "cancellation",
          "1 − σ(40) is 0 in float64: absolute tolerances cannot see a derivative of 4·10⁻¹⁸",
          sigmoid, lambda g, x: g * sigmoid(x) * (1 - sigmoid(x)), given([40.0, 45.0])),
    piece("rwth-i6/returnn#1835", "native_op.ctc_loss: non-zero gradient (= softmax) for sequences "
          "with no valid alignment", "target_not_subtracted",
          "the loss is 0, finite and harmless to look at",
          lambda x: 0 * x.sum(), lambda g, x: g * softmax(x), normal((2, 6))),
    piece("tensorflow/tensorflow#41280", "Incorrect gradient for ctc_loss on GPU when using "
          "logit_length", "mask_missing", "the loss is right, and test sequences were not padded",
          frames, all_frames, normal((5, 3))),
    piece("BVLC/caffe#6769", "Critical Backpropagation Failure across Reshape layer in complex "
          "networks", "zero_gradient", "one reshape is right; two that share a buffer are not",
          lambda x: x.reshape(2, 6) + 0, lambda g, x: np.zeros_like(x), normal((3, 4))),
    piece("jax-ml/jax#11467", "`ldexp` has wrong gradient `0.0`", "zero_gradient",
          "“probably working as expected”", lambda x: np.ldexp(x, 1), lambda g, x: 0 * g,
          normal((3,))),
    piece("ml-explore/mlx#610", "Wrong grad obtained from mlx.core.vjp", "zero_gradient",
          "only a function that looks at its values on the way (tolist) loses the gradient",
          lambda a: (a + np.ones((3, 3, 3)))**2, lambda g, a: np.zeros_like(a), normal((3, 3))),
    piece("TrenTorch/TrenTorch#58", "Fix Tensor.max() silently dropping gradients",
          "zero_gradient", "nothing inside the project called max()",
          np.max, lambda g, x: np.zeros_like(x), normal((2, 3))),
]
