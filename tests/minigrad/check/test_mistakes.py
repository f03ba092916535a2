"""Mistakes are named: two hundred wrong rules, written from the names alone, before the diagnosis.

The rules are in tools/wrong_rules and do not change.
"""

import numpy as np
import pytest

from minigrad.check import check_vjp
from minigrad.check.mistakes.kinds import SENTENCES, Mistake
from tools.wrong_rules import KINDS, RULES


def named(rule):
    """What the checker names for one wrong rule."""
    forward, vjp = rule.pair()
    report = check_vjp(forward, lambda arguments, g: vjp(g, *arguments), rule.arguments(),
                       raise_exception=False)
    assert report.verdict == "wrong", f"{rule}: {report.message()}"
    return report.mistake


def score(rules):
    """How many are named correctly, and which are named wrongly with confidence."""
    right, wrong = 0, []
    for rule in rules:
        mistake = named(rule)
        if mistake is not None and mistake.kind == rule.kind:
            right += 1
        elif mistake is not None and mistake.sure:
            wrong.append((str(rule), mistake.kind))
    return right, wrong


def test_every_kind_has_a_sentence():
    assert set(KINDS) <= set(SENTENCES)
    assert all(Mistake(kind, detail="3").sentence() for kind in SENTENCES)
    assert Mistake("transposed", sure=False).sentence().startswith("perhaps ")


def test_some_of_the_wrong_rules_are_named():
    """Every thirteenth; the slow test has all."""
    right, wrong = score(RULES[::13])
    assert wrong == []
    assert right >= 0.85 * len(RULES[::13])


@pytest.mark.slow
def test_of_two_hundred_wrong_rules_at_least_180_are_named():
    right, wrong = score(RULES)
    assert wrong == []
    assert len(RULES) == 200 and right >= 180


def test_the_name_is_in_the_message():
    def softmax(x):
        e = np.exp(x - x.max())
        return e / e.sum()

    x = np.array([0.3, -1.2, 0.7])
    report = check_vjp(softmax, lambda arguments, g: g * softmax(arguments[0]) * (
        1 - softmax(arguments[0])), (x,), raise_exception=False)
    assert "diagnosis: softmax's diagonal without the rest" in report.message()


def test_a_rule_that_is_wrong_beyond_all_patterns_gets_no_name(rng):
    """An arbitrary matrix instead of the Jacobian."""
    a, b = rng.standard_normal((2, 5, 5))
    report = check_vjp(lambda x: np.tanh(a @ x), lambda arguments, g: b @ g, (np.ones(5),),
                       raise_exception=False)
    assert report.mistake is None
    assert "no simple pattern" in report.message()
