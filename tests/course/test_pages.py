"""The pages of the course: their code runs, and what they show of the engine is the engine."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from page_code import is_plain, run_page

from course import catalogue, pages
from course.catalogue import PARTS, STEPS
from tools.site import outputs

ROOT = Path(__file__).parents[2]
MAX_LINES = 600                # of the engine at the end of the course
MAX_WORDS = 3_000              # of a page: 40 minutes, with formulas and code among them
MAX_FIGURE = 60_000            # bytes

each_step = pytest.mark.parametrize("step", STEPS, ids=lambda step: step.folder.name)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Another working directory: the code of a page may write pictures."""
    monkeypatch.chdir(tmp_path)


def text_of(step):
    return step.page.read_text(encoding="utf-8")


@each_step
def test_code_of_the_page(step, capsys, elsewhere):
    namespace = run_page(step.page, capsys, is_plain)
    shown = pages.figures_of(text_of(step))
    assert {path.stem for path in step.folder.glob("*.svg")} == set(shown)
    for name in shown:
        kept = (step.folder / f"{name}.svg").read_text(encoding="utf-8")
        pixels = float("inf") if name in pages.CHAOTIC else 0.6
        same = pages.alike(kept, namespace[name].svg, pixels)
        assert same, f"{name}: run `python -m course.pages`"


@pytest.mark.oracle
@each_step
def test_how_pytorch_does_it(step, capsys, elsewhere):
    """Every page compares with PyTorch, in numbers."""
    pytest.importorskip("torch")
    assert not all(map(is_plain, outputs.blocks(step.page)))
    run_page(step.page, capsys, lambda block: True)


@each_step
def test_the_difference_shown_is_the_real_one(step):
    text = text_of(step)
    assert pages.renewed(step, text) == text, "run `python -m course.pages`"
    assert len(re.findall(r"<!-- new code.* -->", text)) == 1
    assert len(re.findall(r"<!-- difference.* -->", text)) == 1
    assert text.count("<!-- end -->") == 2


@each_step
def test_the_page_before_its_solution_does_not_tell_it(step):
    """The lines that fill the holes stand in the folded part only."""
    shown = pages.plain(text_of(step))
    solved = catalogue.engine(step.number).splitlines()
    opened = catalogue.exercise(step.number).splitlines()
    for line in set(map(str.strip, solved)) - set(map(str.strip, opened)):
        assert len(line) < 12 or line not in shown, line


@each_step
def test_the_parts_of_a_page(step):
    text = text_of(step)
    assert text.startswith(f"# {step.number}. {step.title}\n\n*You need: ")
    headings = re.findall(r"^## (.*)", text, re.MULTILINE)
    assert [h for h in headings if h in ("The exercise", "What you have now",
                                         "How PyTorch does it", "Questions to think about")] == [
        "The exercise", "What you have now", "How PyTorch does it", "Questions to think about"]
    assert 400 < len(re.findall(r"\w+", pages.plain(text))) <= MAX_WORDS
    assert f"`python -m course start {step.number}`" in text
    fences = re.findall(r"^```(.*)$", text, re.MULTILINE)
    assert not any(fences[1::2]) and set(fences[::2]) <= {"python", "text", "diff"}


@each_step
def test_three_hints(step):
    hints = step.hints()
    assert len(hints) == 3 and all(len(hint) > 80 for hint in hints)


def test_the_steps_are_in_the_order_of_the_parts_and_all_folders_are_steps():
    assert [PARTS.index(step.part) for step in STEPS] == sorted(
        PARTS.index(step.part) for step in STEPS)
    assert {path.name for path in catalogue.FOLDER.glob("step*")} == {
        step.folder.name for step in STEPS}


def test_the_engine_stays_readable():
    for step in STEPS:
        source = catalogue.engine(step.number)
        assert len(source.splitlines()) <= MAX_LINES
        assert max(map(len, source.splitlines())) <= 100
        assert "# hole" not in source and "# end" not in source
        assert "NotImplementedError" in catalogue.exercise(step.number)


def test_the_readme_lists_the_steps_with_their_lines():
    readme = (ROOT / "course/README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| \[(.*)\]\((.*)\) \| (\d+) \|", readme, re.MULTILINE)
    assert rows == [(str(step.number), step.title, f"steps/{step.folder.name}/page.md",
                     str(len(catalogue.engine(step.number).splitlines()))) for step in STEPS]


@each_step
def test_a_page_is_a_notebook(step):
    book = pages.notebook(text_of(step))
    assert len({cell["id"] for cell in book["cells"]}) == len(book["cells"])
    assert [cell["source"] for cell in book["cells"] if cell["cell_type"] == "code"] == [
        code.strip("\n") for _, code, _ in pages.code_blocks(text_of(step))]
    everything = "\n".join(cell["source"] for cell in book["cells"])
    for line in filter(None, text_of(step).splitlines()):
        assert line in everything or line == "```" or line == "```python"


def test_figures_have_one_name_each_and_are_small():
    paths = list(catalogue.FOLDER.glob("*/*.svg"))
    assert len({path.name for path in paths}) == len(paths)     # notebooks lie in one folder
    assert all(path.stat().st_size < MAX_FIGURE for path in paths)


def test_figures_are_compared_within_a_pixel():
    one = pages.drawn("```python\nfrom course.figures import curves\n"
                      "f = curves({'a': [1, 2, 4]}, 'x', 'y')\n```\n![](f.svg)")["f"]
    assert pages.alike(one, one) and not pages.alike(one, one.replace("M", "L"))
    assert pages.alike("<path d='M1.2 3'/>", "<path d='M1.6 3'/>")
    assert not pages.alike("<path d='M1.2 3'/>", "<path d='M9.2 3'/>")


@pytest.mark.slow
def test_the_notebooks_run(tmp_path):
    """Cell by cell, each notebook in a Python of its own, as Jupyter would."""
    for path in pages.write_notebooks(tmp_path):
        book = json.loads(path.read_text(encoding="utf-8"))
        code = "\n\n".join(cell["source"] for cell in book["cells"] if cell["cell_type"] == "code"
                           and not cell["source"].startswith("import torch"))
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True,
                       env={**os.environ, "PYTHONPATH": str(ROOT)})
