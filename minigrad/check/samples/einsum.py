"""Samples for contractions: as many operands and letters as the primitive accepts."""

from __future__ import annotations

from collections.abc import Iterator

from minigrad.check.samples.base import Generator, Sample, normal, samples_of, transposed


@samples_of("contract")
def _(rng: Generator) -> Iterator[Sample]:
    yield Sample(("ij,jk->ik", normal(rng, 2, 3), normal(rng, 3, 4)), "matrix product")
    yield Sample(("ij,ij->", normal(rng, 2, 3), normal(rng, 2, 3)), "to a number")
    yield Sample(("i,j->ji", normal(rng, 2), normal(rng, 3)), "outer product, turned")
    yield Sample((",ij->ij", normal(rng), normal(rng, 2, 2)), "one has no dimension")
    yield Sample(("bij,bjk->bik", normal(rng, 2, 2, 3), normal(rng, 2, 3, 1)), "a batch")
    yield Sample(("ij,jk,kl->il", normal(rng, 2, 2), normal(rng, 2, 3), normal(rng, 3, 2)),
                 "three operands")
    yield Sample(("i,i,ij,j->j", normal(rng, 2), normal(rng, 2), normal(rng, 2, 3),
                  normal(rng, 3)), "four operands")
    yield Sample(("ijk,kj->i", transposed(normal(rng, 2, 3, 2)), transposed(normal(rng, 2, 3))),
                 "transposed in memory")
