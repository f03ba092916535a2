"""`python -m nst.compare CONTENT STYLE -o SHEET.png --vary NAME VALUE…`: compare settings.

Exit status: 0 done; 2 user error; 3 a run failed; 130 stopped by Ctrl-C; 143 by SIGTERM. The sheet
holds all finished pictures.
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
from nst.config import options, request
from nst.config.plain import plain
from nst.config.settings import Settings
from nst.job import inputs, transfer
from nst.job.transfer import Result
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
        return sum(entry.seconds for entry in self.result.history)

    def note(self) -> str:
        """Return the line below the picture."""
        ended = "" if self.result.ended in ("done", "converged") else f"{self.result.ended}; "
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
            given, rest = _parser().parse_known_args(arguments)
            return _compare(given, rest)
        except MinigradError as error:
            print(f"nst.compare: {error}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print(f"nst.compare: {signals.name}; the sheet holds all finished pictures",
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


def _compare(given: argparse.Namespace, rest: list[str]) -> int:
    output = Path(given.output)
    tensors.check_format(output)
    requests = {label: _parsed([*rest, *more])
                for label, more in variations(given.vary, given.run).items()}
    settings = {label: request.settings(chosen) for label, chosen in requests.items()}
    check_writable(output)
    heading = [Cell(tensors.load(path, role), role, Path(path).name)
               for path, role in _pictures(requests)]
    for setting in settings.values():       # find errors now, not after hours
        inputs.load(heading[0].picture, [cell.picture for cell in heading[1:]], setting)
        weights.find(setting.weights)
    measuring = _network(next(iter(settings.values())))
    finished: list[Finished] = []
    for label, setting in settings.items():
        with defer_interrupts():            # not within an iteration, a measurement or a file
            finished.append(_finish(label, [cell.picture for cell in heading], setting,
                                    measuring))
            _report(finished, len(settings), given)
            # After each picture, so that an interrupted comparison is not lost.
            _write(output, heading, finished, given)
        check_interrupt()
        if finished[-1].result.ended == "interrupted":
            raise KeyboardInterrupt
    return 3 if any(item.result.ended == "fault" for item in finished) else 0


def _parsed(arguments: list[str]) -> dict[str, Any]:
    """Return the options of one run, by name; errors are those of `nst.run`."""
    chosen = request.parse(options.parser().parse_args(arguments))
    if chosen.get("content") is None or not chosen.get("style"):
        raise ArgumentError("CONTENT and STYLE are missing; name both pictures first")
    return chosen


def _pictures(requests: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
    """Return the pictures with their roles; they are the same for all runs."""
    named = {(chosen["content"], *chosen["style"]) for chosen in requests.values()}
    if len(named) > 1:
        raise ArgumentError("--run names pictures of its own; CONTENT and STYLE are given once, "
                            "for all")
    content, *styles = named.pop()
    return [(content, "content"), *((style, "style") for style in styles)]


def _network(settings: Settings) -> tuple[vgg.Network, str]:
    """Return the network that measures all results, and its device."""
    device = transfer.choose_device(settings.device)
    return weights.load(weights.find(settings.weights), metrics.DEEPEST, device), device


def _finish(label: str, pictures: Sequence[Picture], settings: Settings,
            measuring: tuple[vgg.Network, str]) -> Finished:
    """Paint a picture, and compare it with the content and the first style."""
    content, *styles = pictures
    result = transfer.stylize(content, styles, settings)
    picture = result.picture
    quality = metrics.measure(picture, content, styles[0].scaled(max(picture.size)), *measuring)
    return Finished(label, picture, result, quality)


# ------------------------------------------------------------------------- the output


def _report(finished: list[Finished], count: int, given: argparse.Namespace) -> None:
    """Print a line about the last picture, and write it if --keep was given."""
    last = finished[-1]
    print(f"{len(finished)} of {count}  {last.label}: {last.note()}", flush=True)
    if given.keep:
        output = Path(given.output)
        name = f"{output.stem}-{len(finished):0{len(str(count))}}{output.suffix}"
        tensors.save(last.picture, output.with_name(name), plain(vars(last.result.settings)))


def _write(output: Path, heading: list[Cell], finished: list[Finished],
           given: argparse.Namespace) -> None:
    """Write the sheet and the figures of all finished pictures."""
    columns = given.columns
    if columns is None and len(given.vary) > 1 and not given.run:
        columns = len(given.vary[-1]) - 1       # a table: one row per value of the others
    cells = [Cell(item.picture, item.label, item.note()) for item in finished]
    tensors.save(contact_sheet(cells, columns, given.cell, heading), output)
    records = [item.record() for item in finished]
    write_atomically(output.with_suffix(".json"), (json.dumps(records, indent=1) + "\n").encode())


if __name__ == "__main__":
    sys.exit(main())
