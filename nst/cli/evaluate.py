"""`python -m nst.evaluate RESULT CONTENT STYLE`: measure a result.

Exit status: 0 done; 2 user error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from minigrad import cuda
from minigrad.command_line import Parser
from minigrad.errors import ArgumentError, MinigradError
from nst.job import transfer
from nst.measure import metrics, table
from nst.model import weights
from nst.pictures import tensors
from nst.system.stdio import silence_device

EPILOG = """\
Features are those of the network as it was trained, whatever the run used, so results of
different settings can be compared. SWD is the sliced Wasserstein distance of features, relative
to the spread of the style's. SSIM is best at 1; ripples and relief are as in the painting at 1;
the border index is best at that of the content; all others are best at 0. A dash stands for a
figure that these pictures or weights do not have.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    try:
        given = _parser().parse_args(arguments)
        with cuda.translated():
            quality = _measured(given)
    except MinigradError as error:
        silence_device(error)
        print(f"nst.evaluate: {error}", file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps(quality.record()))
    else:
        print(in_words(quality))
    return 0


def _parser() -> Parser:
    parser = Parser(
        prog="nst.evaluate", usage="python -m nst.evaluate RESULT CONTENT STYLE [options]",
        description="Compare a result with its content and style.",
        epilog=EPILOG)
    parser.add_argument("result", metavar="RESULT", help="the picture that nst.run made")
    parser.add_argument("content", metavar="CONTENT", help="the picture that was painted")
    parser.add_argument("style", metavar="STYLE", help="the style picture")
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


def _measured(given: argparse.Namespace) -> metrics.Quality:
    if given.style_size is not None and given.style_size < 1:
        raise ArgumentError(f"style-size is {given.style_size}, but must be 1 or more")
    device = transfer.choose_device(given.device)
    source = weights.find(given.weights)
    result = tensors.load(given.result, "finished")
    content, style = tensors.load(given.content, "content"), tensors.load(given.style, "style")
    style = style.scaled(given.style_size or max(result.size))
    network = weights.load(source, metrics.DEEPEST, device)
    return metrics.measure(result, content, style, network, device)


def in_words(quality: metrics.Quality) -> str:
    """Return the figures as a table."""
    return "\n".join(f"{name:<14} {value:>8}   {remark}"
                     for name, value, remark in table.rows(quality))


if __name__ == "__main__":
    sys.exit(main())
