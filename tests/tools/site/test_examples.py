"""Each example has a page, and the page shows what the example prints and draws now."""

import re

import pytest
from PIL import Image

from tools.site import examples

ALL = examples.all_examples()
LONG = re.compile(r"--steps|--epochs|--iterations")


def test_every_program_has_a_page():
    """A program has a command line of its own; the other modules of examples/ are parts."""
    programs = {path.stem if path.parent.name == "examples" else path.parent.name
                for path in (examples.ROOT / "examples").glob("**/*.py")
                if "__main__" in path.read_text(encoding="utf-8")} - {"examples"}
    pages = {path.stem for path in (examples.DOCS / "examples").glob("*.md")} - {"index"}
    assert programs == pages
    index = (examples.DOCS / "examples/index.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\((\w+)\.md\)", index) and set(
        re.findall(r"\]\((\w+)\.md\)", index)) == pages


@pytest.mark.parametrize("example", ALL, ids=lambda example: example.name)
def test_what_the_page_shows_is_recorded_and_current(example):
    assert not example.is_stale(), f"run python -m tools.site.examples {example.name}"
    text = example.page.read_text(encoding="utf-8")
    assert f"](../images/examples/{example.plot})" in text and "## What one sees" in text
    with Image.open(example.picture) as picture:
        assert picture.width <= examples.WIDTH and example.picture.stat().st_size < 200_000


@pytest.mark.parametrize("printed, promised, right", [
    (["a", "b"], ["a", "b"], True), (["a", "b"], ["a"], False), ([], [], False),
    (["a 1.5 s"], ["a ... s"], True), (["a", "b", "c"], ["a", "...", "c"], True),
    (["a", "c"], ["a", "...", "c"], False), (["a.b"], ["a+b"], False)])
def test_lines_as_a_page_promises_them(printed, promised, right):
    assert examples.agrees(printed, promised) == right


def test_another_command_makes_a_page_stale(tmp_path):
    page = tmp_path / "perceptron.md"
    text = (examples.DOCS / "examples/perceptron.md").read_text(encoding="utf-8")
    page.write_text(text.replace("perceptron --plot", "perceptron --seed 1 --plot"))
    assert examples.found(page).is_stale()


@pytest.mark.slow
@pytest.mark.parametrize("example", [one for one in ALL if not LONG.search(one.command)],
                         ids=lambda example: example.name)
def test_it_still_prints_this(example, monkeypatch, tmp_path):
    """The quick ones are run again."""
    monkeypatch.setattr(examples, "DOCS", tmp_path)
    assert examples.agrees(examples.run(example), example.text.splitlines())
    assert example.picture.is_relative_to(tmp_path) and example.picture.exists()
