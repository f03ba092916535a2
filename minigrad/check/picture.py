"""A page about a wrong gradient: its explanation, and the claimed and measured Jacobians."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

from minigrad.check.matrices import LEGEND, figures
from minigrad.check.report import Report
from minigrad.html import document

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em; color: #222; background: #fff }
pre { background: #f4f4f2; padding: 1em; overflow-x: auto }
figure { display: inline-block; margin: 0 2em 1em 0; vertical-align: top }
"""


def write_page(report: Report, folder: Path, name: str) -> Path:
    """Write the page about a failed check; returns its path. Existing pages are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (re.sub(r"[^A-Za-z0-9.-]+", "_", name)[-150:] + ".html")
    path.write_text(document(f"Gradient of {report.name}", _STYLE, page_body(report)),
                    encoding="utf-8")
    return path


def page_body(report: Report) -> str:
    """The body of the page as HTML."""
    parts = [f"<body><h1>Gradient of {escape(report.name)}: {report.verdict}</h1>",
             f"<pre>{escape(report.message())}</pre>"]
    if report.failure is not None and report.failure.jacobians is not None:
        parts += [*figures(*report.failure.jacobians), f"<p>{LEGEND}</p>"]
    return "\n".join([*parts, "</body>"])
