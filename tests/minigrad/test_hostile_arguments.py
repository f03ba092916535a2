"""Operands that are no tensors, numbers that state how often, and what messages quote."""

import inspect
import itertools
import time
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.primitive import Primitive
from minigrad.errors import ArgumentError, MinigradError, OutOfRangeError, ShapeError
from minigrad.printable import one_line, shown

F = mg.functional
OPERANDS = (np.array([None, 1, 2], object), np.datetime64("2020-01-01"), np.timedelta64(1, "s"),
            np.array(["a"]), np.zeros(3, [("a", "f4")]), "text", b"x", None, (), (-1,),
            [[1], [1, 2]], [mg.ones(1), mg.ones(1, 1)], {}, object(), 2 ** 63, -2 ** 63,
            10 ** 30, 10 ** 5000, np.float32, np.ndarray, mg.Tensor, mg.nn.Parameter)
QUOTED = (mg.ones(40, 40), [mg.ones(2, 3)], list(range(10 ** 4)), "\ud800", "a\nb", "\x1b[31m",
          "x" * 999, 10 ** 5000)
BINARY_OPERATORS = ("add", "sub", "mul", "truediv", "pow", "matmul", "floordiv", "mod", "and", "or",
                    "xor", "lshift", "rshift", "eq", "ne", "lt", "le", "gt", "ge", "iadd", "imul",
                    "ipow", "iand")


def taking(least):
    """(name, function) of the public functions that take at least so many positional arguments."""
    for space in (mg.ops, F, mg.linalg, mg.special):
        for name in space.__all__:
            function = getattr(space, name)
            if isinstance(function, Primitive) or inspect.isfunction(function):
                kinds = [p.kind for p in inspect.signature(function).parameters.values()]
                if kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD) >= least \
                        or inspect.Parameter.VAR_POSITIONAL in kinds:
                    yield name, function


def refused_or_computed(call, *given):
    """Call it; an error is one of ours, in one printable line of at most 400 characters."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            # NumPy before 2.2 takes an array of one element for a number, with this warning.
            warnings.simplefilter("ignore", DeprecationWarning)
            call(*given)
    except MinigradError as error:
        text = str(error)
        assert text.isprintable() and 0 < len(text) <= 400, ascii(text)
    except TypeError as error:          # Python's own, about the number of arguments
        assert "argument" in str(error) or "unsupported operand" in str(error), error


def test_operands_that_are_no_numbers_are_refused_by_functions():
    tensors = mg.ones(3), mg.tensor([1, 2, 3], dtype="uint8")
    for (_, function), wrong, x in itertools.product(taking(2), OPERANDS, tensors):
        refused_or_computed(function, x, wrong)


def test_operands_that_are_no_numbers_are_refused_by_methods():
    names = [name for name in dir(mg.Tensor) if not name.startswith("_")
             and callable(getattr(mg.Tensor, name)) and name not in ("register_hook", "tolist")]
    names += [f"__{name}__" for name in BINARY_OPERATORS]
    for name, wrong in itertools.product(names, OPERANDS):
        refused_or_computed(getattr(mg.tensor([1, 2, 3], dtype="uint8"), name), wrong)


@pytest.mark.parametrize("call, kind", [
    (lambda: mg.ones(3, 3).matmul((-1,)), mg.errors.DTypeError),
    (lambda: mg.ones(3, 3) @ 5, mg.errors.DTypeError),
    (lambda: mg.ones(3) + np.float32, mg.errors.DTypeError),
    (lambda: mg.ones(3) * np.ndarray, mg.errors.DTypeError),
    (lambda: mg.ones(3) @ mg.Tensor, mg.errors.DTypeError),
    (lambda: mg.where(mg.ones(1) > 0, np.float32, np.float32), mg.errors.DTypeError),
    (lambda: mg.sum(mg.ones(3), np.float32), ArgumentError),
    (lambda: mg.softmax(mg.ones(3), np.float64), MinigradError),
    (lambda: mg.ones(3).mean(mg.Tensor), MinigradError),
    (lambda: mg.ones(3).logical_or(np.array([None, 1, 2], object)), mg.errors.DTypeError),
    (lambda: mg.atan2(mg.ones(3), np.datetime64("2020-01-01")), mg.errors.DTypeError),
    (lambda: mg.ne(mg.ones(3), np.array(["a"])), mg.errors.DTypeError),
    (lambda: mg.ones(3).mul_(10 ** 400), mg.errors.DTypeError),
    (lambda: mg.nn.Parameter([mg.ones(1), mg.ones(1, 1)]), ShapeError),
    (lambda: mg.Tensor([[1], [1, 2]]), ShapeError),
    (lambda: mg.zeros(3).copy_([mg.ones(1), mg.ones(1, 1)]), ShapeError),
    (lambda: mg.zeros(3).__setitem__(0, [[1], [1, 2]]), ShapeError),
    (lambda: mg.zeros(3).__setitem__([[1], [1, 2]], 0), OutOfRangeError),
    (lambda: mg.zeros(3).transpose(0, 10 ** 5000), MinigradError),
])
def test_operands_are_refused_in_a_sentence(call, kind):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value).isprintable()


def test_messages_are_one_printable_line_whatever_they_quote(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)         # one of the names can be that of a file
    x = mg.ones(1, 2, 4, 4)
    for (_, function), wrong in itertools.product(taking(2), QUOTED):
        refused_or_computed(function, x, wrong)
        refused_or_computed(function, x, 1, wrong)
    for wrong in ("\0", "\ud800", "a\nb"):
        refused_or_computed(mg.load, wrong)
        refused_or_computed(mg.save, {}, wrong)


def test_arguments_are_shown_by_type_and_short():
    assert shown(mg.ones(2, 3)) == "a float32 tensor of shape (2, 3)"
    assert shown([mg.ones(2)]) == "[a float32 tensor of shape (2,)]"
    assert shown("a") == "'a'" and shown(1.5) == "1.5" and shown((1, 2)) == "(1, 2)"
    assert shown(np.float32) == "<class 'numpy.float32'>"
    assert shown(10 ** 5000) == "an integer of 16610 bits"
    assert len(shown(list(range(10 ** 6)))) <= 61
    with pytest.raises(ArgumentError, match=r"not a float32 tensor of shape \(2, 3\)$"):
        mg.cumsum(mg.ones(3), mg.ones(2, 3))
    assert one_line("a\n  b\x1b", 9) == "a b�" and len(one_line("x" * 999, 400)) == 400


@pytest.mark.parametrize("call", [
    lambda: mg.tensor_split(mg.ones(4), 10 ** 8),
    lambda: mg.hsplit(mg.ones(4, 0), 10 ** 8),
    lambda: mg.chunk(mg.ones(0), 10 ** 8),
    lambda: mg.linalg.vander(mg.ones(3), N=2 ** 31),
    lambda: mg.special.multigammaln(mg.ones(3), 2 ** 63),
    lambda: mg.mvlgamma(mg.ones(3), 100000),
    lambda: mg.polygamma(10 ** 7, mg.ones(3)),
    lambda: mg.repeat_interleave(mg.ones(3), 2 ** 40),
    lambda: mg.tensordot(mg.ones(3), mg.ones(3), 10 ** 8),
    lambda: mg.combinations(mg.ones(40), 20),
    lambda: mg.combinations(mg.ones(3), 10 ** 9, True),
    lambda: F.max_pool2d(mg.ones(1, 1, 4, 4), 20_000, stride=1, padding=10_000),
    lambda: F.avg_pool2d(mg.ones(1, 1, 4, 4), (20_000, 20_000), stride=1, padding=10_000),
    lambda: mg.linalg.matrix_power(mg.eye(2), 10 ** 300_000),
])
def test_a_number_that_states_how_often_is_bounded(call):
    start = time.process_time()
    with pytest.raises(MinigradError):
        call()
    assert time.process_time() - start < 0.5


def test_the_gradient_of_an_immense_enlargement_takes_no_longer_than_the_enlargement():
    start = time.process_time()
    x = mg.ones(1, 1, 1, 2, requires_grad=True)
    F.interpolate(x, size=(1, 40000)).sum().backward()
    assert x.grad.tolist() == [[[[20000.0, 20000.0]]]]
    assert time.process_time() - start < 0.5


def test_gradcheck_of_no_function_or_no_inputs():
    x = mg.ones(2, dtype="float64", requires_grad=True)
    for check in (mg.check.gradcheck, mg.check.gradgradcheck):
        refused_or_computed(check, 5, 5)
        refused_or_computed(check, 5, x)
        with pytest.raises(ArgumentError, match="takes a tensor or a tuple of arguments, not 5"):
            check(mg.exp, 5)


def test_a_neighbourhood_larger_than_all_channels_costs_no_more(rng):
    x = mg.tensor(rng.standard_normal((2, 3, 4)))
    start = time.process_time()
    y = F.local_response_norm(x, 10 ** 9, alpha=1e9)
    assert time.process_time() - start < 0.5
    every = (x * x).sum(1, keepdim=True)                # of all channels, over the size
    np.testing.assert_allclose(y.numpy(), (x / (every + 1) ** 0.75).numpy(), rtol=1e-12)
    for size in (4, 7, 8, 11):
        padded = np.pad((x * x).numpy(), ((0, 0), (size // 2, (size - 1) // 2), (0, 0)))
        means = np.lib.stride_tricks.sliding_window_view(padded, size, 1).mean(-1)
        np.testing.assert_allclose(F.local_response_norm(x, size, 2.0).numpy(),
                                   x.numpy() / (1 + 2 * means) ** 0.75, rtol=1e-12)


@pytest.mark.parametrize("call, message", [
    (lambda x: x.add_(x, alpha=np.ones(2)), "add_ takes one number for alpha"),
    (lambda x: x.sub_(x, alpha=mg.ones(2)), "sub_ takes one number for alpha"),
    (lambda x: x.requires_grad_(np.ones(2)), "requires_grad is True or False, not a ndarray"),
    (lambda x: mg.ones(2, requires_grad=mg.ones(2)), "requires_grad is True or False"),
    (lambda x: format(x[0], "none"), "format cannot be computed for a float32 tensor"),
    (lambda x: mg.divide(1, 0), "cannot be computed"),
    (lambda x: mg.remainder(1, 0), "a whole number cannot be divided by 0"),
])
def test_mistakes_of_single_arguments(call, message):
    with pytest.raises(ArgumentError, match=message):
        call(mg.ones(2))


def test_numbers_of_python_are_divided_as_tensors_are():
    with np.errstate(invalid="ignore", divide="ignore"):
        assert np.isnan(mg.remainder(0.5, 0)) and mg.floor_divide(0.5, 0) == np.inf
    assert mg.remainder(-7, 3) == 2 and mg.floor_divide(-7, 3) == -3
    for function in (mg.remainder, mg.floor_divide):        # beside a tensor they are as before
        assert function(0.5, mg.ones(1)).dtype == np.float32
    mg.manual_seed(np.int64(3))
    first = mg.rand(1).item()
    mg.manual_seed(3)
    assert mg.rand(1).item() == first


def test_flags_are_truth_values():
    for function in (mg.unique, mg.unique_consecutive):
        assert len(function(mg.zeros(0), return_counts=10 ** 7)) == 2
        assert len(function(mg.zeros(3), return_inverse=-1)) == 2


def test_arguments_that_are_nested_too_deeply():
    deep, cycle = [], []
    cycle.append(cycle)
    for _ in range(3000):
        deep = [deep]
    calls = (lambda x: F.pad(x, x), lambda x: mg.zeros(2, dtype=x), mg.tensor, mg.ones(2).reshape,
             mg.ones(2).sum, mg.cat, mg.ones(2).copy_, mg.ones(2).to, mg.permute, mg.zeros)
    for call, wrong in itertools.product(calls, (deep, cycle)):
        refused_or_computed(call, wrong)
