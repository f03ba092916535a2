"""The state of a run: its losses, its best picture, and what a checkpoint needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

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
        The weighted total loss.
    content, style : float or None
        Σ w_l C_l and Σ w_l E_l, before α and β; None if not computed (weight 0).
    tv : float
        Total variation, before its weight.
    palette : float or None
        Distance of the palettes, before its weight; None if not computed.
    seconds : float
        Duration of this iteration.
    scale : int
        Number of the scale, from 0, the coarsest.
    content_layers, style_layers : dict
        Layer -> its share of `content` or `style`.
    """

    iteration: int
    total: float
    content: float | None
    style: float | None
    tv: float
    seconds: float
    palette: float | None = None
    scale: int = 0
    content_layers: dict[str, float] = field(default_factory=dict)
    style_layers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Rollback:
    """A step that led to NaN or overflow and was undone.

    Attributes
    ----------
    iteration : int
        The evaluation that failed.
    back_to : int
        The iteration whose picture was restored; the run continued with a tenth of the step.
    cause : str
        What was not finite, and why.
    """

    iteration: int
    back_to: int
    cause: str


@dataclass
class Progress:
    """The state of the loop, passed to the observer after every iteration.

    Attributes
    ----------
    best : Tensor
        The picture with the lowest total loss so far at the current scale: a copy that the loop
        does not change.
    best_iteration : int
        The iteration of `best`. Until a new scale has its first iteration, `best` is the enlarged
        picture of that iteration.
    history : list of Iteration
    rollbacks : list of Rollback
    ended : str
        "running", then "done", "converged" (no step lowers the loss any more, or patience ran
        out), "interrupted" or "fault".
    cause : str
        The fault, or the reason for an early end, in one sentence; "" otherwise.
    scale : int
        Number of the current scale.
    warm_start : object
        State of the optimiser for the next scale.
    host_copy : HostCopy
        A copy of `best` on the host, where it is on a device.
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
    """Everything that changes during a run, just before an evaluation or between two scales.

    Attributes
    ----------
    progress : Progress
    picture : Tensor or None
        The picture that is evaluated next; None between two scales, where it is the best one,
        enlarged.
    optimizer : dict or None
        State of the optimiser at this scale.
    """

    progress: Progress
    picture: Tensor | None = None
    optimizer: dict[str, Any] | None = None


class CheckpointWriter(Protocol):
    """The methods of `nst.job.checkpoint.CheckpointManager` that the loop calls."""

    def should_save(self, iteration: int) -> bool:
        """Whether to save before the evaluation of `iteration`."""

    def save(self, state: RunState,
             optimizer_state: Callable[[], dict[str, Any] | None] = ...) -> None:
        """Save `state`, with the optimiser's state; the function is called only if needed."""
