"""Samples for padding and its adjoint. Widths are (left, right, top, bottom)."""

from __future__ import annotations

from collections.abc import Iterator

from minigrad.check.samples.base import Generator, Sample, normal, samples_of, transposed

_CASES = (
    ((1, 1, 2, 3), (1, 1, 1, 1), "all around"),
    ((2, 1, 3, 3), (2, 0, 0, 1), "uneven"),
    ((1, 2, 3, 2), (0, 1, 2, 2), "wide"),
    ((1, 1, 2, 2), (0, 0, 0, 0), "nothing"),
)
_MODES = ("zeros", "reflect", "replicate")


@samples_of("pad2d")
def _(rng: Generator) -> Iterator[Sample]:
    for mode in _MODES:
        for image, widths, note in _CASES:
            yield Sample((normal(rng, *image), widths, mode, 0.0), f"{mode}, {note}")
    yield Sample((normal(rng, 1, 1, 2, 2), (1, 2, 0, 1), "zeros", 3.5), "a value")
    yield Sample((normal(rng, 1, 1, 1, 2), (3, 2, 3, 0), "replicate", 0.0), "wider than the image")
    yield Sample((transposed(normal(rng, 1, 2, 2, 3)), (1, 2, 1, 0), "reflect", 0.0),
                 "transposed in memory")


@samples_of("pad2d_adjoint")
def _(rng: Generator) -> Iterator[Sample]:
    for mode in _MODES:
        for (n, c, height, width), widths, note in _CASES:
            left, right, top, bottom = widths
            y = normal(rng, n, c, height + top + bottom, width + left + right)
            yield Sample((y, widths, mode), f"{mode}, {note}")
