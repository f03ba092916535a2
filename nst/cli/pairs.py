"""Pair the contents of one folder with the styles of another."""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from minigrad.errors import ArgumentError, FileError
from nst.pictures.files import READABLE

PAIRINGS = ("cross", "zip", "random")


@dataclass(frozen=True)
class Pair:
    """A content with its style.

    Attributes
    ----------
    content, style : Path
    name : str
        Name of the result's files without suffix; unique in a batch.
    """

    content: Path
    style: Path
    name: str


def pictures(place: Path, role: str) -> list[Path]:
    """Return the pictures in a folder, sorted by name (9 before 10), or a single picture.

    Raises
    ------
    FileError
        The folder does not exist, or contains no picture.
    """
    if os.path.isfile(place):
        return [place]
    if not os.path.isdir(place):
        raise FileError(f"the {role} folder {place} does not exist")
    suffixes = _suffixes()
    paths = [path for path in _visible_files(place, role) if path.suffix.lower() in suffixes]
    if not paths:
        raise FileError(f"the {role} folder {place} contains no picture: no file whose name ends "
                        f"in .jpg, .png or another known suffix")
    return sorted(paths, key=_natural_key)


def passed_over(place: Path, role: str) -> list[Path]:
    """Return the files of a folder that `pictures` leaves out, sorted by name.

    Raises
    ------
    FileError
        See `pictures`.
    """
    if not os.path.isdir(place):
        return []
    suffixes = _suffixes()
    return sorted(path for path in _visible_files(place, role)
                  if path.suffix.lower() not in suffixes)


def _suffixes() -> set[str]:
    return {suffix for suffix, kind in Image.registered_extensions().items() if kind in READABLE}


def _visible_files(place: Path, role: str) -> list[Path]:
    try:
        return [path for path in place.iterdir() if path.name[0] != "." and os.path.isfile(path)]
    except OSError as error:
        raise FileError(f"cannot read the {role} folder {place}: {error.strerror or error}"
                        ) from None


def _natural_key(path: Path) -> list[tuple[bool, int, str]]:
    parts = re.split(r"([0-9]+)", path.name)
    # Every second part is a number. (`isdigit` is also true of "²", which `int` does not know.)
    return [(bool(index % 2), int(part) if index % 2 else 0, part)
            for index, part in enumerate(parts)]


def make_pairs(contents: Sequence[Path], styles: Sequence[Path], pairing: str, seed: int = 0,
           limit: int | None = None) -> list[Pair]:
    """Return the pairs, in the order of the contents.

    Parameters
    ----------
    pairing : str
        "cross": every content with every style; "zip": the first with the first, and so on;
        "random": every content with one random style, see `seed`.
    limit : int, optional
        Maximum number of pairs.

    Raises
    ------
    ArgumentError
        `pairing` is "zip", but there are not as many styles as contents.
    """
    if pairing == "zip" and len(contents) != len(styles):
        raise ArgumentError(f"--pair zip needs one style for each content, but there are "
                            f"{len(contents)} contents and {len(styles)} styles; choose cross or "
                            f"random, or add pictures")
    generator = random.Random(seed)
    pairs = {"cross": lambda: [(content, style) for content in contents for style in styles],
             "zip": lambda: list(zip(contents, styles)),
             "random": lambda: [(content, generator.choice(styles)) for content in contents],
             }[pairing]()
    content_names, style_names = _names(contents), _names(styles)
    names = _unique(f"{content_names[content]}--{style_names[style]}"
                           for content, style in pairs)
    return [Pair(content, style, name) for (content, style), name in zip(pairs, names)][:limit]


def _names(paths: Sequence[Path]) -> dict[Path, str]:
    """Return names without suffix, or with it if both a.jpg and a.png exist."""
    count = Counter(path.stem for path in paths)
    return {path: path.stem if count[path.stem] == 1 else path.name.replace(".", "-")
            for path in paths}


def _unique(names: Iterable[str]) -> list[str]:
    """Append a number to repeated names: "a--b" with "c" equals "a" with "b--c".

    Upper and lower case are equal here, because some disks do not distinguish them.
    """
    unique: dict[str, str] = {}
    for name in names:
        candidate, number = name, 2
        while candidate.lower() in unique:
            candidate, number = f"{name}-{number}", number + 1
        unique[candidate.lower()] = candidate
    return list(unique.values())
