"""`python -m nst.evaluate RESULT CONTENT STYLE`: measure a result.

Exit status: 0 done; 2 user error; 130, 143 or 129 stopped by Ctrl-C, SIGTERM or SIGHUP.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from minigrad import cuda
from minigrad.command_line import Parser, report, sentence_of
from minigrad.errors import MinigradError
from minigrad.stdio import robust_stdio
from nst.config import validators
from nst.job import transfer
from nst.measure import metrics, table
from nst.model import vgg, weights
from nst.pictures import limits, tensors
from nst.pictures.picture import Picture, fitted
from nst.system.device_errors import silence_device
from nst.system.signals import Signals

EPILOG = """\
Features are computed as the network was trained, whatever the run used, so results of different
settings can be compared. SWD is the sliced Wasserstein distance of features, relative to the spread
of the style's features. The best value is 1 for SSIM, ripples and relief (where 1 means: as in the
style picture), the content's value for the border index, and 0 for all others. A dash means that a
figure is undefined for these pictures or weights.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    with robust_stdio(), Signals() as signals:
        try:
            options = _parser().parse_args(arguments)
            with cuda.translated():
                quality = _measured(options)
        except (MinigradError, MemoryError) as error:
            silence_device(error)
            report("nst.evaluate", sentence_of(error))
            return 2
        except KeyboardInterrupt:
            report("nst.evaluate", signals.name)
            return signals.status
        print(json.dumps(quality.record()) if options.json else in_words(quality))
    return 0


def _parser() -> Parser:
    parser = Parser(
        prog="nst.evaluate", usage="python -m nst.evaluate RESULT CONTENT STYLE [options]",
        description="Compare a result with its content and style pictures.",
        epilog=EPILOG)
    parser.add_argument("result", metavar="RESULT", help="a picture painted by nst.run")
    parser.add_argument("content", metavar="CONTENT", help="its content picture")
    parser.add_argument("style", metavar="STYLE", help="its style picture")
    parser.add_argument("--style-size", type=int, metavar="PIXELS",
                        help="long side of the style picture (default: that of the result)")
    parser.add_argument("--weights", metavar="FILE",
                        help="a converted VGG19 file (default: NST_WEIGHTS, then the user's cache "
                             "folder)")
    parser.add_argument("--device", metavar="NAME", default="auto",
                        help="cpu, cuda, cuda:N, or auto: a GPU if there is one (default: auto)")
    parser.add_argument("--json", action="store_true",
                        help="print one JSON object (default: a table)")
    return parser


def _measured(options: argparse.Namespace) -> metrics.Quality:
    if options.style_size is not None:
        validators.integer("style-size", options.style_size, 1, validators.MAX_SIDE)
    result = tensors.load(options.result, "finished")
    content, style = tensors.load(options.content, "content"), tensors.load(options.style, "style")
    style = scaled_style(style, options.style_size or max(result.size))
    return metrics.measure(result, content, style,
                           *measuring_network(options.weights, options.device))


def scaled_style(style: Picture, long_side: int) -> Picture:
    """Return the style picture at the size at which it is measured.

    Raises
    ------
    ArgumentError
        It does not fit into memory.
    """
    size = fitted(style.size, long_side)
    limits.check_memory([size], advice="choose a smaller --style-size, or another picture")
    return style.resized(size)


def measuring_network(file: str | Path | None, device: str) -> tuple[vgg.Network, str]:
    """Return a network for `metrics.measure`, and its device."""
    device = transfer.choose_device(device)
    return weights.load(weights.find(file), metrics.DEEPEST, device), device


def in_words(quality: metrics.Quality) -> str:
    """Return the figures as a table."""
    return "\n".join(f"{name:<14} {value:>8}   {remark}"
                     for name, value, remark in table.rows(quality))


if __name__ == "__main__":
    sys.exit(main())
