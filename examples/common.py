"""Shared parts of the example programs: the command line and drawing."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.backend import canonical_device
from minigrad.command_line import Parser, sentence_of
from minigrad.errors import ArgumentError, FileError, MinigradError
from minigrad.files import check_writable

HINT = " (see --help)"     # ends the message about a wrong argument

# Distinguishable by colour-blind readers, too (Okabe and Ito, "Color universal design", 2008).
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#999999"


def parser(name: str, description: str) -> Parser:
    """Return a parser with `--seed`, `--device` and `--plot`, which every example has."""
    options = Parser(hint=HINT, prog=f"examples.{name}",
                     description=description.partition("\n")[0],
                     epilog=description.partition("\n")[2])
    options.add_argument("--seed", type=whole_number, default=0, metavar="N",
                         help="seed of the random numbers (default: 0)")
    options.add_argument("--device", type=device, default="cpu", metavar="NAME",
                         help="device of the computation: cpu, cuda or cuda:N (default: cpu)")
    options.add_argument("--plot", type=Path, metavar="FILE",
                         help="draw the result into FILE (.png, .pdf, .svg)")
    return options


def whole_number(text: str) -> int:
    """Parse an integer 0, 1, 2, …"""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def counting_number(text: str) -> int:
    """Parse an integer 1, 2, 3, …"""
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def device(text: str) -> str:
    """Return the full name of an available device."""
    try:
        return canonical_device(text)
    except ArgumentError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def run(name: str, program: Callable[[Sequence[str] | None], None],
        arguments: Sequence[str] | None = None) -> int:
    """Run an example; report a user's mistake in one sentence with exit status 2."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")    # a terminal without γ must not end the run
    # Needed if a shell started the program in the background, with Ctrl-C disabled.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        program(arguments)
        sys.stdout.flush()
    except (MinigradError, MemoryError) as error:
        print(f"examples.{name}: {sentence_of(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"examples.{name}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:                         # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def check_plot(file: Path | None) -> None:
    """Check before any work that `file` can be drawn.

    Raises
    ------
    FileError : there is no such folder, or it cannot be written to.
    ArgumentError : Matplotlib is missing, or does not know the format.
    """
    if file is None:
        return
    check_writable(file)
    figure_class, _ = _matplotlib()
    formats = figure_class().canvas.get_supported_filetypes()
    if file.suffix.removeprefix(".").lower() not in formats:
        raise ArgumentError(f"--plot cannot draw {file}: the end of its name must be one of "
                            f"{', '.join('.' + f for f in sorted(formats))}")


def progress(work: Iterable, name: str) -> Any:
    """Wrap `work` in a progress bar, which disappears at the end; terminals only."""
    from tqdm import tqdm
    return tqdm(work, desc=name, disable=None, leave=False, dynamic_ncols=True)


def panels(count: int, height: float = 4.2) -> tuple[Any, list]:
    """Make a figure with `count` axes side by side."""
    return grid(1, count, (4.8, height))


def grid(rows: int, columns: int, size: tuple[float, float]) -> tuple[Any, list]:
    """Make a figure with rows × columns axes of `size` inches each; axes in row order."""
    figure = blank(size[0] * columns, size[1] * rows)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    return figure, list(axes)


def blank(width: float, height: float) -> Any:
    """Make an empty figure, size in inches, that needs no screen."""
    figure_class, canvas_class = _matplotlib()
    figure = figure_class(figsize=(width, height), layout="constrained")
    canvas_class(figure)
    return figure


def picture(ax: Any, pixels: Any, title: str = "", **options: Any) -> None:
    """Show H×W numbers (or H×W×3 colours) as an image without axes; grey unless told."""
    ax.imshow(pixels, **{"cmap": "gray", "interpolation": "nearest", **options})
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize=9)
    for spine in ax.spines.values():
        spine.set_visible(False)


def mosaic(pictures: np.ndarray, columns: int) -> np.ndarray:
    """Combine N×H×W numbers in one image, row by row, separated by white (NaN) lines."""
    count, height, width = pictures.shape
    rows = -(-count // columns)
    tiles = np.full((rows * columns, height + 1, width + 1), np.nan)
    tiles[:count, 1:, 1:] = pictures
    image = tiles.reshape(rows, columns, height + 1, width + 1).transpose(0, 2, 1, 3)
    return image.reshape(rows * (height + 1), -1)[1:, 1:]


def save_plot(figure: Any, file: Path) -> None:
    """Write the figure and print its name."""
    try:
        figure.savefig(file, dpi=150)
    except OSError as error:
        raise FileError(f"cannot draw {file}: {error.strerror or error}") from error
    print(f"\nPlot: {file}")


def _matplotlib() -> tuple[Any, Any]:
    """Import Matplotlib's Figure and a canvas that needs no screen."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ArgumentError("--plot needs Matplotlib, which is not installed; "
                            "pip install -e '.[plot]' in the checkout brings it") from error
    return Figure, FigureCanvasAgg
