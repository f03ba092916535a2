"""Map test ids before a change to those after it: moved, removed and new tests.

    python -m pytest --collect-only -q -m "" > before.txt      (in the old checkout)
    python -m pytest --collect-only -q -m "" > after.txt       (in the new one)
    python -m tools.test_ids before.txt after.txt --renames renames.txt > map.tsv

A test in another file is found by its name and parameters. If its name or parameters changed too,
it needs a line in the file of renames: a pattern and its replacement, as for `re.sub`, separated by
" → ". Empty lines and lines that start with # are ignored. Cases of a test whose parameter ids
changed are paired in order if their number is the same as before.
The table has one line per id: "same", "moved", "paired", "gone" or "new", the old id, and the new
one.
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
    """The ids in the output of `pytest --collect-only -q`."""
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

    An id stays if it exists in its old or its renamed form. Otherwise the new tests are searched
    for one with the same name and parameters in another file. If there are several, those in a file
    of the same name are preferred, and of these the first.
    """
    left = dict.fromkeys(after)             # ordered; found ids are removed
    rows: list[Row] = []
    unmatched: list[tuple[int, str, str]] = []
    for identity in before:
        expected = renamed(identity, renames)
        if expected in left:
            del left[expected]
            rows.append(("same" if expected == identity else "moved", identity, expected))
        else:
            unmatched.append((len(rows), identity, expected))
            rows.append(("gone", identity, ""))
    by_name = defaultdict(list)
    for identity in left:
        by_name[identity.partition("::")[2]].append(identity)
    for index, identity, expected in unmatched:
        path, _, name = expected.partition("::")
        candidates = [other for other in by_name[name] if other in left]
        candidates.sort(key=lambda other: Path(other.partition("::")[0]).name != Path(path).name)
        if candidates:
            del left[candidates[0]]
            rows[index] = "moved", identity, candidates[0]
    pair_cases(rows, left, renames)
    return rows + [("new", "", identity) for identity in left]


def pair_cases(rows: list[Row], left: dict[str, None], renames: list[tuple[str, str]]) -> None:
    """Pair the cases of a test in order, if as many are gone as are new."""
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
                        help="only print how many cases of each test are gone or new")
    options = parser.parse_args(arguments)
    renames = renames_of(options.renames.read_text(encoding="utf-8")) if options.renames else []
    rows = mapped(ids_of(options.before.read_text(encoding="utf-8")),
                  ids_of(options.after.read_text(encoding="utf-8")), renames)
    if options.summary:
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
