"""Settings and saved states of optimizers and schedules that are not what they should be."""

import inspect
import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.errors import ArgumentError, DTypeError, MinigradError, ShapeError
from minigrad.optim import lr_scheduler

VALUES = (None, "x", "0.1", b"1", float("nan"), float("inf"), -1, 0, 2, [], {}, True, mg.ones(2),
          np.array([1, 2]), 1j, 10 ** 400, object(), (1,), np.float32, mg.ones(1) > 0)
OPTIMIZERS = (optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop, optim.Adagrad, optim.LBFGS)
SCHEDULES = tuple(getattr(lr_scheduler, name) for name in lr_scheduler.__all__
                  if name != "LRScheduler")
COMPLETE = {"optimizer": None, "lr_lambda": lambda t: 1.0, "milestones": [1, 2], "max_lr": 0.1,
            "total_steps": 9, "step_size": 2, "gamma": 0.5, "T_max": 3}

CYCLE: list[object] = []
CYCLE.append(CYCLE)


def parameter():
    return mg.ones(3, requires_grad=True)


def stepped(optimizer):
    """The optimizer after one step; the parameters are finite then."""
    (x,) = optimizer.param_groups[0]["params"]

    def closure():
        optimizer.zero_grad()
        loss = (x * x).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert np.isfinite(x.detach().numpy()).all()
    return optimizer


def refused_or_done(call):
    """Call it with NumPy's warnings as errors; an error is one of ours, in one printable line."""
    try:
        with np.errstate(all="raise", under="ignore"):
            call()
    except MinigradError as error:
        assert str(error).isprintable() and 0 < len(str(error)) <= 400


def settings_of(kind):
    return list(inspect.signature(kind).parameters)[1:]


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_settings_of_optimizers(kind):
    for name, value in itertools.product(settings_of(kind), VALUES):
        refused_or_done(lambda: stepped(kind([parameter()], **{name: value})))
        refused_or_done(lambda: kind([{"params": [parameter()], name: value}]))


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_settings_that_were_changed_later(kind):
    for name, value in itertools.product(settings_of(kind), VALUES):
        optimizer = stepped(kind([parameter()]))
        optimizer.param_groups[0][name] = value
        if name == "lr" or kind is optim.LBFGS or not isinstance(value, float):
            refused_or_done(lambda: stepped(optimizer))
    for name in (*settings_of(kind), "params"):
        optimizer = kind([parameter()])
        optimizer.param_groups[0]["params"][0].grad = mg.ones(3)
        del optimizer.param_groups[0][name]
        refused_or_done(lambda: optimizer.step(lambda: 0))


def read_only():
    x = mg.from_numpy(np.broadcast_to(np.float32(1), (3,))).requires_grad_()
    x.grad = mg.ones(3)
    return x


@pytest.mark.parametrize("build, message", [
    (lambda x: optim.SGD([x]).step(5), "a function that computes the loss, not 5"),
    (lambda x: optim.LBFGS([x]).step(5), "a function that computes the loss, not 5"),
    (lambda x: optim.LBFGS([x]).step(lambda: None), "must be the loss, one number, not None"),
    (lambda x: optim.LBFGS([x]).step(lambda: x), "must be the loss, one number"),
    (lambda x: optim.SGD([read_only()]).step(), "read-only"),
    (lambda x: optim.LBFGS([read_only()]).step(lambda: 1), "read-only"),
    (lambda x: optim.SGD([x], lr=10 ** 400), "SGD: lr must be a finite number, not an integer of"),
    (lambda x: optim.SGD([x], lr="0.1"), "SGD: lr must be a finite number, not '0.1'"),
    (lambda x: optim.Adam([x], weight_decay=float("inf")), "weight_decay must be a finite number"),
    (lambda x: optim.SGD([x], maximize=np.ones(2)), "maximize is True or False, not a float"),
    (lambda x: optim.RMSprop([x], centered="x"), "centered is True or False, not 'x'"),
    (lambda x: optim.clip_grad_norm_(5, 1), "can be clipped, not those of 5"),
    (lambda x: optim.clip_grad_norm_([x], "x"), "max_norm of at least 0"),
    (lambda x: optim.clip_grad_norm_([x], 1, mg.ones(2)), "norm_type of at least 1"),
    (lambda x: optim.clip_grad_value_([5], 1), r"can be clipped, not those of \[5\]"),
    (lambda x: optim.clip_grad_value_([x], 10 ** 400), "a limit of at least 0"),
    (lambda x: lr_scheduler.LambdaLR(5, len), "changes the rates of an optimizer, not of a int"),
    (lambda x: lr_scheduler.LambdaLR(optim.SGD([x]), lambda t: "x"), "the factor at time 0 must"),
    (lambda x: lr_scheduler.ReduceLROnPlateau(optim.SGD([x])).step("x"), "must be a number"),
])
def test_they_are_refused_in_a_sentence(build, message):
    with pytest.raises((ArgumentError, ShapeError), match=message):
        build(parameter())


def test_numbers_of_every_kind_are_settings():
    for rate in (1, 0.5, np.float32(0.5), np.int64(1), np.array(0.5), mg.tensor(0.5), True):
        for kind in OPTIMIZERS:
            stepped(kind([parameter()], lr=rate))
    for flag in (0, 1, np.True_, np.array(False)):
        stepped(optim.Adam([parameter()], amsgrad=flag, maximize=flag))
    x = parameter()
    x.grad = mg.full((3,), 2.0)
    assert optim.clip_grad_norm_([x], float("inf"), float("inf")).item() == 2


def states(kind):
    """Saved states with one thing that is wrong, and a good one."""
    good = stepped(kind([parameter()])).state_dict()
    yield from (None, 5, {}, [], {"state": 5, "param_groups": []}, {**good, "state": [1]},
                {**good, "param_groups": 5}, {**good, "param_groups": [5]},
                {**good, "param_groups": [{"params": 3}]}, {**good, "state": {"x": {}}},
                {**good, "state": {None: {}}}, {**good, "state": {2 ** 70: {}}})
    group = good["param_groups"][0]
    for name, value in itertools.product(group, VALUES):
        yield {**good, "param_groups": [{**group, name: value}]}
    for value in VALUES:
        yield {**good, "state": {0: value}}
    values = good["state"].get(0, {})
    for name, value in itertools.product([*values, "momentum_buffer", "\x1b"], VALUES):
        yield {**good, "state": {0: {**values, name: value}}}
    for name in values:
        yield {**good, "state": {0: {key: v for key, v in values.items() if key != name}}}
    for name, part in values.items():   # of L-BFGS: its line search and its curvature
        if isinstance(part, dict):
            for key, value in itertools.product(part, VALUES):
                yield {**good, "state": {0: {**values, name: {**part, key: value}}}}
            for key in part:
                inner = {other: value for other, value in part.items() if other != key}
                yield {**good, "state": {0: {**values, name: inner}}}
    yield good


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_saved_states_of_optimizers(kind):
    """One that is not refused can be continued."""
    for state in states(kind):
        held = kind([parameter()])
        before = held.state_dict()

        def load(held=held, state=state, before=before):
            try:
                held.load_state_dict(state)
            except MinigradError:
                np.testing.assert_equal(held.state_dict(), before)
                raise
            stepped(held)

        refused_or_done(load)
    stepped(held)


def test_a_state_of_pytorch_fits():
    """Its counts are tensors, and what it does not use is None."""
    held = optim.Adam([parameter()])
    saved = stepped(held).state_dict()
    saved["state"][0] = {**saved["state"][0], "step": np.array(1.0, "f4"), "max_exp_avg_sq": None}
    other = optim.Adam([parameter()])
    other.load_state_dict(saved)
    assert other.state_dict()["state"][0]["step"] == 1
    plain = optim.SGD([parameter()])
    plain.load_state_dict({**plain.state_dict(), "state": {0: {"momentum_buffer": None}}})
    stepped(plain)


def test_a_state_of_complex_numbers_or_of_half_a_step():
    held = optim.SGD([parameter()], momentum=0.9)
    with pytest.raises(DTypeError, match="momentum_buffer of parameter 0 holds complex128"):
        held.load_state_dict({**held.state_dict(), "state": {0: {
            "momentum_buffer": np.ones(3) * 1j}}})
    held = optim.Adam([parameter()])
    for step in ("x", 1.5, -1, 10 ** 400, float("nan")):
        with pytest.raises(ArgumentError, match="the saved step of parameter 0 must be a count"):
            held.load_state_dict({**held.state_dict(), "state": {0: {
                "step": step, "exp_avg": np.ones(3), "exp_avg_sq": np.ones(3)}}})
    with pytest.raises(ArgumentError, match="parameter 0 lacks exp_avg_sq"):
        held.load_state_dict({**held.state_dict(), "state": {0: {
            "step": 1, "exp_avg": np.ones(3)}}})


@pytest.mark.parametrize("kind", SCHEDULES)
def test_settings_and_states_of_schedules(kind):
    names = settings_of(kind)
    needed = {name: COMPLETE[name] for name in names if name in COMPLETE}

    def use(schedule):
        for _ in range(3):
            schedule.step(*[1.0] * (kind is lr_scheduler.ReduceLROnPlateau))

    for value in VALUES:
        refused_or_done(lambda: use(kind(value, **needed)))
        for name in names:
            refused_or_done(lambda: use(kind(optim.SGD([parameter()]), **{**needed, name: value})))
        schedule = kind(optim.SGD([parameter()]), **needed)
        refused_or_done(lambda: schedule.load_state_dict(value))
        for name in schedule.state_dict():
            schedule = kind(optim.SGD([parameter()]), **needed)
            refused_or_done(lambda: schedule.load_state_dict({**schedule.state_dict(),
                                                              name: value}))
            refused_or_done(lambda: use(schedule))


def test_rates_do_not_overflow():
    schedule = lr_scheduler.ExponentialLR(optim.SGD([parameter()]), 1e300)
    schedule.step()
    with pytest.raises(ArgumentError, match="the rate at time 2 must be a finite number, not inf"):
        schedule.step()


@pytest.mark.parametrize("state, kind, message", [
    (5, ArgumentError, "loads a dict of tensors by name"),
    (None, ArgumentError, "loads a dict of tensors by name"),
    ({"weight": mg.ones(2, 2) * 1j, "bias": mg.ones(2)}, DTypeError,
     "has weight of complex64, but the module needs float32"),
    ({"weight": "x", "bias": mg.ones(2)}, DTypeError, "weight"),
    ({"weight": None, "bias": mg.ones(2)}, DTypeError, "weight of object"),
    ({"weight": [[1], [1, 2]], "bias": mg.ones(2)}, ShapeError, "weight.*different lengths"),
    ({"weight": CYCLE, "bias": mg.ones(2)}, ArgumentError, "weight.*nested too deeply"),
    ({"weight": mg.ones(2, 2), 5: 1}, ArgumentError, "lacks bias and has 5 that"),
])
def test_states_of_modules(state, kind, message):
    layer = nn.Linear(2, 2)
    before = layer.weight.tolist()
    with pytest.raises(kind, match=message):
        layer.load_state_dict(state)
    assert layer.weight.tolist() == before
