"""`python -m tools.distill measure`: errors of the small network on unseen pictures."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from minigrad.command_line import Parser
from minigrad.errors import ArgumentError
from nst.config.settings import Settings
from nst.model import weights
from nst.model.small import ADAPTED
from nst.pictures import tensors
from tools.distill import evaluation, plan
from tools.distill.evaluation import STYLE_LAYERS
from tools.distill.options import command_parser, make_folder

DESCRIPTION = """\
Measure the small network on pictures that it was not trained on, and print Markdown tables.

First its features are compared with VGG19's. Then each pair of pictures is painted with both
networks, and VGG19 measures how close the results are to the style.
"""
EXAMPLES = """\
example:
  python -m tools.distill measure small.h5 vgg19.h5 photo.jpg painting.jpg --out shown
"""


def _parser() -> Parser:
    parser = command_parser("python -m tools.distill measure", DESCRIPTION, EXAMPLES)
    parser.add_argument("small", metavar="SMALL.h5", type=Path, help="a file of the small network")
    parser.add_argument("teacher", metavar="VGG19.h5", type=Path, help="a converted weights file")
    parser.add_argument("pictures", metavar="CONTENT STYLE", type=Path, nargs="+",
                        help="pairs of pictures")
    parser.add_argument("--out", metavar="FOLDER", type=Path, required=True,
                        help="folder for the painted pictures; created if missing")
    parser.add_argument("--preset", metavar="NAME", default="gatys",
                        help="settings of the style transfers (default: gatys)")
    parser.add_argument("--size", metavar="PIXELS", type=int, default=320,
                        help="long side of all pictures (default: 320)")
    parser.add_argument("--iterations", metavar="N", type=int, default=200,
                        help="number of iterations of each style transfer (default: 200)")
    return parser


def main(arguments: Sequence[str]) -> None:
    """Measure and print the tables.

    Raises
    ------
    MinigradError
        A file is missing or unsuitable, or an option is impossible.
    """
    options = _parser().parse_args(arguments)
    if len(options.pictures) % 2:
        raise ArgumentError(f"{options.pictures[-1]} has no partner; give pairs of pictures, "
                            f"content and style")
    make_folder(options.out)
    small, teacher = (weights.load(str(file), "relu5_1", "cpu")
                      for file in (options.small, options.teacher))
    _features(small, teacher, options)
    pairs = list(zip(options.pictures[::2], options.pictures[1::2]))
    settings = Settings.preset(options.preset, size=options.size, iterations=options.iterations,
                               device="cpu")
    for content, style in pairs:
        errors = evaluation.transfer(content, style, options.small, options.teacher, teacher,
                                     settings, options.out)
        lines = evaluation.heading(f"{content.stem} in the style of {style.stem}", STYLE_LAYERS)
        for name in ("untouched", "small", "teacher"):
            lines.append(evaluation.row(NAMES[name], getattr(errors, name), STYLE_LAYERS))
        print("\n" + "\n".join(lines), flush=True)


NAMES = {"untouched": "the unchanged photograph", "small": "painted by the small network",
         "teacher": "painted by VGG19"}


def _features(small: weights.vgg.Network, teacher: weights.vgg.Network,
              options: argparse.Namespace) -> None:
    """Print the cost, and the feature errors on all the pictures."""
    shapes = {name: weight.shape for name, (weight, _) in small.parameters.items()}
    cost, full = plan.operations(shapes), plan.teacher_operations()
    numbers = sum(tensor.numel() for pair in small.parameters.values() for tensor in pair)
    print(f"{numbers:,} parameters, {options.small.stat().st_size:,} bytes, "
          f"{cost:,.0f} multiplications per pixel (VGG19 to conv5_1: {full:,.0f}, "
          f"{full / cost:.1f} times as many)\n")
    names = sorted(set(options.pictures))
    loaded = [tensors.load(path, "held-out").scaled(options.size) for path in names]
    layers = tuple(ADAPTED)
    print("\n".join(evaluation.heading("error of features", layers)))
    for path, picture in zip(names, loaded):
        errors = evaluation.feature_errors(small, teacher, [picture])
        print(evaluation.row(path.stem, errors, layers))
    errors = evaluation.feature_errors(small, teacher, loaded)
    print(evaluation.row("mean", errors, layers), flush=True)
