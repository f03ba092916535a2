"""The page of many runs: all of them, those that failed too."""

import os
from pathlib import Path

import numpy as np
import pytest

from minigrad.errors import ArgumentError
from nst.output.gallery import MAX_SIDE, Entry, Gallery, html, thumbnail
from nst.output.template import write_page
from nst.pictures.picture import Picture


def entry(color, name, width=700, height=500, **more):
    picture = Picture(np.full((height, width, 3), color, np.uint8))
    return Entry(name, thumbnail(picture), "12.3 s, total loss 0.61", **more)


@pytest.fixture
def gallery():
    entries = [entry((40 * k, 90, 200 - 30 * k), f"photo {k}.jpg, painting.jpg", 700, 300 + 90 * k,
                     link=f"photo {k}.html") for k in range(6)]
    entries.append(Entry("broken.jpg, painting.jpg", None,
                         "the content picture broken.jpg is not a picture: it is empty",
                         failed=True))
    return Gallery("7 runs", "6 done, 1 failed, 74 s", entries,
                   {"Settings": {"size": 512, "style": "a/very/long/name/" * 12}})


def test_every_run_is_there(gallery, tmp_path):
    write_page(tmp_path / "all.html", html(gallery))
    text = (tmp_path / "all.html").read_text()
    assert text.count("<figure") == 7 and text.count("<img") == 6
    assert text.count('class="failed"') == 1 and "broken.jpg is not a picture" in text
    assert 'href="photo%203.html"' in text and "<th>size</th><td>512" in text
    assert gallery.entries[0].frame.size == (MAX_SIDE, 206)


def test_nothing_is_taken_for_markup_and_names_are_checked(tmp_path):
    nasty = '"><script>alert(1)</script>'
    text = html(Gallery(nasty, nasty, [Entry(nasty, None, nasty, link=nasty)], {nasty: {nasty: 1}}))
    assert "<script" not in text and "%22%3E%3Cscript" in text
    steering = "a\u202e\u2028\x1b\x85\u200f"
    text = html(Gallery(steering, steering, [Entry(steering, None, steering, link="a")],
                        {steering: {steering: steering}}, steering))
    assert text.replace("\n", "").isprintable() and "a�����" in text
    with pytest.raises(ArgumentError, match=r"must end in \.html"):
        write_page(tmp_path / "all.txt", html(Gallery("", "", [])))


@pytest.mark.slow
@pytest.mark.parametrize("width, columns", [(390, 1), (1400, 4)])
def test_it_reads_well(browser, gallery, tmp_path, width, columns):
    write_page(tmp_path / "all.html", html(gallery))
    browser.resize(width, 900)
    browser.open(tmp_path / "all.html")
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    left_edges = browser.evaluate("""[...document.querySelectorAll('figure')].map(
        f => Math.round(f.getBoundingClientRect().left))""")
    assert len(set(left_edges)) == columns
    assert browser.evaluate("""[...document.querySelectorAll('img')].every(
        i => i.complete && i.naturalWidth > 0)""")
    folder = os.environ.get("MINIGRAD_SCREENSHOTS")
    if folder:
        browser.screenshot(whole=True).save(Path(folder) / f"gallery-{width}.png")
    assert browser.complaints() == []
