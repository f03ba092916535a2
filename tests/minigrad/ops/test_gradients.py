"""Every declared primitive against finite differences, to first and second order.

And the public functions that are compositions of primitives, likewise.
"""

import numpy as np
import pytest

import minigrad as mg
import minigrad.functional as F
from minigrad.check import gradcheck, gradgradcheck
from minigrad.check.run import check_sample
from minigrad.check.samples import registered_samples
from minigrad.core.primitive import registered_primitives

# Only what the engine itself declares: other test modules declare primitives of their own.
PRIMITIVES = {name: operation for name, operation in registered_primitives().items()
              if operation.forward.__module__.startswith("minigrad.")}


def differentiable(operation):
    return any(rule is not None for rule in operation.rules.values())


SAMPLES = {name: registered_samples(name) for name, operation in PRIMITIVES.items()
           if differentiable(operation)}
CASES = [pytest.param(PRIMITIVES[name], sample, id=f"{name}-{sample.note}")
         for name, samples in SAMPLES.items() for sample in samples]
# Second derivatives of the samples between the first and the last are left to the slow tests.
SECOND = [pytest.param(PRIMITIVES[name], sample, id=f"{name}-{sample.note}",
                       marks=() if i in (0, len(samples) - 1) else pytest.mark.slow)
          for name, samples in SAMPLES.items() for i, sample in enumerate(samples)]


@pytest.mark.parametrize("name", PRIMITIVES)
def test_every_differentiable_primitive_has_samples(name):
    if differentiable(PRIMITIVES[name]):
        samples = registered_samples(name)
        assert len(samples) >= 2
        assert len({sample.note for sample in samples}) == len(samples)
    else:
        assert not registered_samples(name)


def test_every_parameter_with_a_rule_is_checked():
    for name, operation in PRIMITIVES.items():
        reached = {operation.parameters[min(i, len(operation.parameters) - 1)]
                   for sample in registered_samples(name)
                   for i, value in enumerate(sample.args) if getattr(value, "ndim", 0)}
        ruled = {parameter for parameter, rule in operation.rules.items() if rule is not None}
        assert ruled <= reached, f"{name}: no sample differentiates by {ruled - reached}"


@pytest.mark.parametrize("operation, sample", CASES)
def test_gradient(operation, sample, device):
    report = check_sample(operation, sample, 1, device=device)
    assert report, report.message()


@pytest.mark.parametrize("operation, sample", SECOND)
def test_second_derivatives(operation, sample, device):
    report = check_sample(operation, sample, 2, device=device)
    assert report, report.message()


CLASSES = np.array([2, 0, 1])
TARGETS = np.random.default_rng(3).uniform(0.1, 0.9, (3, 4))
REDUCTIONS = ("mean", "sum", "none")
COMPOSITIONS = {
    "var": lambda x: x.var(1), "var of all, population": lambda x: x.var(correction=0),
    "std": lambda x: x.std(0, keepdim=True), "max": lambda x: x.max(1), "min": lambda x: x.min(-2),
    "softmax": lambda x: F.softmax(x, 0), "log_softmax": lambda x: F.log_softmax(x, -1),
    "matrix times vector": lambda x: x @ x[0], "vector times matrix": lambda x: x[:, 1] @ x,
    "vector times vector": lambda x: x[0] @ x[1], "stack": lambda x: mg.stack([x, x * x], -1),
    "transpose": lambda x: (x.mT @ x).T[1:], "squeeze": lambda x: x.unsqueeze(1).squeeze(),
    "flatten": lambda x: x.flatten() ** 3, "expand": lambda x: x[:, :1].expand(-1, 5) * x[0, 0],
    "linear": lambda x: F.linear(x, x[:2] * x[:2], x[0, :2]),
    **{f"cross_entropy, {r}": lambda x, r=r: F.cross_entropy(x, mg.tensor(CLASSES), reduction=r)
       for r in REDUCTIONS},
    **{f"cross_entropy of probabilities, {r}":
       lambda x, r=r: F.cross_entropy(x, mg.tensor(TARGETS), reduction=r) for r in REDUCTIONS},
    **{f"binary_cross_entropy, {r}":
       lambda x, r=r: F.binary_cross_entropy(x.sigmoid(), mg.tensor(TARGETS), reduction=r)
       for r in REDUCTIONS},
    **{f"binary_cross_entropy_with_logits, {r}":
       lambda x, r=r: F.binary_cross_entropy_with_logits(x, mg.tensor(TARGETS), reduction=r)
       for r in REDUCTIONS},
    **{f"l1_loss, {r}": lambda x, r=r: F.l1_loss(x, x * x + 9, r) for r in REDUCTIONS},
    **{f"mse_loss, {r}": lambda x, r=r: F.mse_loss(x, x * x + 9, r)
       for r in (*REDUCTIONS, "half_sum")},
}


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
@pytest.mark.parametrize("name", COMPOSITIONS)
def test_gradient_of_a_composition(name, check, rng):
    x = mg.tensor(rng.permutation(np.linspace(-1.5, 1.7, 12)).reshape(3, 4), requires_grad=True)
    assert check(COMPOSITIONS[name], x)
