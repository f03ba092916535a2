"""Many photographs, each in a randomly chosen style, until the loss stops falling."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from examples import common
from examples.session import Results, Session
from examples.style_experiments import monet, pictures
from minigrad.errors import ArgumentError
from nst import demo
from nst.config import validators
from nst.pictures.picture import Picture

LIMIT, STYLES_EACH = 6, 3
PATIENCE, DELTA = 15, 0.05        # Adam ends after 190 to 260 iterations


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add options for folders, the limit, and early stopping."""
    parser.add_argument("--photographs", type=Path, metavar="FOLDER",
                        help="photographs to paint (default: drawn landscapes)")
    parser.add_argument("--limit", type=common.counting_number, default=LIMIT, metavar="N",
                        help=f"maximum number of photographs (default: {LIMIT})")
    add_stopping(parser)


def add_own_options(parser: argparse.ArgumentParser) -> None:
    """Add options for the user's own pictures."""
    parser.add_argument("--pictures", type=Path, nargs="+", default=[demo.scene_path()],
                        metavar="FILE", help="pictures to paint (default: a scene of nst's)")
    parser.add_argument("--styles-each", type=common.counting_number, default=STYLES_EACH,
                        metavar="N",
                        help=f"number of random styles for each (default: {STYLES_EACH})")
    add_stopping(parser)


def add_stopping(parser: argparse.ArgumentParser) -> None:
    """Add options for paintings and early stopping."""
    parser.add_argument("--paintings", type=Path, metavar="FOLDER",
                        help="styles to choose from (default: landscapes drawn in brush strokes)")
    parser.add_argument("--patience", type=common.counting_number, default=PATIENCE, metavar="N",
                        help="stop after N iterations in which the loss does not fall (default: "
                             f"{PATIENCE})")
    parser.add_argument("--delta", type=share, default=DELTA, metavar="X",
                        help="minimum fall that counts, as a share of the loss (default: "
                             f"{DELTA})")


def share(text: str) -> float:
    """Parse a number of at least 0 and below 1, for argparse."""
    try:
        return validators.number("--delta", text, positive=False, below=1)
    except ArgumentError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def folder(session: Session, given: argparse.Namespace, results: Results) -> None:
    """The photographs of a folder, up to a limit, each with one random painting."""
    contents = pictures.photographs(given.photographs, given.limit, given.size, given.seed)
    styles = pictures.paintings(given.paintings, given.size, given.seed)
    rng = np.random.default_rng(given.seed)
    names = list(styles)
    pairs = [(name, names[rng.integers(len(names))]) for name in contents]
    _paint_all(session, given, results, pairs, contents, styles)


def own(session: Session, given: argparse.Namespace, results: Results) -> None:
    """The user's pictures, each with a few different random paintings."""
    contents = pictures.load(given.pictures, "content")
    styles = pictures.paintings(given.paintings, given.size, given.seed)
    rng = np.random.default_rng(given.seed)
    results.columns = count = min(given.styles_each, len(styles))
    pairs = [(name, str(style)) for name in contents
             for style in rng.permutation(list(styles))[:count]]
    _paint_all(session, given, results, pairs, contents, styles)


def _paint_all(session: Session, given: argparse.Namespace, results: Results,
               pairs: list[tuple[str, str]], contents: dict[str, Picture],
               styles: dict[str, Picture]) -> None:
    """Paint every pair with the Monet project's loss and Adam; print the means at the end."""
    layer = monet.CONTENT_LAYER
    if session.missing_layers([layer]):
        print("conv5_2 needs the full network (--weights FILE), so the content is that of relu4_2")
        layer = "relu4_2"
    results.heading = {name: styles[name] for name in dict.fromkeys(style for _, style in pairs)}
    for name, style in pairs:
        content = contents[name]
        settings = session.settings(
            **monet.objective(content, given.size, layer), optimizer="adam", average=0.9,
            clamp=True, patience=given.patience, min_delta=given.delta)
        results.paint(f"{name}, after {style}", content, styles[style], settings)
    losses = [entry.totals[1] for entry in results.entries]
    early = sum(entry.iterations < given.iterations for entry in results.entries)
    seconds = float(np.mean([entry.seconds for entry in results.entries]))
    results.summary = {"average_loss": float(np.mean(losses)), "stopped_early": early,
                     "average_seconds": seconds}
    print(f"average loss {np.mean(losses):.4g} over {len(losses)} pictures, {seconds:.1f} s each; "
          f"{early} stopped before {given.iterations} iterations")
