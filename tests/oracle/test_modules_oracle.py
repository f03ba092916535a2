"""Every sample of PyTorch's modules (ModuleInfo) and optimisers (OptimizerInfo) that both have."""

import inspect
import warnings
from collections import Counter

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")
from oracle_cases import mapped, outputs, to_ours  # noqa: E402
from torch.testing._internal.common_modules import module_db  # noqa: E402
from torch.testing._internal.common_optimizers import optim_db  # noqa: E402

import minigrad as mg  # noqa: E402

pytestmark = pytest.mark.oracle

TOLERANCE = {"rtol": 1e-9, "atol": 1e-9}
MAX_SHARE = 0.2
MODULES = {f"{info.module_cls.__module__.split('.')[-1]}.{info.module_cls.__name__}": info
           for info in module_db
           if hasattr(mg.nn, info.module_cls.__name__)
           and info.module_cls.__module__.startswith("torch.nn.modules")}
OPTIMIZERS = {info.optim_cls.__name__: info for info in optim_db
              if hasattr(mg.optim, info.optim_cls.__name__)}

# Its steps differ on purpose (docs/conventions.md), but it must arrive at the same place.
AT_THE_MINIMUM = {"LBFGS"}

# They choose an implementation, not a result.
IMPLEMENTATION = {"foreach", "fused", "capturable", "differentiable", "device"}


class Refused(Exception):
    """minigrad does not have an option of the sample."""


def built(make, args, kwargs, theirs):
    """Our object for PyTorch's constructor arguments."""
    try:
        return make(*mapped(to_ours, args), **mapped(to_ours, {
            k: v for k, v in kwargs.items() if k not in IMPLEMENTATION | {"dtype"}}))
    except (TypeError, mg.MinigradError) as error:
        raise Refused(f"{theirs.__name__}{args}{kwargs}: {error}") from error


def tally(samples, compare, record_property):
    """Compare every sample, record the counts, and limit the share of those that we refuse."""
    counts, refusals = Counter(), []
    for sample in samples:
        try:
            compare(sample)
            counts["passed"] += 1
        except Refused as refusal:
            counts["refused"] += 1
            refusals.append(str(refusal))
    record_property("oracle", dict(counts))
    assert counts["refused"] <= MAX_SHARE * sum(counts.values()), "\n".join(refusals)


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("name", MODULES)
def test_modules(name, training, record_property):
    info = MODULES[name]
    torch.manual_seed(0)
    samples = info.module_inputs_func(info, device="cpu", dtype=torch.float64, requires_grad=True,
                                      training=training)
    tally(samples, lambda sample: _compare_modules(info, sample, training), record_property)


def _compare_modules(info, sample, training):
    made, given = sample.constructor_input, sample.forward_input
    theirs = info.module_cls(*made.args, **{**made.kwargs, "dtype": torch.float64}) \
        if "dtype" in inspect.signature(info.module_cls).parameters \
        else info.module_cls(*made.args, **made.kwargs)
    ours = built(getattr(mg.nn, info.module_cls.__name__), made.args, made.kwargs,
                 info.module_cls)
    theirs.train(training)
    ours.train(training)
    _copy_state(theirs, ours)
    values = (given.args, given.kwargs)
    same: dict = {}         # a tensor that is given twice is one tensor of ours
    args, kwargs = mapped(lambda v: same.setdefault(id(v), to_ours(v)), values)
    try:
        with np.errstate(all="ignore"):
            result = ours(*args, **kwargs)
    except (TypeError, mg.MinigradError) as error:
        raise Refused(f"{info.module_cls.__name__}{made.args}{made.kwargs}: {error}") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = theirs(*given.args, **given.kwargs)
    leaves, our_leaves = list(theirs.parameters()), list(ours.parameters())
    mapped(lambda v: leaves.append(v) if getattr(v, "requires_grad", False) else None, values)
    mapped(lambda v: our_leaves.append(v) if getattr(v, "requires_grad", False) else None,
           (args, kwargs))
    for a, b in zip(outputs(result), outputs(expected)):
        assert a.shape == tuple(b.shape)
        np.testing.assert_allclose(a.numpy(), b.detach().numpy(), **TOLERANCE)
        if b.requires_grad:
            g = torch.randn(b.shape, generator=torch.Generator().manual_seed(0), dtype=b.dtype)
            wanted = torch.autograd.grad(b, leaves, g, allow_unused=True, retain_graph=True)
            got = mg.grad(a, our_leaves, g.numpy(), allow_unused=True, retain_graph=True)
            for p, q in zip(got, wanted):
                if q is not None:
                    np.testing.assert_allclose(p.numpy(), q.numpy(), **TOLERANCE)


def _copy_state(theirs, ours):
    """Give our module the parameters and buffers of PyTorch's, in float64."""
    theirs.double()
    ours.to("float64")
    ours.load_state_dict({key: value.numpy(force=True).copy()
                          for key, value in theirs.state_dict().items()})


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name, record_property):
    info = OPTIMIZERS[name]
    tally(info.optim_inputs_func(device="cpu"),
          lambda sample: _compare_optimizers(info.optim_cls, {
              k: v for k, v in sample.kwargs.items() if k not in IMPLEMENTATION}),
          record_property)


def _compare_optimizers(cls, kwargs):
    start = np.random.default_rng(0).standard_normal((3, 4))
    theirs = torch.tensor(start, requires_grad=True)
    ours = mg.tensor(start, requires_grad=True)
    arrive = cls.__name__ in AT_THE_MINIMUM
    first = cls([theirs], **({} if arrive else kwargs))     # with a small lr it would take long
    second = built(getattr(mg.optim, cls.__name__), ([ours],), kwargs, cls)

    def our_loss():
        second.zero_grad()
        loss = (ours * ours).sum() + mg.exp(0.3 * ours).sum()
        loss.backward()
        return loss

    def their_loss():
        first.zero_grad()
        loss = (theirs * theirs).sum() + torch.exp(0.3 * theirs).sum()
        loss.backward()
        return loss

    if arrive:
        for optimizer, loss, x in ((first, their_loss, theirs), (second, our_loss, ours)):
            for _ in range(200):
                if x.grad is not None and float(abs(x.grad).max()) <= 1e-6:
                    break
                optimizer.step(loss)
        np.testing.assert_allclose(ours.numpy(), theirs.detach().numpy(), atol=2e-5)
        return
    for _ in range(6):
        first.step(their_loss)
        second.step(our_loss)
    np.testing.assert_allclose(ours.numpy(), theirs.detach().numpy(), rtol=1e-7, atol=1e-9)
