"""vjp, jvp, hvp, jacobian and hessian: by hand, against PyTorch, and to third order."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.functional as F
from minigrad.check import gradcheck, gradgradcheck
from minigrad.errors import ArgumentError, DTypeError, GradientError, ShapeError

# ------------------------------------------------------------------------- by hand


def test_a_quadratic_form(leaf):
    """f = ½xᵀAx: gradient ½(A + Aᵀ)x, Hessian ½(A + Aᵀ)."""
    a = leaf([[2.0, 1.0], [5.0, -4.0]]).detach()
    x = leaf([1.0, 3.0])
    h = np.array([[2.0, 3.0], [3.0, -4.0]])
    np.testing.assert_allclose(mg.hessian(lambda x: 0.5 * (x @ a @ x), x).numpy(), h)
    value, product = mg.hvp(lambda x: 0.5 * (x @ a @ x), x, leaf([1.0, -1.0]))
    assert value.item() == -8
    np.testing.assert_allclose(product.numpy(), h @ [1, -1])
    assert x.grad is None and not value.requires_grad and not product.requires_grad


def test_a_jacobian_of_several_inputs_and_outputs(leaf):
    x, y = leaf([1.0, 2.0]), leaf([[3.0]])
    table = mg.jacobian(lambda x, y: (x * y[0, 0], x.sum()), (x, y))
    np.testing.assert_array_equal(table[0][0].numpy(), [[3, 0], [0, 3]])
    np.testing.assert_array_equal(table[0][1].numpy(), [[[1]], [[2]]])
    np.testing.assert_array_equal(table[1][0].numpy(), [1, 1])
    np.testing.assert_array_equal(table[1][1].numpy(), [[0]])


def test_results_have_the_form_of_what_came_in(leaf):
    x = leaf([1.0, 2.0])
    assert isinstance(mg.jacobian(lambda x: x, x), mg.Tensor)
    assert isinstance(mg.jacobian(lambda x: (x,), x)[0], mg.Tensor)
    assert isinstance(mg.jacobian(lambda x: x, (x,))[0], mg.Tensor)
    assert isinstance(mg.hessian(lambda x: x.sum(), (x,))[0][0], mg.Tensor)
    outputs, products = mg.vjp(lambda x: (x, x), (x,), (x, x))
    assert len(outputs) == 2 and len(products) == 1


def test_what_does_not_depend_has_derivative_zero(leaf):
    x, y = leaf([1.0, 2.0]), leaf([1.0])
    np.testing.assert_array_equal(mg.vjp(lambda x, y: x, (x, y), x)[1][1].numpy(), [0])
    np.testing.assert_array_equal(mg.jvp(lambda x: mg.ones(2), x, x)[1].numpy(), [0, 0])
    np.testing.assert_array_equal(mg.hvp(lambda x: x.sum(), x, x)[1].numpy(), [0, 0])
    np.testing.assert_array_equal(mg.hessian(lambda x, y: x.sum(), (x, y))[1][0].numpy(), [[0, 0]])
    assert mg.jacobian(lambda x: x[2:], x).shape == (0, 2)


def test_products_agree_with_the_jacobian(leaf, rng):
    """⟨v, J·u⟩ = ⟨Jᵀ·v, u⟩, and both are what the full matrix gives."""
    x, u, v = leaf(rng.standard_normal((2, 3))), leaf(rng.standard_normal((2, 3))), \
        leaf(rng.standard_normal(2))
    f = lambda x: (x * x[:, :1]).exp().sum(1)
    j = mg.jacobian(f, x).numpy()
    ju, jv = mg.jvp(f, x, u)[1].numpy(), mg.vjp(f, x, v)[1].numpy()
    np.testing.assert_allclose(ju, np.einsum("oij,ij->o", j, u.numpy()))
    np.testing.assert_allclose(jv, np.einsum("oij,o->ij", j, v.numpy()))


def test_work_under_no_grad_and_with_any_input(device):
    x = mg.tensor([0.5, 1.5], dtype=np.float64, device=device)      # requires no gradient
    with mg.no_grad():
        h = mg.hessian(lambda x: (x ** 3).sum(), x)
    np.testing.assert_allclose(h.numpy(), [[3, 0], [0, 9]])
    assert h.device == device and not x.requires_grad


def test_results_can_be_differentiated_again(leaf):
    """d/dx of the trace of the Hessian of Σx⁴ is 24x."""
    x = leaf([1.0, -2.0])
    h = mg.hessian(lambda x: (x ** 4).sum(), x, create_graph=True)
    (g,) = mg.grad((h * mg.eye(2, dtype=np.float64, device=x.device)).sum(), x)
    np.testing.assert_allclose(g.numpy(), [24, -48])
    for product in (mg.jvp, mg.vjp):
        out = product(lambda x: x ** 3, x, leaf([1.0, 1.0]), create_graph=True)[1]
        np.testing.assert_allclose(mg.grad(out.sum(), x)[0].numpy(), [6, -12])
    out = mg.hvp(lambda x: (x ** 3).sum(), x, leaf([1.0, 1.0]), create_graph=True)[1]
    np.testing.assert_allclose(mg.grad(out.sum(), x)[0].numpy(), [6, 6])


def test_mistakes_get_one_sentence(leaf):
    x = leaf([1.0, 2.0])
    with pytest.raises(GradientError, match=r"vjp has a default v .* pass v"):
        mg.vjp(lambda x: x, x)
    with pytest.raises(GradientError, match="make the function scalar"):
        mg.hvp(lambda x: x, x, x)
    with pytest.raises(GradientError, match="hessian"):
        mg.hessian(lambda x: x, x)
    with pytest.raises(ShapeError, match=r"jvp needs v of shapes \(2,\)"):
        mg.jvp(lambda x: x, x, leaf([1.0]))
    with pytest.raises(ArgumentError, match="returned a float"):
        mg.jacobian(lambda x: 1.0, x)
    with pytest.raises(DTypeError, match="int64"):
        mg.hessian(lambda x: x.sum(), mg.tensor([1, 2]))


# ---------------------------------------------------------------------- third order

def composite(x, w, b):
    """A small convolutional network with a loss: convolution, norm, pooling, softmax."""
    y = F.conv2d(x, w, b, padding=1)
    y = F.elu(F.instance_norm(y), 0.7)
    y = F.interpolate(F.avg_pool2d(y, 2), scale_factor=2, mode="bilinear")
    scores = F.max_pool2d(y, 2).flatten(1) * x.norm()
    return F.cross_entropy(scores, mg.tensor(np.array([1]))) + 0.1 * y.logsumexp()


def point(rng):
    return [mg.tensor(rng.standard_normal(shape), requires_grad=True)
            for shape in ((1, 1, 4, 4), (2, 1, 2, 2), (2,))]


def test_a_composite_to_third_order_against_finite_differences(rng):
    """gradgradcheck of the gradient: its second derivatives are the third ones."""
    x, w, b = point(rng)
    assert gradcheck(composite, [x, w, b]) and gradgradcheck(composite, [x, w, b])

    def gradient(w):
        return mg.grad(composite(x.detach(), w, b.detach()), w, create_graph=True)[0]
    assert gradgradcheck(gradient, w)


@pytest.mark.oracle
def test_against_pytorch_to_third_order(rng):
    torch = pytest.importorskip("torch")
    import torch.autograd.functional as TA
    import torch.nn.functional as TF

    def instance_norm(x):
        # Written out: of its own instance_norm PyTorch 2.13 gives wrong third derivatives
        # (its backward's backward keeps mean and deviation as constants).
        centred = x - x.mean((2, 3), keepdim=True)
        return centred / (centred.square().mean((2, 3), keepdim=True) + 1e-5).sqrt()

    def same_composite(x, w, b):
        y = TF.conv2d(TF.pad(x, (1, 1, 1, 1)), w, b)
        y = TF.elu(instance_norm(y), 0.7)
        y = TF.interpolate(TF.avg_pool2d(y, 2), scale_factor=2, mode="bilinear")
        scores = TF.max_pool2d(y, 2).flatten(1) * x.norm()
        return TF.cross_entropy(scores, torch.tensor([1])) + 0.1 * y.logsumexp((0, 1, 2, 3))

    ours = tuple(p.detach() for p in point(rng))
    theirs = tuple(torch.tensor(p.numpy()) for p in ours)
    u = tuple(mg.tensor(rng.standard_normal(p.shape)) for p in ours)
    v = tuple(torch.tensor(p.numpy()) for p in u)

    def close(a, b):
        if isinstance(a, tuple):
            assert len(a) == len(b)
            for p, q in zip(a, b):
                close(p, q)
        else:
            assert a.shape == tuple(b.shape)
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-8, atol=1e-9)

    close(mg.vjp(composite, ours), TA.vjp(same_composite, theirs))
    close(mg.jvp(composite, ours, u), TA.jvp(same_composite, theirs, v))
    close(mg.hvp(composite, ours, u), TA.hvp(same_composite, theirs, v))
    close(mg.hessian(composite, ours), TA.hessian(same_composite, theirs))
    inner, outer = ours[1:], theirs[1:]
    third = mg.jacobian(lambda w: mg.hvp(lambda w, b: composite(ours[0], w, b), (w, inner[1]),
                                         u[1:], create_graph=True)[1], inner[0])
    expected = TA.jacobian(lambda w: TA.hvp(lambda w, b: same_composite(theirs[0], w, b),
                                            (w, outer[1]), v[1:], create_graph=True)[1], outer[0])
    close(third, expected)
    assert max(np.abs(t.numpy()).max() for t in third) > 1e-3     # there is something to compare


@pytest.mark.oracle
def test_jacobians_of_several_outputs_against_pytorch(rng):
    torch = pytest.importorskip("torch")
    import torch.autograd.functional as TA

    def f(x, y):
        return x @ y, (x * x).sum(0), y.exp()

    arrays = rng.standard_normal((2, 3)), rng.standard_normal((3, 2))
    ours, theirs = tuple(map(mg.tensor, arrays)), tuple(map(torch.tensor, arrays))
    for a, b in zip(mg.jacobian(f, ours), TA.jacobian(f, theirs)):
        for p, q in zip(a, b):
            assert p.shape == tuple(q.shape)
            np.testing.assert_allclose(p.numpy(), q.numpy(), atol=1e-12)
    outputs, products = mg.jvp(f, ours, ours)
    for p, q in zip((*outputs, *products), sum(TA.jvp(f, theirs, theirs), ())):
        np.testing.assert_allclose(p.numpy(), q.numpy(), atol=1e-12)


@pytest.mark.parametrize("v", [
    "abc", 5, [1.0, 2.0], np.ones(2), {"a": 1}, mg.Tensor, {mg.ones(2)},
], ids=["text", "number", "list", "array", "dict", "class", "set"])
@pytest.mark.parametrize("call", [mg.vjp, mg.jvp, mg.hvp])
def test_directions_are_tensors(call, v):
    function = mg.Tensor.sum if call is mg.hvp else mg.square
    with pytest.raises((DTypeError, ArgumentError), match="tensors"):
        call(function, mg.ones(2), v)


def test_a_set_has_no_order():
    x, y = mg.ones(1, requires_grad=True), mg.ones(1, requires_grad=True)
    for call in (lambda: mg.grad((x * y).sum(), {x, y}), lambda: mg.optim.SGD({x, y}),
                 lambda: mg.optim.SGD([{"params": {x, y}}])):
        with pytest.raises(ArgumentError, match="not a set"):
            call()
