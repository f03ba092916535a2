"""Inputs at which each primitive is checked, by family.

    @samples_of("multiply")
    def _(rng):
        yield Sample((normal(rng, 3, 4), normal(rng, 4)), "broadcast")

A primitive without samples fails `python -m minigrad.check`.
"""

from minigrad.check.samples import (
    activation,
    arithmetic,
    conv,
    einsum,
    interpolate,
    linalg,
    loss,
    matrices,
    pad,
    pool,
    reduce,
    shape,
    smooth,
    steps,
)
from minigrad.check.samples.base import (
    Sample,
    inputs_of,
    registered_samples,
    registered_ties,
    samples_of,
    ties_of,
)

__all__ = ["Sample", "inputs_of", "registered_samples", "registered_ties", "samples_of", "ties_of"]
