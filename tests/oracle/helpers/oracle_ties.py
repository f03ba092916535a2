"""Results that are not unique: which of equal elements is meant.

Of equal elements minigrad takes the first in order, PyTorch any of them. So the positions must
point at the right values, and gradients are summed over equal elements before they are compared.
"""

from __future__ import annotations

import numpy as np
import torch
from oracle_cases import Case

import minigrad as mg

# name -> where `dim` stands among the arguments after the first
TIES = {"topk": 1, "kthvalue": 1, "mode": 0, "median": 0, "nanmedian": 0, "sort": 0, "argsort": 0,
        "msort": None}


def _dim(case: Case) -> int:
    place = TIES[case.name]
    args = case.sample.args
    given = args[place] if place is not None and len(args) > place else -1
    return case.sample.kwargs.get("dim", given)


def tied(case: Case, ours: list, theirs: list) -> bool:
    """Whether only the positions differ, and ours point at PyTorch's values."""
    x, dim = case.sample.input.detach(), _dim(case)
    if len(ours) != (1 if case.name == "argsort" else 2) or not isinstance(dim, int):
        return False
    given, wanted = ours[-1], theirs[-1]
    if not isinstance(given, mg.Tensor) or given.dtype != np.int64 \
            or given.shape != tuple(wanted.shape):
        return False
    if not x.ndim:
        return True
    places = [torch.from_numpy(given.numpy()), wanted]
    if places[0].ndim < x.ndim:
        places = [p.unsqueeze(dim) for p in places]
    found = places[0]
    if found.numel() and (int(found.min()) < 0 or int(found.max()) >= x.shape[dim]
                          or bool((found.sort(dim)[0].diff(dim=dim) == 0).any())):
        return False        # no position, or one of them twice
    values = [torch.take_along_dim(x, p, dim).numpy() for p in places]
    same = np.array_equal(*values, equal_nan=x.dtype.is_floating_point)
    return same and (len(ours) == 1 or np.array_equal(
        ours[0].numpy(), theirs[0].numpy(force=True), equal_nan=x.dtype.is_floating_point))


def over_equal(case: Case, leaf: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """The gradient, summed over all elements that are equal, where they cannot be told apart."""
    if case.name not in TIES:
        return gradient
    _, inverse = leaf.unique(return_inverse=True)
    sums = torch.zeros(leaf.numel(), dtype=gradient.dtype)
    return sums.index_add(0, inverse.reshape(-1), gradient.reshape(-1).contiguous())

