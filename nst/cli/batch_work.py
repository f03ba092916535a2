"""Paint the pictures of a batch, in this process or in one of several."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minigrad import cuda
from minigrad.command_line import report, sentence_of
from minigrad.errors import FileError, MinigradError
from minigrad.files import file_digest
from nst.cli.pairs import Pair
from nst.config.plain import plain
from nst.config.request import Request
from nst.config.settings import Settings
from nst.job import checkpoint, fingerprint
from nst.job.checkpoint import CheckpointManager
from nst.job.result import FINISHED, Result
from nst.job.transfer import Job, load_network, prepare
from nst.output import existing, saving
from nst.output.record import is_json, read_record, write_json, write_record
from nst.pictures import tensors
from nst.system.lock import output_lock

TERMS = ("total", "content", "style", "palette", "tv")      # of the losses in a record
LARGEST = 1e100         # no loss and no time is larger; sums of these are still finite


@dataclass(frozen=True)
class BatchConfig:
    """The options that all pictures of a batch share.

    Attributes
    ----------
    folder : Path
        Folder of the results.
    suffix : str
        Suffix of their names, for example ".png".
    preset : str
    settings : Settings
    checkpoint_every : int or None
    max_memory : int or None
        Bytes of memory for each process, if there are several.
    """

    folder: Path
    suffix: str
    preset: str
    settings: Settings
    checkpoint_every: int | None
    max_memory: int | None = None

    def request(self, pair: Pair) -> Request:
        """Return the request for one picture, as in `nst.run`; `check_existing` has come first."""
        return Request(
            content=str(pair.content), style=(str(pair.style),), output=self.output(pair),
            report=None, preset=self.preset, save_every=None,
            checkpoint_every=self.checkpoint_every, resume=True, overwrite=True, quiet=True,
            config=None, settings=self.settings)

    def output(self, pair: Pair) -> Path:
        """Return the path of a pair's result."""
        # Not with_suffix: a name may contain dots.
        return self.folder / (pair.name + self.suffix)

    def record(self, pair: Pair) -> dict[str, Any] | None:
        """Return the JSON record of a pair, or None if it is missing or incomplete."""
        record = read_record(_json(self.output(pair)))
        return record if record is not None and _is_complete(record) else None

    def foreign(self, pair: Pair) -> Path | None:
        """Return a file where a pair's results go that no batch made from this pair, or None.

        A damaged picture is ours if its record is, and a damaged record if its picture is.
        """
        picture, json_file = self.output(pair), _json(self.output(pair))
        saved = checkpoint.checkpoint_path(picture)
        if checkpoint.is_taken(saved):
            return saved
        now = {"content": str(pair.content), "style": str(pair.style)}
        record = read_record(json_file)
        made_by = existing.embedded(picture) if os.path.exists(picture) else None
        ours = made_by is not None and existing.same_pictures(made_by, now)
        if os.path.exists(picture) and not ours and (record is None or _is_whole(picture)):
            return picture
        if record is not None or not os.path.exists(json_file):
            return None
        return None if ours and not is_json(json_file) else json_file


def _is_whole(picture: Path) -> bool:
    """Whether a picture can be read to its end."""
    try:
        tensors.load(picture, "finished")
    except FileError:
        return False
    return True


def _json(output: Path) -> Path:
    return output.with_suffix(".json")


def _is_complete(record: dict[str, Any]) -> bool:
    """Whether a JSON record has all the entries that a batch uses."""
    summary = record["summary"]
    if not all(isinstance(summary.get(name), str) for name in ("ended", "cause")):
        return False
    total = summary.get("best_total")
    if total is None and summary["ended"] not in FINISHED:
        return True                     # there is no picture
    figures = [total, summary.get("iterations"), summary.get("seconds")]
    if summary["ended"] in FINISHED:
        best, iterations = summary.get("best_iteration"), record.get("iterations")
        if type(best) is not int or not isinstance(iterations, list) or not (
                0 <= best < len(iterations)) or not isinstance(iterations[best], dict):
            return False
        terms = {name: iterations[best].get(name) for name in TERMS}
        figures += [terms["total"], terms["tv"], *(terms[name] or 0 for name in TERMS)]
    return all(type(figure) in (int, float) and abs(figure) < LARGEST for figure in figures)


class BatchWorker:
    """Paints pairs one after the other, with one network.

    Parameters
    ----------
    config : BatchConfig
    shield : callable, optional
        Returns a context in which signals are deferred.
    stop : callable, optional
        Called before every iteration; returns whether to stop.
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
        """Paint a picture unless it is finished already. Its JSON file records how it ended.

        Returns
        -------
        str
            "done", "converged", "fault", "interrupted", "skipped" (finished earlier) or "failed"
            (nothing was painted).
        """
        request = self.config.request(pair)
        try:
            with output_lock(request.output, saving.output_files(request)):
                return self._paint(pair, request)
        except FileError as error:          # another run may be writing it; its files are kept
            _warn(str(error))
            return "failed"

    def _paint(self, pair: Pair, request: Request) -> str:
        try:
            inputs = {"content": file_digest(pair.content), "style": file_digest(pair.style),
                      "weights": self.weights}
            if self._is_finished(pair, inputs):
                return "skipped"
            share = self.config.max_memory
            settings = (request.settings if share is None
                        else request.settings.replace(max_memory=share))
            with cuda.translated():
                job = prepare(request.content, list(request.style), settings, self.network)
                saving.check_output(request)
                saving.check_disk_space(request, job)
                result, checkpoints = self._run_job(job, request)
            with self.shield():
                return self._save(result, request, inputs, checkpoints)
        except (MinigradError, MemoryError) as error:
            with self.shield():
                self._record_failure(request, sentence_of(error))
            return "failed"

    def _is_finished(self, pair: Pair, inputs: dict[str, str]) -> bool:
        """Whether the picture is whole and comes from these files; `nst.batch` checks settings."""
        record = self.config.record(pair)
        return (record is not None and record["summary"].get("ended") in FINISHED
                and record.get("inputs") == inputs and _is_whole(self.config.output(pair)))

    def _run_job(self, job: Job, request: Request) -> tuple[Result, CheckpointManager]:
        path = checkpoint.checkpoint_path(request.output)
        try:
            resumed = checkpoint.load_checkpoint(path, job)
        except FileError as error:          # other settings or pictures, or a damaged file
            _warn(f"{request.output.name} starts from the beginning, because nst "
                  f"{str(error).partition(';')[0]}")
            resumed = None
        if resumed is not None:
            job = dataclasses.replace(job, settings=resumed.settings)
        checkpoints = CheckpointManager(path, job, request.checkpoint_every, _warn, self.stop,
                                        resumed)
        return job.run(None, checkpoints, None if resumed is None else resumed.state), checkpoints

    def _save(self, result: Result, request: Request, inputs: dict[str, str],
              checkpoints: CheckpointManager) -> str:
        effective = plain(request.effective())
        written = saving.save_picture(result, request.output, effective, _warn)
        if written != request.output:
            raise FileError(f"{request.output} could not be written" + (
                f", so the picture is in {written}" if written else ""))
        write_json(request.output, result, effective, inputs=inputs)
        if result.ended in FINISHED:
            checkpoints.remove()
        return result.ended

    def _record_failure(self, request: Request, cause: str) -> None:
        record = {"settings": plain(request.effective()),
                  "summary": {"picture": None, "ended": "failed", "cause": cause}}
        try:
            write_record(_json(request.output), record)
        except MinigradError as error:
            _warn(str(error))


def paint(worker: BatchWorker, pair: Pair) -> str:
    """Call `BatchWorker.paint`; executors need a module-level function."""
    return worker.paint(pair)


def make_worker(config: BatchConfig, stopping: Any) -> BatchWorker:
    """Return a worker for a child process. It stops when the event `stopping` is set."""
    return BatchWorker(config, stop=stopping.is_set)


def _warn(sentence: str) -> None:
    with suppress(OSError):         # the terminal of a child process may be gone
        report("nst.batch", sentence)
