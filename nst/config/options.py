"""The options of the command line and their help."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from minigrad.command_line import Parser
from minigrad.version import __version__
from nst.config.choices import (
    COLORS,
    CONTENT_LOSSES,
    INITS,
    NORMS,
    OPTIMIZERS,
    PADDINGS,
    POOLINGS,
    PRECISIONS,
    RESULTS,
    SCHEDULES,
    STYLE_LOSSES,
    VARIABLES,
)
from nst.config.presets import DEFAULT, PRESETS
from nst.config.settings import AUTO_PRECISION, Settings
from nst.config.validators import AUTO, option_name

DESCRIPTION = f"""\
Paint the content of one picture in the style of one or more others. Without CONTENT and STYLE, two
pictures that come with nst are used for a demonstration. Defaults are those of the preset
{DEFAULT}.
"""

EXAMPLES = """\
examples:
  a photograph in the style of a painting, larger and with more iterations:
    python -m nst.run photo.jpg painting.jpg -o out.png --size 800 --preset fine
  two styles, one of them for the sky, in the colours of the photograph:
    python -m nst.run photo.jpg a.jpg b.jpg -o out.png --region-masks sky.png land.png \\
        --colors luminance
  a texture as wide as a screen, from one picture:
    python -m nst.run painting.jpg -o out.png --content-weight 0 --canvas 1920x1080
"""

# What other programs call things.
_FIRST = "name the content picture first, without an option"
_NEXT = "name the style pictures after the content picture, without an option"
_DEVICE = "--device cuda or --device cpu chooses where to compute"
_MASKS = "--content-mask, --region-masks and --style-masks name masks"
INSTEAD = {
    **dict.fromkeys(("--content", "--content-image", "--input", "-i", "--image"), _FIRST),
    **dict.fromkeys(("--style", "--styles", "--style-image", "-s"), _NEXT),
    **dict.fromkeys(("--gpu", "--cuda", "--cpu", "--no-gpu", "--no-cuda"), _DEVICE),
    **dict.fromkeys(("--mask", "--masks"), _MASKS),
    **dict.fromkeys(("--lr", "--rate"), "--learning-rate sets the step size"),
    **dict.fromkeys(("--steps", "--epochs", "--num-iterations", "--max-iter"),
                    "--iterations sets their number"),
    **dict.fromkeys(("--width", "--height", "--image-size", "--img-size", "--imsize"),
                    "--size sets the long side"),
    **dict.fromkeys(("--force", "--yes", "-y", "--replace"), "--overwrite replaces files"),
    "--model": "--weights names the network's file",
}

FIELDS = {field.name: field for field in dataclasses.fields(Settings)}


def parser() -> Parser:
    """Return the parser of `python -m nst.run`.

    Options have no defaults here. The configuration file and the preset provide them.
    """
    parser = Parser(
        prog="nst.run", usage="python -m nst.run [CONTENT STYLE [STYLE ...] -o OUT.png] [options]",
        description=DESCRIPTION, epilog=EXAMPLES, add_help=False,
        argument_default=argparse.SUPPRESS, instead=INSTEAD)
    for add in (_pictures, _look, _regions, _loss, _search, _running):
        add(parser)
    return parser


def _pictures(parser: Parser) -> None:
    group = parser.add_argument_group("pictures")
    group.add_argument("pictures", metavar="CONTENT STYLE", nargs="*",
                       help="the picture to paint, and one or more style pictures; only one of "
                            "the two with --content-weight 0 or --style-weight 0")
    group.add_argument("-o", "--output", metavar="OUT.png",
                       help="the result; OUT.json (losses and times) and OUT.toml (all settings) "
                            "are written beside it. The extension sets the format: png, jpg, "
                            "webp or tif")
    group.add_argument("--config", metavar="FILE.toml",
                       help="read options from a file, where they are written without --; the "
                            "command line overrides them")
    _add(group, "size", "PIXELS", "long side of all pictures after scaling (default: 512, or the "
         "content picture's if smaller)", _or_auto(int))
    _add(group, "canvas", "WIDTHxHEIGHT", "size of a texture, with --content-weight 0 (default: "
         "that of the style picture)")


def _look(parser: Parser) -> None:
    group = parser.add_argument_group("look")
    group.add_argument("--preset", metavar="NAME",
                       help=f"{_choice(PRESETS)}: a set of defaults, which options override "
                            f"(default: {DEFAULT})")
    _add(group, "content_weight", "α", "weight of the content", float)
    _add(group, "style_weight", "β", "weight of the style", float)
    _add(group, "tv_weight", "γ", "weight of the total variation, the differences between "
         "neighbouring pixels; higher is smoother", float)
    _add(group, "tv_exponent", "N", "1: differences count in proportion, which removes ripples "
         "and keeps edges; 2: by their square", int)
    _add(group, "palette_weight", "δ", "weight of the palette, the distribution of the style's "
         "colours", float)
    _add(group, "style_scale", "FACTOR", "size of the style pictures relative to --size; above 1, "
         "strokes are larger", float)
    _add(group, "blend", "B1,B2,…", "proportions of the style pictures (default: equal)")
    _add(group, "colors", "NAME", f"{_choice(COLORS)}. style keeps the colours of the style, the "
         "others use those of the content: luminance takes only brightness from the result, affine "
         "adapts the style pictures before the run, histogram matches histograms after it")
    _add(group, "init", "PICTURE", f"initial picture: {_choice(INITS)}, or a file (default: "
         "content; random if content or style has weight 0). recolored is the content with the "
         "mean and covariance of the style's colours")
    _add(group, "noise", "LEVELS", "standard deviation of the noise of --init random, in grey "
         "levels", float)
    _add(group, "seed", "N", "seed of the noise, and of the positions and directions of the losses "
         "swd, remd and selfsim", int)


def _regions(parser: Parser) -> None:
    group = parser.add_argument_group(
        "masks",
        "Black and white pictures; grey counts in part. \"all\" stands for a white picture.")
    _add(group, "content_mask", "MASK", "white where the content counts")
    _add(group, "region_masks", "MASK", "one per STYLE: white where it is applied in the result",
         nargs="+")
    _add(group, "style_masks", "MASK", "one per STYLE: white where the style is taken from",
         nargs="+")
    _add(group, "regions", "N", "find N regions that both pictures have, such as sky, water and "
         "buildings, and paint each in the style of its counterpart; 1: paint the "
         "picture as a whole (default: 3 if both have them; 1 with masks or several styles)",
         int)


def _loss(parser: Parser) -> None:
    group = parser.add_argument_group("loss")
    _add(group, "content_layers", "NAME[=WEIGHT],…", "convB_N (before the ReLU), reluB_N (after "
         "it) or poolB; a layer without a weight gets 1/(number of layers)")
    _add(group, "style_layers", "NAME[=WEIGHT],…", "see --content-layers")
    _add(group, "style_loss", "NAME", f"{_choice(STYLE_LOSSES)}: compare means and covariances "
         "of features by the 2-Wasserstein distance, Gram matrices by their difference, features "
         "by the sliced Wasserstein distance, or features at random positions by the relaxed "
         "earth mover's distance; the last two cannot be computed by tiles")
    _add(group, "content_loss", "NAME", f"{_choice(CONTENT_LOSSES)}: compare features, or "
         "similarities of positions with each other, which cannot be computed by tiles")
    _add(group, "auto_weights", None, "measure every term relative to its target and treat layer "
         "weights as proportions, so that the look does not depend on size, layers or norm",
         action=argparse.BooleanOptionalAction)
    _add(group, "norm", "NAME", f"{_choice(NORMS)}: normalisation of the sums of squares; no "
         "effect with --auto-weights")
    _add(group, "pooling", "NAME", f"{_choice(POOLINGS)}")
    _add(group, "margin", "PIXELS", "extra pixels that are painted on each side and cut off in the "
         "end, because a visible rim may arise there", int)
    _add(group, "padding", "NAME", f"{_choice(PADDINGS)}: padding of the first layer")


def _search(parser: Parser) -> None:
    group = parser.add_argument_group("optimization")
    _add(group, "optimizer", "NAME", _choice(OPTIMIZERS))
    _add(group, "variable", "NAME", f"{_choice(VARIABLES)}: what the optimizer changes, the "
         "levels of a Laplacian pyramid or the pixels")
    _add(group, "iterations", "N", "number of loss evaluations, over all scales; trial steps of a "
         "line search count", int)
    _add(group, "patience", "N", "end a scale when the loss has not fallen for N iterations "
         "(default: never)", _or_auto(int))
    _add(group, "min_delta", "SHARE", "smallest decrease of the loss that counts for --patience, "
         "relative to the lowest loss", float)
    _add(group, "scales", "N", "number of sizes to paint at, each √2 times the previous one "
         "(default: start at about 128 pixels)", _or_auto(int))
    _add(group, "learning_rate", "RATE", "step size on the 0-255 scale of pixels (default: 1 for "
         "lbfgs; for adam 75/√iterations with a pyramid, 50/√iterations with pixels, at most 10; "
         "for sgd, no step moves a number by more than 10)",
         _or_auto(float))
    _add(group, "lr_schedule", "NAME", f"{_choice(SCHEDULES)}: decay of the learning rate of adam "
         "and sgd, to 1 %% of its initial value")
    _add(group, "lbfgs_history", "N", "number of past steps that lbfgs keeps", int)
    _add(group, "average", "β", "decay of the running mean of pictures that adam and sgd return; "
         "0 returns the last picture", float)
    _add(group, "result", "NAME", f"{_choice(RESULTS)}: end every scale of adam and sgd with the "
         "running mean, or with the picture of the lowest loss")
    _add(group, "clamp", None, "keep pixels within 0-255 after each step of adam and sgd",
         action=argparse.BooleanOptionalAction)


def _running(parser: Parser) -> None:
    group = parser.add_argument_group("running")
    _add(group, "weights", "FILE", "a converted VGG19 file; small: the network that comes with "
         "nst; random:SEED: random features (default: NST_WEIGHTS, then the user's cache folder, "
         "then small)")
    _add(group, "device", "NAME", "cpu, cuda, cuda:N, or auto: a GPU if there is one")
    _add(group, "precision", "NAME", f"{_choice(PRECISIONS)}: precision of products on a GPU; "
         f"high uses tensor cores (TF32) and is faster, highest is float32, auto is "
         f"{AUTO_PRECISION}; on a CPU all are float32")
    _add(group, "max_memory", "AMOUNT", "maximum memory of the program, as in 4GB; larger "
         "pictures are computed tile by tile, with the same result (default: what is available)")
    _add(group, "tile", "PIXELS", "side of the tiles (default: as large as memory allows)",
         _or_auto(int))
    _add(group, "processes", "N", "number of tiles computed at the same time", int)
    group.add_argument("--report", metavar="OUT.html",
                       help="write an HTML page about the run: pictures with a slider, losses, "
                            "settings (default: none)")
    group.add_argument("--save-every", type=int, metavar="N",
                       help="write the best picture every N iterations, numbered, beside the "
                            "output (default: only the result)")
    group.add_argument("--checkpoint-every", type=int, metavar="N",
                       help="write OUT.checkpoint.h5 every N iterations, for --resume (default: "
                            "only when the run is stopped)")
    group.add_argument("--resume", action="store_true",
                       help="resume from OUT.checkpoint.h5, with the same result as an "
                            "uninterrupted run; without a checkpoint, start from the beginning "
                            "(default: always start from the beginning)")
    group.add_argument("--overwrite", action="store_true",
                       help="replace existing files (default: refuse)")
    group.add_argument("--quiet", action="store_true",
                       help="print only errors (default: a progress bar)")
    group.add_argument("--version", action="version", version=__version__, help="print the "
                                                                                "version and exit")
    group.add_argument("-h", "--help", action="help", help="print this help and exit")


def _add(group: Any, name: str, metavar: str | None, text: str,
         convert: Callable[[str], Any] | None = None, **keywords: Any) -> None:
    """Add an option that is a field of `Settings`; append its default unless the text has one."""
    default = FIELDS[name].default
    if "default:" not in text and default is not None:
        text += f" (default: {_in_words(default)})"
    if metavar is not None:
        keywords["metavar"] = metavar
    if convert is not None:
        keywords["type"] = convert
    group.add_argument(f"--{option_name(name)}", help=text, **keywords)


def _or_auto(convert: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return a converter for a number or the word auto."""
    def convert_or_auto(text: str) -> Any:
        return text if text == AUTO else convert(text)

    convert_or_auto.__name__ = convert.__name__     # for argparse's message
    return convert_or_auto


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _choice(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last
