"""What things are called: the user's tensors, operations, and rules as formulae."""

import pytest

import minigrad as mg
from minigrad import inspect, nn
from minigrad.check.public_names import primitives_behind, public_functions
from minigrad.core.primitive import registered_primitives
from minigrad.inspect.formula import formula
from minigrad.inspect.naming import PREFERRED, public_name
from minigrad.inspect.rules import RuleSource, rule_source


def test_every_preferred_name_is_public_and_leads_to_its_primitive():
    for primitive, name in PREFERRED.items():
        assert primitive in registered_primitives()
        if name == "getitem":       # the method behind x[i]
            assert primitive == "select" and hasattr(mg.Tensor, f"__{name}__")
            continue
        assert name in public_functions(), name
        assert primitive in primitives_behind(name), (primitive, name)


def test_public_names_are_what_the_user_called():
    x = mg.tensor([[1.0, 2.0]], requires_grad=True)
    for function, name in ((lambda: x @ x.T, "matmul"), (lambda: mg.cat([x, x]), "cat"),
                           (lambda: x[0], "getitem"), (lambda: mg.softmax(x, 1), "softmax"),
                           (lambda: mg.functional.linear(x, x), "linear"),
                           (lambda: x.clip(0, 1), "clip"), (lambda: x * x, "multiply")):
        assert name == public_name(function().node.primitive.name)
    assert public_name("no such primitive") == "no such primitive"


def lines(steps):
    return "\n".join(map(str, steps))


def test_trace_has_the_users_names():
    w, x = mg.tensor(-2.0, requires_grad=True), mg.tensor(5.0, requires_grad=True)
    f = w * x
    assert lines(inspect.trace(f)).splitlines() == [
        "  0 f = multiply  ()  gradient 1.",
        "      to w: 5.    lambda g, y: g * y   (y is x)",
        "      to x: -2.    lambda g, x: g * x   (x is w)",
        "      saved y, x: 8 bytes",
        "  1 leaf w  ()  gradient 5.",
        "  2 leaf x  ()  gradient -2."]
    assert "to slope: 5." in lines(inspect.trace(f, names={"slope": w}))


def test_names_are_found_in_lists_dictionaries_objects_and_modules():
    weights = [mg.tensor(2.0, requires_grad=True), mg.tensor(3.0, requires_grad=True)]
    named = {"bias": mg.tensor(1.0, requires_grad=True)}
    loss = weights[0] * weights[1] + named["bias"]
    text = lines(inspect.trace(loss))
    assert "leaf weights[0]" in text and "leaf weights[1]" in text
    assert "leaf named['bias']" in text

    class Neuron:
        def __init__(self):
            self.w = mg.tensor(2.0, requires_grad=True)

        def traced(self):
            return lines(inspect.trace(self.w * 2))

    assert "leaf self.w" in Neuron().traced()
    first, second = nn.Linear(1, 1), nn.Linear(1, 1)
    loss = second(first(mg.ones(1, 1))).sum()
    text = lines(inspect.trace(loss))
    assert "leaf first.weight" in text and "leaf second.weight" in text


def test_names_that_are_taken_are_not_given_to_other_operands():
    x = mg.tensor(2.0, requires_grad=True)
    f = (x + 1) * (x + 2)
    text = lines(inspect.trace(f, names={"x": x, "y": f}))
    assert "(y is 2nd operand)" in text
    assert "(x is 1st operand)" in text


def test_arrows_have_the_users_names():
    x, w = mg.tensor(5.0, requires_grad=True), mg.tensor(-2.0, requires_grad=True)
    b = mg.tensor([1.0, 2.0], requires_grad=True)
    f = (w * x + b).sum()
    dot = inspect.graph(f).dot
    for label in ("w", "x", "b", "1st"):
        assert f'[label="{label}"]' in dot
    assert '[label="y"]' not in dot
    assert r"stretched\n() → (2,)" in dot


@pytest.mark.parametrize("source, expected", [
    ("lambda g, y: g * y", "g · y"),
    ("lambda g, out: g * (1 - out * out)", "g · (1 − out²)"),
    ("lambda g, x, y: -g * x / (y - x)", "−g · x / (y − x)"),
    ("lambda g, x, y: g - (x - y)", "g − (x − y)"),
    ("lambda g, x: g / (2 * x)", "g / (2 · x)"),
    ("lambda g, x: g * x ** 3", "g · x³"),
    ("lambda g, x: g * x ** (-0.5)", "g · x^(−0.5)"),
    ("lambda g, x, y: g * x ** (y - 1)", "g · x^(y − 1)"),
    ("lambda g, x: g * (x > 0)", "g · (x > 0)"),
    ("lambda g, y: matrix_product(g, matrix_transpose(y))", "g yᵀ"),
    ("lambda g, x: g * mg.exp(x)", "g · exp(x)"),
    ("lambda g, x_shape: broadcast_to(g, x_shape)", "g repeated to the shape of x"),
    ("lambda g, x: g if x else 0", "g if x, otherwise 0"),
    ("lambda g, xs, position: f(*xs[:position])", "f(*xs[:position])"),
    ("def rule(g, x):\n    'Words.'\n    return g * x", "g · x"),
    ("def rule(g, x):\n    y = g * x\n    return y", ""),
    ("zero", "zero"), ("lambda", ""),
])
def test_rules_as_formulae(source, expected):
    found = formula(RuleSource(source, "file.py", 1))
    assert found == (expected if source != "zero" else "")


def test_formulae_take_names():
    rule = RuleSource("lambda g, y, x_shape: g * y + x_shape", "file.py", 1)
    assert formula(rule, {"y": "weight", "x": "image"}) == "g · weight + shape of image"


def test_every_rule_of_the_engine_can_be_written():
    written = [formula(rule_source(rule)) for primitive in registered_primitives().values()
               for rule in primitive.rules.values() if rule is not None]
    assert len(written) > 150 and sum(map(bool, written)) > 0.9 * len(written)


def test_a_rule_with_a_docstring_is_quoted():
    def rule(g, x):
        """Words."""
        return g * x

    assert "return g * x" in rule_source(rule).text
