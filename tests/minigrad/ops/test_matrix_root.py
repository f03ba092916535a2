"""Square roots of symmetric positive semidefinite matrices, and the trace of a root."""

import numpy as np
import pytest
from beside_torch import assert_same

import minigrad as mg
import minigrad.functional as F
from minigrad.check import gradcheck, gradgradcheck
from minigrad.errors import ArgumentError, DTypeError, ModifiedError, ShapeError
from minigrad.kernels import eigen
from minigrad.kernels.cuda import eigen as cuda_eigen


def matrix(rng, eigenvalues):
    vectors, _ = np.linalg.qr(rng.standard_normal((len(eigenvalues),) * 2))
    return (vectors * eigenvalues) @ vectors.T


@pytest.fixture
def decompositions(monkeypatch):
    """The shapes of what has been decomposed."""
    shapes = []
    decompose = eigen.decompose
    monkeypatch.setattr(eigen, "decompose", lambda a: shapes.append(a.shape) or decompose(a))
    return shapes


# ------------------------------------------------------------------------- well-behaved matrices


def test_value_and_gradient(rng, leaf):
    a = leaf(matrix(rng, [4.0, 9.0, 0.25]))
    t = F.trace_sqrt(a)
    t.backward()
    assert t.shape == () and t.item() == pytest.approx(5.5)
    root = F.matrix_sqrt(a).numpy()
    np.testing.assert_allclose(root @ root, a.numpy(), atol=1e-12)
    np.testing.assert_allclose(a.grad.numpy() @ root, 0.5 * np.eye(3), atol=1e-12)


@pytest.mark.parametrize("function", [F.trace_sqrt, F.matrix_sqrt])
def test_derivatives_to_third_order(rng, function, leaf):
    a = leaf(np.stack([matrix(rng, [1.0, 1.0, 1.7]), matrix(rng, [0.6, 1.1, 1.4])]))
    gradient = lambda a: mg.grad((function(a) ** 2).sum(), [a], create_graph=True)[0]
    assert gradcheck(function, a)
    assert gradgradcheck(function, a)
    assert gradgradcheck(gradient, a)


def test_second_derivative_where_all_eigenvalues_are_equal(rng, leaf):
    """d(½·A^(−½)) = −¼·c^(−3/2)·dA at A = c·1: nothing is divided by a difference."""
    a, direction = leaf(4 * np.eye(5)), rng.standard_normal((5, 5))
    change = mg.hvp(F.trace_sqrt, a, mg.tensor(direction, device=a.device))[1].numpy()
    np.testing.assert_allclose(change, -(direction + direction.T) / 64, atol=1e-14)


def test_only_the_symmetric_part_counts(rng, leaf):
    a = matrix(rng, [1.0, 2.0, 3.0])
    skew = rng.standard_normal((3, 3))
    for function in (F.trace_sqrt, F.matrix_sqrt):
        results = [function(leaf(x)).numpy() for x in (a, a + skew - skew.T)]
        np.testing.assert_allclose(*results, atol=1e-12)


def test_any_leading_dimensions(rng, leaf):
    a = leaf(np.stack([matrix(rng, values) for values in rng.uniform(1, 4, (6, 3))])
             .reshape(2, 3, 3, 3))
    weights = rng.standard_normal((2, 3))
    t = F.trace_sqrt(a)
    (t * mg.tensor(weights, device=a.device)).sum().backward()
    for i in np.ndindex(2, 3):
        alone = leaf(a.numpy()[i])
        value = F.trace_sqrt(alone)
        value.backward()
        assert t.numpy()[i] == value.item()
        np.testing.assert_allclose(a.grad.numpy()[i], weights[i] * alone.grad.numpy())
    assert F.trace_sqrt(leaf(np.zeros((0, 2, 2)))).shape == (0,)
    assert F.trace_sqrt(leaf(np.zeros((2, 0, 0)))).numpy().tolist() == [0, 0]


def test_float32_is_as_good_as_its_numbers(rng, leaf):
    exact = matrix(rng, np.logspace(-4, 0, 64))
    a = leaf(exact, np.float32)
    t = F.trace_sqrt(a)
    t.backward()
    assert t.dtype == a.grad.dtype == np.float32
    assert t.item() == pytest.approx(np.logspace(-2, 0, 64).sum(), rel=1e-6)
    values, vectors = np.linalg.eigh(exact)
    gradient = (vectors * 0.5 * values ** -0.5) @ vectors.T
    assert np.linalg.norm(a.grad.numpy() - gradient) < 3e-4 * np.linalg.norm(gradient)


def test_a_result_of_another_type(rng, leaf):
    a = leaf(matrix(rng, [1.0, 2.0]), np.float32)
    t = F.trace_sqrt(a, dtype=np.float64)
    t.backward()
    assert t.dtype == np.float64 and a.grad.dtype == np.float32


# ------------------------------------------------------------------------------ near 0, and beyond


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_matrix_0_has_the_gradient_0(dtype, leaf):
    """The covariance of a picture of one colour."""
    a = leaf(np.zeros((2, 3, 3)), dtype)
    t = F.trace_sqrt(a)
    gradient, = mg.grad(t.sum(), [a], create_graph=True)
    second, = mg.grad((gradient * gradient + F.matrix_sqrt(a)).sum(), [a])
    for array in (t, gradient, second):
        assert not array.numpy().any()


@pytest.mark.parametrize("dtype, floor", [(np.float32, 1e-7), (np.float64, 1e-14)])
def test_the_floor_bounds_the_gradient(rng, dtype, floor, leaf):
    vectors, _ = np.linalg.qr(rng.standard_normal((4, 4)))
    for given, expected in ((None, floor), (1e-4, 1e-4)):
        a = leaf((vectors * [3.0, 0, 0, 0]) @ vectors.T, dtype)
        t = F.trace_sqrt(a, given)
        t.backward()
        assert t.item() == pytest.approx(3 ** 0.5, rel=2e-3)
        slopes = np.linalg.eigvalsh(a.grad.numpy().astype(np.float64))[::-1]
        np.testing.assert_allclose(slopes[:3], 0.5 / (3 * expected) ** 0.5, rtol=0.2)
        assert slopes[3] == pytest.approx(0.5 / 3 ** 0.5, rel=1e-2, abs=1e-3 * slopes[0])


def test_the_floor_moves_with_the_matrix(rng, leaf):
    """A loss may be scaled: A·s has the gradient of A divided by √s, near 0, too."""
    a = matrix(rng, [1.0, 0.1, 1e-9, 0.0])
    gradients = []
    for scale in (1e-30, 1.0, 1e30):
        x = leaf(a * scale, np.float32)
        F.trace_sqrt(x, 1e-5).backward()
        gradients.append(x.grad.numpy().astype(np.float64) * scale ** 0.5)
    np.testing.assert_allclose(gradients[0], gradients[1], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(gradients[2], gradients[1], rtol=1e-3, atol=1e-3)


def test_negative_eigenvalues_count_as_0(leaf):
    a = leaf(np.diag([4.0, -1e-3]))
    t = F.trace_sqrt(a, 1e-2)
    t.backward()
    # A GPU takes an eigenvalue between 0 and the floor for something between 0 and its root.
    assert t.item() == (2 if a.device == "cpu" else pytest.approx(2, abs=0.4 * (4 * 1e-2) ** 0.5))
    np.testing.assert_allclose(np.diag(a.grad.numpy()), [0.25, 2.5],
                               rtol=1e-7 if a.device == "cpu" else 0.15)
    assert not F.trace_sqrt(leaf(-np.eye(2))).numpy().any()


def test_no_floor(leaf):
    a = leaf(np.diag([4.0, 0.0]))
    F.trace_sqrt(a, 0.0).backward()
    np.testing.assert_array_equal(a.grad.numpy(), np.diag([0.25, 0]))


def test_a_matrix_that_is_not_finite_gives_nan_and_leaves_others_alone(leaf):
    a = np.stack([np.eye(2), np.eye(2), np.eye(2)])
    a[1, 0, 0], a[2, 0, 1] = np.inf, np.nan
    a = leaf(a)
    t = F.trace_sqrt(a)
    t.sum().backward()
    np.testing.assert_allclose(t.numpy(), [2, np.nan, np.nan], rtol=1e-15)
    np.testing.assert_allclose(a.grad.numpy()[0], 0.5 * np.eye(2), rtol=1e-15)
    assert np.isnan(a.grad.numpy()[1:]).all()


# --------------------------------------------------------------------------------- what it costs


def test_one_decomposition_serves_the_value_and_its_derivatives(rng, leaf, decompositions):
    a = leaf(matrix(rng, [1.0, 2.0, 3.0]))
    gradient, = mg.grad(F.trace_sqrt(a), [a], create_graph=True)
    mg.grad((gradient * gradient).sum(), [a])
    assert decompositions == [(3, 3)]


def test_several_traces_at_once(rng, leaf, decompositions, monkeypatch):
    """A GPU computes matrices of similar size together, here two at a time."""
    monkeypatch.setattr(cuda_eigen, "TOGETHER", 2 * 64**2)
    matrices = [leaf(matrix(rng, rng.uniform(1, 2, n))) for n in (3, 70, 12, 40)]
    several = F.trace_sqrts(iter(matrices), dtype=np.float64)
    on_host = several[0].device == "cpu"
    assert sorted(decompositions) == (
        [(3, 3), (12, 12), (40, 40), (70, 70)] if on_host else [])
    for a, together in zip(matrices, several):
        alone = F.trace_sqrt(a)
        assert together.item() == pytest.approx(alone.item(), rel=0 if on_host else 1e-12)
        gradients = [mg.grad(t, a)[0].numpy() for t in (together, alone)]
        np.testing.assert_allclose(*gradients, rtol=0 if on_host else 1e-9, atol=1e-12)
    assert F.trace_sqrts([]) == []


def test_a_matrix_that_is_changed_in_between_is_noticed(rng, leaf):
    a = leaf(matrix(rng, [1.0, 2.0]))
    b = a * 1
    t = F.trace_sqrt(b)
    with mg.no_grad():
        b.add_(1)
    with pytest.raises(ModifiedError):
        t.backward()


# -------------------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize("function", [F.trace_sqrt, F.matrix_sqrt, lambda a: F.trace_sqrts([a])])
def test_what_is_no_matrix_is_refused(function):
    with pytest.raises(ShapeError, match=r"needs square matrices …×N×N, not shape \(2, 3\)"):
        function(mg.zeros(2, 3))
    with pytest.raises(ShapeError, match=r"not shape \(3,\)"):
        function(mg.zeros(3))
    with pytest.raises(DTypeError, match="not int64"):
        function(mg.tensor(np.eye(2, dtype=np.int64)))


@pytest.mark.parametrize("floor", [-1e-3, float("nan"), float("inf")])
def test_a_floor_below_0_is_refused(floor):
    with pytest.raises(ArgumentError, match="floor of 0 or more"):
        F.trace_sqrt(mg.eye(2), floor)


# --------------------------------------------------------------------------------------- PyTorch


@pytest.mark.oracle
@pytest.mark.parametrize("shape", [(5, 5), (2, 3, 4, 4), (1, 1)])
def test_beside_pytorch(rng, shape):
    torch = pytest.importorskip("torch")
    x = rng.standard_normal(shape)
    a = x @ x.swapaxes(-1, -2) + 0.1 * np.eye(shape[-1])

    def root(a):
        values, vectors = torch.linalg.eigh((a + a.mT) / 2)
        return (vectors * values.sqrt()[..., None, :]) @ vectors.mT

    def trace(a):
        return torch.linalg.eigvalsh((a + a.mT) / 2).sqrt().sum(-1)

    assert_same(F.matrix_sqrt, root, a, tolerance=1e-8)
    assert_same(F.trace_sqrt, trace, a, tolerance=1e-8)
    direction = rng.standard_normal(shape)
    ours = mg.hvp(lambda a: F.trace_sqrt(a).sum(), mg.tensor(a), mg.tensor(direction))[1]
    theirs = torch.autograd.functional.hvp(lambda a: trace(a).sum(), torch.tensor(a),
                                           torch.tensor(direction))[1]
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-7, atol=1e-7)
