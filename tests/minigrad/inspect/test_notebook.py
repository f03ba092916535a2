"""What notebooks show of tensors, steps, profiles, memory and reports."""

import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

import minigrad as mg
from minigrad import html, inspect
from minigrad.check import check_gradient, gradcheck


class Reader(HTMLParser):
    """The text, and whether every element is closed."""

    def __init__(self, markup):
        super().__init__()
        self.open, self.words, self.tags = [], [], []
        self.feed(markup)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def shown(value):
    return Reader(value._repr_html_())


def test_a_tensor_shows_values_gradient_and_origin():
    x = mg.tensor([[1.0, 2.0], [3.0, -4.0]], requires_grad=True)
    with inspect.record():
        y = (x * x).sum()
    assert "made by sum" in shown(y).text and "from multiply (2, 2), at test_notebook.py:" in \
        shown(y).text
    assert "released" not in shown(y).text
    y.backward()
    assert "released the graph" in shown(y).text
    assert shown(x).text == \
        "Tensor 2×2, float32, requires a gradient 1 2 3 −4 gradient 2 4 6 −8"
    assert shown(mg.nn.Parameter([1.0])).text.startswith("Parameter vector of 1")


@pytest.mark.parametrize("values, expected", [
    (np.float32(2.5), "Tensor scalar, float32 2.5"), (np.arange(3), "vector of 3, int64 0 1 2"),
    (np.array([True, False]), "vector of 2, bool True False"), (np.zeros((0, 3)), "0×3"),
    (np.array([1 + 2j]), "(1+2j)"), (np.ones((2, 2, 2)), "[[[1. 1.]"),
    (np.array([np.nan, np.inf, -1.0]), "nan inf −1")],
    ids=["scalar", "integers", "bool", "empty", "complex", "3d", "nan"])
def test_tensors_of_every_sort(values, expected):
    assert expected in shown(mg.tensor(values)).text


def test_a_large_tensor_shows_its_distribution():
    values = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
    values[0, :3], values[1, :2] = 0, np.nan
    page = shown(mg.tensor(values))
    (image,) = [attributes for tag, attributes in page.tags if tag == "img"]
    assert image["alt"].startswith("histogram of 4096 elements from −3.")
    assert image["alt"].endswith("3 are 0, 2 are NaN or infinite")
    assert image["src"].startswith("data:image/svg+xml;base64,")
    assert "img" not in [tag for tag, _ in shown(mg.full((20, 20), np.nan)).tags]
    assert "400 elements" in str(shown(mg.ones(20, 20)).tags)       # all of them equal


def test_steps_show_what_they_send():
    b = mg.tensor([1.0, 2.0], requires_grad=True)
    loss = (mg.ones(3, 2) * b).sum()
    pages = [shown(step).text for step in inspect.trace(loss)]
    assert "to formula rule gradient total so far b, stretched" in pages[1]
    assert pages[2].startswith("summed over dimension 0: b was stretched from (2,) to (3, 2)")
    assert "Σ g over dimension 0" in pages[2]
    assert pages[3].startswith("leaf b")


def test_profiles_and_memory_are_tables():
    x = mg.tensor(np.ones((40, 40), np.float32), requires_grad=True)
    with inspect.profile() as costs, inspect.memory() as use:
        (x @ x).sum().backward()
    assert "matrix_product forward 1" in shown(costs).text
    assert "outside of operations" in shown(costs).text
    assert "at the peak size" in shown(use).text
    with inspect.profile() as costs, inspect.memory() as use:
        pass
    assert "outside of operations" in shown(costs).text and shown(use).text


def test_a_report_shows_its_verdict_and_its_matrices():
    def cube(x):
        return x ** 3

    wrong = shown(check_gradient(cube, lambda x: 2 * x * x, np.array([1.0, 2.0]),
                                 raise_exception=False))
    assert "✗ cube : the gradient is wrong" in wrong.text and "2/3" in wrong.text
    assert [a["aria-label"] for tag, a in wrong.tags if tag == "svg"] == [
        "claimed by the rule", "measured", "claimed − measured"]
    x = mg.tensor(np.array([1.0, 2.0]), requires_grad=True)
    assert "✓ sin : the gradient is right" in shown(gradcheck(mg.sin, x)).text
    kink = gradcheck(mg.relu, mg.tensor(np.zeros(2), requires_grad=True), raise_exception=False)
    assert "△ relu : the check cannot tell" in shown(kink).text


def test_text_of_users_is_no_markup():
    assert html.escaped("<b>") == "&lt;b&gt;" and html.escaped(html.Markup("<b>")) == "<b>"
    page = Reader(html.block(html.table([["<i>", 1, "−2"]], ["<h>"], "<c>"),
                             html.paragraph("<p>"), html.preformatted("<q>"),
                             html.bar(0.5, "<r>"), html.image("<svg/>", '"<s>')))
    assert page.text == "<c> <h> <i> 1 −2 <p> <q> <r>"
    sides = [a["style"].rpartition(": ")[2] for tag, a in page.tags if tag == "td"]
    assert sides == ["left", "right", "right"]


def test_importing_minigrad_loads_none_of_it():
    code = ("import sys, minigrad; print([name for name in sys.modules if name.startswith("
            "('minigrad.inspect', 'minigrad.check.', 'minigrad.html', 'tqdm', 'IPython'))])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_backticks_in_a_description_are_code():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = x.sum()
    for what in (y, next(inspect.trace(y))):
        assert "`" not in shown(what).text
        assert any(tag == "code" for tag, _ in shown(what).tags)
    assert html.with_code("a `<b>` c") == "a <code>&lt;b&gt;</code> c"


def test_columns_of_numbers_stand_at_the_right_with_their_heads():
    made = Reader(html.table([["1", 2, "3", "", "−4.5"], ["x", "–", "y", "12 %", "inf"]], "abcde"))
    sides = [found["style"].rpartition(": ")[2] for tag, found in made.tags if tag in ("th", "td")]
    assert sides == ["left", "right", "left", "right", "right"] * 3


def test_drawings_keep_a_size_that_can_be_read():
    for width, least in (("240", 240), ("900", html.MIN_WIDTH)):
        (_, found), = Reader(html.image(f'<svg width="{width}" height="9"></svg>', "a")).tags
        assert f"min-width: {least}px" in found["style"]


def test_a_report_on_a_function_of_a_cell_names_no_file():
    code = compile("def f(x):\n    return x.detach() + x * 2\n", "/tmp/ipykernel_7/123.py", "exec")
    made = {}
    exec(code, made)        # as a notebook does
    wrong = gradcheck(made["f"], mg.tensor([1.0], dtype="float64", requires_grad=True),
                      raise_exception=False)
    assert "the function is in line 1 of the cell" in wrong.message()


def test_statistics_and_profiles_write_numbers_as_people_do():
    net = mg.nn.Linear(3, 2)
    with inspect.statistics(net) as seen, inspect.profile() as costs:
        (net(mg.ones(4, 3)) * 1e-3).sum().backward()
    for what in (seen, costs):
        assert not re.search(r"\d\.\d+e[+-]|(?<![\w-])-\d", shown(what).text)
    assert re.search(r"\d+(\.\d+)? (bytes|kB)", shown(costs).text)
