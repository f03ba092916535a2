"""The museum's command, its checkers, and its page."""

import os

import numpy as np
import pytest

from tools.museum import __main__ as command
from tools.museum import run
from tools.museum.checkers import (
    CAUGHT,
    CHECKERS,
    MODULES,
    NOT_APPLICABLE,
    PASSED,
    UNDECIDED,
    verdict,
)
from tools.museum.page import PAGE, filled
from tools.museum.pieces import PIECES, TESTS_PASSED
from tools.museum.right import SOURCES

RESULTS = run.load()
STEP = 8 if os.environ.get("SLOW_TESTS") == "reduced" else 1


def square(x):
    return x**2


@pytest.mark.oracle
@pytest.mark.parametrize("checker", CHECKERS)
def test_a_checker_tells_right_from_wrong(checker):
    pytest.importorskip(MODULES[checker])
    x = np.array([[0.5, -1.5], [2.0, 0.7]])
    assert CHECKERS[checker](square, lambda g, x: (2 * g * x,), (x,)) == PASSED
    assert CHECKERS[checker](square, lambda g, x: (2.1 * g * x,), (x,)) == CAUGHT
    z = x + 1j * x[::-1]
    assert CHECKERS[checker](square, lambda g, z: (2 * g * z.conj(),), (z,)) == PASSED
    assert CHECKERS[checker](square, lambda g, z: (2 * g * z,), (z,)) == CAUGHT


def test_our_checker_tells_right_from_wrong():
    x = np.array([0.5, -1.5])
    assert CHECKERS["minigrad"](square, lambda g, x: (2 * g * x,), (x,)) == PASSED
    assert CHECKERS["minigrad"](square, lambda g, x: (None,), (x,)) == CAUGHT


def test_the_results_are_complete():
    assert set(RESULTS["pieces"]) == {piece.report for piece in PIECES}
    assert all(set(by) == set(CHECKERS) for by in RESULTS["pieces"].values())
    assert set(RESULTS["right"]) <= set(SOURCES)
    assert sum(sum(by["minigrad"]["counts"].values()) for by in RESULTS["right"].values()) >= 500


def test_thirty_pieces_pass_gradcheck_or_the_tests_of_their_project():
    reports = {piece.report for piece in PIECES}
    assert set(TESTS_PASSED) <= reports
    passed = {report for report, by in RESULTS["pieces"].items()
              if PASSED in (by["torch slow"], by["torch fast"])}
    assert len(passed | set(TESTS_PASSED)) >= 30


def test_the_page_shows_the_results():
    text = PAGE.read_text(encoding="utf-8")
    assert filled(text, RESULTS) == text
    assert all(piece.link in text for piece in PIECES)


def test_a_page_without_a_place_for_a_table_is_refused():
    with pytest.raises(ValueError, match="no place for the table 'verdicts'"):
        filled("# A museum\n", RESULTS)


def test_the_command_prints_a_table(monkeypatch, capsys):
    monkeypatch.setattr(run, "PIECES", PIECES[10:14])
    assert command.main(["--only", "pieces", "--checkers", "minigrad"]) == 0
    out, err = capsys.readouterr()
    assert "| caught | 0 | 0 | 0 | 4 |" in out
    assert err.count("caught") == 4


def test_results_that_were_not_run_again_stay():
    old = {"pieces": {"a#1": {"jax": CAUGHT, "minigrad": UNDECIDED}},
           "right": {"awkward": {"jax": 1}}}
    new = {"pieces": {"a#1": {"minigrad": CAUGHT}}, "right": {"awkward": {"minigrad": 2}}}
    assert run.merge(old, new) == {
        "pieces": {"a#1": {"jax": CAUGHT, "minigrad": CAUGHT}},
        "right": {"awkward": {"jax": 1, "minigrad": 2}}}


def test_there_are_a_thousand_right_functions():
    names = [str(function) for source in ("scipy.special", "awkward", "minigrad")
             for function in SOURCES[source]()]
    assert len(names) >= 1000


@pytest.mark.slow
def test_our_verdicts_are_those_of_the_page():
    for piece in PIECES[::STEP]:
        if piece.torch_function is None:
            assert verdict(piece, "minigrad") == RESULTS["pieces"][piece.report]["minigrad"], piece


@pytest.mark.slow
@pytest.mark.oracle
def test_pytorchs_verdicts_are_those_of_the_page():
    pytest.importorskip("torch")
    for piece in PIECES[::STEP]:
        said = RESULTS["pieces"][piece.report]["torch slow"]
        assert verdict(piece, "torch slow") == said, piece
        assert said != NOT_APPLICABLE or piece.kind == "broadcast_sum_missing"


@pytest.mark.slow
@pytest.mark.parametrize("source", ["scipy.special", "awkward", "minigrad"])
def test_our_checker_raises_no_false_alarm(source):
    said = {}
    for function in list(SOURCES[source]())[::STEP]:
        with np.errstate(all="ignore"):
            said[str(function)] = CHECKERS["minigrad"](
                function.forward, function.vjp, function.arguments)
    others = {name: verdict for name, verdict in said.items() if verdict != PASSED}
    assert CAUGHT not in others.values(), others
    assert len(others) <= max(1, 0.02 * len(said)) and (source != "minigrad" or not others), others
