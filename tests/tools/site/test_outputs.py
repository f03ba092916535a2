"""What the site knows of the code on its pages, and how it finds what is stale."""

import pytest

from tools.site import outputs

PAGE = """\
# A page

```python
x = 1
print(x)        # 1
```

```python
print("one", x)
```

```text
one ...
```

<!-- new code -->
```python
raise NotImplementedError
```
<!-- end -->

```python
import torch
```
"""


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setattr(outputs, "DOCS", tmp_path)
    monkeypatch.setattr(outputs, "RECORDS", tmp_path / "outputs")
    path = tmp_path / "part/page.md"
    path.parent.mkdir()
    path.write_text(PAGE, encoding="utf-8")
    return path


def test_the_blocks_that_run(page):
    first, second, third = outputs.blocks(page)
    assert (first.line, first.code, first.text) == (4, "x = 1\nprint(x)        # 1\n", "")
    assert (second.line, second.text) == (9, "one ...\n")
    assert third.framework == "torch" and not first.framework


def test_a_record_holds_until_the_code_changes(page):
    first, second, third = outputs.blocks(page)
    assert outputs.missing(page) == [4, 9, 23]
    outputs.write(page, [(first, ["1"]), (second, ["one 1"]), (third, [])])
    assert outputs.missing(page) == []
    page.write_text(PAGE.replace("\nprint(x)", "\n\nprint(x)"), encoding="utf-8")
    assert outputs.missing(page) == [4, 10]         # the second runs after the first
    page.write_text(PAGE.replace("# A page", "# A page\n\nMore words."), encoding="utf-8")
    assert outputs.missing(page) == []


def test_a_record_drops_what_the_page_no_longer_has(page):
    first, second, _ = outputs.blocks(page)
    outputs.write(page, [(first, ["1"]), (second, ["one 1"])])
    page.write_text("# No code", encoding="utf-8")
    outputs.write(page, [])
    assert not outputs.record_path(page).exists()


def test_what_was_left_out_is_shown_in_full(page):
    first, second, _ = outputs.blocks(page)
    known = {first.digest: ["1"], second.digest: ["one 1", "two"]}
    assert outputs.completed(PAGE, known) == PAGE.replace("one ...", "one 1\ntwo")
    assert outputs.completed(PAGE, {}) == PAGE


def test_records_of_pages_of_one_name_are_apart():
    docs = outputs.DOCS
    assert outputs.record_path(docs / "a.md") == docs / "outputs/a.json"
    assert outputs.record_path(docs / "part/a.md") == docs / "outputs/part/a.json"
    assert outputs.record_path(outputs.ROOT / "course/steps/step01_a/page.md") == (
        docs / "outputs/course/step01_a.json")
