"""Checkpoints: a resumed run gives the same result as an uninterrupted one, bit for bit.

A checkpoint is written just before an evaluation. At that point a run consists of its picture, the
state of its optimiser and the losses so far. Targets, masks and the network are computed again from
the inputs. A checkpoint stores hashes of the inputs, and fits no others. Random numbers
depend on the seed, the scale and the number of the evaluation, so there is no random state to save.
"""

from __future__ import annotations

import dataclasses
import hmac
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from minigrad import cuda
from minigrad.errors import ArgumentError, FileError, MinigradError
from minigrad.io import FORMAT, MAX_REASON, load_state, save_state, state_digest
from minigrad.printable import printable
from nst.config.settings import Settings
from nst.config.validators import option_name
from nst.job.checkpoint_format import as_tree, from_tree
from nst.job.checkpoint_state import check_state
from nst.job.fingerprint import DESCRIPTIONS, fingerprint
from nst.job.fitting import memory_shortage
from nst.job.memory_model import PICTURE, optimizer_pictures
from nst.job.transfer import Job
from nst.loss.tiling import check_side
from nst.optimize.progress import RunState
from nst.pictures.frame import Frame
from nst.system.user_key import key_path, user_key

SUFFIX = ".checkpoint.h5"
HEAD = 4096             # bytes of a file, which name its format
# Settings that are fitted to free memory (see `nst.job.fitting`) and change the last bits of a
# result: a resumed run keeps those of its checkpoint.
FITTED = ("tile", "lbfgs_history")


def checkpoint_path(output: Path) -> Path:
    """The path of the checkpoint of a run that writes `output`."""
    return output.with_suffix(SUFFIX)


def is_checkpoint(path: Path) -> bool:
    """Whether a file is a checkpoint, or one that was damaged or cut off since it was written.

    An empty file is taken for one that was cut off.
    """
    if not os.path.isfile(path):        # opening a pipe may wait for ever
        return False
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD)
    except OSError:
        return False
    return not head or (head.startswith(b"\x89HDF") and FORMAT.encode() in head)


def is_taken(path: Path) -> bool:
    """Whether a file that is no checkpoint is in the place of one."""
    return os.path.exists(path) and not is_checkpoint(path)


def size_in_bytes(job: Job) -> int:
    """The approximate size of a checkpoint of this run at its last scale."""
    settings = job.settings
    # The current picture, the best one, and the optimiser's state.
    pictures = 2 + optimizer_pictures(settings, settings.lbfgs_history)
    height, width = job.scales[-1].computed_size
    return pictures * PICTURE * width * height + 1000 * settings.iterations


@dataclass(frozen=True)
class Checkpoint:
    """The content of a checkpoint file.

    Attributes
    ----------
    settings : Settings
        Those of the job, with the tile and the history of the checkpoint.
    state : RunState
    frames : list of Frame
        Small pictures of the run so far.
    """

    settings: Settings
    state: RunState
    frames: list[Frame]

    @property
    def iteration(self) -> int:
        """The iteration at which the run resumes."""
        return len(self.state.progress.history)


def load_checkpoint(path: Path, job: Job) -> Checkpoint | None:
    """Read the checkpoint of a job; None if there is no such file.

    Raises
    ------
    FileError
        The file cannot be read, was changed, or belongs to other pictures, weights or settings.
    ArgumentError
        The tiles and the history of the checkpoint need more memory than there is now.
    """
    if not os.path.exists(path):
        return None
    key = user_key()
    with _only_ours(path):
        tree = _genuine(path, key)
        _check_fingerprint(path, tree["about"], fingerprint(job))
        settings = _fitted_settings(path, tree["about"], job)
        state, frames = from_tree(tree, job.device)
        check_state(state, settings, job.scales)
    return Checkpoint(settings, state, frames)


@contextmanager
def _only_ours(path: Path) -> Iterator[None]:
    """Give a sentence in place of whatever content that no run writes leads to."""
    try:
        yield
    except (FileError, ArgumentError):
        raise
    except (MinigradError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError,
            RuntimeError, MemoryError) as error:
        raise FileError(f"cannot resume from {path}: it is not a checkpoint of this nst.run "
                        f"({printable(str(error), MAX_REASON)}); leave out --resume to start over"
                        ) from error


def _genuine(path: Path, key: bytes) -> dict[str, Any]:
    """The content of a file, if it has the seal of a key."""
    try:
        tree = load_state(path)
        seal = tree.pop("seal", None)
        digest = state_digest(tree, key)
    except FileError as error:          # its advice is for users of `minigrad.io`
        raise FileError(f"{str(error).partition(';')[0]}; leave out --resume to start over"
                        ) from error
    except ArgumentError as error:      # nested deeper, or with more values, than any is written
        raise FileError(f"cannot resume from {path}: {str(error).partition(',')[0]}; leave out "
                        f"--resume to start over") from error
    if not (isinstance(seal, str) and hmac.compare_digest(seal.encode(), digest.encode())):
        where = key_path() or "a home folder, because there is none"
        raise FileError(f"cannot resume from {path}: it was changed, or written by another user or "
                        f"on another machine, whose key is not in {where}; leave out --resume to "
                        f"start over")
    return tree


class CheckpointManager:
    """Write the checkpoints of one run.

    Parameters
    ----------
    path : str or Path
    job : Job
    every : int, optional
        Iterations between two checkpoints. By default there is one only when the run is stopped.
    warn : callable
        Receives a sentence when a checkpoint cannot be written. The run continues.
    stop : callable
        Called before every iteration; if it returns True, the run ends as after Ctrl-C.
    resumed : Checkpoint, optional
        The checkpoint that the run resumes from, already in the file.

    Attributes
    ----------
    last_saved : int or None
        The iteration at which the saved run resumes; None until there is a file of this run.
    frames : list of Frame
        Small pictures of the run, stored in its checkpoints.
    """

    def __init__(self, path: str | Path, job: Job, every: int | None = None,
                 warn: Callable[[str], None] = lambda sentence: None,
                 stop: Callable[[], bool] = lambda: False,
                 resumed: Checkpoint | None = None) -> None:
        self.path = Path(path)
        self.job = job
        self.every = every
        self.warn = warn
        self.stop = stop
        self.last_saved = None if resumed is None else resumed.iteration
        self.frames: list[Frame] = [] if resumed is None else resumed.frames

    def should_save(self, iteration: int) -> bool:
        """Whether to save before the evaluation of `iteration`.

        Raises
        ------
        KeyboardInterrupt
            `stop` returned True.
        """
        if self.stop():
            raise KeyboardInterrupt
        return bool(self.every and iteration and iteration % self.every == 0
                    and iteration != self.last_saved)

    def save(self, state: RunState,
             optimizer_state: Callable[[], dict[str, Any] | None] = lambda: None) -> None:
        """Replace the checkpoint, atomically.

        Parameters
        ----------
        state : RunState
            Without the optimiser's state.
        optimizer_state : callable
            Returns the optimiser's state. It is called only if the checkpoint is written, because
            the state may take as much memory as everything else.
        """
        iteration = len(state.progress.history)
        if not iteration or iteration == self.last_saved:
            return
        try:
            with cuda.translated():
                state = dataclasses.replace(state, optimizer=optimizer_state())
                check_state(state, self.job.settings, self.job.scales)
                tree = {"about": self._fingerprint, **as_tree(state, self.frames)}
                save_state(self.path, {**tree, "seal": state_digest(tree, user_key())})
        except (MinigradError, MemoryError, ValueError) as error:
            self.warn(f"no checkpoint at iteration {iteration}: "
                      f"{str(error) or 'there is not enough memory'}")
        else:
            self.last_saved = iteration

    def remove(self) -> None:
        """Delete the checkpoint of a finished run."""
        if self.last_saved is not None:
            try:
                self.path.unlink(missing_ok=True)
            except OSError as error:
                self.warn(f"could not delete the finished run's checkpoint {self.path}: "
                          f"{error.strerror or error}")

    @cached_property
    def _fingerprint(self) -> dict[str, str]:
        return fingerprint(self.job)


def _check_fingerprint(path: Path, saved: Mapping[str, str], present: Mapping[str, str]) -> None:
    """Check that a checkpoint comes from the same run."""
    for name in sorted({*saved, *present} - {option_name(name) for name in FITTED}):
        if saved.get(name) == present.get(name):
            continue
        if name in DESCRIPTIONS:
            difference = f"{DESCRIPTIONS[name]} is not the same, or has changed since"
        else:
            before, now = (printable(str(values.get(name, "unknown")), MAX_REASON)
                           for values in (saved, present))
            difference = f"{printable(str(name), MAX_REASON)} was {before}, but now it is {now}"
        raise FileError(f"cannot resume from {path}: {difference}; use the same inputs and "
                        f"settings as before, or leave out --resume to start over")


def _fitted_settings(path: Path, saved: Mapping[str, str], job: Job) -> Settings:
    """The job's settings with the tile and the history of the checkpoint."""
    fitted = {name: json.loads(saved[option_name(name)]) for name in FITTED}
    try:
        settings = job.settings.replace(**fitted)
        if settings.tile is not None:
            check_side(settings.tile, settings.layers)
    except ArgumentError as error:
        raise FileError(f"cannot resume from {path}: {error}; leave out --resume to start over"
                        ) from error
    if settings == job.settings:
        return job.settings
    shortage = memory_shortage(dataclasses.replace(job, settings=settings).spec)
    if shortage:
        method = ("computes the whole picture at once" if settings.tile is None
               else f"has tiles of {settings.tile} pixels")
        raise ArgumentError(f"cannot resume from {path}: its run {method}, {shortage}, and "
                            f"other tiles would not give the same result bit for bit; free or "
                            f"allow that much memory, or leave out --resume to start over")
    return settings
