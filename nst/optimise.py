"""The loop: evaluate, record, step, and never lose the best picture.

One iteration is one evaluation of loss and gradient, for every optimiser; what a line search
tries counts. Iteration 0 is the evaluation of the initial picture.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad import Tensor, maximum, minimum, no_grad
from nst import memory
from nst.losses import Losses
from nst.optimizers import METHODS, largest
from nst.passes import Fault, Pass
from nst.settings import Settings

SANE = 1e5              # grey levels; no picture on its way to 0-255 has such pixels


@dataclass(frozen=True)
class Iteration:
    """One evaluation, as it is reported and written to OUT.json.

    Attributes
    ----------
    iteration : int
        0 is the initial picture.
    total : float
        With all weights in it.
    content, style : float or None
        Σ w_l C_l and Σ w_l E_l, before α and β; None if not computed (weight 0).
    tv : float
        Total variation, before its weight.
    seconds : float
        Time that this iteration took.
    scale : int
        At which of the run's sizes, from 0, the coarsest.
    content_layers, style_layers : dict
        Layer -> what it adds to ``content`` or ``style``.
    """

    iteration: int
    total: float
    content: float | None
    style: float | None
    tv: float
    seconds: float
    scale: int = 0
    content_layers: dict[str, float] = field(default_factory=dict)
    style_layers: dict[str, float] = field(default_factory=dict)


@dataclass
class Progress:
    """What the loop has so far; handed to the observer after every iteration.

    Attributes
    ----------
    best : Tensor
        The picture with the lowest total loss so far, of those of the present size: a copy, the
        loop does not touch it.
    best_iteration : int
        Which iteration it is from. Until a new scale has its first iteration, it is the enlarged
        picture of that iteration.
    history : list of Iteration
    ended : str
        "running", then "done", "converged" (no step lowers the loss any more), "interrupted"
        or "fault".
    cause : str
        What the fault was, in one sentence; "" otherwise.
    scale : int
        At which of the run's sizes it is.
    learned : object
        What the optimiser knows that helps at the next scale.
    """

    best: Tensor
    best_iteration: int = 0
    history: list[Iteration] = field(default_factory=list)
    ended: str = "running"
    cause: str = ""
    scale: int = 0
    learned: Any = None


def optimise(objective: Callable[[Tensor], Losses], picture: Tensor, settings: Settings,
             observe: Callable[[Progress], None] | None = None, *,
             iterations: int | None = None, after: Progress | None = None,
             bounds: tuple[Tensor, Tensor] | None = None) -> Progress:
    """Minimise ``objective``, starting from ``picture``, which is changed in place.

    Ends after the iterations allowed, earlier when nothing improves any more, on a fault (NaN,
    overflow), and on KeyboardInterrupt, which is not raised again. Whatever the end, ``best`` of
    the result is the best picture until then.

    Parameters
    ----------
    objective : callable
        From a picture 1×3×H×W to its `Losses`.
    picture : Tensor, 1×3×H×W
        A leaf that requires a gradient.
    observe : callable, optional
        Called after every iteration.
    iterations : int, optional
        How many, after that of the very first picture; ``settings.iterations`` by default.
    after : Progress, optional
        Of the scale before this one, to go on with.
    bounds : two Tensors 1×3×1×1, optional
        Black and white, for ``settings.clamp``.
    """
    evaluation = Evaluation(objective, picture, settings, observe,
                            iterations or settings.iterations, after, bounds)
    progress = evaluation.progress
    try:
        # Overflow is noticed by looking at the results; warnings would only repeat it.
        with np.errstate(all="ignore"):
            progress.learned = METHODS[settings.optimizer](evaluation, picture, settings,
                                                           progress.learned)
        progress.ended = "converged" if evaluation.left else "done"
    except Fault as fault:
        progress.ended, progress.cause = "fault", _cause(fault, picture, settings)
    except KeyboardInterrupt:
        progress.ended = "interrupted"
    except MemoryError as error:
        progress.ended, progress.cause = "fault", memory.in_words(error, picture.shape[2:],
                                                                  picture.device)
    return progress


class Evaluation:
    """The closure that optimisers call: loss and gradient at the picture as it is now.

    Attributes
    ----------
    left : int
        Evaluations that are still allowed at this scale.
    lowest : float
        The lowest total so far at this scale.
    first : bool
        Whether the last evaluation was the first at this scale.
    """

    def __init__(self, objective: Callable[[Tensor], Losses], picture: Tensor,
                 settings: Settings, observe: Callable[[Progress], None] | None,
                 iterations: int, after: Progress | None,
                 bounds: tuple[Tensor, Tensor] | None) -> None:
        self.evaluate = Pass(objective, picture)
        self.picture = picture
        self.observe = observe
        self.bounds = bounds if settings.clamp else None
        self.iterations = settings.iterations
        self.progress = after or Progress(best=picture)
        self.progress.best = picture.detach().clone()
        self.progress.ended = "running"
        if after is not None:
            after.scale += 1
        # The initial picture of all is evaluated on top of the iterations.
        self.left = iterations + (after is None)
        self.first = False
        self.lowest = float("inf")
        self.clock = time.perf_counter()

    @property
    def progress_share(self) -> float:
        """How much of the whole run is done, from 0 to 1."""
        return min(1.0, len(self.progress.history) / self.iterations)

    def __call__(self) -> Tensor:
        total, values = self.evaluate()
        self.first = self.lowest == float("inf")
        if values["total"] < self.lowest:
            self.lowest = values["total"]
            self.progress.best = self.picture.detach().clone()
            self.progress.best_iteration = len(self.progress.history)
        self._record(values)
        return total

    def clamp(self) -> None:
        """Take pixels back to 0-255, if that is wanted."""
        if self.bounds is not None:
            black, white = self.bounds
            with no_grad():
                self.picture[...] = minimum(maximum(self.picture, black), white)

    def _record(self, values: dict[str, Any]) -> None:
        now = time.perf_counter()
        history = self.progress.history
        history.append(Iteration(len(history), **values, seconds=now - self.clock,
                                 scale=self.progress.scale))
        self.clock = now
        self.left -= 1
        if self.observe is not None:
            self.observe(self.progress)


# -------------------------------------------------------------------------- the faults


def _cause(fault: Fault, picture: Tensor, settings: Settings) -> str:
    """What went wrong, and what to do about it."""
    furthest = largest(picture)
    if not furthest < SANE:
        rate = "" if settings.learning_rate is None else f" than {settings.learning_rate:g}"
        return (f"{fault} is not finite because the last step took pixels to {furthest:.3g}: "
                f"choose a smaller learning-rate{rate}, or the optimizer lbfgs")
    if str(fault) == "the total loss":
        return (f"{fault} is not finite although its terms are: choose a smaller content-weight "
                f"({settings.content_weight:g}), style-weight ({settings.style_weight:g}) or "
                f"tv-weight ({settings.tv_weight:g})")
    return (f"{fault} is not finite although the picture is: the numbers inside the network are "
            f"too large for float32; check the weights file, or choose smaller weights of layers")
