"""The wrong rules are what they should be: wrong, and only where they should be."""

from collections import Counter

import numpy as np
import pytest

from tools.wrong_rules import KINDS, LATER
from tools.wrong_rules import RULES as FIRST

RULES = [*FIRST, *LATER]

# Mistakes in the behaviour of a rule; a single call of each gives the right numbers.
BEHAVIOUR = ("gradient_accumulates", "upstream_changed", "upstream_layout", "input_changed",
             "low_precision")

BETWEEN_CALLS = ("first input kept", "shared workspace", "state of another sequence")


def directions(arguments, seed=1):
    rng = np.random.default_rng(seed)
    kinds = [np.iscomplexobj(a) for a in arguments]
    return [rng.standard_normal(a.shape) + (1j * rng.standard_normal(a.shape) if c else 0)
            for a, c in zip(arguments, kinds)]


def slope(forward, arguments, along, h=1e-6):
    """Central difference of the forward along a direction."""
    ahead = forward(*[a + h * u for a, u in zip(arguments, along)])
    behind = forward(*[a - h * u for a, u in zip(arguments, along)])
    return (np.asarray(ahead) - behind) / (2 * h)


def disagreement(rule, layout=np.ascontiguousarray):
    """How far ⟨v, J·u⟩ and ⟨Jᵀ·v, u⟩ are apart, relative to the larger; 1 for a wrong shape."""
    forward, vjp = rule.pair()
    arguments, along = rule.arguments(), directions(rule.arguments())
    measured = slope(forward, arguments, along)
    out = np.asarray(forward(*rule.arguments()))
    v = layout(directions([out], seed=2)[0])
    expected = np.vdot(v, measured).real
    gradients = vjp(v.copy(order="K"), *rule.arguments())
    if any(np.shape(d) != a.shape for d, a in zip(gradients, arguments)):
        return 1.0
    total = sum(np.vdot(d, u).real for d, u in zip(gradients, along))
    return abs(total - expected) / max(abs(total), abs(expected))


def test_there_are_four_rules_of_each_kind_and_one_more():
    assert Counter(rule.kind for rule in FIRST) == dict.fromkeys(KINDS, 4)
    assert Counter(rule.kind for rule in LATER) == dict.fromkeys(KINDS, 1)
    assert (len(FIRST), len(LATER)) == (200, 50)
    assert len({str(rule) for rule in RULES}) == 250


def test_the_gradients_are_wrong():
    assert [str(rule) for rule in RULES if rule.kind not in BEHAVIOUR
            and rule.name not in BETWEEN_CALLS and disagreement(rule) < 1e-4] == []


def test_one_call_of_a_rule_that_behaves_badly_is_right():
    assert [str(rule) for rule in RULES if rule.kind in BEHAVIOUR
            and disagreement(rule) > (1e-2 if rule.kind == "low_precision" else 1e-5)
            and rule.kind != "input_changed"] == []


@pytest.mark.parametrize("rule", [r for r in RULES if r.name in BETWEEN_CALLS], ids=str)
def test_another_call_makes_the_saved_values_stale(rule):
    (x,), (other,) = rule.arguments(), rule.arguments(seed=1)
    forward, vjp = rule.pair()
    forward(x)
    forward(other)
    g = np.ones_like(x)
    same = []
    for point in (x, other):
        fresh_forward, fresh_vjp = rule.pair()
        fresh_forward(point)
        same.append(np.allclose(vjp(g, point)[0], fresh_vjp(g, point)[0]))
    assert not all(same)


@pytest.mark.parametrize("rule", [r for r in RULES if r.kind == "upstream_layout"], ids=str)
def test_a_layout_reveals_the_mistake(rule):
    forward, vjp = rule.pair()
    v = directions([np.asarray(forward(*rule.arguments()))], seed=2)[0]
    right = vjp(v.copy(), *rule.arguments())
    turned, backwards = np.asfortranarray(v), v[::-1].copy()[::-1]
    assert any(not np.allclose(a, b) for other in (turned, backwards)
               for a, b in zip(right, vjp(other, *rule.arguments())))


WRITING = ("upstream_changed", "input_changed", "gradient_accumulates")


@pytest.mark.parametrize("rule", [r for r in RULES if r.kind in WRITING], ids=str)
def test_what_a_rule_writes_to_shows(rule):
    forward, vjp = rule.pair()
    arguments = rule.arguments()
    g = directions([np.array(forward(*arguments))], seed=2)[0]
    given = g.copy()
    first = vjp(g, *arguments)
    second = vjp(given.copy(), *rule.arguments())
    shows = {
        "upstream_changed": not np.array_equal(g, given),
        "input_changed": any(not np.array_equal(a, b)
                             for a, b in zip(arguments, rule.arguments())),
        "gradient_accumulates": any(not np.array_equal(a, b) for a, b in zip(first, second)),
    }
    assert shows[rule.kind]
