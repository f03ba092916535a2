"""Transposed convolution, interpolation, normalisations, einsum … against PyTorch, in float64."""

import itertools

import numpy as np
import pytest
from beside_torch import assert_same

import minigrad as mg
import minigrad.functional as F

torch = pytest.importorskip("torch")
import torch.nn.functional as TF  # noqa: E402

pytestmark = pytest.mark.oracle


@pytest.mark.parametrize("stride, padding, extra, groups, dilation, kernel", [
    case for case in itertools.product([1, 2, (3, 2)], [0, 1, (2, 1)], [0, 1, (2, 0)], [1, 2],
                                       [1, (2, 1)], [(3, 3), (2, 4)])
    if np.all(np.less(case[2], case[0]))])
def test_conv_transpose2d(rng, stride, padding, extra, groups, dilation, kernel):
    assert_same(lambda x, w, b: F.conv_transpose2d(x, w, b, stride, padding, extra, groups,
                                                   dilation),
                lambda x, w, b: TF.conv_transpose2d(x, w, b, stride, padding, extra, groups,
                                                    dilation),
                rng.standard_normal((2, 4, 5, 4)), rng.standard_normal((4, 3, *kernel)),
                rng.standard_normal(3 * groups))


def test_conv_transpose2d_in_float32_with_many_channels(rng):
    """Where the fast convolution serves; its error stays at float32's."""
    x, w = rng.standard_normal((1, 32, 20, 24)), rng.standard_normal((32, 24, 3, 3))
    ours = F.conv_transpose2d(mg.tensor(x).float(), mg.tensor(w).float(), padding=1).numpy()
    exact = TF.conv_transpose2d(torch.tensor(x), torch.tensor(w), padding=1).numpy()
    assert np.abs(ours - exact).max() < 1e-5 * np.abs(exact).max()


SIZES = [(1, 1), (3, 4), (7, 5), (10, 13), (6, 9), 4]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode, align", [("nearest", None), ("bilinear", False),
                                         ("bilinear", True), ("bilinear", None)])
def test_interpolate_to_a_size(rng, size, mode, align):
    assert_same(lambda x: F.interpolate(x, size, mode=mode, align_corners=align),
                lambda x: TF.interpolate(x, size, mode=mode, align_corners=align),
                rng.standard_normal((2, 3, 6, 5)))


@pytest.mark.parametrize("factor", [2, 0.5, 1.7, (3, 0.4), (1, 2.3)])
@pytest.mark.parametrize("mode, align", [("nearest", None), ("bilinear", False),
                                         ("bilinear", True)])
def test_interpolate_by_a_factor(rng, factor, mode, align):
    assert_same(lambda x: F.interpolate(x, scale_factor=factor, mode=mode, align_corners=align),
                lambda x: TF.interpolate(x, scale_factor=factor, mode=mode, align_corners=align),
                rng.standard_normal((2, 3, 6, 5)))


def test_nearest_takes_pytorchs_pixel_at_every_size():
    for old in range(1, 30):
        row = torch.arange(old, dtype=torch.float64).reshape(1, 1, 1, old)
        for new in range(1, 60, 3):
            ours = F.interpolate(mg.tensor(row.numpy()), (1, new)).numpy()
            np.testing.assert_array_equal(ours, TF.interpolate(row, (1, new)).numpy())


@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 5), (2, 3, 4, 5)])
@pytest.mark.parametrize("training, tracked, affine", [
    (True, True, True), (True, True, False), (True, False, True), (False, True, True),
    (False, True, False)])
def test_batch_norm(rng, shape, training, tracked, affine):
    running = [rng.standard_normal(3), rng.random(3) + 0.5] if tracked else [None, None]
    copies = [r if r is None else r.copy() for r in running]
    ours = [r if r is None else mg.tensor(r) for r in running]
    theirs = [r if r is None else torch.tensor(r) for r in copies]
    scale = [rng.standard_normal(3), rng.standard_normal(3)] if affine else []
    options = {"training": training, "momentum": 0.3, "eps": 1e-3}
    assert_same(lambda x, *p: F.batch_norm(x, *ours, *p, **options),
                lambda x, *p: TF.batch_norm(x, *theirs, *p, **options),
                3 + 2 * rng.standard_normal(shape), *scale)
    for a, b in zip(ours, theirs):
        if a is not None:
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 5)])
@pytest.mark.parametrize("use_input, tracked", [(True, False), (True, True), (False, True)])
def test_instance_norm(rng, shape, use_input, tracked):
    running = [rng.standard_normal(3), rng.random(3) + 0.5] if tracked else [None, None]
    ours = [r if r is None else mg.tensor(r) for r in running]
    theirs = [r if r is None else torch.tensor(r) for r in running]
    assert_same(lambda x, w, b: F.instance_norm(x, *ours, w, b, use_input, 0.3, 1e-3),
                lambda x, w, b: TF.instance_norm(x, *theirs, w, b, use_input, 0.3, 1e-3),
                3 + 2 * rng.standard_normal(shape), rng.standard_normal(3),
                rng.standard_normal(3))
    for a, b in zip(ours, theirs):
        if a is not None:
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)


@pytest.mark.parametrize("over", [(5,), (4, 5), (3, 4, 5)])
def test_layer_norm(rng, over):
    x, w, b = (rng.standard_normal(shape) for shape in ((2, 3, 4, 5), over, over))
    assert_same(lambda x, w, b: F.layer_norm(x, over, w, b),
                lambda x, w, b: TF.layer_norm(x, over, w, b), x, w, b)
    assert_same(lambda x: F.layer_norm(x, over, eps=0.1),
                lambda x: TF.layer_norm(x, over, eps=0.1), x)


# equation, and the shapes of its operands
EQUATIONS = [
    ("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 4)), ("i,i->", (4,), (4,)),
    ("i,j->ij", (2,), (3,)), ("nchw,ndhw->ncd", (2, 3, 4, 5), (2, 2, 4, 5)),
    ("ij->ji", (2, 3)), ("ij->", (2, 3)), ("ij->j", (2, 3)), ("ba", (2, 3)), ("ij->ij", (2, 3)),
    ("ii->i", (3, 3)), ("ii", (3, 3)), ("iij,jk->ik", (3, 3, 2), (2, 4)), ("iii->i", (3, 3, 3)),
    ("ijij->", (2, 3, 2, 3)), ("ij,kl->il", (2, 3), (4, 5)), ("ij,ij->ij", (2, 3), (2, 3)),
    ("b...ij,b...jk->b...ik", (2, 3, 4, 5), (2, 3, 5, 2)), ("...i,...i->...", (2, 1, 3), (4, 3)),
    ("...ij->...ji", (2, 3, 4)), ("i...", (2, 3)), ("...,...", (2, 3), (3,)),
    ("ij,ij->i", (1, 3), (2, 3)), ("ij,jk->ik", (2, 1), (3, 4)), ("i,i->i", (1,), (1,)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)), ("i,j,k,ijk->", (2,), (3,), (4,), (2, 3, 4)),
    ("bn,anm,bm->ba", (2, 3), (4, 3, 5), (2, 5)), (",i->i", (), (3,)), ("i j , j k -> k", (2, 3),
                                                                     (3, 4)),
    ("Ab,bA->", (2, 3), (3, 2)),
]


@pytest.mark.parametrize("equation, shapes", [(e, s) for e, *s in EQUATIONS])
def test_einsum(rng, equation, shapes):
    assert_same(lambda *xs: mg.einsum(equation, *xs), lambda *xs: torch.einsum(equation, *xs),
                *[rng.standard_normal(shape) for shape in shapes])


@pytest.mark.parametrize("dim, index", [(0, (2, 4, 2)), (1, (3, 7, 2)), (-1, (3, 4, 5)),
                                        (1, (2, 1, 1)), (0, (5, 3, 1))])
def test_gather(rng, dim, index):
    index = rng.integers(0, (3, 4, 2)[dim], index) if dim != -1 else rng.integers(0, 2, index)
    assert_same(lambda x, i: mg.gather(x, dim, i), lambda x, i: torch.gather(x, dim, i),
                rng.standard_normal((3, 4, 2)), index)


def test_take_and_split(rng):
    x = rng.standard_normal((3, 7, 2))
    assert_same(mg.take, torch.take, x, rng.integers(-42, 42, (5, 3)))
    for sizes, dim in ((3, 1), (7, 1), (9, 1), ([1, 0, 6], 1), (2, 0), (1, -1)):
        ours, theirs = mg.split(mg.tensor(x), sizes, dim), torch.split(torch.tensor(x), sizes, dim)
        assert [part.shape for part in ours] == [tuple(part.shape) for part in theirs]
        assert_same(lambda x, s=sizes, d=dim: mg.split(x, s, d)[-1] * mg.split(x, s, d)[0].sum(),
                    lambda x, s=sizes, d=dim: torch.split(x, s, d)[-1]
                    * torch.split(x, s, d)[0].sum(), x)


@pytest.mark.parametrize("zeros", [0, 1, 2])
@pytest.mark.parametrize("dim", [None, 0, 1, -1])
@pytest.mark.parametrize("keepdim", [False, True])
def test_prod_with_and_without_zeros(rng, zeros, dim, keepdim):
    x = rng.standard_normal((3, 5, 2))
    x[1, :zeros] = 0.0
    if dim is None:
        assert_same(lambda x: mg.prod(x), lambda x: torch.prod(x), x)
    else:
        assert_same(lambda x: mg.prod(x, dim, keepdim), lambda x: torch.prod(x, dim, keepdim), x)


@pytest.mark.parametrize("dim", [0, 1, (0, 2)])
@pytest.mark.parametrize("keepdim", [False, True])
def test_logsumexp_and_norm(rng, dim, keepdim):
    x = 30 * rng.standard_normal((3, 4, 5))
    assert_same(lambda x: mg.logsumexp(x, dim, keepdim),
                lambda x: torch.logsumexp(x, dim, keepdim), x)
    for p in (1, 1.5, 2, 3, 2.5, float("inf")):
        assert_same(lambda x, p=p: mg.norm(x, p, dim, keepdim),
                    lambda x, p=p: torch.norm(x, p, dim, keepdim), x)
        assert_same(lambda x, p=p: x.norm(p), lambda x, p=p: x.norm(p), x)
        assert_same(lambda x, p=p: x.norm(p), lambda x, p=p: x.norm(p), np.zeros((2, 3)))


@pytest.mark.filterwarnings("ignore:divide by zero")     # log 0, as it should be
def test_logsumexp_of_infinities():
    x = np.array([[-np.inf, -np.inf], [-np.inf, 1.0], [1e4, 1e4]])
    np.testing.assert_allclose(mg.logsumexp(mg.tensor(x), 1).numpy(),
                               torch.logsumexp(torch.tensor(x), 1).numpy())


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("delta", [0.3, 1.0, 5.0])
def test_huber_loss(rng, reduction, delta):
    x, t = rng.standard_normal((4, 5)), rng.standard_normal((4, 5))
    x[0, :3] = t[0, :3] + [delta, -delta, 0]
    assert_same(lambda x, t: F.huber_loss(x, t, reduction, delta),
                lambda x, t: TF.huber_loss(x, t, reduction, delta=delta), x, t)


def test_elu_and_softplus(rng):
    x = np.append(5 * rng.standard_normal(12), [0.0, 700.0, -700.0])
    for alpha in (1.0, 0.4):
        assert_same(lambda x, a=alpha: F.elu(x, a), lambda x, a=alpha: TF.elu(x, a), x)
    assert_same(F.softplus, lambda x: TF.softplus(x, threshold=1000), x)


def test_embedding(rng):
    index = rng.integers(0, 6, (3, 4))
    for padding in (None, 2):
        assert_same(lambda i, w, p=padding: F.embedding(i, w, p),
                    lambda i, w, p=padding: TF.embedding(i, w, p), index,
                    rng.standard_normal((6, 5)))
