"""Tensors as values: element types, broadcasting, conventions at kinks, Python's protocols."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import ArgumentError, DTypeError, GradientError, MinigradError, ShapeError

# ------------------------------------------------------------------ element types


TYPES = ["bool", "uint8", "int32", "int64", "float32", "float64"]
_RANK = {name: i for i, name in enumerate(TYPES)}


@pytest.mark.parametrize("x", TYPES)
@pytest.mark.parametrize("y", TYPES)
def test_types_of_arrays_combine_to_the_larger(constant, x, y):
    larger = max(x, y, key=_RANK.get)
    z = constant(np.ones(2, x)) + constant(np.ones(2, y))
    assert z.dtype == larger


@pytest.mark.parametrize("array, scalar, expected", [
    ("float32", "float64", "float32"), ("float32", "int64", "float32"),
    ("int32", "int64", "int32"), ("uint8", "int64", "uint8"), ("bool", "uint8", "uint8"),
    ("int64", "float32", "float32"), ("int64", "float64", "float64"),
    ("float64", "float32", "float64"),
])
def test_a_zero_dimensional_tensor_widens_only_to_a_higher_category(constant, array, scalar,
                                                                    expected):
    x, s = constant(np.ones(2, array)), constant(np.array(1, scalar))
    assert (x + s).dtype == (s + x).dtype == expected


@pytest.mark.parametrize("array, number, expected", [
    ("float32", 2.5, "float32"), ("float32", 2, "float32"), ("float64", 2.5, "float64"),
    ("int64", 2, "int64"), ("int32", 2, "int32"), ("uint8", 2, "uint8"), ("int64", 2.5, "float32"),
    ("int32", 2.5, "float32"), ("bool", 2, "int64"), ("bool", 2.5, "float32"),
    ("bool", True, "bool"), ("float32", True, "float32"),
])
def test_a_number_widens_only_to_a_higher_category(constant, array, number, expected):
    x = constant(np.ones(2, array))
    assert (x * number).dtype == (number * x).dtype == expected


@pytest.mark.oracle
def test_types_combine_as_in_pytorch():
    torch = pytest.importorskip("torch")
    makers = [lambda t: (np.ones(2, t), torch.ones(2, dtype=getattr(torch, t))),
              lambda t: (np.array(1, t), torch.tensor(1, dtype=getattr(torch, t)))]
    for make_x in makers:
        for make_y in makers:
            for x, y in np.ndindex(len(TYPES), len(TYPES)):
                (a, p), (b, q) = make_x(TYPES[x]), make_y(TYPES[y])
                ours = (mg.tensor(a) * mg.tensor(b)).dtype
                assert str(ours) == str((p * q).dtype).removeprefix("torch."), (a, b)
    for t in TYPES:
        for number in (True, 2, 2.5):
            ours = (mg.tensor(np.ones(2, t)) * number).dtype
            theirs = (torch.ones(2, dtype=getattr(torch, t)) * number).dtype
            assert str(ours) == str(theirs).removeprefix("torch.")


def test_python_data_is_float32_and_arrays_keep_their_type():
    assert mg.tensor([1.0, 2.0]).dtype == np.float32
    assert mg.tensor(1.5).dtype == np.float32
    assert mg.tensor([1, 2]).dtype == np.int64
    assert mg.tensor([True]).dtype == np.bool_
    assert mg.tensor(np.ones(2)).dtype == np.float64
    assert mg.tensor([1.0], dtype=np.float64).dtype == np.float64
    with pytest.raises(DTypeError):
        mg.tensor(["a"])


def test_gradients_have_the_type_of_what_they_are_for(leaf):
    x, y = leaf([1.0, 2.0], np.float32), leaf([3.0, 4.0], np.float64)
    z = x * y
    assert z.dtype == np.float64
    z.sum().backward()
    assert (x.grad.dtype, y.grad.dtype) == (np.float32, np.float64)
    assert x.grad.tolist() == [3.0, 4.0]


def test_integers_divided_averaged_and_cast(constant):
    x = constant(np.array([1, 2]))
    assert (x / 2).dtype == x.mean().dtype == mg.exp(x).dtype == np.float32
    assert x.double().dtype == np.float64
    assert x.to("float64").dtype == np.float64
    assert x.float().tolist() == [1.0, 2.0]


def test_results_without_dimensions_are_arrays(leaf, xp):
    x = leaf([1.0, 2.0])
    for y in (x.sum(), x[0], x.mean() * 2, x.sum() + 1, x.amax(), x @ x, -x.sum(), x.max()):
        assert type(y._array) is xp.ndarray
        assert y.shape == ()
    x.sum().backward()
    y = leaf(2.0)
    (y * y).backward()
    assert type(y.grad._array) is xp.ndarray


# ------------------------------------------------------------------ broadcasting


@pytest.mark.parametrize("x, y", [((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 2)), ((1,), (2, 3)),
                                  ((2, 1, 3), (4, 1)), ((0, 2), (2,)), ((3, 0), (3, 1))])
def test_gradients_have_the_shape_of_their_inputs(leaf, rng, x, y):
    a, b = leaf(rng.standard_normal(x)), leaf(rng.standard_normal(y))
    (a * b).sum().backward()
    assert a.grad.shape == x
    assert b.grad.shape == y
    full = np.broadcast_shapes(x, y)
    expected = np.broadcast_to(b.numpy(), full)
    extra = tuple(range(len(full) - len(x)))
    reduced = expected.sum(extra)
    axes = tuple(i for i, n in enumerate(x) if n == 1)
    np.testing.assert_allclose(a.grad.numpy(), reduced.sum(axes, keepdims=True))


def test_ndarrays_and_numbers_on_the_left(leaf):
    x = leaf([1.0, 2.0])
    if x.device == "cpu":
        y = np.array([3.0, 4.0]) * x
        assert isinstance(y, mg.Tensor) and y.requires_grad
        assert (np.array([3.0, 4.0]) - x).tolist() == [2.0, 2.0]
    assert (1 - x).tolist() == [0.0, -1.0]
    assert (2 / x).tolist() == [2.0, 1.0]
    assert (2 ** x).tolist() == [2.0, 4.0]


# ------------------------------------------------------------------ the conventions


def test_relu_at_zero_has_slope_zero(leaf):
    x = leaf([-1.0, 0.0, 2.0])
    mg.relu(x).sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 1.0]


def test_slopes_at_other_kinks(leaf):
    for function, expected in [(mg.abs, 0.0), (lambda x: mg.leaky_relu(x, 0.1), 0.1),
                               (lambda x: mg.clip(x, 0, 1), 1.0),
                               (lambda x: mg.clip(x, -1, 0), 1.0), (mg.sign, 0.0)]:
        x = leaf(0.0)
        (function(x) + 0 * x).backward()
        assert x.grad.item() == expected


def test_amax_shares_a_tie_and_max_along_a_dimension_takes_the_first(leaf):
    x = leaf([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    x.amax(1).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [[0, 0.5, 0.5], [1 / 3] * 3])
    x.grad = None
    values, indices = x.max(1)
    values.sum().backward()
    assert indices.tolist() == [1, 0]
    assert x.grad.tolist() == [[0, 1, 0], [1, 0, 0]]
    x.grad = None
    x.amin(1).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [[1, 0, 0], [1 / 3] * 3])


def test_maximum_shares_a_tie(leaf):
    x, y = leaf([1.0, 2.0]), leaf([1.0, 3.0])
    (mg.maximum(x, y) + 10 * mg.minimum(x, y)).sum().backward()
    assert x.grad.tolist() == [5.5, 10.0]
    assert y.grad.tolist() == [5.5, 1.0]


def test_max_pool_tie_goes_to_the_first_position_and_padding_never_wins(leaf):
    x = leaf(np.array([[1.0, 4.0], [4.0, 4.0]]).reshape(1, 1, 2, 2))
    mg.functional.max_pool2d(x, 2).sum().backward()
    assert x.grad.tolist() == [[[[0, 1], [0, 0]]]]
    x = leaf(np.full((1, 1, 2, 2), -5.0))
    y = mg.functional.max_pool2d(x, 2, stride=1, padding=1)
    assert y.numpy().max() == -5.0
    y.sum().backward()
    assert x.grad.numpy().sum() == 9


def test_powers_at_zero(leaf):
    x = leaf([0.0, 2.0])
    (x ** 0 + x ** 3 + x ** 2 + x ** 1).sum().backward()
    assert x.grad.tolist() == [1.0, 17.0]
    with np.errstate(all="raise"):
        x, y = leaf([0.0, 2.0]), leaf([2.0, 0.0])
        (x ** y).sum().backward()
    assert x.grad.tolist() == [0.0, 0.0]
    np.testing.assert_allclose(y.grad.numpy(), [0.0, np.log(2)])


# ------------------------------------------------------------------ tensors as Python values


def test_copies_hash_truth_and_text(leaf):
    x = leaf([1.0, 2.0])
    (x * x).sum().backward()
    y = copy.deepcopy(x)
    assert y is not x and y.requires_grad and y.tolist() == x.tolist()
    assert y.grad.tolist() == x.grad.tolist() and y.grad is not x.grad
    with mg.no_grad():
        y.zero_()
        y.grad.zero_()
    assert x.tolist() == [1.0, 2.0] and x.grad.tolist() == [2.0, 4.0]
    with pytest.raises(GradientError, match="detach"):
        copy.deepcopy(x * 2)

    assert len({x, y, x}) == 2
    assert {x: 1}[x] == 1
    assert (x == y).tolist() == [False, False]

    assert bool(leaf(1.0)) and not bool(leaf([[0.0]]))
    with pytest.raises(ArgumentError, match=r"shape \(2,\) is ambiguous"):
        bool(x)
    assert "requires_grad=True" in repr(x) and "[1., 2.]" in repr(x)
    assert "made by multiply" in repr(x * 2)
    assert "dtype=float64" in repr(x)
    assert f"{leaf(2.0):.2f}" == "2.00"


def test_pickle_and_memo(leaf):
    x = leaf([1.0, 2.0])
    if x.device == "cpu":
        y = pickle.loads(pickle.dumps(x))
        assert y.tolist() == [1.0, 2.0] and y.requires_grad
    pair = copy.deepcopy([x, x])
    assert pair[0] is pair[1]


def test_numbers_lengths_and_iteration(leaf, constant):
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    assert len(x) == 2
    assert [row.tolist() for row in x] == [[1.0, 2.0], [3.0, 4.0]]
    assert float(x[0, 1]) == 2.0 and int(x[1, 0]) == 3
    for call in (lambda: int(mg.tensor(np.nan)), lambda: int(mg.tensor(np.inf)),
                 lambda: float(mg.tensor(1j)), lambda: int(mg.tensor(1j))):
        with pytest.raises(MinigradError, match=r"takes a (finite|real) number, not"):
            call()
    assert float(mg.tensor(np.inf)) == np.inf
    assert [10, 20, 30][constant(np.array(1))] == 20
    with pytest.raises(DTypeError, match="float64"):
        [1, 2][x[0, 0]]
    with pytest.raises(ShapeError, match="one element"):
        x.item()
    with pytest.raises(ShapeError, match="no length"):
        len(x.sum())
