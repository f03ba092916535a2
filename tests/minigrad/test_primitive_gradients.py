"""Every declared primitive against finite differences, to first and second order."""

import pytest

from minigrad.check.run import check_sample
from minigrad.check.samples import registered_samples
from minigrad.primitive import registered_primitives

# Only what the engine itself declares: other test modules declare primitives of their own.
PRIMITIVES = {name: operation for name, operation in registered_primitives().items()
              if operation.forward.__module__.startswith("minigrad.")}


def differentiable(operation):
    return any(rule is not None for rule in operation.rules.values())


CASES = [pytest.param(operation, sample, id=f"{name}-{sample.note}")
         for name, operation in PRIMITIVES.items() if differentiable(operation)
         for sample in registered_samples(name)]


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


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("operation, sample", CASES)
def test_gradient(operation, sample, order, device):
    report = check_sample(operation, sample, order, device=device)
    assert report, report.message()
