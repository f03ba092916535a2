"""Planted bugs: an engine with one mistake in one line, which the reader has to find.

They are mutants of the solutions, the ones that prove the checks: each is known to be a mistake,
because the checks of its step reject it. Of every step the same number is taken, spread over its
rules and over the kinds of mistakes.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache

from course import catalogue
from course.catalogue import STEPS, Step
from course.equivalents import REASONS
from course.errors import CourseError
from course.mutants import Mutant, mutants_of

PER_STEP = 7


@dataclass(frozen=True)
class Bug:
    """One planted bug.

    Attributes
    ----------
    step : whose engine it is in, in the lines that fill the holes of its exercise.
    """

    number: int
    step: Step
    mutant: Mutant

    @property
    def filename(self) -> str:
        return f"bug{self.number:03}.py"

    @property
    def source(self) -> str:
        """The file that the reader gets, without comments: they would tell the right line."""
        head = (f'"""Bug {self.number}: one line of this engine, which is that after step '
                f'{self.step.number}, is wrong."""\n')
        return head + "\n".join(self._lines(self.mutant.source)) + "\n"

    @property
    def line(self) -> int:
        """The number of the wrong line in `source`."""
        right = self._lines(catalogue.engine(self.step.number))
        for number, (one, two) in enumerate(zip(right, self._lines(self.mutant.source)), start=2):
            if one != two:
                return number
        raise AssertionError(f"bug {self.number} changes nothing")

    @property
    def right_line(self) -> str:
        """What should stand on that line."""
        return self._lines(catalogue.engine(self.step.number))[self.line - 2].strip()

    @property
    def wrong_line(self) -> str:
        """What stands on that line."""
        return self._lines(self.mutant.source)[self.line - 2].strip()

    @staticmethod
    def _lines(source: str) -> list[str]:
        """The lines without the docstring of the file, as both versions are written alike."""
        tree = ast.parse(source)
        return ast.unparse(ast.Module(tree.body[1:], [])).splitlines()


def count() -> int:
    """How many bugs there are."""
    return PER_STEP * len(STEPS)


def bug(number: int) -> Bug:
    """The bug of this number, from 1 on; those of a step follow one another.

    Raises
    ------
    CourseError
        There is none.
    """
    if not 1 <= number <= count():
        raise CourseError(f"there is no bug {number}; the bugs are 1 to {count()}")
    step = STEPS[(number - 1) // PER_STEP]
    mistakes = _mistakes(step)
    place = (number - 1) % PER_STEP
    return Bug(number, step, mistakes[(2 * place + 1) * len(mistakes) // (2 * PER_STEP)])


@cache
def _mistakes(step: Step) -> list[Mutant]:
    """The mutants that are mistakes, by place and kind."""
    equal = REASONS.get(step.number, {})
    return sorted((mutant for mutant in mutants_of(step) if mutant.name not in equal),
                  key=lambda mutant: (mutant.place, mutant.kind))
