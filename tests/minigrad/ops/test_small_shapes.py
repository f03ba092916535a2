"""Zero-dimensional and empty tensors work everywhere; results own their memory or are views."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.functional as F
from minigrad.errors import OutOfRangeError, ShapeError

REDUCTIONS = ("sum", "mean", "prod", "amax", "amin", "norm", "logsumexp")


@pytest.mark.parametrize("dim", [0, -1])
@pytest.mark.parametrize("name", [*REDUCTIONS, "argmax", "argmin", "softmax", "log_softmax",
                                  "squeeze", "flip", "sort", "argsort"])
def test_a_tensor_without_dimensions_takes_0_and_minus_1(name, dim):
    x = mg.tensor(np.array(3.0), requires_grad=True)
    call = getattr(mg, name)
    result = call(x, dim=dim) if name in ("norm",) else call(x, dim)
    values = result[0] if isinstance(result, tuple) else result
    assert values.shape == ()
    right = {"softmax": 1, "log_softmax": 0, "argmax": 0, "argmin": 0, "argsort": 0}.get(name, 3)
    assert values.item() == right
    if values.requires_grad:
        values.backward()
        assert x.grad.item() == (0 if "softmax" in name else 1)
    with pytest.raises(OutOfRangeError):
        call(x, dim=1) if name in ("norm",) else call(x, 1)


def test_pairs_of_extremes_without_dimensions():
    for pick in (mg.max, mg.min):
        values, indices = pick(mg.tensor(3.0), 0)
        assert (values.item(), indices.item()) == (3.0, 0)
    assert mg.tensor(3.0).transpose(0, -1).item() == 3
    assert mg.softmax(mg.tensor(5.0)).item() == 1
    assert mg.gather(mg.tensor(3.0), 0, mg.tensor(0)).item() == 3
    assert mg.max(mg.tensor([1.0, 5.0]), mg.tensor([3.0, 3.0])).tolist() == [3, 5]


def test_naming_no_dimension_is_naming_all():
    x = mg.ones(2, 3)
    assert x.sum(()).item() == 6 and x.mean(()).item() == 1 and x.amax(()).item() == 1


def test_functions_of_no_elements():
    for shape, dim in (((0,), 0), ((0, 3), 0), ((3, 0), 1), ((3, 0), -1)):
        x = mg.zeros(*shape, requires_grad=True)
        for function in (mg.softmax, mg.log_softmax):
            y = function(x, dim)
            assert y.shape == shape
            y.sum().backward()
            assert x.grad.shape == shape
    with np.errstate(divide="ignore"):
        assert mg.zeros(2, 0).logsumexp(1).tolist() == [-np.inf] * 2
    assert mg.zeros(3)[[]].shape == (0,) and mg.zeros(0, 2).prod(0).tolist() == [1, 1]
    assert mg.zeros(0, 3).argmax(1).shape == (0,)
    with pytest.raises(ShapeError, match="no elements"):
        mg.zeros(0).amax()


@pytest.mark.parametrize("convolve", [F.conv2d, F.conv_transpose2d])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_convolutions_of_no_images(convolve, dtype):
    x = mg.zeros(0, 2, 5, 5, dtype=dtype, requires_grad=True)
    w = mg.ones(2, 2, 3, 3, dtype=dtype, requires_grad=True)
    b = mg.ones(2, dtype=dtype, requires_grad=True)
    convolve(x, w, b).sum().backward()
    assert x.grad.shape == x.shape
    assert w.grad.tolist() == mg.zeros(2, 2, 3, 3).tolist() and b.grad.tolist() == [0, 0]


@pytest.mark.parametrize("copied", [
    lambda x: F.pad(x, 0), lambda x: F.pad(x, 0, "reflect"), lambda x: x.prod(0),
    lambda x: mg.flip(x, (0,)), lambda x: mg.flip(x, ()), lambda x: x.max(0)[0],
    lambda x: x.clone(), lambda x: x.sort(0)[0] if hasattr(x, "sort") else mg.sort(x, 0)[0],
], ids=["pad", "reflect", "prod", "flip", "flip nothing", "max", "clone", "sort"])
def test_results_that_do_not_share_memory(copied):
    x = mg.ones(1, 1, 2, 2)
    y = copied(x)
    x.zero_()
    assert y.tolist() == mg.ones(*y.shape).tolist()


@pytest.mark.parametrize("index", [0, -1, (1,), (0, 1), (0, ...), mg.tensor(1), np.int64(1)],
                         ids=str)
def test_an_element_is_a_view(index):
    x = mg.ones(3) if not isinstance(index, tuple) or len(index) == 1 or index[1] is ... \
        else mg.ones(2, 3)
    x[index].zero_()
    assert x.numpy().sum() == x.numel() - 1


def test_expanding():
    with pytest.raises(ShapeError, match="new dimension"):
        mg.zeros(3).expand(-1, 3)
    assert mg.zeros(3).expand(2, -1).shape == (2, 3)


def test_numbers_and_lists_in_one_index():
    x = np.arange(60).reshape(3, 4, 5)
    t = mg.tensor(x)
    assert t[0, :, [1, 2]].tolist() == x[0][:, [1, 2]].tolist()
    assert t[-1, ::2, [0, 1]].tolist() == x[-1][::2][:, [0, 1]].tolist()
    assert t[[0, 1], :, 2].tolist() == x[..., 2][[0, 1]].tolist()
    assert t[..., 2, [1, 0]].tolist() == x[:, 2][:, [1, 0]].tolist()
    assert t[0, None, [1, 2]].tolist() == x[0][None][:, [1, 2]].tolist()
    assert t[[0, 2], :, [1, 2]].tolist() == x[[0, 2], :, [1, 2]].tolist()


@pytest.mark.parametrize("call", [
    lambda: mg.zeros(3)[3], lambda: mg.zeros(3)[[0, 5]], lambda: mg.zeros(2, 3).sum(2),
    lambda: mg.zeros(3)[0, 0], lambda: mg.zeros(2).flip((3,)) if hasattr(mg.Tensor, "flip")
    else mg.flip(mg.zeros(2), (3,)),
], ids=["index", "list", "dim", "too many", "flip"])
def test_what_does_not_exist_is_an_index_error_too(call):
    with pytest.raises(IndexError) as caught:
        call()
    assert isinstance(caught.value, OutOfRangeError)


@pytest.mark.parametrize("call", [
    lambda: mg.zeros(3) + mg.zeros(2), lambda: mg.zeros(3) < mg.zeros(2),
    lambda: mg.where(mg.tensor([True, False]), mg.zeros(3), mg.zeros(3)),
    lambda: mg.maximum(mg.zeros(2, 3), mg.zeros(2, 2)), lambda: mg.stack([]),
    lambda: mg.cat([mg.tensor(1.0), mg.tensor(2.0)]), lambda: mg.flip(mg.zeros(2), (0, 0)),
], ids=["add", "less", "where", "maximum", "stack", "cat", "flip"])
def test_clashes_of_shapes_are_sentences_of_ours(call):
    with pytest.raises(ShapeError):
        call()


def test_names_of_numpy():
    x = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert x.sum(axis=0).tolist() == [4, 6] and mg.sum(x, axis=1).tolist() == [3, 7]
    assert x.mean(axis=1, keepdims=True).shape == (2, 1) and x.std(axis=0).shape == (2,)
    assert mg.softmax(x, axis=0).shape == (2, 2) and mg.cat([x, x], axis=1).shape == (2, 4)


@pytest.mark.parametrize("value, dtype", [(3, "int64"), (True, "bool"), (3.0, "float32")])
def test_full_has_the_type_of_its_value(value, dtype):
    assert mg.full((2,), value).dtype == dtype
    assert mg.full((2,), value, dtype="float64").dtype == "float64"


def test_batch_norm_of_no_images():
    mean, var = mg.zeros(3), mg.ones(3)
    with np.errstate(invalid="ignore"):
        y = F.batch_norm(mg.zeros(0, 3, 2, 2), mean, var, training=True)
    assert y.shape == (0, 3, 2, 2) and mean.tolist() == [0] * 3 and var.tolist() == [1] * 3
