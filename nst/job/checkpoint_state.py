"""The form of a run's state: what a checkpoint may hold, by optimiser, variable and scale.

It is checked before a checkpoint is written and after one is read, so that no run writes what
another refuses. Every number that a run goes on with is within a range that a run can reach. A
checkpoint that its owner edited can give another picture, but no error, and no run without end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from minigrad.optim.descent import AIMING, FIRST, TRYING
from minigrad.optim.line_search import MAX_TRIALS
from nst.config.settings import Settings
from nst.job.checkpoint_schema import (
    LARGEST,
    Check,
    array,
    count,
    floats,
    one_of,
    real,
    record,
    sequence,
    whole,
)
from nst.optimize import pyramid
from nst.optimize.closure import MAX_ROLLBACKS
from nst.optimize.methods import STEEPEST
from nst.optimize.progress import Progress, RunState
from nst.optimize.scales import Scale

Size = tuple[int, int]          # height, width
LARGEST_UNIT = 200              # of the powers of two that Adam multiplies gradients by
ENDS = ("", "gradient", "change", "stalled", "not finite")      # `ended` of a descent


def check_state(state: RunState, settings: Settings, scales: Sequence[Scale]) -> None:
    """Check that a state is one that a run can be in, just before an evaluation or between scales.

    Parameters
    ----------
    settings : Settings
        Those of the run, with its tile and history.
    scales : sequence of Scale

    Raises
    ------
    ValueError
        The message says what is impossible.
    """
    progress, within = state.progress, state.picture is not None
    # After the last scale there is nothing to resume.
    whole(progress.scale, "its scale", 0, len(scales) - (1 if within else 2))
    _check_history(progress, scales, within)
    whole(progress.best_iteration, "its best iteration", 0, len(progress.history) - 1)
    if len(progress.rollbacks) > MAX_ROLLBACKS:
        raise ValueError(f"it has {len(progress.rollbacks)} rollbacks")
    sizes = [scale.computed_size for scale in scales]
    shape = (1, 3, *sizes[progress.scale])
    array(progress.best.data, "its best picture", shape)
    place = _Place(settings, sizes, progress)
    if state.picture is not None:
        array(state.picture.data, "its picture", shape)
        STATES[settings.optimizer](place)(state.optimizer, "optimizer")
    elif state.optimizer is not None:
        raise ValueError("it has the state of an optimiser without a picture")
    (one_of(None) if within else WARM_STARTS[settings.optimizer](place))(
        progress.warm_start, "warm_start")


def _check_history(progress: Progress, scales: Sequence[Scale], within: bool) -> None:
    """Check that the iterations are in order of their scales, and no more than planned."""
    history = [entry.scale for entry in progress.history]
    if not history or history != sorted(history) or history[-1] > progress.scale:
        raise ValueError("its iterations are not in the order of their scales")
    for scale in scales[:progress.scale + 1]:
        planned = scale.iterations + (scale.number == 0)
        if history.count(scale.number) > planned - (within and scale.number == progress.scale):
            raise ValueError(f"it has more than {planned} iterations at the scale {scale.number}")


@dataclass(frozen=True)
class _Place:
    """Where a run stands.

    Attributes
    ----------
    sizes : list of (height, width)
        Of the computed pictures, by scale.
    progress : Progress
        Its history and scale have been checked.
    """

    settings: Settings
    sizes: list[Size]
    progress: Progress

    @property
    def evaluated(self) -> int:
        """Evaluations so far."""
        return len(self.progress.history)

    @property
    def restarted(self) -> bool:
        """Whether the run was rolled back after its last evaluation."""
        return any(entry.iteration == self.evaluated for entry in self.progress.rollbacks)

    @property
    def fresh(self) -> bool:
        """Whether the optimiser has evaluated nothing yet, since it started."""
        return self.restarted or self.progress.history[-1].scale < self.progress.scale

    @property
    def picture(self) -> tuple[int, ...]:
        """The shape of a picture at this scale."""
        return (1, 3, *self.sizes[self.progress.scale])

    def levels(self, scale: int | None = None) -> list[Size]:
        """Height and width of the parameters at a scale, by default at this one."""
        size = self.sizes[self.progress.scale if scale is None else scale]
        return [size] if self.settings.variable == "pixels" else pyramid.level_sizes(size)


# --------------------------------------------------------------------------------- Adam, SGD


def _adam(place: _Place) -> Check:
    def check(value: Any, name: str) -> None:
        record(moments=_moments(place), mean=_mean(place), unit=_unit)(value, name)
        _check_unit(value, name)
    return check


def _adam_warm_start(place: _Place) -> Check:
    def check(value: Any, name: str) -> None:
        record(moments=_moments(place), unit=_unit)(value, name)
        _check_unit(value, name)
    return check


def _moments(place: _Place) -> Check:
    """Adam's state of every parameter that has taken a step."""
    def check(value: Any, name: str) -> None:
        if not isinstance(value, (list, tuple)) or len(value) not in _moment_counts(place):
            raise ValueError(f"{name} is not a list with an entry for each parameter")
        sequence(*(record(step=count(1, place.evaluated), exp_avg=floats(1, 3, *size),
                          exp_avg_sq=floats(1, 3, *size, least=0.0))
                   for size in place.levels()[:len(value)]))(value, name)
    return check


def _moment_counts(place: _Place) -> set[int]:
    """How many parameters may have moments.

    At a new scale they come from an earlier one, which may have had fewer levels. After a rollback
    there are none, until there is a step. A scale of one iteration makes none.
    """
    progress = place.progress
    if place.restarted:
        return {0}
    if progress.history[-1].scale == progress.scale and progress.warm_start is None:
        return {len(place.levels())}
    return {len(place.levels(scale)) for scale in range(progress.scale + 1)} | (
        {0} if progress.rollbacks else set())


def _unit(value: Any, name: str) -> None:
    real(0.0)(value, name)
    mantissa, exponent = math.frexp(value)
    if value and (mantissa != 0.5 or abs(exponent) > LARGEST_UNIT):
        raise ValueError(f"{name} is not a power of two")


def _check_unit(value: dict[str, Any], name: str) -> None:
    if bool(value["unit"]) != bool(value["moments"]):
        raise ValueError(f"{name}.unit does not fit its moments")


def _sgd(place: _Place) -> Check:
    steepest = one_of(STEEPEST) if place.fresh else real(STEEPEST)
    return record(mean=_mean(place), steepest=steepest)


def _mean(place: _Place) -> Check:
    """The running mean of the pictures, and its weight 1 − βᵗ."""
    beta = place.settings.average
    if not beta:
        return record(weight=one_of(0.0), mean=one_of(None))
    return record(weight=one_of(0.0) if place.fresh else real(1 - beta, 1.0),
                  mean=floats(*place.picture))


# ------------------------------------------------------------------------------------- L-BFGS


def _lbfgs(place: _Place) -> Check:
    levels = [floats(1, 3, *size) for size in place.levels()]
    variable = record() if place.settings.variable == "pixels" else record(
        origin=floats(*place.picture), levels=sequence(*levels))
    return record(optimizer=partial(_check_descent, place), variable=variable,
                  before=real(most=math.inf))


def _lbfgs_warm_start(place: _Place) -> Check:
    sizes = [sequence(one_of(height), one_of(width)) for height, width in place.levels()]
    return record(state=partial(_check_descent, place), sizes=sequence(*sizes))


def _check_descent(place: _Place, value: Any, name: str) -> None:
    """Check the state of a `minigrad.optim.descent.Descent`.

    Its vectors are filled in the course of the descent, and may hold anything before. The next
    scale takes only the curvature.
    """
    stands = value.get("stands") if isinstance(value, dict) else None
    within = place.progress.warm_start is None
    first, trying = stands == FIRST, stands == TRYING and within
    length = sum(3 * height * width for height, width in place.levels())
    vector, any_vector = floats(length), floats(length, finite=False)
    evaluated = any_vector if first else vector
    record(stands=one_of(FIRST, TRYING) if within else one_of(FIRST, AIMING, TRYING),
           loss=real(), slope=real(-LARGEST, -5e-324) if trying else _any_number,
           step=real(0.0) if trying else _any_number, best_loss=real(most=math.inf),
           since_best=count(0, place.evaluated), iterations=count(0, place.evaluated),
           evaluations=count(0, place.evaluated), ended=one_of("") if within else one_of(*ENDS),
           x=vector, gradient=evaluated, direction=vector if trying else any_vector,
           best_x=evaluated, best_gradient=evaluated,
           search=_search if stands == TRYING else one_of(None),
           curvature=_curvature(place.settings.lbfgs_history, length))(value, name)
    if trying and value["search"]["step"] != value["step"]:
        raise ValueError(f"{name}.step is not that of its line search")


def _any_number(value: Any, name: str) -> None:
    if not isinstance(value, float):
        raise ValueError(f"{name} is not a number")


def _curvature(history: int, length: int) -> Check:
    """The last steps and changes of the gradient."""
    def check(value: Any, name: str) -> None:
        steps: Any = value.get("steps") if isinstance(value, dict) else None
        pairs = min(len(steps), history) if getattr(steps, "ndim", 0) else 0
        record(steps=floats(pairs, length), changes=floats(pairs, length))(value, name)
    return check


_POINT = sequence(real(), real(), real())
_FLAG = one_of(False, True)
_search = record(
    c1=real(0.0, 1.0), c2=real(0.0, 1.0), noise=real(0.0), narrowest=real(0.0, 1.0),
    step=real(0.0), start=_POINT, low=_POINT, high=_POINT, bracketed=_FLAG, descending=_FLAG,
    smallest=real(), largest=real(), limit=real(), width=real(), width_before=real(),
    trials=count(0, MAX_TRIALS))

# By the setting `optimizer`.
STATES = {"adam": _adam, "sgd": _sgd, "lbfgs": _lbfgs}
WARM_STARTS = {"adam": _adam_warm_start, "sgd": lambda place: one_of(None),
               "lbfgs": _lbfgs_warm_start}
