"""Notebooks as users write them: executed by a real kernel, and looked at in a real browser."""

import importlib.util
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

CELLS = """
import numpy as np
import minigrad as mg
import minigrad.functional as F
from minigrad import inspect, nn
from minigrad.check import gradcheck
mg.manual_seed(0)
x = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
with inspect.record():
    y = (x * x).sum()
y
# Tensor

inspect.explain(lambda w, b: (w * 3.0 + b).tanh(), -0.5, 1.0)
# srcdoc

net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
data, labels = mg.randn(16, 4), mg.tensor([0, 1, 2, 0] * 4)
inspect.summary(net, data)
# floating-point operations

with inspect.statistics(net) as seen:
    F.cross_entropy(net(data), labels).backward()
seen
# dead units

with inspect.profile() as costs:
    F.cross_entropy(net(data), labels).backward()
costs
# outside of operations

with inspect.memory() as use:
    F.cross_entropy(net(data), labels).backward()
use
# at the peak

next(inspect.trace(y))
# gradient of the result

gradcheck(mg.sin, x.double().detach().requires_grad_())
# the gradient is right

from nst import Settings, stylize
settings = Settings(size=32, iterations=3, weights="random:0", content_layers="relu2_1",
                    style_layers="relu1_1,relu2_1")
settings
# differ from their defaults

pixels = np.random.default_rng(0).random((24, 32, 3))
stylize(pixels, pixels[::-1], settings, progress=True)
# alt="result
"""


def cells():
    """(code, text that its output holds)."""
    for cell in CELLS.strip().split("\n\n"):
        code, _, expected = cell.rpartition("\n# ")
        yield code, expected


@pytest.fixture(scope="module")
def executed():
    nbclient = pytest.importorskip("nbclient", reason="needs nbclient and ipykernel")
    if importlib.util.find_spec("ipykernel") is None:
        pytest.skip("needs ipykernel")
    import nbformat
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code) for code, _ in cells()])
    root = str(Path(__file__).parents[1])
    notebook.cells.insert(0, nbformat.v4.new_code_cell(
        f"import sys; sys.path.insert(0, {root!r})"))
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return notebook.cells[1:]


def html_of(cell):
    return "\n".join(output["data"]["text/html"] for output in cell.outputs
                     if "text/html" in output.get("data", {}))


def test_every_cell_shows_itself(executed):
    for cell, (code, expected) in zip(executed, cells(), strict=True):
        assert expected in html_of(cell), code
        assert not [output for output in cell.outputs if output["output_type"] == "error"]


def test_progress_is_a_bar_and_the_picture_is_gone_when_the_result_is_there(executed):
    bar, picture, result = executed[-1].outputs
    assert "3/3" in str(bar) or "widget-view" in str(bar)
    assert picture["data"]["text/html"] == ""
    assert "result, 32×24 pixels" in result["data"]["text/html"]


def test_a_browser_shows_it_without_an_error(browser, executed, tmp_path):
    page = tmp_path / "notebook.html"
    page.write_text("<!DOCTYPE html><meta charset=utf-8><title>cells</title>" + "<hr>".join(
        html_of(cell) for cell in executed), encoding="utf-8")
    browser.open(page)
    browser.evaluate("new Promise(done => setTimeout(done, 500))")
    assert browser.complaints() == []
    pictures = browser.evaluate(
        "[...document.images].map(one => one.complete && one.naturalWidth > 0)")
    assert len(pictures) >= 4 and all(pictures)
    width, height = browser.evaluate("""(() => { const box =
        document.querySelector('iframe').getBoundingClientRect();
        return [box.width, box.height]; })()""")
    assert width > 600 and height == 620
