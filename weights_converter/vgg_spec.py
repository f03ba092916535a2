"""VGG19 and VGG16 as Simonyan and Zisserman built them: names, shapes, and what goes in.

The table of the paper (configurations E and D, arXiv:1409.1556, table 1) without the
three dense layers on top: 3×3 convolutions in five blocks, with a pooling of 2×2
after each block. The two differ in the last three blocks only, which have four
convolutions in VGG19 and three in VGG16.
"""

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
# numbers. A layer that both have has the same shape in both.
ARCHITECTURES: dict[str, Shapes] = {
    "vgg19": _weight_shapes(BLOCKS),
    "vgg16": _weight_shapes(BLOCKS_16),
}

WEIGHT_SHAPES = ARCHITECTURES[ARCHITECTURE]
LAYERS = tuple(WEIGHT_SHAPES)

# Kernels and biases of all sixteen layers: 20,024,384.
PARAMETERS = sum(prod(shape) + shape[0] for shape in WEIGHT_SHAPES.values())

# What Oxford's networks expect: pixels 0..255 in BGR order, less the mean of ImageNet.
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
    """The names of an architecture's convolutions, in the order of the network."""
    return tuple(ARCHITECTURES[architecture])
