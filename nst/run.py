"""`python -m nst.run CONTENT STYLE -o OUT.png`: the command line.

Exit status: 0 done, 2 a mistake of the user, 3 ended by a fault with a picture saved,
130 interrupted with a picture saved.
"""

from __future__ import annotations

import os
import signal
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from minigrad.errors import ArgumentError, MinigradError
from nst import demo, images, options, report, weights
from nst.files import check_writable
from nst.optimise import Progress
from nst.settings import Settings
from nst.transfer import Job, Result, prepare

STATUS = {"done": 0, "converged": 0, "fault": 3, "interrupted": 130}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")    # a terminal without × or α must not stop us
    before = _Interrupt.install()
    try:
        return _run(options.parser().parse_args(arguments))
    except MinigradError as error:
        print(f"nst.run: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("nst.run: interrupted before the first iteration; nothing was written",
              file=sys.stderr)
        return 130
    finally:
        signal.signal(signal.SIGINT, before)


def _run(given: Namespace) -> int:
    say: Callable[..., None] = (lambda *_: None) if given.quiet else _say
    settings = _complete(given, say)
    output = Path(given.output)
    _check_output(given, output)
    job = prepare(given.content, given.style, settings)
    say(f"content {report.pixels(job.content)}, style {report.pixels(job.style)}, "
        f"weights {job.network.source}, device {_device_in_words(job)}")
    result = _work(job, output, given)
    _Interrupt.forbid()         # from here on it takes a moment, and the picture must be saved
    images.save(result.image, output)
    report.write_json(output, result, {"content": str(given.content), "style": str(given.style),
                                       "output": str(output), "save_every": given.save_every,
                                       "preset": given.preset or "gatys"})
    _say_how_it_ended(result, output, say)
    return STATUS[result.ended]


def _complete(given: Namespace, say: Callable[..., None]) -> Settings:
    """Fill in what is left out on the command line, and check it."""
    if given.content is None:
        return _demonstration(given, say)
    if given.style is None:
        raise ArgumentError(f"CONTENT is {given.content}, but STYLE is missing; give both "
                            f"pictures, or neither for the demonstration")
    if given.output is None:
        raise ArgumentError("-o OUT.png is missing: it says where the result goes")
    return options.settings_from(given)


def _demonstration(given: Namespace, say: Callable[..., None]) -> Settings:
    """This project's own two pictures, with the best weights there are."""
    given.content, given.style = demo.scene_path(), demo.painting_path()
    given.output = given.output or "nst-demo.png"
    try:
        source = weights.find(given.weights)
    except weights.NoWeightsError:
        source = "random:0"
    if weights.random_seed(source) is not None:
        say(f"demonstration with the weights {source}: the features are random, so this only shows "
            f"that the program works; python -m weights_converter makes real ones")
        return options.settings_from(given, weights=source, size=128, iterations=40)
    say(f"demonstration with the weights {source}")
    return options.settings_from(given, weights=source, size=320, iterations=200)


def _check_output(given: Namespace, output: Path) -> None:
    """Find out before the work whether its result can be written."""
    images.check_format(output)
    for name in (given.content, given.style):
        if output.exists() and os.path.exists(name) and os.path.samefile(output, name):
            raise ArgumentError(f"the output {output} is the picture {name} itself; "
                                f"give another name")
    if given.save_every is not None and given.save_every < 1:
        raise ArgumentError(f"save-every is {given.save_every}, but must be 1 or more")
    check_writable(output)
    check_writable(output.with_suffix(".json"))


def _work(job: Job, output: Path, given: Namespace) -> Result:
    bar = None if given.quiet else report.ProgressBar(job.settings.iterations)

    def observe(progress: Progress) -> None:
        iteration = progress.history[-1].iteration
        if given.save_every and iteration and iteration % given.save_every == 0:
            path = report.numbered(output, iteration, job.settings.iterations)
            images.save(job.image(progress.best), path)
        if bar is not None:
            bar(progress)

    try:
        return job.run(observe)
    finally:
        if bar is not None:
            bar.close()


def _device_in_words(job: Job) -> str:
    return f"{job.device} (found by auto)" if job.settings.device == "auto" else job.device


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
