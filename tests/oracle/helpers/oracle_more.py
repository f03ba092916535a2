"""Rows of the oracle's table for the operations that are rows, rules and compositions.

The names are PyTorch's own; a variant follows after a stroke, as in `"norm/inf"`.
"""

import minigrad as mg
import minigrad.functional as F
from minigrad.ops import solving

OWN = """
    acos acosh asin asinh atan atan2 atanh cosh digamma erf erfc erfinv exp2 expm1 hypot lgamma
    log1p log2 log10 logaddexp logaddexp2 logit reciprocal rsqrt sinc sinh tan xlogy
    addcdiv addcmul angle ceil copysign deg2rad div/no_rounding_mode div/trunc_rounding
    div/floor_rounding float_power floor floor_divide fmax fmin fmod frac frexp heaviside ldexp
    lerp nan_to_num nextafter rad2deg remainder round round/decimals_0 round/decimals_3
    round/decimals_neg_3 trunc bitwise_and bitwise_left_shift bitwise_not bitwise_or
    bitwise_right_shift bitwise_xor gcd lcm allclose broadcast_shapes isclose isfinite isin isinf
    isnan isneginf isposinf isreal logical_xor signbit
    cummax cummin cumprod cumsum cumulative_trapezoid diff logcumsumexp trapezoid
    kthvalue median mode msort nanmedian nanquantile quantile topk
    aminmax corrcoef count_nonzero cov dist nanmean nansum renorm std_mean std_mean/unbiased
    var_mean var_mean/unbiased
    atleast_1d atleast_2d atleast_3d broadcast_tensors cartesian_prod chunk column_stack
    combinations dsplit dstack expand_as fliplr flipud hsplit hstack meshgrid/variadic_tensors
    meshgrid/list_of_tensors movedim narrow ravel repeat repeat_interleave reshape_as roll rot90
    split_with_sizes sum_to_size take_along_dim tensor_split tile unbind unflatten unfold vsplit
    vstack block_diag diag diag_embed diagflat diagonal diagonal_scatter select_scatter
    slice_scatter trace tril tril_indices triu triu_indices
    index_add index_copy index_fill index_put index_reduce/mean index_reduce/prod
    index_reduce/amin index_reduce/amax index_select masked_fill masked_scatter masked_select put
    scatter scatter_add scatter_reduce/sum scatter_reduce/prod scatter_reduce/mean
    scatter_reduce/amin scatter_reduce/amax
    addbmm addmm addmv addr baddbmm bmm cdist cross dot inner kron mm mv outer tensordot vdot
    logdet argwhere bincount bucketize histc nonzero searchsorted unique unique_consecutive
    linspace logspace
"""
FUNCTIONAL = """
    conv1d conv3d conv_transpose1d unfold pixel_shuffle pixel_unshuffle channel_shuffle max_pool1d
    max_pool3d avg_pool1d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d
    adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d group_norm rms_norm
    local_response_norm gelu silu mish logsigmoid softsign tanhshrink selu celu hardtanh relu6
    hardsigmoid hardswish hardshrink softshrink threshold glu prelu softmin softmin/with_dtype
    bilinear cosine_similarity normalize pairwise_distance pdist smooth_l1_loss kl_div
    poisson_nll_loss gaussian_nll_loss hinge_embedding_loss margin_ranking_loss
    cosine_embedding_loss soft_margin_loss multi_margin_loss multilabel_margin_loss
    multilabel_soft_margin_loss triplet_margin_loss triplet_margin_with_distance_loss one_hot
    pad/replicate_negative pad/circular interpolate/nearest-exact interpolate/linear
    interpolate/trilinear interpolate/bicubic interpolate/area
"""
LINALG = """
    cholesky cond cross det diagonal inv matrix_norm matrix_power matrix_rank
    matrix_rank/hermitian multi_dot pinv pinv/hermitian slogdet solve solve_triangular
    svdvals eigvalsh tensorinv tensorsolve vander vecdot vector_norm
"""
SPECIAL = "entr erfcx log_ndtr ndtr ndtri xlog1py"


def _rows(module, prefix, names):
    """Rows for entries whose function has the entry's own name."""
    return {prefix + name: getattr(module, name.partition("/")[0]) for name in names.split()}


def _triplet(anchor, positive, negative, *, distance_function=None, **kwargs):
    """The distance of PyTorch's samples is a module of PyTorch: our function stands for it."""
    assert distance_function is None or type(distance_function).__name__ == "PairwiseDistance"
    return F.triplet_margin_with_distance_loss(
        anchor, positive, negative, distance_function=distance_function and F.pairwise_distance,
        **kwargs)


def _swapped(function):
    return lambda x, y: function(y, x)


MORE = {
    **_rows(mg, "", OWN),
    **_rows(F, "nn.functional.", FUNCTIONAL),
    **_rows(mg.linalg, "linalg.", LINALG),
    **_rows(mg.special, "special.", SPECIAL),
    **{f"polygamma/polygamma_n_{n}": _swapped(mg.polygamma) for n in range(5)},
    "special.polygamma/special_polygamma_n_0": _swapped(mg.special.polygamma),
    **{f"mvlgamma/mvlgamma_p_{p}": mg.mvlgamma for p in (1, 3, 5)},
    "nn.functional.triplet_margin_with_distance_loss": _triplet,
    "clamp_max": lambda x, limit: mg.clip(x, None, limit),
    "clamp_min": mg.clip,
    "constant_pad_nd": lambda x, widths, value=0: F.pad(x, widths, "constant", value),
    "nn.functional.upsample_bilinear": lambda x, size=None, scale_factor=None: F.interpolate(
        x, size, scale_factor, "bilinear", True),
    "nn.functional.upsample_nearest": lambda x, size=None, scale_factor=None: F.interpolate(
        x, size, scale_factor, "nearest"),
    "linalg.pinv/singular": lambda a, b: mg.linalg.pinv(a @ b.mT),
    "cholesky": lambda a, upper=False: mg.linalg.cholesky(a, upper=upper),
    "cholesky_inverse": solving.cholesky_inverse,
    "cholesky_solve": solving.cholesky_solve,
    "triangular_solve": solving.triangular_solve,
    "__rand__": lambda x, y: y & x, "__ror__": lambda x, y: y | x, "__rxor__": lambda x, y: y ^ x,
    "__rmod__": lambda x, y: y % x,
    "bool": lambda x: x.bool(), "byte": lambda x: x.byte(), "char": lambda x: x.char(),
    "short": lambda x: x.short(), "int": lambda x: x.int(), "long": lambda x: x.long(),
    "half": lambda x: x.half(),
}
