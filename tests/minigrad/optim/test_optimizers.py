"""Optimisers: their formulae by hand, what they refuse, and step by step against PyTorch."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.errors import ArgumentError, MinigradError
from minigrad.optim.curvature import Curvature

SGDS = [{}, {"momentum": 0.9}, {"momentum": 0.9, "dampening": 0.3}, {"weight_decay": 0.1},
        {"momentum": 0.8, "nesterov": True},
        {"momentum": 0.8, "nesterov": True, "weight_decay": 0.05}]
ADAMS = [{}, {"betas": (0.5, 0.9), "eps": 1e-3}, {"weight_decay": 0.1}]
ADAMWS = [{}, {"betas": (0.5, 0.9), "weight_decay": 0.3}]
RMSPROPS = [{}, {"alpha": 0.8, "eps": 1e-3, "weight_decay": 0.1}, {"momentum": 0.7},
            {"centered": True}, {"centered": True, "momentum": 0.5, "weight_decay": 0.05}]


def loss_of(library, x, y):
    """A function of a matrix and a vector with all kinds of curvature."""
    return ((x @ y) ** 2).sum() + (library.exp(0.3 * x)).sum() + (x * x * x * x).sum() * 0.1


def leaves(device="cpu", dtype=np.float64):
    rng = np.random.default_rng(4)
    return [mg.tensor(rng.standard_normal(shape), dtype=dtype, device=device, requires_grad=True)
            for shape in ((3, 4), (4,))]


# --------------------------------------------------------------------------- by hand


def test_sgd_by_hand(device):
    """One push, then the velocity halves: 2, 1, ½, each step lr = ½ of it."""
    x = mg.tensor([1.0, -2.0], device=device, requires_grad=True)
    optimizer = optim.SGD([x], lr=0.5, momentum=0.5)
    x.grad = mg.tensor([2.0, -2.0], device=device)
    for expected in ([0.0, -1.0], [-0.5, -0.5], [-0.75, -0.25]):
        optimizer.step()
        np.testing.assert_allclose(x.numpy(), expected, rtol=1e-6)
        optimizer.zero_grad(set_to_none=False)


def test_adams_first_step_has_length_lr(device):
    """m̂/√v̂ = g/|g| at t = 1, whatever the size of the gradient."""
    x = mg.tensor([1.0, 1.0, 1.0], dtype=np.float64, device=device, requires_grad=True)
    x.grad = mg.tensor([1e-3, -50.0, 7.0], dtype=np.float64, device=device)
    optim.Adam([x], lr=0.1, eps=0).step()
    np.testing.assert_allclose(x.numpy(), [0.9, 1.1, 0.9], rtol=1e-12)


def test_adamw_decays_all_weights_alike(device):
    """Without a gradient only the decay is left: x ← x(1 − lr·λ)."""
    x = mg.tensor([1.0, -50.0], dtype=np.float64, device=device, requires_grad=True)
    x.grad = mg.zeros_like(x)
    optim.AdamW([x], lr=0.1, weight_decay=0.5).step()
    np.testing.assert_allclose(x.numpy(), [0.95, -47.5], rtol=1e-12)


def test_rmsprops_first_step(device):
    """v = (1 − α)g², so the first step is lr/√(1 − α) whatever the gradient."""
    x = mg.tensor([1.0, 1.0], dtype=np.float64, device=device, requires_grad=True)
    x.grad = mg.tensor([1e-3, -50.0], dtype=np.float64, device=device)
    optim.RMSprop([x], lr=0.1, alpha=0.75, eps=0).step()
    np.testing.assert_allclose(x.numpy(), [0.8, 1.2], rtol=1e-12)


@pytest.mark.parametrize("make", [lambda p: optim.SGD(p, lr=0.02, momentum=0.5),
                                  lambda p: optim.Adam(p, lr=0.05),
                                  lambda p: optim.AdamW(p, lr=0.05),
                                  lambda p: optim.RMSprop(p, lr=0.01, momentum=0.3),
                                  optim.LBFGS])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_loss_falls_and_arrays_stay_where_they_are(make, dtype, device):
    params = leaves(device, dtype)
    arrays = [p._array for p in params]
    optimizer = make(params)

    def closure():
        optimizer.zero_grad()
        loss = loss_of(mg, *params)
        loss.backward()
        return loss

    first = optimizer.step(closure).item()
    for _ in range(30):
        last = optimizer.step(closure).item()
    assert last < 0.5 * first
    assert all(p._array is a and p.dtype == dtype and p.device == device
               for p, a in zip(params, arrays))


# --------------------------------------------------------------------- against PyTorch


@pytest.mark.oracle
@pytest.mark.parametrize("name, options", [
    *(("SGD", o) for o in SGDS), *(("Adam", o) for o in ADAMS), *(("AdamW", o) for o in ADAMWS),
    *(("RMSprop", o) for o in RMSPROPS)])
def test_steps_equal_pytorchs(name, options):
    torch = pytest.importorskip("torch")
    ours = leaves()
    theirs = [torch.tensor(p.numpy(), requires_grad=True) for p in ours]
    mine = getattr(optim, name)(ours, lr=0.03, **options)
    reference = getattr(torch.optim, name)(theirs, lr=0.03, **options)
    for step in range(8):
        for optimizer, params, library in ((mine, ours, mg), (reference, theirs, torch)):
            optimizer.zero_grad()
            loss_of(library, *params).backward()
            if step == 4:                       # lr may change at any time
                optimizer.param_groups[0]["lr"] *= 0.1
            optimizer.step()
        for a, b in zip(ours, theirs):
            np.testing.assert_allclose(a.numpy(), b.detach().numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.oracle
@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("name, options", [
    ("SGD", {"momentum": 0.9, "dampening": 0.2}), ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("Adam", {"amsgrad": True}), ("AdamW", {}), ("Adagrad", {"lr_decay": 0.1}),
    ("RMSprop", {"momentum": 0.9, "centered": True}),
])
def test_a_number_is_learned_like_a_vector(name, options, maximize):
    results = []
    for shape in ((), (1,)):
        p = mg.full(shape, 2.0, requires_grad=True)
        optimizer = getattr(optim, name)([p], weight_decay=0.1, maximize=maximize, **options)
        for step in range(4):
            p.grad = mg.full(shape, 1.0 + step)
            optimizer.step()
            optimizer.load_state_dict(optimizer.state_dict())
        results.append(p.item())
    assert results[0] == results[1]


def test_groups_have_settings_of_their_own():
    torch = pytest.importorskip("torch")
    ours = leaves()
    theirs = [torch.tensor(p.numpy(), requires_grad=True) for p in ours]
    for optimizer, params, library in ((optim.SGD, ours, mg), (torch.optim.SGD, theirs, torch)):
        made = optimizer([{"params": [params[0]], "lr": 0.1},
                          {"params": params[1], "momentum": 0.9}], lr=0.01)
        for _ in range(3):
            made.zero_grad()
            loss_of(library, *params).backward()
            made.step()
    for a, b in zip(ours, theirs):
        np.testing.assert_allclose(a.numpy(), b.detach().numpy(), rtol=1e-12)


# ------------------------------------------------------------------------- the base class


def test_zero_grad(device):
    x = mg.tensor([1.0], device=device, requires_grad=True)
    optimizer = optim.SGD([x], lr=0.1)
    x.grad = mg.tensor([3.0], device=device)
    optimizer.zero_grad(set_to_none=False)
    assert x.grad.tolist() == [0.0]
    optimizer.zero_grad()
    assert x.grad is None
    optimizer.step()
    assert x.tolist() == [1.0]          # without a gradient nothing moves


def test_step_runs_the_closure_recorded():
    x = mg.tensor([2.0], requires_grad=True)

    def closure():
        loss = (x * x).sum()
        loss.backward()
        return loss

    with mg.no_grad():
        assert optim.SGD([x], lr=0.25).step(closure).item() == 4.0
    assert x.tolist() == [1.0]


def test_an_update_counts_as_a_change_in_place():
    x = mg.tensor([2.0], requires_grad=True)
    y = (x * x).sum()
    x.grad = mg.tensor([1.0])
    optim.SGD([x], lr=0.1).step()
    with pytest.raises(MinigradError, match="changed in place"):
        y.backward()


@pytest.mark.parametrize("make", [lambda p: optim.SGD(p, lr=0.02, momentum=0.9),
                                  lambda p: optim.Adam(p, lr=0.05),
                                  lambda p: optim.RMSprop(p, momentum=0.5, centered=True)])
def test_a_saved_state_goes_on_bit_for_bit(make, device):
    def run(optimizer, params, steps):
        for _ in range(steps):
            optimizer.zero_grad()
            loss_of(mg, *params).backward()
            optimizer.step()

    straight = leaves(device)
    run(make(straight), straight, 7)
    params = leaves(device)
    optimizer = make(params)
    run(optimizer, params, 4)
    saved = optimizer.state_dict()
    copies = [p.detach().clone().requires_grad_() for p in params]
    run(optimizer, params, 1)                   # the snapshot does not move along
    resumed = make(copies)
    resumed.load_state_dict(saved)
    run(resumed, copies, 3)
    for a, b in zip(straight, copies):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("build, message", [
    (lambda x: optim.SGD(x), "takes a list of parameters"),
    (lambda x: optim.SGD([]), "no parameters"),
    (lambda x: optim.SGD([3.0]), "parameter 0 is a float"),
    (lambda x: optim.SGD([x * 2]), "a result of multiply"),
    (lambda x: optim.SGD([x, x]), "was given before"),
    (lambda x: optim.SGD([{"params": [x], "momentun": 1}]), "momentun"),
    (lambda x: optim.SGD([x], lr=-1), "SGD: lr must be at least 0, not -1"),
    (lambda x: optim.SGD([x], lr=float("nan")), "not nan"),
    (lambda x: optim.SGD([x], nesterov=True), "momentum must be above 0"),
    (lambda x: optim.SGD([x], momentum=1, dampening=1, nesterov=True), "dampening must be 0"),
    (lambda x: optim.Adam([x], betas=(0.9, 1.0)), "betas"),
    (lambda x: optim.Adam([x], eps=-1e-8), "eps"),
    (lambda x: optim.AdamW([x], weight_decay=-1), "AdamW: weight_decay"),
    (lambda x: optim.RMSprop([x], alpha=1), "RMSprop: alpha"),
    (lambda x: optim.LBFGS([{"params": [x]}, {"params": [mg.zeros(1)]}]), "one group"),
    (lambda x: optim.LBFGS([x, mg.zeros(1, dtype=np.float64)]), "float32 on cpu and float64"),
    (lambda x: optim.LBFGS([x], line_search_fn="armijo"), "'strong_wolfe' or None"),
    (lambda x: optim.LBFGS([x], history_size=0), "history_size"),
    (lambda x: optim.LBFGS([x], max_eval=0), "max_eval"),
    (lambda x: optim.LBFGS([x]).step(), "needs a closure"),
])
def test_mistakes_get_one_sentence(build, message):
    with pytest.raises(ArgumentError, match=message) as caught:
        build(mg.tensor([1.0, 2.0], requires_grad=True))
    assert "\n" not in str(caught.value)


def test_a_state_of_other_parameters_is_refused_and_changes_nothing():
    x, y = leaves()
    other = optim.Adam([y, x])
    for p in (x, y):
        p.grad = mg.ones_like(p)
    other.step()
    optimizer = optim.Adam([x, y], lr=0.5)
    with pytest.raises(ArgumentError, match=r"exp_avg of parameter 0 has shape \(4,\)"):
        optimizer.load_state_dict(other.state_dict())
    with pytest.raises(ArgumentError, match=r"groups of \[2\] parameters, .* of \[1\]"):
        optimizer.load_state_dict(optim.Adam([x]).state_dict())
    with pytest.raises(ArgumentError, match="another optimizer"):
        optimizer.load_state_dict(optim.SGD([x, y]).state_dict())
    with pytest.raises(ArgumentError, match="'state' and 'param_groups'"):
        optimizer.load_state_dict({"lr": 1})
    assert optimizer.state == {} and optimizer.param_groups[0]["lr"] == 0.5


def test_curvature_of_one_pair_that_was_given_up_is_saved_as_it_is(rng):
    """A pair that was written and not kept costs the only one: H is the identity again."""
    curvature = Curvature(np.empty((2, 1, 5)), np.empty(5))
    for vector, value in zip(curvature.room(), (rng.random(5), rng.random(5))):
        vector[...] = value
    curvature.keep(np.float64(0.3))
    curvature.room()
    loaded = Curvature(np.empty((2, 1, 5)), np.empty(5))
    loaded.load(curvature.state())
    vector, one, two = rng.random(5), np.empty(5), np.empty(5)
    assert curvature.downhill(vector, one) == loaded.downhill(vector, two)
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one, -vector)
