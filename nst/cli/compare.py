"""`python -m nst.compare CONTENT STYLE -o SHEET.png --vary NAME VALUE…`: settings side by side.

Exit status: 0 done, 2 a mistake of the user, 3 a run ended by a fault, 130 stopped by Ctrl-C,
143 by SIGTERM; the sheet then holds what is finished.
"""

from __future__ import annotations

import argparse
import dataclasses
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
from nst.loss import metrics
from nst.model import vgg, weights
from nst.output.contact_sheet import Cell, contact_sheet
from nst.pictures import tensors
from nst.pictures.picture import Picture
from nst.system.files import check_writable, write_atomically
from nst.system.signals import Signals, check_interrupt, defer_interrupts

EXAMPLES = """\
All options of nst.run are taken too, and hold for every picture.

examples:
  the presets:
    python -m nst.compare photo.jpg painting.jpg -o sheet.png --vary preset fast balanced fine
  three weights of the style:
    python -m nst.compare photo.jpg painting.jpg -o sheet.png --vary style-weight 1 10 100
  a table of two settings:
    python -m nst.compare photo.jpg painting.jpg -o sheet.png --size 256 \\
        --vary style-weight 1 10 --vary colors style luminance
  whole command lines:
    python -m nst.compare photo.jpg painting.jpg -o sheet.png \\
        --run "--optimizer lbfgs --iterations 100" --run "--optimizer adam --iterations 300"
"""


@dataclass(frozen=True)
class Finished:
    """One picture of the sheet and how it was made."""

    label: str
    picture: Picture
    result: Result
    quality: metrics.Quality

    @property
    def seconds(self) -> float:
        """Time in iterations."""
        return sum(entry.seconds for entry in self.result.history)

    def note(self) -> str:
        """The figures below the picture."""
        quality = self.quality
        ended = "" if self.result.ended in ("done", "converged") else f"{self.result.ended}; "
        return (f"{ended}{self.seconds:.1f} s, style error {quality.style_mean:.3f}, content error "
                f"{max(quality.content.values()):.3f}, SSIM {quality.ssim:.3f}, clipped "
                f"{quality.clipped:.1%}, border {quality.border:.2f}")

    def record(self) -> dict:
        """The figures as the JSON file has them."""
        return {"label": self.label, "seconds": self.seconds, "ended": self.result.ended,
                "iterations": self.result.history[-1].iteration if self.result.history else 0,
                **dataclasses.asdict(self.quality), "style_mean": self.quality.style_mean}


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
            print(f"nst.compare: {signals.name}; what was finished is on the sheet",
                  file=sys.stderr)
            return signals.status


def _parser() -> Parser:
    parser = Parser(
        prog="nst.compare",
        usage="python -m nst.compare CONTENT STYLE -o SHEET.png --vary NAME VALUE… [options]",
        description="Paint one picture with several settings, and lay the results out as a "
                    "contact sheet with their labels and figures.",
        epilog=EXAMPLES)
    parser.add_argument("-o", "--output", metavar="SHEET.png", required=True,
                        help="where the sheet goes, with SHEET.json beside it")
    parser.add_argument("--vary", metavar=("NAME", "VALUE"), nargs="+", action="append", default=[],
                        help="an option of nst.run without its dashes, and the values to try; "
                             "given twice, every combination is tried")
    parser.add_argument("--run", metavar="'OPTIONS'", action="append", default=[],
                        help="options of nst.run for one picture, as one word in quotes")
    parser.add_argument("--columns", type=int, metavar="N",
                        help="pictures in a row (default: the values of the last --vary, else what "
                             "makes the sheet about square)")
    parser.add_argument("--cell", type=int, metavar="PIXELS", default=360,
                        help="width of a picture on the sheet (default: 360)")
    parser.add_argument("--keep", action="store_true",
                        help="write every result in full size as well, numbered, beside the sheet")
    return parser


# ------------------------------------------------------------------- what to compare


def variations(vary: Sequence[Sequence[str]], runs: Sequence[str]) -> dict[str, list[str]]:
    """Label -> options of `nst.run`, for every combination of ``vary`` and for each of ``runs``.

    Raises
    ------
    ArgumentError
        There is nothing to compare, or an option without values.
    """
    for name, *values in vary:
        if not values:
            raise ArgumentError(f"--vary {name} has no values; give them after the name, as in "
                                f"--vary style-weight 1 10 100")
    choices = [[(name.lstrip("-"), value) for value in values] for name, *values in vary]
    found = {}
    for combination in itertools.product(*choices) if choices else ():
        label = ", ".join(f"{name} {value}" for name, value in combination)
        found[label] = [f"--{name}={value}" for name, value in combination]
    for run in runs:
        found[run] = shlex.split(run)
    if not found:
        raise ArgumentError("there is nothing to compare; give --vary NAME VALUE…, or --run "
                            "'OPTIONS' for each picture")
    return found


def _compare(given: argparse.Namespace, rest: list[str]) -> int:
    output = Path(given.output)
    tensors.check_format(output)
    asked = {label: _understood([*rest, *more])
             for label, more in variations(given.vary, given.run).items()}
    settings = {label: request.settings(one) for label, one in asked.items()}
    check_writable(output)
    heading = [Cell(tensors.load(path, role), role, Path(path).name)
               for path, role in _pictures(asked)]
    for setting in settings.values():       # a mistake in the last would be found after hours
        inputs.load(heading[0].picture, [cell.picture for cell in heading[1:]], setting)
        weights.find(setting.weights)
    measured_by = _network(next(iter(settings.values())))
    finished: list[Finished] = []
    for label, setting in settings.items():
        with defer_interrupts():               # within an iteration, a measurement, a file
            finished.append(_finish(label, [cell.picture for cell in heading], setting,
                                    measured_by))
            _tell(finished, len(settings), given)
            # After each: an interrupted comparison is worth something too.
            _write(output, heading, finished, given)
        check_interrupt()
        if finished[-1].result.ended == "interrupted":
            raise KeyboardInterrupt
    return 3 if any(one.result.ended == "fault" for one in finished) else 0


def _understood(arguments: list[str]) -> dict[str, Any]:
    """The options of one run, by name; `nst.run` would say the same about a mistake."""
    found = request.gather(options.parser().parse_args(arguments))
    if found.get("content") is None or not found.get("style"):
        raise ArgumentError("CONTENT and STYLE are missing; name both pictures first")
    return found


def _pictures(asked: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
    """The content and the styles, which are the same for all, with their roles."""
    named = {(one["content"], *one["style"]) for one in asked.values()}
    if len(named) > 1:
        raise ArgumentError("--run names pictures of its own; CONTENT and STYLE are given once, "
                            "for all")
    content, *styles = named.pop()
    return [(content, "content"), *((style, "style") for style in styles)]


def _network(settings: Settings) -> tuple[vgg.Network, str]:
    """What measures all results, and where it computes."""
    device = transfer.choose_device(settings.device)
    deepest = vgg.deepest({*metrics.STYLE_LAYERS, *metrics.CONTENT_LAYERS})
    return weights.load(weights.find(settings.weights), deepest, device), device


def _finish(label: str, pictures: Sequence[Picture], settings: Settings,
            measured_by: tuple[vgg.Network, str]) -> Finished:
    """Paint, and measure against the content and the first style."""
    content, *styles = pictures
    result = transfer.stylize(content, styles, settings)
    picture = result.picture
    quality = metrics.measure(picture, content, styles[0].scaled(max(picture.size)), *measured_by)
    return Finished(label, picture, result, quality)


# -------------------------------------------------------------------- what comes out


def _tell(finished: list[Finished], of: int, given: argparse.Namespace) -> None:
    """A line about the last one, and its file if they are to be kept."""
    last = finished[-1]
    print(f"{len(finished)} of {of}  {last.label}: {last.note()}", flush=True)
    if given.keep:
        output = Path(given.output)
        name = f"{output.stem}-{len(finished):0{len(str(of))}}{output.suffix}"
        tensors.save(last.picture, output.with_name(name), plain(vars(last.result.settings)))


def _write(output: Path, heading: list[Cell], finished: list[Finished],
           given: argparse.Namespace) -> None:
    """The sheet and the figures, as far as they are."""
    columns = given.columns
    if columns is None and len(given.vary) > 1 and not given.run:
        columns = len(given.vary[-1]) - 1       # a table: a row for each value of the others
    cells = [Cell(one.picture, one.label, one.note()) for one in finished]
    tensors.save(contact_sheet(cells, columns, given.cell, heading), output)
    records = [one.record() for one in finished]
    write_atomically(output.with_suffix(".json"), (json.dumps(records, indent=1) + "\n").encode())


if __name__ == "__main__":
    sys.exit(main())
