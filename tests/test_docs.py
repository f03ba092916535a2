"""The code in docs/ runs, page by page, and prints what the page says.

A page's python blocks share one namespace, as a reader's session would. Blocks that begin
with the import of another framework run where it is installed, each page's in a namespace of their
own. What the blocks print is recorded for the site, see tools/site/outputs.py.
"""

import re
from pathlib import Path

import pytest
from page_code import can_run, is_plain, run_page

from tools.site import outputs
from tools.site.pages import written

ROOT = Path(__file__).parents[1]
PAGES = written()
DIRECTIVES = {"{toctree}", "{stepping}"}              # of Sphinx, for the site
FOR_FRAMEWORKS = [page for page in PAGES if not all(map(is_plain, outputs.blocks(page)))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_code_of_the_page(page, leave_no_primitives, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)         # pages may write pictures
    run_page(page, capsys, is_plain)


@pytest.mark.oracle
@pytest.mark.parametrize("page", FOR_FRAMEWORKS, ids=lambda page: page.stem)
def test_code_for_other_frameworks(page, capsys):
    run_page(page, capsys, lambda block: not is_plain(block) and can_run(block))


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
        languages = {fence.partition(" ")[0] for fence in fences[::2]}
        assert languages <= {"python", "text", "sh", ""} | DIRECTIVES, page.name


def test_the_pages_to_begin_with_have_code():
    for name in ("how-backward-works", "adding-an-operation", "gradient-checking", "architecture"):
        assert outputs.blocks(ROOT / "docs" / f"{name}.md"), name


def test_the_glossary_is_in_the_order_of_the_alphabet_and_names_each_term_once():
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\*.*?\*) \| (.+?) \| (.+) \|$", text, re.MULTILINE)
    firsts = [row[0].split("*")[1].lower() for row in rows]
    terms = [term.lower() for row in rows for term in re.findall(r"\*(.+?)\*", row[0])]
    assert firsts == sorted(firsts) and len(set(terms)) == len(terms) > 40
    assert all(what.endswith(".") and "](" in more for _, what, more in rows)


def test_links_to_a_heading_find_it():
    for page in PAGES:
        for target, anchor in re.findall(r"\]\(([^)#: ]*)#([^)]+)\)",
                                         page.read_text(encoding="utf-8")):
            goal = (page.parent / target) if target else page
            headings = re.findall(r"^#+ (.*)$", goal.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
                     for heading in headings}
            assert anchor in slugs, f"{page.name}: {target}#{anchor}"
