"""The closure that optimisation methods call."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minigrad import Tensor, maximum, minimum, no_grad
from minigrad.errors import ArgumentError, FileError
from nst.config.settings import Settings
from nst.loss.objective import Losses
from nst.optimize.evaluation import LossAndGradient
from nst.optimize.patience import Patience
from nst.optimize.progress import CheckpointWriter, Iteration, Progress, Rollback, RunState
from nst.system.signals import check_interrupt

MAX_ROLLBACKS = 3       # per run, after NaN or overflow
SMALL_LOSS = 1e-10      # no sensible weights make a loss this small
LR_BACKOFF = 0.1        # factor of the learning rate at each rollback

Observer = Callable[[Progress], None]
Bounds = tuple[Tensor, Tensor]


class ObjectiveClosure:
    """Compute loss and gradient at the current picture, and record the iteration.

    Parameters
    ----------
    objective : callable
        From a picture 1×3×H×W to its `Losses`.
    picture : Tensor, 1×3×H×W
    settings : Settings
    iterations : int
        Evaluations at this scale, after that of the initial picture.
    observe, after, bounds, checkpoints, resumed, continues
        As for `nst.optimize.loop.optimize`.

    Attributes
    ----------
    left : int
        Evaluations left at this scale.
    lowest : float
        The lowest total loss so far at this scale.
    continues : bool
        Whether another scale needs the optimiser's state.
    """

    def __init__(self, objective: Callable[[Tensor], Losses], picture: Tensor,
                 settings: Settings, iterations: int, *, observe: Observer | None = None,
                 after: Progress | None = None, bounds: Bounds | None = None,
                 checkpoints: CheckpointWriter | None = None, resumed: RunState | None = None,
                 continues: bool = True) -> None:
        self.evaluate = LossAndGradient(objective, picture)
        self.picture = picture
        self.observe = observe
        self.bounds = bounds if settings.clamp else None
        self.iterations = settings.iterations
        self.patience = Patience(settings.patience, settings.min_delta)
        self.checkpoints = checkpoints
        self.continues = continues
        self.keeps_final = settings.result == "mean"
        self.optimizer_state: Callable[[], dict[str, Any]] = dict
        self.has_evaluated = False
        self.restored = None if resumed is None else _take_content(resumed.optimizer)
        self.progress = _start(picture, after) if resumed is None else resumed.progress
        # The first scale also evaluates the initial picture.
        self.left = iterations + (self.progress.scale == 0)
        self.lowest = float("inf")
        for entry in self.progress.history:
            if entry.scale == self.progress.scale:
                self._count(entry.total)
        self.clock = time.perf_counter()

    def register_state(self, state: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
        """Register the optimiser's state for checkpoints; return the restored state, once."""
        self.optimizer_state = state
        restored, self.restored = self.restored, None
        return restored

    def warm_start(self) -> Any:
        """The state carried over from the previous scale, once."""
        state, self.progress.warm_start = self.progress.warm_start, None
        return state

    @property
    def out_of_patience(self) -> bool:
        """Whether patience has run out: at most one more evaluation follows."""
        return self.patience.is_over

    @property
    def backoff(self) -> float:
        """A factor for learning rates, smaller after each rollback."""
        return LR_BACKOFF ** len(self.progress.rollbacks)

    @property
    def progress_share(self) -> float:
        """The fraction of the whole run that is done, from 0 to 1."""
        return min(1.0, len(self.progress.history) / self.iterations)

    def __call__(self, is_final: bool = False) -> Tensor:
        """Compute loss and gradient at the current picture; return the total loss.

        Parameters
        ----------
        is_final : bool
            Whether this is the picture that a method ends with. It is the result, whatever its
            loss, unless the settings ask for the lowest loss.
        """
        try:
            if (self.checkpoints is not None
                    and self.checkpoints.should_save(len(self.progress.history))):
                self._save()
            check_interrupt()
            total, values = self.evaluate(len(self.progress.history))
            if not self.progress.history:
                self._check_size(values["total"])
            elif not self.has_evaluated:
                self._check_terms(values)
            self.has_evaluated = True
        except (KeyboardInterrupt, MemoryError):
            # An evaluation changes neither the picture nor the optimiser, so it can be repeated.
            self._save()
            raise
        if values["total"] < self.lowest or (is_final and self.keeps_final):
            self.progress.best = self.picture.detach().clone()
            self.progress.best_iteration = len(self.progress.history)
            self.progress.host_copy.update(self.progress)
        self._record(values)
        return total

    def _check_size(self, total: float) -> None:
        """Check that the first gradient does not vanish in float32, where its loss does not.

        Raises
        ------
        ArgumentError
            No step would be made, and the result would be the initial picture.
        """
        gradient = self.picture.grad
        assert gradient is not None         # every evaluation sets it
        if 0 < total < SMALL_LOSS and gradient.abs().max().item() < np.finfo(np.float32).tiny:
            raise ArgumentError(
                f"the loss of the initial picture is {total:.3g}, so small that its gradient is 0 "
                f"in float32; multiply the weights of the terms or of the layers by one factor")

    def _check_terms(self, values: dict[str, Any]) -> None:
        """Check that the iterations before have the same terms: they may be of a checkpoint.

        Raises
        ------
        FileError
            Somebody edited the checkpoint.
        """
        before = self.progress.history[-1]
        if _terms_of(values) != _terms_of(vars(before)):
            raise FileError("cannot resume from the checkpoint: its iterations have other terms or "
                            "layers than this run; leave out --resume to start over")

    def clamp(self) -> None:
        """Clip pixels to 0-255 if `settings.clamp` is set."""
        if self.bounds is not None:
            black, white = self.bounds
            with no_grad():
                self.picture[...] = minimum(maximum(self.picture, black), white)

    def roll_back(self) -> bool:
        """Restore the best picture after a fault; False if another attempt would be useless."""
        progress = self.progress
        if (self.lowest == float("inf") or not self.left
                or len(progress.rollbacks) >= MAX_ROLLBACKS):
            return False
        progress.rollbacks.append(Rollback(len(progress.history), progress.best_iteration,
                                           progress.cause))
        with no_grad():
            self.picture[...] = progress.best
        return True

    def _save(self) -> None:
        if self.checkpoints is not None:
            self.checkpoints.save(RunState(self.progress, self.picture), self.optimizer_state)

    def _count(self, total: float) -> None:
        self.left -= 1
        self.lowest = min(self.lowest, total)
        self.patience.add(total)

    def _record(self, values: dict[str, Any]) -> None:
        now = time.perf_counter()
        history = self.progress.history
        history.append(Iteration(len(history), **values, seconds=now - self.clock,
                                 scale=self.progress.scale))
        self.clock = now
        self._count(values["total"])
        if self.observe is not None:
            self.observe(self.progress)


def _terms_of(values: Mapping[str, Any]) -> list[Any]:
    """Which terms of the loss were computed, and for which layers."""
    return [*(values[term] is not None for term in ("content", "style", "palette")),
            *(list(values[term]) for term in ("content_layers", "style_layers"))]


def _take_content(state: dict[str, Any] | None) -> dict[str, Any] | None:
    """Move the content of `state` to a new dict.

    The caller still holds `state`, which may be as large as the optimiser's own state, and would
    otherwise keep it in memory a second time.
    """
    if state is None:
        return None
    content = dict(state)
    state.clear()
    return content


def _start(picture: Tensor, after: Progress | None) -> Progress:
    """The progress at the start of a scale."""
    progress = after or Progress(best=picture)
    progress.best = picture.detach().clone()
    progress.ended, progress.cause = "running", ""
    if after is not None:
        after.scale += 1
    return progress
