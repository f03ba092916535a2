"""The code in docs/ runs, page by page, and prints what the page says.

A page's python blocks share one namespace, as a reader's session would. What a block prints is
promised by ``# ...`` after ``print(...)``, or by a text block right after it, in which ``...``
stands for anything. Blocks that begin with the import of another framework run where it is
installed, each page's in a namespace of their own.
"""

import importlib.util
import linecache
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n*```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)

FRAMEWORK = re.compile(r"import (torch|jax)\b")


def promised(block, text):
    """The lines that a block is said to print."""
    return re.findall(r"print\(.*\)\s*# (.*)", block) + text.splitlines()


def agrees(printed, line):
    return re.fullmatch(re.escape(line).replace(re.escape("..."), ".*"), printed)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_code_of_the_page(page, leave_no_primitives, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)         # pages may write pictures
    run(page, capsys, lambda block: not FRAMEWORK.match(block))


@pytest.mark.oracle
@pytest.mark.parametrize("page", [page for page in PAGES if any(
    FRAMEWORK.match(match[1]) for match in BLOCK.finditer(page.read_text(encoding="utf-8")))],
    ids=lambda page: page.stem)
def test_code_for_other_frameworks(page, capsys):
    run(page, capsys, lambda block: (first := FRAMEWORK.match(block))
        and importlib.util.find_spec(first[1]))


def run(page, capsys, chosen):
    """Run the chosen blocks of a page."""
    text = page.read_text(encoding="utf-8")
    namespace = {"__name__": page.stem}
    for match in BLOCK.finditer(text):
        block = match[1]
        if not chosen(block):
            continue
        where = f"{page.name}:{text[:match.start()].count(chr(10)) + 2}"
        # Let tracebacks, trace() and gradcheck() find the source of what is defined here.
        linecache.cache[where] = (len(block), None, block.splitlines(keepends=True), where)
        exec(compile(block, where, "exec"), namespace)
        printed, lines = capsys.readouterr().out.splitlines(), promised(block, match[2] or "")
        assert len(printed) == len(lines) and all(map(agrees, printed, lines)), (
            f"{where} prints\n" + "\n".join(printed) + "\nbut promises\n" + "\n".join(lines))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_the_page_points_to_exists(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target
    for path in re.findall(r"`((?:minigrad|tests|nst|examples|benchmarks)/[\w/.]*)`", text):
        assert (ROOT / path).exists(), path


def test_every_code_block_is_closed_and_of_a_known_language():
    """A block called "py" would be skipped by the test above, and nobody would notice."""
    for page in PAGES:
        fences = re.findall(r"^ *```(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert not any(fences[1::2]) and len(fences) % 2 == 0, page.name
        assert set(fences[::2]) <= {"python", "text", "sh", ""}, page.name


def test_the_pages_to_begin_with_have_code():
    for name in ("how-backward-works", "adding-an-operation", "gradient-checking", "architecture"):
        assert BLOCK.search((ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")), name
