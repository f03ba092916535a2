"""What a batch does for each of its pictures, in this process or in one of several."""

from __future__ import annotations

import dataclasses
import hashlib
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minigrad import cuda
from minigrad.errors import FileError, MinigradError
from nst.cli.pairs import Pair
from nst.config.plain import plain
from nst.config.request import Request
from nst.config.settings import Settings
from nst.job import checkpoint, fingerprint
from nst.job.checkpoint import CheckpointManager
from nst.job.transfer import Job, Result, load_network, prepare
from nst.output import saving
from nst.output.record import check_replaceable, read_record, write_json, write_record

FINISHED = ("done", "converged")


@dataclass(frozen=True)
class BatchConfig:
    """What is the same for all pictures of a batch.

    Attributes
    ----------
    folder : Path
        Where the results go.
    ending : str
        Of their names: ".png" …
    share : int or None
        Bytes of memory for each process, where several paint at the same time.
    """

    folder: Path
    ending: str
    preset: str
    settings: Settings
    checkpoint_every: int | None
    share: int | None = None

    def request(self, pair: Pair) -> Request:
        """One picture, as `nst.run` would be asked for it."""
        return Request(
            content=str(pair.content), style=(str(pair.style),), output=self.output(pair),
            report=None, preset=self.preset, save_every=None,
            checkpoint_every=self.checkpoint_every, resume=True, quiet=True, config=None,
            settings=self.settings)

    def output(self, pair: Pair) -> Path:
        # Not with_suffix: a name may have dots in it.
        return self.folder / (pair.name + self.ending)

    def record(self, pair: Pair) -> dict[str, Any] | None:
        """What a run of this batch, or of an earlier one, left of the pair; None for nothing."""
        found = read_record(_json(self.output(pair)))
        return found if found is not None and _is_whole(found) else None


def _json(output: Path) -> Path:
    return output.with_suffix(".json")


def _is_whole(record: dict[str, Any]) -> bool:
    """Whether all that is told of a picture is there: somebody may have edited the file."""
    summary = record["summary"]
    if summary.get("ended") not in FINISHED:
        return {"ended", "cause"} <= set(summary)
    try:
        best = record["iterations"][summary["best_iteration"]]
        figures = [summary["seconds"], summary["best_total"], summary["iterations"], best["total"],
                   best["content"] or 0, best["style"] or 0, best["tv"]]
        return all(isinstance(figure, (int, float)) for figure in figures)
    except (KeyError, IndexError, TypeError):
        return False


class BatchWorker:
    """Paints one pair after the other, with one network.

    Parameters
    ----------
    config : BatchConfig
    shield : callable, optional
        Makes a context in which no signal interrupts.
    stop : callable, optional
        Asked before every iteration whether to stop.
    """

    def __init__(self, config: BatchConfig,
                 shield: Callable[[], AbstractContextManager] = nullcontext,
                 stop: Callable[[], bool] = lambda: False) -> None:
        self.config = config
        self.network = load_network(config.settings)
        self.weights = fingerprint.hash_of_network(self.network)
        self.shield = shield
        self.stop = stop

    def paint(self, pair: Pair) -> str:
        """Make a picture, unless it is finished; what becomes of it is in its JSON file.

        Returns
        -------
        str
            "done", "converged", "fault", "interrupted", "skipped" (it was finished before) or
            "failed" (nothing could be painted).
        """
        asked = self.config.request(pair)
        try:
            inputs = {"content": _hash_of_file(pair.content), "style": _hash_of_file(pair.style),
                      "weights": self.weights}
            if self._is_finished(pair, inputs):
                return "skipped"
            settings = asked.settings if self.config.share is None else dataclasses.replace(
                asked.settings, max_memory=self.config.share)
            with cuda.translated():
                job = prepare(asked.content, list(asked.style), settings, self.network)
                saving.check_output(asked)
                saving.check_room(asked, job)
                result, checkpoints = self._work(job, asked)
            with self.shield():
                return self._save(result, asked, inputs, checkpoints)
        except (MinigradError, MemoryError) as error:
            with self.shield():
                self._fail(asked, str(error) or "there is not enough memory")
            return "failed"

    def _is_finished(self, pair: Pair, inputs: dict[str, str]) -> bool:
        """Whether the picture exists and was made from these files; `nst.batch` checks settings."""
        record = self.config.record(pair)
        return (record is not None and record["summary"].get("ended") in FINISHED
                and record.get("inputs") == inputs and self.config.output(pair).is_file())

    def _work(self, job: Job, asked: Request) -> tuple[Result, CheckpointManager]:
        path = checkpoint.checkpoint_path(asked.output)
        try:
            resumed = checkpoint.load_checkpoint(path, job)
        except FileError as error:          # of other settings or pictures, or damaged
            _warn(f"{asked.output.name} is begun anew, because nst {str(error).partition(';')[0]}")
            resumed = None
        if resumed is not None:
            job = dataclasses.replace(job, settings=resumed.settings)
        checkpoints = CheckpointManager(path, job, asked.checkpoint_every, _warn, self.stop,
                                        resumed)
        return job.run(None, checkpoints, None if resumed is None else resumed.state), checkpoints

    def _save(self, result: Result, asked: Request, inputs: dict[str, str],
              checkpoints: CheckpointManager) -> str:
        effective = plain(asked.effective())
        made_by = {name: value for name, value in effective.items()
                   if name not in saving.NOT_OF_THE_PICTURE}
        written = saving.save_picture(result, asked.output, made_by, _warn)
        if written != asked.output:
            raise FileError(f"{asked.output} could not be written" + (
                f", so the picture is in {written}" if written else ""))
        write_json(asked.output, result, effective, inputs=inputs)
        if result.ended in FINISHED:
            checkpoints.remove()
        return result.ended

    def _fail(self, asked: Request, cause: str) -> None:
        record = {"settings": plain(asked.effective()),
                  "summary": {"picture": None, "ended": "failed", "cause": cause}}
        try:
            check_replaceable(_json(asked.output))
            write_record(_json(asked.output), record)
        except MinigradError as error:
            _warn(str(error))


def paint(painter: BatchWorker, pair: Pair) -> str:
    """`BatchWorker.paint`, in the form that executors take."""
    return painter.paint(pair)


def make_worker(config: BatchConfig, stopping: Any) -> BatchWorker:
    """A painter in a process of its own, which stops when the event ``stopping`` is set."""
    return BatchWorker(config, stop=stopping.is_set)


def _hash_of_file(path: Path) -> str:
    """SHA-256 of a picture file.

    Raises
    ------
    FileError
        It cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from None


def _warn(sentence: str) -> None:
    with suppress(OSError):         # in a worker, whose terminal may be gone
        print(f"nst.batch: {sentence}", file=sys.stderr, flush=True)
