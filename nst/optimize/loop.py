"""The optimisation loop at one scale: evaluate, record, step, and keep the best picture.

One iteration is one evaluation of loss and gradient, whatever the optimiser; the trials of a line
search count. Iteration 0 evaluates the initial picture.
"""

from __future__ import annotations

import operator
from collections.abc import Callable

import numpy as np

from minigrad import Tensor, cuda
from minigrad.errors import DeviceError
from nst.config.settings import Settings
from nst.config.validators import option_name
from nst.loss.objective import Losses
from nst.optimize.closure import Bounds, ObjectiveClosure, Observer
from nst.optimize.evaluation import NonFiniteError
from nst.optimize.methods import METHODS, largest
from nst.optimize.progress import CheckpointWriter, Progress, RunState
from nst.system import out_of_memory

LARGE_WEIGHT = 1e6      # weights from here on may be the cause of an overflow
MAX_PIXEL = 1e5         # grey levels; pixels beyond it have diverged


def optimize(objective: Callable[[Tensor], Losses], picture: Tensor, settings: Settings,
             observe: Observer | None = None, *, iterations: int | None = None,
             after: Progress | None = None, bounds: Bounds | None = None,
             checkpoints: CheckpointWriter | None = None, resumed: RunState | None = None,
             continues: bool = True, margin: int = 0) -> Progress:
    """Minimise `objective`, starting from `picture`, which is changed in place.

    The loop ends after its iterations, or earlier if the loss stops falling, if memory runs out,
    if the device fails, or on KeyboardInterrupt, which is not raised again. After NaN or overflow
    it restores the best picture and continues with smaller steps; after several such rollbacks it
    ends. In every case `best` of the result is the best picture so far, or the latest copy of it
    if the device failed.

    Parameters
    ----------
    objective : callable
        From a picture 1×3×H×W to its `Losses`.
    picture : Tensor, 1×3×H×W
        A leaf that requires a gradient.
    observe : callable, optional
        Called after every iteration.
    iterations : int, optional
        Evaluations after that of the initial picture; by default `settings.iterations`.
    after : Progress, optional
        The progress of the previous scale.
    bounds : two Tensors 1×3×1×1, optional
        Black and white, for `settings.clamp`.
    checkpoints : CheckpointWriter, optional
    resumed : RunState, optional
        The state to resume from; `picture` is its picture.
    continues : bool
        Whether another scale follows, which needs the optimiser's state.
    margin : int
        Pixels on each side of the picture that do not belong to the result.

    Raises
    ------
    DeviceError
        The device fails during the first iteration.
    """
    closure = ObjectiveClosure(objective, picture, settings, iterations or settings.iterations,
                               observe=observe, after=after, bounds=bounds,
                               checkpoints=checkpoints, resumed=resumed, continues=continues)
    progress = closure.progress
    try:
        # The results are checked for overflow, so warnings would be redundant.
        with np.errstate(all="ignore"), cuda.translated():
            progress.host_copy.update(progress)
            _minimize(closure, picture, settings)
            progress.host_copy.update(progress, force=True)
    except KeyboardInterrupt:
        progress.ended = "interrupted"
    except (DeviceError, MemoryError) as error:
        if not (progress.history or isinstance(error, MemoryError)):
            raise
        progress.ended = "fault"
        height, width = (side - 2 * margin for side in picture.shape[2:])
        progress.cause = out_of_memory.in_words(error, (height, width), picture.device)
        progress.cause += progress.host_copy.rescue(progress)
    return progress


def _minimize(closure: ObjectiveClosure, picture: Tensor, settings: Settings) -> None:
    """Run the method; after a fault, run it again from the best picture."""
    progress = closure.progress
    while True:
        try:
            progress.warm_start = METHODS[settings.optimizer](closure, picture, settings)
        except NonFiniteError as fault:
            progress.cause = _explain(fault, picture, settings)
            if not closure.roll_back():
                progress.ended = "fault"
                return
            progress.cause = ""
        else:
            progress.ended = "converged" if closure.left else "done"
            if closure.out_of_patience and closure.left:
                progress.cause = str(closure.patience)
            return


def _explain(fault: NonFiniteError, picture: Tensor, settings: Settings) -> str:
    """The cause of a fault and its remedy, in one sentence."""
    pixel = largest(picture)
    if not pixel < MAX_PIXEL:
        rate = "" if settings.learning_rate is None else f" than {settings.learning_rate:g}"
        return (f"{fault} is not finite because the last step took pixels to {pixel:.3g}: "
                f"choose a smaller learning-rate{rate}, or the optimizer lbfgs")
    if str(fault) == "the total loss":
        *others, last = (f"{name} ({weight:g})" for name, weight
                         in _term_weights(settings).items())
        return (f"{fault} is not finite although its terms are: choose a smaller "
                f"{', '.join(others)} or {last}")
    name, weight = max(_term_weights(settings).items(), key=operator.itemgetter(1))
    if str(fault) == "the gradient" and weight >= LARGE_WEIGHT:
        return (f"{fault} is not finite although the picture is: {name} {weight:g} is too large "
                f"for float32; choose a smaller one")
    return (f"{fault} is not finite although the picture is: the numbers inside the network are "
            f"too large for float32; check the weights file, or choose smaller layer weights")


def _term_weights(settings: Settings) -> dict[str, float]:
    """The weights of the terms of the loss, by the names of their options."""
    return {option_name(name): getattr(settings, name) for name in
            ("content_weight", "style_weight", "tv_weight", "palette_weight")}
