"""A style transfer from its inputs to its result: `stylize`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NoReturn

import numpy as np

from minigrad import Tensor, backend, cuda
from minigrad.errors import DeviceError, OutOfMemoryError
from nst.config.settings import Settings, precision_on
from nst.job import inputs, regions
from nst.job.fitting import fit_to_memory
from nst.job.inputs import Inputs
from nst.job.memory_model import RunSpec
from nst.job.result import Result
from nst.loss.objective import Objective
from nst.loss.sampled import SampledObjective
from nst.loss.tiled import TiledObjective, shared_processes
from nst.model import vgg, weights
from nst.optimize.loop import optimize
from nst.optimize.progress import CheckpointWriter, Progress, RunState
from nst.optimize.scales import Scale, plan
from nst.pictures import colors, margin, resample, tensors
from nst.pictures import masks as mask_maker
from nst.pictures.picture import Picture
from nst.system import out_of_memory
from nst.system.executors import Executor
from nst.system.reuse import once_each
from nst.system.signals import check_interrupt, defer_interrupts


@dataclass(frozen=True)
class Job:
    """A style transfer whose inputs are read and checked, ready to run."""

    settings: Settings
    device: str
    network: vgg.Network
    inputs: Inputs
    scales: list[Scale]

    @property
    def spec(self) -> RunSpec:
        """The inputs of the memory and time model."""
        return RunSpec(self.network, self.settings, self.scales, self.device)

    def run(self, observe: Callable[[Progress], None] | None = None,
            checkpoints: CheckpointWriter | None = None,
            resumed: RunState | None = None) -> Result:
        """Run the job; see `stylize`.

        Parameters
        ----------
        checkpoints : CheckpointWriter, optional
            Writes checkpoints, including one when the run is stopped.
        resumed : RunState, optional
            The state to resume from, see `nst.job.checkpoint.load_checkpoint`.

        Raises
        ------
        KeyboardInterrupt
            Before the first iteration; later it ends the run.
        """
        progress = None if resumed is None else resumed.progress
        first = 0 if resumed is None else resumed.progress.scale + (resumed.picture is None)
        scale = self.scales[min(first, len(self.scales) - 1)]
        try:
            # Results are checked for overflow, so warnings would be redundant.
            with defer_interrupts(), self.on_device(), np.errstate(all="ignore"):
                for scale in self.scales[first:]:
                    check_interrupt()
                    progress = self._run_scale(scale, progress, observe, checkpoints, resumed)
                    resumed = None
                    if progress.ended in ("fault", "interrupted"):
                        break
        except (KeyboardInterrupt, DeviceError, MemoryError) as error:
            # The error occurred while a scale was being prepared.
            if progress is None:
                self._raise_before_start(error, scale)
            if (checkpoints is not None and progress.scale == scale.number - 1
                    and not isinstance(error, DeviceError)):
                checkpoints.save(RunState(progress))
            self._end_early(progress, error, scale)
        assert progress is not None         # there is at least one scale
        if progress.ended == "interrupted" and not progress.history:
            raise KeyboardInterrupt         # there is no result to save yet
        picture = self._result(progress)
        return Result(picture=picture, history=progress.history,
                      settings=self.settings, scales=self.scales, device=self.device,
                      weights=self.network.source, best_iteration=progress.best_iteration,
                      ended=progress.ended, cause=progress.cause, rollbacks=progress.rollbacks)

    @property
    def precision(self) -> str:
        """The precision, "highest" or "high"; see `minigrad.cuda.matmul_precision`."""
        return precision_on(self.settings, self.device)

    @contextmanager
    def on_device(self) -> Iterator[None]:
        """Return a context that computes on the job's device, in its precision.

        Raises
        ------
        DeviceError, OutOfMemoryError
            Instead of errors of CUDA and CuPy.
        """
        is_cuda = self.device.startswith("cuda")
        device = cuda.device(self.device) if is_cuda else nullcontext()
        with cuda.translated(), device, cuda.matmul_precision(self.precision):
            yield

    def _raise_before_start(self, error: BaseException, scale: Scale) -> NoReturn:
        """Raise an error that occurred before the first iteration."""
        if isinstance(error, MemoryError):
            _raise_too_large(error, scale, self.device)
        raise error

    def _end_early(self, progress: Progress, error: KeyboardInterrupt | DeviceError | MemoryError,
                   scale: Scale) -> None:
        """Record why the run ends, and bring the best picture to the host."""
        if isinstance(error, KeyboardInterrupt):
            progress.ended, progress.cause = "interrupted", ""
            return
        progress.ended = "fault"
        progress.cause = out_of_memory.in_words(error, scale.size[::-1], self.device)
        progress.cause += progress.host_copy.rescue(progress)

    def _result(self, progress: Progress) -> Picture:
        """The best picture, or its copy on the host if the device fails."""
        try:
            with self.on_device():
                return self.picture(progress.best)
        except (DeviceError, MemoryError) as error:
            if progress.best.device == "cpu":
                raise
            self._end_early(progress, error, self.scales[progress.scale])
            return self.picture(progress.best)

    def _run_scale(self, scale: Scale, before: Progress | None,
                   observe: Callable[[Progress], None] | None,
                   checkpoints: CheckpointWriter | None, resumed: RunState | None) -> Progress:
        reduced = self.inputs.reduced(scale.factor)
        objective = self.objective(reduced, scale)
        if resumed is not None and resumed.picture is None:
            resumed = None                  # the run was stopped before this scale
        if resumed is not None and resumed.picture is not None:
            picture = resumed.picture
        elif before is not None:
            picture = self._enlarged(before.best, scale)
        else:
            picture = self.initial(reduced, scale)
        return optimize(objective, picture.requires_grad_(), self.settings, observe,
                        iterations=scale.iterations, after=before, bounds=self._bounds(),
                        checkpoints=checkpoints, resumed=resumed,
                        continues=scale is not self.scales[-1], margin=scale.margin)

    def _enlarged(self, picture: Tensor, scale: Scale) -> Tensor:
        """The picture of the scale before, with its margin, at a scale."""
        width, height = scale.size
        inside = margin.crop(picture, scale.margin)
        return margin.mirror_tensor(resample.picture(inside, (height, width)), scale.margin)

    def objective(self, reduced: Inputs, scale: Scale) -> Objective:
        """The loss at one scale, in tiles if the picture is larger than one."""
        content = (None if reduced.content is None
                   else self._tensor(margin.mirror(reduced.content, scale.margin)))
        styles = once_each(self._tensor, reduced.styles)
        masks = mask_maker.with_margin(reduced.masks, scale.size, scale.margin, scale.border)
        size, side = scale.computed_size, self.settings.tile
        common = (self.network, self.settings, content, styles, masks, size, scale.border)
        if self.settings.sampled:
            return SampledObjective(*common, scale=scale.number, factor=scale.factor)
        if side is None or not self.spec.tiled(size):
            return Objective(*common)
        return TiledObjective(*common, side=side, executor=self._executor())

    def _executor(self) -> Executor | None:
        """The processes that compute tiles, started once; None to compute them in this process."""
        return None if self.settings.processes == 1 else shared_processes(
            self.settings.processes, self.network.source, vgg.deepest(self.settings.layers))

    def picture(self, tensor: Tensor) -> Picture:
        """A centred picture of any scale, with its margin, as a picture of full size."""
        tensor = margin.crop(tensor, self.settings.margin)
        content, alpha = self.inputs.content, None
        width, height = self.inputs.size
        if content is not None:
            alpha = content.alpha
        result = tensors.to_picture(resample.picture(tensor, (height, width)), self.network, alpha)
        if self.settings.colors == "luminance":
            return Picture(colors.keep_luminance(result.pixels, np.asarray(content)), alpha)
        if self.settings.colors == "histogram":
            return Picture(colors.match_histogram(result.pixels, np.asarray(content)), alpha)
        return result

    def _tensor(self, picture: Picture) -> Tensor:
        return tensors.to_tensor(picture, self.network, self.device)

    def initial(self, reduced: Inputs, scale: Scale) -> Tensor:
        """The picture that the first scale starts from, with its margin."""
        return margin.mirror_tensor(self._start(reduced), scale.margin)

    def _start(self, reduced: Inputs) -> Tensor:
        if reduced.initial is not None:
            return self._tensor(reduced.initial.resized(reduced.size))
        width, height = reduced.size
        noise = np.random.default_rng(self.settings.seed).standard_normal(
            (1, 3, height, width), np.float32)
        return Tensor(noise * np.float32(self.settings.noise), device=self.device)

    def _bounds(self) -> tuple[Tensor, Tensor]:
        """Black and white, centred, 1×3×1×1."""
        mean = np.array(self.network.mean, np.float32).reshape(1, 3, 1, 1)
        return Tensor(-mean, device=self.device), Tensor(255 - mean, device=self.device)


def stylize(content: Any, style: Any = None, settings: Settings | None = None,
            observe: Callable[[Progress], None] | None = None, *, progress: bool = False
            ) -> Result:
    """Render the content of one picture in the style of another.

    Parameters
    ----------
    content : str, Path, picture or array
        Arrays are H×W×3: integers 0-255, or floats 0-1. None for a texture (content weight 0).
    style : the same, or a list or tuple of several
        None reconstructs the content (style weight 0).
    settings : Settings, optional
        By default `Settings()`.
    observe : callable, optional
        Called with the `Progress` after every iteration.
    progress : bool
        Show a progress bar; in a notebook also the picture, as it is painted.

    Returns
    -------
    Result
        Also after Ctrl-C, or after NaN that smaller steps do not avoid. Then `ended` tells the
        reason, and `picture` is the best one so far.

    Raises
    ------
    MinigradError
        A picture, the weights or the device is missing or unusable.
    """
    job = prepare(content, style, settings or Settings())
    if not progress:
        return job.run(observe)
    # Loaded on first use: tqdm looks for a notebook when it is imported.
    live = import_module("nst.job.live").LiveProgress(job.settings.iterations, job.picture)

    def both(state: Progress) -> None:
        live(state)
        if observe is not None:
            observe(state)

    try:
        return job.run(both)
    finally:
        live.close()


def prepare(content: Any, style: Any, settings: Settings,
            network: vgg.Network | None = None) -> Job:
    """Read and check all inputs of a style transfer; parameters as for `stylize`.

    Parameters
    ----------
    network : Network, optional
        The result of `load_network` for these settings; several jobs can share it.
    """
    device = choose_device(settings.device)
    source = weights.find(settings.weights)
    pictures = inputs.load(content, style, settings)
    scales = plan(pictures.size, settings, inputs.shortest_side(pictures, settings),
                  vgg.min_size(settings.layers))
    if network is None:
        network = weights.load(source, _deepest(settings), device)
    try:
        with np.errstate(all="ignore"):
            pictures, settings = regions.guided(pictures, network, settings, device)
    except MemoryError as error:
        _raise_too_large(error, scales[-1], device)
    settings = fit_to_memory(RunSpec(network, settings, scales, device))
    return Job(settings, device, network, pictures, scales)


def _raise_too_large(error: MemoryError, scale: Scale, device: str) -> NoReturn:
    raise OutOfMemoryError(out_of_memory.in_words(error, scale.size[::-1], device)) from error


def load_network(settings: Settings) -> vgg.Network:
    """The network down to the layers that the settings need, on their device.

    Raises
    ------
    MinigradError
        The weights or the device are missing or unusable.
    """
    device = choose_device(settings.device)
    return weights.load(weights.find(settings.weights), _deepest(settings), device)


def _deepest(settings: Settings) -> str:
    """The deepest layer that a run needs."""
    return vgg.deepest(settings.layers | ({regions.LAYER} if settings.guided else set()))


def choose_device(name: str) -> str:
    """The full name of a device; "auto" is the first GPU, or the CPU if there is none.

    Raises
    ------
    ArgumentError, DeviceError
        There is no device of this name.
    """
    if name == "auto":
        name = "cuda" if cuda.is_available() else "cpu"
    return backend.canonical_device(name)
