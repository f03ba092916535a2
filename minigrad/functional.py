"""The functions of neural networks, under the names that the field uses.

Conventional import: ``import minigrad.functional as F``. Images are N×C×H×W.
"""

from __future__ import annotations

from typing import Any

from . import ops
from .ops import conv, linalg, loss, pool
from .ops import pad as _pad
from .tensor import Tensor

# ------------------------------------------------------------------------ images


def conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
           padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Tensor:
    """Two-dimensional convolution (cross-correlation, as in all of deep learning).

    y[n,o,i,j] = b[o] + Σ_{c,p,q} w[o,c,p,q] · x[n, c, i·s + p·d − pad, j·s + q·d − pad]

    Parameters
    ----------
    input : N×C×H×W.
    weight : O×(C/groups)×K×L.
    bias : O, or None.
    stride, dilation : a number or a pair (vertical, horizontal), in pixels.
    padding : zeros around the image: a number, a pair, ``"same"`` (stride 1; the result has the
        size of the image) or ``"valid"`` (none).
    groups : channels and filters are split into so many groups that do not see each other.

    Returns
    -------
    Tensor, N×O×P×Q with P = ⌊(H + 2·pad − d(K − 1) − 1) / s⌋ + 1, and Q likewise.

    Raises
    ------
    ShapeError, DTypeError, ArgumentError : what does not fit, in one sentence.

    Notes
    -----
    Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016).
    """
    return conv.conv2d(input, weight, bias, stride, padding, dilation, groups)


def conv2d_relu(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
                padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Tensor:
    """relu(conv2d(…)) in one operation: faster, and one bit per result is kept for backward."""
    return conv.conv2d(input, weight, bias, stride, padding, dilation, groups, relu=True)


def max_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
               ceil_mode: bool = False) -> Tensor:
    """The largest pixel of each window; of equal ones the first in the window gets the gradient.

    Parameters
    ----------
    input : N×C×H×W.
    kernel_size, stride, padding : a number or a pair, in pixels; the stride is the window's size
        by default; padding counts as −∞ and is at most half a window.
    ceil_mode : keep a last window that hangs over the edge (as Caffe does).
    """
    return pool.max_pool2d(input, kernel_size, stride, padding, ceil_mode)


def avg_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
               ceil_mode: bool = False, count_include_pad: bool = True) -> Tensor:
    """The mean of each window; parameters as for :func:`max_pool2d`.

    ``count_include_pad`` says whether zeros of the padding count in the mean.
    """
    return pool.avg_pool2d(input, kernel_size, stride, padding, ceil_mode, count_include_pad)


def pad(input: Tensor, pad: Any, mode: str = "zeros", value: float = 0.0) -> Tensor:
    """A border around N×C×H×W images.

    Parameters
    ----------
    pad : widths (left, right, top, bottom) in pixels, or one number for all sides.
    mode : ``"zeros"`` (or ``"constant"``: ``value``), ``"reflect"`` (mirrored at the edge pixel,
        which is not repeated), ``"replicate"`` (the edge pixel repeated).
    """
    return _pad.pad(input, pad, mode, value)


def gram_matrix(features: Tensor) -> Tensor:
    """G[n,c,d] = Σ over pixels F[n,c]·F[n,d], undivided: N×C×H×W to N×C×C.

    Gatys, Ecker, Bethge, "A Neural Algorithm of Artistic Style" (2015), eq. 3.
    """
    return linalg.gram_matrix(features)


# ------------------------------------------------------- activations, linear layers


def relu(input: Tensor) -> Tensor:
    """max(x, 0); derivative 0 at 0."""
    return ops.relu(input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """x where x > 0, else ``negative_slope``·x."""
    return ops.leaky_relu(input, negative_slope)


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + e⁻ˣ)."""
    return ops.sigmoid(input)


def tanh(input: Tensor) -> Tensor:
    """Hyperbolic tangent."""
    return ops.tanh(input)


def softplus(input: Tensor) -> Tensor:
    """log(1 + eˣ)."""
    return loss.softplus(input)


def softmax(input: Tensor, dim: int = -1) -> Tensor:
    """e^xᵢ / Σⱼ e^xⱼ along ``dim``; stable for large x."""
    return ops.softmax(input, dim)


def log_softmax(input: Tensor, dim: int = -1) -> Tensor:
    """xᵢ − log Σⱼ e^xⱼ along ``dim``; stable for large x."""
    return ops.log_softmax(input, dim)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x·Wᵀ + b: input …×I, weight O×I, bias O; result …×O."""
    product = input @ weight.mT
    return product if bias is None else product + bias


# ------------------------------------------------------------------------- losses
# ``reduction`` is "mean" (default), "sum" or "none" in all of them.


def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Squared error (x − t)², over equal shapes.

    ``"half_sum"`` is ½Σ(x − t)², the textbook's E and eq. 8 of style transfer. ``"sum"`` and
    ``"half_sum"`` are float64 numbers whatever the input, see docs/conventions.md.
    """
    return loss.mse_loss(input, target, reduction)


def l1_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Absolute error |x − t|, over equal shapes."""
    return loss.l1_loss(input, target, reduction)


def nll_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """−x[n, t[n]]: log-probabilities N×C×… and class indices N×…."""
    return loss.nll_loss(input, target, reduction)


def cross_entropy(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """−Σ_c t_c · log softmax(x)_c; finite for scores of ±1000.

    Parameters
    ----------
    input : scores (logits) N×C or N×C×….
    target : class indices N×… (integers), or class probabilities of the input's shape.
    """
    return loss.cross_entropy(input, target, reduction)


def binary_cross_entropy(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """−t·log p − (1 − t)·log(1 − p) for probabilities p; logarithms are at least −100."""
    return loss.binary_cross_entropy(input, target, reduction)


def binary_cross_entropy_with_logits(input: Tensor, target: Tensor,
                                     reduction: str = "mean") -> Tensor:
    """The same for scores x with p = σ(x): log(1 + eˣ) − x·t, finite for any x."""
    return loss.binary_cross_entropy_with_logits(input, target, reduction)
