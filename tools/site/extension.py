"""The Sphinx extension: it prepares the pages, and checks them while they are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sphinx.util import logging

from tools.site import accessible, api, examples, formulae, gallery, outputs, pages, stepping

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_log = logging.getLogger(__name__)


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", inline_renderers=(formulae.inline, None),
                               block_renderers=(formulae.displayed, None))
    app.add_directive("stepping", stepping.Stepping)
    app.connect("builder-inited", _prepare)
    app.connect("source-read", _read)
    app.connect("html-page-context", _improve, priority=900)        # after the theme
    app.connect("build-finished", _finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _prepare(app: Sphinx) -> None:
    """Write the pages that come from elsewhere, before Sphinx looks for its documents."""
    folder = pages.Folder()
    pages.copy_all(folder.write)
    reference = list(api.pages())
    for page in reference:
        folder.write(page.name, api.as_document(page), ".rst")
    folder.write("api/index", api.contents(page.name for page in reference), ".rst")
    folder.clean()


def _read(app: Sphinx, docname: str, source: list[str]) -> None:
    """Fit the links of a page, and show what its code printed."""
    path = Path(app.env.doc2path(docname))
    places = pages.outside()
    origin = {name: page for page, name in places.items()}.get(docname, path)
    if path.suffix != ".md":
        return
    if origin is path:
        source[0] = pages.with_links(source[0], path, path, places)
    for line in outputs.missing(origin):
        _log.warning("the output of this code is not recorded, or is that of other code; run the "
                     "tests with %s=1", outputs.WRITE, location=(docname, line))
    example = examples.found(path) if path.parent == pages.DOCS / "examples" else None
    if example:
        if example.is_stale():
            _log.warning("%s prints or draws something else by now; run python -m "
                         "tools.site.examples %s", example.command, example.name, location=docname)
        source[0] = examples.completed(source[0], example)
    if path == gallery.PAGE:
        for name in gallery.stale():
            _log.warning("the picture %s is not what its command paints; run "
                         "python -m tools.site.gallery", name, location=docname)
    source[0] = outputs.completed(source[0], outputs.recorded(origin))


def _improve(app: Sphinx, docname: str, template: str, context: dict[str, Any],
             doctree: Any) -> None:
    accessible.improve(context)


def _finish(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        stepping.write_all(Path(app.outdir) / stepping.FOLDER)
