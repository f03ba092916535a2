"""`python -m nst.run CONTENT STYLE -o OUT.png`: the command line.

Exit status: 0 done, 2 a mistake of the user, 3 ended by a fault with a picture saved,
130 interrupted with a picture saved.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from minigrad.errors import ArgumentError, MinigradError
from nst import config, demo, images, options, page, report, request, run_page, weights
from nst.files import check_writable
from nst.optimise import Progress
from nst.request import Request
from nst.transfer import Job, Result, prepare

STATUS = {"done": 0, "converged": 0, "fault": 3, "interrupted": 130}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")    # a terminal without × or α must not stop us
    before = _Interrupt.install()
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        return _run(_request(options.parser().parse_args(arguments)), arguments)
    except MinigradError as error:
        print(f"nst.run: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("nst.run: interrupted before the first iteration; nothing was written",
              file=sys.stderr)
        return 130
    finally:
        signal.signal(signal.SIGINT, before)


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
    much = {"size": 128, "iterations": 40} if is_random else {"size": 320, "iterations": 200}
    asked = request.complete(found, weights=source, **much)
    if not asked.quiet:
        _say(f"demonstration with the weights {source}" + is_random * (
            ": the features are random, so this only shows that the program works; "
            + weights.HOW_TO_FETCH))
    return asked


def _run(asked: Request, arguments: list[str]) -> int:
    say: Callable[..., None] = (lambda *_: None) if asked.quiet else _say
    _check_output(asked)
    job = prepare(asked.content, list(asked.style) or None, asked.settings)
    images.check_format(asked.output, job.inputs.size)
    say(report.beginning_in_words(job))
    if weights.full_network_is_missing(job.network.source):
        say(f"these are the weights that come with nst; {weights.HOW_TO_FETCH}")
    recorder = None if asked.report is None else run_page.Recorder(job)
    result = _work(job, asked, recorder)
    _Interrupt.forbid()         # from here on it takes a moment, and the picture must be saved
    _save(result, asked)
    if recorder is not None:
        _write_page(job, result, recorder, asked, arguments)
    _say_how_it_ended(result, asked.output, say)
    return STATUS[result.ended]


def _check_output(asked: Request) -> None:
    """Find out before the work whether its result can be written."""
    output = asked.output
    images.check_format(output)
    for name in filter(None, (asked.content, *asked.style)):
        if output.exists() and os.path.exists(name) and os.path.samefile(output, name):
            raise ArgumentError(f"the output {output} is the picture {name} itself; "
                                f"give another name")
    for ending in (output.suffix, ".json", ".toml"):
        check_writable(output.with_suffix(ending))
    if not _is_own_config(asked):
        config.check_replaceable(output.with_suffix(".toml"))
    if asked.report is not None:
        page.check_page(asked.report)
        check_writable(asked.report)


def _save(result: Result, asked: Request) -> None:
    """The picture, and beside it how it went and what was in effect."""
    effective = report.plain(asked.effective())
    # The file itself says what made it, not where it was put: so the same run, the same bytes.
    made_by = {name: value for name, value in effective.items()
               if name not in ("output", "report", "save_every", "quiet")}
    images.save(result.picture, asked.output, made_by)
    report.write_json(asked.output, result, effective)
    if not _is_own_config(asked):
        config.write(asked.output.with_suffix(".toml"), effective)


def _is_own_config(asked: Request) -> bool:
    """Whether the options came from OUT.toml itself: it may have comments, and stays as it is."""
    beside = asked.output.with_suffix(".toml")
    return asked.config is not None and beside.exists() and os.path.samefile(beside, asked.config)


def _write_page(job: Job, result: Result, recorder: run_page.Recorder, asked: Request,
                arguments: list[str]) -> None:
    names = [name for name in (asked.content, *asked.style) if name is not None]
    about = run_page.page_of(job, result, recorder.frames, names, report.plain(asked.effective()),
                             asked.output, shlex.join(["python", "-m", "nst.run", *arguments]))
    page.write_page(about, asked.report)


def _work(job: Job, asked: Request, recorder: run_page.Recorder | None) -> Result:
    bar = None if asked.quiet else report.ProgressBar(job)

    def observe(progress: Progress) -> None:
        iteration = progress.history[-1].iteration
        if asked.save_every and iteration and iteration % asked.save_every == 0:
            path = report.numbered(asked.output, iteration, job.settings.iterations)
            images.save(job.picture(progress.best), path)
        for watch in (recorder, bar):
            if watch is not None:
                watch(progress)

    try:
        return job.run(observe)
    finally:
        if bar is not None:
            bar.close()


def _say_how_it_ended(result: Result, output: Path, say: Callable[..., None]) -> None:
    if result.ended == "fault":
        print(f"nst.run: {result.cause}; {output} is the best picture before that "
              f"(iteration {result.best_iteration})", file=sys.stderr)
    elif result.ended == "interrupted":
        print(f"nst.run: interrupted; {output} is the best picture so far "
              f"(iteration {result.best_iteration})", file=sys.stderr)
    elif result.ended == "converged":
        say("no step lowers the loss any more, so the run ended early")
    if result.history:
        say(report.summary_in_words(result, output))


def _say(line: str) -> None:
    print(line, flush=True)


class _Interrupt:
    """Ctrl-C stops the work once; while the picture is being saved it does nothing."""

    @staticmethod
    def install() -> Any:
        """Listen to Ctrl-C; returns what listened before."""
        # Also where a shell started the program in the background with Ctrl-C switched off:
        # whoever sends the signal wants the picture.
        return signal.signal(signal.SIGINT, _Interrupt._stop)

    @staticmethod
    def _stop(number: int, frame: object) -> None:
        _Interrupt.forbid()
        raise KeyboardInterrupt

    @staticmethod
    def forbid() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main())
