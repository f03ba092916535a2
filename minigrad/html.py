"""Self-contained HTML: a document frame, a template filler, parts for notebooks."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from minigrad.printable import escape_controls

DOCUMENT = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
      content="default-src 'none'; style-src 'unsafe-inline'; {{scripts}}img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{{title}}</title>
<style>{{style}}</style>
</head>
{{body}}</html>
"""


def document(title: str, style: str, body: str, *, scripts: bool = False) -> str:
    """Return a complete page that cannot load anything from elsewhere.

    Parameters
    ----------
    title : str
        Plain text.
    style : str
        CSS.
    body : str
        The body element, as HTML.
    scripts : bool
        Whether scripts inside the page may run.
    """
    allowed = "script-src 'unsafe-inline'; " if scripts else ""
    return fill(DOCUMENT, {"scripts": allowed, "title": escaped(title), "style": style,
                           "body": body})


def fill(template: str, parts: Mapping[str, str]) -> str:
    """Replace each `{{name}}` in a template by its part. Names within parts are left alone."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)


# ------------------------------------------------------- parts of pages, for notebooks

# Styles are inline, since a notebook's page is not ours; colours are those of its theme.
_LINE = "border: 1px solid rgba(128, 128, 128, 0.4)"
_CELL = f"{_LINE}; padding: 2px 8px; vertical-align: top"
# Colour of text in a drawing: the contrast is the same on white as on black.
INK = "#757575"
MIN_WIDTH = 480     # pixels: narrower drawings of text at 12 pixels cannot be read
MONO = "font-family: ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"


class Markup(str):
    """Text that is HTML already, and is not escaped again."""

    __slots__ = ()


def escaped(value: object) -> str:
    """The text of a value as HTML; `Markup` stays as it is.

    Characters that control a line, as those that reverse the direction of writing, become "�".
    """
    if isinstance(value, Markup):
        return value
    return escape(escape_controls(str(value), lambda letter: "�"))


def table(rows: Iterable[Sequence[object]], header: Sequence[object] = (), caption: str = ""
          ) -> Markup:
    """A table in the colours of the page that it stands in; columns of numbers stand at the right.

    Parameters
    ----------
    rows, header : the cells; `Markup` is not escaped.
    """
    title = f'<caption style="text-align: left; caption-side: top; padding: 4px 0">' \
            f'{escape(caption)}</caption>' if caption else ""
    body = [list(row) for row in rows]
    sides = ["left", *("right" if all(map(_is_number, column)) else "left"
                       for column in list(zip(*body))[1:])]
    head = "".join(f'<th scope="col" style="{_CELL}; text-align: {side}">{escaped(cell)}</th>'
                   for cell, side in zip(header, sides if body else ["left"] * len(header)))
    lines = []
    for row in body:
        cells = [f'<td style="{_CELL}; text-align: {side}">{escaped(cell)}</td>'
                 for cell, side in zip(row, sides)]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return Markup(
        f'<table style="border-collapse: collapse; {_LINE}; {MONO}; font-size: 13px; '
        f'margin: 4px 0">{title}' + (f"<thead><tr>{head}</tr></thead>" if head else "")
        + f"<tbody>{''.join(lines)}</tbody></table>")


def _is_number(cell: object) -> bool:
    """Whether a cell may stand in a column of numbers; an empty one may."""
    return isinstance(cell, (int, float)) or bool(
        re.match(r"[−+-]?[\d.]|–?$|<span|nan$|−?inf$", str(cell)))


def with_code(text: str) -> Markup:
    """Text in which backticks enclose code."""
    return Markup("".join(f"<code>{escape(part)}</code>" if i % 2 else escape(part)
                          for i, part in enumerate(text.split("`"))))


def paragraph(*parts: object) -> Markup:
    return Markup(f'<p style="margin: 4px 0">{"".join(map(escaped, parts))}</p>')


def preformatted(text: object) -> Markup:
    """Text in a fixed width, which wraps where it has to."""
    # JupyterLab would break lines within words.
    return Markup(f'<pre style="{MONO}; font-size: 13px; white-space: pre-wrap; '
                  f'word-break: normal; overflow-wrap: anywhere; margin: 4px 0">'
                  f'{escaped(text)}</pre>')


def block(*parts: object) -> Markup:
    """Parts one below the other, as one output of a cell; wide ones are scrolled."""
    return Markup(f'<div style="overflow-x: auto; max-width: 100%">'
                  f'{"".join(map(escaped, parts))}</div>')


def image(svg: str, alt: str) -> Markup:
    """A drawing as an image: a notebook that is not trusted drops SVG itself.

    It shrinks with the page, but stays large enough that its text can be read.
    """
    drawn = re.search(r'width="(\d+)', svg)
    least = min(int(drawn[1]), MIN_WIDTH) if drawn else 0
    encoded = base64.b64encode(svg.encode("utf-8")).decode("ascii")
    return Markup(f'<img src="data:image/svg+xml;base64,{encoded}" alt="{escape(alt)}" '
                  f'style="display: block; max-width: 100%; min-width: {least}px; margin: 4px 0">')


def bar(share: float, text: str) -> Markup:
    """A number with a bar behind it, as long as its share of the whole."""
    percent = max(0.0, min(100.0, 100 * share))
    return Markup(f'<span style="display: inline-block; min-width: 7em; text-align: right; '
                  f'background: linear-gradient(to left, rgba(74, 120, 181, 0.35) {percent:.1f}%, '
                  f'transparent {percent:.1f}%)">{escape(text)}</span>')
