"""HTML pages that need no other file: one document frame and one template filler."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

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
    return fill(DOCUMENT, {"scripts": allowed, "title": escape(title), "style": style,
                           "body": body})


def fill(template: str, parts: Mapping[str, str]) -> str:
    """Replace each `{{name}}` in a template by its part. Names within parts are left alone."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)
