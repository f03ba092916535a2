"""An HTML page about many runs: their pictures side by side, failures included.

Like the page of a run (`nst.output.page`), it is a single file made from plain data.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from minigrad.html import document, escaped, fill
from nst.output.template import resource, tables
from nst.pictures.frame import Frame
from nst.pictures.picture import Picture

MAX_SIDE = 480           # pixels of a picture in the gallery


@dataclass(frozen=True)
class Entry:
    """One run of the gallery.

    Attributes
    ----------
    name : str
        Name, for example "photo.jpg, painting.jpg".
    frame : Frame or None
        The result, see `thumbnail`; None if there is none.
    note : str
        A line of figures, or the error.
    link : str
        File to open on a click (the picture, or the page of the run), relative to the gallery;
        "" for none.
    failed : bool
    """

    name: str
    frame: Frame | None
    note: str = ""
    link: str = ""
    failed: bool = False


@dataclass(frozen=True)
class Gallery:
    """The content of the page.

    Attributes
    ----------
    title, summary : str
        The heading, and a line below it.
    entries : sequence of Entry
    tables : mapping
        Heading -> {name: value}, for example settings and totals.
    command : str
        The command line that repeats all runs; "" for none.
    """

    title: str
    summary: str
    entries: Sequence[Entry]
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    command: str = ""


def thumbnail(picture: Picture) -> Frame:
    """Return a picture, scaled to the size of the gallery and encoded."""
    return Frame.of(picture if max(picture.size) <= MAX_SIDE else picture.scaled(MAX_SIDE))


def html(gallery: Gallery) -> str:
    """Return the page as HTML."""
    body = fill(resource("gallery.html"), {
        "title": escaped(gallery.title), "summary": escaped(gallery.summary),
        "tables": tables(gallery.tables), "command": _command(gallery.command),
        "entries": "".join(map(_figure, gallery.entries))})
    return document(gallery.title, resource("page.css"), body)


def _command(command: str) -> str:
    if not command:
        return ""
    return f'<h2>Repeat the runs</h2><pre id="command">{escaped(command)}</pre>'


def _figure(entry: Entry) -> str:
    picture = ("" if entry.frame is None
               else f'<img src="{entry.frame.source}" alt="{escaped(entry.name)}">')
    if entry.link:
        picture = f'<a href="{quote(os.fsencode(entry.link))}">{picture or escaped(entry.link)}</a>'
    kind = "failed" if entry.failed else "done"
    return (f'<figure class="{kind}">{picture}<figcaption><b>{escaped(entry.name)}</b><br>'
            f'{escaped(entry.note)}</figcaption></figure>')
