"""The README's code runs, and says what it says."""

import re
import shutil
from pathlib import Path

import pytest
from page_code import is_plain, run_page

from nst import demo

PAGE = Path(__file__).parents[1] / "README.md"
README = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def smaller(block):
    return block.replace("size=400, iterations=200", "size=64, iterations=2")


@pytest.fixture
def with_pictures(tmp_path, monkeypatch):
    shutil.copy(demo.scene_path(), tmp_path / "photograph.jpg")
    shutil.copy(demo.painting_path(), tmp_path / "painting.jpg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NST_WEIGHTS", "random:0")
    return tmp_path


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n")[0])
def test_python_block(block, with_pictures, leave_no_primitives, capsys):
    exec(compile(smaller(block), "README.md", "exec"), {})
    promised = re.findall(r"print\(.*\)\s*# (.*)", block)
    assert capsys.readouterr().out.splitlines() == promised
    if "stylize" in block:
        assert smaller(block) != block and (with_pictures / "result.png").stat().st_size > 0


def test_its_lines_run_one_after_the_other(with_pictures, leave_no_primitives, capsys):
    """As a reader types them in one session."""
    run_page(PAGE, capsys, is_plain, smaller)
    assert (with_pictures / "page.html").read_text(encoding="utf-8").startswith("<!")


def test_it_names_the_two_commands():
    commands = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)
    assert any(line.endswith("-m nst.run") for line in commands)
    assert any(line.endswith("-m pytest -n auto") for line in commands)
    assert len(BLOCKS) >= 3


def test_files_that_it_points_to_exist():
    root = Path(__file__).parents[1]
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (root / target).exists(), target


def test_its_first_screen_leads_to_the_course():
    first_screen = "\n".join(README.splitlines()[:15])
    assert "](course/README.md)" in first_screen and "python -m course" in first_screen
