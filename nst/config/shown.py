"""HTML of settings for notebooks: first those that were chosen, then the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minigrad.html import Markup, block, paragraph, table
from nst.config.validators import AUTO

LONGEST = 120           # characters of a value


def settings_html(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """Two tables: values that differ from their defaults, and, folded away, the rest."""
    chosen = {name: value for name, value in values.items()
              if in_words(value) != in_words(defaults[name])}
    rest = [(name, in_words(value)) for name, value in values.items() if name not in chosen]
    parts: list[object] = [paragraph(Markup("<b>Settings</b> "), f"{len(chosen)} differ from their "
                                     f"defaults" if chosen else "all have their default values")]
    if chosen:
        parts.append(table([(name, in_words(value), in_words(defaults[name]))
                            for name, value in chosen.items()], ("setting", "value", "default")))
    parts.append(Markup(f"<details><summary>{len(rest)} defaults</summary>"
                        f"{table(rest, ('setting', 'value'))}</details>"))
    return block(*parts)


def in_words(value: Any) -> str:
    """A setting as an option would name it; pictures in memory by their size."""
    if value is None:
        return AUTO
    if isinstance(value, Mapping):
        text = ", ".join(f"{name}={share:g}" for name, share in value.items())
    elif isinstance(value, (tuple, list)):
        text = ", ".join(map(in_words, value))
    elif isinstance(value, float):
        text = f"{value:g}"
    elif hasattr(value, "shape"):
        text = "picture of " + "×".join(map(str, value.shape))
    else:
        text = str(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"
