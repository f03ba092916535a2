"""The documents' experiments with style transfer: each is a command that writes a sheet and JSON.

They follow "Deep Learning Review" section 5, "Advanced Topics in Deep Learning: Final Course
Project" section 6, "Workshop 3" (Hand-on Experience) and "TP 1" section 2: see the --help of an
experiment. With the default sizes and iterations each takes minutes on two cores; --size and
--iterations set the documents' own. If you name no pictures, the project draws its own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

if not __package__:         # run as a file: the repository is two folders up
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from examples import common, session
from examples.style_experiments import figures, folder, layers, monet, timing, weighting
from minigrad.command_line import Parser
from nst import demo
from nst.pictures import tensors

REVIEW, WORKSHOP = "Deep Learning Review", "Workshop 3, Practices"
MONET, TP = "Final Course Project", "TP 1"
SIZE = 192


def add_pair(parser: argparse.ArgumentParser) -> None:
    """Add the options for one photograph and one painting."""
    parser.add_argument("--content", type=Path, default=demo.scene_path(), metavar="FILE",
                        help="the photograph (default: a scene of nst's)")
    parser.add_argument("--style", type=Path, default=demo.painting_path(), metavar="FILE",
                        help="the painting (default: one of nst's)")


class Experiment(NamedTuple):
    """A command: its purpose, the document it follows, and its own options."""

    run: Callable[[session.Session, argparse.Namespace, session.Results], None]
    help: str
    document: str
    iterations: int
    options: tuple[Callable[[argparse.ArgumentParser], None], ...] = (add_pair,)
    layers: tuple[str, ...] = ()        # in addition to those that measure results


DEEP = (monet.CONTENT_LAYER,)
EXPERIMENTS = {
    "beta": Experiment(weighting.beta, "β from 500 to 500,000", f"{REVIEW}, 5.3.3", 300),
    "figures": Experiment(figures.figures, "figures 12 and 13 remade, from white noise",
                          f"{REVIEW}, figures 12 and 13", 300, (figures.add_options,)),
    "sgd": Experiment(monet.sgd, "the default run: conv5_2, total variation, falling rate",
                      f"{MONET}, 6.2", 600, layers=DEEP),
    "adam": Experiment(monet.adam, "the same with Adam, 600 iterations", f"{MONET}, 6.4", 600,
                       layers=DEEP),
    "layers": Experiment(layers.choice, "choices of layers, with loss and time",
                         f"{MONET}, 6.5", 100, layers=DEEP),
    "folder": Experiment(folder.folder, "a folder of photographs in random styles, each until "
                         "its loss stops falling", f"{MONET}, 6.2 and 7", 300,
                         (folder.add_options,), DEEP),
    "own": Experiment(folder.own, "your own pictures over random styles", f"{MONET}, 6.2", 300,
                      (folder.add_own_options,), DEEP),
    "seconds": Experiment(timing.seconds, "seconds for a picture, against CycleGAN",
                          f"{MONET}, 7", 100, (add_pair, timing.add_options)),
    "positions": Experiment(layers.positions, "the content from ever deeper layers", WORKSHOP,
                            100, layers=DEEP),
    "balance": Experiment(weighting.balance, "content against style", WORKSHOP, 100),
    "style-weights": Experiment(weighting.style_weights, "weights of the style layers", WORKSHOP,
                                100),
    "devices": Experiment(timing.devices, "CPU against GPU", WORKSHOP, 20),
    "curves": Experiment(monet.curves, "content and style loss over the iterations",
                         f"{TP}, 2.1.3 and figures 4 and 5", 100),
}


def options() -> argparse.ArgumentParser:
    """Return the command-line options: an experiment, and its options."""
    width = max(map(len, EXPERIMENTS))
    listed = "\n".join(f"  {name:<{width}}  {one.help} ({one.document})"
                       for name, one in EXPERIMENTS.items())
    parser = Parser(
        hint=common.HINT, prog="examples.style_experiments",
        description=__doc__ + "\nexperiments:\n" + listed)
    commands = parser.add_subparsers(dest="experiment", metavar="EXPERIMENT", required=True)
    for name, one in EXPERIMENTS.items():
        shared = common.parser(f"style_experiments {name}", f"{one.help}\n\n{one.document}.\n\n"
                               f"{one.run.__doc__}")
        for add in one.options:
            add(shared)
        session.add_options(shared, "style_experiments", SIZE, one.iterations)
        commands.add_parser(name, parents=[shared], add_help=False, prog=shared.prog,
                            description=shared.description, epilog=shared.epilog,
                            hint=common.HINT)
    return parser


def check_pair(given: Any, needed: set[str]) -> None:
    """Check that the pictures of --content and --style exist and are large enough."""
    for role in ("content", "style"):
        if hasattr(given, role):
            file = getattr(given, role)
            picture = tensors.scaled(tensors.load(file, role), given.size)
            tensors.check_size(picture, file, role, needed)


def program(arguments: Sequence[str] | None = None) -> None:
    given = options().parse_args(arguments)
    session.check_options(given)
    experiment = EXPERIMENTS[given.experiment]
    check_pair(given, {*session.MEASURED, *experiment.layers})
    print(f"{given.experiment}: {experiment.help} ({experiment.document})")
    current = session.Session(given, experiment.layers)
    with session.Results(current, given.experiment, experiment.document) as results:
        experiment.run(current, given, results)
    if given.plot:
        session.draw_losses(given.plot, results.entries)


if __name__ == "__main__":
    sys.exit(common.run("style_experiments", program))
