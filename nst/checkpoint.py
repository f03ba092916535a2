"""Checkpoints: what a run needs to go on as if it had never stopped, bit for bit.

A checkpoint is taken just before an evaluation, when a run is nothing but its picture, what the
optimiser remembers, and the losses so far. Everything else (targets, masks, the network) is made
again from the inputs, so a checkpoint holds their hashes and goes with the same inputs only. No
random number is drawn after the first picture, so there is no random state to keep.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad import Tensor, backend
from minigrad.errors import FileError, MinigradError
from minigrad.io import load_state, save_state
from nst import report
from nst.progress import Iteration, Moment, Progress, Retreat
from nst.values import option

if TYPE_CHECKING:
    from nst.transfer import Job
    from nst.vgg import Network

ENDING = ".checkpoint.h5"
# Settings that name files or the device: not the names are compared, but what is in the files,
# and where it runs. How much memory and how many processes there are changes no bit.
NOT_COMPARED = ("weights", "device", "content_mask", "region_masks", "style_masks", "init",
                "max_memory", "processes")
# Settings that are fitted to the memory that is free (see `nst.estimate`), and change last bits:
# a run goes on with what it began with.
FITTED = ("tile", "lbfgs_history")


def beside(output: Path) -> Path:
    """Where the checkpoint of a run that makes ``output`` is."""
    return output.with_suffix(ENDING)


def size_in_bytes(job: Job) -> int:
    """About how large a checkpoint of this run is at its last scale."""
    settings = job.settings
    # Pictures in it: the present one, the best, and what the optimiser has.
    pictures = 2 + (5 + 2 * settings.lbfgs_history if settings.optimizer == "lbfgs" else 3)
    width, height = job.scales[-1].size
    return pictures * 3 * width * height * 4 + 1000 * settings.iterations


class Keeper:
    """Writes the checkpoints of one run, and reads the last one.

    Parameters
    ----------
    path : str or Path
    job : Job
        The run; a checkpoint of another one is refused.
    every : int, optional
        Iterations between two. By default there is one only where the run is stopped.
    warn : callable
        Told in a sentence when one cannot be written. That does not end a run.
    stop : callable
        Asked before every iteration whether the run is to stop, as if by Ctrl-C.

    Attributes
    ----------
    job : Job
        After `load` with the tiles and the history that the checkpoint was made with.
    kept : int or None
        The iteration that the file goes on with, once there is one of this run.
    """

    def __init__(self, path: str | Path, job: Job, every: int | None = None,
                 warn: Callable[[str], None] = lambda sentence: None,
                 stop: Callable[[], bool] = lambda: False) -> None:
        self.path = Path(path)
        self.job = job
        self.every = every
        self.warn = warn
        self.stop = stop
        self.kept: int | None = None

    def due(self, iteration: int) -> bool:
        """Whether it is time for one, before the evaluation of ``iteration``.

        Raises
        ------
        KeyboardInterrupt
            ``stop`` says so.
        """
        if self.stop():
            raise KeyboardInterrupt
        return bool(self.every and iteration and iteration % self.every == 0
                    and iteration != self.kept)

    def save(self, moment: Moment) -> None:
        """Write a checkpoint in the place of the last one, all at once."""
        iteration = len(moment.progress.history)
        if not iteration or iteration == self.kept:
            return
        try:
            save_state(self.path, _as_tree(moment, self._about))
        except (MinigradError, MemoryError) as error:
            self.warn(f"no checkpoint at iteration {iteration}: "
                      f"{str(error) or 'there is not enough memory'}")
        else:
            self.kept = iteration

    def load(self) -> Moment | None:
        """The last checkpoint, or None if there is none.

        Raises
        ------
        FileError
            It cannot be read, or other pictures, weights or settings made it.
        """
        if not self.path.exists():
            return None
        tree = load_state(self.path)
        try:
            self._compare(tree["about"])
            self._adopt(tree["about"])
            moment = _from_tree(tree, self.job.device)
        except (KeyError, TypeError, ValueError) as error:
            raise FileError(f"cannot resume from {self.path}: it is not a checkpoint of nst.run "
                            f"({error}); leave out --resume to begin anew") from error
        self.kept = len(moment.progress.history)
        return moment

    def remove(self) -> None:
        """The run is done: nothing is left to go on with."""
        if self.kept is not None:
            self.path.unlink(missing_ok=True)

    @cached_property
    def _about(self) -> dict[str, str]:
        return about(self.job)

    def _compare(self, then: Mapping[str, str]) -> None:
        """Demand that the checkpoint is one of this very run."""
        now = self._about
        for name in sorted({*then, *now} - {option(name) for name in FITTED}):
            if then.get(name) == now.get(name):
                continue
            if name in DESCRIBED:
                clash = f"{DESCRIBED[name]} was another one, or has changed since"
            else:
                clash = (f"{name} was {then.get(name, 'not known')}, but now it is "
                         f"{now.get(name, 'not known')}")
            raise FileError(f"cannot resume from {self.path}: {clash}; give the same as before, "
                            f"or leave out --resume to begin anew")

    def _adopt(self, then: Mapping[str, str]) -> None:
        """Go on with what was fitted to memory when the run began."""
        fitted = {name: json.loads(then[option(name)]) for name in FITTED}
        settings = dataclasses.replace(self.job.settings, **fitted)
        if settings != self.job.settings:
            self.job = dataclasses.replace(self.job, settings=settings)
            del self._about


# ---------------------------------------------------------------------- of which run it is


DESCRIBED = {"content": "the content picture", "styles": "a style picture",
             "initial": "the initial picture", "masks": "a mask",
             "network": "the file of the weights"}


def about(job: Job) -> dict[str, str]:
    """What a run depends on, by name: settings as text, pictures and weights as SHA-256."""
    found = {option(name): json.dumps(value, sort_keys=True)
             for name, value in report.plain(vars(job.settings)).items()
             if name not in NOT_COMPARED}
    given = job.inputs
    return {**found, "device": job.device,
            "content": _hash([given.content]), "styles": _hash(given.styles),
            "initial": _hash([given.initial]),
            "masks": _hash([given.masks.content, *given.masks.regions, *given.masks.styles]),
            "network": hash_of_network(job.network)}


def hash_of_network(network: Network) -> str:
    """SHA-256 of all weights, and of what pictures are made ready with."""
    return _hash([*(tensor for pair in network.parameters.values() for tensor in pair),
                  np.array([*network.mean, *network.scale]), network.color_order])


def _hash(things: Any) -> str:
    """SHA-256 of pictures, tensors, arrays, texts and Nones, with their shapes and types."""
    digest = hashlib.sha256()
    for thing in things:
        for part in _parts(thing):
            if part is None or isinstance(part, str):
                digest.update(repr(part).encode())
            else:
                digest.update(f"{part.dtype}{part.shape}".encode())
                digest.update(np.ascontiguousarray(part))
    return digest.hexdigest()


def _parts(thing: Any) -> Iterator[Any]:
    if isinstance(thing, Tensor):
        yield thing.numpy()
    elif hasattr(thing, "pixels"):
        yield from (thing.pixels, thing.alpha)
    else:
        yield thing


# ------------------------------------------------------------------------------ the file


def _as_tree(moment: Moment, about: Mapping[str, str]) -> dict[str, Any]:
    progress = moment.progress
    return {
        "about": dict(about),
        "scale": progress.scale,
        "picture": _packed(moment.picture),
        "optimizer": _packed(moment.optimizer),
        "learned": _packed(progress.learned) if moment.picture is None else None,
        "best": _packed(progress.best),
        "best_iteration": progress.best_iteration,
        "history": json.dumps([dataclasses.asdict(one) for one in progress.history]),
        "retreats": json.dumps([dataclasses.asdict(one) for one in progress.retreats]),
    }


def _from_tree(tree: Mapping[str, Any], device: str) -> Moment:
    def tensor(packed: Any) -> Tensor | None:
        array = _unpacked(packed, device)
        return None if array is None else Tensor(array)

    progress = Progress(
        best=tensor(tree["best"]), best_iteration=tree["best_iteration"],
        history=[Iteration(**one) for one in json.loads(tree["history"])],
        retreats=[Retreat(**one) for one in json.loads(tree["retreats"])],
        scale=tree["scale"], learned=_unpacked(tree["learned"], device))
    return Moment(progress, tensor(tree["picture"]), _unpacked(tree["optimizer"], device))


def _axes(array: Any) -> tuple[int, ...]:
    """Axes from the outermost to the innermost in memory.

    Sums depend on the order in memory in their last bits, so an array must come back from a file
    as it was.
    """
    return tuple(sorted(range(array.ndim), key=lambda axis: -array.strides[axis]))


def _packed(value: Any) -> Any:
    """The same with every array as {"array", "axes"}, written in the order of memory."""
    if isinstance(value, dict):
        return {name: _packed(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_packed(one) for one in value)
    if isinstance(value, Tensor):
        value = value.data
    if not backend.is_array(value) or not value.ndim:
        return value
    axes = _axes(value)
    return {"array": value.transpose(axes), "axes": axes}


def _unpacked(value: Any, device: str) -> Any:
    """What `_packed` was given, on ``device``."""
    if isinstance(value, dict) and set(value) == {"array", "axes"}:
        array = backend.to_device(np.ascontiguousarray(value["array"]), device)
        back = sorted(range(array.ndim), key=value["axes"].__getitem__)
        return array.transpose(back)
    if isinstance(value, dict):
        return {name: _unpacked(one, device) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_unpacked(one, device) for one in value)
    return value
