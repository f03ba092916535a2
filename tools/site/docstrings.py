"""A docstring of this project as reStructuredText.

Docstrings are plain text with three conventions: `code` in backticks, indented lines for literal
text, and sections with an underlined heading (Parameters, Returns, Raises …) whose
entries are `name : what it is`. All other characters are meant literally, so they are escaped: no
asterisk or underscore of a formula can start markup, or break the build.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

_ROLE = re.compile(r":[a-z:]+:(?=`)")
_CODE = re.compile(r"``?([^`\n]+(?:\n[^`\n]+)?)``?")
_SPECIAL = re.compile(r"([\\*_|`<>\[\]])")
_ITEM = re.compile(r"(-|\d+\.) +")


def as_rst(docstring: str) -> str:
    """A whole docstring as reStructuredText."""
    text = inspect.cleandoc(docstring or "")
    return "\n\n".join(filter(None, (_section(title, lines) for title, lines in _sections(text))))


def summary(docstring: str) -> str:
    """The first paragraph of a docstring, as plain text in one line."""
    return " ".join(inspect.cleandoc(docstring or "").partition("\n\n")[0].split())


def prose(text: str) -> str:
    """Text of a paragraph: code as code, everything else literally."""
    text = _ROLE.sub("", text)
    return "".join(_code(part) if place % 2 else _SPECIAL.sub(r"\\\1", part)
                   for place, part in enumerate(_CODE.split(text)))


def _code(text: str) -> str:
    """Code within a line; a backslash is doubled, since it would be read as an escape."""
    return ":code:`" + " ".join(text.split()).replace("\\", "\\\\") + "`"


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    """(heading, lines) of each section; the first one has no heading."""
    title = ""
    lines: list[str] = []
    rows = iter(text.splitlines())
    for row in rows:
        if row and set(row) == {"-"} and lines and lines[-1].strip():
            heading = lines.pop()
            yield title, lines
            title, lines = heading, []
        else:
            lines.append(row)
    yield title, lines


def _section(title: str, lines: list[str]) -> str:
    if not title:
        return _body(lines)
    entries = list(_entries(lines))
    if title in ("Returns", "Yields", "Notes", "References", "Examples"):
        content = _body(lines)
    else:
        content = "\n".join(_entry(name, said) for name, said in entries)
    return f".. rubric:: {title}\n\n{content}" if content else ""


def _entries(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """(head, indented lines below it) of each entry of a section."""
    head = ""
    below: list[str] = []
    for line in lines:
        if line.strip() and not line[0].isspace():
            if head:
                yield head, below
            head, below = line, []
        else:
            below.append(line)
    if head:
        yield head, below


def _entry(head: str, below: list[str]) -> str:
    """One entry of a definition list: `name : type or text`, with more text below it."""
    name, _, said = head.partition(" : ")
    name = name.removesuffix(" :")              # what it is follows below
    more = inspect.cleandoc("\n" + "\n".join(below)).strip()
    if said and more and more[0].isupper() and said[-1] not in ".:;,":
        said += "."                             # a type, and then a sentence
    text = "\n".join(filter(None, (said, more))) or name
    if text == name:
        return f"* {prose(name)}\n"
    return _code(name) + "\n" + _indented(_body(text.splitlines())) + "\n"


def _body(lines: list[str]) -> str:
    """Paragraphs, lists and indented blocks."""
    return "\n\n".join(_block(block) for block in _blocks(lines))


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    """Runs of lines: paragraphs end at a blank line, indented runs where the indentation ends."""
    block: list[str] = []
    for line in lines:
        inside = bool(block) and block[0][:1].isspace()
        if not line.strip():
            if inside:
                block.append("")
            elif block:
                yield block
                block = []
        elif block and inside != line[:1].isspace() and not (
                not inside and _ITEM.match(block[0])):
            yield block
            block = [line]
        else:
            block.append(line)
    if block:
        yield block


def _block(lines: list[str]) -> str:
    if lines[0][:1].isspace() or lines[0].startswith(">>> "):
        return "::\n\n" + _indented(inspect.cleandoc("\n" + "\n".join(lines)), 4)
    if _ITEM.match(lines[0]):
        return "\n".join(f"* {_indented(prose(item), 2).strip()}" for item in _items(lines))
    return prose("\n".join(line.strip() for line in lines))


def _items(lines: list[str]) -> list[str]:
    """The items of a list, each as one paragraph."""
    items: list[str] = []
    for line in lines:
        match = None if line[:1].isspace() else _ITEM.match(line)
        if match or not items:
            items.append(line[match.end():] if match else line)
        else:
            items[-1] += "\n" + line.strip()
    return items


def _indented(text: str, by: int = 4) -> str:
    return "\n".join(" " * by + line if line else "" for line in text.splitlines())
