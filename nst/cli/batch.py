"""`python -m nst.batch CONTENTS STYLES -o OUT`: paint all pictures of a folder.

Exit status: 0 all done; 2 user error; 3 some pictures failed; 130 stopped by Ctrl-C; 143 by
SIGTERM. Repeat the command to resume a stopped batch.
"""

from __future__ import annotations

import argparse
import dataclasses
import multiprocessing
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from minigrad import cuda
from minigrad.command_line import Parser
from minigrad.errors import ArgumentError, FileError, MinigradError
from minigrad.printable import printable
from nst.cli import batch_report
from nst.cli.batch_work import FINISHED, BatchConfig, BatchWorker, make_worker, paint
from nst.cli.pairs import PAIRINGS, Pair, make_pairs, pictures
from nst.cli.printing import printer
from nst.config import presets, request, validators
from nst.config.options import FIELDS
from nst.config.options import parser as run_parser
from nst.config.plain import plain
from nst.job import fitting
from nst.job.transfer import choose_device, load_network
from nst.output import saving, template, words
from nst.pictures import tensors
from nst.system.executors import Executor, Processes, Serial, WorkerError
from nst.system.files import check_writable
from nst.system.lock import output_lock
from nst.system.signals import Signals, check_interrupt
from nst.system.stdio import robust_stdio, silence_device

EXAMPLES = """\
All options of nst.run are accepted and apply to every picture.

examples:
  every photograph in the style of every painting:
    python -m nst.batch photos paintings -o out --size 512
  a hundred of the photographs, each with a random painting, and a page about them:
    python -m nst.batch photos paintings -o out --pair random --limit 100 --seed 7 \\
        --report out/all.html
"""
# Settings that change how a picture is computed, but not the picture.
COMPUTATION_SETTINGS = ("device", "precision", "max_memory", "tile", "processes")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    command = shlex.join(["python", "-m", "nst.batch", *arguments])
    with robust_stdio(), Signals() as signals:
        try:
            options, rest = _parser().parse_known_args(arguments)
            config, pairs = _planned(options, rest)
            _check_places(options, config)
            with output_lock(config.folder / batch_report.SUMMARY), cuda.translated():
                return _batch(options, config, pairs, signals, command)
        except MinigradError as error:
            silence_device(error)
            print(printable(f"nst.batch: {error}"), file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print(printable(f"nst.batch: {signals.name} before the first picture"), file=sys.stderr)
            return signals.status


def _parser() -> Parser:
    parser = Parser(
        prog="nst.batch",
        usage="python -m nst.batch CONTENTS STYLES -o OUT [options]",
        description="Paint the pictures of one folder in the styles of another. CONTENTS or "
                    "STYLES may be a\nsingle picture. When restarted, the batch skips finished "
                    "pictures and resumes unfinished\nones.",
        epilog=EXAMPLES)
    parser.add_argument("-o", "--output", metavar="OUT", required=True,
                        help="folder for the results: CONTENT--STYLE.png with a JSON file beside "
                             "each, and batch.json; created if needed")
    parser.add_argument("--pair", choices=PAIRINGS, default="cross",
                        help="cross: every content with every style; zip: the first with the first "
                             "and so on; random: every content with one random style, see --seed "
                             "(default: cross)")
    parser.add_argument("--limit", type=int, metavar="N", help="paint at most N pictures "
                        "(default: all)")
    parser.add_argument("--ending", metavar=".png", default=".png",
                        help=f"format of the results: {', '.join(tensors.FORMATS)} (default: .png)")
    parser.add_argument("--again", action="store_true",
                        help="repaint pictures in OUT that were made with other settings "
                             "(default: refuse)")
    parser.add_argument("--processes", type=int, metavar="N", default=1,
                        help="number of pictures to paint at the same time, each in a process of "
                             "its own with a share of memory (default: 1)")
    parser.add_argument("--report", metavar="OUT.html",
                        help="write a page with all results (default: none)")
    parser.add_argument("--quiet", action="store_true",
                        help="print only errors (default: a line per picture)")
    return parser


def _batch(options: argparse.Namespace, config: BatchConfig, pairs: Sequence[Pair],
           signals: Signals, command: str) -> int:
    say = printer(options.quiet)
    _check_settings(config, pairs, options.again)
    start = time.perf_counter()
    try:
        with _executor(config, options.processes, signals) as executor:
            device = choose_device(config.settings.device)
            say(f"{len(pairs)} pictures: --pair {options.pair}, to {config.folder}, "
                f"device {words.device_in_words(config.settings, device)}")
            _paint_all(executor, config, pairs, say)
    except (KeyboardInterrupt, WorkerError) as error:
        reason = signals.name if isinstance(error, KeyboardInterrupt) else error
        print(printable(f"nst.batch: {reason}; repeat the command to resume"), file=sys.stderr)
    signals.ignore()
    records = [(pair, config.record(pair)) for pair in pairs]
    counts = batch_report.figures(records, time.perf_counter() - start)
    problems: list[str] = []
    saving.attempt(problems.append, batch_report.write_summary, config, records, counts)
    if options.report is not None:
        saving.attempt(problems.append, batch_report.write_page, config, records, counts,
                       Path(options.report), command)
    for problem in problems:
        print(printable(f"nst.batch: {problem}"), file=sys.stderr)
    say(batch_report.in_words(counts))
    if signals.received:
        return signals.status
    return 0 if counts["finished"] == len(pairs) and not problems else 3


def _planned(options: argparse.Namespace, rest: list[str]) -> tuple[BatchConfig, list[Pair]]:
    """Return the batch and its pairs, from the options of nst.batch and of nst.run."""
    run_options = request.parse(run_parser().parse_args(rest))
    if "save_every" in run_options:
        raise ArgumentError("--save-every is an option of nst.run; a batch writes no "
                            "intermediate pictures")
    content, styles = run_options.get("content"), run_options.get("style")
    styles = [styles] if isinstance(styles, str) else styles
    if content is None or not styles or len(styles) != 1:
        raise ArgumentError("a batch needs two folders, CONTENTS and STYLES; name both")
    limit = options.limit
    limit = limit if limit is None else validators.integer("limit", limit, 1)
    settings = request.settings(run_options)
    for place in (content, styles[0]):
        if os.path.isdir(options.output) and os.path.isdir(place) and os.path.samefile(
                options.output, place):
            raise ArgumentError(f"the results would be mixed with the pictures in {place}, and the "
                                f"next run would paint them too; choose another output folder")
    pairs = make_pairs(pictures(Path(content), "content"), pictures(Path(styles[0]), "style"),
                   options.pair, settings.seed, limit)
    suffix = "." + options.ending.lower().lstrip(".")
    tensors.check_format(Path("picture" + suffix))
    every = run_options.get("checkpoint_every")
    every = every if every is None else validators.integer("checkpoint-every", every, 1)
    config = BatchConfig(Path(options.output), suffix, run_options.get("preset", presets.DEFAULT),
                         settings, every)
    return config, pairs


def _check_places(options: argparse.Namespace, config: BatchConfig) -> None:
    """Check that all output paths are writable."""
    validators.integer("processes", options.processes, 1)
    try:
        config.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make the folder {config.folder}: {error.strerror}") from None
    check_writable(config.folder / batch_report.SUMMARY)
    if options.report is not None:
        template.check_page(Path(options.report))
        check_writable(options.report)


def _check_settings(config: BatchConfig, pairs: Sequence[Pair], again: bool) -> None:
    """Check that the batch replaces no finished picture that has other settings.

    If `again` is true, delete the records of such pictures instead, so that they are repainted.
    """
    for pair in pairs:
        record = config.record(pair)
        if record is None or record["summary"].get("ended") not in FINISHED:
            continue
        now = plain(config.request(pair).effective())
        difference = _difference(record.get("settings", {}), now)
        if difference and again:
            config.output(pair).with_suffix(".json").unlink()
        elif difference:
            raise ArgumentError(f"{config.output(pair)} was made with {difference}; choose another "
                                f"folder, the same settings, or --again to repaint it")


def _difference(previous: dict[str, Any], now: dict[str, Any]) -> str:
    """Describe the first setting that differs and changes the picture; "" if there is none."""
    for name in FIELDS:
        if name in previous and name not in COMPUTATION_SETTINGS and previous[name] != now[name]:
            return f"{validators.option_name(name)} {previous[name]}, not {now[name]}"
    return ""


@contextmanager
def _executor(config: BatchConfig, processes: int, signals: Signals) -> Iterator[Executor]:
    """Yield an executor; shut it down on exit."""
    if processes == 1:
        yield Serial(BatchWorker(config, signals.shield))
        return
    load_network(config.settings)           # find errors here and not in a worker
    # The workers share the available memory.
    device = choose_device(config.settings.device)
    share = fitting.share_of_memory(config.settings, device, processes)
    config = dataclasses.replace(config, max_memory=share)
    stopping = multiprocessing.get_context("spawn").Event()
    executor = Processes(processes, make_worker, config, stopping)
    try:
        yield executor
    finally:
        stopping.set()
        executor.close()


def _paint_all(executor: Executor, config: BatchConfig, pairs: Sequence[Pair],
               say: Callable[[str], None]) -> None:
    """Paint all pictures and report on each.

    Raises
    ------
    KeyboardInterrupt
        A picture was interrupted.
    """
    for number, (pair, ended) in enumerate(zip(pairs, executor.map(paint, pairs)), start=1):
        line = f"{number} of {len(pairs)}  {batch_report.line(config, pair, ended)}"
        if ended in ("failed", "fault"):
            print(printable(f"nst.batch: {line}"), file=sys.stderr, flush=True)
        else:
            say(line)
        if ended == "interrupted":
            raise KeyboardInterrupt
        check_interrupt()        # the signal may have come at the end of the picture


if __name__ == "__main__":
    sys.exit(main())
