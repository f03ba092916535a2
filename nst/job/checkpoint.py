"""Checkpoints: what a run needs to go on as if it had never stopped, bit for bit.

A checkpoint is taken just before an evaluation, when a run is nothing but its picture, what the
optimiser remembers, and the losses so far. Everything else (targets, masks, the network) is made
again from the inputs, so a checkpoint holds their hashes and goes with the same inputs only. No
random number is drawn after the first picture, so there is no random state to keep.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minigrad import cuda
from minigrad.errors import ArgumentError, FileError, MinigradError
from minigrad.io import load_state, save_state
from nst.config.validators import option_name
from nst.job import estimate
from nst.job.checkpoint_format import as_tree, from_tree
from nst.job.fingerprint import DESCRIBED, fingerprint
from nst.optimize.progress import RunState
from nst.pictures.frame import Frame

if TYPE_CHECKING:
    from nst.job.transfer import Job

ENDING = ".checkpoint.h5"
# Settings that are fitted to the memory that is free (see `nst.job.estimate`), and change last
# bits: a run goes on with what it began with.
FITTED = ("tile", "lbfgs_history")


def checkpoint_path(output: Path) -> Path:
    """Where the checkpoint of a run that makes ``output`` is."""
    return output.with_suffix(ENDING)


def size_in_bytes(job: Job) -> int:
    """About how large a checkpoint of this run is at its last scale."""
    # The present picture, the best, and what the optimiser has.
    pictures = 2 + estimate.pictures_remembered(job.settings)
    width, height = job.scales[-1].size
    return pictures * estimate.PICTURE * width * height + 1000 * job.settings.iterations


class CheckpointManager:
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
    last_saved : int or None
        The iteration that the file goes on with, once there is one of this run.
    frames : list of Frame
        Pictures for the page of the run, which a checkpoint has as well: see `run_page.Recorder`.
    """

    def __init__(self, path: str | Path, job: Job, every: int | None = None,
                 warn: Callable[[str], None] = lambda sentence: None,
                 stop: Callable[[], bool] = lambda: False) -> None:
        self.path = Path(path)
        self.job = job
        self.every = every
        self.warn = warn
        self.stop = stop
        self.last_saved: int | None = None
        self.frames: list[Frame] = []

    def should_save(self, iteration: int) -> bool:
        """Whether it is time for one, before the evaluation of ``iteration``.

        Raises
        ------
        KeyboardInterrupt
            ``stop`` says so.
        """
        if self.stop():
            raise KeyboardInterrupt
        return bool(self.every and iteration and iteration % self.every == 0
                    and iteration != self.last_saved)

    def save(self, state: RunState,
             optimizer_state: Callable[[], dict[str, Any] | None] = lambda: None) -> None:
        """Write a checkpoint in the place of the last one, all at once.

        Parameters
        ----------
        state : RunState
            All but what the optimiser remembers.
        optimizer_state : callable
            Says that; asked here only, because it may be as much as all other memory.
        """
        iteration = len(state.progress.history)
        if not iteration or iteration == self.last_saved:
            return
        try:
            with cuda.translated():
                state = dataclasses.replace(state, optimizer=optimizer_state())
                save_state(self.path, {"about": self._about, **as_tree(state, self.frames)})
        except (MinigradError, MemoryError) as error:
            self.warn(f"no checkpoint at iteration {iteration}: "
                      f"{str(error) or 'there is not enough memory'}")
        else:
            self.last_saved = iteration

    def load(self) -> RunState | None:
        """The last checkpoint, or None if there is none.

        Raises
        ------
        FileError
            It cannot be read, or other pictures, weights or settings made it.
        ArgumentError
            The tiles and the history that it was made with take more memory than there is now.
        """
        if not self.path.exists():
            return None
        tree = self._read()
        try:
            self._compare(tree["about"])
            self._adopt(tree["about"])
            state, self.frames[:] = from_tree(tree, self.job.device)
        except MinigradError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise FileError(f"cannot resume from {self.path}: it is not a checkpoint of this "
                            f"nst.run ({error}); leave out --resume to begin anew") from error
        self.last_saved = len(state.progress.history)
        return state

    def _read(self) -> dict[str, Any]:
        try:
            return load_state(self.path)
        except FileError as error:          # what it advises is not for who runs a program
            raise FileError(f"{str(error).partition(';')[0]}; leave out --resume to begin anew"
                            ) from error

    def remove(self) -> None:
        """The run is done: nothing is left to go on with."""
        if self.last_saved is not None:
            try:
                self.path.unlink(missing_ok=True)
            except OSError as error:
                self.warn(f"{self.path} is of no use any more, but cannot be taken away: "
                          f"{error.strerror or error}")

    @cached_property
    def _about(self) -> dict[str, str]:
        return fingerprint(self.job)

    def _compare(self, then: Mapping[str, str]) -> None:
        """Demand that the checkpoint is one of this very run."""
        now = self._about
        for name in sorted({*then, *now} - {option_name(name) for name in FITTED}):
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
        fitted = {name: json.loads(then[option_name(name)]) for name in FITTED}
        settings = dataclasses.replace(self.job.settings, **fitted)
        if settings == self.job.settings:
            return
        job = dataclasses.replace(self.job, settings=settings)
        trouble = estimate.lack_of_memory(job.case)
        if trouble:
            began = ("computes the whole picture at once" if settings.tile is None
                     else f"has tiles of {settings.tile} pixels")
            raise ArgumentError(f"cannot resume from {self.path}: its run {began}, which other "
                                f"tiles would not continue bit for bit, but {trouble}; give it as "
                                f"much, or leave out --resume to begin anew")
        self.job = job
        del self._about
