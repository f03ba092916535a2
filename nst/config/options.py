"""The command line's options: what they are called, what they say of themselves."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from minigrad.command_line import Parser
from minigrad.version import __version__
from nst.config.presets import DEFAULT, PRESETS
from nst.config.settings import (
    AUTO_PRECISION,
    COLORS,
    INITS,
    NORMS,
    OPTIMIZERS,
    PADDINGS,
    POOLINGS,
    PRECISIONS,
    SCHEDULES,
    Settings,
)
from nst.config.validators import AUTO, option_name

DESCRIPTION = f"""\
Paint the content of one picture in the style of another, or of several. Without CONTENT and
STYLE: a demonstration on two pictures of this project. Defaults are those of the preset {DEFAULT}.
"""

EXAMPLES = """\
examples:
  a photograph in the style of a painting, larger and worked out further:
    python -m nst.run photo.jpg painting.jpg -o out.png --size 800 --preset fine
  two styles, the sky of a mask in one of them, in the photograph's own colours:
    python -m nst.run photo.jpg a.jpg b.jpg -o out.png --region-masks sky.png land.png \\
        --colors luminance
  a texture as wide as a screen, from one picture:
    python -m nst.run painting.jpg -o out.png --content-weight 0 --canvas 1920x1080
"""

FIELDS = {field.name: field for field in dataclasses.fields(Settings)}


def parser() -> Parser:
    """The parser of `python -m nst.run`.

    No option has a default here: one that is not given is left to the configuration file, then
    to the preset.
    """
    parser = Parser(
        prog="nst.run", usage="python -m nst.run [CONTENT STYLE [STYLE ...] -o OUT.png] [options]",
        description=DESCRIPTION, epilog=EXAMPLES, add_help=False,
        argument_default=argparse.SUPPRESS)
    for add in (_pictures, _look, _regions, _loss, _search, _running):
        add(parser)
    return parser


def _pictures(parser: Parser) -> None:
    group = parser.add_argument_group("pictures")
    group.add_argument("pictures", metavar="CONTENT STYLE", nargs="*",
                       help="the picture to paint, and one or several to paint it like. With "
                            "--content-weight 0 or --style-weight 0 one is enough")
    group.add_argument("-o", "--output", metavar="OUT.png",
                       help="where the result goes, with OUT.json (how it went) and OUT.toml (all "
                            "settings) beside it; the ending says the format: png, jpg, webp, tif")
    group.add_argument("--config", metavar="FILE.toml",
                       help="options from a file, under their names without --; what the command "
                            "line says beats it")
    _add(group, "size", "PIXELS", "long side of all pictures after scaling (default: 512, or the "
         "content picture's own if smaller)", _or_auto(int))
    _add(group, "canvas", "WIDTHxHEIGHT", "size of a texture, with --content-weight 0 (default: "
         "the style picture's)")


def _look(parser: Parser) -> None:
    group = parser.add_argument_group("the look")
    group.add_argument("--preset", metavar="NAME",
                       help=f"{_choice(PRESETS)}: settings to start from; an explicit option "
                            f"always beats them (default: {DEFAULT})")
    _add(group, "content_weight", "α", "how much of the content is kept", float)
    _add(group, "style_weight", "β", "how much of the style is taken on", float)
    _add(group, "tv_weight", "γ", "weight of the mean squared difference of neighbouring pixels: "
         "smoother", float)
    _add(group, "style_scale", "FACTOR", "size of the style pictures relative to --size: larger "
         "strokes above 1", float)
    _add(group, "blend", "B1,B2,…", "how much of each style picture, in proportion (default: all "
         "alike)")
    _add(group, "colors", "NAME", f"{_choice(COLORS)}: the style's colours, or the content's, by "
         "exchanging brightness after the run, by fitting the style's colours before it, or by "
         "matching histograms after it")
    _add(group, "init", "PICTURE", f"{_choice(INITS)}, or a picture: where to start (default: "
         "content; random if content or style has no weight)")
    _add(group, "noise", "LEVELS", "how strong the noise of --init random is: its standard "
         "deviation in grey levels", float)
    _add(group, "seed", "N", "of that noise", int)


def _regions(parser: Parser) -> None:
    group = parser.add_argument_group(
        "masks", "Black and white pictures, grey for partly; \"all\" stands for a white one.")
    _add(group, "content_mask", "MASK", "white where the content is to be kept")
    _add(group, "region_masks", "MASK", "one for each STYLE: white where in the result it is "
         "painted", nargs="+")
    _add(group, "style_masks", "MASK", "one for each STYLE: white what of it is learned",
         nargs="+")


def _loss(parser: Parser) -> None:
    group = parser.add_argument_group("what is minimised")
    _add(group, "content_layers", "NAME[=WEIGHT],…", "convB_N (before the ReLU), reluB_N (after "
         "it) or poolB; a layer without a weight gets 1/(number of layers named)")
    _add(group, "style_layers", "NAME[=WEIGHT],…", "likewise")
    _add(group, "auto_weights", None, "measure every term relative to its target and take layer "
         "weights as proportions, so that another size, other layers or another norm keep the look",
         action=argparse.BooleanOptionalAction)
    _add(group, "norm", "NAME", f"{_choice(NORMS)}: what sums of squares are divided by; with "
         "automatic weights it cancels")
    _add(group, "pooling", "NAME", f"{_choice(POOLINGS)}")
    _add(group, "padding", "NAME", f"{_choice(PADDINGS)}: what the first layer sees beyond the "
         "edge")


def _search(parser: Parser) -> None:
    group = parser.add_argument_group("how it is minimised")
    _add(group, "optimizer", "NAME", _choice(OPTIMIZERS))
    _add(group, "iterations", "N", "evaluations of loss and gradient over all scales; what a line "
         "search tries counts", int)
    _add(group, "patience", "N", "stop a scale early when this many iterations pass without the "
         "loss falling (default: never)", _or_auto(int))
    _add(group, "min_delta", "SHARE", "the least fall that counts for --patience, as a share of "
         "the lowest loss so far", float)
    _add(group, "scales", "N", "how many sizes to work at, each √2 times the one before (default: "
         "begin at about 128 pixels)", _or_auto(int))
    _add(group, "learning_rate", "RATE", "on the 0-255 scale of pixels (default: 1 for lbfgs; "
         "50/√iterations, at most 10, for adam; for sgd what moves no pixel by more than 10)",
         _or_auto(float))
    _add(group, "lr_schedule", "NAME", f"{_choice(SCHEDULES)}: how the rate of adam and sgd falls, "
         "to a hundredth in the end")
    _add(group, "lbfgs_history", "N", "steps that lbfgs learns from", int)
    _add(group, "average", "β", "of the running mean of pictures that adam and sgd end with; 0 for "
         "the last picture", float)
    _add(group, "clamp", None, "keep pixels within 0-255 after each step of adam and sgd",
         action=argparse.BooleanOptionalAction)


def _running(parser: Parser) -> None:
    group = parser.add_argument_group("running")
    _add(group, "weights", "FILE", "a converted VGG19 file; small for the network that comes with "
         "nst; random:SEED for random features (default: NST_WEIGHTS, then the user's cache "
         "folder, then small)")
    _add(group, "device", "NAME", "cpu, cuda, cuda:N, or auto: a GPU if there is one")
    _add(group, "precision", "NAME", f"{_choice(PRECISIONS)}: how a GPU multiplies; high is faster "
         f"on tensor cores (TF32), highest is float32, auto is {AUTO_PRECISION}; on a CPU all are "
         "float32")
    _add(group, "max_memory", "AMOUNT", "memory that the program may use, as in 4GB; larger "
         "pictures are computed by tiles, exactly (default: what is free)")
    _add(group, "tile", "PIXELS", "side of these tiles (default: as large as memory allows)",
         _or_auto(int))
    _add(group, "processes", "N", "how many tiles are computed at the same time", int)
    group.add_argument("--report", metavar="OUT.html",
                       help="a page about the run: its pictures on a slider, its losses, what it "
                            "was done with (default: none)")
    group.add_argument("--save-every", type=int, metavar="N",
                       help="write the best picture so far every N iterations, numbered, beside "
                            "the output (default: only the last)")
    group.add_argument("--checkpoint-every", type=int, metavar="N",
                       help="write OUT.checkpoint.h5 every N iterations, for --resume (default: "
                            "only when the run is stopped)")
    group.add_argument("--resume", action="store_true",
                       help="go on from OUT.checkpoint.h5, to the very picture that the run would "
                            "have made had it not been stopped; from the beginning if there is "
                            "none (default: always from the beginning)")
    group.add_argument("--quiet", action="store_true",
                       help="say nothing but what went wrong (default: a progress bar)")
    group.add_argument("--version", action="version", version=__version__, help="say and exit")
    group.add_argument("-h", "--help", action="help", help="show this and exit")


def _add(group: Any, name: str, metavar: str | None, text: str,
         kind: Callable[[str], Any] | None = None, **more: Any) -> None:
    """An option that is a field of `Settings`; its default is told if the text tells none."""
    default = FIELDS[name].default
    if "default:" not in text and default is not None:
        text += f" (default: {_in_words(default)})"
    if metavar is not None:
        more["metavar"] = metavar
    if kind is not None:
        more["type"] = kind
    group.add_argument(f"--{option_name(name)}", help=text, **more)


def _or_auto(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """A number, or the word auto."""
    def read(text: str) -> Any:
        return text if text == AUTO else kind(text)

    read.__name__ = kind.__name__           # for argparse's message
    return read


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _choice(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last
