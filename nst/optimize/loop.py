"""The loop: evaluate, record, step, and never lose the best picture.

One iteration is one evaluation of loss and gradient, for every optimiser; what a line search
tries counts. Iteration 0 is the evaluation of the initial picture.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad import Tensor, cuda, maximum, minimum, no_grad
from minigrad.errors import DeviceError
from nst.config.settings import Settings
from nst.loss.objective import Losses
from nst.optimize.evaluation import LossAndGradient, NonFiniteError
from nst.optimize.methods import METHODS, largest
from nst.optimize.patience import Patience
from nst.optimize.progress import Iteration, Progress, Rollback, RunState
from nst.system import out_of_memory
from nst.system.signals import check_interrupt

if TYPE_CHECKING:
    from nst.job.checkpoint import CheckpointManager

MAX_PIXEL = 1e5              # grey levels; no picture on its way to 0-255 has such pixels
MAX_ROLLBACKS = 3       # from NaN and overflow, in a run
LR_BACKOFF = 0.1           # what each of them multiplies the learning rate by


def optimize(objective: Callable[[Tensor], Losses], picture: Tensor, settings: Settings,
             observe: Callable[[Progress], None] | None = None, *,
             iterations: int | None = None, after: Progress | None = None,
             bounds: tuple[Tensor, Tensor] | None = None,
             checkpoints: CheckpointManager | None = None,
             resumed: RunState | None = None, goes_on: bool = True) -> Progress:
    """Minimise ``objective``, starting from ``picture``, which is changed in place.

    Ends after the iterations allowed, earlier when nothing improves any more, when there is not
    enough memory, when the device fails, and on KeyboardInterrupt, which is not raised again. After
    NaN or overflow it goes back to the best picture and on from there with smaller steps, and ends
    if that happens again and again. Whatever the end, ``best`` of the result is the best picture
    until then, or of what a device that failed has left.

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
    checkpoints : CheckpointManager, optional
        Writes checkpoints.
    resumed : RunState, optional
        To go on from; ``picture`` is its picture.
    goes_on : bool
        Whether another scale is to follow, for which to note what the optimiser has learned.

    Raises
    ------
    DeviceError
        The device fails before the first iteration is done.
    """
    evaluation = ObjectiveClosure(objective, picture, settings, observe,
                            iterations or settings.iterations, after, bounds, checkpoints, resumed)
    evaluation.goes_on = goes_on
    progress = evaluation.progress
    try:
        # Overflow is noticed by looking at the results; warnings would only repeat it.
        with np.errstate(all="ignore"), cuda.translated():
            progress.host_copy.renew(progress)
            _minimise(evaluation, picture, settings)
            progress.host_copy.renew(progress, at_once=True)
    except KeyboardInterrupt:
        progress.ended = "interrupted"
    except (DeviceError, MemoryError) as error:
        if not (progress.history or isinstance(error, MemoryError)):
            raise
        progress.ended = "fault"
        progress.cause = out_of_memory.in_words(error, picture.shape[2:], picture.device)
        progress.cause += progress.host_copy.rescue(progress)
    return progress


def _minimise(evaluation: ObjectiveClosure, picture: Tensor, settings: Settings) -> None:
    """Call the optimiser; after a fault again, from the best picture, until it has ended."""
    progress = evaluation.progress
    while True:
        try:
            progress.warm_start = METHODS[settings.optimizer](evaluation, picture, settings)
        except NonFiniteError as fault:
            progress.cause = _cause(fault, picture, settings)
            if not evaluation.roll_back():
                progress.ended = "fault"
                return
            progress.cause = ""
        else:
            progress.ended = "converged" if evaluation.left else "done"
            if evaluation.out_of_patience and evaluation.left:
                progress.cause = str(evaluation.patience)
            return


class ObjectiveClosure:
    """The closure that optimisers call: loss and gradient at the picture as it is now.

    Attributes
    ----------
    left : int
        Evaluations that are still allowed at this scale.
    lowest : float
        The lowest total so far at this scale.
    goes_on : bool
        Whether what the optimiser has learned is wanted in the end.
    """

    def __init__(self, objective: Callable[[Tensor], Losses], picture: Tensor,
                 settings: Settings, observe: Callable[[Progress], None] | None,
                 iterations: int, after: Progress | None,
                 bounds: tuple[Tensor, Tensor] | None, checkpoints: CheckpointManager | None = None,
                 resumed: RunState | None = None) -> None:
        self.evaluate = LossAndGradient(objective, picture)
        self.picture = picture
        self.observe = observe
        self.bounds = bounds if settings.clamp else None
        self.iterations = settings.iterations
        self.patience = Patience(settings.patience, settings.min_delta)
        self.checkpoints = checkpoints
        self.goes_on = True
        self.optimizer_state: Callable[[], dict[str, Any]] = dict
        self.restored = resumed and _emptied(resumed.optimizer)
        self.progress = _begun(picture, after) if resumed is None else resumed.progress
        # The initial picture of all is evaluated on top of the iterations.
        self.left = iterations + (self.progress.scale == 0)
        self.lowest = float("inf")
        for entry in self.progress.history:
            if entry.scale == self.progress.scale:
                self._count(entry.total)
        self.clock = time.perf_counter()

    def register_state(self, state: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
        """Have what ``state()`` says put into checkpoints, from now on.

        Returns
        -------
        dict or None
            What was in the one that the run goes on from: for the first who asks.
        """
        self.optimizer_state = state
        known, self.restored = self.restored, None
        return known

    def warm_start(self) -> Any:
        """What the optimiser has returned at the scale before this one: for the first who asks."""
        found, self.progress.warm_start = self.progress.warm_start, None
        return found

    @property
    def out_of_patience(self) -> bool:
        """Whether patience is over: no iteration is to follow but a last one."""
        return self.patience.is_over

    @property
    def backoff(self) -> float:
        """What learning rates are multiplied by: less after each rollback."""
        return LR_BACKOFF ** len(self.progress.rollbacks)

    @property
    def progress_share(self) -> float:
        """How much of the whole run is done, from 0 to 1."""
        return min(1.0, len(self.progress.history) / self.iterations)

    def __call__(self) -> Tensor:
        try:
            if (self.checkpoints is not None
                    and self.checkpoints.should_save(len(self.progress.history))):
                self._keep()
            check_interrupt()
            total, values = self.evaluate()
        except (KeyboardInterrupt, MemoryError):
            # Until it is evaluated, neither the picture nor the optimiser has moved on.
            self._keep()
            raise
        if values["total"] < self.lowest:
            self.progress.best = self.picture.detach().clone()
            self.progress.best_iteration = len(self.progress.history)
            self.progress.host_copy.renew(self.progress)
        self._record(values)
        return total

    def clamp(self) -> None:
        """Take pixels back to 0-255, if that is wanted."""
        if self.bounds is not None:
            black, white = self.bounds
            with no_grad():
                self.picture[...] = minimum(maximum(self.picture, black), white)

    def roll_back(self) -> bool:
        """Go back to the best picture after a fault; False if there is no sense in it."""
        progress = self.progress
        if self.lowest == float("inf") or not self.left or len(progress.rollbacks) >= MAX_ROLLBACKS:
            return False
        progress.rollbacks.append(Rollback(len(progress.history), progress.best_iteration,
                                         progress.cause))
        with no_grad():
            self.picture[...] = progress.best
        return True

    def _keep(self) -> None:
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


def _emptied(state: dict[str, Any] | None) -> dict[str, Any] | None:
    """What is in ``state``, which is left empty: it may be as large as all that the optimiser has,
    and is not to be there twice because the caller still holds it."""
    if state is None:
        return None
    found = dict(state)
    state.clear()
    return found


def _begun(picture: Tensor, after: Progress | None) -> Progress:
    """The progress at the beginning of a scale."""
    progress = after or Progress(best=picture)
    progress.best = picture.detach().clone()
    progress.ended, progress.cause = "running", ""
    if after is not None:
        after.scale += 1
    return progress


# -------------------------------------------------------------------------- the faults


def _cause(fault: NonFiniteError, picture: Tensor, settings: Settings) -> str:
    """What went wrong, and what to do about it."""
    furthest = largest(picture)
    if not furthest < MAX_PIXEL:
        rate = "" if settings.learning_rate is None else f" than {settings.learning_rate:g}"
        return (f"{fault} is not finite because the last step took pixels to {furthest:.3g}: "
                f"choose a smaller learning-rate{rate}, or the optimizer lbfgs")
    if str(fault) == "the total loss":
        return (f"{fault} is not finite although its terms are: choose a smaller content-weight "
                f"({settings.content_weight:g}), style-weight ({settings.style_weight:g}) or "
                f"tv-weight ({settings.tv_weight:g})")
    return (f"{fault} is not finite although the picture is: the numbers inside the network are "
            f"too large for float32; check the weights file, or choose smaller weights of layers")
