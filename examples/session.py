"""Shared parts of the style-transfer examples: options, a session with a network, and results.

Every picture is made by `nst.job.transfer`; the network is loaded once. `Results` are one contact
sheet and one JSON file. They are also written after an interruption, with what is finished.
"""

from __future__ import annotations

import argparse
import json
import math
import signal
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from examples import common
from minigrad.errors import ArgumentError, FileError
from minigrad.files import check_writable, write_atomically
from nst.config.plain import plain
from nst.config.settings import Settings
from nst.job import transfer
from nst.job.result import Result
from nst.measure import metrics
from nst.model import small, vgg, weights
from nst.optimize.progress import Progress
from nst.output import record
from nst.output.contact_sheet import Cell, contact_sheet
from nst.pictures import tensors
from nst.pictures.picture import Picture

MEASURED = {*metrics.STYLE_LAYERS, *metrics.CONTENT_LAYERS}
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
MIN_CELL = 180          # pixels: the narrowest cell with readable text
DIGITS = 6              # significant digits of losses in the JSON files
MIN_SHARE = 1e-4        # the smallest loss drawn, relative to the top of the axis


def add_options(parser: argparse.ArgumentParser, name: str, size: int, iterations: int) -> None:
    """Add `--out`, `--size`, `--iterations` and `--weights`."""
    add = parser.add_argument
    add("--out", type=Path, default=Path(name), metavar="FOLDER",
        help=f"where sheets and figures are written (default: {name})")
    add("--size", type=common.counting_number, default=size, metavar="N",
        help=f"long side of the pictures, pixels (default: {size})")
    add("--iterations", type=common.counting_number, default=iterations, metavar="N",
        help=f"of each picture (default: {iterations})")
    add("--weights", metavar="FILE", help="a VGG19 that weights_converter made, small, or "
        "random:SEED (default: what nst.run finds)")


def check_options(given: argparse.Namespace) -> None:
    """Check options before any work.

    Raises
    ------
    FileError, ArgumentError
        Nothing can be written to --out or --plot.
    """
    common.check_plot(given.plot)
    if given.out.exists() and not given.out.is_dir():
        raise ArgumentError(f"--out {given.out} is a file; name a folder")
    check_writable(given.out / "sheet.png" if given.out.is_dir() else given.out)


@dataclass(frozen=True)
class Entry:
    """One painted picture and its figures."""

    label: str
    result: Result
    figures: Mapping[str, float]

    @property
    def picture(self) -> Picture:
        return self.result.picture

    @property
    def seconds(self) -> float:
        """Time spent in iterations."""
        return sum(step.seconds for step in self.result.history)

    @property
    def iterations(self) -> int:
        return self.result.history[-1].iteration

    @property
    def totals(self) -> tuple[float, float]:
        """Total loss of the first and of the best picture."""
        history = self.result.history
        return history[0].total, history[self.result.best_iteration].total

    def note(self) -> str:
        """The figures as text."""
        ended = ("" if self.result.ended == "done"
                 else f"{self.result.ended}{self.result.cause and ': '}{self.result.cause}; ")
        figures = [f"{name.replace('_', ' ')} {value:.3g}" for name, value in self.figures.items()]
        first, best = self.totals
        return (f"{ended}{', '.join(figures)}; loss {first:.3g} to {best:.3g} in {self.iterations} "
                f"iterations, {self.seconds:.1f} s")

    def record(self) -> dict[str, Any]:
        """The entry of the JSON file, with settings and curves."""
        history, (first, best) = self.result.history, self.totals
        chosen = {name: value for name, value in vars(self.result.settings).items()
                  if value is not None and name not in ("device", "weights")}
        return {"label": self.label, **self.figures, "seconds": round(self.seconds, 3),
                "iterations": self.iterations, "ended": self.result.ended,
                "cause": self.result.cause, "first_loss": first, "best_loss": best,
                "settings": plain(chosen),
                "curves": {term: [_short(getattr(step, term)) for step in history]
                           for term in ("total", "content", "style", "palette", "tv")}}


def _short(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(f"{value:.{DIGITS}g}")


class DeferredInterrupts:
    """A context in which the first Ctrl-C only sets `requested`; a second one raises at once.

    Python raises KeyboardInterrupt between any two instructions. Inside a lock of the engine's
    threads it breaks the lock, and inside a finaliser it is lost. Waiting for the end of an
    iteration is safe, and short.
    """

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> DeferredInterrupts:
        self._main = threading.current_thread() is threading.main_thread()
        if self._main:
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if self._main:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: Any) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


class Session:
    """A network, loaded once, and the options of the command line.

    Parameters
    ----------
    given : Namespace
        Has the options of `add_options` and of `common.parser`.
    layers : collection of str
        Layers needed in addition to those that measure results.

    Raises
    ------
    MinigradError
        The weights or the device are missing or unsuitable.
    """

    def __init__(self, given: argparse.Namespace, layers: Collection[str] = ()) -> None:
        self.given = given
        self.source = weights.find(given.weights)
        self.network = weights.load(self.source, vgg.deepest({*MEASURED, *layers}), given.device)
        print(f"weights {self.source}, device {given.device}")

    def missing_layers(self, layers: Collection[str]) -> list[str]:
        """Return those of the layers that this network lacks; the small one does not have all."""
        if not isinstance(self.network, small.SmallNetwork):
            return []
        return [layer for layer in layers if layer not in small.ADAPTED]

    def require(self, layers: Collection[str], what: str) -> None:
        """Raise ArgumentError if `what` needs a layer that only the full network has."""
        missing = self.missing_layers(layers)
        if missing:
            raise ArgumentError(f"{what} needs the layer {missing[0]}, which only the full network "
                                f"has; {weights.HOW_TO_FETCH}")

    def settings(self, preset: str = "gatys", **explicit: Any) -> Settings:
        """A preset with the options of the command line; `explicit` overrides both."""
        given = self.given
        options = {"size": given.size, "iterations": given.iterations, "seed": given.seed,
                   "device": given.device, "weights": self.source}
        return Settings.preset(preset, **{**options, **explicit})

    def paint(self, label: str, content: Any, style: Any, settings: Settings,
              interrupts: DeferredInterrupts) -> Result:
        """Paint with a progress bar, until the end or an interrupt."""
        job = transfer.prepare(content, style, settings, self.network)
        with common.progress(range(settings.iterations), label) as bar:
            def observe(progress: Progress) -> None:
                bar.update(min(1, progress.history[-1].iteration))
                if interrupts.requested:
                    raise KeyboardInterrupt
            return job.run(observe)

    def errors(self, picture: Picture, content: Picture | None, style: Picture | None
               ) -> dict[str, float]:
        """Relative errors of features to the content, and of Gram matrices to the style.

        See `nst.measure.metrics.Quality`. The style error is the mean over five layers.
        """
        errors = {}
        if style is not None:
            style = style.scaled(max(picture.size))
            distances = metrics.style_distances(picture, style, self.network, self.given.device)
            errors["style_error"] = metrics.mean(distances.values())
        if content is not None:
            distances = metrics.content_distances(picture, content.resized(picture.size),
                                                  self.network, self.given.device)
            errors["content_error"] = metrics.mean(distances.values())
        return errors


class Results:
    """A contact sheet with its figures: NAME.png and NAME.json in the folder --out.

    A context manager: however it ends, what is finished is written.

    Parameters
    ----------
    session : Session
    name : str
        Stem of the two files.
    document : str
        Which document describes the experiment, and where.
    columns : int, optional
        Pictures in a row.
    """

    def __init__(self, session: Session, name: str, document: str, columns: int | None = None
                 ) -> None:
        self.session, self.name, self.document, self.columns = session, name, document, columns
        self.entries: list[Entry] = []
        self.heading: dict[str, Picture] = {}       # the inputs, shown first
        self.summary: dict[str, Any] = {}           # figures of the whole experiment

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *_: object) -> None:
        if self.entries:
            self.write()

    def paint(self, label: str, content: Any, style: Any, settings: Settings,
              figures: Callable[[Picture], Mapping[str, float]] | None = None,
              session: Session | None = None) -> Entry:
        """Paint one more picture, measure it, and print a line.

        Parameters
        ----------
        figures : callable, optional
            Computes the picture's figures; `Session.errors` by default.
        session : Session, optional
            A session on another device, instead of the results' own.
        """
        session = session or self.session
        content = content if content is None else tensors.load(content, "content")
        style = style if style is None else tensors.load(style, "style")
        with DeferredInterrupts() as interrupts:
            result = session.paint(label, content, style, settings, interrupts)
            if not result.history:      # a second Ctrl-C came before the first result
                raise KeyboardInterrupt
            measured = (figures(result.picture) if figures
                        else session.errors(result.picture, content, style))
            self.entries.append(Entry(label, result, measured))
            print(f"{label}: {self.entries[-1].note()}", flush=True)
        if interrupts.requested or result.ended == "interrupted":
            raise KeyboardInterrupt
        return self.entries[-1]

    def write(self) -> None:
        """Write both files.

        Raises
        ------
        FileError
            The folder cannot be made or not be written to.
        """
        folder = self.session.given.out
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise FileError(f"cannot make the folder {folder}: {error.strerror or error}"
                            ) from error
        width = max(MIN_CELL, *(max(entry.picture.size) for entry in self.entries))
        cells = [Cell(entry.picture, entry.label, entry.note()) for entry in self.entries]
        heading = [Cell(picture, label) for label, picture in self.heading.items()]
        file = folder / f"{self.name}.png"
        tensors.save(contact_sheet(cells, self.columns, width, heading), file)
        write_atomically(file.with_suffix(".json"), (json.dumps(
            self.record(), indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())
        print(f"Sheet: {file}, figures: {file.with_suffix('.json')}", flush=True)

    def record(self) -> dict[str, Any]:
        """The content of the JSON file."""
        return {"experiment": self.name, "document": self.document,
                "weights": Path(self.session.source).name, "device": self.session.given.device,
                "versions": record.versions(), **self.summary,
                "pictures": [entry.record() for entry in self.entries]}


def psnr(picture: Picture, original: Picture) -> float:
    """Peak signal-to-noise ratio in dB: 10 log₁₀ 255²/MSE, infinite for equal pictures."""
    difference = np.asarray(picture, np.float64) - np.asarray(original, np.float64)
    square = float((difference**2).mean())
    return 10 * math.log10(255**2 / square) if square else math.inf


def loss_curves(entries: Sequence[Entry], term: str) -> dict[str, np.ndarray]:
    """The term, without its weight, over the iterations of every entry that has it."""
    values = {entry.label: [getattr(step, term) for step in entry.result.history]
              for entry in entries}
    return {label: np.array(found) for label, found in values.items() if None not in found}


def loss_limits(curves: Sequence[np.ndarray]) -> tuple[float, float]:
    """Limits of the loss axis: all first and last values, at most four decades.

    Trials of a line search may lie far above, and the content loss starts at 0 if the picture
    starts as the content.
    """
    ends = [curve[k] for curve in curves for k in (0, -1) if 0 < curve[k] < math.inf]
    top = 2 * max(ends, default=1.0)
    return max(min(ends, default=0.1) / 2, top * MIN_SHARE), top


def draw_losses(file: Path, entries: Sequence[Entry]) -> None:
    """Total, content and style loss of every entry over its iterations."""
    figure, axes = common.panels(3, height=4.6)
    for ax, term in zip(axes, ("total", "content", "style")):
        curves = loss_curves(entries, term)
        for label, values in curves.items():
            ax.plot(values, label=label)
        ax.set(title=f"{term} loss", xlabel="iterations", yscale="log",
               ylim=loss_limits(list(curves.values())))
        if curves:
            ax.legend(frameon=False, fontsize=7)
    common.save_plot(figure, file)
