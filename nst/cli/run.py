"""`python -m nst.run CONTENT STYLE -o OUT.png`: run one style transfer.

Exit status: 0 done; 2 user error; 3 the run failed, or a file could not be written; 130, 143 or 129
stopped by Ctrl-C, SIGTERM or SIGHUP. The picture is saved in all cases except 2.
"""

from __future__ import annotations

import dataclasses
import os
import shlex
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from minigrad import cuda, get_num_threads
from minigrad.command_line import sentence_of
from minigrad.errors import MinigradError
from minigrad.printable import printable
from minigrad.stdio import robust_stdio
from nst import demo
from nst.cli.printing import printer
from nst.cli.progress_bar import ProgressBar
from nst.config.options import parser
from nst.config.plain import plain
from nst.config.request import Request, parse, resolve
from nst.job import checkpoint, estimate
from nst.job.checkpoint import Checkpoint, CheckpointManager
from nst.job.result import Result
from nst.job.transfer import Job, prepare
from nst.model import small, weights
from nst.optimize.progress import Progress
from nst.output import page, run_page, saving, template, words
from nst.pictures import tensors
from nst.system.device_errors import silence_device
from nst.system.lock import output_lock
from nst.system.signals import Signals

FAULT = 3               # exit status


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    with robust_stdio(), Signals() as signals:
        try:
            options = parser().parse_args(arguments)
            get_num_threads()           # before a line is printed: the environment may be wrong
            request = _request(options)
            saving.check_output(request)
            with output_lock(request.output, saving.output_files(request)), cuda.translated():
                saving.check_existing(request)
                return _run(request, arguments, signals)
        except (MinigradError, MemoryError) as error:
            silence_device(error)
            _warn(sentence_of(error))
            return 2
        except KeyboardInterrupt:
            _warn(f"{signals.name} before the first iteration; nothing was written")
            return signals.status


def _request(arguments: Namespace) -> Request:
    """Return the request; if no picture is named, that of the demonstration."""
    run_options = parse(arguments)
    if run_options.get("content") is None and not run_options.get("style"):
        return _demonstration(run_options)
    return resolve(run_options)


def _demonstration(run_options: dict[str, Any]) -> Request:
    """Return a request for the two bundled pictures, with the best weights available."""
    run_options = {"output": "nst-demo.png", **run_options, "content": demo.scene_path(),
              "style": demo.painting_path()}
    try:
        source = weights.find(run_options.get("weights"))
    except weights.NoWeightsError:
        source = "random:0"
    is_random = weights.random_seed(source) is not None
    if is_random:
        effort = {"size": 128, "iterations": 40}
    else:
        effort = {"size": 480 if source == small.SMALL else 320}
    request = resolve(run_options, weights=source, **effort)
    if not request.quiet:
        printer(request.quiet)(f"demonstration with the weights {source}" + is_random * (
            ": the features are random, so this only shows that the program works; "
            + weights.HOW_TO_FETCH))
    return request


def _run(request: Request, arguments: list[str], signals: Signals) -> int:
    say = printer(request.quiet)
    job = prepare(request.content, list(request.style) or None, request.settings)
    saving.check_disk_space(request, job)
    say(words.beginning_in_words(job))
    if job.inputs.note:
        say(job.inputs.note)
    if weights.full_network_is_missing(job.network.source):
        say(f"the small network that comes with nst paints a preview; {weights.HOW_TO_FETCH}")
    path = checkpoint.checkpoint_path(request.output)
    resumed = _resumed(request, path, job, say)
    if resumed is not None:
        job = dataclasses.replace(job, settings=resumed.settings)
    checkpoints = CheckpointManager(path, job, request.checkpoint_every, _warn, resumed=resumed)
    if not request.quiet:
        say(estimate.in_words(job.spec, (checkpoints.last_saved or 1) - 1))
    recorder = None if request.report is None else run_page.Recorder(job, checkpoints.frames)
    result = _run_job(job, request, recorder, checkpoints, resumed)
    signals.ignore()            # the rest takes a moment, and the picture must be saved
    problems: list[str] = []
    written = saving.save(result, request, problems.append)
    if recorder is not None and request.report is not None:
        saving.attempt(problems.append, _write_page, job, result, recorder, request,
                       request.report, arguments)
    for problem in problems:
        _warn(problem)
    return _report_end(result, written, checkpoints, bool(problems), say, signals)


def _resumed(request: Request, path: Path, job: Job, say: Callable[[str], None]
             ) -> Checkpoint | None:
    """Return the checkpoint to resume from, if --resume is given and there is one."""
    if not request.resume:
        if os.path.exists(path):
            say(f"found a checkpoint of an earlier run, {path}; starting over (use --resume to "
                f"resume it)")
        return None
    resumed = checkpoint.load_checkpoint(path, job)
    say(f"there is no {path} to resume from; starting from the beginning" if resumed is None
        else f"resuming at iteration {resumed.iteration} from {path}")
    return resumed


def _write_page(job: Job, result: Result, recorder: run_page.Recorder, request: Request,
                path: Path, arguments: list[str]) -> None:
    names = [name for name in (request.content, *request.style) if name is not None]
    repeated = [argument for argument in arguments if argument != "--resume"]
    content = run_page.page_of(job, result, recorder.frames, names, plain(request.effective()),
                               request.output, shlex.join(["python", "-m", "nst.run", *repeated]))
    template.write_page(path, page.html(content))


def _run_job(job: Job, request: Request, recorder: run_page.Recorder | None,
          checkpoints: CheckpointManager, resumed: Checkpoint | None) -> Result:
    bar = None if request.quiet else ProgressBar(job, checkpoints.last_saved or 0)
    rollbacks = 0 if resumed is None else len(resumed.state.progress.rollbacks)

    def observe(progress: Progress) -> None:
        nonlocal rollbacks
        for rollback in progress.rollbacks[rollbacks:]:
            _warn(f"iteration {rollback.iteration}: {rollback.cause}; back to iteration "
                  f"{rollback.back_to}, with a tenth of the step")
        rollbacks = len(progress.rollbacks)
        iteration = progress.history[-1].iteration
        if request.save_every and iteration and iteration % request.save_every == 0:
            path = saving.numbered(request.output, iteration, job.settings.iterations)
            saving.attempt(_warn, tensors.save, job.picture(progress.best), path)
        for observer in (recorder, bar):
            if observer is not None:
                observer(progress)

    try:
        return job.run(observe, checkpoints, None if resumed is None else resumed.state)
    finally:
        if bar is not None:
            bar.close()


def _report_end(result: Result, written: Path | None, checkpoints: CheckpointManager,
                has_problems: bool, say: Callable[[str], None], signals: Signals) -> int:
    """Report how the run ended, and return the exit status."""
    resumable = ("" if checkpoints.last_saved is None
                 else f"; --resume continues from {checkpoints.path}")
    if result.ended == "fault":
        _warn(f"{result.cause}; {_best_picture(result, written, 'before that')}{resumable}")
    elif result.ended == "interrupted":
        _warn(f"{signals.name}; {_best_picture(result, written, 'so far')}{resumable}")
    elif written is None:
        _warn(f"the run is done, but the picture could not be saved{resumable}")
    else:
        checkpoints.remove()
        if result.ended == "converged":
            say(f"{result.cause or 'no step lowers the loss any more'}, so the run ended early")
    if result.history and written is not None:
        say(words.summary_in_words(result, written))
    if result.ended == "interrupted":
        return signals.status
    return FAULT if result.ended == "fault" or has_problems else 0


def _best_picture(result: Result, written: Path | None, when: str) -> str:
    """Describe where the best picture is, or that it could not be saved."""
    iteration = f"(iteration {result.best_iteration})"
    if written is None:
        return f"the best picture {when} {iteration} could not be saved"
    return f"{written} is the best picture {when} {iteration}"


def _warn(sentence: str) -> None:
    # above the bar, if there is one
    tqdm.write(printable(f"nst.run: {sentence}"), file=sys.stderr)
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
