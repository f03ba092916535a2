"""Watching a backward pass: trace, graph, page, operation hooks, anomalies."""

import json
import re
import sys
import threading
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
import minigrad.functional as F
from minigrad import inspect, nn
from minigrad.core.primitive import registered_primitives
from minigrad.errors import (
    AnomalyError,
    ArgumentError,
    FileError,
    GradientError,
    ReleasedGraphError,
)
from minigrad.inspect.layout import place
from minigrad.inspect.rules import rule_source


def toy():
    """f = w·x + b of the seeds: x = 5, w = −2, b = 3."""
    w, x, b = (mg.tensor(value, requires_grad=True) for value in (-2.0, 5.0, 3.0))
    return w * x + b, w, x, b


def small_network(rng):
    mg.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                        nn.Linear(64, 5))
    images = mg.tensor(rng.standard_normal((2, 3, 8, 8)).astype(np.float32))
    return net, F.cross_entropy(net(images), mg.tensor([1, 3]))


# ------------------------------------------------------------------------------- trace


def test_trace_of_the_toy():
    f, w, x, b = toy()
    steps = list(inspect.trace(f))
    assert [s.operation for s in steps] == ["add", "multiply", "leaf", "leaf", "leaf"]
    assert [s.order for s in steps] == [0, 1, 2, 3, 4]
    add, multiply = steps[:2]
    assert add.gradient.item() == 1
    assert [s.gradient.item() for s in add.sent] == [1, 1]
    assert [(s.name, s.gradient.item(), s.before) for s in multiply.sent] == [
        ("x", 5.0, None), ("y", -2.0, None)]
    assert multiply.formula == "Product  z = x·y."
    assert multiply.sent[0].rule.text == "lambda g, y: g * y"
    assert {k.name: float(k.value) for k in multiply.kept} == {"x": -2.0, "y": 5.0}
    assert multiply.kept_bytes == 8
    assert add.kept == ()
    assert {id(s.node): s.gradient.item() for s in steps[2:]} == {id(w): 5, id(x): -2, id(b): 1}
    assert w.grad is None
    f.backward()        # the graph survived
    assert (w.grad.item(), x.grad.item(), b.grad.item()) == (5, -2, 1)


def test_trace_shows_the_diamond_add_up():
    x = mg.tensor(3.0, requires_grad=True)
    add, multiply, leaf = inspect.trace(x * x + x)
    direct = add.sent[1]
    assert (direct.target is x, direct.before, direct.total.item()) == (True, None, 1)
    assert [(s.before.item(), s.gradient.item(), s.total.item()) for s in multiply.sent] == [
        (1, 3, 4), (4, 3, 7)]
    assert (leaf.gradient.item(), leaf.paths, leaf.norm) == (7, 3, 7)
    assert multiply.kept_bytes == 4         # one array under two names
    assert "total 4. + 3. = 7." in str(multiply)


def test_a_total_shown_is_not_changed_by_later_steps():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = ((x + x) + x) + x
    sent = [s for step in inspect.trace(y, np.ones(2, np.float32)) for s in step.sent
            if s.target is x]
    assert [s.total.tolist() for s in sent] == [[1, 1], [2, 2], [3, 3], [4, 4]]


def test_trace_agrees_with_backward(rng):
    net, loss = small_network(rng)
    steps = list(inspect.trace(loss))
    loss.backward()
    leaves = {id(s.node): s for s in steps if s.operation == "leaf"}
    parameters = list(net.parameters())
    assert len(leaves) == len(parameters) == 4
    for parameter in parameters:
        step = leaves[id(parameter)]
        assert np.array_equal(step.gradient, parameter.grad.numpy())
        assert step.norm == pytest.approx(np.linalg.norm(parameter.grad.numpy()), rel=1e-6)


def test_between_steps_the_callers_modes_hold():
    f, w, *_ = toy()
    for step in inspect.trace(f):
        assert mg.is_grad_enabled()
        assert (w * 2).node is not None
        if step.operation == "multiply":
            break
    assert mg.is_grad_enabled()
    with mg.no_grad():
        assert len(list(inspect.trace(f))) == 5
        assert not mg.is_grad_enabled()


def test_trace_can_release_and_refuses_what_backward_refuses():
    f, *_ = toy()
    kept = [step.kept_bytes for step in inspect.trace(f, retain_graph=False)]
    assert kept == [0, 8, 0, 0, 0]
    with pytest.raises(ReleasedGraphError, match="already differentiated"):
        list(inspect.trace(f))
    with pytest.raises(GradientError, match="needs a gradient"):
        inspect.trace(mg.tensor([1.0, 2.0], requires_grad=True) * 2)
    with pytest.raises(GradientError, match="does not depend"):
        inspect.trace(mg.tensor(1.0))


def test_rules_are_quoted_from_the_line_where_they_stand():
    for name in ("multiply", "power", "convolve", "concatenate", "softmax_along"):
        primitive = registered_primitives()[name]
        for rule in primitive.rules.values():
            source = rule_source(rule)
            file = Path(mg.__path__[0]).parent / source.file
            line = file.read_text("utf-8").splitlines()[source.line - 1]
            start = source.text[:source.text.index(":") + 1]
            assert start in line, (name, source)


def test_two_rules_on_one_line_are_told_apart():
    first, second = (lambda g, x: g * x), (lambda g, x: g + x)
    assert rule_source(first).text == "lambda g, x: g * x"
    assert rule_source(second).text == "lambda g, x: g + x"


# ------------------------------------------------------------------------- graph, layout


def test_graph_names_values_and_gradients():
    f, w, x, b = toy()      # noqa: RUF059  (their names are read)
    picture = inspect.graph(f, gradients=True)
    labels = re.findall(r'label="([^"]*)", fill', picture.dot)
    assert labels == [r"w\n−2\ngrad 5", r"x\n5\ngrad −2", r"multiply\n−10\ngrad 1",
                      r"b\n3\ngrad 1", r"f = add\n−7\ngrad 1"]
    assert re.findall(r"(v\d) -> (v\d)", picture.dot) == [
        ("v0", "v2"), ("v1", "v2"), ("v2", "v4"), ("v3", "v4")]
    root = ElementTree.fromstring(picture.svg)
    texts = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"w", "−2", "grad 5", "f = add"} <= set(texts)
    renamed = inspect.graph(f, names={"slope": w}).dot
    assert "slope" in renamed and "[label=\"add" in renamed and r"\ngrad" not in renamed


def test_graph_shows_constants_that_rules_keep_and_all_that_was_recorded():
    x, c = mg.tensor([1.0, 2.0], requires_grad=True), mg.tensor([3.0, 4.0])
    forgetful = inspect.graph((x * c + c).sum(), names={})
    assert forgetful.dot.count("constant") == 1         # add keeps nothing
    assert r"multiply\n[3, 8]" in forgetful.dot         # follows from what is known
    with inspect.record():
        y = (x * c + c).sum()
    assert r"add\n[6, 12]" in inspect.graph(y, names={}).dot
    assert "add -> " not in inspect.graph(y).dot


def test_a_name_is_text_not_markup(tmp_path):
    x = mg.tensor(2.0, requires_grad=True)
    y = x * x
    picture = inspect.graph(y, names={'</svg><b>"&': x})
    ElementTree.fromstring(picture.svg)
    assert r"\"&" in picture.dot
    page = inspect.explain(y, tmp_path / "p.html", names={"</script><b>": x}).read_text("utf-8")
    assert page.count("</script>") == 2 and "<b>" not in page.split("<script")[0]


def test_graph_is_saved_by_its_ending(tmp_path):
    f, *_ = toy()
    picture = inspect.graph(f)
    picture.save(tmp_path / "f.svg")
    picture.save(tmp_path / "f.dot")
    assert (tmp_path / "f.svg").read_text("utf-8") == picture.svg == picture._repr_svg_()
    assert (tmp_path / "f.dot").read_text("utf-8").startswith("digraph")
    with pytest.raises(ArgumentError, match=r"\.svg or \.dot"):
        picture.save(tmp_path / "f.png")
    with pytest.raises(FileError, match="cannot be written"):
        picture.save(tmp_path / "no" / "f.svg")
    with pytest.raises(GradientError, match="no graph to draw"):
        inspect.graph(mg.tensor(1.0, requires_grad=True))


def test_values_of_a_long_chain_are_found_without_recursion():
    y = x = mg.tensor(0.0, requires_grad=True)
    for _ in range(2000):
        y = -y + x
    with pytest.raises(ArgumentError, match="4000 operations"):
        inspect.graph(y)
    y = x
    for _ in range(2500):
        y = -y
    assert inspect.graph(y).dot.count("negative") == 2500


def test_masks_joined_arrays_and_empty_ones_are_drawn(tmp_path):
    x, nothing = (mg.tensor(v, requires_grad=True) for v in ([1.0, 2.0], np.zeros((0, 3))))
    chosen = mg.where(mg.tensor([True, False]), x, 0.0)
    total = mg.cat([chosen, chosen.float() * 2]).sum() + nothing.sum()
    picture = inspect.graph(total, gradients=inspect.trace(total))
    assert r"constant\n[True, False]" in picture.dot
    assert r"x\n[1, 2]\ngrad [3, 0]" in picture.dot
    assert r"nothing\n[]\ngrad []" in picture.dot
    _, data = page_data(inspect.explain(total, tmp_path / "p.html"))
    joined = next(s for s in data["steps"] if s["title"] == "concatenate")
    assert [s["name"] for s in joined["sent"]] == ["xs", "xs"]
    assert len({s["edge"] for s in joined["sent"]}) == 2


@pytest.mark.parametrize("seed", range(8))
def test_layout_keeps_boxes_apart_and_edges_downward(seed):
    rng = np.random.default_rng(seed)
    sizes = [(float(w), 60.0) for w in rng.integers(50, 200, 40)]
    edges = [(int(rng.integers(0, t)), t, float(rng.uniform(-0.5, 0.5)))
             for t in range(1, 40) for _ in range(rng.integers(1, 3))]
    placed = place(sizes, edges)
    for i, (x, y) in enumerate(placed.centers):
        assert sizes[i][0] / 2 <= x <= placed.width - sizes[i][0] / 2
        assert 30 <= y <= placed.height - 30
        for j in range(i):
            apart = abs(x - placed.centers[j][0]) - (sizes[i][0] + sizes[j][0]) / 2
            assert apart > 1 or abs(y - placed.centers[j][1]) > 60
    for (source, target, _), path in zip(edges, placed.paths):
        assert placed.centers[source][1] < placed.centers[target][1]
        assert all(a[1] < b[1] for a, b in pairwise(path))


def test_layout_untangles_what_can_be_drawn_without_crossings():
    size = (60.0, 40.0)
    # Two chains given in crossed order: 0→3, 1→2, both into 4 (3 at its left, 2 at its right).
    placed = place([size] * 5, [(0, 3, 0.0), (1, 2, 0.0), (3, 4, -0.25), (2, 4, 0.25)])
    x = [center[0] for center in placed.centers]
    assert x[3] < x[2] and x[0] < x[1]
    assert x[0] == pytest.approx(x[3]) and x[1] == pytest.approx(x[2])      # and straight


# ------------------------------------------------------------------------------- page


def page_data(path):
    page = path.read_text("utf-8")
    return page, json.loads(re.search(r'id="data">(.*?)</script>', page, re.S)[1])


def test_page_holds_the_whole_pass_and_needs_no_network(tmp_path, rng):
    with inspect.record():
        f, w, x, b = toy()      # noqa: RUF059  (their names are read)
    page, data = page_data(inspect.explain(f, tmp_path / "toy.html"))
    assert [s["title"] for s in data["steps"]] == [
        "Before the first step", "f = add", "multiply", "leaf b", "leaf w", "leaf x"]
    assert [s["short"] for s in data["steps"][2]["sent"]] == ["5", "−2"]
    assert data["steps"][2]["created"].startswith("test_inspect.py:")
    addresses = set(re.findall(r"https?://[^\"' <)]+", page))
    assert addresses == {"http://www.w3.org/2000/svg"}          # the name of a language
    assert "{{" not in page

    _, loss = small_network(rng)
    _, data = page_data(inspect.explain(loss, tmp_path / "net.html"))
    convolve = next(s for s in data["steps"] if s["title"] == "convolve")
    assert "2×4×8×8 float32   norm" in convolve["gradient"]
    assert "4×3×3×3 float32" in convolve["sent"][0]["gradient"]


def test_page_adds_up_the_diamond(tmp_path):
    x = mg.tensor(3.0, requires_grad=True)
    y = x * x + x
    _, data = page_data(inspect.explain(y, tmp_path / "d.html"))
    cards = [(s["before"], s["short"], s["totalPlain"], s["path"], s["of"])
             for step in data["steps"][1:] for s in step["sent"] if s["to"] == "x"]
    assert cards == [(None, "1", "1", 1, 3), ("1", "3", "4", 2, 3), ("4", "3", "7", 3, 3)]


def test_page_says_what_is_wrong(tmp_path):
    f, *_ = toy()
    with pytest.raises(ArgumentError, match=r"\.html"):
        inspect.explain(f, tmp_path / "f.pdf")
    with pytest.raises(FileError, match="cannot be written"):
        inspect.explain(f, tmp_path / "no" / "f.html")
    with pytest.raises(GradientError, match="needs a gradient"):
        inspect.explain(mg.tensor([1.0, 2.0], requires_grad=True) * 2, tmp_path / "f.html")


# -------------------------------------------------------------------- operation hooks


def test_operation_hooks_see_both_directions_in_nested_pairs():
    seen = []

    def note(moment):
        return lambda call: seen.append((moment, call.phase, call.primitive.name))

    with inspect.operation_hooks(note("outer before"), note("outer after")), \
         inspect.operation_hooks(after=note("inner after")):
        f, *_ = toy()
        f.backward()
    expected = [(moment, phase, name)
                for phase, names in (("forward", ("multiply", "add")),
                                     ("backward", ("add", "multiply"))) for name in names
                for moment in ("outer before", "inner after", "outer after")]
    assert seen == expected
    (mg.tensor(1.0, requires_grad=True) * 2).backward()
    assert seen == expected         # the hooks are gone


def test_operation_hooks_are_told_what_went_in_and_came_out():
    calls = []
    with inspect.operation_hooks(after=calls.append):
        f, w, x, _ = toy()
        f.backward()
    multiply = calls[0]
    assert [float(a) for a in multiply.arguments] == [-2, 5]
    assert multiply.result.item() == -10 and multiply.node is multiply.result.node
    back = calls[3]
    assert (back.gradient.item(), back.node is multiply.node) == (1, True)
    assert [(c.name, c.target, float(c.gradient)) for c in back.contributions] == [
        ("x", w, 5.0), ("y", x, -2.0)]


def test_operation_hooks_stay_in_their_thread_and_do_not_watch_themselves():
    seen = []

    def compute(call):
        seen.append(call.primitive.name)
        mg.tensor(2.0).exp()

    with inspect.operation_hooks(after=compute):
        thread = threading.Thread(target=lambda: mg.tensor(1.0).sin())
        thread.start()
        thread.join()
        mg.tensor(1.0).cos()
    assert seen == ["cos"]
    with pytest.raises(KeyError), inspect.operation_hooks():
        raise KeyError
    assert not sys.modules["minigrad.core.hooks"].observers


def test_a_recorded_pass_and_a_limited_one_are_seen_truly():
    x, y = (mg.tensor(v, requires_grad=True) for v in (2.0, 3.0))
    calls = []
    with inspect.operation_hooks(after=calls.append):
        (g,) = mg.grad(x * y, y, create_graph=True)
    backward = [c for c in calls if c.phase == "backward"]
    assert [[(c.name, c.target) for c in b.contributions] for b in backward] == [[("y", y)]]
    assert [c.primitive.name for c in calls] == ["multiply", "multiply", "multiply"]
    assert g.item() == 2


# --------------------------------------------------------------------------- anomalies


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_anomaly_in_the_forward_pass_names_operation_and_line():
    with mg.detect_anomaly(), pytest.raises(
            AnomalyError, match=r"^log gave NaN at index \(1,\) \(1 of 3 .*operands without any, "
                                r"at .*test_inspect\.py:\d+ \(x\.log\(\)  # here\)$"):
        x = mg.tensor([1.0, -1.0, 2.0])
        x.log()  # here
    with mg.detect_anomaly(), pytest.raises(AnomalyError, match="divide gave −inf"):
        mg.tensor(-1.0) / mg.tensor(0.0)
    with mg.detect_anomaly(), pytest.raises(AnomalyError, match="add gave NaN, which was among"):
        mg.tensor(float("nan")) + 1


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_anomaly_in_the_backward_pass_names_the_forward_line():
    x = mg.tensor([4.0, 0.0], requires_grad=True)
    with mg.detect_anomaly():
        y = x.sqrt()  # the culprit
        loss = y.sum()
        with pytest.raises(AnomalyError, match=(
                r"derivative of sqrt with respect to x gave inf at index \(1,\)"
                r".*test_inspect\.py:\d+ \(y = .* # the culprit\)")):
            loss.backward()
    loss = x.sqrt().sum()
    with mg.detect_anomaly(), pytest.raises(AnomalyError, match="outside detect_anomaly"):
        loss.backward()


def test_healthy_computations_and_deliberate_infinities_pass(rng):
    with mg.detect_anomaly():
        net, loss = small_network(rng)
        loss.backward()
        scores = mg.where(mg.tensor([True, False]), mg.tensor([1.0, 2.0], requires_grad=True),
                          -float("inf"))
        mg.softmax(scores, 0)[0].backward()
    assert all(np.isfinite(p.grad.numpy()).all() for p in net.parameters())
    assert issubclass(AnomalyError, mg.MinigradError)
