"""Learning-rate schedules and gradient clipping: by hand and against PyTorch."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.errors import ArgumentError, GradientError
from minigrad.optim import lr_scheduler


def optimizer(*rates):
    groups = [{"params": [mg.zeros(2, requires_grad=True)], "lr": rate} for rate in rates]
    return optim.SGD(groups)


def rates(make, steps, *base):
    held = optimizer(*base)
    schedule = make(held)
    found = []
    for _ in range(steps):
        found.append(schedule.get_last_lr())
        assert found[-1] == [group["lr"] for group in held.param_groups]
        schedule.step()
    return found


# ------------------------------------------------------------------------- schedules


def test_schedules_by_hand():
    found = rates(lambda o: lr_scheduler.StepLR(o, 2, 0.5), 5, 8.0, 1.0)
    assert found == [[8, 1], [8, 1], [4, 0.5], [4, 0.5], [2, 0.25]]
    assert rates(lambda o: lr_scheduler.ExponentialLR(o, 0.5), 3, 8.0) == [[8], [4], [2]]
    cosine = rates(lambda o: lr_scheduler.CosineAnnealingLR(o, 4, eta_min=1.0), 6, 3.0)
    np.testing.assert_allclose(np.ravel(cosine), [3, 2 + math.sqrt(0.5), 2, 2 - math.sqrt(0.5), 1,
                                                  2 - math.sqrt(0.5)])


@pytest.mark.oracle
@pytest.mark.parametrize("name, options", [
    ("StepLR", {"step_size": 3}), ("StepLR", {"step_size": 1, "gamma": 0.8}),
    ("ExponentialLR", {"gamma": 0.9}), ("CosineAnnealingLR", {"T_max": 5}),
    ("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.01})])
@pytest.mark.filterwarnings("ignore:Detected call of")
def test_rates_equal_pytorchs(name, options):
    torch = pytest.importorskip("torch")
    ours = rates(lambda o: getattr(lr_scheduler, name)(o, **options), 18, 0.3, 0.05)
    theirs = torch.optim.SGD([{"params": [torch.zeros(2)], "lr": lr} for lr in (0.3, 0.05)])
    schedule = getattr(torch.optim.lr_scheduler, name)(theirs, **options)
    for found in ours:
        np.testing.assert_allclose(found, schedule.get_last_lr(), rtol=1e-12, atol=1e-15)
        schedule.step()


def test_the_optimiser_uses_the_rate():
    held = optimizer(1.0)
    (x,) = held.param_groups[0]["params"]
    schedule = lr_scheduler.ExponentialLR(held, 0.5)
    for _ in range(3):
        x.grad = mg.ones(2)
        held.step()
        schedule.step()
    np.testing.assert_allclose(x.numpy(), -1.75)


def test_a_schedule_goes_on_where_it_was_saved():
    first = lr_scheduler.StepLR(optimizer(1.0), 2)
    for _ in range(3):
        first.step()
    held = optimizer(7.0)
    second = lr_scheduler.StepLR(held, 2)
    second.load_state_dict(first.state_dict())
    assert held.param_groups[0]["lr"] == first.get_last_lr()[0] == 0.1
    second.step()
    assert second.last_epoch == 4 and held.param_groups[0]["lr"] == pytest.approx(0.01)
    with pytest.raises(ArgumentError, match="2 group"):
        lr_scheduler.StepLR(optimizer(1.0, 2.0), 2).load_state_dict(first.state_dict())
    with pytest.raises(ArgumentError, match="last_epoch and base_lrs"):
        second.load_state_dict({"lr": 1})


def test_a_group_added_later_starts_from_its_own_rate():
    held = optimizer(1.0)
    schedule = lr_scheduler.ExponentialLR(held, 0.5)
    held.add_param_group({"params": mg.zeros(1, requires_grad=True), "lr": 8.0})
    schedule.step()
    assert schedule.get_last_lr() == [0.5, 4.0]


@pytest.mark.parametrize("build, message", [
    (lambda o: lr_scheduler.StepLR(o, 0), "StepLR: step_size must be at least 1, not 0"),
    (lambda o: lr_scheduler.StepLR(o, 2, -1), "gamma"),
    (lambda o: lr_scheduler.ExponentialLR(o, -0.1), "gamma"),
    (lambda o: lr_scheduler.CosineAnnealingLR(o, 0), "T_max"),
    (lambda o: lr_scheduler.CosineAnnealingLR(o, 5, -1), "eta_min"),
    (lambda o: lr_scheduler.StepLR([o], 2), "not of a list"),
])
def test_mistakes_get_one_sentence(build, message):
    with pytest.raises(ArgumentError, match=message) as caught:
        build(optimizer(0.1))
    assert "\n" not in str(caught.value)


# -------------------------------------------------------------------------- clipping

@pytest.mark.parametrize("p", [1.0, 2.0, float("inf")])
@pytest.mark.parametrize("values", [(2.0, float("nan")), (float("nan"), 2.0)])
def test_not_a_number_is_not_lost_in_a_norm(values, p):
    leaves = [mg.ones(1, requires_grad=True) for _ in values]
    for tensor, value in zip(leaves, values, strict=True):
        tensor.grad = mg.tensor([value])
    with pytest.raises(GradientError, match="nan"):
        optim.clip_grad_norm_(leaves, 1.0, p, error_if_nonfinite=True)
    assert np.isnan(optim.clip_grad_norm_(leaves, 1.0, p).item())



def with_gradients(device, rng):
    params = [mg.zeros(*shape, dtype=np.float64, device=device, requires_grad=True)
              for shape in ((3, 4), (5,), (2,))]
    for p in params[:2]:                    # the third has none
        p.grad = mg.tensor(3 * rng.standard_normal(p.shape), device=device)
    return params


@pytest.mark.oracle
@pytest.mark.parametrize("limit", [0.0, 0.5, 1000.0])
@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, float("inf")])
def test_clipping_equals_pytorchs(limit, p, rng):
    torch = pytest.importorskip("torch")
    ours = with_gradients("cpu", rng)
    theirs = [torch.zeros(q.shape, dtype=torch.float64) for q in ours]
    for a, b in zip(ours[:2], theirs):
        b.grad = torch.tensor(a.grad.numpy())
    norm = optim.clip_grad_norm_(iter(ours), limit, p)
    expected = torch.nn.utils.clip_grad_norm_(theirs, limit, p)
    assert norm.item() == pytest.approx(expected.item(), rel=1e-12)
    optim.clip_grad_value_(ours[0], 0.2)
    torch.nn.utils.clip_grad_value_(theirs[0], 0.2)
    for a, b in zip(ours[:2], theirs):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-9)
    assert ours[2].grad is None


def test_clipping_keeps_the_direction(device, rng):
    params = with_gradients(device, rng)
    before = [p.grad.numpy() for p in params[:2]]
    norm = optim.clip_grad_norm_(params, 1.0).item()
    after = [p.grad.numpy() for p in params[:2]]
    assert math.sqrt(sum((g ** 2).sum() for g in after)) == pytest.approx(1, rel=1e-5)
    for a, b in zip(before, after):
        np.testing.assert_allclose(b * norm, a, rtol=1e-5)
    small = [g.copy() for g in after]
    optim.clip_grad_norm_(params, 5.0)
    for a, p in zip(small, params):
        np.testing.assert_array_equal(p.grad.numpy(), a)


def test_the_norm_of_large_float32_gradients_does_not_overflow(device):
    x = mg.zeros(4, device=device, requires_grad=True)
    x.grad = mg.full(4, 1e30, device=device)
    assert optim.clip_grad_norm_(x, 1.0).item() == pytest.approx(2e30, rel=1e-6)
    np.testing.assert_allclose(x.grad.numpy(), 0.5, rtol=1e-5)


def test_what_cannot_be_clipped(device):
    x = mg.zeros(2, device=device, requires_grad=True)
    assert optim.clip_grad_norm_(x, 1.0).item() == 0
    x.grad = mg.tensor([np.nan, 1.0], dtype=np.float32, device=device)
    with pytest.raises(GradientError, match="the norm of the gradients is nan"):
        optim.clip_grad_norm_(x, 1.0, error_if_nonfinite=True)
    with pytest.raises(ArgumentError, match="max_norm of at least 0"):
        optim.clip_grad_norm_(x, -1.0)
    with pytest.raises(ArgumentError, match="norm_type"):
        optim.clip_grad_norm_(x, 1.0, 0.5)
    with pytest.raises(ArgumentError, match="at least 0, not -1"):
        optim.clip_grad_value_(x, -1)
