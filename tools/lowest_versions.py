"""Print the lowest versions that setup.cfg allows, as pip's pins: python -m tools.lowest_versions.

    python -m tools.lowest_versions test plot >lowest.txt
    pip install -r lowest.txt

lists the packages that are always needed and those of the named extras. A package that several of
them name gets the highest of their floors.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from configparser import ConfigParser
from pathlib import Path

SETUP = Path(__file__).parents[1] / "setup.cfg"
REQUIREMENT = re.compile(r"([\w.-]+)(\[[\w,]+\])?\s*(>=|==)\s*([\w.*]+)")


def requirements(extras: Iterable[str], path: Path = SETUP) -> list[str]:
    """The lines of setup.cfg for the packages that are always needed and for some extras.

    Raises
    ------
    KeyError
        There is no such extra.
    """
    parser = ConfigParser(interpolation=None)
    parser.read(path, encoding="utf-8")
    found = [parser["options"]["install_requires"],
             *(parser["options.extras_require"][extra] for extra in extras)]
    return [line.strip() for text in found for line in text.splitlines() if line.strip()]


def pins(lines: Iterable[str]) -> list[str]:
    """The lowest version of each package, as NAME==VERSION.

    Raises
    ------
    ValueError
        A requirement has no floor, so there is no lowest version.
    """
    floors: dict[str, str] = {}
    for line in lines:
        match = REQUIREMENT.fullmatch(line)
        if not match:
            raise ValueError(f"{line} has no lowest version; write NAME >= VERSION")
        name, extra, _, version = match.groups(default="")
        floors[name + extra] = max(floors.get(name + extra, version), version, key=_order)
    return [f"{name}=={version}" for name, version in sorted(floors.items())]


def _order(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.lowest_versions", description=(
        "Print the lowest versions that setup.cfg allows, as pip's pins."))
    parser.add_argument("extras", nargs="*", metavar="EXTRA",
                        help="the packages of this extra, too")
    extras = parser.parse_args().extras
    try:
        print("\n".join(pins(requirements(extras))))
    except KeyError as error:
        parser.error(f"setup.cfg has no extra {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
