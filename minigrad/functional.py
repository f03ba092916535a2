"""The functions of neural networks, under the names that the field uses.

Conventional import: ``import minigrad.functional as F``. Images are N×C×H×W.
"""

from __future__ import annotations

from typing import Any

from minigrad import ops
from minigrad.core.tensor import Tensor
from minigrad.ops import conv, conv_transpose, linalg, loss, normalization, pool
from minigrad.ops import dropout as _dropout
from minigrad.ops import embedding as _embedding
from minigrad.ops import interpolate as _interpolate
from minigrad.ops import pad as _pad

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


def conv_transpose2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1,
                     padding: Any = 0, output_padding: Any = 0, groups: int = 1,
                     dilation: Any = 1) -> Tensor:
    """Transposed convolution: each pixel paints its kernel, ``stride`` pixels apart.

    y[n,o,i·s + p·d − pad, j·s + q·d − pad] += w[c,o,p,q] · x[n,c,i,j], plus b[o]. It is the
    derivative of :func:`conv2d` by its image, so it turns the sizes of a convolution around.

    Parameters
    ----------
    input : N×C×H×W.
    weight : C×(O/groups)×K×L.
    bias : O, or None.
    stride, dilation : a number or a pair (vertical, horizontal), in pixels.
    padding : how many rows and columns of the result are cut off on each side.
    output_padding : rows and columns more at the bottom and right, fewer than the stride: several
        image sizes convolve to one, and this says which is meant.
    groups : channels are split into so many groups that do not see each other.

    Returns
    -------
    Tensor, N×O×P×Q with P = (H − 1)·s − 2·pad + d(K − 1) + output_padding + 1, and Q likewise.

    Raises
    ------
    ShapeError, DTypeError, ArgumentError : what does not fit, in one sentence.

    Notes
    -----
    Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), chapter 4.
    """
    return conv_transpose.conv_transpose2d(input, weight, bias, stride, padding, output_padding,
                                           groups, dilation)


def interpolate(input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
                align_corners: bool | None = None) -> Tensor:
    """N×C×H×W images in another size.

    Parameters
    ----------
    size : new height and width in pixels, or one number for both.
    scale_factor : in place of ``size``: new pixels per old one, a number or a pair; sizes are
        rounded down.
    mode : ``"nearest"`` (pixel i is a copy of pixel ⌊i·old/new⌋) or ``"bilinear"`` (weighted by
        distance from the nearest two rows and columns).
    align_corners : for bilinear; whether the centres of the corner pixels stay where they are
        (True), or their edges (False, the default).

    Returns
    -------
    Tensor, N×C×P×Q

    Raises
    ------
    ShapeError, ArgumentError, DTypeError : no image, impossible sizes or modes, integers in
        bilinear mode.
    """
    return _interpolate.interpolate(input, size, scale_factor, mode, align_corners)


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


# ------------------------------------------------------------------ normalisations


def batch_norm(input: Tensor, running_mean: Tensor | None, running_var: Tensor | None,
               weight: Tensor | None = None, bias: Tensor | None = None, training: bool = False,
               momentum: float = 0.1, eps: float = 1e-5) -> Tensor:
    """(x − mean) / √(var + ε) · weight + bias for each channel, over all images and pixels.

    Parameters
    ----------
    input : N×C or N×C×….
    running_mean, running_var : C; what is used in evaluation. In training, if given, they move
        towards the batch's by ``momentum``, in place (the variance as a sample's, over n − 1).
    weight, bias : C, or None for 1 and 0.
    training : whether the statistics are the batch's own (and differentiated) or the running ones.
    momentum : between 0 (never move) and 1 (take over the batch's).
    eps : ε ≥ 0, in units of the variance.

    Raises
    ------
    ShapeError : shapes that do not fit; one value per channel, which has no variance.
    ArgumentError : evaluation without running statistics.

    Notes
    -----
    Ioffe and Szegedy, "Batch normalization" (2015), algorithms 1 and 2.
    """
    return normalization.batch_norm(input, running_mean, running_var, weight, bias, training,
                                    momentum, eps)


def instance_norm(input: Tensor, running_mean: Tensor | None = None,
                  running_var: Tensor | None = None, weight: Tensor | None = None,
                  bias: Tensor | None = None, use_input_stats: bool = True,
                  momentum: float = 0.1, eps: float = 1e-5) -> Tensor:
    """The same for each channel of each image by itself; parameters as for :func:`batch_norm`.

    ``input`` is N×C×H×W (or N×C×…). Running statistics move towards the mean over the images.

    Notes
    -----
    Ulyanov, Vedaldi, Lempitsky, "Instance normalization: the missing ingredient for fast
    stylization" (2016), eq. 2.
    """
    return normalization.instance_norm(input, running_mean, running_var, weight, bias,
                                       use_input_stats, momentum, eps)


def layer_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None,
               bias: Tensor | None = None, eps: float = 1e-5) -> Tensor:
    """The same over the last dimensions, for each example by itself.

    Parameters
    ----------
    input : …×normalized_shape.
    normalized_shape : the lengths of the dimensions to normalise over, or one number for the last.
    weight, bias : of shape ``normalized_shape``, or None for 1 and 0.
    eps : ε ≥ 0, in units of the variance.

    Notes
    -----
    Ba, Kiros, Hinton, "Layer normalization" (2016), eq. 3.
    """
    return normalization.layer_norm(input, normalized_shape, weight, bias, eps)


def dropout(input: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """In training each element is 0 with probability ``p``, else divided by 1 − p.

    So the expected value stays, and in evaluation the input is returned as it is. The elements
    are drawn on the host, after :func:`minigrad.manual_seed` the same on every device.

    Notes
    -----
    Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout" (2014), section 10.
    """
    return _dropout.dropout(input, p, training)


def embedding(input: Tensor, weight: Tensor, padding_idx: int | None = None) -> Tensor:
    """Rows of a table: integers … and a table V×D to …×D.

    Row ``padding_idx`` gets no gradient.

    Raises
    ------
    ArgumentError, DTypeError : a row that does not exist; an index that is no integer.
    """
    return _embedding.embedding(input, weight, padding_idx)


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


def elu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """x where x > 0, else α(eˣ − 1).

    Clevert, Unterthiner, Hochreiter, "Fast and accurate deep network learning by exponential
    linear units (ELUs)" (2016), eq. 13.
    """
    return ops.elu(input, alpha)


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
    return linalg.linear(input, weight, bias)


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


def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean",
               delta: float = 1.0) -> Tensor:
    """½d² for |d| ≤ δ, else δ(|d| − ½δ), of the differences d = x − t, over equal shapes.

    Huber, "Robust estimation of a location parameter" (1964), section 1.
    """
    return loss.huber_loss(input, target, reduction, delta)


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
