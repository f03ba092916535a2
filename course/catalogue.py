"""The steps of the course: their titles, folders and engines."""

from __future__ import annotations

import difflib
import linecache
import re
import types
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from course import assemble
from course.errors import CourseError

FOLDER = Path(__file__).parent / "steps"
PARTS = ("Numbers", "Arrays", "Learning", "Images", "Trust", "Painting")


@dataclass(frozen=True)
class Step:
    """One step: a folder `stepNN_name` with page, engine, check and hints."""

    number: int
    part: str
    title: str
    name: str

    @property
    def folder(self) -> Path:
        return FOLDER / f"step{self.number:02}_{self.name}"

    @property
    def page(self) -> Path:
        return self.folder / "page.md"

    @property
    def filename(self) -> str:
        """The name of the reader's working copy."""
        return f"step{self.number:02}.py"

    @property
    def docstring(self) -> str:
        """What the engine after this step says of itself, and the exercise too."""
        return f"Step {self.number}: {self.title}. Part of the course in backpropagation."

    def addition(self) -> str:
        """What the step adds to the engine, with the marks of its holes."""
        return (self.folder / "engine.py").read_text(encoding="utf-8")

    def hints(self) -> list[str]:
        """The three hints, from the vaguest to the plainest."""
        text = (self.folder / "hints.md").read_text(encoding="utf-8")
        return [hint.partition("\n")[2].strip() for hint in text.split("\n## ")[1:]]


STEPS = tuple(Step(number, *row) for number, row in enumerate((
    ("Numbers", "The slope by nudging", "nudging"),
    ("Numbers", "The chain rule", "chain"),
    ("Numbers", "A graph that records itself", "recording"),
    ("Numbers", "Walking back in the right order", "order"),
    ("Numbers", "A number used twice", "twice"),
    ("Arrays", "Elementwise rules", "elementwise"),
    ("Arrays", "Broadcasting and its undoing", "broadcasting"),
    ("Arrays", "Sums and indexing", "sums"),
    ("Arrays", "Matrix products", "products"),
    ("Arrays", "A rule that names what it needs", "names"),
    ("Learning", "Losses", "losses"),
    ("Learning", "Softmax and cross-entropy", "softmax"),
    ("Learning", "SGD, momentum, Adam", "descent"),
    ("Learning", "A network that reads digits", "digits"),
    ("Learning", "Initialisation and vanishing gradients", "initialisation"),
    ("Images", "Convolution by loops", "convolution"),
    ("Images", "The three gradients of a convolution", "gradients"),
    ("Images", "Convolution as a matrix product", "windows"),
    ("Images", "Pooling and ReLU", "pooling"),
    ("Images", "A convolutional network on digits", "cnn"),
    ("Trust", "Finite differences and why they lie", "differences"),
    ("Trust", "The complex step", "complex"),
    ("Trust", "Exact integers", "integers"),
    ("Trust", "Planted bugs", "bugs"),
    ("Trust", "Derivatives of derivatives", "second"),
    ("Painting", "Features of the small network", "features"),
    ("Painting", "Gram matrices", "gram"),
    ("Painting", "Content and style", "loss"),
    ("Painting", "L-BFGS", "lbfgs"),
    ("Painting", "A painting by your own engine", "painting"),
), start=1))


def step(number: int) -> Step:
    """The step of this number.

    Raises
    ------
    CourseError
        There is none.
    """
    if not 1 <= number <= len(STEPS):
        raise CourseError(f"there is no step {number}; the steps are 1 to {len(STEPS)}")
    return STEPS[number - 1]


@cache
def solved(number: int) -> assemble.Engine:
    """The engine after a step, in parts; before the first step it is empty."""
    if number == 0:
        return assemble.Engine()
    addition = assemble.parse(assemble.filled(step(number).addition()))
    return solved(number - 1).joined(addition)


@cache
def engine(number: int) -> str:
    """The engine file after a step: the solution of its exercise."""
    return solved(number).source(step(number).docstring)


def exercise(number: int, base: str | None = None) -> str:
    """The engine file of a step with its holes open.

    Parameters
    ----------
    base : the reader's own file of the step before, which the exercise then builds on; by default
        the course's own. What the holes of earlier steps asked for is left out of it: the holes
        that a file has are those of its step.
    """
    if base is None:
        before = solved(number - 1)
    else:
        asked = set().union(*(assemble.texts_of_holes(assemble.opened(earlier.addition()))
                              for earlier in STEPS[:number - 1]))
        before = assemble.parse(assemble.without_lines(base, asked))
    addition = assemble.parse(assemble.opened(step(number).addition()))
    return before.joined(addition).source(step(number).docstring)


def removed_names(number: int) -> Iterator[tuple[int, str]]:
    """(step, name) of what the steps up to this one take away, and none of them gives again."""
    there = set(solved(number).parts)
    there |= {line.split()[-1] for line in solved(number).imports}
    for each in STEPS[:number]:
        for part in assemble.parse(each.addition()).parts.values():
            if part.removed and part.name not in there:
                yield each.number, part.name


def difference(number: int, without: Collection[str] = ()) -> str:
    """What a step changes in the engine, as a unified diff without its head.

    Parameters
    ----------
    without : definitions that are left out, with what is declared for them, on either side.
    """
    before = _lines(engine(number - 1), without) if number > 1 else []
    lines = list(difflib.unified_diff(before, _lines(engine(number), without), n=2,
                                      lineterm=""))[2:]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def new_code(number: int, without: Collection[str] = ()) -> str:
    """What a step adds, with its holes open, as the page shows it.

    Parameters
    ----------
    without : definitions that are left out, with what is declared for them.
    """
    lines = _lines(assemble.opened(step(number).addition()), without)
    return "\n".join(line for line in lines if not line.strip().startswith(
        ("# after: ", "# before: "))) + "\n"


def _lines(source: str, without: Collection[str]) -> list[str]:
    """The lines of a file without some definitions and what is declared for them."""
    for name, part in assemble.parse(source).parts.items():
        if without and name.partition(".")[0] in without and part.members is None:
            source = source.replace(f"{part.text}\n", "", 1)
    if without:
        source = re.sub(r"(# (after|before): .*\n)+(?=\n|\Z)", "", source)
        source = re.sub(r"\n{4,}", "\n\n\n", source).rstrip("\n") + "\n"
    return source.splitlines()


@cache
def after_step(number: int) -> types.ModuleType:
    """The engine after a step as a module, for the pages: every exercise up to it is solved."""
    source, name = engine(number), f"engine_after_step_{number}"
    module = types.ModuleType(name, step(number).docstring)
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), module.__dict__)
    return module
