"""The command line: `python -m weights_converter SOURCE DEST.h5`, `… verify`, `… fetch`."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from minigrad.command_line import Parser, report, sentence_of
from minigrad.errors import ArgumentError, MinigradError
from minigrad.printable import printable
from minigrad.stdio import robust_stdio
from weights_converter.cache import cache_file
from weights_converter.convert import convert, is_among
from weights_converter.sources import SOURCES, Source
from weights_converter.verify import MAX_LETTERS, extent, verify
from weights_converter.weights import STORED_AS, Weights

DESCRIPTION = """\
Convert a VGG19 or VGG16 weights file to the verified HDF5 format that this project reads.

  python -m weights_converter SOURCE DEST.h5   convert
  python -m weights_converter verify FILE      check a converted file, layer by layer
  python -m weights_converter fetch vgg19      download, check, convert and store
"""

EXAMPLES = """\
examples:
  python -m weights_converter vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5 vgg19.h5
  python -m weights_converter vgg19-dcbb9e9d.pth vgg19.h5 --layers conv1_1..conv5_1
  python -m weights_converter imagenet-vgg-verydeep-19.mat vgg19.h5 --dtype float16
  python -m weights_converter verify vgg19.h5
  python -m weights_converter fetch vgg19

SOURCE may be Keras HDF5 (every version), PyTorch .pth, MatConvNet .mat, TensorFlow.js model.json,
safetensors or .npz; its content determines the format. The layers, shapes, values, colour order and
orientation are checked before anything is written, and with --overwrite an existing DEST.h5 is only
replaced at the very end. If SOURCE is named like a command, write ./verify.
The exit status is 0, or 2 after an error, with one sentence on stderr.
"""


def _parser(command: str, **options: Any) -> Parser:
    """Return a parser of `python -m weights_converter`, or of one of its commands."""
    program = f"python -m weights_converter{command}"
    return Parser(prog=program, hint=f"; see {program} --help", **options)


def add_storage_options(parser: Parser) -> None:
    """Add the options for layers and element type of the converted file."""
    parser.add_argument("--dtype", choices=STORED_AS, default="float32",
                        help="element type in the file; float16 halves its size (default: float32)")
    parser.add_argument("--layers", metavar="conv1_1..LAST",
                        help="omit the layers after LAST; the default style transfer needs "
                             "conv1_1..conv5_1 (default: all layers)")


def _convert_parser() -> Parser:
    parser = _parser("", description=DESCRIPTION, epilog=EXAMPLES)
    parser.add_argument("source", metavar="SOURCE",
                        help="VGG19 or VGG16 weights in any known format")
    parser.add_argument("destination", metavar="DEST.h5", help="the file to write")
    parser.add_argument("--overwrite", action="store_true",
                        help="replace DEST.h5 if it exists (default: refuse)")
    add_storage_options(parser)
    return parser


def _verify_parser() -> Parser:
    parser = _parser(
        " verify",
        description="Check a converted file and print a table of its layers.",
        epilog="example:\n  python -m weights_converter verify vgg19.h5\n",
    )
    parser.add_argument("file", metavar="FILE", help="a converted weights file")
    return parser


def print_summary(destination: object, weights: Weights) -> None:
    """Print what was written, its source and its terms of use."""
    print(f"file     {printable(destination)}")
    print(f"holds    {extent(weights)}")
    if weights.changes:
        print(f"changed  {printable(weights.changes, MAX_LETTERS)}")
    print(f"source   {printable(weights.source, MAX_LETTERS)}")
    print(f"sha256   {weights.source_sha256}")
    print(f"licence  {printable(weights.licence, MAX_LETTERS)}")


def _run_convert(arguments: Sequence[str]) -> None:
    options = _convert_parser().parse_args(arguments)
    destination = Path(options.destination)
    if os.path.isfile(destination) and not options.overwrite and not is_among(
            destination, [Path(options.source)]):     # for which `convert` has a better message
        raise ArgumentError(f"{destination} already exists; name another file, or add "
                            f"--overwrite to replace it")
    weights = convert(options.source, options.destination, dtype=options.dtype,
                      layers=options.layers)
    print_summary(options.destination, weights)


def _run_verify(arguments: Sequence[str]) -> None:
    print(verify(_verify_parser().parse_args(arguments).file))


def _fetch_parser() -> Parser:
    parser = _parser(
        " fetch",
        description="Download a network from the first public address that provides it, check size "
                    "and\nhash, convert it, and store it in your cache folder, where nst.run finds "
                    "it.",
        epilog="examples:\n  python -m weights_converter fetch vgg19\n"
               "  python -m weights_converter fetch vgg19 --layers conv1_1..conv5_1 "
               "--dtype float16\n\n"
               "A file that is there already is kept if it is verified and has the layers, the "
               "type and\n(--sha256) the source that are asked for. Otherwise the file in the "
               "cache folder is fetched\nanew, but one that -o names is only replaced with "
               "--force.\n\n"
               "An interrupted download is resumed. Proxies are taken from the environment "
               "(https_proxy).\n",
    )
    parser.add_argument("network", metavar="NETWORK", choices=list(SOURCES),
                        help=" or ".join(SOURCES))
    parser.add_argument("-o", "--output", metavar="DEST.h5",
                        help="the converted file (default: in the cache folder)")
    parser.add_argument("--url", metavar="ADDRESS", action="append",
                        help="download from here instead, in any known format; repeat the "
                             "option to try several addresses in turn")
    parser.add_argument("--sha256", metavar="HEX",
                        help="the first digits of the SHA-256 of the file at --url (default: not "
                             "checked; the values of the network are verified in any case)")
    parser.add_argument("--force", action="store_true",
                        help="download even if there is a valid file already, and replace whatever "
                             "has its name (default: see below)")
    parser.add_argument("--quiet", action="store_true", help="print errors only")
    add_storage_options(parser)
    return parser


def _run_fetch(arguments: Sequence[str]) -> None:
    from weights_converter.fetching import fetch  # late, because urllib is slow to import

    options = _fetch_parser().parse_args(arguments)
    say = _ignore if options.quiet else _say
    if options.sha256 is not None:
        if not options.url:
            raise ArgumentError("--sha256 is that of the file at --url, but there is no --url")
        if not re.fullmatch("[0-9a-f]{8,64}", options.sha256):
            raise ArgumentError(f"sha256 is {options.sha256[:80]!r}, but must be 8 to 64 "
                                "hexadecimal digits")
    digest = f"sha256:{options.sha256}" if options.sha256 else None
    sources = [Source(url, None, digest) for url in options.url or ()]
    if options.output == "":
        raise ArgumentError("-o is followed by an empty name; name a file")
    weights = fetch(options.network, options.output, sources=sources or None, dtype=options.dtype,
                    layers=options.layers, force=options.force, quiet=options.quiet, say=say)
    if not options.quiet:
        print_summary(options.output or cache_file(options.network), weights)


def _say(line: str) -> None:
    print(printable(line), flush=True)      # it may quote an address or a server


def _ignore(line: str) -> None:
    """Print nothing."""


COMMANDS: dict[str, Callable[[Sequence[str]], None]] = {
    "verify": _run_verify,
    "fetch": _run_fetch,
}


@robust_stdio()
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        command = COMMANDS.get(arguments[0]) if arguments else None
        if command:
            command(arguments[1:])
        else:
            _run_convert(arguments)
    except (MinigradError, MemoryError) as error:
        report("weights_converter", sentence_of(error))
        return 2
    except KeyboardInterrupt:
        more = {"verify": "", "fetch": "; the same command resumes the download"}
        report("weights_converter", "stopped" + more.get(arguments[0], "; nothing was written"))
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
