"""The functions of neural networks, under the names that the field uses.

Conventional import: `import minigrad.functional as F`. Images are N×C×H×W. This module only
collects the names; each function is documented where it is defined, in :mod:`minigrad.ops`.
"""

from functools import partial

from minigrad.kernels.boundary import guarded_names
from minigrad.kernels.geometry import Window
from minigrad.ops.activation import elu, leaky_relu, log_softmax, relu, sigmoid, softmax, tanh
from minigrad.ops.attention import (
    bilinear,
    channel_shuffle,
    pixel_shuffle,
    pixel_unshuffle,
    scaled_dot_product_attention,
)
from minigrad.ops.conv import conv2d, conv2d_relu
from minigrad.ops.conv_transpose import conv_transpose1d, conv_transpose2d
from minigrad.ops.dropout import dropout
from minigrad.ops.embedding import embedding
from minigrad.ops.gates import (
    alpha_dropout,
    celu,
    gelu,
    glu,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    logsigmoid,
    mish,
    prelu,
    relu6,
    rrelu,
    selu,
    silu,
    softmin,
    softplus,
    softshrink,
    softsign,
    tanhshrink,
    threshold,
)
from minigrad.ops.gates import channel_dropout as dropout1d
from minigrad.ops.gates import channel_dropout as dropout2d
from minigrad.ops.gates import channel_dropout as dropout3d
from minigrad.ops.group_norm import group_norm, rms_norm
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
)
from minigrad.ops.margin_loss import (
    cosine_embedding_loss,
    gaussian_nll_loss,
    hinge_embedding_loss,
    kl_div,
    margin_ranking_loss,
    multi_margin_loss,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
    poisson_nll_loss,
    smooth_l1_loss,
    soft_margin_loss,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)
from minigrad.ops.matrix_root import matrix_sqrt, trace_sqrt, trace_sqrts
from minigrad.ops.moments import moment_matrix, weighted_moment_matrices
from minigrad.ops.normalization import batch_norm, instance_norm, layer_norm
from minigrad.ops.pad import pad
from minigrad.ops.pool import avg_pool2d, max_pool2d
from minigrad.ops.products import cosine_similarity, normalize, pairwise_distance, pdist
from minigrad.ops.search import one_hot
from minigrad.ops.windows import (
    adaptive_avg_pool,
    adaptive_max_pool,
    avg_pool1d,
    avg_pool3d,
    conv1d,
    conv3d,
    local_response_norm,
    max_pool1d,
    max_pool3d,
    unfold,
)

adaptive_avg_pool1d = partial(adaptive_avg_pool, pixels=1)
adaptive_avg_pool2d = partial(adaptive_avg_pool, pixels=2)
adaptive_avg_pool3d = partial(adaptive_avg_pool, pixels=3)
adaptive_max_pool1d = partial(adaptive_max_pool, pixels=1)
adaptive_max_pool2d = partial(adaptive_max_pool, pixels=2)
adaptive_max_pool3d = partial(adaptive_max_pool, pixels=3)

__all__ = [  # noqa: RUF022  (by family, not by letter)
    "conv1d", "conv2d", "conv2d_relu", "conv3d", "conv_transpose1d", "conv_transpose2d", "unfold",
    "interpolate", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle",
    "max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d",
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d",
    "adaptive_max_pool2d", "adaptive_max_pool3d", "pad",
    "batch_norm", "instance_norm", "layer_norm", "group_norm", "rms_norm", "local_response_norm",
    "dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "embedding", "one_hot",
    "gram_matrix", "moment_matrix", "weighted_moment_matrices", "Window",
    "trace_sqrt", "trace_sqrts", "matrix_sqrt",
    "relu", "leaky_relu", "elu", "sigmoid", "tanh", "softplus", "softmax", "log_softmax",
    "gelu", "silu", "mish", "logsigmoid", "softsign", "tanhshrink", "selu", "celu", "hardtanh",
    "relu6", "hardsigmoid", "hardswish", "hardshrink", "softshrink", "threshold", "glu", "prelu",
    "rrelu", "softmin", "linear", "bilinear", "scaled_dot_product_attention",
    "cosine_similarity", "normalize", "pairwise_distance", "pdist",
    "mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "nll_loss", "cross_entropy",
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div", "poisson_nll_loss",
    "gaussian_nll_loss", "hinge_embedding_loss", "margin_ranking_loss", "cosine_embedding_loss",
    "soft_margin_loss", "multi_margin_loss", "multilabel_margin_loss",
    "multilabel_soft_margin_loss", "triplet_margin_loss", "triplet_margin_with_distance_loss",
]

globals().update(guarded_names(globals(), __all__))
