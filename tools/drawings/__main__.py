"""Draw the five pictures.

    python -m tools.drawings OUT [--only NAME …] [--width 640] [--seed 0]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from minigrad.stdio import robust_stdio
from tools.drawings import DRAWINGS

MIN_WIDTH = 40          # pixels; below this no stroke fits


@robust_stdio()
def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.drawings", description="Draw five pictures in different media.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT",
                        help="folder for NAME.png; created if it does not exist")
    parser.add_argument("--only", nargs="+", choices=DRAWINGS, default=list(DRAWINGS),
                        metavar="NAME", help=", ".join(DRAWINGS))
    parser.add_argument("--width", type=int, default=640, help="width in pixels; the shape is 5:4")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same pictures")
    options = parser.parse_args(arguments)
    if options.width < MIN_WIDTH:
        parser.error(f"--width is {options.width}; it must be at least {MIN_WIDTH} pixels")
    if options.seed < 0:
        parser.error(f"--seed is {options.seed}; it must be 0 or greater")
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        parser.error(f"cannot make the folder {options.out}: {problem.strerror}")
    for name in options.only:
        path = options.out / f"{name}.png"
        picture = Image.fromarray(DRAWINGS[name](options.width, options.width * 4 // 5,
                                                 options.seed))
        picture.save(path)
        print(f"{path}: {picture.width}×{picture.height}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
