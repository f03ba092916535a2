"""The site as it is built: every link leads somewhere, and nothing comes from elsewhere."""

import html.parser
import importlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from accessibility import WCAG_AA, violations
from filelock import FileLock

from course.catalogue import STEPS
from tools.site import outputs
from tools.site.pages import ROOT

pytestmark = pytest.mark.slow


class Links(html.parser.HTMLParser):
    """What a page points to, and the places in it to which others can point."""

    def __init__(self, path):
        super().__init__()
        self.targets, self.loaded, self.places = [], [], {""}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.places.add(found.get("id"))
        if tag == "a" and "href" in found:
            self.targets.append(found["href"])
        self.loaded += [found[name] for name in ("src",) if name in found]
        if tag == "link" and found.get("rel") in ("stylesheet", "icon", "preload"):
            self.loaded.append(found["href"])


@pytest.fixture(scope="module")
def one_build(tmp_path_factory):
    """A lock for builds: all workers of pytest-xdist read the same docs/."""
    pytest.importorskip("sphinx", reason="the extra [docs] is not installed")
    shared = tmp_path_factory.getbasetemp()
    return FileLock((shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared) / "lock")


@pytest.fixture(scope="module")
def site(one_build):
    """The site, built as a user builds it, in less than three minutes."""
    folder = Path(one_build.lock_file).parent / "site"
    with one_build:
        if not folder.exists():
            began = time.perf_counter()
            done = subprocess.run([sys.executable, "-m", "sphinx", "-W", "-q", "-E", "docs",
                                   str(folder)], cwd=ROOT, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            assert time.perf_counter() - began < 180
    return folder


@pytest.fixture(scope="module")
def links(site):
    return {path: Links(path) for path in site.rglob("*.html")}


def test_every_link_leads_somewhere(site, links):
    wrong = []
    for page, found in links.items():
        for address in found.targets + found.loaded:
            parts = urlsplit(address)
            if parts.scheme:
                assert parts.scheme in ("https", "http", "data", "mailto"), (page, address)
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            known = links[target].places if target in links else {""}
            if not target.is_file() or unquote(parts.fragment) not in known:
                wrong.append((str(page.relative_to(site)), address))
    assert not wrong, wrong[:20]


def test_nothing_is_loaded_from_elsewhere(site, links):
    for page, found in links.items():
        assert not [one for one in found.loaded if urlsplit(one).scheme not in ("", "data")], page
    for style in site.rglob("*.css"):
        for address in re.findall(r"url\(([^)]*)\)", style.read_text(encoding="utf-8")):
            assert not re.match(r"['\"]?(https?:)?//", address), (style, address)


def test_all_of_the_course_and_the_stepping_pages_are_there(site):
    for step in STEPS:
        assert (site / f"course/{step.folder.name}.html").is_file()
    stepping = importlib.import_module("tools.site.stepping")       # it needs docutils
    for name in stepping.PAGES:
        assert (site / stepping.FOLDER / f"{name}.html").stat().st_size > 5_000


@pytest.mark.parametrize("page, name", [("api/tensors", "minigrad.Tensor.backward"),
                                        ("api/minigrad-reductions", "minigrad.logsumexp"),
                                        ("api/minigrad-nn", "minigrad.nn.Conv2d"),
                                        ("api/nst", "nst.stylize")])
def test_the_reference_has_signatures_with_types(site, page, name):
    text = (site / f"{page}.html").read_text(encoding="utf-8")
    entry = text.partition(f'id="{name}"')[2].partition("</dt>")[0]
    assert 'class="sig-param"' in entry
    types = re.sub(r"<[^>]*>", "", entry)
    assert re.search(r"\w: ?(Tensor|int|bool|Any|float)", types), types


def test_the_search_knows_names_and_words(site):
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    assert '"logsumexp"' in index.lower() and "broadcast" in index


def test_the_build_fails_where_an_output_is_stale(one_build, tmp_path, monkeypatch, capsys):
    from sphinx.cmd.build import build_main
    monkeypatch.setattr(outputs, "RECORDS", tmp_path / "none")
    monkeypatch.chdir(ROOT)
    with one_build:
        status = build_main(["-W", "-q", "-E", "-b", "dummy", "docs", str(tmp_path / "site")])
    said = capsys.readouterr().err
    assert status and "index.md" in said and outputs.WRITE in said


def test_the_folder_that_git_ignores():
    ignored = (ROOT / ".gitignore").read_text().split()
    assert {"/site/", "/docs/api/", "/docs/course/", "/docs/project/"} <= set(ignored)
    assert Path(ROOT / "docs/conf.py").is_file()


# ------------------------------------------------------------------ in a browser


def show(browser, path, width, scheme):
    browser.resize(width, 800)
    browser.send("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.open(path)


@pytest.mark.parametrize("page", ["index", "gallery", "how-backward-works", "api/minigrad-nn",
                                  "course/step02_chain", "examples/perceptron", "museum"])
@pytest.mark.parametrize("width", [360, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_on_a_telephone_and_in_the_dark(browser, site, page, width, scheme):
    """Nothing is cut off on the side; axe-core finds no violation of WCAG AA; no complaints."""
    show(browser, site / f"{page}.html", width, scheme)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(browser, WCAG_AA) == []
    assert browser.complaints() == []


def test_the_search_finds_a_name(browser, site):
    """Opened as a file, without a server."""
    show(browser, site / "search.html", 1400, "light")
    browser.send("Page.navigate", url=(site / "search.html").as_uri() + "?q=logsumexp")
    deadline = time.monotonic() + 20
    found = []
    while not found and time.monotonic() < deadline:
        time.sleep(0.2)
        found = browser.evaluate("""[...document.querySelectorAll("ul.search li a")].map(
            link => link.getAttribute("href"))""")
    assert any("api/minigrad-reductions.html" in address for address in found), found
