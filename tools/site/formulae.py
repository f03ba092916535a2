"""Formulae as MathML: browsers show it without a script, and screen readers read it aloud."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError, latex2mathml
from sphinx.util import logging

_log = logging.getLogger(__name__)
_OTHER_NAMES = {r"\dots": r"\ldots", r"\tfrac": r"\frac", r"\dfrac": r"\frac",
                **dict.fromkeys((rf"\{size}{side}" for size in ("big", "Big", "bigg", "Bigg")
                                 for side in ("", "l", "r")), "")}     # browsers choose the size


def inline(translator: Any, node: nodes.math) -> None:
    """Write a formula within a line."""
    translator.body.append(mathml(node, block=False))
    raise nodes.SkipNode


def displayed(translator: Any, node: nodes.math_block) -> None:
    """Write a formula on a line of its own, which scrolls where it is too wide."""
    translator.body.append('<div class="formula" tabindex="0" role="group" aria-label="formula">'
                           f"{mathml(node, block=True)}</div>\n")
    raise nodes.SkipNode


def mathml(node: nodes.Element, block: bool) -> str:
    """A formula of LaTeX as MathML; with a warning and as LaTeX, if it cannot be read."""
    formula = re.sub(r"\\[A-Za-z]+", lambda match: _OTHER_NAMES.get(match[0], match[0]),
                     node.astext())
    try:
        return str(latex2mathml.tex2mathml(formula, as_block=block))
    except MathError as error:
        _log.warning("the formula %r cannot be shown: %s", formula, error, location=node)
        return f"<code>{escape(formula)}</code>"
