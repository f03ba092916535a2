"""`python -m nst.run CONTENT STYLE -o OUT.png`: the command line.

Exit status: 0 done, 2 a mistake of the user, 3 ended by a fault (also if a file could not be
written), 130 stopped by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP; with a picture saved in all but
the second.
"""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from minigrad import cuda
from minigrad.errors import MinigradError
from nst import demo
from nst.cli.progress_bar import ProgressBar
from nst.config import options, request
from nst.config.plain import plain
from nst.config.request import Request
from nst.job import checkpoint, estimate
from nst.job.checkpoint import Checkpoint, CheckpointManager
from nst.job.transfer import Job, Result, prepare
from nst.model import small, weights
from nst.optimize.progress import Progress
from nst.output import page, run_page, saving, words
from nst.pictures import tensors
from nst.system.lock import output_lock
from nst.system.signals import Signals
from nst.system.stdio import robust_stdio, silence_device

FAULT = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    with robust_stdio(), Signals() as signals:
        try:
            asked = _request(options.parser().parse_args(arguments))
            saving.check_output(asked)
            with output_lock(asked.output, saving.written_by(asked)), cuda.translated():
                return _run(asked, arguments, signals)
        except MinigradError as error:
            silence_device(error)
            _warn(str(error))
            return 2
        except KeyboardInterrupt:
            _warn(f"{signals.name} before the first iteration; nothing was written")
            return signals.status


def _request(given: Any) -> Request:
    """What is asked for; the demonstration if no picture is named."""
    found = request.gather(given)
    if found.get("content") is None and not found.get("style"):
        return _demonstration(found)
    return request.complete(found)


def _demonstration(found: dict[str, Any]) -> Request:
    """This project's own two pictures, with the best weights there are."""
    found = {"output": "nst-demo.png", **found, "content": demo.scene_path(),
             "style": demo.painting_path()}
    try:
        source = weights.find(found.get("weights"))
    except weights.NoWeightsError:
        source = "random:0"
    is_random = weights.random_seed(source) is not None
    if is_random:
        much = {"size": 128, "iterations": 40}
    else:
        much = {"size": 480 if source == small.SMALL else 320, "iterations": 200}
    asked = request.complete(found, weights=source, **much)
    if not asked.quiet:
        _say(f"demonstration with the weights {source}" + is_random * (
            ": the features are random, so this only shows that the program works; "
            + weights.HOW_TO_FETCH))
    return asked


def _run(asked: Request, arguments: list[str], signals: Signals) -> int:
    say: Callable[..., None] = (lambda *_: None) if asked.quiet else _say
    job = prepare(asked.content, list(asked.style) or None, asked.settings)
    saving.check_room(asked, job)
    say(words.beginning_in_words(job))
    if weights.full_network_is_missing(job.network.source):
        say(f"these are the weights that come with nst; {weights.HOW_TO_FETCH}")
    path = checkpoint.checkpoint_path(asked.output)
    resumed = _resumed(asked, path, job, say)
    if resumed is not None:
        job = dataclasses.replace(job, settings=resumed.settings)
    checkpoints = CheckpointManager(path, job, asked.checkpoint_every, _warn, resumed=resumed)
    if not asked.quiet:
        say(estimate.in_words(job.spec, (checkpoints.last_saved or 1) - 1))
    recorder = None if asked.report is None else run_page.Recorder(job, checkpoints.frames)
    result = _work(job, asked, recorder, checkpoints, resumed)
    signals.ignore()            # from here on it takes a moment, and the picture must be saved
    troubles: list[str] = []
    written = saving.save(result, asked, troubles.append)
    if recorder is not None:
        saving.attempt(troubles.append, _write_page, job, result, recorder, asked, arguments)
    for trouble in troubles:
        _warn(trouble)
    return _end(result, written, checkpoints, bool(troubles), say, signals)


def _resumed(asked: Request, path: Path, job: Job, say: Callable[..., None]
             ) -> Checkpoint | None:
    """The checkpoint to resume from, if --resume is given and there is one."""
    if not asked.resume:
        if path.exists():
            say(f"found {path}, a checkpoint of an earlier run; starting over (use --resume to "
                f"continue it)")
        return None
    found = checkpoint.load_checkpoint(path, job)
    say(f"there is no {path} to resume from, so the run starts at the beginning" if found is None
        else f"resuming at iteration {found.iteration} from {path}")
    return found


def _write_page(job: Job, result: Result, recorder: run_page.Recorder, asked: Request,
                arguments: list[str]) -> None:
    names = [name for name in (asked.content, *asked.style) if name is not None]
    again = [argument for argument in arguments if argument != "--resume"]
    about = run_page.page_of(job, result, recorder.frames, names, plain(asked.effective()),
                             asked.output, shlex.join(["python", "-m", "nst.run", *again]))
    page.write_page(about, asked.report)


def _work(job: Job, asked: Request, recorder: run_page.Recorder | None,
          checkpoints: CheckpointManager, resumed: Checkpoint | None) -> Result:
    bar = None if asked.quiet else ProgressBar(job, checkpoints.last_saved or 0)
    rollbacks = 0 if resumed is None else len(resumed.state.progress.rollbacks)

    def observe(progress: Progress) -> None:
        nonlocal rollbacks
        for rollback in progress.rollbacks[rollbacks:]:
            _warn(f"iteration {rollback.iteration}: {rollback.cause}; back to iteration "
                  f"{rollback.back_to}, with a tenth of the step")
        rollbacks = len(progress.rollbacks)
        iteration = progress.history[-1].iteration
        if asked.save_every and iteration and iteration % asked.save_every == 0:
            path = saving.numbered(asked.output, iteration, job.settings.iterations)
            saving.attempt(_warn, tensors.save, job.picture(progress.best), path)
        for watch in (recorder, bar):
            if watch is not None:
                watch(progress)

    try:
        return job.run(observe, checkpoints, None if resumed is None else resumed.state)
    finally:
        if bar is not None:
            bar.close()


def _end(result: Result, written: Path | None, checkpoints: CheckpointManager, in_trouble: bool,
         say: Callable[..., None], signals: Signals) -> int:
    """Say how it ended; the exit status."""
    kept = ("" if checkpoints.last_saved is None
            else f"; --resume goes on from {checkpoints.path}")
    best = (f"{written} is the best picture" if written else "the best picture is lost: that")
    if result.ended == "fault":
        _warn(f"{result.cause}; {best} before that (iteration {result.best_iteration}){kept}")
    elif result.ended == "interrupted":
        _warn(f"{signals.name}; {best} so far (iteration {result.best_iteration}){kept}")
    elif written is None:
        _warn(f"the run is done, but its picture could not be written{kept}")
    else:
        checkpoints.remove()
        if result.ended == "converged":
            say(f"{result.cause or 'no step lowers the loss any more'}, so the run ended early")
    if result.history and written is not None:
        say(words.summary_in_words(result, written))
    if result.ended == "interrupted":
        return signals.status
    return FAULT if result.ended == "fault" or in_trouble else 0


def _warn(sentence: str) -> None:
    tqdm.write(f"nst.run: {sentence}", file=sys.stderr)     # above the bar, if there is one
    sys.stderr.flush()


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
