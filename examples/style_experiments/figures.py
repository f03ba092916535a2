"""Figures 12 and 13 again: a portrait after the Scream, the Acropolis after the Starry Night."""

from __future__ import annotations

import argparse
from pathlib import Path

from examples import common
from examples.session import Results, Session
from examples.style_experiments import pictures
from nst import demo
from nst.pictures import tensors

STYLE_WEIGHT = 1_000    # as of α = 5 and β = 5,000


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add options for the four pictures, which replace the document's."""
    add, ours, painting = parser.add_argument, demo.scene_path(), demo.painting_path()
    add("--portrait", type=Path, metavar="FILE",
        help="content of figure 12 (default: a portrait from Matplotlib)")
    add("--scream", type=Path, default=painting, metavar="FILE",
        help="its style (default: a painting of nst's)")
    add("--acropolis", type=Path, default=ours, metavar="FILE",
        help="content of figure 13 (default: a scene of nst's)")
    add("--starry-night", type=Path, default=painting, metavar="FILE",
        help="its style (default: a painting of nst's)")
    add("--style-weight", type=common.counting_number, default=STYLE_WEIGHT, metavar="N",
        help="β for α = 1; from noise, much more leaves little of the content (default: "
             f"{STYLE_WEIGHT})")


def figures(session: Session, given: argparse.Namespace, results: Results) -> None:
    """Both start from white noise, with equations 8 to 12, L-BFGS and average pooling."""
    results.columns = 2
    pairs = {"figure 12": (given.portrait or pictures.portrait(), given.scream),
             "figure 13": (given.acropolis, given.starry_night)}
    opened = {name: (tensors.load(one, "content"), tensors.load(other, "style"))
              for name, (one, other) in pairs.items()}
    for name, (content, style) in opened.items():
        results.heading.update({f"{name}, content": content, f"{name}, style": style})
    for name, (content, style) in opened.items():
        results.paint(name, content, style, session.settings(
            init="random", style_weight=given.style_weight, pooling="avg"))
