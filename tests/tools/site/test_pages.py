"""Pages from elsewhere in the repository, and links between all of them."""

import re

import pytest

from course.catalogue import STEPS
from tools.site import pages
from tools.site.pages import DOCS, ROOT, with_links

PLACES = pages.outside()


@pytest.mark.parametrize("link, shown", [
    ("[a](../docs/gpu.md)", "[a](../gpu.md)"),
    ("[a](steps/step01_nudging/page.md#x)", "[a](step01_nudging.md#x)"),
    ("[a](../README.md)", "[a](../project/readme.md)"),
    ("[a](../benchmarks/results)", "[a](../project/results/index.md)"),
    ("[a](../benchmarks/results/seeds_avx512.json)",
     "[a](../../benchmarks/results/seeds_avx512.json)"),
    ("[a](../examples) [b]", "a [b]"),
    ("[a](https://example.org/a.md) [b](#here)", "[a](https://example.org/a.md) [b](#here)"),
    ("![a](../docs/images/reconstruct.jpg)", "![a](../images/reconstruct.jpg)"),
])
def test_links_of_a_page_that_is_shown_elsewhere(link, shown):
    readme = ROOT / "course/README.md"
    assert with_links(link, readme, DOCS / "course/index.md", PLACES) == shown


def test_every_page_outside_is_there_and_has_a_name_of_its_own():
    assert all(path.is_file() for path in PLACES)
    assert len(set(PLACES.values())) == len(PLACES)


def test_the_course_is_read_from_its_catalogue():
    written = {}
    pages.copy_all(lambda name, text: written.update({name: text}))
    assert {f"course/{step.folder.name}" for step in STEPS} <= set(written)
    listed = re.findall(r"^step\d\d_\w+$", written["course/index"], re.MULTILINE)
    assert listed == [step.folder.name for step in STEPS]


def test_what_an_earlier_build_wrote_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "DOCS", tmp_path)
    (tmp_path / "course").mkdir()
    (tmp_path / "course/step99_gone.md").write_text("old")
    (tmp_path / "written_by_hand.md").write_text("stays")
    folder = pages.Folder()
    folder.write("course/index", "new")
    folder.clean()
    assert sorted(path.name for path in tmp_path.rglob("*.md")) == [
        "index.md", "written_by_hand.md"]
