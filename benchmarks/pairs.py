"""Style transfer of a set of pairs, measured: for choosing presets by looking.

Each pair is painted by nst in this process, with the options after `--` (those of nst.run that
make the picture), and measured by nst.measure.metrics; a pair whose picture was made from the same
pictures with the same settings and weights is not painted again. The folder gets NN-NAME.png with
NN-NAME.json for each pair, and pairs.json with the table in pairs.md.

    python -m benchmarks.pairs --out today --size 320 -- --preset balanced
    python -m benchmarks.pairs --out sheets --sheet today new
    python -m benchmarks.pairs --inputs FOLDER

The program's own code is not compared: paint into another folder after changing it.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import common
import pairs_sheets
from pairs_sources import Pair, Sources, chosen, read

from minigrad.errors import ArgumentError, FileError
from nst.config import options, request
from nst.config.options import FIELDS
from nst.config.plain import plain
from nst.config.settings import Settings
from nst.job import fingerprint
from nst.job.transfer import Job, choose_device, load_network, prepare
from nst.measure import metrics
from nst.model import vgg, weights
from nst.output.record import read_record, write_record
from nst.pictures import files
from nst.pictures.picture import Picture

PAIRS = Path(__file__).with_name("pairs.toml")
NOT_OF_A_PICTURE = ("max_memory", "processes")

COLUMNS = {
    "pair": common.column("pair"),
    "": lambda result: "explore" if result.get("explore") else "",
    "SWD": common.column("swd_mean", ".3f"),
    "SWD, unused": common.column("swd_unused_mean", ".3f"),
    "colours": common.column("color_distance", ".1f"),
    "ripples": common.column("ripples", ".2f"),
    "relief": common.column("relief", ".2f"),
    "rim, %": common.column("rim", ".0f", 100),
    "clipped, %": common.column("clipped", ".1f", 100),
    "content error": common.column("content_mean", ".3f"),
    "SSIM": common.column("ssim", ".3f"),
    "Gram error": common.column("style_mean", ".3f"),
    "iterations": common.column("iterations", ".0f"),
    "s": common.column("seconds", ".0f"),
}


def figures(result: Picture, content: Picture, style: Picture, network: vgg.Network, device: str
            ) -> dict[str, Any]:
    """All measures of one result that exist; those by layer with their mean, too."""
    quality = metrics.measure(result, content, style.scaled(max(result.size)), network, device)
    flat: dict[str, Any] = {}
    for name, value in quality.record().items():
        flat |= ({f"{name}_{layer}": figure for layer, figure in value.items()}
                 if isinstance(value, dict) else {name: value})
    return {name: value for name, value in flat.items() if value is not None}


class Painter:
    """Paints pairs with one network, and measures them with another.

    Parameters
    ----------
    sources : Sources
    settings : Settings
    measuring : str, optional
        The weights to measure with; by default those to paint with.
    """

    def __init__(self, sources: Sources, settings: Settings, measuring: str | None = None) -> None:
        self.sources, self.settings = sources, settings
        self.device = choose_device(settings.device)
        self.network = load_network(settings)
        self.measuring = weights.load(measuring or self.network.source, metrics.DEEPEST,
                                      self.device)

    def run(self, pair: Pair, folder: Path, again: bool = False) -> dict[str, Any]:
        """Paint a pair, unless that is done, and measure it, unless that is done, too.

        Raises
        ------
        KeyboardInterrupt
            Nothing is kept of an interrupted picture.
        """
        content, style = self.sources.picture(pair.content), self.sources.picture(pair.style)
        job = prepare(content, style, self.settings, self.network)
        identity = {**fingerprint.fingerprint(job), "measured_with": self._measured_with()}
        path = folder / f"{pair.name}.png"
        known = read_record(path.with_suffix(".json")) or {}
        made_from = known.get("made_from", {})
        painted = path.is_file() and _without(made_from) == _without(identity)
        summary = known["summary"] if painted else self._paint(job, path)
        if not painted or again or made_from != identity:
            measured = figures(files.read(path, "finished"), content, style, self.measuring,
                               self.device)
            known = {"pair": dataclasses.asdict(pair), "settings": plain(vars(job.settings)),
                     "made_from": identity, "summary": {**summary, **measured}}
            write_record(path.with_suffix(".json"), known)
        return {"pair": pair.name, "explore": pair.explore, **known["summary"]}

    def _measured_with(self) -> str:
        return common.weights_name(self.measuring.source)

    def _paint(self, job: Job, path: Path) -> dict[str, Any]:
        result = job.run()
        if result.ended == "interrupted":
            raise KeyboardInterrupt
        # Older figures do not belong to the new picture.
        path.with_suffix(".json").unlink(missing_ok=True)
        files.write(result.picture, path)
        seconds = sum(entry.seconds for entry in result.history)
        return {"size": list(result.picture.size), "ended": result.ended, "cause": result.cause,
                "iterations": result.history[-1].iteration, "seconds": seconds,
                "seconds_per_iteration": seconds / len(result.history)}


def _without(identity: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in identity.items() if name != "measured_with"}


def medians(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The median of every number."""
    numbers = [name for name, value in results[0].items()
               if isinstance(value, (int, float)) and not isinstance(value, bool)]
    return {"pair": "**median**", **{name: statistics.median(
        result[name] for result in results if name in result) for name in numbers}}


def settings_of(arguments: Sequence[str], size: int) -> Settings:
    """The settings that nst.run makes of its options.

    Raises
    ------
    ArgumentError
        An option is wrong, or is not one that makes the picture.
    """
    given = request.parse(options.parser().parse_args(list(arguments)))
    allowed = {*FIELDS, "preset", "config", "quiet"}
    for name in given:
        if name not in allowed:
            raise ArgumentError(f"after -- only options that make the picture can be given, not "
                                f"{name}")
    return request.settings(given, size=size)


def main(arguments: Sequence[str] | None = None) -> int:
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    split = arguments.index("--") if "--" in arguments else len(arguments)
    given = _parser().parse_args(arguments[:split])
    pairs = chosen(read(given.pairs), given.only)
    sources = Sources(given.pairs.parent, given.pictures,
                      None if given.drawings is None else _made(given.drawings))
    if given.inputs is not None:
        return _write_inputs(pairs, sources, _made(given.inputs))
    if given.out is None:
        raise ArgumentError("--out is missing: the folder for the pictures")
    if given.sheet:
        for path in pairs_sheets.write(pairs, sources, given.sheet, _made(given.out)):
            print(path)
        return 0
    settings = settings_of(arguments[split + 1:], given.size)
    _paint_all(pairs, Painter(sources, settings, given.measure_with), _made(given.out),
               given.measure_again)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = common.Parser(hint=common.HINT, prog="pairs", description=__doc__)
    parser.add_argument("--pairs", type=Path, default=PAIRS, metavar="FILE.toml",
                        help="the pairs (default: pairs.toml beside this program)")
    parser.add_argument("--pictures", type=Path, action="append", default=[], metavar="FOLDER",
                        help="where plain names of the pairs are found; may be repeated")
    parser.add_argument("--drawings", type=Path, metavar="FOLDER",
                        help="keep the drawings there, and take them from there if they are "
                             "(default: draw them each time, some seconds each)")
    parser.add_argument("--only", metavar="WHICH",
                        help="explore, held-out, or numbers as in 1,4,7 (default: all pairs)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="made if it does not exist")
    parser.add_argument("--size", type=common.picture_size, default=320, metavar="PIXELS",
                        help="long side of all pictures (default: 320)")
    parser.add_argument("--measure-with", metavar="FILE",
                        help="the weights to measure with (default: those that paint)")
    parser.add_argument("--measure-again", action="store_true",
                        help="measure finished pictures anew, for example by better measures")
    parser.add_argument("--sheet", type=Path, nargs="+", metavar="FOLDER",
                        help="paint nothing; write contact sheets of these results into --out")
    parser.add_argument("--inputs", type=Path, metavar="FOLDER",
                        help="paint nothing; write contents and styles as PNG there")
    return parser


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make the folder {folder}: {error.strerror}") from None
    return folder


def _write_inputs(pairs: Sequence[Pair], sources: Sources, folder: Path) -> int:
    for pair in pairs:
        for role, name in (("content", pair.content), ("style", pair.style)):
            files.write(sources.picture(name), folder / f"{pair.number:02}-{role}.png")
    return 0


def _paint_all(pairs: Sequence[Pair], painter: Painter, folder: Path, again: bool) -> None:
    report = common.Report(
        "pairs", folder / "pairs.json", COLUMNS, size=painter.settings.size,
        settings={name: value for name, value in plain(vars(painter.settings)).items()
                  if name not in NOT_OF_A_PICTURE and name != "weights"},
        weights=common.weights_name(painter.network.source),
        measured_with=common.weights_name(painter.measuring.source))
    for pair in pairs:
        report.add(painter.run(pair, folder, again))
        report.save()
    report.add(medians(report.results))
    report.finish()


if __name__ == "__main__":
    sys.exit(common.run("pairs", main))
