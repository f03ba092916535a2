"""The pages of the course: their generated parts, their code, and the notebooks made of them.

A page is CommonMark with formulae in dollar signs, which GitHub and MyST both show. Two parts of it
are generated from the step's `engine.py`, between comments:

    <!-- new code -->       what the step adds, with its holes open
    <!-- difference -->     the difference to the engine of the step before, folded away
    <!-- end -->

Behind `new code` or `difference` may stand which definitions are left out, because they are many
and alike: `without add, exp`. `python -m course.pages` writes the parts anew, and the figures. All
other `python` blocks run, one after the other; what they print is promised by a `text` block right
after, or by `# …` behind a `print`. A figure that a page shows, `![…](name.svg)`, is the variable
`name` after its code has run; a picture, `![…](name.png)`, is a file.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from course import catalogue
from course.catalogue import STEPS, Step
from course.errors import CourseError

_PART = re.compile(r"<!-- (new code|difference)( without ([\w, ]+))? -->\n.*?<!-- end -->\n",
                   re.DOTALL)
_BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n*```text\n(.*?)^```\n)?",
                    re.DOTALL | re.MULTILINE)
_FIGURE = re.compile(r"!\[[^\]]*\]\((\w+)\.svg\)")


def generated(step: Step, kind: str, without: str = "") -> str:
    """One generated part of a page, with its comments.

    Parameters
    ----------
    without : the names of definitions that it leaves out, with commas.
    """
    names = without.split(", ") if without else []
    if kind == "new code":
        body = f"```python\n{catalogue.new_code(step.number, names)}```\n"
    else:
        body = ("<details><summary>The solution: what this step changes in the engine</summary>\n\n"
                f"```diff\n{catalogue.difference(step.number, names)}```\n\n</details>\n")
    head = f"{kind} without {without}" if without else kind
    return f"<!-- {head} -->\n{body}<!-- end -->\n"


def renewed(step: Step, text: str) -> str:
    """The text of a page with its generated parts as they should be."""
    return _PART.sub(lambda match: generated(step, match[1], match[3] or ""), text)


def plain(text: str) -> str:
    """A page without its generated parts: what a reader has before the solution is opened."""
    return _PART.sub("", text)


def generated_spans(text: str) -> list[tuple[int, int]]:
    """Where the generated parts of a page begin and end."""
    return [match.span() for match in _PART.finditer(text)]


def code_blocks(text: str) -> Iterator[tuple[int, str, str]]:
    """(line, code, promised output) of each block that runs."""
    hidden = generated_spans(text)
    for match in _BLOCK.finditer(text):
        if not any(begin <= match.start() < end for begin, end in hidden):
            yield text[:match.start()].count("\n") + 2, match[1], match[2] or ""


def figures_of(text: str) -> list[str]:
    """The names of the figures that a page shows."""
    return _FIGURE.findall(text)


def drawn(text: str) -> dict[str, str]:
    """The figures of a page, as SVG by their names, drawn by its code."""
    names, namespace = figures_of(text), {"__name__": "page"}
    if names:
        with contextlib.redirect_stdout(io.StringIO()):
            for _, code, _ in code_blocks(text):
                if not code.startswith("import torch"):
                    exec(code, namespace)
    return {name: namespace[name].svg for name in names}        # type: ignore[attr-defined]


# Curves in which rounding grows from step to step: only that they are drawn is compared.
CHAOTIC = {"deep_training"}     # the weights of one network begin too large


def alike(one: str, two: str, pixels: float = 0.6) -> bool:
    """Whether two figures are the same but for the rounding of another machine."""
    numbers = re.compile(r"-?\d+(?:\.\d+)?")
    if numbers.sub("", one) != numbers.sub("", two):
        return False
    return all(abs(float(a) - float(b)) <= pixels
               for a, b in zip(numbers.findall(one), numbers.findall(two)))


def notebook(text: str) -> dict[str, Any]:
    """A page as a Jupyter notebook (nbformat 4.5): its text in cells, in the same order.

    A block that runs is a code cell; everything between, the promised outputs included, is text.
    """
    cells: list[dict[str, Any]] = []
    hidden = generated_spans(text)
    position = 0
    for match in re.finditer(r"^```python\n(.*?)^```\n", text, re.DOTALL | re.MULTILINE):
        if any(begin <= match.start() < end for begin, end in hidden):
            continue
        _add(cells, "markdown", text[position:match.start()])
        _add(cells, "code", match[1])
        position = match.end()
    _add(cells, "markdown", text[position:])
    return {"nbformat": 4, "nbformat_minor": 5, "cells": cells, "metadata": {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"}}}


def _add(cells: list[dict[str, Any]], kind: str, source: str) -> None:
    source = source.strip("\n")
    if source:
        cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{len(cells)}", "metadata": {},
                                "source": source}
        if kind == "code":
            cell.update(execution_count=None, outputs=[])
        cells.append(cell)


def write_notebooks(folder: Path) -> list[Path]:
    """Write every page as a notebook into a folder, and its figures; returns the notebooks' paths.

    Raises
    ------
    CourseError
        The folder cannot be made or written.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for step in STEPS:
            path = folder / f"{step.folder.name}.ipynb"
            text = step.page.read_text(encoding="utf-8")
            path.write_text(json.dumps(notebook(text), indent=1, ensure_ascii=False) + "\n",
                            encoding="utf-8")
            written.append(path)
            for name in re.findall(r"!\[[^\]]*\]\((\w+\.\w+)\)", text):
                shutil.copy(step.folder / name, folder)
    except OSError as error:
        raise CourseError(f"notebooks cannot be written to {folder}: {error.strerror}") from None
    return written


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the generated parts and figures of all pages anew, or the notebooks into a folder."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given:
        for path in write_notebooks(Path(given[0])):
            print(path)
        return 0
    for step in STEPS:
        text = step.page.read_text(encoding="utf-8")
        new = renewed(step, text)
        if new != text:
            step.page.write_text(new, encoding="utf-8")
            print(f"renewed {step.page}")
        for name, svg in drawn(text).items():
            path = step.folder / f"{name}.svg"
            if not path.exists() or not alike(path.read_text(encoding="utf-8"), svg):
                path.write_text(svg, encoding="utf-8")
                print(f"drew {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
