"""The museum's pieces are wrong, each in the way that its kind says."""

from collections import Counter

import numpy as np
import pytest

from tools.museum.memory import as_if_row_major, by_address
from tools.museum.pieces import LATER, PIECES

# A single call on fresh contiguous arrays gives the right numbers.
RIGHT_AT_FIRST = ("upstream_layout", "input_layout", "upstream_changed", "input_changed",
                  "gradient_accumulates", "cancellation", "second_order")


def directions(arrays, seed):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(a.shape) + (1j * rng.standard_normal(a.shape)
                                            if np.iscomplexobj(a) else 0) for a in arrays]


def disagreement(piece):
    """|⟨v, J·u⟩ − ⟨Jᵀ·v, u⟩|, relative to the larger; infinite for NaN and for a wrong shape."""
    forward, vjp = piece.pair()
    arguments = [np.ascontiguousarray(a) for a in piece.arguments()]
    along = directions(arguments, seed=1)
    with np.errstate(all="ignore"):
        ahead = forward(*[a + 1e-6 * u for a, u in zip(arguments, along)])
        behind = forward(*[a - 1e-6 * u for a, u in zip(arguments, along)])
        out = np.asarray(forward(*[a.copy() for a in arguments]))
    v, = directions([out], seed=2)
    gradients = vjp(v.copy(), *[a.copy() for a in arguments])
    if any(np.shape(d) != a.shape or not np.isfinite(d).all()
           for d, a in zip(gradients, arguments)):
        return np.inf
    measured = np.vdot(v, (np.asarray(ahead) - behind) / 2e-6).real
    by_rule = sum(np.vdot(d, u).real for d, u in zip(gradients, along))
    return abs(by_rule - measured) / max(abs(by_rule), abs(measured), 1e-300)


def test_the_collection():
    assert len(PIECES) >= 100
    assert len({piece.report for piece in PIECES}) == len(PIECES)
    assert max(Counter(piece.kind for piece in PIECES).values()) <= 10
    assert all(piece.title and piece.missed and "#" in piece.report for piece in PIECES)
    assert len({piece.report.partition("#")[0] for piece in PIECES}) >= 40


def test_wrong_numbers_are_wrong():
    assert [str(piece) for piece in PIECES if piece.kind not in RIGHT_AT_FIRST
            and not disagreement(piece) > 1e-4] == []


def test_what_was_found_later_is_wrong():
    """One of them by too little for the differences of this file."""
    found = {piece.report: disagreement(piece) for piece in LATER}
    assert found.pop("torch.nn.functional.hardsigmoid") > 1e-8
    assert min(found.values()) > 1e-4


@pytest.mark.oracle
def test_what_was_found_later_is_what_pytorch_computes():
    torch = pytest.importorskip("torch")
    if not torch.__version__.startswith("2.13"):
        pytest.skip("seen in PyTorch 2.13")
    empty = torch.empty(0, dtype=torch.float64)
    theirs = {"torch.block_diag": lambda a, b: torch.block_diag(empty, a, b),
              "torch.nn.functional.hardsigmoid": torch.nn.functional.hardsigmoid}
    for piece in LATER:
        forward, vjp = piece.pair()
        tensors = [torch.tensor(a, requires_grad=True) for a in piece.arguments()]
        out = theirs[piece.report](*tensors)
        g, = directions([out.detach().numpy()], seed=3)
        gradients = torch.autograd.grad(out, tensors, torch.tensor(g))
        np.testing.assert_allclose(out.detach(), forward(*piece.arguments()), rtol=1e-14)
        for ours, found in zip(vjp(g, *piece.arguments()), gradients):
            np.testing.assert_allclose(ours, found, rtol=1e-14)


def test_the_others_are_right_at_first():
    assert [str(piece) for piece in PIECES if piece.kind in RIGHT_AT_FIRST
            and not disagreement(piece) < 1e-6] == []


@pytest.mark.parametrize("piece", [p for p in PIECES if p.kind == "upstream_layout"], ids=str)
def test_another_layout_of_the_upstream_gradient_shows_the_mistake(piece):
    forward, vjp = piece.pair()
    v, = directions([np.asarray(forward(*piece.arguments()))], seed=2)
    right = vjp(v.copy(), *piece.arguments())
    wide = np.repeat(v, 2, axis=-1)[..., ::2]
    assert any(not np.allclose(a, b) for a, b in zip(right, vjp(wide, *piece.arguments())))


@pytest.mark.parametrize("piece", [p for p in PIECES if p.kind == "input_layout"], ids=str)
def test_another_layout_of_the_inputs_shows_the_mistake(piece):
    forward, vjp = piece.pair()
    v, = directions([np.asarray(forward(*piece.arguments()))], seed=2)
    contiguous = [np.ascontiguousarray(a) for a in piece.arguments()]
    assert any(not np.allclose(a, b)
               for a, b in zip(vjp(v, *contiguous), vjp(v, *piece.arguments())))


@pytest.mark.parametrize("piece", [p for p in PIECES if p.kind in (
    "upstream_changed", "input_changed", "gradient_accumulates")], ids=str)
def test_what_is_written_to_shows(piece):
    forward, vjp = piece.pair()
    arguments = piece.arguments()
    v, = directions([np.asarray(forward(*arguments))], seed=2)
    given = v.copy()
    first = vjp(given, *piece.arguments())
    shows = {
        "upstream_changed": not np.array_equal(given, v),
        "input_changed": any(not np.array_equal(a, b)
                             for a, b in zip(arguments, piece.arguments())),
        "gradient_accumulates": any(not np.array_equal(a, b) for a, b in zip(
            first, vjp(v.copy(), *piece.arguments()))),
    }
    assert shows[piece.kind]


def test_lost_digits():
    piece, = (p for p in PIECES if p.kind == "cancellation")
    _, vjp = piece.pair()
    x, = piece.arguments()
    assert not vjp(np.ones(2), x)[0].any() and (np.exp(-x) > 0).all()


@pytest.mark.oracle
@pytest.mark.parametrize("piece", [p for p in PIECES if p.kind == "second_order"], ids=str)
def test_second_derivatives_are_wrong(piece):
    torch = pytest.importorskip("torch")
    function = piece.torch_function()
    x = torch.tensor(piece.arguments()[0], requires_grad=True)
    assert torch.autograd.gradcheck(function, (x,))
    assert not torch.autograd.gradgradcheck(function, (x,), raise_exception=False)


def test_memory_is_read_by_address():
    a = np.arange(12.0).reshape(3, 4)
    assert np.array_equal(as_if_row_major(a), a)
    assert np.array_equal(as_if_row_major(a.T), np.arange(12.0).reshape(4, 3))
    assert np.array_equal(as_if_row_major(a[:, ::2]), np.arange(6.0).reshape(3, 2))
    assert np.array_equal(as_if_row_major(a[1:, 1]), [5, 6])
    assert np.array_equal(as_if_row_major(a[::-1])[0], [8, 9, 10, 11])
    assert (as_if_row_major(np.broadcast_to(np.float64(3), (2, 2))) == 3).all()
    assert np.array_equal(by_address(a, (3, 2), (1, 4)), [[0, 4], [1, 5], [2, 6]])
