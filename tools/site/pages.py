"""Pages that live elsewhere in the repository, and links between all pages.

Sphinx reads one folder. Pages outside docs/ are copied into it, under the names of `OUTSIDE`, with
their links changed to fit; git ignores the copies. A page of docs/ is read where it is, and only
its links to the pages outside are changed.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from course.catalogue import PARTS, STEPS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MADE = ("course", "project", "api")         # folders of docs/ that hold nothing but copies

# The end of a link to a file or picture; not of a link to an address, or to a place in its page.
LINK = re.compile(r"\]\((?![a-z]+:|#)([^)\s#]+)(#[^)\s]*)?\)")
_NO_LINK = "]\0"         # the end of a link that the site does not keep


def written() -> list[Path]:
    """The pages of docs/ that are written there, in the order of their names."""
    return sorted(path for path in DOCS.rglob("*.md")
                  if path.relative_to(DOCS).parts[0] not in MADE)


def outside() -> dict[Path, str]:
    """Pages outside docs/, and the documents of the site that show them."""
    results = ROOT / "benchmarks/results"
    return {
        ROOT / "README.md": "project/readme",
        ROOT / "course/README.md": "course/index",
        **{step.page: f"course/{step.folder.name}" for step in STEPS},
        ROOT / "CHANGELOG.md": "project/changes",
        ROOT / "nst/model/data/README.md": "project/small-network",
        ROOT / "benchmarks/README.md": "project/benchmarks",
        results / "README.md": "project/results/index",
        **{path: f"project/results/{path.stem}" for path in sorted(results.glob("*.md"))
           if path.name != "README.md"},
    }


def copy_all(write: Callable[[str, str], None]) -> None:
    """Hand `write` the name and the text of every page outside docs/."""
    places = outside()
    for path, name in places.items():
        text = path.read_text(encoding="utf-8")
        text = with_links(text, path, DOCS / f"{name}.md", places)
        if name == "course/index":
            text += _contents_of_the_course()
        if name == "project/results/index":
            text += _contents(sorted(Path(other).name for other in places.values()
                                     if other.startswith("project/results/") and other != name))
        write(name, text)


def with_links(text: str, origin: Path, place: Path, places: dict[Path, str]) -> str:
    """A page's text with its links adjusted from `origin` to `place`.

    Links between pages become links between documents, links to other files of the repository
    relative paths, from which the site makes downloads. A link to a folder becomes a link to its
    README, if that is a page, and plain text if not.
    """
    def link(match: re.Match[str]) -> str:
        target = (origin.parent / match[1]).resolve()
        if target.is_dir():
            target = target / "README.md"
            if target not in places:
                return _NO_LINK
        if target in places:
            target = DOCS / f"{places[target]}.md"
        return f"]({os.path.relpath(target, place.parent)}{match[2] or ''})"

    return re.sub(rf"\[([^\[\]]*){re.escape(_NO_LINK)}", r"\1", LINK.sub(link, text))


def _contents(names: list[str], caption: str = "") -> str:
    options = f":caption: {caption}\n" if caption else ""
    return f"\n```{{toctree}}\n:hidden:\n{options}\n" + "\n".join(names) + "\n```\n"


def _contents_of_the_course() -> str:
    return "".join(_contents([step.folder.name for step in STEPS if step.part == part], part)
                   for part in PARTS if any(step.part == part for step in STEPS))


class Folder:
    """The generated documents below docs/: written if they changed, and nothing else stays."""

    def __init__(self) -> None:
        self.written: set[Path] = set()

    def write(self, name: str, text: str, suffix: str = ".md") -> None:
        """Write one document; Sphinx reads only what has changed since its last build."""
        path = DOCS / f"{name}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.written.add(path)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")

    def clean(self) -> None:
        """Remove what earlier builds wrote and this one did not."""
        for folder in MADE:
            for path in sorted((DOCS / folder).rglob("*"), reverse=True):
                if path.is_dir():
                    if not any(path.iterdir()):
                        shutil.rmtree(path)
                elif path not in self.written:
                    path.unlink()
