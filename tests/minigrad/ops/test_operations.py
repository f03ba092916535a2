"""Transposed convolution, interpolation, normalisations …: second derivatives, edges, mistakes."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.functional as F
from minigrad.check import gradcheck, gradgradcheck
from minigrad.errors import ArgumentError, DTypeError, MinigradError, ShapeError

CHANNELS = np.array([0.7, -1.2]), np.array([0.3, 0.9])      # means or weights, variances


def seeded_dropout(x):
    mg.manual_seed(3)
    return F.dropout(x, 0.4) * x


# functions of images N×C×H×W and, where they have them, of a weight and a bias
COMPOSITIONS = {
    "conv_transpose2d": lambda x, w, b: F.conv_transpose2d(
        x, mg.stack([mg.stack([w, b]), mg.stack([b, w])]).unsqueeze(0).expand(2, -1, -1, -1), b,
        stride=2, padding=1, output_padding=1),
    "conv_transpose2d in groups": lambda x, w, b: F.conv_transpose2d(
        x, mg.stack([w, b]).reshape(2, 1, 1, 2), b, groups=2, dilation=2),
    "interpolate, nearest": lambda x, w, b: F.interpolate(x, (2, 5)) ** 2,
    "interpolate, bilinear": lambda x, w, b: F.interpolate(x, (5, 2), mode="bilinear") ** 2,
    "interpolate, corners aligned": lambda x, w, b: F.interpolate(
        x, scale_factor=1.5, mode="bilinear", align_corners=True) ** 2,
    "batch_norm in training": lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
    "batch_norm in evaluation": lambda x, w, b: F.batch_norm(
        x, *map(mg.tensor, CHANNELS), w, b, training=False),
    "instance_norm": lambda x, w, b: F.instance_norm(x, weight=w, bias=b),
    "layer_norm": lambda x, w, b: F.layer_norm(x, 2, w, b),
    "dropout": lambda x, w, b: seeded_dropout(x),
    "elu": lambda x, w, b: F.elu(x, 0.5), "huber_loss": lambda x, w, b: F.huber_loss(x, x * x),
    "prod": lambda x, w, b: x.prod(2), "prod of all": lambda x, w, b: (0.9 * x).prod(),
    "norm": lambda x, w, b: x.norm(), "norm, p = 3": lambda x, w, b: x.norm(3, (0, 2)),
    "norm, largest": lambda x, w, b: x.norm(float("inf"), 1),
    "logsumexp": lambda x, w, b: x.logsumexp((1, 2), True) * w.logsumexp(),
    "einsum": lambda x, w, b: mg.einsum("nchw,c,d,n...->d", x, w, b, x[:, :, 0, 0]),
    "einsum, diagonal": lambda x, w, b: mg.einsum("ncii->nc", x[:, :, :2, :2] ** 2),
    "embedding": lambda x, w, b: F.embedding([1, 0, 1], x[0, 0] * w.sum()),
    "gather": lambda x, w, b: mg.gather(x, 3, np.array([[[[1], [0]]]])) ** 2,
    "take": lambda x, w, b: mg.take(x, [[3, 3], [-1, 0]]) ** 3,
    "split": lambda x, w, b: mg.split(x, [1, 2], 2)[1] * mg.split(x, 2, 2)[1],
}


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
@pytest.mark.parametrize("name", COMPOSITIONS)
def test_gradient_of_a_composition(name, check, rng):
    x = mg.tensor(rng.permutation(np.linspace(-1.55, 1.7, 24)).reshape(2, 2, 3, 2),
                  requires_grad=True)
    scale = [mg.tensor(rng.uniform(0.5, 1.5, 2), requires_grad=True) for _ in range(2)]
    assert check(COMPOSITIONS[name], [x, *scale])


def test_second_derivative_of_a_product_with_zeros(leaf):
    """∂²(xyz)/∂x∂y = z, where out / x would give 0/0."""
    x = leaf([0.0, 0.0, 5.0])
    (g,) = mg.grad(x.prod(), x, create_graph=True)
    np.testing.assert_array_equal(g.numpy(), [0, 0, 0])
    (h,) = mg.grad(g[0], x)
    np.testing.assert_array_equal(h.numpy(), [0, 5, 0])


def test_products_of_truth_values_count(constant):
    z = mg.prod(constant(np.array([True, False])))
    assert z.dtype == np.int64 and z.item() == 0


def test_products_of_nothing_are_one(constant):
    assert mg.prod(constant(np.zeros((0, 3)))).item() == 1
    np.testing.assert_array_equal(mg.prod(constant(np.zeros((2, 0))), 1, True).numpy(),
                                  [[1.0], [1.0]])


def test_transposed_convolution_is_the_adjoint_of_convolution(rng):
    """⟨conv(x), y⟩ = ⟨x, conv_transpose(y)⟩ with the same weights."""
    x, w = rng.standard_normal((2, 4, 9, 7)), rng.standard_normal((6, 2, 3, 2))
    geometry = {"stride": (2, 3), "padding": (1, 0), "groups": 2}
    z = F.conv2d(mg.tensor(x), mg.tensor(w), **geometry).numpy()
    y = rng.standard_normal(z.shape)
    back = F.conv_transpose2d(mg.tensor(y), mg.tensor(w), output_padding=(0, 2), **geometry)
    assert back.shape == x.shape
    assert np.vdot(z, y) == pytest.approx(np.vdot(x, back.numpy()))


@pytest.mark.parametrize("align", [False, True])
def test_bilinear_interpolation_keeps_a_plane(align):
    """A linear ramp stays one; with aligned corners over the same range."""
    ramp = np.linspace(0, 1, 5)[None, None, :, None] + np.zeros((1, 1, 1, 3))
    y = F.interpolate(mg.tensor(ramp), (9, 3), mode="bilinear", align_corners=align).numpy()
    rows = y[0, 0, :, 0]
    inner = np.diff(rows[1:-1])
    np.testing.assert_allclose(inner, inner[0])
    assert rows[0] == 0 and rows[-1] == 1


def test_integers_and_infinities_are_copied_exactly(constant):
    x = constant(np.array([[[[1, 2], [3, 4]]]]))
    y = F.interpolate(x, scale_factor=2)
    assert y.dtype == np.int64
    np.testing.assert_array_equal(y.numpy()[0, 0, 0], [1, 1, 2, 2])
    x = constant([[[[np.inf, 1.0]]]])
    np.testing.assert_array_equal(F.interpolate(x, (1, 4)).numpy()[0, 0], [[np.inf, np.inf, 1, 1]])


def test_interpolation_stays_in_the_images_type(device):
    x = mg.randn(1, 2, 3, 3, device=device, requires_grad=True)
    y = F.interpolate(x, 7, mode="bilinear")
    assert y.dtype == np.float32 and y.device == device
    y.sum().backward()
    assert x.grad.numpy().sum() == pytest.approx(98, rel=1e-5)


def test_dropout_keeps_the_mean_and_scales_the_gradient(device):
    mg.manual_seed(0)
    x = mg.ones(200, 200, device=device, requires_grad=True)
    y = F.dropout(x, 0.3)
    dropped = y.numpy() == 0
    assert abs(dropped.mean() - 0.3) < 0.01
    np.testing.assert_allclose(y.numpy()[~dropped], 1 / 0.7, rtol=1e-6)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.numpy())
    mg.manual_seed(0)
    np.testing.assert_array_equal(F.dropout(x, 0.3).numpy(), y.numpy())


def test_dropout_at_its_ends(leaf):
    x = leaf([1.0, np.inf])
    assert F.dropout(x, 0.5, training=False) is x and F.dropout(x, 0) is x
    np.testing.assert_array_equal(F.dropout(leaf([1.0, 2.0]), 1.0).numpy(), [0, 0])


def test_running_statistics_are_not_part_of_the_graph(leaf, constant):
    mean, var = constant(np.zeros(2)), constant(np.ones(2))
    x = leaf([[1.0, 2.0], [3.0, 6.0]])
    y = F.batch_norm(x, mean, var, training=True, momentum=0.5)
    assert not mean.requires_grad and not var.requires_grad
    np.testing.assert_allclose(mean.numpy(), [1, 2])
    np.testing.assert_allclose(var.numpy(), [1.5, 4.5])         # sample variances 2 and 8
    np.testing.assert_allclose(y.numpy(), [[-1, -1], [1, 1]], rtol=1e-4)


def test_gather_follows_pytorchs_order_of_arguments(constant):
    x = constant(np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(x.gather(1, constant([[2], [0]])).numpy(), [[2], [3]])


def test_split_shares_memory(leaf):
    x = leaf(np.arange(5.0))
    first, second = x.split(3)
    assert first.shape == (3,) and second.shape == (2,)
    assert first._array.base is x._array


IMAGE = mg.ones(1, 2, 3, 3)
KERNEL = mg.ones(2, 4, 3, 3)
MISTAKES = [
    (lambda: F.conv_transpose2d(IMAGE, mg.ones(3, 4, 3, 3)), ShapeError, "2 channels"),
    (lambda: F.conv_transpose2d(IMAGE, KERNEL, groups=3), ShapeError, "3 group"),
    (lambda: F.conv_transpose2d(IMAGE, KERNEL, mg.ones(3)), ShapeError, r"\(4,\), not \(3,\)"),
    (lambda: F.conv_transpose2d(IMAGE, KERNEL.double()), DTypeError, "one element type"),
    (lambda: F.conv_transpose2d(IMAGE, KERNEL, stride=2, output_padding=2), ArgumentError,
     "smaller than the stride"),
    (lambda: F.conv_transpose2d(IMAGE, KERNEL, padding=3), ShapeError, "-1"),
    (lambda: F.conv_transpose2d(IMAGE, KERNEL, padding="same"), ArgumentError, "padding"),
    (lambda: F.interpolate(IMAGE), ArgumentError, "either size or scale_factor"),
    (lambda: F.interpolate(IMAGE, 2, 2), ArgumentError, "not both"),
    (lambda: F.interpolate(IMAGE, 0), ArgumentError, "size"),
    (lambda: F.interpolate(IMAGE, scale_factor=0.1), ArgumentError, "at least one pixel"),
    (lambda: F.interpolate(IMAGE, scale_factor=(2, 2, 2)), ArgumentError, "a pair"),
    (lambda: F.interpolate(IMAGE, 2, mode="cubic"), ArgumentError, "nearest, bilinear"),
    (lambda: F.interpolate(IMAGE, 2, align_corners=True), ArgumentError, "align_corners"),
    (lambda: F.interpolate(mg.ones(2, 3), 2), ShapeError, "N×C×H×W"),
    (lambda: F.interpolate(mg.ones(1, 1, 2, 2, dtype=np.int64), 3, mode="bilinear"), DTypeError,
     "floats"),
    (lambda: F.batch_norm(IMAGE, None, None), ArgumentError, "running_mean"),
    (lambda: F.batch_norm(mg.ones(1, 3), None, None, training=True), ShapeError, "more than one"),
    (lambda: F.batch_norm(IMAGE, None, None, mg.ones(3), training=True), ShapeError, r"\(2,\)"),
    (lambda: F.batch_norm(mg.ones(3), None, None, training=True), ShapeError, "dimensions"),
    (lambda: F.instance_norm(mg.ones(2, 3, 1, 1)), ShapeError, "more than one"),
    (lambda: F.instance_norm(IMAGE, eps=-1), ArgumentError, "eps"),
    (lambda: F.layer_norm(IMAGE, (3, 2)), ShapeError, "ends in these lengths"),
    (lambda: F.layer_norm(IMAGE, 3, mg.ones(2)), ShapeError, "weight and bias"),
    (lambda: F.dropout(IMAGE, 1.5), ArgumentError, "between 0 and 1"),
    (lambda: F.embedding(mg.tensor([0, 3]), mg.ones(3, 2)), ArgumentError, "0 … 2"),
    (lambda: F.embedding(mg.ones(2), mg.ones(3, 2)), DTypeError, "integers"),
    (lambda: F.embedding(mg.tensor([0]), mg.ones(3)), ShapeError, "V×D"),
    (lambda: F.huber_loss(IMAGE, IMAGE, delta=0), ArgumentError, "delta"),
    (lambda: F.huber_loss(IMAGE, KERNEL), ShapeError, "equal shapes"),
    (lambda: mg.gather(mg.ones(2, 3), 1, [[0, 5], [0, 0]]), ShapeError, "out of bounds"),
    (lambda: mg.gather(mg.ones(2, 3), 1, [[0], [0], [0]]), ShapeError, "none longer"),
    (lambda: mg.gather(mg.ones(2, 3), 1, [0]), ShapeError, "as many dimensions"),
    (lambda: mg.gather(mg.ones(2, 3), 1, [[0.5]]), DTypeError, "integers"),
    (lambda: mg.take(mg.ones(2, 3), 6), ShapeError, "out of bounds"),
    (lambda: mg.split(mg.ones(4), [1, 2]), ShapeError, "add up to 4"),
    (lambda: mg.split(mg.ones(4), 0), ShapeError, "at least 1"),
    (lambda: mg.einsum("ij,jk->ik", mg.ones(2, 3)), ArgumentError, "2 operand"),
    (lambda: mg.einsum("ij->ik", mg.ones(2, 3)), ArgumentError, "and no other"),
    (lambda: mg.einsum("ij->ii", mg.ones(2, 3)), ArgumentError, "once"),
    (lambda: mg.einsum("i1->i", mg.ones(2, 3)), ArgumentError, "letters"),
    (lambda: mg.einsum("ijk->i", mg.ones(2, 3)), ShapeError, "does not fit"),
    (lambda: mg.einsum("ij,jk->ik", mg.ones(2, 3), mg.ones(4, 5)), ShapeError, "3 and 4"),
    (lambda: mg.einsum("i,i", mg.ones(2), mg.ones(2).double()), DTypeError, "one element type"),
]


@pytest.mark.parametrize("call, error, words", MISTAKES)
def test_mistakes_get_one_sentence(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert isinstance(caught.value, MinigradError) and "\n" not in str(caught.value)
