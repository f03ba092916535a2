"""Samples for convolution and the two convolutions that are its derivatives."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minigrad.check.samples.base import Generator, Sample, normal, samples_of, transposed
from minigrad.kernels.geometry import Convolution

# image N×C×H×W, weights O×(C/groups)×K×L, geometry, note
_CASES: tuple[tuple[tuple, tuple, dict, str], ...] = (
    ((1, 1, 3, 4), (2, 1, 2, 2), {}, "plain"),
    ((2, 2, 3, 3), (2, 2, 1, 1), {}, "1×1"),
    ((1, 2, 4, 3), (1, 2, 3, 3), {"padding": (1, 1, 1, 1)}, "3×3, padded"),
    ((1, 1, 5, 4), (2, 1, 3, 2), {"stride": (2, 1), "padding": (1, 0, 0, 2)},
     "stride, uneven padding"),
    ((1, 1, 6, 6), (1, 1, 3, 3), {"stride": (2, 2)}, "last row and column unseen"),
    ((1, 1, 5, 5), (1, 1, 2, 3), {"dilation": (2, 2)}, "dilation"),
    ((1, 4, 2, 3), (4, 2, 2, 2), {"groups": 2}, "two groups"),
    ((1, 2, 2, 2), (2, 1, 2, 2), {"groups": 2, "padding": (1, 1, 1, 1), "stride": (2, 2)},
     "depthwise"),
)


def _result_shape(image: tuple, weight: tuple, geometry: Convolution) -> tuple[int, ...]:
    return (image[0], weight[0], *geometry.output_size(image[2:], weight[2:]))


@samples_of("convolve")
def _(rng: Generator) -> Iterator[Sample]:
    for image, weight, options, note in _CASES:
        yield Sample((normal(rng, *image), normal(rng, *weight), normal(rng, weight[0]),
                      Convolution(**options)), note)
    yield Sample((transposed(normal(rng, 1, 2, 3, 3)), transposed(normal(rng, 2, 2, 2, 2)), None,
                  Convolution()), "no bias, transposed in memory")


@samples_of("convolve_input")
def _(rng: Generator) -> Iterator[Sample]:
    for image, weight, options, note in _CASES:
        geometry = Convolution(**options)
        y = normal(rng, *_result_shape(image, weight, geometry))
        yield Sample((y, normal(rng, *weight), image, geometry), note)
    yield Sample((transposed(normal(rng, 1, 2, 2, 2)), transposed(normal(rng, 2, 2, 2, 2)),
                  (1, 2, 3, 3), Convolution()), "transposed in memory")


@samples_of("convolve_weight")
def _(rng: Generator) -> Iterator[Sample]:
    for image, weight, options, note in _CASES:
        geometry = Convolution(**options)
        y = normal(rng, *_result_shape(image, weight, geometry))
        yield Sample((y, normal(rng, *image), weight, geometry), note)
    yield Sample((transposed(normal(rng, 1, 2, 2, 2)), transposed(normal(rng, 1, 2, 3, 3)),
                  (2, 2, 2, 2), Convolution()), "transposed in memory")


def _bits(rng: Generator, shape: tuple) -> np.ndarray:
    """Random packed bits for results N×C×H×W, see minigrad.kernels.relu_mask."""
    n, c, h, w = shape
    return rng.integers(0, 256, (n, h, -(-w * c // 8)), dtype=np.uint8)


@samples_of("convolve_relu")
def _(rng: Generator) -> Iterator[Sample]:
    for image, weight, options, note in _CASES:
        yield Sample((normal(rng, *image), normal(rng, *weight), normal(rng, weight[0]),
                      Convolution(**options)), note)
    yield Sample((normal(rng, 1, 2, 3, 3), normal(rng, 2, 2, 2, 2), None, Convolution()),
                 "no bias")


@samples_of("gate")
def _(rng: Generator) -> Iterator[Sample]:
    for shape, note in (((1, 1, 2, 3), "part of a byte"), ((2, 3, 3, 5), "two images"),
                        ((1, 8, 2, 2), "whole bytes")):
        yield Sample((normal(rng, *shape), _bits(rng, shape)), note)
    yield Sample((transposed(normal(rng, 1, 2, 3, 3)), _bits(rng, (1, 2, 3, 3))),
                 "transposed in memory")


@samples_of("convolve_input_gated")
def _(rng: Generator) -> Iterator[Sample]:
    for image, weight, options, note in _CASES:
        geometry = Convolution(**options)
        shape = _result_shape(image, weight, geometry)
        yield Sample((normal(rng, *shape), _bits(rng, shape), normal(rng, *weight), image,
                      geometry), note)
