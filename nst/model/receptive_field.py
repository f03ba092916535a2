"""How far around itself a position of a layer sees.

A 3×3 convolution sees one position further in each direction, which is 2ᵖ pixels after p
poolings. So a position of relu5_1, which stands for 16×16 pixels, depends on 70 more on each
side: 2·1 + 2·2 + 4·4 + 4·8 + 1·16.
"""

from __future__ import annotations

from collections.abc import Collection

from nst.model import vgg


def reach(layers: Collection[str], convolutions: Collection[str] = vgg.LAYERS) -> int:
    """How many pixels beyond its own a position of the deepest of ``layers`` depends on.

    Parameters
    ----------
    convolutions : collection of str
        Those that the network has, if it is not VGG19: ``network.parameters`` will do.
    """
    pixels, step = 0, 1
    for name in vgg.LAYERS[:vgg.LAYERS.index(vgg.deepest(layers)) + 1]:
        if name.startswith("pool"):
            step *= 2
        # What is asked for as relu4_2 runs through conv4_2 in any case.
        elif name.startswith("conv") and name in convolutions:
            pixels += step
    return pixels
