"""The gallery: each picture is what the command under it paints.

    python -m tools.site.gallery            # paint what is stale, and record it
    python -m tools.site.gallery --all      # after a change of what pictures look like

The record, docs/outputs/gallery.json, holds for each picture its command and the SHA-256 of the
file. If a command on the page or a picture differs from it, the build of the site fails.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

from minigrad.stdio import robust_stdio
from tools.site.commands import run_command
from tools.site.pages import DOCS

PAGE = DOCS / "gallery.md"
RECORD = DOCS / "outputs/gallery.json"
_PICTURE = re.compile(r"^!\[[^\]]+\]\(images/gallery/([\w-]+\.jpg)\)\n\n```sh\n(.+)\n```$",
                      re.MULTILINE)
_INPUTS = re.compile(r"^```sh\n((?:python -m tools\..+\n)+)```$", re.MULTILINE)


def commands() -> dict[str, str]:
    """The command of each picture, by the name of its file, in the order of the page."""
    return dict(_PICTURE.findall(PAGE.read_text(encoding="utf-8")))


def inputs() -> list[str]:
    """The commands that make the pictures from which all others are painted."""
    found = _INPUTS.search(PAGE.read_text(encoding="utf-8"))
    return found[1].splitlines() if found else []


def stale() -> list[str]:
    """The pictures that the record does not confirm."""
    known = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    return [name for name, command in commands().items()
            if known.get(name) != {"command": command, "sha256": digest(name)}]


def digest(name: str) -> str:
    """SHA-256 of a picture; empty if it is not there."""
    path = DOCS / "images/gallery" / name
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


@robust_stdio()
def main() -> int:
    """Paint the stale pictures, or all of them, and write the record."""
    parser = argparse.ArgumentParser(prog="python -m tools.site.gallery", description=(
        "Paint the pictures of the gallery whose command has changed, and record them."))
    parser.add_argument("--all", action="store_true", help="paint all of them anew")
    names = list(commands()) if parser.parse_args().all else stale()
    with tempfile.TemporaryDirectory() as scratch:
        for command in inputs() if names else []:
            run_command(command, scratch)
        for name in names:
            print(name, flush=True)
            run_command(commands()[name], scratch)
            shutil.copy(Path(scratch, name), DOCS / "images/gallery" / name)
    record()
    return 0


def record() -> None:
    """Write the record of the pictures as they are."""
    text = json.dumps({name: {"command": command, "sha256": digest(name)}
                       for name, command in commands().items()}, indent=1)
    RECORD.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
