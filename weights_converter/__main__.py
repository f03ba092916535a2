"""The command line: ``python -m weights_converter SOURCE DEST.h5`` and ``… verify FILE``."""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from minigrad.errors import MinigradError
from weights_converter.convert import convert
from weights_converter.verify import verify

DESCRIPTION = """\
Turn a VGG19 weights file into the one verified HDF5 file that this project reads.

  python -m weights_converter SOURCE DEST.h5   convert
  python -m weights_converter verify FILE      check a converted file, layer by layer
"""

EXAMPLES = """\
examples:
  python -m weights_converter vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5 vgg19.h5
  python -m weights_converter verify vgg19.h5

The layers, shapes, values, colour order and orientation are checked before anything is
written, and an existing DEST.h5 is replaced only at the very end. A SOURCE whose name is
"verify" is given as ./verify. The exit status is 0, or 2 with one sentence on stderr.
"""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, like all others of this program."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"weights_converter: {message}; see python -m weights_converter --help\n")


def _convert_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m weights_converter",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SOURCE", help="VGG19 in the HDF5 layout of Keras")
    parser.add_argument("destination", metavar="DEST.h5", help="the file to write")
    return parser


def _verify_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m weights_converter verify",
        description="Check a converted file and print a table of its layers.",
        epilog="example:\n  python -m weights_converter verify vgg19.h5\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="a converted weights file")
    return parser


def _run_convert(arguments: Sequence[str]) -> None:
    options = _convert_parser().parse_args(arguments)
    weights = convert(options.source, options.destination)
    print(f"wrote    {options.destination}")
    print(f"holds    {len(weights.layers)} layers, {weights.parameters:,} parameters")
    print(f"source   {weights.source}")
    print(f"sha256   {weights.source_sha256}")
    print(f"licence  {weights.licence}")


def _run_verify(arguments: Sequence[str]) -> None:
    print(verify(_verify_parser().parse_args(arguments).file))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        if arguments[:1] == ["verify"]:
            _run_verify(arguments[1:])
        else:
            _run_convert(arguments)
    except MinigradError as error:
        print(f"weights_converter: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("weights_converter: stopped; nothing was written", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
