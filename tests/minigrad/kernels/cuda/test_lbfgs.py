"""L-BFGS on a GPU that the host plays: the compact form against the two loops of the host."""


import numpy as np
import pytest

import minigrad as mg
from minigrad import backend, optim
from minigrad.kernels.cuda import compiler, lbfgs
from minigrad.optim.curvature import Curvature

NORMAL = {"f": 1e-7, "d": 1e-13}


def memory(xp, size, n, dtype):
    return Curvature(xp.empty((2, size, n), dtype), xp.empty(n, dtype))


def learn(curvature, s, y, keep=True):
    """Write a pair of host arrays, and keep it, as Descent does."""
    for row, values in zip(curvature.room(), (s, y)):
        row[...] = backend.to_device(values, backend.device_of(row))
    if keep:
        curvature.keep(s.astype("d") @ y.astype("d"))


def direction(curvature, gradient):
    """−H·gradient on the host, and its slope."""
    there = backend.to_device(gradient, backend.device_of(curvature.work))
    out = backend.array_module(there).empty(gradient.shape, gradient.dtype)
    slope = curvature.downhill(there, out)
    return backend.to_device(out, "cpu"), slope


def compare(curvature, twin, gradient, tolerance):
    """Against the host's two loops in float64."""
    result, slope = direction(curvature, gradient)
    expected, expected_slope = direction(twin, gradient.astype("d"))
    assert np.linalg.norm(result - expected) <= tolerance * np.linalg.norm(expected)
    assert slope == pytest.approx(expected_slope, rel=20 * tolerance)


def pairs(rng, count, n, dtype, condition=10.0, spread=1.0):
    """Steps, and what a quadratic of that condition makes of them; nearly parallel if asked."""
    curvatures = np.logspace(0, np.log10(condition), n) / np.sqrt(condition)
    common = rng.standard_normal(n) if spread < 1 else np.zeros(n)
    for _ in range(count):
        s = (common + spread * rng.standard_normal(n)).astype(dtype)
        yield s, (curvatures * s).astype(dtype)


# ------------------------------------------------------------------------------ directions


@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize("size, n", [(1, 1), (2, 255), (3, 300), (10, 3001), (35, 40)])
def test_directions_are_those_of_the_two_loops(cuda, rng, dtype, size, n):
    """While a ring fills, wraps round, and loses a pair that is not kept.

    Not after each pair: then the next one comes while the last is not in the matrices yet.
    """
    curvature, twin = memory(cuda, size, n, dtype), memory(np, size, n, "d")
    for number, (s, y) in enumerate(pairs(rng, 2 * size + 3, n, dtype)):
        for one, kind in ((curvature, dtype), (twin, "d")):
            learn(one, s.astype(kind), y.astype(kind), keep=number not in (1, size + 1))
        if number % 7 in (0, 1, 3) and (number < 7 or number > size - 3):
            compare(curvature, twin, rng.standard_normal(n).astype(dtype), NORMAL[dtype])
    assert curvature.count == min(size, 2 * size + 1)
    for one in (curvature, twin):
        one.clear()
    compare(curvature, twin, rng.standard_normal(n).astype(dtype), NORMAL[dtype])


@pytest.mark.parametrize("condition, spread", [(1e4, 1e-3), (1e8, 1.0), (1e12, 1e-6)])
def test_nearly_parallel_pairs_of_an_ill_conditioned_function(cuda, rng, condition, spread):
    """R is then close to singular, but the recursion divides by the same numbers."""
    n = 400
    curvature, twin = memory(cuda, 12, n, "d"), memory(np, 12, n, "d")
    for s, y in pairs(rng, 12, n, "d", condition, spread):
        learn(curvature, s, y)
        learn(twin, s, y)
    compare(curvature, twin, rng.standard_normal(n), 1e-12)


def test_long_vectors_and_long_integers(cuda, rng, monkeypatch):
    """More numbers than one round of the blocks takes; counted as long long."""
    monkeypatch.setattr(compiler, "LARGE", 50)
    for name, value in (("MAX_STRETCHES", 2), ("MAX_COMPARE", 2), ("MAX_COMBINE", 2)):
        monkeypatch.setattr(lbfgs, name, value)
    n = 5000
    curvature, twin = memory(cuda, 3, n, "f"), memory(np, 3, n, "d")
    for s, y in pairs(rng, 4, n, "f"):
        learn(curvature, s, y)
        learn(twin, s.astype("d"), y.astype("d"))
    compare(curvature, twin, rng.standard_normal(n).astype("f"), NORMAL["f"])
    check_way(cuda, rng, n, "f")


def test_nan_is_seen(cuda, rng):
    curvature = memory(cuda, 2, 300, "f")
    for s, y in pairs(rng, 2, 300, "f"):
        learn(curvature, s, y)
    gradient = rng.standard_normal(300).astype("f")
    gradient[7] = np.nan
    assert np.isnan(direction(curvature, gradient)[1])


# ------------------------------------------------------------------- from point to point


def check_way(cuda, rng, n, dtype):
    vectors = [rng.standard_normal(n).astype(dtype) for _ in range(5)]
    x, g, x1, g1, d = vectors
    there = [cuda.asarray(vector) for vector in vectors]
    s, y = (cuda.empty(n, dtype) for _ in range(2))
    lbfgs.pair(*there[:4], s, y)
    np.testing.assert_array_equal(s.get(), x1 - x)
    np.testing.assert_array_equal(y.get(), g1 - g)
    s, y = (x1 - x).astype("d"), (g1 - g).astype("d")
    np.testing.assert_allclose(lbfgs.compare(*there), [
        g1.astype("d") @ d, s @ g, s @ y, abs(s).max(), abs(g1).max()], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", "fd")
@pytest.mark.parametrize("n", [1, 257, 40_001])
def test_the_way_from_one_point_to_another(cuda, rng, dtype, n):
    check_way(cuda, rng, n, dtype)


@pytest.mark.parametrize("at", [0, 200, 299])
def test_maxima_that_are_nan(cuda, at):
    vectors = [cuda.zeros(300, "f") for _ in range(5)]
    vectors[3][at] = np.nan                                     # the gradient at the end
    known = lbfgs.compare(*vectors)
    assert known[3] == 0 and np.isnan(known[4])


# ------------------------------------------------------------------------------ going on


@pytest.mark.parametrize("kept, room", [(2, 4), (4, 4), (11, 4), (5, 3)])
def test_what_is_loaded_goes_on_bit_for_bit(cuda, rng, kept, room):
    """Matrices computed anew, from rows in other places, have the bits of those that grew."""
    n = 1001
    known, later = memory(cuda, 4, n, "f"), list(pairs(rng, 6, n, "f"))
    for s, y in pairs(rng, kept, n, "f"):
        learn(known, s, y)
        direction(known, s)
    loaded = memory(cuda, room, n, "f")
    loaded.load(known.state())
    if room < 4:                    # then the newest pairs only: as if it had never had more room
        known, before = memory(cuda, room, n, "f"), known.state()
        for s, y in zip(before["steps"].get(), before["changes"].get()):
            learn(known, s, y)
            direction(known, s)
    for number, (s, y) in enumerate(later):
        gradient = rng.standard_normal(n).astype("f")
        (one, slope), (two, slope_two) = (direction(c, gradient) for c in (known, loaded))
        assert slope == slope_two and one.tobytes() == two.tobytes()
        for curvature in (known, loaded):
            learn(curvature, s, y, keep=number != 2)


def descend(start, dtype, evaluations, device, state=None, watch=None):
    """Minimise 300 numbers' Σ k·x² + x⁴/10 with k from 10⁻⁴ to 1, computed on the host."""
    k = np.logspace(-4, 0, start.size)
    x = mg.tensor(start.astype(dtype), requires_grad=True, device=device)
    losses = []

    def closure():
        if watch is not None:
            watch(optimizer, x)
        here = x.numpy().astype("d")
        losses.append(float((k * here**2 + here**4 / 10).sum()))
        x.grad = mg.tensor((2 * k * here + 0.4 * here**3).astype(dtype), device=device)
        return mg.tensor(losses[-1], dtype=np.float64)

    optimizer = optim.LBFGS([x], max_iter=10**6, max_eval=evaluations, tolerance_grad=0,
                            tolerance_change=0, history_size=6, resume=True)
    if state is not None:
        optimizer.load_state_dict(state)
        optimizer.param_groups[0]["max_eval"] = evaluations
    optimizer.step(closure)
    return losses, x.numpy()


@pytest.mark.parametrize("dtype, close, good", [("d", 1e-9, 1e-6), ("f", 2e-2, 0.25)])
def test_runs_reach_the_losses_of_the_host(cuda, rng, dtype, close, good):
    """The same run until rounding has grown; then as good a loss (in float32 at its floor)."""
    start = rng.standard_normal(300)
    here, there = (descend(start, dtype, 80, device)[0] for device in ("cpu", "cuda"))
    np.testing.assert_allclose(there[:40], here[:40], rtol=close)
    assert min(there) <= (1 + good) * min(here) < 1e-6 * here[0]


@pytest.mark.parametrize("dtype", "fd")
def test_a_run_that_is_resumed_is_the_same_run(cuda, rng, dtype):
    """Saved inside the closure, at evaluations before and after the ring has wrapped round."""
    start, saved = rng.standard_normal(300), []
    losses, end = descend(start, dtype, 24, "cuda", watch=lambda optimizer, x: saved.append(
        (optimizer.state_dict(), x.numpy())))
    for at in (3, 9, 20):
        state, point = saved[at]
        again, last = descend(point, dtype, 24 - at, "cuda", state)
        assert again == losses[at:]
        np.testing.assert_array_equal(last, end)


# ------------------------------------------------------------------- launches and waits


def test_an_iteration_is_eight_launches_and_two_waits(played, rng, monkeypatch):
    """Step, picture written, gradient read, numbers, pair; inner products, systems, direction."""
    calls, counts = [], []
    monkeypatch.setattr(type(played), "done", lambda library, again: calls.append(again))

    def watch(optimizer, x):
        counts.append((optimizer.iterations, played.launches, len(calls), played.syncs))

    descend(rng.standard_normal(300), "f", 24, "cuda", watch=watch)
    done = np.diff(np.array(counts), axis=0)
    straight = done[8:][done[8:, 0] == 1]       # the first step was good, and the ring is full
    assert len(straight) > 5
    in_closure = np.array([0, 0, 0, 1])         # the closure looks at x
    assert (straight == np.array([1, 6, 8, 2]) + in_closure).all()
