"""The mirrored margin around a picture."""

import numpy as np
import pytest

import minigrad as mg
from nst.pictures import margin, masks
from nst.pictures.masks import Masks
from nst.pictures.picture import Picture


def test_the_margin_mirrors_the_picture_at_its_edges(rng):
    pixels = rng.uniform(0, 255, (5, 7, 3)).astype(np.float32)
    padded = margin.mirror(Picture(pixels), 2).pixels
    assert padded.shape == (9, 11, 3)
    np.testing.assert_array_equal(padded[2:-2, 2:-2], pixels)
    np.testing.assert_array_equal(padded[1, 2:-2], pixels[0])
    np.testing.assert_array_equal(padded[0, 2:-2], pixels[1])
    np.testing.assert_array_equal(padded[2:-2, -1], pixels[:, -2])


@pytest.mark.parametrize("width", [0, 1, 16, 40])
def test_removing_undoes_adding_even_where_the_margin_is_wider_than_the_picture(rng, width):
    picture = mg.tensor(rng.standard_normal((1, 3, 16, 20)))
    padded = margin.mirror_tensor(picture, width)
    assert padded.shape == (1, 3, 16 + 2 * width, 20 + 2 * width)
    np.testing.assert_array_equal(margin.crop(padded, width).numpy(), picture.numpy())


def test_masks_of_the_content_cover_the_margin_and_those_of_regions_its_inner_part(rng):
    mask = (rng.uniform(size=(10, 12)) > 0.5).astype(np.float32)
    found = masks.with_margin(Masks(mask, (mask, None), (mask, None)), (12, 10), 3, 1)
    for extended, width in ((found.content, 3), (found.regions[0], 2)):
        assert extended.shape == (10 + 2 * width, 12 + 2 * width)
        np.testing.assert_array_equal(extended[width:-width, width:-width], mask)
        np.testing.assert_array_equal(extended[width - 1, width:-width], mask[0])
    assert found.regions[1] is None and found.styles[0] is mask
    unchanged = masks.with_margin(Masks(mask, (mask,)), (12, 10), 0, 0)
    assert unchanged.content is mask and unchanged.regions[0] is mask
