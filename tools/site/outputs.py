"""The output of the code on the pages, as recorded by the tests.

The tests run every `python` block of a page. With WRITE_OUTPUTS=1 they write what each block
printed into docs/outputs/, one JSON file for each page: the digest of the block and of all blocks
before it, which share one namespace, and the lines. The site shows these lines where the page's
own text leaves something out with `...`, and its build fails where a block has no record, because
somebody changed the code and ran no tests.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from course import pages as course_pages
from tools.site.pages import DOCS, ROOT

RECORDS = DOCS / "outputs"
WRITE = "WRITE_OUTPUTS"         # the environment variable

FRAMEWORK = re.compile(r"import (torch|jax)\b")
_BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n*```text\n(.*?)^```\n)?",
                    re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of code that runs, and the text block after it.

    Attributes
    ----------
    line : of the page, where the code begins.
    text : what the page says it prints; empty where comments say it, or nothing is printed.
    span : where the text stands in the page, as a pair of places.
    digest : of the code of this block and of those before it.
    """

    line: int
    code: str
    text: str
    span: tuple[int, int]
    digest: str

    @property
    def framework(self) -> str:
        """`torch` or `jax`, if the block runs only where that is installed, else nothing."""
        match = FRAMEWORK.match(self.code)
        return match[1] if match else ""


def blocks(page: Path) -> list[Block]:
    """The blocks of a page that run, in their order."""
    return list(blocks_of(page.read_text(encoding="utf-8")))


def blocks_of(text: str) -> Iterator[Block]:
    """The blocks of a page's text that run.

    The parts of a course page that are generated from its engine are shown and not run. A block
    for another framework has a separate namespace, so its digest is separate as well.
    """
    hidden = course_pages.generated_spans(text)
    digests = {True: hashlib.sha256(), False: hashlib.sha256()}
    for match in _BLOCK.finditer(text):
        if any(begin <= match.start() < end for begin, end in hidden):
            continue
        digest = digests[bool(FRAMEWORK.match(match[1]))]
        digest.update(match[1].encode())
        yield Block(text[:match.start()].count("\n") + 2, match[1], match[2] or "",
                    match.span(2), digest.hexdigest()[:16])


def record_path(page: Path) -> Path:
    """The file with the outputs of a page."""
    if page.is_relative_to(DOCS):
        return (RECORDS / page.relative_to(DOCS)).with_suffix(".json")
    if page.parent == ROOT:
        return RECORDS / "project" / f"{page.stem}.json"
    return RECORDS / page.relative_to(ROOT).parts[0] / f"{page.parent.name}.json"


def recorded(page: Path) -> dict[str, list[str]]:
    """The lines that each block printed, by its digest."""
    path = record_path(page)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write(page: Path, printed: Iterable[tuple[Block, list[str]]]) -> None:
    """Record outputs; those of blocks that the page no longer has are dropped."""
    found = {**recorded(page), **{block.digest: lines for block, lines in printed}}
    current = {block.digest: found[block.digest] for block in blocks(page) if block.digest in found}
    path = record_path(page)
    if current:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(current, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    else:
        path.unlink(missing_ok=True)


def missing(page: Path) -> list[int]:
    """The lines of the blocks whose output is not recorded, or was that of other code."""
    known = recorded(page)
    return [block.line for block in blocks(page) if block.digest not in known]


def completed(text: str, known: dict[str, list[str]]) -> str:
    """A page's text with what its code printed in full, where it says `...`."""
    for block in reversed(list(blocks_of(text))):
        if "..." in block.text and block.digest in known:
            begin, end = block.span
            text = text[:begin] + "\n".join(known[block.digest]) + "\n" + text[end:]
    return text
