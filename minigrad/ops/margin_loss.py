"""Further losses: of distributions, margins and triplets.

`reduction` is `"mean"` (the default), `"sum"` or `"none"`, as in :mod:`.loss`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, ShapeError
from minigrad.kernels.element_types import need_real
from minigrad.ops.arithmetic import abs as absolute
from minigrad.ops.arithmetic import exp, greater, less, log, minimum, multiply, where
from minigrad.ops.gates import logsigmoid
from minigrad.ops.loss import huber, reduced, softplus
from minigrad.ops.products import cosine_similarity, pairwise_distance
from minigrad.ops.reduce import mean, sum
from minigrad.ops.search import one_hot
from minigrad.ops.shape import gather_along, reshape
from minigrad.ops.shape_functions import unsqueeze
from minigrad.ops.smooth import xlogy
from minigrad.printable import shown


def smooth_l1_loss(input: Tensor, target: Tensor, reduction: str = "mean", beta: float = 1.0
                   ) -> Tensor:
    """½d²/β for |d| < β, else |d| − ½β, of the differences d = x − t; both broadcast.

    Girshick, "Fast R-CNN" (2015), eq. 3.
    """
    if beta < 0:
        raise ArgumentError(f"smooth_l1_loss needs a beta of at least 0, not {shown(beta)}")
    difference = input - target
    loss = huber(difference, beta) / beta if beta else absolute(difference)
    return reduced(loss, reduction, "smooth_l1_loss")


def kl_div(input: Tensor, target: Tensor, reduction: str = "mean", log_target: bool = False
           ) -> Tensor:
    """t·(ln t − x) for log-probabilities x and probabilities t (or with `log_target` their
    logarithms); `reduction="batchmean"` divides the sum by the number of examples.

    Kullback and Leibler, "On information and sufficiency" (1951), eq. 2.4.
    """
    loss = exp(target) * (target - input) if log_target \
        else xlogy(target, target) - target * input
    if reduction == "batchmean":
        return sum(loss) / (input.shape[0] if input.ndim else 1)
    return reduced(loss, reduction, "kl_div")


def poisson_nll_loss(input: Tensor, target: Tensor, log_input: bool = True, full: bool = False,
                     eps: float = 1e-8, reduction: str = "mean") -> Tensor:
    """eˣ − t·x; if x is the rate itself (not `log_input`), x − t·ln(x + ε).

    `full` adds Stirling's approximation t·ln t − t + ½ln 2πt of ln t! where t > 1.
    """
    loss = exp(input) - target * input if log_input else input - target * log(input + eps)
    if full:
        safe = where(greater(target, 1), target, 1.0)
        term = target * log(safe) - target + 0.5 * log(2 * math.pi * safe)
        loss = loss + where(greater(target, 1), term, 0.0)
    return reduced(loss, reduction, "poisson_nll_loss")


def gaussian_nll_loss(input: Tensor, target: Tensor, var: Any, full: bool = False,
                      eps: float = 1e-6, reduction: str = "mean") -> Tensor:
    """½(ln v + (x − t)²/v) for a variance v, at least ε; `full` adds ½ln 2π.

    Nix and Weigend, "Estimating the mean and variance of the target probability distribution"
    (1994), eq. 3. The gradient ignores the lower bound of the variance.
    """
    need_real("gaussian_nll_loss", input, target, var)
    if isinstance(var, Tensor):
        if var.shape != input.shape and var.ndim and var.shape == input.shape[:-1]:
            var = unsqueeze(var, -1)
        if var.numel() and float(var._array.min()) < 0:
            raise ArgumentError("gaussian_nll_loss needs variances of at least 0")
        bound = where(less(var, eps), eps, var).detach()
        var = var + (bound - var.detach())
    else:
        var = Tensor(np.full(input.shape, max(var, eps), input.dtype), device=input.device)
    difference = input - target
    loss = 0.5 * (log(var) + difference * difference / var)
    return reduced(loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction,
                   "gaussian_nll_loss")


def hinge(x: Tensor) -> Tensor:
    """max(x, 0); at 0 there is no gradient."""
    return where(greater(x, 0), x, 0.0)


def hinge_closed(x: Tensor) -> Tensor:
    """max(x, 0); at 0 the gradient is 1."""
    return where(less(x, 0), 0.0, x)


def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0,
                         reduction: str = "mean") -> Tensor:
    """x where t = 1, max(margin − x, 0) where t = −1."""
    far = where(target != 1, hinge_closed(margin - input), 0.0)
    near = where(target != -1, input, 0.0)
    return reduced(far + near, reduction, "hinge_embedding_loss")


def margin_ranking_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0,
                        reduction: str = "mean") -> Tensor:
    """max(−t·(x₁ − x₂) + margin, 0): x₁ should be above x₂ where t = 1, below where t = −1."""
    return reduced(hinge_closed(-target * (input1 - input2) + margin), reduction,
                   "margin_ranking_loss")


def cosine_embedding_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0,
                          reduction: str = "mean") -> Tensor:
    """1 − cos(x₁, x₂) where t = 1, max(cos(x₁, x₂) − margin, 0) where t = −1."""
    x, y = (v.float() if v.dtype.kind in "biu" else v for v in (input1, input2))
    cosine = cosine_similarity(x, y, -1)
    loss = where(target == 1, 1 - cosine, 0.0) \
        + where(target == -1, hinge_closed(cosine - margin), 0.0)
    return reduced(loss, reduction, "cosine_embedding_loss")


def soft_margin_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """ln(1 + e^(−t·x)) for t = ±1."""
    return reduced(softplus(-target * input), reduction, "soft_margin_loss")


def _rows(input: Tensor, target: Tensor, name: str) -> tuple[Tensor, Tensor]:
    """Scores N×C and targets with N rows; one example counts as a batch of one."""
    if input.ndim > 2:
        raise ShapeError(f"{name} needs scores N×C or C, not shape {input.shape}")
    if input.ndim < 2:
        return reshape(input, (1, -1)), reshape(target, (1, -1))
    return input, target


def multi_margin_loss(input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0,
                      weight: Tensor | None = None, reduction: str = "mean") -> Tensor:
    """Σ_{c≠t} max(margin − x[t] + x[c], 0)ᵖ / C of scores N×C and classes t, weighted by class."""
    single = input.ndim < 2
    x = reshape(input, (1, -1)) if single else input
    t = reshape(target, (-1, 1))
    if p not in (1, 2) or t.shape[0] != x.shape[0]:
        raise ArgumentError(f"multi_margin_loss needs p of 1 or 2 and a class for each example, "
                            f"not p = {shown(p)} and shapes {input.shape} and {target.shape}")
    terms = hinge(margin - gather_along(x, t, 1, True) + x)
    terms = terms * terms if p == 2 else terms
    if weight is not None:
        terms = terms * reshape(weight[t.reshape(-1)], (-1, 1))
    others = one_hot(t.reshape(-1), x.shape[1]) == 0
    loss = sum(where(others, terms, 0.0), 1) / x.shape[1]
    return reduced(reshape(loss, ()) if single and not target.ndim else loss, reduction,
                   "multi_margin_loss")


def multilabel_margin_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Σ max(1 − x[t] + x[c], 0) / C over all labels t of an example and all other classes c.

    Targets N×C list the labels of each example, up to the first −1.
    """
    x, t = _rows(input, target, "multilabel_margin_loss")
    if x.shape != t.shape:
        raise ShapeError(f"multilabel_margin_loss needs targets of the scores' shape {input.shape}"
                         f", not {target.shape}")
    classes = x.shape[1]
    valid = (t._array >= 0).astype(np.int64).cumsum(axis=1) == np.arange(1, classes + 1)
    labels = Tensor(np.where(valid, t._array, 0))
    named = (one_hot(labels, classes)._array * valid[..., None]).any(axis=1)
    terms = hinge(1 - unsqueeze(gather_along(x, labels, 1), 2) + unsqueeze(x, 1))
    counted = Tensor(valid[:, :, None] & ~named[:, None, :])
    loss = sum(where(counted, terms, 0.0), (1, 2)) / classes
    return reduced(reshape(loss, ()) if input.ndim < 2 else loss, reduction,
                   "multilabel_margin_loss")


def multilabel_soft_margin_loss(input: Tensor, target: Tensor, weight: Tensor | None = None,
                                reduction: str = "mean") -> Tensor:
    """The mean over classes of −t·ln σ(x) − (1 − t)·ln σ(−x), weighted by class."""
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        loss = multiply(loss, weight)
    return reduced(mean(loss, -1), reduction, "multilabel_soft_margin_loss")


def triplet_margin_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0,
                        p: float = 2, eps: float = 1e-6, swap: bool = False,
                        reduction: str = "mean") -> Tensor:
    """max(‖a − p‖ − ‖a − n‖ + margin, 0): an anchor closer to the positive than to the negative.

    Parameters
    ----------
    swap : bool
        Take ‖p − n‖ in place of ‖a − n‖ where it is smaller: Balntas et al. (2016), section 3.2.

    Notes
    -----
    Schroff, Kalenichenko, Philbin, "FaceNet" (2015), eq. 3.
    """
    return triplet_margin_with_distance_loss(
        anchor, positive, negative, distance_function=lambda x, y: pairwise_distance(x, y, p, eps),
        margin=margin, swap=swap, reduction=reduction)


def triplet_margin_with_distance_loss(anchor: Tensor, positive: Tensor, negative: Tensor, *,
                                      distance_function: Callable | None = None,
                                      margin: float = 1.0, swap: bool = False,
                                      reduction: str = "mean") -> Tensor:
    """:func:`triplet_margin_loss` with another distance; `pairwise_distance` by default."""
    if not margin > 0:
        raise ArgumentError(f"triplet_margin_loss needs a margin above 0, not {shown(margin)}")
    distance = distance_function or pairwise_distance
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return reduced(hinge_closed(margin + near - far), reduction, "triplet_margin_loss")
