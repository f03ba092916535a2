"""Gradients are added in place only where nobody can see it."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.kernels import memory
from minigrad.kernels.elementwise import MIN_SIZE, accumulate


def image(value, fresh=np.empty):
    """1×C×H×W with channels innermost in memory: a view, as kernels return it."""
    array = fresh((1, 128, MIN_SIZE // 1024, 8), np.float32)
    array[...] = value
    return array.transpose(0, 3, 1, 2)


@pytest.mark.parametrize("fresh", [np.empty, memory.empty])
def test_in_place_if_nobody_else_has_it(fresh):
    total = image(1, fresh)
    address = total.__array_interface__["data"][0]
    result = accumulate(total, image(2))
    assert result.__array_interface__["data"][0] == address and (result == 3).all()


@pytest.mark.parametrize("keep", [
    lambda a: a, lambda a: a.base, lambda a: a[:, 1:], lambda a: a.transpose(0, 2, 3, 1),
    lambda a: [a], lambda a: mg.from_numpy(a)], ids=[
    "itself", "its base", "a slice", "another view", "a list", "a tensor"])
@pytest.mark.parametrize("fresh", [np.empty, memory.empty])
def test_never_where_somebody_has_it(keep, fresh):
    total = image(1, fresh)
    kept = keep(total)
    result = accumulate(total, image(2))
    assert (result == 3).all() and (total == 1).all()
    assert kept is not None


def test_never_into_memory_of_others():
    owner = np.full(2 * MIN_SIZE, 1, np.float32)
    total = np.frombuffer(memoryview(owner), np.float32)
    assert (accumulate(total, np.full_like(owner, 2)) == 3).all()
    assert (owner == 1).all()
    locked = image(1)
    locked.flags.writeable = False
    assert (accumulate(locked, image(2)) == 3).all()


def test_layouts_may_differ():
    term = np.ascontiguousarray(image(2))
    assert (accumulate(image(1), term) == 3).all()


def test_large_gradients_of_shared_inputs():
    """One array goes to both inputs of x + y, and x gets another on top: y must not see it."""
    n = 2 * MIN_SIZE
    x, y = mg.ones(n, requires_grad=True), mg.ones(n, requires_grad=True)
    z = x * 1 + y * 1
    (z.sum() + (x * 3).sum() + (z * z).sum()).backward()
    assert (x.grad.numpy() == 1 + 3 + 4).all() and (y.grad.numpy() == 5).all()


def test_a_gradient_that_a_hook_keeps_stays():
    n = 2 * MIN_SIZE
    x = mg.ones(n, requires_grad=True)
    y = x * 2
    kept = []
    y.register_hook(kept.append)
    (y.sum() + (y * y).sum() + y.sum()).backward()
    first = kept[0].numpy()
    assert (first == 1 + 4 + 1).all() and (x.grad.numpy() == 12).all()
    given = np.full(n, 5, np.float32)
    (x * 2 + x).backward(given)
    assert (given == 5).all()
