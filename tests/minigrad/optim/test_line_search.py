"""The line search on functions of one variable, the paper's among them."""

import math

import pytest

from minigrad.optim.line_search import (
    FOUND,
    SEARCHING,
    STALLED,
    LineSearch,
    Point,
    cubic_minimum,
    quadratic_minimum,
    secant_minimum,
)


def more_thuente_1(a):
    """(5.1) of Moré and Thuente, β = 2: one minimum, at √2."""
    return -a / (a * a + 2), (a * a - 2) / (a * a + 2) ** 2


def more_thuente_2(a):
    """(5.2), β = 0.004: a minimum at 1.6 after a long way down."""
    b = a + 0.004
    return b ** 5 - 2 * b ** 4, 5 * b ** 4 - 8 * b ** 3


def more_thuente_3(a):
    """(5.3), β = 0.01, l = 39: a kink-like minimum near 1 with many small waves."""
    beta, waves = 0.01, 39
    if a <= 1 - beta:
        f, g = 1 - a, -1.0
    elif a >= 1 + beta:
        f, g = a - 1, 1.0
    else:
        f, g = (a - 1) ** 2 / (2 * beta) + beta / 2, (a - 1) / beta
    angle = waves * math.pi / 2 * a
    return (f + 2 * (1 - beta) / (waves * math.pi) * math.sin(angle),
            g + (1 - beta) * math.cos(angle))


def run(function, step, **options):
    search = LineSearch(*function(0.0), step, **options)
    status = SEARCHING
    while status == SEARCHING:
        step = search.step
        status = search.tell(*function(step))
    return status, step, search


@pytest.mark.parametrize("function, c1, trials", [
    (more_thuente_1, 0.001, (6, 3, 1, 4)),
    (more_thuente_2, 0.1, (12, 8, 8, 11)),
    (more_thuente_3, 0.1, (12, 12, 10, 13))])
def test_it_is_the_papers(function, c1, trials):
    """Strong Wolfe steps, after as many evaluations as tables I to III of the paper say."""
    for first, count in zip((1e-3, 1e-1, 1e1, 1e3), trials):
        status, step, search = run(function, first, c1=c1, c2=0.1, narrowest=1e-10)
        value, slope = function(step)
        start, down = function(0.0)
        assert status == FOUND
        assert value <= start + c1 * step * down
        assert abs(slope) <= 0.1 * abs(down)
        assert search.trials == count


def test_a_good_first_step_costs_one_evaluation():
    assert run(lambda a: ((a - 1) ** 2, 2 * (a - 1)), 1.3)[2].trials == 1


def test_no_step_where_the_slope_lies():
    """The value rises although the slope says that it falls: STALLED, in a bounded time."""
    status, _, search = run(lambda a: (a, -1.0), 1.0)
    assert status == STALLED and search.trials <= 20


def test_an_unbounded_descent_stalls_at_the_limit():
    status, _, search = run(lambda a: (-a, -1.0), 1.0)
    assert status == STALLED and search.trials <= 20


def test_not_finite_is_too_far():
    """ln is not defined beyond 1: x − ln(1 − x)… has its minimum inside."""
    def barrier(a):
        return (-a - 0.01 * math.log(1 - a), -1 + 0.01 / (1 - a)) if a < 1 else (math.nan, 1.0)
    status, step, _ = run(barrier, 50.0)
    assert status == FOUND and 0 < step < 1


def test_where_values_are_noise_the_slopes_decide():
    """φ = (a − 1)² seen through noise of 10⁻³ around 10⁶ that always tells of a rise."""
    def noisy(a):
        return 1e6 + 1e-3 * (a > 0), 1e-5 * (a - 1)
    assert run(noisy, 1.5, noise=0.1)[0] == FOUND
    assert run(noisy, 1.5, noise=0.0)[0] == STALLED


def test_it_can_be_saved_after_any_evaluation():
    straight = run(more_thuente_3, 10.0, c1=0.1, c2=0.1)[1]
    search = LineSearch(*more_thuente_3(0.0), 10.0, c1=0.1, c2=0.1)
    status = SEARCHING
    while status == SEARCHING:
        search = LineSearch.from_state(search.state())
        step = search.step
        status = search.tell(*more_thuente_3(step))
    assert step == straight


def point(function, step):
    return Point(step, *function(step))


def test_interpolations_are_exact_where_they_should_be():
    def cubic(a):
        return a ** 3 - 3 * a, 3 * a * a - 3                # minimum at 1

    def parabola(a):
        return 2 * (a - 0.7) ** 2, 4 * (a - 0.7)
    assert cubic_minimum(point(cubic, 0.2), point(cubic, 3.0)) == pytest.approx(1)
    assert cubic_minimum(point(cubic, 3.0), point(cubic, 0.2)) == pytest.approx(1)
    assert cubic_minimum(point(cubic, 0.2), point(cubic, 0.5), beyond=9.0) == pytest.approx(1)
    assert cubic_minimum(point(cubic, 1.2), point(cubic, 2.0), beyond=9.0) == 9.0
    assert quadratic_minimum(point(parabola, 0.0), point(parabola, 2.0)) == pytest.approx(0.7)
    assert secant_minimum(point(parabola, 0.0), point(parabola, 0.3)) == pytest.approx(0.7)


@pytest.mark.parametrize("low", [Point(1.0, 0.5, -1.0), Point(1.0, 1.0, -0.0)])
def test_points_that_coincide_end_the_search(low):
    """A restored search may have been edited: that is no error."""
    state = LineSearch(1.0, -1.0, 1.0).state()
    search = LineSearch.from_state({**state, "low": low, "high": low, "bracketed": True})
    assert search.tell(1.0, -1.0) == STALLED


def test_only_what_a_search_has_is_restored():
    search = LineSearch(1.0, -1.0, 1.0)
    restored = LineSearch.from_state({**search.state(), "tell": None, "other": 1})
    assert vars(restored) == vars(search)
