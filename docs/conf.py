"""Sphinx's configuration: sphinx-build -W docs site, after pip install -e '.[docs]'."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from minigrad.version import __version__  # noqa: E402

project = "minigrad and nst"
author = "The minigrad developers"
copyright = "the minigrad developers, MIT licence"
release = version = __version__

extensions = ["myst_parser", "tools.site.extension"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["outputs", "_static"]
default_role = "code"
python_maximum_signature_line_length = 72

myst_enable_extensions = ["dollarmath", "attrs_block", "attrs_inline"]
myst_heading_anchors = 4
html_math_renderer = "mathml"

toc_object_entries_show_parents = "hide"        # the column is narrow, the heading says the rest

html_theme = "furo"
html_title = "minigrad and nst"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_theme_options = {"navigation_with_keys": True, "top_of_page_buttons": []}
