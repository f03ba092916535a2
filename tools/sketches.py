"""Compute the sketches of Oxford's VGG19 again, from a copy of its weights.

    python -m tools.sketches vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5

writes `weights_converter/data/oxford_vgg19_sketches.npz`, or with `--out FILE` another file. The
copy may be in any format that `weights_converter` reads. docs/weights.md says from which copy the
project's file was made.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from minigrad.stdio import robust_stdio
from weights_converter import convert, sketches


def sketches_of(source: Path) -> dict[str, sketches.Sketch]:
    """Layer -> sketch, of a file in any format."""
    with tempfile.TemporaryDirectory() as folder:
        layers = convert(source, Path(folder) / "vgg19.h5", network="vgg19").layers
    return {name: sketches.sketch(*arrays) for name, arrays in layers.items()}


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    robust_stdio()
    parser = argparse.ArgumentParser(prog="python -m tools.sketches", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="the copy")
    parser.add_argument("--out", type=Path, default=sketches.FILE, help="the file to write")
    options = parser.parse_args(arguments)
    sketches.save(sketches_of(options.source), options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
