"""Specification of VGG19 and VGG16: layer names, shapes and preprocessing.

Source: Simonyan and Zisserman, arXiv:1409.1556, table 1, configurations E and D, without the three
dense layers: 3×3 convolutions in five blocks, each followed by a 2×2 pooling. The last three
blocks have four convolutions in VGG19 and three in VGG16.
"""

from __future__ import annotations

from math import prod

ARCHITECTURE = "vgg19"

# (output channels, convolutions) of each block.
BLOCKS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))
BLOCKS_16 = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))

Shapes = dict[str, tuple[int, int, int, int]]


def _weight_shapes(blocks: tuple[tuple[int, int], ...]) -> Shapes:
    shapes = {}
    channels = 3
    for block, (filters, convolutions) in enumerate(blocks, start=1):
        for number in range(1, convolutions + 1):
            shapes[f"conv{block}_{number}"] = (filters, channels, 3, 3)
            channels = filters
    return shapes


# Architecture -> layer name -> shape of its kernels, out × in × height × width; a bias has `out`
# numbers. A layer of both architectures has the same shape in both.
ARCHITECTURES: dict[str, Shapes] = {
    "vgg19": _weight_shapes(BLOCKS),
    "vgg16": _weight_shapes(BLOCKS_16),
}

WEIGHT_SHAPES = ARCHITECTURES[ARCHITECTURE]
LAYERS = tuple(WEIGHT_SHAPES)

# Number of kernel and bias values in all sixteen layers: 20,024,384.
PARAMETERS = sum(prod(shape) + shape[0] for shape in WEIGHT_SHAPES.values())

# Input of Oxford's networks: pixels 0..255 in BGR order, minus the mean of ImageNet.
COLOR_ORDER = "BGR"
INPUT_RANGE = (0.0, 255.0)
MEAN = (103.939, 116.779, 123.68)
STD = (1.0, 1.0, 1.0)

LICENCE = (
    "VGG by Karen Simonyan and Andrew Zisserman, Visual Geometry Group, University of Oxford. "
    "Redistributors quote the licence as Creative Commons Attribution 4.0 (CC BY 4.0); "
    "the older page of the Caffe model states "
    "Creative Commons Attribution-NonCommercial 4.0 (CC BY-NC 4.0)."
)


def layers_of(architecture: str) -> tuple[str, ...]:
    """Names of an architecture's convolutions, in forward order."""
    return tuple(ARCHITECTURES[architecture])
