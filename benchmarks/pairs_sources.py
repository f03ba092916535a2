"""Pairs of pictures from a TOML file: names of portable sources, and changes of their colours.

A picture is named `SOURCE:NAME`, or by a file (relative to the TOML file), or by a plain name that
one of the folders of `--pictures` holds. `+CHANGE` is appended for other colours:

- `skimage:astronaut`, `sklearn:china`, `matplotlib:grace_hopper`: bundled with these packages
- `nst:scene`, `nst:painting`: the demonstration's two pictures
- `drawing:pastel`: drawn by `tools.drawings`
- `starry_night+gbr`: channels exchanged; red gets the values of green, green of blue, blue of red
- `starry_night+inverted`: light becomes dark, and hues stay
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import common
import numpy as np

from minigrad.command_line import did_you_mean
from minigrad.errors import ArgumentError, FileError
from nst import demo
from nst.pictures import colors, files, tensors
from nst.pictures.picture import Picture

INVERTED = "inverted"
KEYS = {"content", "style", "explore"}


@dataclass(frozen=True)
class Pair:
    """A content with its style, by name.

    Attributes
    ----------
    number : int
        The place in the file, from 1.
    explore : bool
        Whether settings may be chosen by this pair. The others are held out.
    """

    number: int
    content: str
    style: str
    explore: bool = False

    @property
    def name(self) -> str:
        """The name of its files, without suffix."""
        return f"{self.number:02}-{_short(self.content)}-{_short(self.style)}"


def _short(name: str) -> str:
    plain, change, letters = name.rpartition("+") if "+" in name else (name, "", "")
    return Path(plain.rpartition(":")[2]).stem + change + letters


def read(path: Path) -> list[Pair]:
    """The pairs of a TOML file: `[[pair]]` with content, style and, if true, explore.

    Raises
    ------
    FileError, ArgumentError
        The file is missing or not TOML; an entry is incomplete or has an unknown key.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileError(f"the pairs {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise FileError(f"the pairs {path} are not valid TOML: {error}") from None
    entries = document.get("pair")
    if not isinstance(entries, list) or not entries:
        raise ArgumentError(f"the pairs {path} have no [[pair]]")
    return [_pair(number, entry, path) for number, entry in enumerate(entries, 1)]


def _pair(number: int, entry: Any, path: Path) -> Pair:
    if not (isinstance(entry, dict) and {"content", "style"} <= set(entry) <= KEYS
            and isinstance(entry["content"], str) and isinstance(entry["style"], str)
            and isinstance(entry.get("explore", False), bool)):
        raise ArgumentError(f"pair {number} of {path} must have a content and a style, both texts, "
                            f"and may have explore, true or false")
    return Pair(number, **entry)


def chosen(pairs: Sequence[Pair], only: str | None) -> list[Pair]:
    """The pairs to work on: all, "explore", "held-out", or numbers as in "1,4,7".

    Raises
    ------
    ArgumentError
        `only` is none of these, or there is no pair of a number.
    """
    if only is None:
        return list(pairs)
    if only in ("explore", "held-out"):
        return [pair for pair in pairs if pair.explore == (only == "explore")]
    if not re.fullmatch(r"[0-9]+(,[0-9]+)*", only):
        raise ArgumentError(f"--only is {only!r}, but must be explore, held-out, or numbers of "
                            f"pairs as in 1,4,7")
    numbers = {int(text) for text in only.split(",")}
    missing = numbers - {pair.number for pair in pairs}
    if missing:
        raise ArgumentError(f"there is no pair {min(missing)}, only 1 to {len(pairs)}")
    return [pair for pair in pairs if pair.number in numbers]


@dataclass
class Sources:
    """Finds pictures by name, and keeps them.

    Attributes
    ----------
    base : Path
        Names of files are relative to this folder.
    folders : sequence of Path
        Where plain names are looked for, subfolders included.
    drawings : Path, optional
        A folder that keeps what was drawn, as drawing takes some seconds.
    """

    base: Path
    folders: Sequence[Path] = ()
    drawings: Path | None = None
    loaded: dict[str, Picture] = field(default_factory=dict)

    def picture(self, name: str) -> Picture:
        """The picture of a name, see the top of this file.

        Raises
        ------
        ArgumentError, FileError
            The name or the change is unknown; the package or the file is missing.
        """
        if name not in self.loaded:
            plain, _, change = name.partition("+")
            picture = self._unchanged(plain)
            self.loaded[name] = changed(picture, change) if change else picture
        return self.loaded[name]

    def _unchanged(self, name: str) -> Picture:
        source, separator, rest = name.partition(":")
        if source == "drawing" and self.drawings is not None:
            kept = self.drawings / f"{rest}.png"
            if not kept.is_file():
                files.write(tensors.load(_drawn(rest), name), kept)
            return files.read(kept, name)
        if separator and source in SOURCES:
            return tensors.load(SOURCES[source](rest), name)
        path = self.base / name
        return files.read(path if path.is_file() else self._in_folders(name), name)

    def _in_folders(self, name: str) -> Path:
        for folder in self.folders:
            found = [path for path in sorted(folder.rglob("*"))
                     if path.is_file() and name in (path.stem, path.name)]
            if found:
                return found[0]
        where = ", ".join(map(str, self.folders)) or "give its folder by --pictures"
        raise FileError(f"there is no picture {name} ({where})")


def changed(picture: Picture, change: str) -> Picture:
    """The picture with channels exchanged ("gbr") or its luminance inverted ("inverted").

    Raises
    ------
    ArgumentError
        The change is neither.
    """
    pixels = picture.pixels
    if change == INVERTED:
        # Colours that become too bright or too dark for their hue get paler, not clipped.
        return Picture(colors.keep_luminance(255 - pixels.astype(np.float32), pixels))
    if sorted(change) != sorted("rgb"):
        raise ArgumentError(f"+{change} is no change of colours; use +{INVERTED}, or the letters "
                            f"r, g and b in another order, as in +gbr")
    return Picture(np.ascontiguousarray(pixels[..., ["rgb".index(c) for c in change]]))


# ------------------------------------------------------------------------------ sources


def _of_skimage(name: str) -> np.ndarray:
    try:
        from skimage import data
    except ImportError:
        raise _missing("scikit-image") from None
    return _called(name, "skimage", {key: getattr(data, key) for key in SKIMAGE})


def _of_sklearn(name: str) -> np.ndarray:
    try:
        from sklearn.datasets import load_sample_image
    except ImportError:
        raise _missing("scikit-learn") from None
    return _called(name, "sklearn", {key: lambda file=f"{key}.jpg": load_sample_image(file)
                                     for key in ("china", "flower")})


def _of_matplotlib(name: str) -> Path:
    try:
        from matplotlib import get_data_path
    except ImportError:
        raise _missing("matplotlib") from None
    folder = Path(get_data_path()) / "sample_data"
    return _called(name, "matplotlib", {"grace_hopper": lambda: folder / "grace_hopper.jpg"})


def _of_nst(name: str) -> Path:
    return _called(name, "nst", {"scene": demo.scene_path, "painting": demo.painting_path})


def _drawn(name: str) -> np.ndarray:
    if str(common.ROOT) not in sys.path:
        sys.path.append(str(common.ROOT))       # `tools` is not installed
    from tools.drawings import DRAWINGS

    return _called(name, "drawing", DRAWINGS)


def _called(name: str, source: str, makers: dict[str, Callable[[], Any]]) -> Any:
    if name not in makers:
        raise ArgumentError(f"there is no picture {source}:{name}{did_you_mean(name, makers)}")
    return makers[name]()


def _missing(package: str) -> FileError:
    return FileError(f"{package} is not installed, but brings a picture of these pairs: pip "
                     f"install {package}")


# In the wheel itself, so that nothing is downloaded.
SKIMAGE = ("astronaut", "camera", "chelsea", "coffee", "rocket")
SOURCES: dict[str, Callable[[str], Any]] = {
    "skimage": _of_skimage, "sklearn": _of_sklearn, "matplotlib": _of_matplotlib, "nst": _of_nst,
    "drawing": _drawn}
