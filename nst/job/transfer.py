"""A style transfer from beginning to end: `stylize`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from PIL import Image

from minigrad import Tensor, backend, cuda
from minigrad.errors import DeviceError, OutOfMemoryError
from nst.config.settings import Settings, precision_on
from nst.job import estimate, inputs
from nst.job.inputs import Inputs
from nst.loss.objective import Objective
from nst.loss.tiled import TiledObjective, shared_processes
from nst.model import vgg, weights
from nst.optimize.loop import optimize
from nst.optimize.progress import Iteration, Progress, Rollback, RunState
from nst.optimize.scales import Scale, plan
from nst.pictures import colors, resample, tensors
from nst.pictures.picture import Picture
from nst.system import out_of_memory
from nst.system.executors import Executor
from nst.system.signals import check_interrupt, defer_interrupts

if TYPE_CHECKING:
    from nst.job.checkpoint import CheckpointManager


@dataclass(frozen=True)
class Result:
    """What `stylize` returns.

    Attributes
    ----------
    picture : Picture
        The picture with the lowest total loss at the last size that was reached: floats, and the
        content's transparency.
    history : list of Iteration
        One entry per evaluation; the first is the initial picture.
    settings : Settings
    scales : list of Scale
        The sizes that were planned.
    device : str
        Where it was computed.
    weights : str
        Which file the features came from, or "random:SEED".
    best_iteration : int
        Which entry of the history the picture belongs to.
    ended : str
        "done", "converged", "interrupted" or "fault".
    cause : str
        What the fault was, or why it ended early.
    rollbacks : list of Rollback
        Steps to NaN or overflow that were taken back.
    """

    picture: Picture
    history: list[Iteration]
    settings: Settings
    scales: list[Scale]
    device: str
    weights: str
    best_iteration: int
    ended: str
    cause: str
    rollbacks: list[Rollback] = field(default_factory=list)

    @property
    def precision(self) -> str:
        """How it was computed: "highest" or "high"."""
        return precision_on(self.settings, self.device)

    @property
    def image(self) -> Image.Image:
        """The picture as a Pillow image of 8 bits: RGB, or RGBA if the content is transparent."""
        return self.picture.image()


@dataclass(frozen=True)
class Job:
    """A style transfer whose inputs are all read and checked; only the work is left."""

    settings: Settings
    device: str
    network: vgg.Network
    inputs: Inputs
    scales: list[Scale]

    @property
    def case(self) -> estimate.RunSpec:
        """What its memory and time depend on."""
        return estimate.RunSpec(self.network, self.settings, self.scales, self.device)

    def run(self, observe: Callable[[Progress], None] | None = None,
            checkpoints: CheckpointManager | None = None,
            resumed: RunState | None = None) -> Result:
        """Do the work; see :func:`stylize`.

        Parameters
        ----------
        checkpoints : CheckpointManager, optional
            Writes checkpoints, also when the work is stopped.
        resumed : RunState, optional
            What to go on from, see `CheckpointManager.load`.

        Raises
        ------
        KeyboardInterrupt
            Before the first iteration; later it ends the run.
        """
        progress = resumed and resumed.progress
        first = 0 if resumed is None else progress.scale + (resumed.picture is None)
        scale = self.scales[min(first, len(self.scales) - 1)]
        try:
            with defer_interrupts(), self.in_force():
                for scale in self.scales[first:]:
                    check_interrupt()
                    progress = self._work_at(scale, progress, observe, checkpoints, resumed)
                    resumed = None
                    if progress.ended in ("fault", "interrupted"):
                        break
        # While a scale was being prepared:
        except (KeyboardInterrupt, DeviceError, MemoryError) as error:
            if progress is None:
                self._raise(error, scale)
            if (checkpoints is not None and progress.scale == scale.number - 1
                    and not isinstance(error, DeviceError)):
                checkpoints.save(RunState(progress))
            self._cut_short(progress, error, scale)
        if progress.ended == "interrupted" and not progress.history:
            raise KeyboardInterrupt         # nothing is painted that could be worth a file
        picture = self._last(progress)
        return Result(picture=picture, history=progress.history,
                      settings=self.settings, scales=self.scales, device=self.device,
                      weights=self.network.source, best_iteration=progress.best_iteration,
                      ended=progress.ended, cause=progress.cause, rollbacks=progress.rollbacks)

    @property
    def precision(self) -> str:
        """How it is computed: "highest" or "high", see `minigrad.cuda.matmul_precision`."""
        return precision_on(self.settings, self.device)

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """What is done in this context is done on the job's device, in its precision.

        Raises
        ------
        DeviceError, OutOfMemoryError
            In the place of errors of CUDA and CuPy.
        """
        is_cuda = self.device.startswith("cuda")
        device = cuda.device(self.device) if is_cuda else nullcontext()
        with cuda.translated(), device, cuda.matmul_precision(self.precision):
            yield

    def _raise(self, error: BaseException, scale: Scale) -> NoReturn:
        """What to raise for an error before the first iteration."""
        if isinstance(error, MemoryError):
            raise OutOfMemoryError(out_of_memory.in_words(error, scale.size[::-1], self.device)
                                   ) from error
        raise error

    def _cut_short(self, progress: Progress, error: BaseException, scale: Scale) -> None:
        """End the run, with the best picture in safety."""
        if isinstance(error, KeyboardInterrupt):
            progress.ended, progress.cause = "interrupted", ""
            return
        progress.ended = "fault"
        progress.cause = out_of_memory.in_words(error, scale.size[::-1], self.device)
        progress.cause += progress.host_copy.rescue(progress)

    def _last(self, progress: Progress) -> Picture:
        """The result; from the copy on the host if the device does not give it."""
        try:
            with self.in_force():
                return self.picture(progress.best)
        except (DeviceError, MemoryError) as error:
            if progress.best.device == "cpu":
                raise
            self._cut_short(progress, error, self.scales[progress.scale])
            return self.picture(progress.best)

    def _work_at(self, scale: Scale, before: Progress | None,
                 observe: Callable[[Progress], None] | None, checkpoints: CheckpointManager | None,
                 resumed: RunState | None) -> Progress:
        given = self.inputs.reduced(scale.factor)
        width, height = scale.size
        content = given.content and self._tensor(given.content)
        objective = self._objective(content, given, (height, width))
        if resumed is not None and resumed.picture is None:
            resumed = None                  # it was stopped before this scale
        if resumed is not None:
            picture = resumed.picture
        elif before is not None:
            picture = resample.picture(before.best, (height, width))
        else:
            picture = self._initial(given)
        return optimize(objective, picture.requires_grad_(), self.settings, observe,
                        iterations=scale.iterations, after=before, bounds=self._bounds(),
                        checkpoints=checkpoints, resumed=resumed,
                        goes_on=scale is not self.scales[-1])

    def _objective(self, content: Tensor | None, given: Inputs, size: tuple[int, int]
                   ) -> Objective:
        """The loss at one scale, by tiles where the picture is larger than one."""
        styles = [self._tensor(style) for style in given.styles]
        what = self.network, self.settings, content, styles, given.masks, size
        if not self.case.tiled(size):
            return Objective(*what)
        return TiledObjective(*what, side=self.settings.tile, executor=self._executor())

    def _executor(self) -> Executor | None:
        """Where tiles are computed; processes are started once, and end with the program."""
        return None if self.settings.processes == 1 else shared_processes(
            self.settings.processes, self.network.source, vgg.deepest(self.settings.layers))

    def picture(self, tensor: Tensor) -> Picture:
        """A centred picture of this job, of whatever scale, as a picture of full size."""
        content, alpha = self.inputs.content, None
        width, height = self.inputs.size
        if content is not None:
            alpha = content.alpha
        painted = tensors.to_picture(resample.picture(tensor, (height, width)), self.network, alpha)
        if self.settings.colors == "luminance":
            recolor = colors.keep_luminance
        elif self.settings.colors == "histogram":
            recolor = colors.match_histogram
        else:
            return painted
        return Picture(recolor(painted.pixels, np.asarray(content)), alpha)

    def _tensor(self, picture: Picture) -> Tensor:
        return tensors.to_tensor(picture, self.network, self.device)

    def _initial(self, given: Inputs) -> Tensor:
        if given.initial is not None:
            return self._tensor(given.initial)
        width, height = given.size
        noise = np.random.default_rng(self.settings.seed).standard_normal(
            (1, 3, height, width), np.float32)
        return Tensor(noise * np.float32(self.settings.noise), device=self.device)

    def _bounds(self) -> tuple[Tensor, Tensor]:
        """Black and white, centred, 1×3×1×1."""
        mean = np.array(self.network.mean, np.float32).reshape(1, 3, 1, 1)
        return Tensor(-mean, device=self.device), Tensor(255 - mean, device=self.device)


def stylize(content: Any, style: Any = None, settings: Settings | None = None,
            observe: Callable[[Progress], None] | None = None) -> Result:
    """Paint the content of one picture in the style of another.

    Parameters
    ----------
    content : str, Path, picture or array
        Arrays are H×W×3: integers 0-255, or floats 0-1. None for a texture (content weight 0).
    style : likewise, or a list or tuple of several
        None to bring back the content (style weight 0).
    settings : Settings, optional
        What to do; the defaults otherwise.
    observe : callable, optional
        Called with the `Progress` after every iteration.

    Returns
    -------
    Result
        Also after Ctrl-C, or NaN that smaller steps do not avoid: ``ended`` says so, ``picture``
        is the best until then.

    Raises
    ------
    MinigradError
        A picture, the weights or the device is missing or unfit.
    """
    return prepare(content, style, settings or Settings()).run(observe)


def prepare(content: Any, style: Any, settings: Settings,
            network: vgg.Network | None = None) -> Job:
    """Read and check everything that a style transfer needs; parameters as for `stylize`.

    Parameters
    ----------
    network : Network, optional
        What `load_network` gave for these settings: many pictures share one.
    """
    device = choose_device(settings.device)
    source = weights.find(settings.weights)
    given = inputs.load(content, style, settings)
    scales = plan(given.size, settings, inputs.shortest_side(given, settings),
                  vgg.min_size(settings.layers))
    if network is None:
        network = weights.load(source, vgg.deepest(settings.layers), device)
    settings = estimate.fitted(estimate.RunSpec(network, settings, scales, device))
    return Job(settings, device, network, given, scales)


def load_network(settings: Settings) -> vgg.Network:
    """The network as deep as these settings need it, on their device.

    Raises
    ------
    MinigradError
        The weights or the device are missing or unfit.
    """
    device = choose_device(settings.device)
    return weights.load(weights.find(settings.weights), vgg.deepest(settings.layers), device)


def choose_device(wanted: str) -> str:
    """The device in full; "auto" is the first GPU if there is one.

    Raises
    ------
    ArgumentError, DeviceError
        There is no device of this name.
    """
    if wanted == "auto":
        wanted = "cuda" if cuda.is_available() else "cpu"
    return backend.canonical_device(wanted)
