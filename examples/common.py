"""What the example programs share: their command line, and how they draw."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from minigrad.errors import ArgumentError, FileError, MinigradError

# Told apart also by the colour-blind (Okabe and Ito, "Color universal design", 2008).
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#999999"


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one sentence."""

    def error(self, message: str) -> NoReturn:
        raise ArgumentError(f"{message} (see --help)")


def parser(name: str, description: str) -> Parser:
    """A parser with ``--seed`` and ``--plot``, which every example has."""
    made = Parser(prog=f"examples.{name}", description=description.partition("\n")[0],
                  epilog=description.partition("\n")[2],
                  formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--seed", type=whole_number, default=0, metavar="N",
                      help="where the random numbers start (default: 0)")
    made.add_argument("--plot", type=Path, metavar="FILE",
                      help="draw what happened into FILE (.png, .pdf, .svg)")
    return made


def whole_number(text: str) -> int:
    """A number 0, 1, 2, …"""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def run(name: str, program: Callable[[Sequence[str] | None], None],
        arguments: Sequence[str] | None = None) -> int:
    """Run an example; a mistake of the user is one sentence and exit status 2."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")    # a terminal without γ must not stop us
    try:
        program(arguments)
        sys.stdout.flush()
    except MinigradError as error:
        print(f"examples.{name}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:                         # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def check_plot(file: Path | None) -> None:
    """Find out before the work whether ``file`` can be drawn.

    Raises
    ------
    FileError : there is no such folder, or it cannot be written to.
    ArgumentError : Matplotlib is missing, or does not know the format.
    """
    if file is None:
        return
    if not file.parent.is_dir():
        raise FileError(f"cannot draw {file}: there is no folder {file.parent}; create it first")
    if file.is_dir() or not os.access(file.parent, os.W_OK):
        raise FileError(f"cannot draw {file}: it is a folder, or its folder is not writable; name "
                        f"another file")
    figure_class, _ = _matplotlib()
    formats = figure_class().canvas.get_supported_filetypes()
    if file.suffix.removeprefix(".").lower() not in formats:
        raise ArgumentError(f"--plot cannot draw {file}: the end of its name must be one of "
                            f"{', '.join('.' + f for f in sorted(formats))}")


def panels(count: int, height: float = 4.2) -> tuple[Any, list]:
    """A figure with ``count`` pairs of axes side by side."""
    figure_class, canvas_class = _matplotlib()
    figure = figure_class(figsize=(4.8 * count, height), layout="constrained")
    canvas_class(figure)
    axes = figure.subplots(1, count, squeeze=False)[0]
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    return figure, list(axes)


def save_plot(figure: Any, file: Path) -> None:
    """Write the figure, and say so."""
    try:
        figure.savefig(file, dpi=150)
    except OSError as error:
        raise FileError(f"cannot draw {file}: {error.strerror or error}") from error
    print(f"\nPlot: {file}")


def _matplotlib() -> tuple[Any, Any]:
    """Its Figure and a canvas that needs no screen."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ArgumentError("--plot needs Matplotlib, which is not installed; "
                            "pip install 'minigrad-nst[plot]' brings it") from error
    return Figure, FigureCanvasAgg
