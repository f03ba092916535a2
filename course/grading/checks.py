"""The checks of a step, and how they are run on a file."""

from __future__ import annotations

import importlib
import secrets
from collections.abc import Callable
from pathlib import Path

from course.catalogue import Step
from course.grading import static
from course.grading.advice import Meaning
from course.grading.verdict import Finding, Verdict, Wrong
from course.grading.work import Work

Check = Callable[[Work], None]
_MAX_NOTES = 3


class Checks(dict[str, Check]):
    """The checks of a step by their names, filled by a decorator: `@CHECKS("the product")`.

    After the name may follow what errors of the reader's code mean in this check: the type of the
    error, a part of its message, and the meaning.
    """

    def __call__(self, name: str, *meanings: Meaning) -> Callable[[Check], Check]:
        def kept(function: Check) -> Check:
            def check(work: Work) -> None:
                work.meanings = meanings
                function(work)

            self[name] = check
            return function
        return kept


def checks_of(step: Step) -> Checks:
    """The checks in a step's `check.py`."""
    module = importlib.import_module(f"course.steps.{step.folder.name}.check")
    found: Checks = module.CHECKS
    return found


def check_file(step: Step, path: Path, shown: str | None = None) -> Verdict:
    """Check a reader's file; it is only read.

    Parameters
    ----------
    shown : how messages name the file; by default by its last name.

    Raises
    ------
    OSError, UnicodeDecodeError
        The file cannot be read.
    """
    return check_source(step, path.read_text(encoding="utf-8"), shown or path.name)


def check_source(step: Step, source: str, filename: str, *, seed: int | None = None,
                 until_first: bool = False) -> Verdict:
    """Check the text of a file.

    Parameters
    ----------
    seed : of the random numbers; by default they differ from check to check.
    until_first : stop at the first check that fails.
    """
    checks = checks_of(step)
    verdict = Verdict(filename, len(checks))
    try:
        tree = static.parsed(source, filename)
        static.examine(tree, step)
    except Wrong as wrong:
        verdict.findings.append(Finding("the file", wrong.text, wrong.where, wrong.line))
        return verdict
    probes = (step.folder / "probes.py").read_text(encoding="utf-8")
    try:
        work = Work(source, filename, tree, probes, secrets.randbits(63) if seed is None else seed)
    except Wrong as wrong:
        verdict.findings.append(Finding("the file", wrong.text, wrong.where, wrong.line))
        return verdict
    with work:
        for name, check in checks.items():
            try:
                check(work)
                verdict.passed.append(name)
            except Wrong as wrong:
                line = wrong.line or (work.line_of(wrong.where) if wrong.where else None)
                verdict.findings.append(Finding(name, wrong.text, wrong.where, line))
                if until_first or not work.alive:
                    break
        _notes(verdict, work)
    return verdict


def _notes(verdict: Verdict, work: Work) -> None:
    for line, text, times in work.printed[:_MAX_NOTES]:
        often = "once" if times == 1 else f"{times} times"
        verdict.notes.append(f"line {line}: print was called {often} ({text!r}); that does no harm "
                             f"to the check")
