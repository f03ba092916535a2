"""axe-core, which finds what keeps people from reading a page."""

import importlib.util
from pathlib import Path

import pytest

WCAG_AA = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


def axe_core():
    """The script of axe-core, out of a package that holds it; the package itself is not run."""
    for name in ("axe_playwright_python", "axe_core_python"):
        found = importlib.util.find_spec(name)
        if found is not None:
            return (Path(found.submodule_search_locations[0]) / "axe.min.js").read_text("utf-8")
    return pytest.skip("needs axe-core: pip install --no-deps axe-playwright-python")


def violations(browser, tags):
    """What axe-core finds on the page that the browser shows, without the pages in its frames."""
    browser.evaluate(axe_core() + "; 0")
    return browser.evaluate(f"""axe.run({{iframes: false, preload: false,
        runOnly: {{type: "tag", values: {list(tags)}}}}}).then(result => result.violations.map(
            one => one.id + ": " + one.nodes.map(node => node.html.slice(0, 90) + " " +
                node.any.map(each => each.message)).join(" / ")))""")
