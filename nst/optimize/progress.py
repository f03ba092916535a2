"""What a run has so far: its losses, its best picture, and all that it takes to go on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from minigrad import Tensor
from nst.optimize.host_copy import HostCopy


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


@dataclass(frozen=True)
class Rollback:
    """A step that led to NaN or overflow, and was taken back.

    Attributes
    ----------
    iteration : int
        Which evaluation failed.
    back_to : int
        Which iteration's picture the run went on from, with a tenth of the step.
    cause : str
        What was not finite, and why.
    """

    iteration: int
    back_to: int
    cause: str


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
    rollbacks : list of Rollback
    ended : str
        "running", then "done", "converged" (no step lowers the loss any more, or not for as long
        as patience lasts), "interrupted" or "fault".
    cause : str
        What the fault was, or why it ended early, in one sentence; "" otherwise.
    scale : int
        At which of the run's sizes it is.
    warm_start : object
        What the optimiser knows that helps at the next scale.
    host_copy : HostCopy
        A copy of ``best`` on the host, where it is on a device.
    """

    best: Tensor
    best_iteration: int = 0
    history: list[Iteration] = field(default_factory=list)
    rollbacks: list[Rollback] = field(default_factory=list)
    ended: str = "running"
    cause: str = ""
    scale: int = 0
    warm_start: Any = None
    host_copy: HostCopy = field(default_factory=HostCopy, repr=False)


@dataclass(frozen=True)
class RunState:
    """A run that is about to evaluate a picture, or is between two scales.

    Attributes
    ----------
    progress : Progress
    picture : Tensor or None
        What is evaluated next; None between two scales, where it is the best one, enlarged.
    optimizer : dict or None
        What the optimiser remembers of this scale.
    """

    progress: Progress
    picture: Tensor | None = None
    optimizer: dict[str, Any] | None = None
