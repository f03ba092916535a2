"""A journal of verdicts, one JSON line each, from which a stopped run can continue.

A line names the state of the checker that gave the verdict: the version of its framework, or for
minigrad a hash of its source. Lines of another state are ignored, so a journal never mixes two.
"""

import hashlib
import json
from functools import cache
from importlib.metadata import version
from pathlib import Path

from minigrad import check
from tools.museum.checkers import MODULES


class Journal:
    """The verdicts so far on right functions; without a path they are kept in memory only.

    Parameters
    ----------
    path : the file to continue; it is created if needed.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._said: dict[tuple[str, str], tuple[str, float]] = {}
        if path is not None and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                self._read(line)

    def _read(self, line: str) -> None:
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:        # the last line of a run that was killed
            return
        if entry["state"] == state_of(entry["checker"]):
            self._said[entry["function"], entry["checker"]] = (entry["said"], entry["seconds"])

    def said(self, function: str, checker: str) -> tuple[str, float] | None:
        """The verdict and its seconds, if the checker in its current state has given one."""
        return self._said.get((function, checker))

    def add(self, function: str, checker: str, said: str, seconds: float) -> None:
        """Keep a verdict; it is on disk when this returns."""
        self._said[function, checker] = (said, seconds)
        if self.path is not None:
            entry = {"function": function, "checker": checker, "state": state_of(checker),
                     "said": said, "seconds": round(seconds, 4)}
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry, ensure_ascii=False) + "\n")


@cache
def state_of(checker: str) -> str:
    """The state of a checker, on which its verdict depends besides the function."""
    if MODULES[checker] != "minigrad":
        return version(MODULES[checker])
    folder = Path(check.__file__).parent
    sources = sorted(p for part in (".", "plain", "mistakes") for p in (folder / part).glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
