"""The engine on arrays that are not NumPy's: nothing in it reaches for NumPy by name.

The stand-in refuses whatever CuPy refuses, see stand_in.py. Every primitive is run on it to
second order, every optimiser, and one evaluation of a style transfer.
"""

import numpy as np
import pytest
import stand_in

import minigrad as mg
import minigrad.functional as F
from minigrad import backend, errors, optim
from minigrad.check.devices import difference, to_second_order
from minigrad.check.samples import registered_samples
from minigrad.core.primitive import registered_primitives

PRIMITIVES = {name: operation for name, operation in registered_primitives().items()
              if operation.forward.__module__.startswith("minigrad.")}
DIFFERENTIABLE = [name for name, operation in PRIMITIVES.items()
                  if any(rule is not None for rule in operation.rules.values())]


@pytest.fixture
def library(monkeypatch):
    return stand_in.install(backend, monkeypatch, stand_in.Library(), "stand")


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_every_primitive_to_second_order(library, name):
    operation = PRIMITIVES[name]
    for sample in registered_samples(name):
        here, there = (to_second_order(operation, sample, device)
                       for device in ("cpu", "stand:0"))
        assert len(here) > 1 and difference(there, here) < 1e-9, sample.note


@pytest.mark.parametrize("option", [{"initial": 0.0}, {"where": True}])
def test_reductions_have_no_options_that_cupy_lacks(library, option):
    with pytest.raises(stand_in.Refusal, match="CuPy's reductions have no"):
        library.zeros((3, 2)).max(axis=0, **option)


OPTIMISERS = {
    "SGD": lambda p: optim.SGD(p, lr=1e-3, momentum=0.9, nesterov=True, weight_decay=0.1),
    "Adam": lambda p: optim.Adam(p, lr=0.1, weight_decay=0.01),
    "AdamW": lambda p: optim.AdamW(p, lr=0.1),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
    "LBFGS": lambda p: optim.LBFGS(p, max_iter=3, history_size=4),
    "LBFGS without a search": lambda p: optim.LBFGS(p, lr=0.1, max_iter=3, line_search_fn=None),
}


def descent(make, device, steps=6):
    """The losses on the way down a valley, and what the optimiser says of its state."""
    slope = mg.tensor(np.linspace(1, 30, 12), device=device)
    x = mg.tensor(np.random.default_rng(2).standard_normal(12), requires_grad=True, device=device)
    optimiser = make([x])
    losses = []

    def closure():
        optimiser.zero_grad()
        loss = (slope * x * x).sum() + (x ** 4).sum()
        loss.backward()
        losses.append(loss.item())
        return loss

    for step in range(steps):
        optimiser.step(closure)
        if step == 2:           # saved and loaded on the way
            optim.clip_grad_norm_([x], 1e6)
            state = optimiser.state_dict()
            optimiser = make([x])
            optimiser.load_state_dict(state)
    return losses


@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_optimiser(library, name):
    here, there = (descent(OPTIMISERS[name], device) for device in ("cpu", "stand:0"))
    assert len(here) == len(there) and here[-1] < here[0]
    np.testing.assert_allclose(there, here, rtol=1e-9)


def evaluation(device):
    """Loss and gradient of a small style transfer, and how often the host waited for them."""
    from nst import Settings
    from nst.loss.objective import Objective
    from nst.model import weights
    settings = Settings(content_layers="relu2_1", style_layers="relu1_1,relu2_1", tv_weight=0.5)
    network = weights.load("random:0", "relu2_1", device)
    rng = np.random.default_rng(4)
    content, style = (mg.tensor(100 * rng.standard_normal((1, 3, *size)).astype("f"),
                                device=device) for size in ((16, 20), (12, 14)))
    objective = Objective(network, settings, content, style)
    picture = (0.5 * content).detach().requires_grad_()
    losses = objective(picture)
    losses.total.backward()
    return losses.total.item(), picture.grad


def test_a_style_transfer(library):
    loss, gradient = evaluation("cpu")
    theirs, far = evaluation("stand:0")
    assert far.device == "stand:0"
    assert theirs == pytest.approx(loss, rel=1e-5)
    difference = np.linalg.norm(far.numpy() - gradient.numpy())
    assert difference < 1e-4 * np.linalg.norm(gradient.numpy())


def test_the_stand_in_refuses(library):
    """So that the tests above prove something."""
    array = library.asarray(np.arange(3.0))
    for attempt in (lambda: np.asarray(array), lambda: np.add(array, 1), lambda: np.sum(array),
                    lambda: array + np.ones(3), lambda: library.add(array, np.ones(3)),
                    lambda: np.ones(3) + array):
        with pytest.raises(TypeError):
            attempt()
    with pytest.raises(AttributeError, match="CuPy"):
        getattr(library, "scatter_" + "add")


def test_functions_of_the_engine_make_tensors_there(library):
    for make in (mg.zeros, mg.ones, mg.rand, mg.randn):
        assert make(2, 3, device="stand").device == "stand:0"
    mg.manual_seed(5)
    here = mg.randn(4)
    mg.manual_seed(5)
    assert mg.randn(4, device="stand").tolist() == here.tolist()
    x = mg.randn(3, 4, device="stand")
    assert F.dropout(x, 0.5).device == mg.ops.move(x.cpu(), "stand:0").device == "stand:0"
    assert "stand:0" in repr(x)


@pytest.mark.parametrize("place", ["cpu", "stand"])
@pytest.mark.parametrize("mistake", [
    lambda x, at: x[at([0, 2])], lambda x, at: x[:, at([[-5]])],
    lambda x, at: x[..., None, at([4])],
    lambda x, at: mg.gather(x, 1, at([[0], [4]])), lambda x, at: mg.take(x, at([8]))])
def test_an_index_that_does_not_exist(library, place, mistake):
    """CuPy would take another element, and say nothing."""
    x = mg.ones(2, 4, device=place)
    for at in (np.array, lambda values: mg.tensor(values, device=place)):
        with pytest.raises(errors.ShapeError, match="out of bounds"):
            mistake(x, at)


def test_indices_that_exist(library):
    x = mg.arange(24, device="stand").reshape(2, 3, 4)
    mask = mg.tensor([[True, False, True], [False, True, False]], device="stand")
    for index in (np.array([1, -2]), (np.array([0, 1]), Ellipsis, None, np.array([-4, 3])),
                  (mask, np.array([3, 0, -1])), (0, np.array([], int)), (slice(None), [2, 2])):
        plain = tuple(part.numpy() if part is mask else part for part in index) \
            if isinstance(index, tuple) else index
        np.testing.assert_array_equal(x[index].numpy(), x.numpy()[plain])


def test_arrays_of_the_host_where_they_are_taken(library):
    """Conditions, indices, and what is copied into a tensor may come from anywhere."""
    x = mg.tensor([1.0, 2.0, 3.0], device="stand", requires_grad=True)
    where = mg.where(np.array([True, False, True]), x, 0.0)
    where.sum().backward()
    assert where.tolist() == [1, 0, 3] and x.grad.tolist() == [1, 0, 1]
    assert mg.gather(x, 0, [2, 0]).tolist() == [3, 1]
    y = mg.zeros(3, device="stand")
    y.copy_(mg.tensor([4.0, 5.0, 6.0]))
    y[1:] = np.array([7.0, 8.0])
    assert y.tolist() == [4, 7, 8]
    y[:2] = [9, 10]
    here = mg.zeros(3).copy_(y)
    assert (here.device, here.tolist()) == ("cpu", [9, 10, 8])
