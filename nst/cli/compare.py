"""`python -m nst.compare CONTENT STYLE -o SHEET.png --vary NAME VALUE…`: compare settings.

Exit status: 0 done; 2 user error; 3 a run failed; 130 stopped by Ctrl-C; 143 by SIGTERM. The sheet
contains all pictures finished so far.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minigrad import cuda
from minigrad.command_line import Parser, report, sentence_of
from minigrad.errors import ArgumentError, MinigradError
from minigrad.stdio import robust_stdio
from nst.cli.evaluate import measuring_network
from nst.cli.printing import printer
from nst.config import request, validators
from nst.config.options import parser as run_parser
from nst.config.plain import plain
from nst.config.quoted import quoted
from nst.config.settings import Settings
from nst.config.validators import option_name
from nst.job import inputs, transfer
from nst.job.result import FINISHED, Result
from nst.measure import metrics, table
from nst.model import vgg, weights
from nst.output import existing, saving
from nst.output.contact_sheet import Cell, contact_sheet, smallest_size
from nst.pictures import limits, tensors
from nst.pictures.picture import Picture, fitted
from nst.system.device_errors import silence_device
from nst.system.files import check_writable, write_atomically
from nst.system.lock import output_lock
from nst.system.signals import Signals, check_interrupt, defer_interrupts

EXAMPLES = """\
All options of nst.run are accepted and apply to every picture.

examples:
  the presets:
    python -m nst.compare photo.jpg painting.jpg -o sheet.png --vary preset fast balanced fine
  three weights of the style:
    python -m nst.compare photo.jpg painting.jpg -o sheet.png --vary style-weight 1 10 100
  a table of two settings:
    python -m nst.compare photo.jpg painting.jpg -o sheet.png --size 256 \\
        --vary style-weight 1 10 --vary colors style luminance
  several options at once:
    python -m nst.compare photo.jpg painting.jpg -o sheet.png \\
        --run "--optimizer lbfgs --iterations 100" --run "--optimizer adam --iterations 300"
"""

MAX_CELL = 100_000       # pixels

# Options of nst.run that mean nothing here.
NOT_TAKEN = ("report", "save_every", "checkpoint_every", "resume")


@dataclass(frozen=True)
class Finished:
    """One picture of the sheet, with its result and figures."""

    label: str
    picture: Picture
    result: Result
    quality: metrics.Quality

    @property
    def seconds(self) -> float:
        """Time spent in iterations."""
        return self.result.seconds

    def note(self) -> str:
        """Return the line below the picture."""
        ended = "" if self.result.ended in FINISHED else f"{self.result.ended}; "
        return f"{ended}{self.seconds:.1f} s, {table.line(self.quality)}"

    def record(self) -> dict:
        """Return the entry of the JSON file."""
        return {"label": self.label, "seconds": self.seconds, "ended": self.result.ended,
                "iterations": self.result.history[-1].iteration if self.result.history else 0,
                **self.quality.record()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    with robust_stdio(), Signals() as signals:
        try:
            options, rest = _parser().parse_known_args(arguments)
            return _compare(options, rest, signals)
        except (MinigradError, MemoryError) as error:
            silence_device(error)
            _warn(sentence_of(error))
            return 2
        except KeyboardInterrupt:
            _warn(f"{signals.name} before the first picture; nothing was written")
            return signals.status


def _parser() -> Parser:
    parser = Parser(
        prog="nst.compare",
        usage="python -m nst.compare CONTENT STYLE -o SHEET.png --vary NAME VALUE… [options]",
        description="Paint one picture with several settings, and write a contact sheet of "
                    "the results\nwith their labels and figures.",
        epilog=EXAMPLES)
    parser.add_argument("-o", "--output", metavar="SHEET.png", required=True,
                        help="the sheet; SHEET.json is written beside it")
    parser.add_argument("--vary", metavar=("NAME", "VALUE"), nargs="+", action="append", default=[],
                        help="an option of nst.run without its dashes, and the values to try; "
                             "if repeated, all combinations are tried")
    parser.add_argument("--run", metavar="'OPTIONS'", action="append", default=[],
                        help="options of nst.run for one picture, in quotes")
    parser.add_argument("--columns", type=int, metavar="N",
                        help="pictures per row (default: the number of values of the last --vary, "
                             "or a roughly square sheet)")
    parser.add_argument("--cell", type=int, metavar="PIXELS", default=360,
                        help="width of a picture on the sheet (default: 360)")
    parser.add_argument("--keep", action="store_true",
                        help="also write every result in full size, numbered, beside the sheet")
    parser.add_argument("--overwrite", action="store_true",
                        help="replace existing files (default: refuse)")
    parser.add_argument("--quiet", action="store_true",
                        help="print only errors (default: a line per picture)")
    return parser


# ------------------------------------------------------------------- the settings to compare


def variations(vary: Sequence[Sequence[str]], runs: Sequence[str]) -> dict[str, list[str]]:
    """Map labels to options of `nst.run`: all combinations of `vary`, and each of `runs`.

    Raises
    ------
    ArgumentError
        There is nothing to compare, an option has no values, or a quote is not closed.
    """
    for name, *values in vary:
        if not values:
            raise ArgumentError(f"--vary {name} has no values; give them after the name, as in "
                                f"--vary style-weight 1 10 100")
    choices = [[(name.lstrip("-"), value) for value in values] for name, *values in vary]
    varied = {}
    for combination in itertools.product(*choices) if choices else ():
        label = ", ".join(f"{name} {value}" for name, value in combination)
        varied[label] = [f"--{name}={value}" for name, value in combination]
    for run in runs:
        try:
            varied[run] = shlex.split(run)
        except ValueError as error:             # a quote without its counterpart
            raise ArgumentError(f"--run {quoted(run)} cannot be split into options: "
                                f"{str(error).lower()}; close every quote") from None
    if not varied:
        raise ArgumentError("there is nothing to compare; give --vary NAME VALUE…, or --run "
                            "'OPTIONS' for each picture")
    return varied


def _compare(options: argparse.Namespace, rest: list[str], signals: Signals) -> int:
    output = Path(options.output)
    tensors.check_format(output)
    requests = {label: _parsed([*rest, *extra])
                for label, extra in variations(options.vary, options.run).items()}
    settings = {label: request.settings(run_options) for label, run_options in requests.items()}
    count = len(settings) if options.keep else 0
    written = [output, output.with_suffix(".json"),
               *(_kept(output, number, count) for number in range(1, count + 1))]
    for run_options, setting in zip(requests.values(), settings.values()):
        saving.check_unread(written, (run_options["content"], *run_options["style"]), setting,
                            run_options.get("config"))
    for path in written:
        check_writable(path)
    with output_lock(output, written), cuda.translated():
        if not options.overwrite:
            existing.check_absent(written)
        return _paint_all(options, requests, settings, signals)


def _paint_all(options: argparse.Namespace, requests: dict[str, dict[str, Any]],
               settings: dict[str, Settings], signals: Signals) -> int:
    """Paint every picture, and return the exit status."""
    heading = [Cell(tensors.load(path, role), role, Path(path).name)
               for path, role in _pictures(requests)]
    for setting in settings.values():       # find errors now and not after hours
        size = inputs.load(heading[0].picture, [cell.picture for cell in heading[1:]],
                           setting).size
        limits.check_memory([fitted(heading[1].picture.size, max(size))], setting.max_memory)
        weights.find(setting.weights)
    sheet = Sheet(options, heading, len(settings))
    first = next(iter(settings.values()))
    measuring = measuring_network(first.weights, first.device)
    try:
        for label, setting in settings.items():
            with defer_interrupts():        # never within an iteration, a measurement or a file
                sheet.add(_finish(label, [cell.picture for cell in heading], setting, measuring))
            check_interrupt()
            if sheet.finished[-1].result.ended == "interrupted":
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        _warn(f"{signals.name}; {sheet.in_words()}")
        return signals.status
    failed = any(item.result.ended == "fault" for item in sheet.finished)
    return 3 if failed or sheet.problems else 0


def _kept(output: Path, number: int, count: int) -> Path:
    """Return the name of a picture that --keep writes."""
    return output.with_name(f"{output.stem}-{number:0{len(str(count))}}{output.suffix}")


def _parsed(arguments: list[str]) -> dict[str, Any]:
    """Return the options of one run, by name; errors are those of `nst.run`."""
    run_options = request.parse(run_parser().parse_args(arguments))
    for name in NOT_TAKEN:
        if name in run_options:
            raise ArgumentError(f"--{option_name(name)} is an option of nst.run; a comparison "
                                f"writes only its sheet, once, and the pictures of --keep")
    if run_options.get("content") is None or not run_options.get("style"):
        raise ArgumentError("CONTENT and STYLE are missing; name both pictures first")
    return run_options


def _pictures(requests: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
    """Return the pictures with their roles; they are the same for all runs."""
    named = {(run_options["content"], *run_options["style"]) for run_options in requests.values()}
    if len(named) > 1:
        raise ArgumentError("--run names other pictures; CONTENT and STYLE must be the same in all "
                            "runs")
    content, *styles = named.pop()
    return [(content, "content"), *((style, "style") for style in styles)]


def _finish(label: str, pictures: Sequence[Picture], settings: Settings,
            measuring: tuple[vgg.Network, str]) -> Finished:
    """Paint a picture, and compare it with the content and the first style."""
    content, *styles = pictures
    result = transfer.stylize(content, styles, settings)
    picture = result.picture
    quality = metrics.measure(picture, content, styles[0].scaled(max(picture.size)), *measuring)
    return Finished(label, picture, result, quality)


# ------------------------------------------------------------------------- the output


class Sheet:
    """The sheet and the JSON file, which are rewritten after each picture.

    If a file cannot be written, the comparison continues: the next picture is another attempt.

    Parameters
    ----------
    options : Namespace
        Those of `_parser`.
    heading : list of Cell
        Content and styles.
    count : int
        How many pictures there will be.

    Attributes
    ----------
    finished : list of Finished
    problems : set of str
        What could not be written at the last attempt.
    written : Path or None
        Where the sheet is.

    Raises
    ------
    ArgumentError
        The format or the memory cannot hold a sheet of this size.
    """

    def __init__(self, options: argparse.Namespace, heading: list[Cell], count: int) -> None:
        self.options, self.heading, self.count = options, heading, count
        self.output = Path(options.output)
        self.say = printer(options.quiet)
        self.columns = options.columns
        if self.columns is None and len(options.vary) > 1 and not options.run:
            self.columns = len(options.vary[-1]) - 1    # one row per combination of the others
        self.finished: list[Finished] = []
        self.problems: set[str] = set()
        self.written: Path | None = None
        validators.integer("cell", options.cell, 1, MAX_CELL)
        least = smallest_size(count, self.columns, options.cell, len(heading))
        tensors.check_format(self.output, least)
        limits.check_memory([least], advice="choose a smaller --cell")

    def add(self, finished: Finished) -> None:
        """Report on a picture, and write it (with --keep), the sheet and the figures."""
        self.finished.append(finished)
        number = len(self.finished)
        self.say(f"{number} of {self.count}  {finished.label}: {finished.note()}")
        self.problems = set()
        if self.options.keep:
            made_by = plain(vars(finished.result.settings))
            self._save(lambda path: tensors.save(finished.picture, path, made_by),
                       _kept(self.output, number, self.count))
        cells = [Cell(item.picture, item.label, item.note()) for item in self.finished]
        sheet = contact_sheet(cells, self.columns, self.options.cell, self.heading)
        if number < self.count:
            self.written = (self.output if saving.attempt(self._warn, tensors.save, sheet,
                                                          self.output) else None)
        else:
            self.written = self._save(lambda path: tensors.save(sheet, path), self.output)
        records = [item.record() for item in self.finished]
        saving.attempt(self._warn, write_atomically, self.output.with_suffix(".json"),
                       (json.dumps(records, indent=1) + "\n").encode())

    def _save(self, save: Callable[[Path], None], path: Path) -> Path | None:
        return saving.save_somewhere(save, path, self._warn)

    def _warn(self, sentence: str) -> None:
        self.problems.add(sentence)
        _warn(sentence)

    def in_words(self) -> str:
        """Return where the finished pictures of an interrupted comparison are."""
        if not self.finished:
            return "no picture was finished, and nothing was written"
        if self.written is None:
            return "the sheet could not be written"
        return "the sheet contains all finished pictures"


def _warn(sentence: str) -> None:
    report("nst.compare", sentence)


if __name__ == "__main__":
    sys.exit(main())
