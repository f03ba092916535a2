"""The result of `explain`: a page that notebooks display; several passes on one page."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from minigrad.errors import ArgumentError
from minigrad.files import write_atomically
from minigrad.html import document, fill
from minigrad.inspect.drawing import svg, vertex_lines
from minigrad.inspect.model import Model
from minigrad.inspect.page_data import PageData, structure
from minigrad.printable import shown

HEIGHT = 620        # pixels of the frame in a notebook
# Shown where someone else's notebook is opened, whose frames are blocked.
UNTRUSTED = "A page to step through belongs here. Run this cell, or trust the notebook, to see it."


@dataclass
class Explanation:
    """A page about a computation. Notebooks show it; `save` writes it.

    Attributes
    ----------
    title : heading of the page.
    path : where it was saved last; None if it was not.
    """

    title: str
    path: Path | None
    _model: Model
    _widest: list[str]
    _passes: list[dict[str, Any]]

    @classmethod
    def of(cls, model: Model, data: PageData, title: str) -> Explanation:
        return cls(title, None, model, data.widest, [data.as_dict()])

    @property
    def html(self) -> str:
        """The page: a whole document that loads nothing."""
        data = {**structure(self._model), "passes": self._passes}
        texts = [vertex_lines(vertex, reserved)
                 for vertex, reserved in zip(self._model.vertices, self._widest)]
        body = fill(_resource("page.html"), {
            "title": escape(self.title),
            "svg": svg(self._model, texts, role="group"),
            # "</" would end the script element; JSON reads "<\/" as the same.
            "data": json.dumps(data, ensure_ascii=False, allow_nan=False).replace("</", "<\\/"),
            "script": _resource("page.js"),
        })
        return document(self.title, _resource("page.css"), body, scripts=True)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page, and return where it is.

        Raises
        ------
        ArgumentError : the suffix is not `.html`.
        FileError : the file cannot be written.
        """
        target = page_path(path)
        write_atomically(target, self.html.encode("utf-8"))
        self.path = target
        return target

    def __fspath__(self) -> str:
        if self.path is None:
            raise ArgumentError("this page was not saved: call save(path), or explain(…, path=…)")
        return str(self.path)

    def __repr__(self) -> str:
        passes, steps = len(self._passes), len(self._passes[0]["steps"])
        saved = f", saved as {self.path}" if self.path is not None else \
            "; save(\"page.html\") writes it"
        several = f"{passes} passes of " if passes > 1 else ""
        return f"<page \"{self.title}\": {several}{steps} steps{saved}>"

    def _repr_html_(self) -> str:
        # In a frame, so that neither page can change the other.
        return (f'<iframe srcdoc="{escape(self.html)}" title="{escape(self.title)}" '
                f'sandbox="allow-scripts" style="box-sizing: border-box; width: 100%; '
                f'height: {HEIGHT}px; border: 1px solid #9aa5b1; border-radius: 6px">'
                f'{UNTRUSTED}</iframe>')


def passes(explanations: Iterable[Explanation], *, title: str = "") -> Explanation:
    """Several passes on one page, with a slider, such as the steps of a training loop.

        seen = []
        for _ in range(20):
            loss = ((net(x) - y) ** 2).mean()
            seen.append(explain(loss))
            loss.backward(); optimizer.step(); optimizer.zero_grad()
        passes(seen).save("training.html")

    Raises
    ------
    ArgumentError : there is none, or they do not have the same graph.
    """
    several = list(explanations) if isinstance(explanations, Iterable) else [explanations]
    for one in several:
        if not isinstance(one, Explanation):
            raise ArgumentError(f"passes takes a list of what explain() returns, not {shown(one)}")
    if not several:
        raise ArgumentError("passes needs at least one explanation")
    first = several[0]
    for number, other in enumerate(several[1:], 2):
        if _shape(other._model) != _shape(first._model):
            raise ArgumentError(
                f"pass {number} has a different graph: {len(other._model.vertices)} instead of "
                f"{len(first._model.vertices)} boxes, or other operations; only passes of one "
                f"graph share a page")
    widest = [max(texts, key=len) for texts in zip(*[other._widest for other in several])]
    return Explanation(title or first.title, None, first._model, widest,
                       [one for other in several for one in other._passes])


def _shape(model: Model) -> list:
    return [[(vertex.kind, vertex.called, vertex.shape) for vertex in model.vertices],
            [(edge.source, edge.target) for edge in model.edges]]


def page_path(path: str | os.PathLike[str]) -> Path:
    """The path of a page, checked."""
    if not isinstance(path, (str, os.PathLike)):
        raise ArgumentError(f"a page is written to a path, not to something of type "
                            f"{type(path).__name__}")
    path = Path(path)
    if path.suffix not in (".html", ".htm"):
        raise ArgumentError(f"explain writes a page, so the file's name must end in .html, not "
                            f"{path.name!r}")
    return path


def _resource(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
