"""Fixes of the pages for people who use a keyboard, a screen reader or a telephone.

axe-core found these faults in the output of Sphinx and the theme: regions that scroll but cannot be
reached by keys, headings without a level, and lists of parameters marked as definition lists.
On narrow screens, names in headings and options in commands were broken in the wrong places.
"""

from __future__ import annotations

import re
from typing import Any

_PARAMETERS = re.compile(r"<dl>\n((?:<dd>(?:(?!<dl>).)*?</dd>\n?)+)</dl>", re.DOTALL)
_HEADING = re.compile(r"(?<=<h1>)[^<]+")
_COMMANDS = re.compile(r'<div class="highlight-sh .*?</pre>', re.DOTALL)
_OPTION = re.compile(r"(?<![\w-])--?\w[\w-]*")


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
    html = _HEADING.sub(lambda match: re.sub(r"(?<=\w[._])(?=\w)", "<wbr>", match[0]), html)
    html = _COMMANDS.sub(lambda match: _OPTION.sub(r'<span class="option">\g<0></span>', match[0]),
                         html)
    return _PARAMETERS.sub(_list, html)


def _list(match: re.Match[str]) -> str:
    items = match[1].replace("<dd>", "<li>").replace("</dd>", "</li>")
    return f'<ul class="parameters">\n{items}</ul>'
