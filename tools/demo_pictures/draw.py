"""Draw the two demonstration pictures.

    python -m tools.demo_pictures.draw [--out FOLDER] [--size 640]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from PIL import Image

from minigrad.stdio import robust_stdio
from tools.demo_pictures.painting import draw_painting
from tools.demo_pictures.scene import draw_scene

__all__ = ["draw_painting", "draw_scene", "main"]

MIN_SIZE = 32  # pixels; below this no brush stroke fits
# High enough that JPEG blocks do not become part of the style, low enough for a package.
QUALITY = 92


@robust_stdio()
def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.demo_pictures.draw",
        description="Draw the two demonstration pictures.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("."), metavar="FOLDER",
                        help="folder for scene.jpg and painting.jpg; created if it does not exist")
    parser.add_argument("--size", type=int, default=640, help="width of both pictures in pixels")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same pictures")
    parser.add_argument("--png", action="store_true", help="write PNG files instead of JPEG")
    options = parser.parse_args(arguments)
    if options.size < MIN_SIZE:
        parser.error(f"--size is {options.size}; it must be at least {MIN_SIZE} pixels")
    if options.seed < 0:
        parser.error(f"--seed is {options.seed}; it must be 0 or greater")
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--out: cannot make the folder {options.out}: {error.strerror}")
    pictures = (
        ("scene", draw_scene, options.size * 3 // 4),
        ("painting", draw_painting, options.size * 4 // 5),
    )
    for name, draw, height in pictures:
        path = options.out / f"{name}{'.png' if options.png else '.jpg'}"
        picture = Image.fromarray(draw(options.size, height, options.seed))
        if options.png:
            picture.save(path)
        else:
            picture.save(path, quality=QUALITY, optimize=True)
        print(f"{path}: {picture.width}×{picture.height}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
