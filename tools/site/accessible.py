"""What the pages still lack for people who use a keyboard or a screen reader.

Found by axe-core in what Sphinx and the theme write: regions that scroll and cannot be reached by
keys, headings without a level, and lists of parameters that are marked as lists of definitions.
"""

from __future__ import annotations

import re
from typing import Any

_PARAMETERS = re.compile(r"<dl>\n((?:<dd>(?:(?!<dl>).)*?</dd>\n?)+)</dl>", re.DOTALL)


def improve(context: dict[str, Any]) -> None:
    """Change the parts of a page, before the theme's template joins them."""
    if "body" in context:
        context["body"] = body(context["body"])
    if "furo_navigation_tree" in context:
        context["furo_navigation_tree"] = context["furo_navigation_tree"].replace(
            'role="heading"', 'role="heading" aria-level="2"')


def body(html: str) -> str:
    """The text of a page."""
    html = html.replace("<pre>", '<pre tabindex="0">')
    html = html.replace('<div class="table-wrapper', '<div tabindex="0" class="table-wrapper')
    return _PARAMETERS.sub(_list, html)


def _list(match: re.Match[str]) -> str:
    items = match[1].replace("<dd>", "<li>").replace("</dd>", "</li>")
    return f'<ul class="parameters">\n{items}</ul>'
