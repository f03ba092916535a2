"""The perceptron program: its three parts, with the theorem checked on many data sets."""

from fractions import Fraction

import numpy as np
import pytest

from examples import perceptron


def test_the_program_says_what_the_slides_say(run_example):
    done = run_example("perceptron")
    assert (done.returncode, done.stderr) == (0, "")
    for line in ("(-0.1, -1.2, 0.7)", "7x₂ − 12x₁ − 1 = 0", "SGD", "(R/margin)²",
                 "XOR is not separable"):
        assert line in done.stdout
    assert run_example("perceptron", as_file=True).stdout == done.stdout
    assert run_example("perceptron", "--seed", 5).stdout != done.stdout


def test_the_update_by_hand_in_fractions():
    w = perceptron.update((0, -1, 1), (1, 2, 3), -1, Fraction(1, 10))
    assert w == (Fraction(-1, 10), Fraction(-12, 10), Fraction(7, 10))
    assert perceptron.line(w) == "7x₂ − 12x₁ − 1 = 0"
    assert perceptron.score((0, -1, 1), (1, 2, 3)) == 1
    assert perceptron.score(w, (1, 2, 3)) == Fraction(-4, 10)


def test_the_sign_of_w0():
    """x = (1, −5, 5): the slide for label +1 adds −γ to w₀, all others +γ·x; it must be +γ."""
    assert perceptron.update((0, 0, 0), perceptron.OTHER_POINT, -1) == (-1, 5, -5)
    assert perceptron.update((0, 0, 0), perceptron.OTHER_POINT, 1) == (1, -5, 5)
    slide = (-1, -5, 5)
    right = perceptron.update((0, 0, 0), perceptron.OTHER_POINT, 1)
    assert perceptron.score(right, perceptron.OTHER_POINT) == 51      # w·x rises by γ·|x|²
    assert perceptron.score(slide, perceptron.OTHER_POINT) == 49      # by less, and not along x


def test_the_update_is_a_gradient_step(rng):
    """On a misclassified point; a point on its side has no gradient and moves nothing."""
    for _ in range(20):
        w, x = rng.standard_normal((2, 4))
        y = int(rng.choice([-1, 1]))
        wrong = y * (w @ x) < 0
        expected = perceptron.update(w, x, y, 0.3) if wrong else w
        np.testing.assert_allclose(perceptron.gradient_step(w, x, y, 0.3), expected, atol=1e-11)


@pytest.mark.parametrize("weights, equation", [
    ((0, 1, -1), "−x₂ + x₁ = 0"), ((Fraction(1, 2), 0, Fraction(3, 4)), "3x₂ + 2 = 0"),
    ((4, 2, -6), "−3x₂ + x₁ + 2 = 0"), ((0, 0, 0), "0 = 0"), ((1, 0, 0), "1 = 0")])
def test_equations(weights, equation):
    assert perceptron.line(weights) == equation


@pytest.mark.parametrize("gap", perceptron.GAPS)
def test_mistakes_stay_below_novikoffs_bound(gap):
    for seed in range(10):
        xs, ys, hidden = perceptron.separable(np.random.default_rng(seed), gap)
        outcome = perceptron.train(xs, ys)
        radius, margin, bound = perceptron.novikoff_bound(xs, ys, hidden)
        assert outcome.repeats is None and (ys * (xs @ outcome.w) > 0).all()
        assert 0 < outcome.count <= bound
        assert margin >= gap / np.linalg.norm(hidden) and radius <= np.sqrt(51)
        assert {-1, 1} == set(ys.tolist())


def test_xor_returns_to_the_same_weights():
    """The cycle is found again by hand: the updates between two returns add up to nothing."""
    for start in ((0, 0, 0), (0, -1, 1), (3, -2, 5), (-7, 1, 1)):
        outcome = perceptron.train(perceptron.CORNERS, perceptron.XOR, start)
        assert outcome.repeats is not None and outcome.w.dtype.kind == "i"
        w = tuple(outcome.w.tolist())
        for _ in outcome.passes[outcome.repeats:]:
            for x, y in zip(perceptron.CORNERS.tolist(), perceptron.XOR.tolist()):
                if y * perceptron.score(w, x) <= 0:
                    w = perceptron.update(w, x, y)
        assert w == tuple(outcome.w.tolist())


def test_all_other_bit_functions_but_two_are_learned():
    """Of the sixteen functions of two bits, only XOR and its opposite have no line."""
    failed = []
    for number in range(16):
        ys = np.array([1 if number >> i & 1 else -1 for i in range(4)])
        if perceptron.train(perceptron.CORNERS, ys).repeats is not None:
            failed.append(number)
    assert failed == [0b0110, 0b1001]
