"""Masks, regions and blends: each changes what it should, and nothing else."""

import numpy as np
import pytest
from PIL import Image

import minigrad
from minigrad.errors import ArgumentError, FileError
from nst import Settings, stylize
from nst.job.inputs import _load_mask
from nst.loss.objective import Objective
from nst.loss.style import distances, statistics
from nst.model import weights
from nst.pictures import masks
from nst.pictures.masks import Masks

HEIGHT, WIDTH = 24, 32
LAYERS = {"content_layers": "relu2_1", "style_layers": "relu1_1,relu2_1"}
# relu2_1 sees 10 pixels at once, and a position of it stands for 2: beyond 6 nothing arrives.
REACH = 6


@pytest.fixture(scope="module")
def problem():
    """A shallow random network, a picture, its content and two styles of other sizes."""
    rng = np.random.default_rng(0)
    network = weights.load("random:0", "relu2_1", "cpu")
    return network, *(minigrad.tensor(rng.uniform(-120, 130, (1, 3, *size)).astype("f"))
                      for size in ((HEIGHT, WIDTH), (HEIGHT, WIDTH), (20, 14), (30, 16)))


def evaluate(problem, styles, mask=None, **settings):
    """The losses of the picture, and the gradient of the total."""
    network, picture, content, *_ = problem
    settings = Settings(**{**LAYERS, "padding": "zeros", "style_loss": "gram",
                           "palette_weight": 0, "tv_weight": 0, **settings})
    picture = picture.detach().clone().requires_grad_()
    found = Objective(network, settings, content, styles, mask)(picture)
    found.total.backward()
    return found, picture.grad.numpy()


def left_half(height=HEIGHT, width=WIDTH, value=1.0):
    mask = np.zeros((height, width), np.float32)
    mask[:, :width // 2] = value
    return mask


# ----------------------------------------------------------------------------- regions


@pytest.mark.parametrize("auto", [True, False])
@pytest.mark.parametrize("norm", ["gatys", "johnson", "sum"])
def test_where_the_mask_is_zero_the_gradient_is_zero(problem, auto, norm):
    mask = Masks(regions=(left_half(),))
    _, gradient = evaluate(problem, problem[3], mask, content_weight=0, auto_weights=auto,
                           norm=norm)
    assert (gradient[..., WIDTH // 2 + REACH:] == 0).all()
    assert (gradient[..., :WIDTH // 2] != 0).all()


@pytest.mark.parametrize("auto", [True, False])
@pytest.mark.parametrize("norm", ["gatys", "johnson", "sum"])
def test_a_white_mask_changes_nothing(problem, auto, norm):
    choice = {"auto_weights": auto, "norm": norm}
    plain, plain_gradient = evaluate(problem, problem[3], **choice)
    white = np.ones((HEIGHT, WIDTH), np.float32)
    for everywhere in (Masks(content=white, regions=(white,), styles=(np.ones((20, 14), "f"),)),
                       Masks(regions=(None,), styles=(None,))):
        found, gradient = evaluate(problem, problem[3], everywhere, **choice)
        assert found.total.item() == pytest.approx(plain.total.item(), rel=1e-5)
        np.testing.assert_allclose(gradient, plain_gradient, rtol=1e-3,
                                   atol=1e-4 * np.abs(gradient).max())


def test_a_region_is_compared_with_its_own_style_alone(problem):
    """Its loss is that of the picture cut out, but for what lies within reach of the cut."""
    network, picture, *_, style = problem
    settings = Settings(**LAYERS, content_weight=0, style_weight=1, padding="zeros",
                        style_loss="gram")
    mask = Masks(regions=(left_half(), 1 - left_half()))
    objective = Objective(network, settings, None, [problem[3], style], mask, (HEIGHT, WIDTH))
    left, right = (objective.style_targets["relu1_1"])
    features = network.features(picture, ["relu1_1"], settings.pooling)["relu1_1"].numpy()[0]
    of_style = network.features(style, ["relu1_1"], settings.pooling)["relu1_1"].numpy()[0]
    cut = features[:, :, WIDTH // 2:].reshape(64, -1)
    gram, target = (f @ f.T / f.shape[1] for f in (cut, of_style.reshape(64, -1)))
    share, weight = 0.5, 0.5            # of the picture; of the layer
    expected = share * weight * ((gram - target) ** 2).sum() / (target**2).sum()
    matrix, = statistics(minigrad.tensor(features[None]), [right.mask], None, "gram")
    found = distances([matrix], [right])[0].item()
    assert found == pytest.approx(expected, rel=1e-4)
    assert left.gram.shape == right.gram.shape == (1, 64, 64)


def test_two_regions_pull_only_at_their_own_pixels(problem):
    first = Masks(regions=(left_half(), np.zeros((HEIGHT, WIDTH), "f")))
    both = Masks(regions=(left_half(), 1 - left_half()))
    choice = {"content_weight": 0}
    _, one = evaluate(problem, problem[3:], first, **choice)
    _, two = evaluate(problem, problem[3:], both, **choice)
    inside = np.s_[..., :WIDTH // 2 - REACH]
    np.testing.assert_allclose(two[inside], one[inside], rtol=1e-4, atol=1e-9)
    assert (one[..., WIDTH // 2 + REACH:] == 0).all()
    assert (two[..., WIDTH // 2 + REACH:] != 0).all()


def test_a_grey_mask_pulls_half_as_hard(problem):
    white = np.ones((HEIGHT, WIDTH), np.float32)
    choice = {"content_weight": 0}
    whole, gradient = evaluate(problem, problem[3], Masks(regions=(white,)), **choice)
    half, weaker = evaluate(problem, problem[3], Masks(regions=(0.5 * white,)), **choice)
    assert half.total.item() == pytest.approx(0.5 * whole.total.item(), rel=1e-5)
    np.testing.assert_allclose(weaker, 0.5 * gradient, rtol=1e-3, atol=1e-4 * np.abs(weaker).max())


# ------------------------------------------------------------------- content and style masks


def test_where_the_content_mask_is_zero_the_content_has_no_gradient(problem):
    _, gradient = evaluate(problem, problem[3], Masks(content=left_half()), style_weight=0)
    assert (gradient[..., WIDTH // 2 + REACH:] == 0).all()
    _, plain = evaluate(problem, problem[3], style_weight=0)
    inside = np.s_[..., :WIDTH // 2 - REACH]
    np.testing.assert_allclose(gradient[inside], plain[inside], rtol=1e-4, atol=1e-9)


def test_the_content_mask_leaves_the_style_alone(problem):
    plain, _ = evaluate(problem, problem[3])
    masked, _ = evaluate(problem, problem[3], Masks(content=left_half()))
    assert masked.style.item() == plain.style.item()
    assert 0 < masked.content.item() < plain.content.item()


def test_a_style_mask_learns_from_what_it_shows_alone(problem):
    """What is under the black part of the mask does not matter, beyond reach of its edge."""
    style = problem[3]
    changed = style.numpy().copy()
    changed[..., 14 // 2 + REACH:] = 99
    mask = Masks(styles=(left_half(20, 14),))
    found = [evaluate(problem, one, mask)[0].total.item()
             for one in (style, minigrad.tensor(changed))]
    assert found[0] == pytest.approx(found[1], rel=1e-6)
    assert found[0] != pytest.approx(evaluate(problem, style)[0].total.item(), rel=1e-3)


# ------------------------------------------------------------------------------- blends


@pytest.mark.parametrize("blend", [None, "1,1", "0.3,0.7"])
def test_any_blend_of_one_style_is_that_style(problem, blend):
    style = problem[3]
    plain, gradient = evaluate(problem, style)
    blended, same = evaluate(problem, [style, style], blend=blend)
    assert blended.total.item() == pytest.approx(plain.total.item(), rel=1e-5)
    np.testing.assert_allclose(same, gradient, rtol=1e-3, atol=1e-5 * np.abs(gradient).max())


def test_a_blend_of_everything_and_nothing_is_everything(problem):
    plain, gradient = evaluate(problem, problem[4])
    blended, same = evaluate(problem, problem[3:], blend="0,5")
    assert blended.total.item() == pytest.approx(plain.total.item(), rel=1e-6)
    np.testing.assert_allclose(same, gradient, rtol=1e-4, atol=1e-6 * np.abs(gradient).max())


def test_a_blend_pulls_like_its_styles_together(problem):
    """The gradient is the weighted mean of theirs, where nothing else depends on the style."""
    choice = {"content_weight": 0, "auto_weights": False, "norm": "gatys"}
    first, second = (evaluate(problem, style, **choice)[1] for style in problem[3:])
    _, both = evaluate(problem, problem[3:], blend="1,3", **choice)
    np.testing.assert_allclose(both, 0.25 * first + 0.75 * second, rtol=1e-3,
                               atol=1e-4 * np.abs(both).max())


def test_a_blend_weighs_regions(problem):
    masked = Masks(regions=(left_half(), 1 - left_half()))
    choice = {"content_weight": 0}
    _, equal = evaluate(problem, problem[3:], masked, **choice)
    _, uneven = evaluate(problem, problem[3:], masked, blend="3,1", **choice)
    left, right = np.s_[..., :WIDTH // 2 - REACH], np.s_[..., WIDTH // 2 + REACH:]
    np.testing.assert_allclose(uneven[left], 1.5 * equal[left], rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(uneven[right], 0.5 * equal[right], rtol=1e-4, atol=1e-9)


# --------------------------------------------------------------------------- mask pictures


def test_a_mask_is_averaged_over_what_a_position_covers():
    mask = np.array([[0, 1, 1, 1], [0, 1, 0, 0]], np.float32)
    np.testing.assert_array_equal(masks.reduced(mask, 1, 2), [[0.5, 0.5]])
    np.testing.assert_allclose(masks.sqrt_mask(mask, 1, 1, "cpu").numpy(), [[[[0.5**0.5]]]],
                               rtol=1e-6)


def test_a_mask_is_the_luminance_of_any_picture(tmp_path):
    grey = np.uint8([[0, 51, 255], [255, 102, 0]])
    Image.fromarray(grey).save(tmp_path / "mask.png")
    for source in (tmp_path / "mask.png", str(tmp_path / "mask.png"), grey, np.dstack([grey] * 3)):
        np.testing.assert_allclose(masks.load(source, "mask", (30, 20)), grey / 255, atol=1e-6)
    assert _load_mask("all", "mask", (30, 20)) is None


def test_masks_that_cannot_be_meant(tmp_path):
    with pytest.raises(ArgumentError, match="the region mask is completely black"):
        masks.load(np.zeros((4, 4), np.uint8), "region mask", (8, 8))
    with pytest.raises(ArgumentError, match="is 4×2 pixels and its picture is 40×40"):
        masks.load(np.ones((2, 4), np.uint8), "mask", (40, 40))
    masks.load(np.ones((33, 50), np.uint8), "mask", (200, 133))         # rounding is no mistake
    with pytest.raises(FileError, match=r"the mask picture \S*none.png does not exist"):
        masks.load(tmp_path / "none.png", "mask", (4, 4))


def test_masks_through_the_whole_program(pictures):
    """The style is painted on the left; on the right the content stays as it is."""
    mask = (left_half(48, 64) * 255).astype(np.uint8)
    content = np.asarray(Image.open(pictures[0]))
    result = stylize(*pictures, Settings(
        **LAYERS, size=64, iterations=15, weights="random:0", content_weight=0.01, tv_weight=0,
        region_masks=[mask]))
    change = np.abs(np.asarray(result.image).astype(float) - content).mean(axis=(0, 2))
    assert change[:24].min() > 4 * change[44:].max()


def test_each_style_wants_its_own_mask(pictures):
    content, style = pictures
    for name in ("region_masks", "style_masks", "blend"):
        one = [1] if name == "blend" else ["all"]
        with pytest.raises(ArgumentError, match="has 1 entry, but there are 2 style pictures"):
            stylize(content, [style, style], Settings(weights="random:0", **{name: one}))
