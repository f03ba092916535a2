"""Changes in place, as in PyTorch: the training step of every text book, views, refusals."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import DTypeError, GradientError, ModifiedError, OutOfRangeError, ShapeError


def test_the_training_step_of_every_text_book(leaf, constant):
    w = leaf([3.0, -2.0])
    same, memory = w, w.data
    for _ in range(50):
        ((w - constant([1.0, 2.0])) ** 2).sum().backward()
        with mg.no_grad():
            w -= 0.25 * w.grad
        w.grad = None
    assert w is same and w.requires_grad and w.is_leaf
    np.testing.assert_allclose(w.numpy(), [1.0, 2.0], atol=1e-9)
    if isinstance(memory, np.ndarray):
        assert np.shares_memory(memory, w.data)


def test_a_leaf_is_not_changed_while_it_is_recorded(leaf):
    w = leaf([1.0])
    for change in ("w += 1", "w -= w.detach()", "w *= 2", "w /= 2", "w **= 2"):
        with pytest.raises(GradientError, match=r"a leaf that requires a gradient.*no_grad") as e:
            exec(change, {"w": w})
        assert change[2:4] in str(e.value)[:12] or "**=" in str(e.value)
    assert w.tolist() == [1.0]


def test_a_change_is_seen_through_views_and_counts_as_a_version(leaf, constant):
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    y = (x * x).sum()
    with mg.no_grad():
        row = x[0]
        row += 10
    assert x.tolist() == [[11.0, 12.0], [3.0, 4.0]]
    with pytest.raises(ModifiedError, match="multiply"):
        y.backward()
    z = constant([1.0, 2.0])
    z[0].zero_()
    assert z.tolist() == [0.0, 2.0]


@pytest.mark.parametrize("change, right", [
    (lambda x: x.__iadd__(2), [3.0, 6.0]), (lambda x: x.__isub__(2), [-1.0, 2.0]),
    (lambda x: x.__imul__(x), [1.0, 16.0]), (lambda x: x.__itruediv__(2), [0.5, 2.0]),
    (lambda x: x.__ipow__(2), [1.0, 16.0]), (lambda x: x.add_(1, alpha=3), [4.0, 7.0]),
    (lambda x: x.add_(mg.tensor([1, 2]), alpha=2), [3.0, 8.0]),
    (lambda x: x.clip_(2), [2.0, 4.0]), (lambda x: x.copy_(7), [7.0, 7.0]),
    (lambda x: x.mul_(np.float64(3)), [3.0, 12.0]),
], ids=["+=", "-=", "*=", "/=", "**=", "alpha", "integers", "clip_", "copy_", "scalar"])
def test_constants_are_changed_in_place_with_recording_on(change, right):
    x = mg.tensor([1.0, 4.0])
    part = x[1:]
    assert change(x) is x
    assert x.tolist() == right and part.tolist() == right[1:] and x.dtype == np.float32


@pytest.mark.parametrize("dtype", ["float32", "int64"])
@pytest.mark.parametrize("wrong", [
    None, "5", b"1", np.array(["1", "2"]), np.array(["2001", "2002"], "M8[Y]"), [None, 1],
    np.array([1, 2], object), np.datetime64("2001"), np.timedelta64(1, "s"), object(), np.float32,
    {}, [1j, 2], 1j, [[1], [1, 2]],
], ids=["None", "text", "bytes", "texts", "dates", "list of None", "objects", "date", "duration",
        "object", "class", "dict", "complex list", "complex", "ragged"])
def test_only_numbers_are_written(wrong, dtype):
    """NumPy would write NaN for None, years for dates, and real parts."""
    x = mg.ones(2, dtype=dtype)
    for change in (lambda: x.copy_(wrong), lambda: x.__setitem__(slice(None), wrong),
                   lambda: x.__setitem__(0, wrong), lambda: x.fill_(wrong)):
        with pytest.raises((DTypeError, ShapeError), match=r"number|lengths") as caught:
            change()
        assert "does not fit" not in str(caught.value) and x.tolist() == [1, 1]


@pytest.mark.parametrize("change, error, words", [
    (lambda: mg.tensor([1, 2]).add_(0.5), DTypeError, "int64.*float32"),
    (lambda: mg.tensor([1, 2]).__itruediv__(2), DTypeError, "int64.*float32"),
    (lambda: mg.zeros(3).__iadd__(mg.zeros(2, 3)), ShapeError, r"\(3,\).*\(2, 3\)"),
    (lambda: mg.zeros(3).__iadd__(mg.zeros(2)), ShapeError, r"a \+ b.*\(3,\) and \(2,\)"),
    (lambda: mg.zeros(3).add_(mg.zeros(2)), ShapeError, r"\(3,\) and \(2,\)"),
    (lambda: mg.zeros(3).copy_(mg.zeros(2)), ShapeError, r"copy_.*\(2,\).*\(3,\)"),
    (lambda: mg.zeros(3).__setitem__(slice(2), mg.zeros(3)), ShapeError, r"\(3,\).*\(2,\)"),
    (lambda: mg.zeros(3).__setitem__(5, 1), OutOfRangeError, "5"),
    (lambda: mg.zeros(3, 1).expand(3, 2).mul_(2), ShapeError, "clone"),
], ids=["add_ float", "/= int", "+= wider", "+= clash", "add_ clash", "copy_", "x[i] = v",
        "index", "expand"])
def test_a_change_that_does_not_fit_is_refused(change, error, words):
    with pytest.raises(error, match=words):
        change()


def test_expand_to_the_same_shape_may_be_changed():
    assert mg.ones(2, 3).expand(2, 3).mul_(2).tolist() == [[2.0] * 3] * 2


def test_assigning_to_numbers_and_lists_together_follows_pytorch():
    x = mg.zeros(3, 4, 5)
    x[0, :, [1, 2]] = mg.ones(4, 2)
    assert x[0, :, 1:3].tolist() == [[1.0, 1.0]] * 4 and x.numpy().sum() == 8
