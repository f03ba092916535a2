"""Which function of minigrad stands for which entry of PyTorch's operator samples (OpInfo).

A row is `"entry": function`; the function is called with the sample's arguments. An entry with a
variant is written `"norm/inf"`. Add a row for every operation that both have. Entries in `RANDOM`
are compared by shape and type only, those in `ALIASES` do not count as operations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oracle_more import MORE

import minigrad as mg
import minigrad.functional as F


def _own_names(module: Any, prefix: str, names: str) -> dict[str, Callable]:
    """Rows for entries whose function has the entry's own name."""
    return {prefix + name: getattr(module, name.partition("/")[0]) for name in names.split()}


def _extreme(name):
    def either(x, *args, **kwargs):
        other = args[0] if args else kwargs.get("other")
        if isinstance(other, mg.Tensor):
            return getattr(mg, f"{name}imum")(x, other)
        return getattr(mg, name)(x, *args, **kwargs)
    return either


def _var(function):
    def call(x, dim=None, unbiased=None, *, correction=None, keepdim=False):
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        if correction is None:
            correction = 1 if unbiased in (None, True) else 0
        return function(x, dim, correction, keepdim)
    return call


def _pad(x, pad, mode="constant", value=None):
    return F.pad(x, pad, mode, 0.0 if value is None else value)


def _item(x):
    return x.item()


def _cast(dtype):
    return lambda x, memory_format=None: x.to(dtype)


TABLE: dict[str, Callable] = {
    **_own_names(mg, "", "abs add clone cos exp log logical_and logical_not logical_or maximum "
                         "minimum pow sign sin sqrt square tanh sigmoid"),
    **_own_names(mg, "", "max/reduction_no_dim max/reduction_with_dim min/reduction_no_dim "
                         "min/reduction_with_dim all any amax amin argmax argmin sum mean prod "
                         "logsumexp matmul"),
    **_own_names(mg, "", "cat expand flatten flip gather permute reshape split "
                         "split/list_args squeeze squeeze/multiple stack take transpose unsqueeze "
                         "softmax log_softmax"),
    "clamp": mg.clip,
    "div/no_rounding_mode": mg.divide,
    "einsum": lambda operands, equation: mg.einsum(equation, *operands),
    "eq": mg.eq,
    "ge": mg.greater_equal,
    "gt": mg.greater,
    "le": mg.less_equal,
    "lt": mg.less,
    "max/binary": _extreme("max"),
    "min/binary": _extreme("min"),
    "mul": mg.multiply,
    "ne": mg.not_equal,
    "neg": mg.negative,
    "sub": mg.sub,
    "true_divide": mg.divide,
    "__getitem__": lambda x, index: x[index],
    "__radd__": lambda x, y: y + x,
    "__rdiv__": lambda x, y: y / x,
    "__rmatmul__": lambda x, y: y @ x,
    "__rmul__": lambda x, y: y * x,
    "__rpow__": lambda x, y: y ** x,
    "__rsub__": lambda x, y: y - x,
    "T": lambda x: x.T,
    "mT": lambda x: x.mT,
    "view": lambda x, *shape: x.view(*shape),
    "float": _cast("float32"),
    "double": _cast("float64"),
    "item": _item,
    # Only stable orders are the same in both.
    "argsort": lambda x, *args, **kwargs: mg.argsort(x, *args, **kwargs),
    "sort": lambda x, *args, **kwargs: mg.sort(x, *args, **kwargs),
    "std": _var(mg.std),
    "std/unbiased": _var(mg.std),
    "var": _var(mg.var),
    "var/unbiased": _var(mg.var),
    "norm": mg.norm,
    "norm/fro": mg.norm,
    "norm/inf": mg.norm,
    "linalg.norm": mg.linalg.norm,
    # PyTorch's sample begins with x, so that x is what requires a gradient.
    "where": lambda x, condition, other: mg.where(condition, x, other),
    # Changes in place are not recorded, so they need a tensor without a gradient.
    "zero_": lambda x: x.detach().clone().zero_(),
    **_own_names(F, "nn.functional.", "binary_cross_entropy binary_cross_entropy_with_logits "
                                      "cross_entropy huber_loss l1_loss mse_loss nll_loss"),
    **_own_names(F, "nn.functional.", "avg_pool2d max_pool2d conv2d conv_transpose2d batch_norm "
                                      "instance_norm layer_norm linear interpolate"
                                      "/nearest interpolate/bilinear"),
    **_own_names(F, "nn.functional.", "elu leaky_relu relu softplus"),
    # PyTorch's sample begins with the table, so that it is what requires a gradient.
    "nn.functional.embedding": lambda weight, indices, **kwargs: F.embedding(
        indices, weight, **kwargs),
    "nn.functional.pad/constant": _pad,
    "nn.functional.pad/reflect": _pad,
    "nn.functional.pad/replicate": _pad,
    **MORE,
}

RANDOM: frozenset[str] = frozenset()
ALIASES: frozenset[str] = frozenset({"true_divide", "view"})
