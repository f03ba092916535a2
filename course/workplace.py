"""The reader's folder: working copies of the steps, and what was reached so far."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from course import catalogue
from course.catalogue import Step
from course.errors import AssemblyError, CourseError
from minigrad.files import write_atomically

PROGRESS = "progress.json"


class Workplace:
    """One reader's folder. Files of the reader are read and never written again.

    Parameters
    ----------
    folder : made when the first step is started.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def copy_of(self, step: Step) -> Path:
        """The path of the working copy of a step."""
        return self.folder / step.filename

    def start(self, step: Step, again: bool = False) -> tuple[Path, str]:
        """Write the exercise of a step; returns its path, and what it builds on in words.

        Parameters
        ----------
        again : write a further copy beside one that is there.

        Raises
        ------
        CourseError
            There is a copy already, or the folder cannot be written.
        """
        path = self.copy_of(step)
        if path.exists() and not again:
            raise CourseError(f"{path} is there already and stays as it is; `start {step.number} "
                              f"--again` writes a fresh copy beside it")
        number = 2
        while path.exists():
            path = self.folder / f"{Path(step.filename).stem}_{number}.py"
            number += 1
        text, base = self._exercise(step)
        self._write(path, text)
        return path, base

    def _exercise(self, step: Step) -> tuple[str, str]:
        """The exercise, on the reader's own engine if that passed its check."""
        if step.number == 1:
            return catalogue.exercise(1), "the first file of your engine"
        before = catalogue.step(step.number - 1)
        own = self.copy_of(before)
        if self.passed(before, own):
            try:
                return (catalogue.exercise(step.number, own.read_text(encoding="utf-8")),
                        f"your own engine in {own.name}")
            except (AssemblyError, OSError):
                pass            # a file with statements of its own: the course's engine serves
        reason = (f", because {own.name} cannot be joined with it" if self.passed(before, own) else
                  f", because {own.name} as it is now has not passed `check {before.number}`"
                  if own.is_file() else "")
        return (catalogue.exercise(step.number),
                f"the course's engine after step {before.number}{reason}")

    def write_bug(self, filename: str, source: str) -> Path:
        """Write the file of a planted bug, unless it is there.

        Raises
        ------
        CourseError
            It is there already, or cannot be written.
        """
        path = self.folder / filename
        if path.exists():
            raise CourseError(f"{path} is there already and stays as it is; move it away for a "
                              f"fresh one")
        self._write(path, source)
        return path

    def note_bug(self, number: int) -> None:
        """Remember that a bug was found."""
        progress = self.progress()
        progress["bugs"][str(number)] = True
        self._keep(progress)

    def _write(self, path: Path, text: str) -> None:
        """Write a new file; one that is there is never written over."""
        self._make_folder()
        try:
            with open(path, "x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise CourseError(f"{path} cannot be written: {error.strerror}") from None

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CourseError(f"the folder {self.folder} cannot be made: {error.strerror}"
                              ) from None

    # -- what was reached

    def progress(self) -> dict[str, Any]:
        """What was reached: `passed` holds the hash of each file that passed, `hints` a count.

        Raises
        ------
        CourseError
            The file is damaged.
        """
        path = self.folder / PROGRESS
        empty: dict[str, Any] = {"passed": {}, "hints": {}, "bugs": {}}
        if not path.exists():
            return empty
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            if not all(isinstance(found.get(key, {}), dict) for key in empty):
                raise ValueError
            return {**empty, **found}
        except (OSError, ValueError, AttributeError):
            raise CourseError(f"{path} is damaged; delete it, and check your steps again") from None

    def _keep(self, progress: dict[str, Any]) -> None:
        path = self.folder / PROGRESS
        self._make_folder()
        write_atomically(path, json.dumps(progress, indent=1).encode(), CourseError)

    def passed(self, step: Step, path: Path) -> bool:
        """Whether this file, as it is now, has passed the check of the step."""
        kept = self.progress()["passed"].get(str(step.number))
        return path.is_file() and kept == _digest(path)

    def note_passed(self, step: Step, path: Path) -> None:
        """Remember that a file has passed."""
        progress = self.progress()
        progress["passed"][str(step.number)] = _digest(path)
        self._keep(progress)

    def next_hint(self, step: Step) -> int:
        """The number of the hint that comes next, 0 to 2; the last one comes again and again."""
        progress = self.progress()
        number = min(int(progress["hints"].get(str(step.number), 0)), 2)
        progress["hints"][str(step.number)] = number + 1
        self._keep(progress)
        return number

    def state(self, step: Step) -> str:
        """ "passed", "started" or ""."""
        if str(step.number) in self.progress()["passed"]:
            return "passed"
        return "started" if self.copy_of(step).exists() else ""

    def latest(self) -> Step:
        """The step whose working copy was changed last.

        Raises
        ------
        CourseError
            No step was started.
        """
        started = [step for step in catalogue.STEPS if self.copy_of(step).exists()]
        if not started:
            raise CourseError(f"there is no working copy in {self.folder} yet; `start 1` makes the "
                              f"first")
        return max(started, key=lambda step: self.copy_of(step).stat().st_mtime)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


