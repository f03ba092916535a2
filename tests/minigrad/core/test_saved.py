"""Which arrays are saved for a derivative, when they are freed, and changes in place."""

import gc
import weakref

import numpy as np
import pytest

import minigrad as mg
import minigrad.functional as F
from minigrad.check.samples import inputs_of, registered_samples
from minigrad.core.primitive import primitive, registered_primitives
from minigrad.errors import GradientError, ModifiedError


def saved_arrays(tensor):
    """The arrays with elements that the node behind a tensor keeps for its derivative."""
    return [value for value in tensor.node.saved
            if hasattr(value, "dtype") and hasattr(value, "nbytes")]


# ------------------------------------------------------------------ changes in place


def test_a_change_after_an_array_was_saved_is_noticed(leaf, constant):
    x, w = leaf([1.0, 2.0]), constant(np.array([3.0, 4.0]))
    y = (x * w).sum()
    w.mul_(2)
    with pytest.raises(ModifiedError, match="multiply saved"):
        y.backward()


@pytest.mark.parametrize("change", [
    lambda t: t.copy_(0), lambda t: t.add_(1), lambda t: t.mul_(2), lambda t: t.zero_(),
    lambda t: t.clip_(0, 1), lambda t: t.array_for_writing().fill(0),
    lambda t: t.__setitem__(0, 5.0),
], ids=["copy_", "add_", "mul_", "zero_", "clip_", "array_for_writing", "setitem"])
def test_every_way_to_change_is_noticed(leaf, change):
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    with mg.no_grad():
        change(x)
    with pytest.raises(ModifiedError):
        y.backward()


@pytest.mark.parametrize("view", [
    lambda t: t[1:], lambda t: t.reshape(2, 1), lambda t: t.detach(),
    lambda t: t.reshape(1, 2).T[1:], lambda t: t.unsqueeze(0).permute(1, 0),
], ids=["slice", "reshape", "detach", "view of a view", "permute"])
def test_a_change_through_a_view_is_noticed(leaf, constant, view):
    x, w = leaf([1.0, 2.0]), constant(np.array([3.0, 4.0]))
    y = (x * w).sum()
    view(w).mul_(2)
    with pytest.raises(ModifiedError):
        y.backward()


def returned(x):
    """An operation that returns its operand."""
    return x


same = primitive(returned)
same.derivative(x=lambda g: g)


@pytest.mark.parametrize("alias", [
    same, lambda t: t.double(), lambda t: t.to(t.dtype), lambda t: mg.sum_to_size(t, t.shape),
    lambda t: t.type_as(t), lambda t: t.cpu(), lambda t: t[0].sum_to_size(())[None],
], ids=["a primitive", "double", "to", "sum_to_size", "type_as", "cpu", "a number"])
def test_a_change_of_an_operand_that_was_returned_is_noticed(alias):
    x = mg.tensor([1.0], dtype="float64", requires_grad=True)
    y = alias(x)
    z = (y * y).sum()
    with mg.no_grad():
        x.add_(1)
    with pytest.raises(ModifiedError):
        z.backward()


def test_conversions_to_the_same_type_return_the_tensor_itself():
    x, y = mg.ones(2), mg.ones(2, dtype="float64")
    assert x.float() is x and y.double() is y and x.to("float32") is x and x.double() is not x


def test_results_that_share_memory_share_their_version():
    for name, operation in registered_primitives().items():
        for sample in registered_samples(name)[:3]:
            with np.errstate(all="ignore"):
                given = inputs_of(operation, sample)
                result = operation(*given)
            for x in given:
                if isinstance(x, mg.Tensor) and np.shares_memory(x._array, result._array):
                    assert result._version is x._version, (name, sample.note)


def test_a_change_of_the_base_is_noticed_where_a_view_was_saved(leaf, constant):
    x, w = leaf([1.0]), constant(np.array([3.0, 4.0]))
    y = (x * w[1:]).sum()
    w.zero_()
    with pytest.raises(ModifiedError):
        y.backward()


def test_a_change_of_the_result_is_noticed_where_the_rule_uses_it(leaf, on_device):
    x = leaf([1.0, 2.0])
    y = x.exp()
    with mg.no_grad():
        y.zero_()
    with pytest.raises(ModifiedError, match="exp saved"):
        y.backward(on_device(np.ones(2)))


def test_changes_that_no_derivative_needs_are_allowed(leaf, constant):
    x, w = leaf([1.0, 2.0]), constant(np.array([3.0, 4.0]))
    y = (x + w).sum()
    w.zero_()
    copied = (x * w.clone()).sum()
    w.add_(1)
    (y + copied).backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_changes_of_what_is_recorded_are_refused(leaf):
    x = leaf([1.0, 2.0])
    with pytest.raises(GradientError, match="no_grad"):
        x.add_(1)
    with pytest.raises(GradientError, match="no_grad"):
        x[0] = 3.0
    w = mg.zeros(2)
    with pytest.raises(GradientError, match="lose the gradient"):
        w[0] = x[0]
    w[0] = 3.0
    assert w.tolist() == [3.0, 0.0]
    with mg.no_grad():
        x[0] = 5.0
    assert x.tolist() == [5.0, 2.0]


def test_augmented_assignment_of_a_recorded_result_rebinds(leaf):
    x = leaf([1.0, 2.0])
    first = total = 2 * x
    total += x
    assert total is not first and first.tolist() == [2.0, 4.0]
    total -= 1
    total.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_a_constant_that_a_loss_is_added_to_becomes_recorded(leaf, constant):
    x, start = leaf([1.0, 2.0]), constant(0.0, np.float64)
    total = start
    total += (x * x).sum()
    assert start.item() == 0 and total.item() == 5
    total.backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_data_is_read_only_and_the_constructor_copies():
    array = np.array([1.0, 2.0])
    x = mg.Tensor(array)
    array[0] = 100
    assert x.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        x.data[0] = 3
    x.numpy()[0] = 100
    assert x.tolist() == [1.0, 2.0]


# ------------------------------------------------------------------ what is saved


def test_product_with_a_constant_keeps_one_array(leaf, constant):
    x, c = leaf([1.0, 2.0]), constant(np.array([3.0, 4.0]))
    (saved,) = saved_arrays(x * c)
    assert saved is c._array
    assert len(saved_arrays(x * x)) == 2


def test_sums_and_shapes_keep_no_array(leaf):
    x = leaf(np.ones((3, 4)))
    for y in (x + 1, -x, x.sum(0), x.mean(), x.reshape(12), x.T, x[1:], x.expand(2, 3, 4)):
        assert saved_arrays(y) == [], y.node


def test_only_what_rules_name_stays_alive(leaf, constant):
    """The input of exp is free as soon as nobody else holds it: its rule names the result."""
    x = leaf(np.ones(3))
    y = x + 1
    inner = weakref.ref(y)
    z = y.exp()
    del y
    assert inner() is None
    (saved,) = saved_arrays(z)
    assert saved is z._array


def test_frozen_weights_keep_no_activation(leaf, constant, rng, on_device):
    image = leaf(rng.standard_normal((1, 2, 5, 5)))
    weight = constant(rng.standard_normal((3, 2, 3, 3)))
    y = mg.functional.conv2d(image, weight)
    assert [array is weight._array for array in saved_arrays(y)] == [True]
    y.backward(on_device(np.ones(y.shape)))
    assert weight.grad is None


def demand_that_results_die(leaf):
    """Forward and backward: as soon as no name is left, tensors and nodes are gone."""
    x, w = leaf(np.ones((3, 3))), leaf(np.ones((3, 3)))
    hidden = mg.relu(x @ w).exp()
    loss = (hidden * hidden).sum()
    references = [weakref.ref(t) for t in (hidden, hidden.node, loss, loss.node)]
    loss.backward()
    del hidden, loss
    assert [r() for r in references] == [None] * 4

    loss = (x.exp() * w).sum()
    (g,) = mg.grad(loss, x, create_graph=True)
    (h,) = mg.grad(g.sum(), x, create_graph=True)
    references = [weakref.ref(t) for t in (loss, g, h, loss.node, g.node, h.node)]
    del loss, g, h
    assert [r() for r in references] == [None] * 6

    image, weight = leaf(np.ones((1, 2, 6, 6))), leaf(np.ones((3, 2, 3, 3)))
    features = F.max_pool2d(F.conv2d_relu(image, weight, padding=1), 2)
    loss = F.gram_matrix(features).sum()
    references = [weakref.ref(t) for t in (features, features.node, loss, loss.node)]
    loss.backward()
    del features, loss
    assert [r() for r in references] == [None] * 4

    y = x * 2
    y.retain_grad()
    reference = weakref.ref(y)
    del y
    assert reference() is None


def test_tensors_are_freed_without_the_garbage_collector(leaf):
    demand_that_results_die(leaf)       # on a GPU this compiles kernels: CuPy leaves cycles
    gc.collect()
    gc.disable()
    try:
        demand_that_results_die(leaf)
        assert gc.collect() == 0
    finally:
        gc.enable()
