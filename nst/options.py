"""The command line's options: what they are called, and the `Settings` that they make."""

from __future__ import annotations

import argparse
import dataclasses
from typing import NoReturn

from minigrad.errors import ArgumentError
from minigrad.version import __version__
from nst.settings import INITS, NORMS, OPTIMIZERS, POOLINGS, PRESETS, Settings

EXAMPLES = """\
examples:
  a photograph in the style of a painting, with the defaults:
    python -m nst.run photo.jpg painting.jpg -o out.png
  larger, with more of the style:
    python -m nst.run photo.jpg painting.jpg -o out.png --size 800 --style-weight 5000
  what the network remembers of a photograph in one layer, brought out of noise:
    python -m nst.run photo.jpg photo.jpg -o out.png --style-weight 0 --init random
"""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are exceptions, so that all mistakes are reported alike."""

    def error(self, message: str) -> NoReturn:
        raise ArgumentError(message)


def parser() -> Parser:
    """The parser of `python -m nst.run`.

    Options that make up the settings have no defaults here: one that is not given is left to the
    preset, and then to `Settings`.
    """
    this = Parser(
        prog="nst.run", usage="python -m nst.run [CONTENT STYLE -o OUT.png] [options]",
        description="Paint the content of one picture in the style of another. Without CONTENT "
                    "and STYLE: a demonstration on two pictures of this project.",
        epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter, add_help=False,
        allow_abbrev=False)
    _files(this)
    _loss(this)
    _search(this)
    _running(this)
    return this


def _files(this: Parser) -> None:
    group = this.add_argument_group("pictures")
    group.add_argument("content", metavar="CONTENT", nargs="?", help="the picture to paint")
    group.add_argument("style", metavar="STYLE", nargs="?", help="the picture to paint it like")
    group.add_argument("-o", "--output", metavar="OUT.png",
                       help="where the result goes, with OUT.json beside it; the ending says the "
                            "format: png, jpg, webp")
    group.add_argument("--size", type=int, metavar="PIXELS",
                       help="long side of both pictures after scaling (default: 512, or the "
                            "content picture's own if smaller)")


def _loss(this: Parser) -> None:
    group = this.add_argument_group("what is minimised")
    group.add_argument("--content-layers", metavar="NAME[=WEIGHT],…",
                       help=f"convB_N (before the ReLU), reluB_N (after it) or poolB; a layer "
                            f"without a weight gets 1/(number of layers named) "
                            f"({_default('content_layers')})")
    group.add_argument("--style-layers", metavar="NAME[=WEIGHT],…",
                       help=f"likewise ({_default('style_layers')})")
    group.add_argument("--content-weight", type=float, metavar="α",
                       help=_default("content_weight"))
    group.add_argument("--style-weight", type=float, metavar="β", help=_default("style_weight"))
    group.add_argument("--tv-weight", type=float, metavar="γ",
                       help=f"weight of the mean squared difference of neighbouring pixels "
                            f"({_default('tv_weight')})")
    group.add_argument("--norm", metavar="NAME",
                       help=f"{_choice(NORMS)}: gatys ½ΣΔF² and ΣΔG²/(4N²M²), mse ΣΔF²/(N·M) and "
                            f"ΣΔG²/N², sum ΣΔF² and ΣΔG² ({_default('norm')})")
    group.add_argument("--pooling", metavar="NAME",
                       help=f"{_choice(POOLINGS)} ({_default('pooling')})")


def _search(this: Parser) -> None:
    group = this.add_argument_group("how it is minimised")
    group.add_argument("--preset", metavar="NAME",
                       help=f"{_choice(PRESETS)}: settings to start from; an explicit option "
                            f"always beats them (default: gatys)")
    group.add_argument("--init", metavar="PICTURE",
                       help=f"{', '.join(INITS)} or a picture: where to start "
                            f"({_default('init')})")
    group.add_argument("--optimizer", metavar="NAME",
                       help=f"{_choice(OPTIMIZERS)} ({_default('optimizer')})")
    group.add_argument("--iterations", type=int, metavar="N",
                       help=f"evaluations of loss and gradient; what a line search tries counts "
                            f"({_default('iterations')})")
    group.add_argument("--learning-rate", type=float, metavar="RATE",
                       help="on the 0-255 scale of pixels (default: 1 for lbfgs, 10 for adam, and "
                            "for sgd what moves no pixel by more than 10)")
    group.add_argument("--seed", type=int, metavar="N",
                       help=f"of the noise of --init random ({_default('seed')})")


def _running(this: Parser) -> None:
    group = this.add_argument_group("running")
    group.add_argument("--weights", metavar="FILE",
                       help="a converted VGG19 file, or random:SEED for random features (default: "
                            "NST_WEIGHTS, then the user's cache folder)")
    group.add_argument("--device", metavar="NAME",
                       help=f"cpu, cuda, cuda:N, or auto: a GPU if there is one "
                            f"({_default('device')})")
    group.add_argument("--save-every", type=int, metavar="N",
                       help="write the best picture so far every N iterations, numbered, beside "
                            "the output (default: only the last)")
    group.add_argument("--quiet", action="store_true",
                       help="say nothing but what went wrong (default: a progress bar)")
    group.add_argument("--version", action="version", version=__version__, help="say and exit")
    group.add_argument("-h", "--help", action="help", help="show this and exit")


def settings_from(options: argparse.Namespace, **fallback: object) -> Settings:
    """The settings that the command line asks for: explicit options, then ``fallback``, then the
    preset.

    Raises
    ------
    ArgumentError
        An option has an impossible value.
    """
    names = {f.name for f in dataclasses.fields(Settings)}
    explicit = {name: value for name, value in vars(options).items()
                if name in names and value is not None}
    return Settings.preset(options.preset or "gatys", **{**fallback, **explicit})


def _default(name: str) -> str:
    value = {f.name: f.default for f in dataclasses.fields(Settings)}[name]
    if isinstance(value, tuple):
        value = ",".join(value)
    return f"default: {value:g}" if isinstance(value, float) else f"default: {value}"


def _choice(names: object) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last
