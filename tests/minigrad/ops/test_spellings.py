"""Operators, methods from the table, and what the functions behind them refuse."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.functional as F
from minigrad import changes, errors, spellings

X = mg.tensor([[3, 5], [1, 2]])


@pytest.mark.parametrize("ours, right", [
    (lambda: X // 2, [[1, 2], [0, 1]]), (lambda: 7 // X, [[2, 1], [7, 3]]),
    (lambda: X % 2, [[1, 1], [1, 0]]), (lambda: -7 % X, [[2, 3], [0, 1]]),
    (lambda: X & 1, [[1, 1], [1, 0]]), (lambda: 1 | X, [[3, 5], [1, 3]]),
    (lambda: X ^ 1, [[2, 4], [0, 3]]), (lambda: ~X, [[-4, -6], [-2, -3]]),
    (lambda: X << 1, [[6, 10], [2, 4]]), (lambda: 1 << X, [[8, 32], [2, 4]]),
    (lambda: X >> 1, [[1, 2], [0, 1]]), (lambda: 6 & X, [[2, 4], [0, 2]]),
    (lambda: ~(X > 2), [[False, False], [True, True]]),
], ids=["//", "r//", "%", "r%", "&", "r|", "^", "~", "<<", "r<<", ">>", "r&", "~bool"])
def test_operators_of_whole_numbers(ours, right):
    np.testing.assert_array_equal(ours().numpy(), right)


def test_every_row_of_the_table_is_a_method():
    for name in spellings.Spellings.__annotations__:
        method = getattr(mg.Tensor, name)
        assert callable(method) and (name.startswith("_") or method.__name__ == name)


def test_every_change_in_place_is_a_method():
    for name in changes.ChangesInPlace.__annotations__:
        assert getattr(mg.Tensor, name).__name__ == name and name.endswith("_")


def test_methods_hand_over_their_arguments():
    x = mg.tensor([[1.0, 4.0, 2.0]])
    assert x.topk(2)[0].tolist() == [[4, 2]] and x.chunk(3, dim=1)[1].tolist() == [[4]]
    assert x.softmax(dim=-1).sum().item() == pytest.approx(1)
    assert x.long().dtype == mg.int64 and x.half().dtype == mg.float16
    assert x.dim() == 2 and x.t().shape == (3, 1) and x.new_zeros(2).dtype == x.dtype
    assert x.add(1).tolist() == [[2, 5, 3]] and x.masked_fill(x > 2, 0).tolist() == [[1, 0, 2]]


@pytest.mark.parametrize("call, error, words", [
    (lambda: mg.tensor([1.5]) & 1, errors.DTypeError, "integers"),
    (lambda: X // 0, errors.ArgumentError, "divided by 0"),
    (lambda: X.float().topk(3), errors.ArgumentError, "0 … 2"),
    (lambda: mg.linalg.inv(mg.zeros(2, 2)), errors.ArgumentError, "singular"),
    (lambda: mg.linalg.cholesky(-mg.eye(2)), errors.ArgumentError, "positive definite"),
    (lambda: mg.linalg.det(mg.zeros(2, 3)), errors.ShapeError, "square"),
    (lambda: mg.multinomial(mg.zeros(3), 1), errors.ArgumentError, "not all 0"),
    (lambda: F.cross_entropy(mg.zeros(2, 3), mg.tensor([0, 1]), label_smoothing=2),
     errors.ArgumentError, "label_smoothing"),
    (lambda: F.pad(X, (1, 2, 3)), errors.ArgumentError, "before, after"),
], ids=range(9))
def test_what_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_tensors_and_state_dicts_are_saved(tmp_path):
    layer = mg.nn.Linear(2, 3)
    mg.save({"layer": layer.state_dict(), "x": X}, tmp_path / "state.h5")
    loaded = mg.load(tmp_path / "state.h5")
    np.testing.assert_array_equal(loaded["layer"]["weight"].numpy(), layer.weight.numpy())
    assert loaded["x"].tolist() == X.tolist()


def test_hooks_of_modules():
    layer, seen = mg.nn.Identity(), []
    before = layer.register_forward_pre_hook(lambda module, args: (args[0] + 1,))

    def double(module, args, result):
        seen.append(args)
        return 2 * result

    after = layer.register_forward_hook(double)
    assert layer(mg.tensor(1.0)).item() == 4 and seen[0][0].item() == 2
    before.remove()
    assert layer(mg.tensor(1.0)).item() == 2
    after.remove()
    assert layer(mg.tensor(1.0)).item() == 1 and len(seen) == 2
    assert mg.nn.Identity()(mg.tensor(1.0)).item() == 1


def test_lists_and_dicts_of_modules():
    parts = mg.nn.ModuleList([mg.nn.Linear(2, 3), mg.nn.Tanh()])
    named = mg.nn.ModuleDict({"first": parts[0], "list": parts})
    assert [name for name, _ in named.named_parameters()] == ["first.weight", "first.bias"]
    assert "first" in named and list(named) == ["first", "list"] and len(parts[1:]) == 1
    with pytest.raises(KeyError):
        named["second"]
    with pytest.raises(errors.ArgumentError, match="modules"):
        parts.append(3)


def test_ignored_classes_do_not_count():
    scores, classes = mg.randn(4, 3), mg.tensor([0, 2, 1, 0])
    kept = F.cross_entropy(scores[:3], classes[:3])
    ignored = F.cross_entropy(scores, mg.tensor([0, 2, 1, -100]))
    assert ignored.item() == pytest.approx(kept.item(), rel=1e-6)
