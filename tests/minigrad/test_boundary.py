"""What no check has foreseen ends in a sentence of ours, too, never in one of NumPy."""

import inspect

import numpy as np
import pytest

import minigrad as mg
from minigrad import creation
from minigrad.core.primitive import Primitive
from minigrad.kernels.boundary import guarded

F = mg.functional

# What a public function may be given by mistake: each alone, and behind and before a tensor.
WRONG = ("text", None, [[1, 2], [3]], {}, -1, object(), (1, "b"), mg.ones(2, 0, 3))
FOREIGN = ("ufunc", "numpy.", "loop of", "array element", "object has no attribute",
           "not subscriptable", "not iterable", "not supported between", "unsupported operand")
SKIPPED = {"detect_anomaly", "conv_algorithm", "Window"}       # contexts, and a class


def public_functions():
    """(name, function) of everything that computes; twice-named ones once."""
    spaces = {"mg": (mg, mg.ops.__all__), "F": (F, F.__all__), "linalg": (mg.linalg,
              mg.linalg.__all__), "special": (mg.special, mg.special.__all__),
              "make": (creation, [name for name, value in vars(creation).items()
                                  if getattr(value, "__module__", "") == creation.__name__
                                  and not name.startswith("_")])}
    found = {}
    for space, (module, names) in spaces.items():
        for name in names:
            value = getattr(module, name)
            if (inspect.isfunction(value) or isinstance(value, Primitive)) \
                    and name not in SKIPPED:
                found.setdefault(id(value), (f"{space}.{name}", value))
    return dict(found.values())


FUNCTIONS = public_functions()


def arguments():
    x = mg.ones(2, 3)
    for wrong in WRONG:
        yield from ((wrong,), (x, wrong), (wrong, x), (x, x, wrong), (x, wrong, wrong))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_wrong_arguments_end_in_a_sentence_of_ours(name):
    with np.errstate(all="ignore"):
        for given in arguments():
            try:
                FUNCTIONS[name](*given)
            except mg.MinigradError as error:
                text = str(error)
                assert text and not any(words in text for words in FOREIGN), text
            except TypeError as error:      # an argument too few or too many
                assert "argument" in str(error), error


@pytest.mark.parametrize("call, kind, words", [
    (lambda: mg.zeros(-1), mg.errors.ShapeError, "zeros.*negative"),
    (lambda: mg.tensor([[1, 2], [3]]), mg.errors.ShapeError, "different lengths"),
    (lambda: mg.zeros(10 ** 15), mg.errors.OutOfMemoryError, "zeros.*smaller shapes"),
    (lambda: mg.zeros(10 ** 9, 10 ** 9, 10 ** 9), mg.errors.OutOfMemoryError, "too large"),
    (lambda: mg.arange(), mg.errors.DTypeError, "arange.*no arguments"),
    (lambda: mg.arange(0, 1, 0), mg.errors.ArgumentError, "arange"),
    (lambda: mg.tensor([1.0], dtype="nonsense"), mg.errors.DTypeError, "nonsense"),
    (lambda: mg.tensor([300], dtype="uint8"), mg.errors.DTypeError, "300"),
    (lambda: mg.full((2,), None), mg.errors.DTypeError, "full takes a number"),
    (lambda: mg.from_numpy([1, 2]), mg.errors.DTypeError, "from_numpy takes an array"),
    (lambda: mg.bernoulli(mg.tensor([2.0])), mg.errors.ArgumentError, "from 0 to 1"),
    (lambda: mg.normal(0.0, -1.0, (2,)), mg.errors.ArgumentError, "at least 0"),
    (lambda: mg.randperm(-1), mg.errors.ArgumentError, "at least 0"),
    (lambda: mg.manual_seed(-1), mg.errors.ArgumentError, "at least 0"),
    (lambda: mg.einsum("i,i", mg.ones(2), [1.0, 2.0]), mg.errors.MinigradError, "einsum"),
    (lambda: mg.ones(2)["a":], mg.errors.MinigradError, "select|getitem"),
    (lambda: mg.ones(2).reshape(-2), mg.errors.ShapeError, "reshape"),
    (lambda: mg.ones(2).reshape("a"), mg.errors.DTypeError, "reshape"),
    (lambda: mg.ones(2).to("tpu"), mg.errors.DTypeError, "to does not work"),
    (lambda: mg.clip(mg.ones(2)), mg.errors.ArgumentError, "needs a limit"),
    (lambda: mg.grad(3, 4), mg.errors.DTypeError, "int"),
    (lambda: mg.hessian(3, mg.ones(2)), mg.errors.ArgumentError, "functions"),
    (lambda: mg.checkpoint(3), mg.errors.ArgumentError, "takes a function"),
    (lambda: mg.nn.Linear("a", 2), mg.errors.ArgumentError, "Linear: in_features is a whole"),
    (lambda: mg.nn.Linear(2, 3)("a"), mg.errors.DTypeError, "a"),
    (lambda: mg.nn.ModuleList(3), mg.errors.DTypeError, "ModuleList"),
    (lambda: mg.nn.Sequential(mg.nn.ReLU())[5], mg.errors.OutOfRangeError, "Sequential"),
    (lambda: mg.optim.SGD(3, 0.1), mg.errors.DTypeError, "SGD"),
    (lambda: mg.optim.Adam([mg.ones(2)], betas=3), mg.errors.DTypeError, "Adam"),
    (lambda: mg.load(3), mg.errors.FileError, "cannot read 3"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_mistake_is_named(call, kind, words):
    with pytest.raises(kind, match=words):
        call()


def test_errors_of_the_users_own_code_pass():
    class Own(mg.nn.Module):
        def forward(self, x):
            raise ValueError("mine")

    def mine(x):
        raise LookupError("mine")

    with pytest.raises(ValueError, match=r"^mine$"):
        mg.nn.Sequential(Own())(mg.ones(2))
    with pytest.raises(LookupError, match=r"^mine$"):
        mg.jacobian(mine, mg.ones(2))


def test_what_is_guarded_remains_itself():
    def function(x, dim=0):
        """Its text."""
        return x, dim

    assert guarded(function).__doc__ == "Its text."
    assert guarded(function)(1, axis=2) == (1, 2)
    with pytest.raises(TypeError, match="unexpected keyword"):
        guarded(function)(1, other=2)
    assert list(inspect.signature(mg.cumsum).parameters)[1] == "dim"


def test_arguments_in_a_message_are_on_one_line():
    with pytest.raises(mg.MinigradError) as caught:
        mg.cat([mg.ones(3, 2, 2), None])
    assert "\n" not in str(caught.value)
