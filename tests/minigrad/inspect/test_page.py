"""The page that explains a backward pass, in a real browser: it steps, and asks for nothing."""

import os
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
import minigrad.functional as F
from minigrad import inspect, nn

pytestmark = pytest.mark.slow


def keep(image, name):
    """Where NAME_SCREENSHOTS asks for it, the picture is left for people to look at."""
    folder = os.environ.get("MINIGRAD_SCREENSHOTS")
    if folder:
        image.save(Path(folder) / name)


def counter(browser):
    return browser.evaluate("document.getElementById('counter').textContent")


def panel(browser):
    return browser.evaluate("document.getElementById('panel').textContent")


def drawing(browser):
    """The lines of text in each box."""
    return browser.evaluate("""[...document.querySelectorAll('.vertex')].map(
        box => [...box.querySelectorAll('text')].map(t => t.textContent).join(' | '))""")


def test_toy_by_buttons(browser, tmp_path):
    w, b = (mg.tensor(value, requires_grad=True) for value in (-2.0, 3.0))
    x = mg.tensor(5.0)
    with inspect.record():
        f = w * x + b
    browser.open(inspect.explain(f, tmp_path / "toy.html"))
    assert browser.complaints() == []
    assert counter(browser) == "step 0 of 4"
    assert "f = −7" in panel(browser)
    assert drawing(browser) == ["w | −2 | ", "x | 5", "multiply | −10 | ", "b | 3 | ",
                                "f = add | −7 | grad 1"]
    browser.click("#previous")                      # disabled at the start
    assert counter(browser) == "step 0 of 4"
    browser.click("#next")
    assert counter(browser) == "step 1 of 4"
    assert drawing(browser)[2:4] == ["multiply | −10 | grad 1", "b | 3 | grad 1"]
    browser.click("#next")
    assert "Product  z = x·y." in panel(browser) and "lambda g, y: g * y" in panel(browser)
    assert "with g = 1, y = 5" in panel(browser) and "test_page.py" in panel(browser)
    assert drawing(browser)[0] == "w | −2 | grad 5"
    assert browser.evaluate("document.querySelector('.flow-label').textContent") == "↑ 5"
    keep(browser.screenshot(), "toy.png")
    browser.click("#previous")
    assert drawing(browser)[0] == "w | −2 | "       # undone by going back
    browser.click("#last")
    assert counter(browser) == "step 4 of 4"
    browser.click("#first")
    assert counter(browser) == "step 0 of 4"
    browser.click("#v2")                            # the box of multiply
    assert counter(browser) == "step 2 of 4"
    assert browser.complaints() == []


def test_diamond_by_keys(browser, tmp_path):
    x = mg.tensor(3.0, requires_grad=True)
    y = x * x + x
    browser.open(inspect.explain(y, tmp_path / "diamond.html"))
    browser.press("ArrowRight")
    assert drawing(browser)[0] == "x | 3 | grad 1 (1 of 3 paths)"
    assert browser.evaluate("document.getElementById('v0').classList.contains('waiting')")
    browser.press("ArrowRight")
    assert drawing(browser)[0] == "x | 3 | grad 7"
    assert "1 + 3 = 4  (2 of 3)" in panel(browser) and "4 + 3 = 7  (complete)" in panel(browser)
    keep(browser.screenshot(), "diamond.png")
    browser.press("ArrowLeft")
    assert drawing(browser)[0] == "x | 3 | grad 1 (1 of 3 paths)"
    browser.press("End")
    assert counter(browser) == "step 3 of 3" and "leaf x" in panel(browser)
    browser.press("ArrowRight")
    assert counter(browser) == "step 3 of 3"
    browser.press("Home")
    assert counter(browser) == "step 0 of 3"
    assert browser.complaints() == []


def test_small_convolutional_network(browser, tmp_path):
    mg.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                        nn.Linear(64, 5))
    image = mg.rand(2, 3, 8, 8)
    with inspect.record():
        loss = F.cross_entropy(net(image), mg.tensor([1, 3]))
    path = inspect.explain(loss, tmp_path / "net.html")
    browser.open(path)
    steps = browser.evaluate("data.steps.length")
    titles = []
    for k in range(1, steps):
        browser.press("ArrowRight")
        assert counter(browser) == f"step {k} of {steps - 1}"
        titles.append(browser.evaluate("document.querySelector('h2').textContent"))
        if titles[-1] == "convolve":
            text = panel(browser)
            assert "2×4×8×8 float32" in text and "norm" in text
            keep(browser.screenshot(), "network.png")
            # The box at work has been brought into view.
            assert browser.evaluate("""(() => { const box =
                document.querySelector('.active .box').getBoundingClientRect();
                return box.top >= 0 && box.bottom <= innerHeight; })()""")
    assert {"convolve", "relu", "max_pool", "loss = mean", "leaf 0.weight"} <= set(titles)
    loss.backward()
    norm = np.linalg.norm(net[0].weight.grad.numpy())
    shown = next(text for text in drawing(browser) if text.startswith("0.weight"))
    assert shown.endswith(f"‖grad‖ {norm:.4g}")
    assert browser.complaints() == []


def test_an_address_names_a_step_and_a_picture_is_drawn(browser, tmp_path):
    x = mg.tensor(3.0, requires_grad=True)
    y = x * x + x
    path = inspect.explain(y, tmp_path / "diamond.html")
    before = browser.evaluate("location.href")
    browser.open(path)
    assert browser.evaluate("location.href") != before
    start = np.asarray(browser.screenshot().convert("RGB"), int)
    browser.evaluate("location.hash = '#2'")
    browser.evaluate("new Promise(done => setTimeout(done, 50))")
    assert counter(browser) == "step 2 of 3"
    after = np.asarray(browser.screenshot().convert("RGB"), int)
    orange = np.abs(after - [0xd9, 0x69, 0x1f]).max(2) < 12      # what is at work
    assert orange[:, :600].sum() > 300 > 30 > (np.abs(start - [0xd9, 0x69, 0x1f]).max(2) < 12).sum()
    assert browser.complaints() == []


def test_an_error_and_a_request_would_have_been_noticed(browser, tmp_path):
    path = tmp_path / "bad.html"
    path.write_text('<script>missing()</script><img src="http://127.0.0.1:9/picture.png">')
    browser.open(path)
    complaints = browser.complaints()
    assert "http://127.0.0.1:9/picture.png" in complaints
    assert any("missing is not defined" in str(complaint) for complaint in complaints)


def test_the_page_forbids_itself_the_network(browser, tmp_path):
    x = mg.tensor(3.0, requires_grad=True)
    browser.open(inspect.explain(x * x, tmp_path / "page.html"))
    browser.evaluate("fetch('http://127.0.0.1:9/').catch(() => 0)")
    assert "Content Security Policy" in str(browser.complaints())
