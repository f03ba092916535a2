"""Guards: each silent mistake has an exception of its own, and its sentence names what clashed."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import backend, errors
from minigrad import functional as F
from minigrad.core.primitive import primitive

# What is raised for which mistake; a reader can tell them apart without reading sentences.
GUARDS = {
    errors.ModifiedError: errors.GradientError,
    errors.ReleasedGraphError: errors.GradientError,
    errors.NonScalarError: errors.GradientError,
    errors.GradientShapeError: errors.GradientError,
    errors.AnomalyError: ArithmeticError,
    errors.MixedDeviceError: errors.DeviceError,
    errors.GradientDTypeError: errors.DTypeError,
}


def test_each_guard_has_a_type_of_its_own():
    for guard, base in GUARDS.items():
        assert issubclass(guard, errors.MinigradError) and issubclass(guard, base)
        assert not any(issubclass(guard, other) for other in GUARDS if other is not guard)
    assert issubclass(errors.GradientShapeError, errors.ShapeError)     # and so a ValueError


def refused(kind, action):
    """The sentence of the error that ``action`` raises: exactly ``kind``, and one sentence."""
    with pytest.raises(kind) as caught:
        action()
    assert type(caught.value) is kind
    sentence = str(caught.value)
    assert "\n" not in sentence and ". " not in sentence
    return sentence


# ------------------------------------------------ an array modified after it was saved

CHANGES = {
    "copy_": lambda x: x.copy_(0), "add_": lambda x: x.add_(1), "mul_": lambda x: x.mul_(2),
    "zero_": lambda x: x.zero_(), "clip_": lambda x: x.clip_(0, 1),
    "x[i] = v": lambda x: x.__setitem__(0, 7.0),
    "array_for_writing": lambda x: x.array_for_writing().fill(3),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_changed_after_multiply_saved_it(leaf, change):
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    loss = (x * y).sum()
    with mg.no_grad():
        change(y)
    sentence = refused(errors.ModifiedError, loss.backward)
    assert "multiply saved" in sentence and "version 0 was saved, it is now 1" in sentence
    assert x.grad is None


def test_changed_through_a_view_or_where_only_the_result_is_saved(leaf):
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    row = x.detach()[0]
    loss = (x * x).sum()
    row.mul_(10)
    assert "multiply saved" in refused(errors.ModifiedError, loss.backward)
    y = leaf([0.0, 1.0]).exp()
    with mg.no_grad():
        y.zero_()
    assert "exp saved" in refused(errors.ModifiedError, y.sum().backward)


def test_a_change_that_no_rule_minds_is_allowed(leaf):
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    loss = (x + y).sum()
    with mg.no_grad():
        x.zero_()
    loss.backward()
    assert x.grad.tolist() == y.grad.tolist() == [1, 1]


# ------------------------------------------------------------ a graph that is released


def test_second_backward_names_the_first_operation_on_the_way(leaf):
    x = leaf([1.0, 2.0])
    loss = x.exp().sum()
    loss.backward()
    sentence = refused(errors.ReleasedGraphError, loss.backward)
    assert sentence.startswith("sum was already differentiated")
    assert "retain_graph=True" in sentence
    assert x.grad.tolist() == pytest.approx(np.exp([1.0, 2.0]).tolist())


def test_a_released_part_shared_by_two_losses_is_noticed(leaf):
    x = leaf([1.0, 2.0])
    shared = x.exp()
    shared.sum().backward()
    sentence = refused(errors.ReleasedGraphError, (shared * 2).sum().backward)
    assert sentence.startswith("exp was already differentiated")


# ------------------------------------------------------- several elements, no gradient


def test_backward_from_several_elements(leaf):
    x = leaf([1.0, 2.0])
    sentence = refused(errors.NonScalarError, (x * x).backward)
    assert "the result of multiply with shape (2,) needs a gradient of that shape" in sentence
    assert "the leaf with shape (2,)" in refused(errors.NonScalarError, x.backward)
    assert "multiply with shape (2,)" in refused(errors.NonScalarError, lambda: mg.grad(x * x, x))
    assert "shape (2,)" in refused(errors.NonScalarError, lambda: mg.hvp(lambda t: t * t, x, x))
    assert x.grad is None


def test_a_single_element_of_any_rank_needs_no_gradient(leaf):
    x = leaf([[[3.0]]])
    (x * x).backward()
    assert x.grad.tolist() == [[[6.0]]]


# ------------------------------------------------------- a gradient of another shape


def test_gradient_handed_to_backward(leaf, on_device):
    x = leaf([1.0, 2.0])
    for wrong, shape in ((on_device(np.ones(3)), (3,)), (on_device(np.ones((2, 1))), (2, 1)),
                         (np.float64(1), ()), ([1.0], (1,))):
        sentence = refused(errors.GradientShapeError, lambda: (x * x).backward(wrong))
        assert f"shape {shape}" in sentence
        assert "the result of multiply has shape (2,)" in sentence
    assert x.grad is None


def test_as_many_gradients_as_outputs(leaf):
    x = leaf([1.0, 2.0])
    with pytest.raises(errors.GradientError, match="2 outputs but 1 grad_outputs"):
        mg.grad([x.sum(), (x * x).sum()], x, [mg.tensor(1.0)])


def test_gradient_returned_by_a_rule(leaf, leave_no_primitives):
    @primitive
    def total(x):
        """z = Σx over rows."""
        return x.sum(0)

    total.derivative(x=lambda g: g)
    sentence = refused(errors.GradientShapeError, lambda: total(leaf(np.ones((3, 2)))).sum()
                       .backward())
    assert sentence == ("the derivative rule of total for x returned shape (2,), "
                        "but x has shape (3, 2)")


def test_gradient_returned_by_a_hook(leaf):
    def squeeze(gradient):
        return gradient.sum()

    x = leaf([1.0, 2.0])
    x.register_hook(squeeze)
    sentence = refused(errors.GradientShapeError, (x * x).sum().backward)
    assert "hook squeeze returned has shape (), but its gradient has shape (2,)" in sentence


@pytest.mark.parametrize("wrong, kind", [
    (2.0, errors.DTypeError), (np.ones(2), errors.DTypeError), (mg.Tensor, errors.DTypeError),
    (mg.ones(2, dtype="float16"), errors.GradientDTypeError),
    (mg.tensor([1, 2]), errors.GradientDTypeError), (mg.ones(1), errors.GradientShapeError),
], ids=["number", "array", "class", "float16", "int64", "shape"])
def test_what_is_no_gradient_is_refused(leaf, wrong, kind):
    x = leaf([1.0, 2.0])
    remove = x.register_hook(lambda g: wrong)
    assert "the hook <lambda> returned" in refused(kind, x.sum().backward)
    remove(), remove()          # as in PyTorch, the second time does nothing
    assert ".grad" in refused(kind, lambda: setattr(x, "grad", wrong))
    x.sum().backward()
    assert x.grad.tolist() == [1, 1]
    with pytest.raises(errors.ArgumentError, match="a hook is a function, not 5"):
        x.register_hook(5)


CYCLE = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize("wrong", [
    [[1], [1, 2]], np.array(["a", "b"]), np.array([object(), 1], object), np.zeros(2, "i4,f4"),
    CYCLE, np.array([1j, 2]), [None, None], "ab", object(), np.zeros(2, "M8[s]"),
    mg.tensor([1j, 2]),
], ids=["ragged", "texts", "objects", "records", "cycle", "complex", "None", "text", "object",
        "dates", "complex tensor"])
def test_what_no_pass_can_start_from_is_refused(leaf, wrong):
    x = leaf([1.0, 2.0])
    for call in (lambda: x.backward(wrong), lambda: mg.grad(x, x, [wrong])):
        with pytest.raises(errors.MinigradError, match=r"the gradient|backward"):
            call()
    assert x.grad is None


@pytest.mark.parametrize("create_graph", [False, True])
def test_gradient_that_is_in_the_way(leaf, create_graph):
    """NumPy would broadcast the new gradient into the old one."""
    x = leaf([1.0, 2.0])
    other = leaf(np.zeros((3, 2)))
    sentence = refused(errors.GradientShapeError, lambda: setattr(x, "grad", other))
    assert "shape (2,)" in sentence and "shape (3, 2)" in sentence
    (x * x).sum().backward(create_graph=create_graph)
    assert x.grad.tolist() == [2, 4]


# --------------------------------------------------------------------- NaN and infinity


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_nan_and_infinity_name_operation_index_and_line(leaf):
    x = leaf([4.0, 0.0])
    with mg.detect_anomaly():
        root = x.sqrt()  # sqrt is called here
        sentence = refused(errors.AnomalyError, root.sum().backward)
        assert sentence.startswith("the derivative of sqrt with respect to x gave inf at "
                                   "index (1,)")
        assert "test_guards.py" in sentence and "# sqrt is called here" in sentence
        sentence = refused(errors.AnomalyError, lambda: (x - 5).log())
        assert sentence.startswith("log gave NaN at index (0,) (2 of 2 elements not finite)")
    root = x.sqrt()
    root.sum().backward()                       # nobody watches
    assert x.grad.tolist() == [0.25, np.inf]


# ------------------------------------------------------- arrays of the host and a device


class Elsewhere(np.lib.mixins.NDArrayOperatorsMixin):
    """A stand-in for the arrays of a device: like NumPy's, but it refuses to meet them."""

    def __init__(self, array):
        self.array = array

    shape = property(lambda self: self.array.shape)
    dtype = property(lambda self: self.array.dtype)
    size = property(lambda self: self.array.size)
    ndim = property(lambda self: self.array.ndim)

    def __array_ufunc__(self, ufunc, method, *inputs, **named):
        return _there(getattr(ufunc, method), *inputs, **named)

    def __getattr__(self, name):        # methods: sum, reshape, astype …
        if name.startswith("__"):       # but nothing by which NumPy could read the memory
            raise AttributeError(name)
        return lambda *args, **named: _there(getattr(self.array, name), *args, **named)


def _there(function, *args, **named):
    assert not any(isinstance(a, np.ndarray) for a in args), "a host array got to the device"
    result = function(*[a.array if isinstance(a, Elsewhere) else a for a in args], **named)
    return Elsewhere(np.asarray(result)) if isinstance(result, (np.ndarray, np.generic)) \
        else result


class ElsewhereLibrary:
    """NumPy's names on arrays that are elsewhere."""

    asnumpy = staticmethod(lambda array: array.array)

    def __getattr__(self, name):
        return lambda *args, **named: _there(getattr(np, name), *args, **named)


@pytest.fixture
def elsewhere(monkeypatch):
    """Make tensors on a device called far:0."""
    monkeypatch.setattr(backend, "_libraries", dict(backend._libraries))
    backend.register_library(Elsewhere, ElsewhereLibrary(), lambda array: "far:0", "far",
                             lambda array, device: Elsewhere(array.copy()))
    return lambda values: mg.tensor(np.asarray(values, float), requires_grad=True, device="far")


MIXTURES = {
    "multiply": lambda a, b: a * b, "add": lambda a, b: a + b, "matrix_product": lambda a, b: a @ b,
    "maximum": mg.maximum, "concatenate": lambda a, b: mg.cat([a, b, a]),
}


@pytest.mark.parametrize("name", MIXTURES)
def test_two_devices_in_one_operation(elsewhere, name):
    here = mg.tensor(np.ones((2, 2)), requires_grad=True)
    there = elsewhere(np.ones((2, 2)))
    for pair in ((here, there), (there, here), (here, there._array), (there._array, here),
                 (there, here.numpy()), (here.numpy(), there)):
        sentence = refused(errors.MixedDeviceError, lambda: MIXTURES[name](*pair))
        assert sentence == (f"{name} was given arrays on cpu and far:0; "
                            f"move them to one device with .to(device)")


def test_two_devices_in_a_convolution(elsewhere):
    there = elsewhere(np.ones((1, 1, 4, 4)))
    for weight in (mg.ones(1, 1, 3, 3).double(), np.ones((1, 1, 3, 3))):
        sentence = refused(errors.MixedDeviceError, lambda: F.conv2d(there, weight))
        assert "conv" in sentence and "cpu and far:0" in sentence


def test_gradient_on_another_device(elsewhere):
    there = elsewhere([1.0, 2.0])
    for gradient in (np.ones(2), mg.ones(2)):
        sentence = refused(errors.MixedDeviceError, lambda: (there * there).backward(gradient))
        assert "the gradient is on cpu, but the result of multiply is on far:0" in sentence


def test_the_stand_in_computes_and_moves(elsewhere):
    """So the refusals above are not for want of ability; Python numbers go anywhere."""
    here, there = mg.tensor([1.0, 2.0], requires_grad=True), elsewhere([3.0, 4.0])
    loss = (there * mg.ops.move(here, "far") * 2.0).sum()
    loss.backward()
    assert loss.device == there.grad.device == "far:0" and here.grad.device == "cpu"
    assert there.grad.numpy().tolist() == [2.0, 4.0]
    assert here.grad.tolist() == [6.0, 8.0]
    back = there.to("cpu")
    assert back.device == "cpu" and back.tolist() == [3.0, 4.0]


# --------------------------------------------------- integers that require gradients


@pytest.mark.parametrize("values", [[1, 2], [True, False]])
def test_integers_and_truth_values_have_no_gradients(values):
    kind = str(np.asarray(values).dtype)
    for attempt in (lambda: mg.tensor(values, requires_grad=True),
                    lambda: mg.tensor(values).requires_grad_(),
                    lambda: mg.zeros(2, dtype=kind, requires_grad=True),
                    lambda: mg.jacobian(lambda t: t * 1.0, mg.tensor(values))):
        sentence = refused(errors.GradientDTypeError, attempt)
        assert kind in sentence and ".float()" in sentence


def test_an_integer_operand_gets_no_gradient_and_a_cast_to_integers_gives_none(leaf, constant):
    x, n = leaf([1.5, 2.5]), constant([2, 3])
    (x * n).sum().backward()
    assert x.grad.tolist() == [2, 3] and n.grad is None
    for whole in (x.to("int64"), x.sum(dtype="int64"), x > 2, x.argmax()):
        assert not whole.requires_grad and whole.node is None
        sentence = refused(errors.GradientDTypeError, whole.requires_grad_)
        assert str(whole.dtype) in sentence
