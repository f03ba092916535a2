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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minigrad.command_line import Parser
from minigrad.errors import ArgumentError, MinigradError
from minigrad.printable import printable
from nst.cli.evaluate import measuring_network
from nst.config import request
from nst.config.options import parser as run_parser
from nst.config.plain import plain
from nst.config.settings import Settings
from nst.job import inputs, transfer
from nst.job.transfer import FINISHED, Result
from nst.measure import metrics, table
from nst.model import vgg, weights
from nst.output.contact_sheet import Cell, contact_sheet
from nst.pictures import tensors
from nst.pictures.picture import Picture
from nst.system.files import check_writable, write_atomically
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
    with Signals() as signals:
        try:
            options, rest = _parser().parse_known_args(arguments)
            return _compare(options, rest)
        except MinigradError as error:
            print(printable(f"nst.compare: {error}"), file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print(f"nst.compare: {signals.name}; the sheet contains all finished pictures",
                  file=sys.stderr)
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
    return parser


# ------------------------------------------------------------------- the settings to compare


def variations(vary: Sequence[Sequence[str]], runs: Sequence[str]) -> dict[str, list[str]]:
    """Map labels to options of `nst.run`: all combinations of `vary`, and each of `runs`.

    Raises
    ------
    ArgumentError
        There is nothing to compare, or an option has no values.
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
        varied[run] = shlex.split(run)
    if not varied:
        raise ArgumentError("there is nothing to compare; give --vary NAME VALUE…, or --run "
                            "'OPTIONS' for each picture")
    return varied


def _compare(options: argparse.Namespace, rest: list[str]) -> int:
    output = Path(options.output)
    tensors.check_format(output)
    requests = {label: _parsed([*rest, *extra])
                for label, extra in variations(options.vary, options.run).items()}
    settings = {label: request.settings(run_options) for label, run_options in requests.items()}
    check_writable(output)
    heading = [Cell(tensors.load(path, role), role, Path(path).name)
               for path, role in _pictures(requests)]
    for setting in settings.values():       # find errors now and not after hours
        inputs.load(heading[0].picture, [cell.picture for cell in heading[1:]], setting)
        weights.find(setting.weights)
    first = next(iter(settings.values()))
    measuring = measuring_network(first.weights, first.device)
    finished: list[Finished] = []
    for label, setting in settings.items():
        with defer_interrupts():            # never within an iteration, a measurement or a file
            finished.append(_finish(label, [cell.picture for cell in heading], setting,
                                    measuring))
            _report(finished, len(settings), options)
            # After each picture, so that an interrupted comparison is not lost.
            _write(output, heading, finished, options)
        check_interrupt()
        if finished[-1].result.ended == "interrupted":
            raise KeyboardInterrupt
    return 3 if any(item.result.ended == "fault" for item in finished) else 0


def _parsed(arguments: list[str]) -> dict[str, Any]:
    """Return the options of one run, by name; errors are those of `nst.run`."""
    run_options = request.parse(run_parser().parse_args(arguments))
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


def _report(finished: list[Finished], count: int, options: argparse.Namespace) -> None:
    """Print a line about the last picture, and write it if --keep is set."""
    last = finished[-1]
    print(printable(f"{len(finished)} of {count}  {last.label}: {last.note()}"), flush=True)
    if options.keep:
        output = Path(options.output)
        name = f"{output.stem}-{len(finished):0{len(str(count))}}{output.suffix}"
        tensors.save(last.picture, output.with_name(name), plain(vars(last.result.settings)))


def _write(output: Path, heading: list[Cell], finished: list[Finished],
           options: argparse.Namespace) -> None:
    """Write the sheet and the figures of all finished pictures."""
    columns = options.columns
    if columns is None and len(options.vary) > 1 and not options.run:
        columns = len(options.vary[-1]) - 1     # a table: one row per combination of the others
    cells = [Cell(item.picture, item.label, item.note()) for item in finished]
    tensors.save(contact_sheet(cells, columns, options.cell, heading), output)
    records = [item.record() for item in finished]
    write_atomically(output.with_suffix(".json"), (json.dumps(records, indent=1) + "\n").encode())


if __name__ == "__main__":
    sys.exit(main())
