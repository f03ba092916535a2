"""VGG19 with an eighth of its channels and random weights, for tests that need only its layers.

A run takes a fraction of the time and does everything that one of the full width does.
"""

import functools

import pytest

from nst.model import weights
from weights_converter import vgg_spec

SHAPES = {name: (filters // 8, channels if channels == 3 else channels // 8, *kernel)
          for name, (filters, channels, *kernel) in vgg_spec.WEIGHT_SHAPES.items()}
full_width = weights.random_weights


@functools.cache
def random_weights(seed, until="conv5_4"):
    """Stands in for `nst.model.weights.random_weights`; every network is made once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vgg_spec, "WEIGHT_SHAPES", SHAPES)
        return full_width(seed, until)
