"""The page that explains a backward pass, in a real browser: it steps, and asks for nothing."""

import os
from pathlib import Path

import numpy as np
import pytest
from accessibility import WCAG_AA, violations

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


def phase(browser):
    return browser.evaluate("document.getElementById('phase').textContent")


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
    browser.open(inspect.explain(f).save(tmp_path / "toy.html"))
    assert browser.complaints() == []
    assert counter(browser) == "step 0 of 7" and phase(browser) == "start"
    assert drawing(browser) == ["w | −2 | ", "x | 5", "multiply | scalar | ", "b | 3 | ",
                                "f = add | scalar | "]
    browser.click("#previous")                      # disabled at the start
    assert counter(browser) == "step 0 of 7"
    browser.click("#next")
    assert counter(browser) == "step 1 of 7"
    assert "w = −2" in panel(browser) and "x (constant) = 5" in panel(browser)
    assert drawing(browser)[2:] == ["multiply | −10 | ", "b | 3 | ", "f = add | scalar | "]
    assert phase(browser) == "forward"
    browser.click("#turn")
    assert phase(browser) == "turn" and "f = −7" in panel(browser)
    assert "✓ All 4 gradients below agree" in panel(browser)
    assert drawing(browser)[4] == "f = add | −7 | grad 1"
    browser.click("#next")
    assert drawing(browser)[2:4] == ["multiply | −10 | grad 1", "b | 3 | grad 1"]
    browser.click("#next")
    assert "Product  z = x·y." in panel(browser) and "lambda g, y: g * y" in panel(browser)
    assert "∂f/∂w = g · x = 1 · 5 = 5" in panel(browser)
    assert "nudge w by 0.001: f moves by 0.005" in panel(browser)
    assert "with g = 1, y = 5 (your x)" in panel(browser) and "test_page.py" in panel(browser)
    assert drawing(browser)[0] == "w | −2 | grad 5"
    assert browser.evaluate("document.querySelector('.flow-label').textContent") == "↑ 5"
    keep(browser.screenshot(), "toy.png")
    browser.click("#previous")
    assert drawing(browser)[0] == "w | −2 | "       # undone by going back
    browser.click("#last")
    assert counter(browser) == "step 7 of 7"
    browser.click("#first")
    assert counter(browser) == "step 0 of 7"
    browser.click("#v2")                            # the box of multiply: where it is computed
    assert counter(browser) == "step 1 of 7"
    browser.click("#last")
    browser.click("#v2")                            # and where its rules run
    assert counter(browser) == "step 5 of 7"
    assert browser.complaints() == []


def test_diamond_by_keys(browser, tmp_path):
    x = mg.tensor(3.0, requires_grad=True)
    y = x * x + x
    browser.open(inspect.explain(y).save(tmp_path / "diamond.html"))
    browser.press("b")
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
    assert counter(browser) == "step 6 of 6" and "leaf x" in panel(browser)
    browser.press("ArrowRight")
    assert counter(browser) == "step 6 of 6"
    browser.press("Home")
    assert counter(browser) == "step 0 of 6"
    browser.evaluate("document.getElementById('v1').focus()")
    browser.press("Enter")                          # a box is a button
    assert counter(browser) == "step 1 of 6"
    assert browser.complaints() == []


def test_small_convolutional_network(browser, tmp_path):
    mg.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                        nn.Linear(64, 5))
    image = mg.rand(2, 3, 8, 8)
    with inspect.record():
        loss = F.cross_entropy(net(image), mg.tensor([1, 3]))
    browser.open(inspect.explain(loss).save(tmp_path / "net.html"))
    steps = browser.evaluate("data.steps.length")
    browser.resize(1200, 760)
    titles = []
    for k in range(1, steps):
        browser.press("ArrowRight")
        assert counter(browser) == f"step {k} of {steps - 1}"
        titles.append(browser.evaluate("document.querySelector('h2').textContent"))
        if titles[-1] == "conv2d":
            text = panel(browser)
            assert "2×4×8×8 float32" in text and "norm" in text
            label = browser.evaluate(
                "document.querySelector('.histogram').getAttribute('aria-label')")
            assert label.startswith("histogram of 512 elements from")
            keep(browser.screenshot(), "network.png")
            # The box at work has been brought into view.
            assert browser.evaluate("""(() => { const box =
                document.querySelector('.active .box').getBoundingClientRect();
                return box.top >= 0 && box.bottom <= innerHeight; })()""")
    assert {"conv2d", "relu", "max_pool2d", "loss = mean", "leaf 0.weight"} <= set(titles)
    loss.backward()
    norm = np.linalg.norm(net[0].weight.grad.numpy())
    shown = next(text for text in drawing(browser) if text.startswith("0.weight"))
    assert shown.endswith(f"‖grad‖ {norm:.4g}")
    assert browser.complaints() == []


def test_an_address_names_a_step_and_a_picture_is_drawn(browser, tmp_path):
    x = mg.tensor(3.0, requires_grad=True)
    y = x * x + x
    path = inspect.explain(y).save(tmp_path / "diamond.html")
    before = browser.evaluate("location.href")
    browser.open(path)
    assert browser.evaluate("location.href") != before
    start = np.asarray(browser.screenshot().convert("RGB"), int)
    browser.evaluate("location.hash = '#5'")
    browser.evaluate("new Promise(done => setTimeout(done, 50))")
    assert counter(browser) == "step 5 of 6"
    after = np.asarray(browser.screenshot().convert("RGB"), int)
    orange = np.abs(after - [0xd9, 0x69, 0x1f]).max(2) < 12      # what is at work
    assert orange[100:, :600].sum() > 300 > 30 > (
        np.abs(start - [0xd9, 0x69, 0x1f]).max(2) < 12)[100:, :600].sum()
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
    browser.open(inspect.explain(x * x).save(tmp_path / "page.html"))
    browser.evaluate("fetch('http://127.0.0.1:9/').catch(() => 0)")
    assert "Content Security Policy" in str(browser.complaints())


# ------------------------------------------------------- narrow windows, touch, accessibility


def pages(folder):
    """The four pages that are looked at: a toy, broadcasting, a network, convolutions."""
    w, b, x = mg.tensor(-2.0, requires_grad=True), mg.tensor(3.0, requires_grad=True), \
        mg.tensor(5.0)
    f = w * x + b
    yield inspect.explain(f).save(folder / "toy.html"), 5
    rows, bias = np.arange(6.0).reshape(3, 2), np.array([0.5, -1.0])
    yield inspect.explain(lambda rows, bias: ((rows + bias) ** 2).sum(), rows, bias).save(
        folder / "broadcast.html"), 8
    mg.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    inputs, wanted, seen = mg.randn(16, 2), mg.randn(16, 1), []
    optimizer = mg.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        with inspect.record():
            loss = ((net(inputs) - wanted) ** 2).mean()
        seen.append(inspect.explain(loss))
        loss.backward()
        optimizer.step()
    yield inspect.passes(seen).save(folder / "mlp.html"), 9
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                        nn.Linear(64, 5))
    with inspect.record():
        loss = F.cross_entropy(net(mg.rand(2, 3, 8, 8)), mg.tensor([1, 3]))
    yield inspect.explain(loss).save(folder / "cnn.html"), 3


HEIGHTS = {360: 740, 740: 360, 1400: 820}      # a telephone, on its side, a desk


def show(browser, path, step, width, scheme):
    browser.send("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.resize(width, HEIGHTS[width])
    browser.open(path)
    browser.evaluate(f"go({step})")


@pytest.fixture
def as_before(browser):
    yield
    browser.send("Emulation.setEmulatedMedia", features=[])
    browser.send("Emulation.clearDeviceMetricsOverride")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", HEIGHTS)
def test_no_width_cuts_anything_off(browser, tmp_path, width, scheme, as_before):
    for path, step in pages(tmp_path):
        show(browser, path, step, width, scheme)
        keep(browser.screenshot(), f"{path.stem}_{width}_{scheme}.png")
        assert browser.evaluate("""[document.documentElement.scrollWidth,
            document.documentElement.scrollHeight, scrollX, scrollY]""") == [
                width, HEIGHTS[width], 0, 0]
        outside = browser.evaluate("""[...document.querySelectorAll(
            'h1, h2, h3, button:not([hidden]), #panel p, #panel pre, .sent, input, .key')].filter(
            one => { const box = one.getBoundingClientRect();
                     return box.width && (box.left < 0 || box.right > innerWidth + 0.5); }).map(
            one => one.outerHTML.slice(0, 80))""")
        assert outside == []
        if browser.evaluate("data.steps[current].vertex !== null"):
            assert browser.evaluate("""(() => {
                const pane = document.getElementById('drawing').getBoundingClientRect();
                const box = document.querySelector('.active .box').getBoundingClientRect();
                return box.top >= pane.top - 1 && box.bottom <= pane.bottom + 1; })()"""), path
        background = browser.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(18, 23, 28)")
        assert browser.complaints() == []


def test_passes_are_chosen_by_slider_and_keys(browser, tmp_path, as_before):
    path, step = list(pages(tmp_path))[2]
    show(browser, path, step, 1400, "light")
    first = drawing(browser)
    dots = [browser.evaluate("document.querySelector('#losses circle').getAttribute('cx')")]
    browser.press("PageDown")
    dots.append(browser.evaluate("document.querySelector('#losses circle').getAttribute('cx')"))
    assert dots == ["4", "80"]
    assert browser.evaluate("document.getElementById('which').textContent").startswith("2 of 3")
    assert counter(browser).startswith(f"step {step} ")
    assert drawing(browser) != first
    browser.press("PageDown")
    browser.press("PageDown")
    assert browser.evaluate("document.getElementById('which').textContent").startswith("3 of 3")
    browser.evaluate("""(() => { const slider = document.getElementById('pass');
        slider.value = 1; slider.dispatchEvent(new Event('input')); })()""")
    assert drawing(browser) == first
    assert browser.complaints() == []


def test_a_swipe_over_the_text_is_a_step(browser, tmp_path, as_before):
    path, _ = next(pages(tmp_path))
    show(browser, path, 3, 360, "light")
    for start, end, expected in (((300, 600), (120, 610), 4), ((100, 600), (280, 600), 3),
                                 ((200, 690), (190, 500), 3)):
        browser.swipe(start, end)
        assert counter(browser) == f"step {expected} of 7", (start, end)


# Points of the lines that lie within a text of the drawing, and texts that lie over each other.
COLLISIONS = """(() => {
    const texts = [...document.querySelectorAll('.operand, .flow-label')].filter(
        one => one.textContent).map(one => [one.textContent, one.getBBox()]);
    const found = [];
    for (const path of document.querySelectorAll('.edge'))
        for (let way = 0; way <= path.getTotalLength(); way += 1) {
            const {x, y} = path.getPointAtLength(way);
            for (const [text, box] of texts)
                if (x > box.x && x < box.x + box.width && y > box.y + 2
                    && y < box.y + box.height - 2) found.push([text, path.id]);
        }
    texts.forEach(([one, a], i) => texts.slice(i + 1).forEach(([other, b]) => {
        if (a.x < b.x + b.width && b.x < a.x + a.width && a.y + 2 < b.y + b.height - 2
            && b.y + 2 < a.y + a.height - 2) found.push([one, other]);
    }));
    return [...new Set(found.map(String))];
})()"""


def test_no_line_crosses_a_word_and_no_word_another(browser, tmp_path, as_before):
    for path, _ in pages(tmp_path):
        show(browser, path, 0, 1400, "light")
        for step in range(browser.evaluate("data.steps.length")):
            browser.evaluate(f"go({step})")
            assert browser.evaluate(COLLISIONS) == [], (path.stem, step)


@pytest.mark.parametrize("width, height", [(360, 740), (328, 666), (740, 700), (1400, 820)])
def test_bars_and_panes_keep_their_places_from_step_to_step(browser, tmp_path, width, height,
                                                            as_before):
    for path, _ in pages(tmp_path):
        browser.resize(width, height)
        browser.open(path)
        places = set()
        for step in range(min(8, browser.evaluate("data.steps.length"))):
            browser.evaluate(f"go({step})")
            places.add(str(browser.evaluate("""['drawing', 'panel', 'next'].map(id => {
                const box = document.getElementById(id).getBoundingClientRect();
                return [box.x, box.y, box.width, box.height]; })""")))
        assert len(places) == 1, path.stem
        if path.stem == "toy":      # it is seen as a whole, and words stand on the buttons
            assert browser.evaluate("(e => e.scrollHeight <= e.clientHeight)(find('drawing'))")
            assert browser.evaluate("find('turn').innerText") == (
                "∂" if width < 640 else "backward pass")


def test_the_legend_and_the_help_name_what_the_page_has(browser, tmp_path, as_before):
    legends = {"toy": [], "broadcast": ["stretched"], "mlp": [], "cnn": []}
    for path, _ in pages(tmp_path):
        show(browser, path, 0, 1400, "light")
        keys = browser.evaluate("""[...document.querySelectorAll('.key')].filter(
            one => one.offsetWidth).map(one => one.firstChild.textContent)""")
        assert keys == ["leaf", "operation", "constant", *legends[path.stem]]
        assert ("Page Down" in browser.evaluate("document.querySelector('footer').innerText")) == (
            path.stem == "mlp")


def test_code_in_a_description_is_code(browser, tmp_path):
    browser.open(inspect.explain(lambda x: mg.log_softmax(x, 0).sum(), np.arange(3.0)).save(
        tmp_path / "softmax.html"))
    browser.press("ArrowRight")
    assert browser.evaluate("document.querySelector('.described code').textContent") == "dim"
    assert "`" not in panel(browser)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1400])
def test_axe_finds_no_violation(browser, tmp_path, width, scheme, as_before):
    for path, step in pages(tmp_path):
        for place in (0, step, "data.steps.length - 1"):
            show(browser, path, place, width, scheme)
            found = violations(browser, (*WCAG_AA, "best-practice", "experimental"))
            assert found == [], (path.name, place)
    assert browser.evaluate("""(document.body.innerHTML += "<img src='data:,'>", axe.run()).then(
        result => result.violations.map(one => one.id))""").count("image-alt") == 1
