"""The values that a setting can take: names to choose from, and the check of each field."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from minigrad.errors import ArgumentError
from nst.config.validators import (
    LARGEST_INTEGER,
    MAX_SIDE,
    boolean,
    file_name,
    integer,
    number,
    one_of,
    term_weight,
    text,
)

OPTIMIZERS = ("lbfgs", "adam", "sgd")
SCHEDULES = ("constant", "linear", "cosine", "exponential")
POOLINGS = ("max", "avg", "avg-scaled")
PADDINGS = ("zeros", "replicate", "reflect")
INITS = ("content", "recolored", "style", "random")
STATISTICAL_LOSSES = ("w2", "gram")             # see `nst.loss.style`
# At random positions or in random directions; see `nst.loss.sliced` and `nst.loss.transport`.
SAMPLED_LOSSES = ("swd", "remd")
STYLE_LOSSES = STATISTICAL_LOSSES + SAMPLED_LOSSES
CONTENT_LOSSES = ("features", "selfsim")        # see `nst.loss.targets`, `nst.loss.transport`
VARIABLES = ("pyramid", "pixels")     # see `nst.optimize.variables`
RESULTS = ("mean", "best")
NORMS = ("gatys", "gatys2016", "johnson", "mse", "sum")     # see `nst.loss.normalizations`
COLORS = ("style", "luminance", "affine", "histogram")
PRECISIONS = ("auto", "highest", "high")


# Natural bounds: more than this is a mistake, and sums of it may not fit anywhere.
MAX_ITERATIONS = 10**9
MAX_HISTORY = 10**5         # past steps of L-BFGS
MAX_PROCESSES = 10_000
MAX_REGIONS = 20            # each has at least 5 % of a picture, see `nst.job.regions`
MAX_STYLE_SCALE = 1e5


def _whole(minimum: int, maximum: int = LARGEST_INTEGER) -> Callable[[str, Any], int]:
    return lambda name, value: integer(name, value, minimum, maximum)


def _style_scale(name: str, value: Any) -> float:
    return number(name, value, largest=MAX_STYLE_SCALE)


def processes(name: str, value: Any) -> int:
    """Return a number of processes."""
    return integer(name, value, 1, MAX_PROCESSES)


def _one_of(known: Iterable[str]) -> Callable[[str, Any], str]:
    return lambda name, value: one_of(name, value, known)


def _share(name: str, value: Any) -> float:
    return number(name, value, positive=False, below=1)


def _exponent(name: str, value: Any) -> int:
    exponent = integer(name, value, 1)
    if exponent > 2:
        raise ArgumentError(f"{name} is {exponent}, but must be 1 or 2")
    return exponent


# The checks of the fields. Fields without one are checked where they are used; `Converted` fields
# check themselves.
CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "size": _whole(1, MAX_SIDE), "scales": _whole(1), "iterations": _whole(1, MAX_ITERATIONS),
    "patience": _whole(1), "lbfgs_history": _whole(1, MAX_HISTORY), "seed": _whole(0),
    "tile": _whole(1, MAX_SIDE), "processes": processes, "regions": _whole(1, MAX_REGIONS),
    "margin": _whole(0, MAX_SIDE), "variable": _one_of(VARIABLES), "result": _one_of(RESULTS),
    "weights": file_name, "device": text,
    "style_loss": _one_of(STYLE_LOSSES), "content_loss": _one_of(CONTENT_LOSSES),
    "colors": _one_of(COLORS),
    "optimizer": _one_of(OPTIMIZERS),
    "lr_schedule": _one_of(SCHEDULES), "pooling": _one_of(POOLINGS),
    "padding": _one_of(PADDINGS), "norm": _one_of(NORMS), "precision": _one_of(PRECISIONS),
    "style_scale": _style_scale, "noise": number, "learning_rate": number,
    "content_weight": term_weight, "style_weight": term_weight, "tv_weight": term_weight,
    "palette_weight": term_weight,
    "average": _share, "min_delta": _share,
    "tv_exponent": _exponent,
    "clamp": boolean, "auto_weights": boolean,
}
