"""Where minigrad differs from PyTorch on purpose: a test for each row of docs/conventions.md."""

import re
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
import minigrad.functional as F
from minigrad.errors import DTypeError, ShapeError

PAGE = Path(__file__).parents[2] / "docs" / "conventions.md"


def test_every_row_of_the_page_has_a_test():
    section = PAGE.read_text(encoding="utf-8").partition("## Deliberate differences")[2]
    names = re.findall(r"^\| `(\w+)` \|", section.partition("\n## ")[0], re.MULTILINE)
    assert names
    assert [name for name in names if f"test_{name}" not in globals()] == []


def test_sums_of_squares_are_float64():
    x, t = mg.tensor([3.0, 1.0]), mg.tensor([0.0, 1.0])
    assert F.mse_loss(x, t, "sum").dtype == np.float64
    assert F.mse_loss(x, t, "sum").item() == 9.0


def test_uint8_indices_are_positions():
    x = mg.tensor([1.0, 2.0])
    assert x[mg.tensor([0, 1], dtype="uint8")].tolist() == [1, 2]
    assert x[mg.tensor([0, 1], dtype="uint8").bool()].tolist() == [2]


def test_convolutions_need_channels():
    for function, pixels, shape in ((F.conv1d, 1, (6, 0)), (F.conv2d, 2, (6, 0)),
                                    (F.conv2d_relu, 2, (6, 0)), (F.conv3d, 3, (6, 0)),
                                    (F.conv_transpose1d, 1, (0, 6)), (F.conv2d, 2, (0, 0)),
                                    (F.conv_transpose2d, 2, (0, 6))):
        for length in (1, 3):
            with pytest.raises(ShapeError, match="at least one channel, one filter"):
                function(mg.ones(2, 0, *(7,) * pixels), mg.ones(*shape, *(length,) * pixels))
    x, w = mg.ones(0, 3, 7, 7, requires_grad=True), mg.ones(6, 3, 3, 3, requires_grad=True)
    F.conv2d(x, w).sum().backward()         # an empty batch is no mistake
    assert x.grad.shape == x.shape and not w.grad.any()


def test_any_and_all_are_bool():
    x = mg.tensor(np.array([0, 2], np.uint8))
    assert x.any().dtype == x.all().dtype == bool
    assert x.any().item() and not x.all().item()


def test_sorting_is_stable():
    x = mg.tensor([1.0, 0.0] * 500)
    order = mg.argsort(x).numpy()
    assert (order[:500] == np.arange(1, 1000, 2)).all()
    assert (order[500:] == np.arange(0, 1000, 2)).all()
    x = mg.tensor([[1, 0, 1, 0]])
    assert mg.topk(x, 2)[1].tolist() == [[0, 2]]
    assert mg.kthvalue(x, 2)[1].tolist() == [3]


def test_numbers_out_of_range_are_refused():
    x = mg.tensor(np.array([1], np.uint8))
    with pytest.raises(DTypeError, match="-3 is out of the range of uint8"):
        x * -3
    with pytest.raises(DTypeError, match="-3 is out of the range of uint8"):
        mg.add(x, x, alpha=-3)


def test_an_empty_result_has_the_usual_type():
    for length in (0, 3):
        x = mg.zeros(2, 3, length).long()
        assert mg.trapezoid(x).dtype == np.float32
        assert F.local_response_norm(x, 2).dtype == np.float32
        assert mg.bincount(x[0, 0], weights=x[0, 0]).dtype == np.float64


def test_gradients_of_block_diag():
    nothing, pair, three = (mg.ones(n, requires_grad=True) for n in (0, 2, 3))
    mg.block_diag(nothing, pair, three).backward(mg.arange(15.0).reshape(3, 5))
    assert pair.grad.tolist() == [5, 6] and three.grad.tolist() == [12, 13, 14]


def test_pixel_unshuffle_of_nothing():
    assert F.pixel_unshuffle(mg.zeros(0, 1, 6, 6), 3).shape == (0, 9, 2, 2)


def test_multilabel_margin_loss_of_nothing():
    x, labels = mg.zeros(0, 5), mg.zeros(0, 5).long()
    assert F.multilabel_margin_loss(x, labels, reduction="sum").item() == 0
    with np.errstate(all="ignore"):
        assert np.isnan(F.multilabel_margin_loss(x, labels).item())


def test_hardsigmoid_has_slope_one_sixth():
    x = mg.tensor(np.array([1.0]), requires_grad=True)
    F.hardsigmoid(x).backward()
    assert x.grad.item() == 1 / 6


def test_poles_are_infinite():
    with np.errstate(all="ignore"):
        assert mg.polygamma(1, mg.tensor([-2.0, -1.0, 0.0])).tolist() == [np.inf] * 3


def test_no_gradient_for_what_is_left_out():
    x = mg.tensor([np.nan], requires_grad=True)
    with np.errstate(all="ignore"):
        x.nanmean().backward()
    assert x.grad.tolist() == [0]


def test_lbfgs_searches_along_lines():
    x = mg.tensor(np.array([3.0, 4.0]), requires_grad=True)
    optimizer = mg.optim.LBFGS([x], lr=0.5, max_iter=4)
    assert optimizer.param_groups[0]["line_search_fn"] == "strong_wolfe"
    seen = []

    def closure():
        seen.append(x.detach().numpy())
        optimizer.zero_grad()
        loss = x.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert np.allclose(np.linalg.norm(seen[1] - seen[0]), 0.5)


def test_numbers_are_operands():
    x = mg.tensor([1, 6])
    assert mg.maximum(x, 2).tolist() == [2, 6] and mg.gcd(4, x).tolist() == [1, 2]
    assert mg.logical_and(x, 0).tolist() == [False, False]
    assert mg.maximum(2, mg.tensor([1.0])).dtype == np.float32


def test_no_out_argument():
    x = mg.ones(2)
    with pytest.raises(TypeError, match="out"):
        mg.add(x, x, out=x)


def test_means_of_integers_are_floats():
    assert mg.tensor([1, 2]).mean().item() == 1.5
    assert mg.tensor([1, 2]).mean().dtype == np.float32
