"""The commands of `python -m course`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from course import bugs, catalogue
from course.catalogue import PARTS, STEPS
from course.errors import CourseError
from course.grading.checks import check_file, check_source
from course.workplace import Workplace

_LOOK_AGAIN = 0.4           # seconds between two looks at a watched file


def list_steps(place: Workplace) -> int:
    """Print the steps by parts, with what the reader has reached."""
    for part in PARTS:
        steps = [step for step in STEPS if step.part == part]
        if steps:
            print(part)
        for step in steps:
            state = place.state(step)
            print(f"  {step.number:2}  {step.title:<36}{state}".rstrip())
    return 0


def start(place: Workplace, number: int, again: bool) -> int:
    """Write the exercise of a step into the reader's folder."""
    step = catalogue.step(number)
    path, base = place.start(step, again)
    print(f"wrote {path}: step {number}, {step.title}; it builds on {base}")
    print(f"read {_shown(step.page)}, fill the holes, then run: python -m course check {number}")
    return 0


def check(place: Workplace, number: int | None, file: Path | None) -> int:
    """Check a working copy; 1 if it does not pass."""
    step = place.latest() if number is None else catalogue.step(number)
    path = place.copy_of(step) if file is None else file
    if not path.is_file():
        raise CourseError(f"there is no file {path}" + (
            "" if file is not None else f"; `start {step.number}` makes it"))
    try:
        verdict = check_file(step, path, str(path))
    except UnicodeDecodeError:
        raise CourseError(f"{path} is not text in UTF-8") from None
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}") from None
    print(f"step {step.number}: {step.title}")
    print("\n".join(verdict.lines()))
    if not verdict:
        print(f"{len(verdict.passed)} of {verdict.total} checks passed; `python -m course hint "
              f"{step.number}` helps on")
        return 1
    if path == place.copy_of(step):
        place.note_passed(step, path)
    following = (f"; next: python -m course start {step.number + 1}"
                 if step.number < len(STEPS) else "; that was the last step there is")
    print(f"all {verdict.total} checks passed{following}")
    return 0


def hint(place: Workplace, number: int, which: int | None) -> int:
    """Print the next hint of a step, or the one that is asked for."""
    step = catalogue.step(number)
    hints = step.hints()
    index = place.next_hint(step) if which is None else which - 1
    print(f"hint {index + 1} of {len(hints)} for step {number}, {step.title}")
    print(hints[index])
    return 0


def solution(number: int, difference: bool) -> int:
    """Print the engine after a step, or what the step changes in it."""
    catalogue.step(number)
    print(catalogue.difference(number) if difference else catalogue.engine(number), end="")
    return 0


def progress(place: Workplace) -> int:
    """Print how far the reader has come, part by part."""
    done = {step for step in STEPS if place.state(step) == "passed"}
    for part in PARTS:
        steps = [step for step in STEPS if step.part == part]
        if steps:
            bar = "".join("█" if step in done else "░" for step in steps)
            print(f"{part:<10}{bar}  {sum(step in done for step in steps)} of {len(steps)}")
    following = next((step for step in STEPS if step not in done), None)
    print(f"{len(done)} of {len(STEPS)} steps passed" + (
        f"; next is step {following.number}, {following.title}" if following else ""))
    return 0


def bug(place: Workplace, number: int | None, line: int | None) -> int:
    """List the planted bugs, write one into the reader's folder, or grade what the reader found.

    Returns 1 if the line is not the wrong one.
    """
    if number is None:
        _list_bugs(place)
        return 0
    planted = bugs.bug(number)
    if line is None:
        path = place.write_bug(planted.filename, planted.source)
        verdict = check_source(planted.step, planted.source, planted.filename, until_first=True)
        print(f"wrote {path}: the engine after step {planted.step.number}, with one wrong line")
        print(f"what goes wrong: {verdict.findings[0].text}")
        print(f"found it? python -m course bug {number} --line L")
        return 0
    if line != planted.line:
        print(f"line {line} of {planted.filename} is as it should be; look on")
        return 1
    place.note_bug(number)
    print(f"found: `{planted.wrong_line}` should be `{planted.right_line}`")
    return 0


def _list_bugs(place: Workplace) -> None:
    found = place.progress()["bugs"]
    for step in STEPS:
        numbers = range((step.number - 1) * bugs.PER_STEP + 1, step.number * bugs.PER_STEP + 1)
        done = "".join("█" if str(number) in found else "░" for number in numbers)
        print(f"bugs {numbers[0]:3} to {numbers[-1]:3}  {done}  after step {step.number}, "
              f"{step.title}")


def watch(place: Workplace, number: int | None,
          pause: Callable[[float], None] = time.sleep) -> int:
    """Check a working copy each time that it is saved, until Ctrl-C.

    Parameters
    ----------
    pause : waits for so many seconds.
    """
    step = place.latest() if number is None else catalogue.step(number)
    path = place.copy_of(step)
    if not path.is_file():
        raise CourseError(f"there is no file {path}; `start {step.number}` makes it")
    print(f"watching {path}; Ctrl-C ends it")
    seen = None
    while True:
        found = _stamp(path)
        if found is not None and found != seen:
            seen = found
            print(flush=True)
            check(place, step.number, None)
        pause(_LOOK_AGAIN)


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes when a file is saved; None while an editor is replacing it."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _shown(path: Path) -> str:
    """A path as it reads best: from here, if it is below."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
