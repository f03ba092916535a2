"""The functions of neural networks, under the names that the field uses.

Conventional import: `import minigrad.functional as F`. Images are N×C×H×W. This module only
collects the names; each function is documented where it is defined, in :mod:`minigrad.ops`.
"""

from minigrad.kernels.geometry import Window
from minigrad.ops.activation import elu, leaky_relu, log_softmax, relu, sigmoid, softmax, tanh
from minigrad.ops.conv import conv2d, conv2d_relu
from minigrad.ops.conv_transpose import conv_transpose2d
from minigrad.ops.dropout import dropout
from minigrad.ops.embedding import embedding
from minigrad.ops.interpolate import interpolate
from minigrad.ops.linalg import gram_matrix, linear
from minigrad.ops.loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    huber_loss,
    l1_loss,
    mse_loss,
    nll_loss,
    softplus,
)
from minigrad.ops.matrix_root import matrix_sqrt, trace_sqrt, trace_sqrts
from minigrad.ops.moments import moment_matrix, weighted_moment_matrices
from minigrad.ops.normalization import batch_norm, instance_norm, layer_norm
from minigrad.ops.pad import pad
from minigrad.ops.pool import avg_pool2d, max_pool2d

__all__ = [  # noqa: RUF022  (by family, not by letter)
    "conv2d", "conv2d_relu", "conv_transpose2d", "interpolate", "max_pool2d", "avg_pool2d", "pad",
    "batch_norm", "instance_norm", "layer_norm", "dropout", "embedding", "gram_matrix",
    "moment_matrix", "weighted_moment_matrices", "Window",
    "trace_sqrt", "trace_sqrts", "matrix_sqrt",
    "relu", "leaky_relu", "elu", "sigmoid", "tanh", "softplus", "softmax", "log_softmax", "linear",
    "mse_loss", "l1_loss", "huber_loss", "nll_loss", "cross_entropy", "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
]
