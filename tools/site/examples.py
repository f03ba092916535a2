"""The pages of the examples: each shows what its command prints and draws.

    python -m tools.site.examples NAME …    # run and record these; without a name, the stale ones

A page docs/examples/NAME.md has one command `python -m examples.NAME … --plot NAME.png`, the text
that it prints (where `...` stands for any text within a line, and alone for any lines), and the
plot. The record, docs/outputs/examples/NAME.json, belongs to one command and one source text of
the example. Where either has changed since, the build of the site fails.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from minigrad.stdio import robust_stdio
from tools.site.commands import run_command
from tools.site.pages import DOCS, ROOT

WIDTH = 1400            # pixels of a plot on the site, at most
COLORS = 64             # of its palette
_COMMAND = re.compile(r"^```sh\n(python -m examples\.(\w+) .*--plot (\w+\.png))\n```\n\n"
                      r"```text\n(.*?)^```\n", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """A page of docs/examples with a command whose output it shows."""

    page: Path
    command: str
    module: str
    plot: str
    text: str
    span: tuple[int, int]

    @property
    def name(self) -> str:
        return self.page.stem

    @property
    def record(self) -> Path:
        return DOCS / f"outputs/examples/{self.name}.json"

    @property
    def picture(self) -> Path:
        return DOCS / "images/examples" / self.plot

    def digest(self) -> str:
        """The digest of the command and the source, to which the recorded output belongs."""
        source = (ROOT / f"examples/{self.module}.py").read_bytes()
        return hashlib.sha256(self.command.encode() + b"\0" + source).hexdigest()[:16]

    def printed(self) -> list[str]:
        """The recorded lines; empty if there is no record, or it belongs to something else."""
        if not self.record.exists() or not self.picture.exists():
            return []
        known = json.loads(self.record.read_text(encoding="utf-8"))
        return known["printed"] if known["digest"] == self.digest() else []

    def is_stale(self) -> bool:
        """Whether the page promises other lines than those recorded, or nothing is recorded."""
        return not agrees(self.printed(), self.text.splitlines())


def found(page: Path) -> Example | None:
    """The example that a page shows, if it shows one."""
    match = _COMMAND.search(page.read_text(encoding="utf-8"))
    return Example(page, match[1], match[2], match[3], match[4], match.span(4)) if match else None


def all_examples() -> list[Example]:
    """The examples of all pages in docs/examples."""
    pages = sorted((DOCS / "examples").glob("*.md"))
    return [example for page in pages if (example := found(page))]


def agrees(printed: Sequence[str], promised: Sequence[str]) -> bool:
    """Whether the printed lines are those that a page promises."""
    parts = [".*(?:\n.*)*" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*")
             for line in promised]
    return bool(printed) and bool(re.fullmatch("\n".join(parts), "\n".join(printed)))


def completed(text: str, example: Example) -> str:
    """A page's text with everything that the command printed."""
    begin, end = example.span
    return text[:begin] + "\n".join(example.printed()) + "\n" + text[end:]


def run(example: Example) -> list[str]:
    """Run an example as its page says; keep its plot, and return what it printed.

    Raises
    ------
    CalledProcessError
        The example failed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        printed = run_command(example.command, scratch)
        with Image.open(Path(scratch, example.plot)) as image:
            image.thumbnail((WIDTH, WIDTH), Image.Resampling.LANCZOS)
            example.picture.parent.mkdir(parents=True, exist_ok=True)
            image.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE).save(
                example.picture, optimize=True)
    return [line.rstrip() for line in printed.splitlines()]


@robust_stdio()
def main(names: Sequence[str]) -> int:
    """Run and record some examples; returns the exit status."""
    wrong = 0
    for example in all_examples():
        if example.name in names or (not names and example.is_stale()):
            print(example.command, flush=True)
            example.record.parent.mkdir(parents=True, exist_ok=True)
            example.record.write_text(json.dumps(
                {"digest": example.digest(), "printed": run(example)}, indent=1,
                ensure_ascii=False) + "\n", encoding="utf-8")
            if example.is_stale():
                print("    printed something else than the page says:", *example.printed(),
                      sep="\n    ")
                wrong = 1
    return wrong


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.site.examples", description=(
        "Run examples and record what they print and draw for their pages."))
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[
        [], *(example.name for example in all_examples())],
        help="an example (default: all whose command or source has changed)")
    sys.exit(main(parser.parse_args().names))
