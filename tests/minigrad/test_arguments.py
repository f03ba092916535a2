"""Arguments that are whole numbers or truth values: nothing else is taken for one."""

import inspect
from functools import partial

import numpy as np
import pytest

import minigrad as mg
from minigrad import creation
from minigrad.core.primitive import Primitive
from minigrad.errors import ArgumentError, MinigradError
from minigrad.kernels.arguments import checks_of, truth, whole

F, nn = mg.functional, mg.nn


def annotated():
    """(function, name, kind) of all annotated arguments of public functions and layers."""
    made = [name for name, value in vars(creation).items()
            if getattr(value, "__module__", "") == creation.__name__ and not name.startswith("_")]
    for space, names in ((mg.ops, mg.ops.__all__), (F, F.__all__), (mg.linalg, mg.linalg.__all__),
                         (mg.special, mg.special.__all__), (creation, made), (nn, nn.__all__)):
        for function in (getattr(space, name) for name in names):
            if inspect.isclass(function):
                if space is not nn or not hasattr(function.__init__, "__wrapped__"):
                    continue
                checks = checks_of(function.__init__.__wrapped__)
            elif inspect.isfunction(function) or isinstance(function, partial):
                checks = checks_of(function)
            else:
                continue            # a primitive, or a module
            for check in checks:
                if check.kind is not float:
                    yield function, check.name, check.kind


def test_no_number_with_a_point_is_a_whole_one_and_no_text_a_truth_value():
    """The check comes first, so no other argument is needed."""
    known = list(annotated())
    assert len(known) > 300
    for function, name, kind in known:
        for wrong in ((2.5, "2", [1], np.float64(2.0)) if kind is int else ("False", 0.5, [True])):
            with pytest.raises(ArgumentError, match=f": {name} is "):
                function(**{name: wrong})


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.array(3), True])
def test_whole_numbers_of_numpy_are_pythons(value):
    assert type(whole(value, "k")) is int or value is True
    assert whole(mg.tensor(3), "k") == 3


@pytest.mark.parametrize("value", [True, np.bool_(True), 10 ** 7, np.array(True), mg.tensor(True)])
def test_truth_values_of_numpy_are_pythons(value):
    assert truth(value, "flag") is True


I, X = mg.ones(1, 4, 6, 6), mg.ones(4, 6)
IN_PLACE_OF_SEQUENCES = [       # a call with a whole number, and one for which it is right
    (lambda n: F.max_pool2d(I, n), 2), (lambda n: F.max_pool2d(I, 2, 2, 0, n), 2),
    (lambda n: F.avg_pool1d(X, n), 2), (lambda n: F.conv2d(I, mg.ones(4, 4, 2, 2), None, n), 2),
    (lambda n: F.conv2d(I, mg.ones(4, 4, 2, 2), padding=n), 1),
    (lambda n: F.conv1d(X, mg.ones(4, 4, 2), padding=n), 1),
    (lambda n: F.conv_transpose1d(X, mg.ones(4, 4, 2), stride=n), 2),
    (lambda n: F.unfold(I, n), 2), (lambda n: F.adaptive_avg_pool2d(I, (n, 2)), 2),
    (lambda n: F.adaptive_max_pool2d(I, n), 2), (lambda n: F.interpolate(I, n), 8),
    (lambda n: F.interpolate(I, (n, 8), mode="bicubic"), 8), (lambda n: F.pad(I, (n, 1)), 2),
    (lambda n: F.pad(I, (n, 1, 1, 1), "circular"), 2), (lambda n: F.layer_norm(X, n), 6),
    (lambda n: F.rms_norm(X, (4, n)), 6), (lambda n: nn.LayerNorm(n).weight, 2),
    (lambda n: mg.repeat(X, n, 1), 2), (lambda n: mg.roll(X, n), 2),
    (lambda n: mg.roll(X, 1, n), 1), (lambda n: mg.split(X, n)[0], 2),
    (lambda n: mg.split(X, [n, 2])[0], 2), (lambda n: mg.tensor_split(X, (n,))[0], 2),
    (lambda n: mg.hsplit(X, n)[0], 2), (lambda n: mg.movedim(X, n, 0), 1),
    (lambda n: mg.tensordot(X, X.T, n), 1), (lambda n: mg.unflatten(X, 1, (n, 3)), 2),
    (lambda n: mg.tril(X, n), 1), (lambda n: mg.triu(X, n), 1), (lambda n: mg.zeros(n, 2), 2),
    (lambda n: mg.full(n, 1.0), 2), (lambda n: mg.randint(0, 1, n), 2),
    (lambda n: mg.linalg.norm(X, 2, n), 1), (lambda n: F.moment_matrix(I, (0, n, 0, 3)), 2),
]


@pytest.mark.parametrize("place", range(len(IN_PLACE_OF_SEQUENCES)))
def test_whole_numbers_in_place_of_sequences(place):
    call, n = IN_PLACE_OF_SEQUENCES[place]
    for same in (np.int64(n), np.uint8(n)):
        np.testing.assert_array_equal(call(same).numpy(), call(n).numpy())
    for wrong in (n + 0.5, float(n), str(n)):
        with pytest.raises(MinigradError):
            call(wrong)


@pytest.mark.parametrize("call, message", [
    (lambda: F.local_response_norm(I, -3), "a size of at least 1, not -3"),
    (lambda: mg.linalg.vander(mg.ones(2), N=-3), "computes 1 … .* powers, not -3"),
    (lambda: mg.randint(0.5, 3.7, (2,)), "randint: low is a whole number, not 0.5"),
    (lambda: mg.ones(1, requires_grad="False"), "requires_grad is True or False, not 'False'"),
    (lambda: mg.Tensor([1.0], "a"), "requires_grad is True or False, not 'a'"),
    (lambda: X.rot90(1.5), "rot90: k is a whole number, not 1.5"),
    (lambda: F.conv1d(X, mg.ones(4, 4, 2), padding="full"), "not 'full'"),
])
def test_arguments_without_a_meaning_are_refused(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()


@pytest.mark.parametrize("value", [3, np.int64(3), np.int32(3), mg.tensor(3)])
def test_whole_numbers_of_numpy_and_tensors_make_integers(value):
    assert mg.arange(value).dtype == mg.full((2,), value).dtype == np.int64
    assert mg.arange(value).tolist() == [0, 1, 2] and mg.full(2, value).tolist() == [3, 3]
    assert mg.full((2,), np.bool_(True)).dtype == bool


def test_element_types_may_be_texts():
    whole_numbers = mg.tensor([2 ** 24 + 1])
    for function in (mg.sum, mg.prod, mg.cumsum, F.softmax, F.log_softmax, mg.nansum):
        for x in (whole_numbers, whole_numbers > 0):
            named = {"dim": 0} if function in (mg.cumsum, F.softmax, F.log_softmax) else {}
            for dtype in ("float64", np.float64, np.dtype("float64"), float):
                assert function(x, dtype=dtype, **named).dtype == np.float64
    assert mg.sum(whole_numbers, dtype="float64").item() == 2 ** 24 + 1


def test_every_keepdim_is_a_truth_value():
    functions = [getattr(mg, name) for name in dir(mg) if callable(getattr(mg, name))
                 and not isinstance(getattr(mg, name), (type, Primitive))]
    taken = [function for function in functions
             if "keepdim" in inspect.signature(function).parameters]
    assert len(taken) > 15
    for function in taken:
        assert "keepdim" in {check.name for check in checks_of(function)}, function.__name__
