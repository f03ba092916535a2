"""The data inside the page that explains a backward pass."""


import functools
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from inspected import backward_steps, page_data, small_network, toy

import minigrad as mg
from minigrad import inspect, nn
from minigrad.errors import (
    ArgumentError,
    FileError,
    GradientError,
    ReleasedGraphError,
)
from minigrad.inspect import measure


def test_page_holds_the_whole_pass_and_needs_no_network(tmp_path, rng):
    with inspect.record():
        f, w, x, b = toy()      # noqa: RUF059  (their names are read)
    page, data = page_data(inspect.explain(f, tmp_path / "toy.html"))
    assert [s["title"] for s in data["steps"]] == [
        "Before the first step", "multiply", "f = add", "The turn",
        "f = add", "multiply", "leaf b", "leaf w", "leaf x"]
    assert [s["short"] for s in data["steps"][5]["sent"]] == ["5", "−2"]
    assert data["steps"][1]["created"].startswith("inspected.py:")
    assert data["steps"][5]["created"] == data["steps"][1]["created"]
    addresses = set(re.findall(r"https?://[^\"' <)]+", page))
    assert addresses == {"http://www.w3.org/2000/svg"}          # the name of a language
    assert "{{" not in page

    _, loss = small_network(rng)
    _, data = page_data(inspect.explain(loss, tmp_path / "net.html"))
    convolve = next(s for s in backward_steps(data) if s["title"] == "conv2d")
    assert "2×4×8×8 float32   norm" in convolve["gradient"]["text"]
    assert "4×3×3×3 float32" in convolve["sent"][0]["gradient"]["text"]
    assert sum(convolve["gradient"]["histogram"]["counts"]) == 2 * 4 * 8 * 8


def test_page_adds_up_the_diamond(tmp_path):
    x = mg.tensor(3.0, requires_grad=True)
    y = x * x + x
    _, data = page_data(inspect.explain(y, tmp_path / "d.html"))
    cards = [(s["before"], s["short"], s["totalPlain"], s["path"], s["of"])
             for step in backward_steps(data) for s in step["sent"] if s["to"] == "x"]
    assert cards == [(None, "1", "1", 1, 3), ("1", "3", "4", 2, 3), ("4", "3", "7", 3, 3)]


def test_page_says_what_is_wrong(tmp_path):
    f, *_ = toy()
    with pytest.raises(ArgumentError, match=r"\.html"):
        inspect.explain(f, tmp_path / "f.pdf")
    with pytest.raises(FileError, match="cannot write"):
        inspect.explain(f, tmp_path / "no" / "f.html")
    with pytest.raises(GradientError, match="needs a gradient"):
        inspect.explain(mg.tensor([1.0, 2.0], requires_grad=True) * 2, tmp_path / "f.html")
    with pytest.raises(GradientError, match="there is no gradient to explain"):
        inspect.explain(mg.tensor(1.0) * 2)
    with pytest.raises(GradientError, match=r"floats \(2.0, not 2\)"):
        inspect.explain(lambda x: mg.tensor(1.0) * x, 3)
    with pytest.raises(ArgumentError, match="one Tensor; _three returned something of type int"):
        inspect.explain(_three)
    with pytest.raises(ArgumentError, match="a tensor or a function, not something of type str"):
        inspect.explain("loss")
    with pytest.raises(ArgumentError, match="takes one path"):
        inspect.explain(f, "a.html", "b.html")
    with pytest.raises(ArgumentError, match="was not saved"):
        os.fspath(inspect.explain(f))


def _three():
    return 3


def test_the_forward_half_shows_operands_and_results(tmp_path):
    w, x = mg.tensor(-2.0, requires_grad=True), mg.tensor(5.0)
    with inspect.record():
        p = w * x
        f = p + 1
    _, data = page_data(inspect.explain(f))
    multiply, add = data["steps"][1:3]
    assert [(i["name"], i["text"]) for i in multiply["inputs"]] == [("w", "−2"), ("x", "5")]
    assert [(i["name"], i["text"]) for i in add["inputs"]] == [("p", "−10"), ("constant", "1")]
    assert (multiply["result"]["text"], add["result"]["text"]) == ("−10", "−9")
    assert data["values"] == ["−2", "5", "−10", "1", "−9"]


def test_a_function_is_called_and_its_variables_are_names():
    def energy(position, speed):
        kinetic = speed * speed * 0.5
        return kinetic + position

    _, data = page_data(inspect.explain(energy, 1.0, np.array([3.0])))
    titles = [step["title"] for step in data["steps"]]
    assert "kinetic = multiply" in titles and "energy = add" in titles
    assert {"leaf position", "leaf speed"} <= set(titles)


def test_a_module_is_a_function_and_its_parameters_have_names():
    net = nn.Linear(3, 1)
    _, data = page_data(inspect.explain(net, mg.tensor([[1.0, 2.0, 3.0]])))
    titles = [step["title"] for step in data["steps"]]
    assert {"output = linear", "leaf weight", "leaf bias"} <= set(titles)


def test_the_profile_function_of_the_user_is_back_afterwards():
    def watch(*event):
        pass

    sys.setprofile(watch)
    try:
        inspect.explain(lambda x: x * x, 2.0)
        assert sys.getprofile() is watch
    finally:
        sys.setprofile(None)


def test_after_backward_the_page_says_what_to_do_or_simply_works():
    def compute():
        w = mg.tensor(3.0, requires_grad=True)
        return w, w * w * w

    _, f = compute()
    f.backward()
    for look in (inspect.explain, lambda f: inspect.graph(f, gradients=True),
                 lambda f: list(inspect.trace(f))):
        with pytest.raises(ReleasedGraphError, match=r"before backward\(\).*retain_graph.*record"):
            look(f)
    with inspect.record():
        w, f = compute()
    f.backward()
    with mg.no_grad():
        w.add_(7.0)                 # as an optimiser does
    _, data = page_data(inspect.explain(f))
    assert data["values"] == ["3", "9", "27"]       # w is shown as it was
    assert data["steps"][-1]["gradient"]["text"] == "27"
    assert data["steps"][-1]["measured"]["kind"] == "agrees"
    with pytest.raises(ReleasedGraphError):
        f.backward()                # looking at a graph does not revive it
    assert w.grad.item() == 27


def test_broadcasting_is_a_step_of_its_own():
    b = mg.tensor([1.0, 2.0], requires_grad=True)
    table = mg.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    f = ((table + b) * table).sum()
    _, data = page_data(inspect.explain(f))
    step = next(s for s in backward_steps(data) if s["title"].startswith("summed"))
    assert step["title"] == \
        "summed over dimension 0: b was stretched from (2,) to (3, 2)"
    assert " ".join(step["gradient"]["text"].split()) == "[[1. 2.] [3. 4.] [5. 6.]]"
    (sent,) = step["sent"]
    assert (sent["to"], sent["short"]) == ("b", "[9, 12]")
    assert sent["formula"] == "∂f/∂b = Σ g over dimension 0"
    assert sent["measured"] is None         # table + b does not know its table
    assert "b is stretched" in [s["title"] for s in data["steps"]]
    assert [v["kind"] for v in data["vertices"]].count("stretch") == 1


def test_formulas_have_the_users_names_and_numbers():
    x, w = (mg.tensor(value, requires_grad=True) for value in (5.0, -2.0))
    f = w * x
    _, data = page_data(inspect.explain(f))
    multiply = backward_steps(data)[0]
    assert [s["formula"] for s in multiply["sent"]] == [
        "∂f/∂w = g · x = 1 · 5 = 5", "∂f/∂x = g · w = 1 · (−2) = −2"]
    assert multiply["sent"][0]["with"] == "g = 1, y = 5 (your x)"


def test_a_wrong_rule_is_found_and_named(leave_no_primitives):
    @mg.elementwise
    def cube(x):
        """z = x³."""
        return x * x * x

    cube.derivative(x=lambda g, x: g * 2 * x * x)
    x = mg.tensor(2.0, requires_grad=True)
    f = cube(x * 1.5)
    _, data = page_data(inspect.explain(f))
    sent = next(s for s in backward_steps(data) if s["title"] == "f = cube")["sent"][0]
    assert sent["measured"]["kind"] == "differs"
    assert "27 per unit, but the backward pass says 18" in sent["measured"]["text"]
    assert "the rule of cube is wrong" in sent["measured"]["text"]
    turn = next(s for s in data["steps"] if s["phase"] == "turn")
    assert turn["notes"][-1].startswith("✗ 2 of 3 gradients do not agree")
    later = next(s for s in backward_steps(data) if s["title"] == "multiply")["sent"][0]
    assert later["measured"]["kind"] == "differs" and "is wrong" not in later["measured"]["text"]


def test_a_kink_is_no_mistake():
    x = mg.tensor(0.0, requires_grad=True)
    _, data = page_data(inspect.explain(lambda x: x.relu() * 3.0, x))
    leaf = data["steps"][-1]
    assert leaf["measured"]["kind"] == "kink"
    assert "0 per unit on the left, 3 on the right; the rule takes 0" in leaf["measured"]["text"]


def test_a_finished_graph_says_what_it_cannot_show():
    table, x = mg.ones(2, 3), mg.tensor([[1.0], [2.0]], requires_grad=True)
    f = (x + table).sum()           # no rule needs the table
    _, data = page_data(inspect.explain(f))
    notes = " ".join(data["steps"][0]["notes"])
    assert "1 of its values are not known" in notes and "operands of add" in notes
    assert all(step["measured"] is None for step in backward_steps(data))
    _, data = page_data(inspect.explain(lambda x: (x + table).sum(), x))
    assert all(step["measured"]["kind"] == "agrees" for step in backward_steps(data))


def test_numbers_that_are_none_and_constants_do_not_break_the_page():
    x = mg.tensor([-1.0, 0.0, np.inf] * 20, requires_grad=True)
    with np.errstate(all="ignore"):
        page, data = page_data(inspect.explain(lambda x: (x.log() * x).sum(), x))
    assert {s["measured"]["kind"] for s in backward_steps(data)} == {"undefined"}
    assert data["steps"][1]["result"]["histogram"] is None     # all of it NaN or infinite
    assert "NaN" not in page.split('id="data">')[1].split("</script>")[0]


def test_passes_share_a_page_and_must_have_one_graph():
    w, seen = mg.tensor(1.0, requires_grad=True), []
    for _ in range(4):
        loss = (w * 3.0 - 6.0) ** 2
        seen.append(inspect.explain(loss))
        w.grad = None
        loss.backward()
        with mg.no_grad():
            w -= 0.05 * w.grad
    page, data = page_data(inspect.passes(seen, title="learning"))
    losses = [float(one["loss"].replace("−", "-")) for one in data["passes"]]
    assert losses == sorted(losses, reverse=True) and losses[0] == 9
    assert data["passes"][0]["values"][0] == "1"
    assert "<h1>learning</h1>" in page
    with pytest.raises(ArgumentError, match="pass 2 has a different graph"):
        inspect.passes([seen[0], inspect.explain(w * w)])
    with pytest.raises(ArgumentError, match="at least one"):
        inspect.passes([])


def test_the_object_shows_itself_and_is_a_path_once_saved(tmp_path):
    f, *_ = toy()
    shown = inspect.explain(f, names={"<i>": f})
    assert "save(" in repr(shown)
    cell = shown._repr_html_()
    assert cell.startswith("<iframe srcdoc=") and "<!DOCTYPE" not in cell       # escaped
    assert 'sandbox="allow-scripts"' in cell
    assert shown.save(tmp_path / "f.html").read_text("utf-8") == shown.html
    assert Path(shown) == tmp_path / "f.html" and str(tmp_path) in repr(shown)


def test_long_tables_are_histograms():
    for shape, table in (((6, 6), True), ((18, 2), False), ((36, 1), True), ((37,), False)):
        _, data = page_data(inspect.explain(lambda x: (x * x).sum(), np.ones(shape)))
        result = data["steps"][1]["result"]
        assert (result["histogram"] is None) == table, shape


def test_a_hook_that_changes_a_gradient_is_seen():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    x.register_hook(lambda gradient: gradient * 2)
    _, data = page_data(inspect.explain((x * 3.0).sum()))
    multiply, leaf = backward_steps(data)[1:]
    assert multiply["sent"][0]["measured"]["kind"] == "agrees"
    assert leaf["measured"]["kind"] == "differs"
    assert "3 per unit, but the backward pass says 6" in leaf["measured"]["text"]


def test_names_in_our_own_code_are_not_the_users():
    net = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    _, data = page_data(inspect.explain(net, mg.ones(1, 2), gradient=mg.ones(1, 2)))
    assert backward_steps(data)[0]["title"] == "output = tanh"
    assert "<title>f, forwards" in inspect.explain(functools.partial(pow, 2.0), mg.tensor(
        3.0, requires_grad=True)).html


def test_the_page_says_how_many_gradients_are_not_measured(monkeypatch):
    monkeypatch.setattr(measure, "MAX_VISITS", 100)
    y = x = mg.tensor(1.0, requires_grad=True)
    for _ in range(12):
        y = y * x
    _, data = page_data(inspect.explain(y))
    turn = next(step for step in data["steps"] if step["phase"] == "turn")
    counted = [step["measured"] is None for step in backward_steps(data)]
    assert 0 < sum(counted) < len(counted) == 13
    assert f"✓ All {counted.count(False)} gradients below that are measured agree." in turn["notes"]
    assert f"{sum(counted)} of 13 gradients are not measured" in turn["notes"][-1]


def test_sums_over_what_was_stretched_are_measured_path_by_path():
    _, data = page_data(inspect.explain(
        lambda b, t: (t * b + b).sum(), np.array([1.0, 2.0]), np.array([[1.0, 2.0], [3.0, 4.0]])))
    sums = [s for s in backward_steps(data) if s["title"].startswith("summed over dimension 0: b")]
    assert [step["sent"][0]["measured"]["kind"] for step in sums] == ["agrees", "agrees"]
    assert [step["sent"][0]["short"] for step in sums] == ["[2, 2]", "[4, 6]"]
    assert sums[1]["sent"][0]["measured"]["slopes"] == "[4. 6.]"


def test_leaves_that_were_changed_in_place_are_noticed():
    w, b = mg.tensor(2.0, requires_grad=True), mg.tensor(3.0, requires_grad=True)
    with inspect.record():
        kept = w + b
    f = w + b
    with mg.no_grad():
        w.add_(10.0)
    _, data = page_data(inspect.explain(f))
    assert data["steps"][0]["notes"][-1].startswith("✗ The leaves have been changed")
    _, data = page_data(inspect.explain(kept))
    assert len(data["steps"][0]["notes"]) == 1 and data["values"] == ["2", "3", "5"]


def test_operands_are_shown_by_their_elements_where_the_result_is():
    a, b = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([2.0, -1.0])
    _, data = page_data(inspect.explain(lambda a, b: (a * b).sum(), a, b))
    multiply = next(step for step in data["steps"] if step["title"] == "multiply")
    assert [(i["name"], i["text"], i["small"]) for i in multiply["inputs"]] == [
        ("a", "3×2", False), ("the stretched b", "3×2", False)]
    assert multiply["inputs"][1]["table"] == "[[ 2. −1.]\n [ 2. −1.]\n [ 2. −1.]]"
    large = inspect.explain(lambda a: a.exp().sum(), np.ones((9, 9)))
    assert page_data(large)[1]["steps"][1]["inputs"] == [
        {"name": "a", "text": "9×9", "kind": "leaf", "small": False, "table": ""}]
    column = inspect.explain(lambda a: a.exp().sum(), np.linspace(0.1234, 9.8765, 16)[:, None])
    (found,) = page_data(column)[1]["steps"][1]["inputs"]
    assert found["text"] == "" and found["table"].startswith("16×1: [")
    assert max(map(len, found["table"].splitlines())) <= 43         # as a telephone shows


def test_long_elements_do_not_widen_a_box():
    x = np.array([0.010012, -0.0090234, -0.15823, 0.18555])
    _, data = page_data(inspect.explain(lambda x: (x * x).sum(), x))
    assert data["values"][0] == "vector of 4"
    sent = [one for step in backward_steps(data) for one in step["sent"] if one["to"] == "x"]
    assert sent[-1]["totalShort"].startswith("‖grad‖ ")


def test_the_rows_of_a_saved_matrix_stand_below_one_another():
    x = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    _, data = page_data(inspect.explain(lambda x: (x * x).sum(), x))
    multiply = next(step for step in backward_steps(data) if step["title"] == "multiply")
    assert "x = [[1. 2.]\n     [3. 4.]\n     [5. 6.]]" in multiply["saved"]
