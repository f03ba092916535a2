"""Map test ids before a change to those after it: which moved, which went, which are new.

    python -m pytest --collect-only -q -m "" > before.txt      (in the old checkout)
    python -m pytest --collect-only -q -m "" > after.txt       (in the new one)
    python -m tools.test_ids before.txt after.txt --renames renames.txt > map.tsv

A test whose file moved is found again by its name and parameters. A test whose name or
parameters changed too needs a line in the file of renames: a pattern and its replacement, apart by
" → ", as `re.sub` takes them; lines that start with # and empty ones are left out. Cases of a
test that have other parameter ids than before are paired in order if there are as many as before.
The table has one line for each id: "same", "moved", "paired", "gone" or "new", the old id, and the
new one.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

Row = tuple[str, str, str]                  # kind, old id, new id
KINDS = ("same", "moved", "paired", "gone", "new")


def ids_of(text: str) -> list[str]:
    """The ids in what `pytest --collect-only -q` prints."""
    return [line for line in text.splitlines() if "::" in line and not line.startswith(" ")]


def renames_of(text: str) -> list[tuple[str, str]]:
    """The pairs (pattern, replacement) of a file of renames."""
    pairs = []
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            pattern, arrow, replacement = line.partition(" → ")
            if not arrow:
                raise ValueError(f"{line!r} is not 'PATTERN → REPLACEMENT'")
            pairs.append((pattern.strip(), replacement.strip()))
    return pairs


def renamed(identity: str, renames: Iterable[tuple[str, str]]) -> str:
    """An id after all renames, in their order."""
    for pattern, replacement in renames:
        identity = re.sub(pattern, replacement, identity)
    return identity


def mapped(before: list[str], after: list[str], renames: list[tuple[str, str]]) -> list[Row]:
    """One row for each id, in the order of `before`; the new ones follow.

    An id stays if it is there under its old or its renamed form. Otherwise the tests that are
    new are searched for one of the same name and parameters in another file; of several, one in a
    file of the same name, and of those the first.
    """
    left = dict.fromkeys(after)             # ordered, and without what has been found
    rows: list[Row] = []
    waiting: list[tuple[int, str, str]] = []
    for identity in before:
        expected = renamed(identity, renames)
        if expected in left:
            del left[expected]
            rows.append(("same" if expected == identity else "moved", identity, expected))
        else:
            waiting.append((len(rows), identity, expected))
            rows.append(("gone", identity, ""))
    by_name = defaultdict(list)
    for identity in left:
        by_name[identity.partition("::")[2]].append(identity)
    for index, identity, expected in waiting:
        path, _, name = expected.partition("::")
        candidates = [other for other in by_name[name] if other in left]
        candidates.sort(key=lambda other: Path(other.partition("::")[0]).name != Path(path).name)
        if candidates:
            del left[candidates[0]]
            rows[index] = "moved", identity, candidates[0]
    pair_cases(rows, left, renames)
    return rows + [("new", "", identity) for identity in left]


def pair_cases(rows: list[Row], left: dict[str, None], renames: list[tuple[str, str]]) -> None:
    """Pair in order the cases of tests of which as many are gone as are new."""
    gone, new = defaultdict(list), defaultdict(list)
    for index, (kind, identity, _) in enumerate(rows):
        if kind == "gone":
            gone[function_of(renamed(identity, renames))].append(index)
    for identity in left:
        new[function_of(identity)].append(identity)
    for function, indices in gone.items():
        if len(indices) == len(new[function]):
            for index, identity in zip(indices, new[function], strict=True):
                del left[identity]
                rows[index] = "paired", rows[index][1], identity


def function_of(identity: str) -> str:
    """The name of a test without its file and parameters."""
    return identity.partition("::")[2].partition("[")[0]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Map test ids before a change to those after it.")
    parser.add_argument("before", type=Path, help="ids of the old checkout")
    parser.add_argument("after", type=Path, help="ids of the new checkout")
    parser.add_argument("--renames", type=Path, help="lines 'PATTERN → REPLACEMENT'")
    parser.add_argument("--summary", action="store_true",
                        help="only tell how many cases of each test went or are new")
    given = parser.parse_args(arguments)
    renames = renames_of(given.renames.read_text(encoding="utf-8")) if given.renames else []
    rows = mapped(ids_of(given.before.read_text(encoding="utf-8")),
                  ids_of(given.after.read_text(encoding="utf-8")), renames)
    if given.summary:
        cases = Counter((kind, (old or new).partition("[")[0]) for kind, old, new in rows
                        if kind in ("gone", "new"))
        for (kind, test), count in sorted(cases.items()):
            print(f"{kind}\t{count}\t{test}")
    else:
        for row in rows:
            print("\t".join(row))
    counts = Counter(kind for kind, _, _ in rows)
    print(", ".join(f"{counts[kind]} {kind}" for kind in KINDS),
          file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
