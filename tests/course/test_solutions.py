"""Solutions that others wrote from the pages alone are accepted, each step on their own files.

`solutions/first` and `solutions/plain` follow the page, `solutions/other` takes another way
wherever there is one. A file holds the definitions that fill the holes of its step, and helpers.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from course import assemble, catalogue
from course.grading.checks import check_source

FOLDER = Path(__file__).with_name("solutions")
README = Path(__file__).parents[2] / "course/README.md"
WRITERS = ("first", "plain", "other")
STEPS = range(1, 31)
SAMPLED = [("other", 3)]            # the slow tests take all


@cache
def engine_by(writer, number):
    """The file of a reader who began each step from the own file of the step before."""
    if number == 0:
        return None
    base = assemble.parse(catalogue.exercise(number, engine_by(writer, number - 1)))
    written = (FOLDER / writer / f"step{number:02}.py").read_text(encoding="utf-8")
    return base.joined(assemble.parse(written)).source(catalogue.step(number).docstring)


def accepted(writer, number, seed=None):
    step = catalogue.step(number)
    verdict = check_source(step, engine_by(writer, number), step.filename, seed=seed)
    assert verdict, "\n".join(verdict.lines())


@pytest.mark.parametrize("writer, number", SAMPLED)
def test_a_solution_by_others_is_accepted(writer, number):
    accepted(writer, number)


@pytest.mark.slow
@pytest.mark.parametrize("number", STEPS)
@pytest.mark.parametrize("writer", WRITERS)
def test_every_solution_by_others_is_accepted(writer, number):
    accepted(writer, number)


def test_the_readme_says_how_the_other_solution_differs():
    rows = re.findall(r"^\| (\d+) \| (\d) \| (.*) \|$", README.read_text("utf-8"), re.MULTILINE)
    assert rows == [(str(number), str(len(WRITERS)), how_it_differs(number)) for number in STEPS]


def how_it_differs(number):
    """The docstring of the other solution, in one line."""
    source = (FOLDER / "other" / f"step{number:02}.py").read_text(encoding="utf-8")
    return " ".join(ast.get_docstring(ast.parse(source)).split()).rstrip(".")


def test_what_the_reader_still_uses_is_not_taken_away():
    base = assemble.parse("import math\n\n\ndef old(x):\n    return math.exp(x)\n\n\n"
                          "def unused(x):\n    return x\n\n\ndef own(x):\n    return old(x)\n")
    joined = base.joined(assemble.parse("del math, old, unused\n"))
    assert joined.imports == ["import math"] and list(joined.parts) == ["old", "own"]
    joined = base.joined(assemble.parse("del math, old, unused\n\n\ndef own(x):\n    return x\n"))
    assert joined.imports == [] and list(joined.parts) == ["own"]


def test_an_operation_that_is_still_used_keeps_its_rule():
    base = assemble.parse("def rule(g):\n    return g\n\n\ndef f(x):\n    return x\n\n\n"
                          "f.derivative(x=rule)\n\n\ndef own(x):\n    return f(x)\n")
    joined = base.joined(assemble.parse("del rule, f, f.derivative\n"))
    assert list(joined.parts) == ["rule", "f", "f.derivative", "own"]
