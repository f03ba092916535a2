"""Adagrad, amsgrad, maximize and the further schedules beside PyTorch's."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

OPTIMISERS = {
    "Adagrad": {"lr": 0.1, "lr_decay": 0.01, "weight_decay": 0.1, "initial_accumulator_value": 0.2},
    "Adagrad, uphill": {"lr": 0.1, "maximize": True}, "SGD, uphill": {"lr": 0.1, "maximize": True},
    "Adam": {"lr": 0.1, "amsgrad": True, "weight_decay": 0.1},
    "AdamW": {"lr": 0.1, "amsgrad": True},
    "RMSprop, uphill": {"lr": 0.01, "maximize": True}, "Adam, uphill": {"maximize": True},
}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_paths_of_optimisers(name, rng):
    start, kind = rng.standard_normal(5), name.partition(",")[0]
    x = mg.tensor(start, requires_grad=True)
    y = torch.tensor(start, requires_grad=True)
    ours = getattr(optim, kind)([x], **OPTIMISERS[name])
    theirs = getattr(torch.optim, kind)([y], **OPTIMISERS[name])
    for _ in range(12):
        for z, optimizer in ((x, ours), (y, theirs)):
            optimizer.zero_grad()
            ((z ** 2).sum() + (z * z.sin()).sum()).backward()
            optimizer.step()
    np.testing.assert_allclose(x.numpy(), y.detach().numpy(), rtol=1e-9)


SCHEDULES = {
    "LambdaLR": {"lr_lambda": lambda t: 0.9 ** t}, "MultiStepLR": {"milestones": [3, 5]},
    "LinearLR": {"start_factor": 0.2, "total_iters": 4},
    "OneCycleLR": {"max_lr": 0.3, "total_steps": 10},
    "OneCycleLR, linear": {"max_lr": 0.3, "total_steps": 10, "anneal_strategy": "linear"},
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_rates(name):
    rates = []
    for library, tensor in ((optim, mg.tensor([1.0], requires_grad=True)),
                            (torch.optim, torch.tensor([1.0], requires_grad=True))):
        optimizer = library.SGD([tensor], lr=0.1, momentum=0.9)
        kind = name.partition(",")[0]
        schedule = getattr(library.lr_scheduler, kind)(optimizer, **SCHEDULES[name])
        path = []
        for _ in range(9):
            group = optimizer.param_groups[0]
            path.append((group["lr"], group["momentum"]))
            optimizer.step()
            schedule.step()
        rates.append(path)
    np.testing.assert_allclose(rates[0], rates[1], rtol=1e-9)


@pytest.mark.parametrize("options", [
    {"patience": 1}, {"mode": "max", "factor": 0.5, "patience": 0, "cooldown": 1},
    {"threshold": 0.2, "threshold_mode": "abs", "patience": 0, "min_lr": 1e-3}], ids=range(3))
def test_rates_on_a_plateau(options):
    values = [1.0, 0.9, 0.95, 0.94, 0.93, 0.5, 0.5, 0.5, 0.5, 0.49]
    rates = []
    for library, tensor in ((optim, mg.tensor([1.0], requires_grad=True)),
                            (torch.optim, torch.tensor([1.0], requires_grad=True))):
        optimizer = library.SGD([tensor], lr=0.1)
        schedule = library.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
        path = []
        for value in values:
            schedule.step(value)
            path.append(optimizer.param_groups[0]["lr"])
        rates.append(path)
    np.testing.assert_allclose(rates[0], rates[1], rtol=1e-12)
