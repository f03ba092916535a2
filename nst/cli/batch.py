"""`python -m nst.batch CONTENTS STYLES -o OUT`: paint all pictures of a folder.

Exit status: 0 all done; 2 user error; 3 some pictures failed; 130 stopped by Ctrl-C; 143 by
SIGTERM. Repeat the command to resume a stopped batch.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from minigrad import cuda
from minigrad.command_line import Parser, report, sentence_of
from minigrad.errors import ArgumentError, FileError, MinigradError
from minigrad.stdio import robust_stdio
from nst.cli import batch_report
from nst.cli.batch_work import FINISHED, BatchConfig, BatchWorker, make_worker, paint
from nst.cli.pairs import PAIRINGS, Pair, make_pairs, passed_over, pictures
from nst.cli.printing import printer
from nst.config import choices, presets, request, validators
from nst.config.options import parser as run_parser
from nst.config.plain import plain
from nst.config.quoted import quoted
from nst.config.validators import option_name
from nst.job import fitting
from nst.job.transfer import choose_device, load_network
from nst.output import existing, saving, template, words
from nst.pictures import tensors
from nst.system.device_errors import silence_device
from nst.system.executors import Executor, Serial, WorkerError
from nst.system.files import check_link, check_writable, make_folder
from nst.system.lock import output_lock
from nst.system.processes import Processes
from nst.system.signals import Signals, check_interrupt
from nst.system.user_key import check_key
from nst.system.workers import Workers

EXAMPLES = """\
All options of nst.run are accepted and apply to every picture.

examples:
  every photograph in the style of every painting:
    python -m nst.batch photos paintings -o out --size 512
  a hundred of the photographs, each with a random painting, and a page about them:
    python -m nst.batch photos paintings -o out --pair random --limit 100 --seed 7 \\
        --report out/all.html
"""
# Options of nst.run that mean nothing here.
NOT_TAKEN = {"save_every": "a batch writes no intermediate pictures",
             "resume": "a batch always resumes what was interrupted"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    command = shlex.join(["python", "-m", "nst.batch", *arguments])
    with robust_stdio(), Signals() as signals:
        try:
            options, rest = _parser().parse_known_args(arguments)
            config, pairs, left_out = _planned(options, rest)
            _check_places(options, config, pairs)
            summary, page = config.folder / batch_report.SUMMARY, _page(options)
            with output_lock(summary, [page] if page else ()), cuda.translated():
                if not options.overwrite:
                    _check_existing(config, pairs, page)
                return _batch(options, config, pairs, signals, command, left_out)
        except (MinigradError, MemoryError) as error:
            silence_device(error)
            report("nst.batch", sentence_of(error))
            return 2
        except KeyboardInterrupt:
            report("nst.batch", f"{signals.name} before the first picture")
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
    parser.add_argument("--overwrite", "--again", action="store_true",
                        help="repaint pictures in OUT that were made with other settings, and "
                             "replace files that this batch did not write (default: refuse)")
    parser.add_argument("--processes", type=int, metavar="N", default=1,
                        help="number of pictures to paint at the same time, each in its own "
                             "process with a share of the memory (default: 1)")
    parser.add_argument("--report", metavar="OUT.html",
                        help="write a page with all results (default: none)")
    parser.add_argument("--quiet", action="store_true",
                        help="print only errors (default: a line per picture)")
    return parser


def _batch(options: argparse.Namespace, config: BatchConfig, pairs: Sequence[Pair],
           signals: Signals, command: str, left_out: Sequence[Sequence[Path]]) -> int:
    say = printer(options.quiet)
    _check_settings(config, pairs, options.overwrite)
    start = time.perf_counter()
    try:
        with _executor(config, options.processes, signals) as executor:
            device = choose_device(config.settings.device)
            say(f"{len(pairs)} pictures: --pair {options.pair}, to {config.folder}, "
                f"device {words.device_in_words(config.settings, device)}")
            for paths in left_out:
                say(batch_report.passed_over(paths))
            _paint_all(executor, config, pairs, say)
    except (KeyboardInterrupt, WorkerError) as error:
        reason = signals.name if isinstance(error, KeyboardInterrupt) else error
        report("nst.batch", f"{reason}; repeat the command to resume")
    signals.ignore()
    records = [(pair, config.record(pair)) for pair in pairs]
    counts = batch_report.figures(records, time.perf_counter() - start)
    problems: list[str] = []
    saving.attempt(problems.append, batch_report.write_summary, config, records, counts)
    if options.report is not None:
        saving.attempt(problems.append, batch_report.write_page, config, records, counts,
                       Path(options.report), command)
    for problem in problems:
        report("nst.batch", problem)
    say(batch_report.in_words(counts))
    if signals.received:
        return signals.status
    return 0 if counts["finished"] == len(pairs) and not problems else 3


def _planned(options: argparse.Namespace, rest: list[str]
             ) -> tuple[BatchConfig, list[Pair], list[list[Path]]]:
    """Return the batch, its pairs, and what each folder has besides pictures.

    The options are those of nst.batch and of nst.run.
    """
    run_options = request.parse(run_parser().parse_args(rest))
    for name, reason in NOT_TAKEN.items():
        if name in run_options:
            raise ArgumentError(f"--{option_name(name)} is an option of nst.run; {reason}")
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
    read = {path for pair in pairs for path in (pair.content, pair.style)}
    written = [path for pair in pairs for path in saving.output_files(config.request(pair))]
    written += [config.folder / batch_report.SUMMARY, *filter(None, [_page(options)])]
    saving.check_unread(written, read, settings, run_options.get("config"))
    others = {place: passed_over(Path(place), "picture") for place in (content, styles[0])}
    return config, pairs, [paths for paths in others.values() if paths]


def _check_places(options: argparse.Namespace, config: BatchConfig, pairs: Sequence[Pair]) -> None:
    """Check that all output paths are writable."""
    choices.processes("processes", options.processes)
    check_key()
    make_folder(config.folder)
    check_writable(config.folder / batch_report.SUMMARY)
    if options.report is not None:
        template.check_page(Path(options.report))
        check_writable(options.report)
    for pair in pairs:
        for path in saving.output_files(config.request(pair)):
            check_link(path)


def _page(options: argparse.Namespace) -> Path | None:
    return None if options.report is None else Path(options.report)


def _check_existing(config: BatchConfig, pairs: Sequence[Pair], page: Path | None) -> None:
    """Check that a repeated batch replaces only its own files.

    Raises
    ------
    ArgumentError
        A file does not belong to this batch.
    """
    summary = config.folder / batch_report.SUMMARY
    is_repeated = batch_report.is_summary(summary)
    foreign = [] if is_repeated else [summary]
    if page is not None and not (is_repeated and template.is_page(page)):
        foreign.append(page)
    foreign += [path for path in map(config.foreign, pairs) if path is not None]
    existing.check_absent(foreign)


def _check_settings(config: BatchConfig, pairs: Sequence[Pair], overwrite: bool) -> None:
    """Check that the batch replaces no finished picture that has other settings.

    If `overwrite` is true, delete the records of such pictures instead, so that they are repainted.
    """
    for pair in pairs:
        record = config.record(pair)
        if record is None or record["summary"].get("ended") not in FINISHED:
            continue
        now, previous = plain(config.request(pair).effective()), record.get("settings", {})
        name = existing.difference(previous, now)
        if name and overwrite:
            _forget(config.output(pair).with_suffix(".json"))
        elif name:
            raise ArgumentError(f"{config.output(pair)} was made with {option_name(name)} "
                                f"{quoted(previous[name])}, not {quoted(now[name])}; choose "
                                f"another folder, the same settings, or --overwrite to repaint "
                                f"it")


def _forget(path: Path) -> None:
    try:
        path.unlink()
    except OSError as error:
        raise FileError(f"cannot delete {path}: {error.strerror or error}") from None


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
    stopping = Workers().Event()
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
            report("nst.batch", line)
        else:
            say(line)
        if ended == "interrupted":
            raise KeyboardInterrupt
        check_interrupt()        # the signal may have come at the end of the picture


if __name__ == "__main__":
    sys.exit(main())
