"""How gradients meet on a GPU: added where they lie, by the kernels that make them."""

import numpy as np
import pytest
from kernel_checks import TOLERANCE, compare, images, relative, upload

import minigrad as mg
import minigrad.functional as F
from minigrad.core.hooks import operation_hooks
from minigrad.core.primitive import registered_primitives
from minigrad.core.tensor import wrap
from minigrad.kernels import channel_matmul, moments, vectors
from minigrad.kernels.addend import Addend, addend
from minigrad.kernels.cuda import compiler
from minigrad.kernels.cuda import moments as cuda_moments
from minigrad.kernels.elementwise import accumulate
from minigrad.kernels.geometry import Window
from minigrad.kernels.order import along_memory, memory_order


@pytest.fixture
def added(cuda, monkeypatch):
    """For every product that cuBLAS makes from now on, whether it is added to what is there."""
    seen = []
    multiply = cuda.cublas.cublasGemmStridedBatchedEx

    def watched(*args):
        seen.append(args[15]._obj.value == 1)
        return multiply(*args)

    monkeypatch.setattr(cuda.cublas, "cublasGemmStridedBatchedEx", watched)
    return seen


# --------------------------------------------------------------------- whole passes


def layer(device, dtype, losses, seed=3):
    """A convolution, losses of its result, and a deeper layer: loss and gradient of the picture."""
    rng = np.random.default_rng(seed)

    def constant(*shape):
        return mg.tensor(rng.standard_normal(shape), dtype=dtype, device=device)

    x = mg.tensor(rng.standard_normal((1, 3, 12, 10)), dtype=dtype, device=device,
                  requires_grad=True)
    first, second = constant(32, 3, 3, 3), constant(16, 32, 3, 3)
    target, gram = constant(1, 32, 12, 10), constant(1, 32, 32)
    moments, weights = constant(1, 33, 33), constant(2, 8, 8).abs()
    h = F.conv2d_relu(x, first, padding=1)
    terms = {"content": lambda: F.mse_loss(h, target, reduction="sum"),
             "style": lambda: F.mse_loss(F.gram_matrix(h), gram, reduction="sum") * 1e-4,
             "moments": lambda: (F.moment_matrix(h, (2, 10, 1, 9)) * moments).sum() * 1e-2,
             "regions": lambda: F.weighted_moment_matrices(h, weights, (2, 10, 1, 9)).sum() * 1e-2,
             "deeper": lambda: F.conv2d_relu(h, second, padding=1).sum()}
    total = mg.tensor(0.0, dtype="float64", device=device)
    for name in losses.split():
        total = total + terms[name]()
    total.backward()
    return float(total.item()), x.grad.numpy()


ORDERS = ["style", "content", "style content", "style deeper", "content style deeper",
          "deeper style content", "style deeper style", "content deeper content style", "moments",
          "content moments deeper", "content regions deeper moments",
          "moments style deeper moments"]


@pytest.mark.parametrize("losses", ORDERS)
def test_losses_of_a_layer_and_what_comes_from_deeper_ones(cuda, losses):
    loss, gradient = layer("cuda", "float32", losses)
    exact, expected = layer("cpu", "float64", losses)
    assert loss == pytest.approx(exact, rel=1e-5) and relative(gradient, expected) < 1e-5


@pytest.mark.parametrize("losses, sums", [("style deeper", 1), ("content style deeper", 1),
                                          ("style", 0), ("style content", 1)])
def test_the_product_adds_to_what_is_there(cuda, added, losses, sums):
    """As nst.model.vgg.walk has it: first the losses of a layer, then deeper ones."""
    layer("cuda", "float32", losses)
    assert sum(added) == sums


def test_hooks_see_arrays_that_are_what_each_rule_sent(cuda, added):
    seen = {}
    with operation_hooks(after=lambda call: seen.update(
            {call.primitive.name: [c.gradient for c in call.contributions]})
            if call.phase == "backward" else None):
        loss, gradient = layer("cuda", "float32", "content style deeper")
    assert not any(added)
    assert all(type(array) is cuda.ndarray for arrays in seen.values() for array in arrays)
    exact, expected = layer("cpu", "float64", "content style deeper")
    assert loss == pytest.approx(exact, rel=1e-5) and relative(gradient, expected) < 1e-5


def test_an_array_that_two_inputs_share_is_left_alone(cuda, rng):
    """One gradient goes to both operands of a sum; one of them has a loss of its own."""
    def run(device, dtype):
        generator = np.random.default_rng(8)
        x, y = (mg.tensor(generator.standard_normal((1, 32, 6, 5)), dtype=dtype, device=device,
                          requires_grad=True) for _ in range(2))
        weight = mg.tensor(generator.standard_normal((16, 32, 3, 3)), dtype=dtype, device=device)
        a, b = x * 1, y * 1
        loss = F.mse_loss(F.gram_matrix(a), F.gram_matrix(b).detach(), reduction="sum") * 1e-2
        loss = loss + F.mse_loss(b, a.detach(), reduction="sum")
        (loss + F.conv2d(a + b, weight, padding=1).sum()).backward()
        return x.grad.numpy(), y.grad.numpy()

    for result, expected in zip(run("cuda", "float32"), run("cpu", "float64")):
        assert relative(result, expected) < 1e-5


def test_a_gradient_that_a_hook_keeps_stays(cuda):
    x = mg.tensor(np.ones((1, 32, 4, 4)), dtype="float32", device="cuda", requires_grad=True)
    h = F.conv2d(x, mg.ones(32, 32, 3, 3, device="cuda"), padding=1)
    kept = []
    deeper = h * 2
    deeper.register_hook(kept.append)
    (F.gram_matrix(h).sum() + deeper.sum() + h.sum()).backward()
    assert (kept[0].numpy() == 1).all()


def test_a_recorded_pass_computes_as_before(cuda):
    x = mg.tensor(np.arange(12.0).reshape(1, 3, 2, 2), device="cuda", requires_grad=True)
    gradient, = mg.grad(F.gram_matrix(x).sum() + F.mse_loss(x, x.detach() * 0, reduction="sum"),
                        x, create_graph=True)
    second, = mg.grad(gradient.sum(), x)
    # ∂/∂x of Σ (Σ_c x)² over pixels is 2·Σ_c x in each of 3 channels; of Σ x² it is 2x.
    np.testing.assert_allclose(second.numpy(), 2 * 3 + 2)


# ----------------------------------------------------------------------- one sum at a time


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("other", [True, False])
def test_sums_in_place_if_nobody_else_has_them(cuda, rng, last, other):
    x, y = images(rng, 2, 3, 4, 5, last=last), images(rng, 2, 3, 4, 5, last=other)
    total = upload(cuda, x)
    address, strides = total.data.ptr, total.strides
    result = accumulate(total, upload(cuda, y))
    assert result.data.ptr == address and result.strides == strides
    np.testing.assert_array_equal(result.get(), x + y)


@pytest.mark.parametrize("keep", [lambda a: a, lambda a: a.base, lambda a: a[:, 1:],
                                  lambda a: a.transpose(0, 2, 3, 1), lambda a: [a]],
                         ids=["itself", "its base", "a slice", "another view", "a list"])
def test_sums_leave_alone_what_somebody_has(cuda, rng, keep):
    x, y = images(rng, 2, 3, 4, 5), images(rng, 2, 3, 4, 5)
    total = upload(cuda, x)
    kept = keep(total)
    result = accumulate(total, upload(cuda, y))
    assert result.strides == total.strides and kept is not None
    np.testing.assert_array_equal(result.get(), x + y)
    np.testing.assert_array_equal(total.get(), x)


def test_sums_leave_alone_what_shows_an_element_many_times(cuda, rng):
    y = images(rng, 1, 4, 3, 2)
    for kernel in (None, lambda total: pytest.fail("nothing may be added here")):
        total = cuda.lib.stride_tricks.as_strided(cuda.asarray(np.ones(1, "f")), y.shape,
                                                  (0, 0, 0, 0))
        term = upload(cuda, y)
        if kernel is not None:
            term = Addend(y.shape, y.dtype,
                          lambda total, there=term: there if total is None else kernel(total))
        np.testing.assert_array_equal(accumulate(total, term).get(), y + 1)


def test_addends_are_for_arrays_of_a_gpu_only(cuda, rng):
    x = images(rng, 1, 2, 3, 3)
    assert addend(channel_matmul.mix_channels, x, None) is None
    assert addend(channel_matmul.mix_channels, mg.tensor(x, device="cuda"), None) is None
    assert addend(channel_matmul.mix_channels, cuda.asarray(x.astype("i")), None) is None
    term = addend(channel_matmul.mix_channels, cuda.asarray(x), None)
    assert (term.shape, term.dtype) == (x.shape, x.dtype)


@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("numbers", [None, True, False])     # the sum: none, channels last, first
def test_mixed_channels_into_a_sum(cuda, rng, added, dtype, last, numbers):
    x, m = images(rng, 2, 5, 4, 3, dtype=dtype, last=last), rng.standard_normal((2, 6, 5))
    total = None if numbers is None else images(rng, 2, 6, 4, 3, dtype=dtype, last=numbers)
    arrays = [x, m.astype(dtype)] + ([] if total is None else [total])
    there = [upload(cuda, array) for array in arrays]
    result = channel_matmul.mix_channels(*there)
    assert any(added) == bool(numbers) and (total is None or result is there[2])
    assert relative(result.get(), channel_matmul.mix_channels(*arrays)) < TOLERANCE[dtype]


@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("numbers", [True, False])      # the sum: channels last, first
@pytest.mark.parametrize("window", [(0, 4, 0, 3), (1, 3, 1, 2), (2, 2, 0, 3)], ids=str)
def test_mixed_moments_into_a_sum(cuda, rng, dtype, last, numbers, window):
    window = Window(*window)
    x, m = images(rng, 2, 5, 4, 3, dtype=dtype, last=last), rng.standard_normal((2, 7, 6))
    arrays = [x, m.astype(dtype), images(rng, 2, 6, 4, 3, dtype=dtype, last=numbers)]
    there = [upload(cuda, array) for array in arrays]
    result = moments.moment_mix(*there[:2], window, there[2])
    assert result is there[2]
    known = arrays[2] + moments.moment_mix(*arrays[:2], window)
    assert moments.moment_mix(*arrays[:2], window, arrays[2]) is arrays[2]
    assert relative(result.get(), known) < TOLERANCE[dtype]
    assert relative(arrays[2], known) < TOLERANCE[dtype]


@pytest.mark.parametrize("losses", ["moments deeper", "content moments deeper"])
def test_moments_add_to_what_is_there(cuda, losses, monkeypatch):
    """The gradient of deeper layers has been computed when that of the moments is."""
    sums = []
    mix = cuda_moments.moment_mix
    monkeypatch.setattr(cuda_moments, "moment_mix", lambda x, m, window, total=None: (
        sums.append(total is not None) or mix(x, m, window, total)))
    layer("cuda", "float32", losses)
    assert sums == [True]


@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize("large", [1 << 30, 50])
@pytest.mark.parametrize("lasts", [(True, True, True), (True, True, False), (True, False, True),
                                   (False, False, False)])
def test_gradient_of_a_squared_distance(cuda, rng, dtype, large, lasts, monkeypatch):
    monkeypatch.setattr(compiler, "LARGE", large)
    x, y, total = (images(rng, 2, 3, 7, 5, dtype=dtype, last=last) for last in lasts)
    g = np.array(-0.75)
    compare(cuda, vectors.distance_gradient, x, y, g)
    there = [upload(cuda, array) for array in (x, y, g, total)]
    result = vectors.distance_gradient(*there)
    assert result is there[3]
    assert relative(result.get(), total - 1.5 * (x - y)) < TOLERANCE[dtype]
    alone = vectors.distance_gradient(*there[:3])
    assert memory_order(alone) == memory_order(there[0])
    picture = upload(cuda, x)                               # with gaps, as total variation has it
    part = vectors.distance_gradient(picture[..., 1:], picture[..., :-1], there[2])
    assert relative(part.get(), -1.5 * (x[..., 1:] - x[..., :-1])) < TOLERANCE[dtype]


# --------------------------------------------------------- elementwise work along memory


def test_the_order_in_memory():
    image = np.zeros((2, 4, 5, 3), "f").transpose(0, 3, 1, 2)
    assert memory_order(image) == [0, 2, 3, 1]
    assert memory_order(np.zeros((2, 3))) is memory_order(np.zeros(3)[::2]) is None
    assert memory_order(image[:, :2]) is memory_order(np.broadcast_to(1.0, (2, 2))) is None


OTHERS = {"image": (2, 3, 4, 5), "mask": (1, 1, 4, 5), "channels": (3, 1, 1), "row": (5,),
          "number": (), "one": (1,)}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "maximum", "where"])
def test_results_lie_as_operands_do(cuda, rng, name, other):
    """Forward and backward, with all that images are multiplied by."""
    operation = registered_primitives()[name]
    x, y = images(rng, 2, 3, 4, 5), 2 + rng.random(OTHERS[other]).astype("f")
    g = images(rng, 2, 3, 4, 5)

    def run(place):
        a, b, upstream = (wrap(place(array)) for array in (x, y, g))
        a.requires_grad_(), b.requires_grad_()
        z = operation(a > 0, a, b) if name == "where" else operation(a, b)
        z.backward(upstream)
        return z, a.grad, b.grad

    expected, results = run(np.copy), run(lambda array: upload(cuda, array))
    assert memory_order(results[0].data) == [0, 2, 3, 1]
    for result, known in zip(results, expected):
        np.testing.assert_allclose(result.numpy(), known.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["relu", "exp", "negative", "sigmoid", "tanh", "leaky_relu"])
def test_gradients_lie_as_results_do(cuda, rng, name):
    operation = registered_primitives()[name]
    x, g = images(rng, 1, 3, 4, 5), images(rng, 1, 3, 4, 5)
    a = wrap(upload(cuda, x)).requires_grad_()
    z = operation(a * 1)
    seen = []
    with operation_hooks(after=lambda call: seen.extend(c.gradient for c in call.contributions)):
        z.backward(wrap(upload(cuda, g)))
    here = mg.tensor(x, requires_grad=True)
    operation(here).backward(mg.tensor(g))
    np.testing.assert_allclose(a.grad.numpy(), here.grad.numpy(), rtol=1e-5, atol=1e-6)
    assert [memory_order(array) for array in seen] == [[0, 2, 3, 1]] * 2


def test_functions_that_are_given_shapes_are_left_as_they_are(cuda, rng):
    x = upload(cuda, images(rng, 2, 3, 4, 5))
    shapes = []
    along_memory(lambda x, shape: shapes.append(x.shape), x, (2, 3, 4, 5))
    along_memory(lambda x: shapes.append(x.shape) or x, x)
    along_memory(lambda x, y: shapes.append(x.shape) or x, x[:, :2], 3)
    assert shapes == [(2, 3, 4, 5), (2, 4, 5, 3), (2, 2, 4, 5)]
