"""The page of a run in a real browser: sliders, curves, and how it reads at two widths."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nst.output.page import Curve, RunPage, html
from nst.output.template import write_page
from nst.pictures.frame import Frame
from nst.pictures.picture import Picture

pytestmark = pytest.mark.slow

CONTENT, FIRST, MIDDLE, LAST = (30, 60, 200), (200, 40, 40), (40, 180, 60), (230, 200, 40)


def frame(color, iteration, size=(400, 300)):
    return Frame.of(Picture(np.full((*size[::-1], 3), color, np.uint8)), iteration)


@pytest.fixture
def path(tmp_path):
    """A page with colours that can be told apart in a screenshot."""
    rng = np.random.default_rng(1)
    fall = [(k, 1e10 * np.exp(-k / 30) * rng.uniform(0.9, 1.1) + 1e7) for k in range(301)]
    curves = [Curve("total", fall), Curve("content", [(k, v / 900) for k, v in fall]),
              Curve("style", [(k, v / 20) for k, v in fall]), Curve("tv", [(0, 30.0), (300, 60.0)])]
    curves += [Curve(f"relu{n}_1", [(k, v / 10**n) for k, v in fall]) for n in range(1, 6)]
    page = RunPage(
        title="acropolis.jpg in the style of wave.jpg", summary="done: 300 iterations in 61 s",
        content=frame(CONTENT, 0), styles=[frame((120, 120, 120), 0, (300, 500))],
        frames=[frame(FIRST, 0, (100, 75)), frame(MIDDLE, 50), frame(LAST, 300)], curves=curves,
        scales=[(0, "128×96"), (150, "400×300")],
        distances={f"relu{n}_1": (0.9 - n / 20, 0.1 + n / 50) for n in range(1, 6)},
        tables={"Settings": {"style-layers": {f"relu{n}_1": 1 / n for n in range(1, 6)},
                             "optimizer": "lbfgs", "a-long-option-name": "a/very/long/" * 9},
                "Timings": {"iterations": "61.2 s"}},
        command="python -m nst.run acropolis.jpg wave.jpg -o out.png --style-weight 100")
    write_page(tmp_path / "run.html", html(page))
    return tmp_path / "run.html"


def keep(image, name):
    """Where the variable asks for it, the screenshot is left for people to look at."""
    folder = os.environ.get("MINIGRAD_SCREENSHOTS")
    if folder:
        image.save(Path(folder) / name)


def seen(browser, x=0.5):
    """The colour in the middle of the stage, or at that share of its width."""
    left, top, width, height = browser.evaluate("""(() => {
        const b = document.getElementById('frame').getBoundingClientRect();
        return [b.x, b.y, b.width, b.height]; })()""")
    image = browser.screenshot().convert("RGB")
    return image.getpixel((round(left + width * x), round(top + height / 2)))


def slide(browser, name, value):
    """Move a slider, as a hand does: its value changes, and it says so."""
    browser.evaluate(f"""(() => {{ const s = document.getElementById('{name}');
        s.value = {value}; s.dispatchEvent(new Event('input', {{bubbles: true}})); }})()""")
    browser.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))")


def near(found, expected):
    return max(abs(a - b) for a, b in zip(found, expected)) <= 6


def text(browser, name):
    return browser.evaluate(f"document.getElementById('{name}').textContent")


def lines(browser):
    return browser.evaluate("[...document.querySelectorAll('polyline')].map(p => p.dataset.name)")


def test_the_slider_goes_through_the_pictures(browser, path):
    browser.resize(1400, 900)
    browser.open(path)
    assert near(seen(browser), LAST) and text(browser, "step-label") == "iteration 300"
    for step, color, label in ((0, FIRST, "iteration 0"), (1, MIDDLE, "iteration 50")):
        slide(browser, "step", step)
        assert near(seen(browser), color) and text(browser, "step-label") == label
    browser.click("#step")                              # a click in its middle
    assert text(browser, "step-label") == "iteration 50"
    browser.press("ArrowRight")
    assert text(browser, "step-label") == "iteration 300"
    assert browser.complaints() == []


def test_a_loss_that_begins_at_nothing_does_not_press_the_others_together(browser, path, tmp_path):
    from_content = [(0, 1e-12), (1, 1e-9), *((k, 1 + k / 100) for k in range(2, 200))]
    page = RunPage("t", "s", None, [], [frame(LAST, 0)], [Curve("content", from_content)])
    write_page(tmp_path / "one.html", html(page))
    browser.resize(1400, 900)
    browser.open(tmp_path / "one.html")
    ticks = browser.evaluate(
        "[...document.querySelectorAll('#chart text')].map(t => t.textContent)")
    assert "10⁰" in ticks and "10¹" in ticks and not any("⁻" in tick for tick in ticks)
    lowest = browser.evaluate("""Math.max(...document.querySelector('polyline').getAttribute(
        'points').split(' ').map(p => Number(p.split(',')[1])))""")
    assert lowest <= 320 - 34                   # within the chart
    assert browser.complaints() == []


def test_the_content_is_drawn_over_it(browser, path):
    browser.resize(1400, 900)
    browser.open(path)
    assert near(seen(browser, 0.1), LAST) and text(browser, "wipe-label") == "hidden"
    slide(browser, "wipe", 40)
    assert near(seen(browser, 0.1), CONTENT) and near(seen(browser, 0.38), CONTENT)
    assert near(seen(browser, 0.42), LAST)
    slide(browser, "wipe", 100)
    assert near(seen(browser, 0.95), CONTENT)
    assert browser.complaints() == []


def test_the_chart_follows_the_slider_and_the_legend(browser, path):
    browser.resize(1400, 900)
    browser.open(path)
    names = lines(browser)
    assert names == ["total", "content", "style", "tv", *(f"relu{n}_1" for n in range(1, 6))]
    ticks = browser.evaluate(
        "[...document.querySelectorAll('#chart text')].map(t => t.textContent)")
    assert {"10¹", "10¹¹", "0", "100", "200", "300", "400×300"} <= set(ticks)
    where = "Number(document.querySelector('.cursor').getAttribute('x1'))"
    at_end = browser.evaluate(where)
    slide(browser, "step", 0)
    assert browser.evaluate(where) < at_end - 1000
    assert text(browser, "value3") == " 30.00"
    browser.evaluate("document.getElementById('legend').scrollIntoView()")
    browser.click("#legend button")                     # the total is taken away
    assert lines(browser) == names[1:]
    toggle_all = "document.querySelectorAll('#legend button').forEach(b => b.click())"
    browser.evaluate(toggle_all)
    assert lines(browser) == ["total"]
    browser.click("#legend button")
    assert lines(browser) == []                         # and nothing breaks
    slide(browser, "step", 1)
    browser.evaluate(toggle_all)
    assert lines(browser) == names
    assert browser.complaints() == []


@pytest.mark.parametrize("width, height", [(390, 844), (1400, 900)])
def test_it_reads_well(browser, path, width, height):
    """Nothing is wider than the window, nothing too small to read, and nothing overlaps."""
    browser.resize(width, height)
    browser.open(path)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    smallest = browser.evaluate("""Math.min(...[...document.querySelectorAll('body *')].filter(
        e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())
             && e.getClientRects().length).map(e => parseFloat(getComputedStyle(e).fontSize)))""")
    assert smallest >= 12
    boxes = browser.evaluate("""[...document.querySelectorAll('header, main > section')].map(
        e => { const b = e.getBoundingClientRect();
               return [b.left, b.top, b.right, b.bottom]; })""")
    for i, one in enumerate(boxes):
        for other in boxes[i + 1:]:
            assert (one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1]
                    or other[3] <= one[1])
    # The picture and both of its sliders are seen without scrolling.
    assert browser.evaluate("document.getElementById('wipe').getBoundingClientRect().bottom") \
        <= height
    keep(browser.screenshot(whole=True), f"run-{width}.png")
    assert browser.complaints() == []


def test_windows_may_be_resized(browser, path):
    browser.resize(1400, 900)
    browser.open(path)
    wide = browser.evaluate("document.querySelector('#chart svg').clientWidth")
    browser.resize(390, 844)
    browser.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 100)))")
    assert browser.evaluate("document.querySelector('#chart svg').clientWidth") < wide / 3
    assert browser.evaluate("document.documentElement.scrollWidth") <= 390
    image = browser.screenshot()
    assert isinstance(image, Image.Image) and image.width == 390
    assert browser.complaints() == []
