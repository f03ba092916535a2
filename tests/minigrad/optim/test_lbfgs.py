"""L-BFGS: to rounding on small problems, against PyTorch's without a line search, and its
guarantees about stopping, the best point, and going on; test_lbfgs_scipy.py compares with SciPy."""

import numpy as np
import pytest
from lbfgs_runs import STANDARD_START, exhaustive, recorded, rosenbrock

import minigrad as mg
from minigrad import optim
from minigrad.errors import ArgumentError
from minigrad.optim.curvature import Curvature
from minigrad.optim.vectors import inner


def test_a_small_problem_is_solved_to_rounding(device):
    """Rosenbrock with n = 6 to the last digits, where only approximate Wolfe still works."""
    for dtype, error in ((np.float64, 1e-12), (np.float32, 1e-4)):
        x = mg.tensor(STANDARD_START[:6], dtype=dtype, device=device, requires_grad=True)
        losses = []
        optimizer = exhaustive(x, 1000)
        optimizer.step(recorded(rosenbrock, x, losses))
        np.testing.assert_allclose(x.numpy(), np.ones(6), atol=error)
        assert optimizer.ended in ("gradient", "stalled", "change") and len(losses) < 150


def test_rounding_of_the_loss_does_not_stall_it():
    """A bowl on a floor of 10⁴, whose loss is told with the rounding errors of float32: ±10⁻³.

    Slopes are exact; they lead 20 times below what the values can show (median of nine runs).
    Without the tolerance for noise the runs stall at 4·10⁻³.
    """
    reached = []
    for seed in range(9):
        rng = np.random.default_rng(seed)
        curvature = mg.tensor(np.logspace(-3, 0, 50), dtype=np.float32)
        x = mg.tensor(np.ones(50), dtype=np.float32, requires_grad=True)
        exact = []
        bowl = recorded(lambda x, k=curvature: (k * x * x).sum(dtype=np.float64), x, exact)
        exhaustive(x, 200).step(
            lambda bowl=bowl, rng=rng: (bowl() + 1e4) * (1 + 1e-7 * rng.uniform(-1, 1)))
        reached.append(min(exact))
    assert np.median(reached) < 2e-4


# ------------------------------------------------------------- against PyTorch and by hand


@pytest.mark.oracle
@pytest.mark.parametrize("max_iter", [1, 4])
def test_without_a_line_search_it_is_pytorchs(max_iter):
    """Step by step, also where the memory of 3 pairs has to forget."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    matrix = rng.standard_normal((8, 8))
    matrix = matrix @ matrix.T / 8 + np.eye(8)
    starts = [rng.standard_normal(5), rng.standard_normal((1, 3))]
    mine = [mg.tensor(s, requires_grad=True) for s in starts]
    theirs = [torch.tensor(s, requires_grad=True) for s in starts]

    def closure_of(library, params, a, optimizer):
        def closure():
            optimizer.zero_grad()
            x = library.cat([params[0], params[1].reshape(3)], 0)
            loss = (x @ (a @ x)) / 2 + library.exp(x).sum()
            loss.backward()
            return loss
        return closure

    options = {"lr": 0.7, "max_iter": max_iter, "history_size": 3}
    first = optim.LBFGS(mine, line_search_fn=None, **options)
    second = torch.optim.LBFGS(theirs, **options)
    one = closure_of(mg, mine, mg.tensor(matrix), first)
    two = closure_of(torch, theirs, torch.tensor(matrix), second)
    for _ in range(7):
        assert first.step(one).item() == pytest.approx(second.step(two).item(), rel=1e-12)
        for a, b in zip(mine, theirs):
            np.testing.assert_allclose(a.numpy(), b.detach().numpy(), rtol=1e-9, atol=1e-12)


def test_the_direction_is_that_of_the_bfgs_matrix(rng, xp, on_device):
    """H of algorithm 7.4 against H ← VᵀHV + ρssᵀ written out (Nocedal and Wright, eq. 7.16)."""
    n, size = 7, 4
    curvature = Curvature(xp.empty((2, size, n)), xp.empty(n))
    pairs = []
    for number in range(9):
        s, y = rng.standard_normal(n), rng.standard_normal(n)
        y = y if (s @ y > 0) == (number != 5) else -y       # the sixth has negative curvature
        room = curvature.room()
        room[0][...], room[1][...] = on_device(s), on_device(y)
        if s @ y > 0:               # what Descent does: others are not kept
            curvature.keep(xp.dot(*room))
            pairs.append((s, y))
    assert len(pairs) == 8
    s, y = pairs[-1]
    h = np.eye(n) * (s @ y) / (y @ y)
    for s, y in pairs[-size:]:
        v = np.eye(n) - np.outer(y, s) / (s @ y)
        h = v.T @ h @ v + np.outer(s, s) / (s @ y)
    q = rng.standard_normal(n)
    direction = xp.empty(n)
    slope = curvature.downhill(on_device(q), direction)
    np.testing.assert_allclose(direction.tolist(), -h @ q, rtol=1e-10)
    assert slope == pytest.approx(-q @ h @ q, rel=1e-10)


def test_inner_products_are_added_up_in_float64(on_device):
    """10⁸ + 1 − 10⁸ over several blocks: float32 sums give 0 or 8."""
    x = np.ones(100_001, np.float32)
    y = np.zeros_like(x)
    y[0], y[50_000], y[-1] = 1e8, 1, -1e8
    assert float(inner(on_device(x), on_device(y))) == 1.0


# ------------------------------------------------------------------------ guarantees


@pytest.mark.parametrize("evaluations", [1, 2, 3, 15, 17, 18, 40])
def test_max_eval_is_exact_and_the_best_point_is_left(evaluations, device):
    x = mg.tensor(STANDARD_START, device=device, requires_grad=True)
    losses, points = [], []
    optimizer = exhaustive(x, evaluations)
    returned = optimizer.step(recorded(rosenbrock, x, losses, points))
    assert len(losses) == evaluations == optimizer.evaluations
    assert optimizer.ended == "max_eval"
    assert returned.item() == losses[0]
    assert optimizer.best_loss == min(losses)
    np.testing.assert_array_equal(x.numpy(), points[int(np.argmin(losses))])


def test_some_of_these_counts_fall_inside_a_line_search():
    x = mg.tensor(STANDARD_START, requires_grad=True)
    optimizer = exhaustive(x, 1, resume=True)
    inside = []
    for count in range(1, 41):
        optimizer.step(recorded(rosenbrock, x, []))
        if optimizer._descent.search is not None:
            inside.append(count)
    assert {15, 17} <= set(inside), inside


@pytest.mark.parametrize("iterations", [1, 6])
def test_max_iter_counts_iterations(iterations):
    x = mg.tensor(STANDARD_START, requires_grad=True)
    losses = []
    optimizer = optim.LBFGS([x], max_iter=iterations, max_eval=1000)
    optimizer.step(recorded(rosenbrock, x, losses))
    assert optimizer.ended == "max_iter" and optimizer.iterations == iterations
    assert len(losses) > iterations
    optimizer.step(recorded(rosenbrock, x, losses))
    assert optimizer.iterations == 2 * iterations


def test_losses_never_rise_from_iteration_to_iteration():
    x = mg.tensor(STANDARD_START, requires_grad=True)
    optimizer = optim.LBFGS([x], max_iter=1, max_eval=30)
    values = [optimizer.step(recorded(rosenbrock, x, [])).item() for _ in range(40)]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("chunk", [1, 2, 7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_with_resume_pieces_make_the_same_run(chunk, dtype, device):
    """Bit for bit, without an evaluation more, whatever the pieces are."""
    def run(pieces):
        x = mg.tensor(STANDARD_START, dtype=dtype, device=device, requires_grad=True)
        losses = []
        optimizer = exhaustive(x, 1, resume=True)
        for piece in pieces:
            optimizer.param_groups[0]["max_eval"] = piece
            optimizer.step(recorded(rosenbrock, x, losses))
        return losses, x.numpy()

    straight, end = run([42])
    losses, x = run([chunk] * (42 // chunk))
    assert losses == straight
    np.testing.assert_array_equal(x, end)


def test_a_snapshot_from_inside_the_closure_goes_on_bit_for_bit(device):
    def run(evaluations, x, optimizer, losses, watch=lambda: None):
        plain = recorded(rosenbrock, x, losses)

        def closure():
            watch()
            return plain()
        optimizer.param_groups[0]["max_eval"] = evaluations
        optimizer.step(closure)

    x = mg.tensor(STANDARD_START, device=device, requires_grad=True)
    losses, snapshots = [], []
    optimizer = exhaustive(x, 1, resume=True)
    run(40, x, optimizer, losses,
        lambda: snapshots.append((optimizer.state_dict(), x.numpy())))
    for at in (0, 1, 16, 23):               # the evaluation under way is repeated
        state, point = snapshots[at]
        copy = mg.tensor(point, device=device, requires_grad=True)
        resumed = exhaustive(copy, 1, resume=True)
        resumed.load_state_dict(state)
        again = []
        run(40 - at, copy, resumed, again)
        assert again == losses[at:]
        np.testing.assert_array_equal(copy.numpy(), x.numpy())


def test_the_best_point_is_kept_while_worse_ones_are_tried(device):
    """At a kink a trial may be the lowest so far and yet not good enough to move to."""
    x = mg.tensor(np.array([0.3, -0.7, 1.1]), device=device, requires_grad=True)
    losses, points, apart = [], [], 0
    optimizer = exhaustive(x, 1, resume=True)
    for _ in range(12):
        optimizer.step(recorded(lambda x: mg.abs(x).sum(), x, losses, points))
        np.testing.assert_array_equal(x.numpy(), points[int(np.argmin(losses))])
        apart += optimizer._descent.best_x is not optimizer._descent.x and min(losses) < losses[-1]
    assert apart


def test_a_descent_that_has_moved_takes_over_another_state():
    """Where it is and its best point may be one place before, and are two afterwards."""
    def made(steps):
        x = mg.tensor(STANDARD_START, requires_grad=True)
        optimizer = exhaustive(x, steps)
        optimizer.step(recorded(rosenbrock, x, []))
        return optimizer._descent

    used, other = made(9), made(17)                 # 17: inside a line search
    state = other.state()
    state["best_x"] = state["best_x"] + 1
    used.load(state)
    for name in ("x", "gradient", "direction", "best_x", "best_gradient"):
        np.testing.assert_array_equal(getattr(used, name), state[name])
    assert used.ask() and other.ask()
    np.testing.assert_array_equal(used.trial, other.trial)


def test_without_resume_a_step_sees_that_the_loss_is_another():
    x = mg.tensor(np.zeros(4), requires_grad=True)
    optimizer = optim.LBFGS([x], max_iter=8)
    for target in (1.0, 5.0, -2.0):
        optimizer.step(recorded(lambda x, t=target: ((x - t) ** 2).sum(), x, []))
        np.testing.assert_allclose(x.numpy(), np.full(4, target), atol=1e-6)


def test_parameters_that_were_changed_are_a_new_start():
    for resume in (False, True):
        x = mg.tensor(STANDARD_START, requires_grad=True)
        optimizer = exhaustive(x, 9, resume=resume)
        optimizer.step(recorded(rosenbrock, x, []))
        with mg.no_grad():
            x.copy_(mg.full((100,), 0.5))
        points = []
        optimizer.step(recorded(rosenbrock, x, [], points))
        np.testing.assert_array_equal(points[0], np.full(100, 0.5))


def test_a_state_for_another_length_is_refused():
    x, y = mg.zeros(3, requires_grad=True), mg.zeros(4, requires_grad=True)
    optimizer = optim.LBFGS([x])
    optimizer.step(recorded(lambda x: ((x - 1) ** 2).sum(), x, []))
    with pytest.raises(ArgumentError, match=r"4 numbers, but the saved x has shape \(3,\)"):
        optim.LBFGS([y]).load_state_dict(optimizer.state_dict())


# ------------------------------------------------------------------------ difficult losses


def test_it_steps_back_from_where_the_loss_is_not_finite():
    """−log x has no value left of 0; the first step of length 40 lands there."""
    x = mg.tensor(np.array([3.0]), requires_grad=True)
    losses = []
    optimizer = optim.LBFGS([x], lr=40.0, max_iter=50)
    with np.errstate(invalid="ignore"):
        optimizer.step(recorded(lambda x: (x - mg.log(x)).sum(), x, losses))
    assert any(np.isnan(losses))
    assert x.item() == pytest.approx(1.0, abs=1e-6)


def test_a_start_that_is_not_finite_ends_at_once():
    x = mg.tensor(np.array([-1.0]), requires_grad=True)
    losses = []
    optimizer = optim.LBFGS([x])
    with np.errstate(invalid="ignore"):
        optimizer.step(recorded(lambda x: mg.log(x).sum(), x, losses))
    assert optimizer.ended == "not finite" and len(losses) == 1 and x.item() == -1.0


def test_a_minimum_is_noticed_with_one_evaluation():
    x = mg.tensor(np.ones(5), requires_grad=True)
    losses = []
    optimizer = optim.LBFGS([x])
    optimizer.step(recorded(rosenbrock, x, losses))
    assert optimizer.ended == "gradient" and len(losses) == 1


def test_a_kink_ends_as_stalled():
    """At the kink of Σ|x| no step satisfies the Wolfe conditions; the search must still end."""
    x = mg.tensor(np.array([0.3, -0.7, 1.1]), requires_grad=True)
    losses = []
    optimizer = exhaustive(x, 2000)
    optimizer.step(recorded(lambda x: mg.abs(x).sum(), x, losses))
    assert optimizer.ended in ("stalled", "gradient") and min(losses) < 1e-6 < losses[0]


def test_a_loss_without_a_lower_bound_ends():
    x = mg.tensor(np.array([1.0]), requires_grad=True)
    losses = []
    exhaustive(x, 300).step(recorded(lambda x: -x.sum(), x, losses))
    assert losses[-1] < -1e6
