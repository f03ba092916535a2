"""The receptive field of a layer.

A 3×3 convolution reaches one position further in each direction, which is 2ᵖ pixels after p
poolings. So a position of relu5_1, which covers 16×16 pixels, depends on 70 more on each side:
2·1 + 2·2 + 4·4 + 4·8 + 1·16.
"""

from __future__ import annotations

from collections.abc import Collection

from nst.model import vgg


def reach(layers: Collection[str], convolutions: Collection[str] = vgg.LAYERS) -> int:
    """How many pixels beyond its own a position of the deepest of `layers` depends on.

    Parameters
    ----------
    convolutions : collection of str
        The convolutions of the network, for example `network.parameters`; by default VGG19's.
    """
    pixels, step = 0, 1
    for layer in vgg.up_to(vgg.deepest(layers)):
        if layer.kind == "pool":
            step *= 2
        elif layer.kind == "conv" and str(layer) in convolutions:
            pixels += step
    return pixels
