"""Arguments and element types at the corners of operations; the right values are PyTorch's."""

import itertools
import math

import numpy as np
import pytest

import minigrad as mg
import minigrad.functional as F
from minigrad import nn
from minigrad.errors import ArgumentError, DTypeError, GradientError, ModifiedError, ShapeError
from minigrad.ops import products

MATRIX = [[3.0, 0.0], [-4.0, 1.0]]


@pytest.mark.parametrize("p, right", [
    (0, 3), (1, 8), ("fro", 26 ** 0.5), (3, 92 ** (1 / 3)), (math.inf, 4), (-math.inf, 0),
    (0.5, (2 + 3 ** 0.5 + 1) ** 2), (-1, 0), ("nuc", 32 ** 0.5), (None, 26 ** 0.5)])
def test_norms_of_any_order(p, right):
    assert mg.norm(mg.tensor(MATRIX), p).item() == pytest.approx(right)


def test_norms_of_matrices():
    x = mg.tensor(MATRIX)
    assert mg.linalg.norm(x, math.inf).item() == 5 and mg.linalg.norm(x, 1).item() == 7
    assert mg.linalg.norm(x, -1).item() == 1 and mg.linalg.norm(x, -math.inf).item() == 3
    assert mg.linalg.norm(mg.zeros(0, 5), math.inf).item() == 0
    assert mg.linalg.norm(mg.zeros(0, 5), 2).item() == 0
    with pytest.raises(ShapeError, match="two dimensions"):
        mg.norm(mg.ones(2, 2, 2), "nuc")


def test_any_and_all_along_dimensions():
    x = mg.tensor([[1, 0], [1, 1]])
    assert x.all(1).tolist() == [False, True] and x.any(dim=0, keepdim=True).shape == (1, 2)
    assert mg.all(x, (0, 1)).tolist() is False and mg.zeros(2, 0).all(1).tolist() == [True] * 2


def test_sums_with_a_factor():
    x, y = mg.tensor([1.0, 2.0], requires_grad=True), mg.tensor([3.0, 4.0], requires_grad=True)
    assert mg.add(x, y, alpha=2).tolist() == [7, 10] and x.sub(y, alpha=2).tolist() == [-5, -6]
    mg.sub(x, y, alpha=3).sum().backward()
    assert x.grad.tolist() == [1, 1] and y.grad.tolist() == [-3, -3]


def test_conversions():
    x = mg.tensor([1, 2])
    assert x.to(None) is x and x.to("int64") is x and x.to("cpu") is x
    assert x.to("cpu", "float64").dtype == np.float64 and x.to(dtype="int8").dtype == np.int8
    assert x.to(mg.tensor(0.5)).dtype == np.float32 and x.to(device="cpu", copy=True) is not x


def test_quotients_of_integers_in_place():
    x = mg.tensor([7, -7])
    with pytest.raises(DTypeError, match="float32"):
        x.div_(2)
    assert x.div_(2, rounding_mode="floor").tolist() == [3, -4]
    assert mg.tensor([7, -7]).div_(2, rounding_mode="trunc").tolist() == [3, -3]


def test_complex_values():
    z = mg.tensor(np.array([1 + 2j, 3 - 1j]))
    assert mg.vdot(z, z).item() == 15 and mg.linalg.vecdot(z, z).item() == 15
    assert mg.isreal(mg.tensor(np.array([1 + 0j, 1j]))).tolist() == [True, False]
    assert mg.angle(z).dtype == np.float64 and mg.float_power(z, 2).tolist() == [-3 + 4j, 8 - 6j]
    assert mg.cov(z).item() == pytest.approx(6.5)


def test_padding_keeps_the_type_and_repeats_what_is_left():
    x = mg.tensor([[0, 1, 2, 3]])
    assert F.pad(x, (1, 1), "constant", 7.0).tolist() == [[7, 0, 1, 2, 3, 7]]
    assert F.pad(x, (-1, 2), "circular").tolist() == [[1, 2, 3, 1, 2]]
    assert F.pad(mg.zeros(0, 3, 4), (1, 1), "reflect").shape == (0, 3, 6)


def test_bytes_are_resized_as_in_pytorch():
    x = mg.tensor(np.array([[[[0, 80, 255, 7]]]], np.uint8))
    assert F.interpolate(x, (1, 6), mode="bilinear").tolist() == [[[[0, 40, 109, 226, 131, 7]]]]
    assert F.interpolate(x, (1, 6), mode="bicubic").tolist() == [[[[0, 24, 116, 253, 147, 0]]]]
    with pytest.raises(DTypeError, match="bicubic needs floats, not int64"):
        F.interpolate(x.long(), (1, 6), mode="bicubic")


def test_steps_of_integers():
    assert mg.linspace(4.3, 1, 4, dtype="int64").tolist() == [4, 3, 2, 1]
    assert mg.logspace(0, 1.2, 2, dtype="int32").tolist() == [1, 10]


def test_windows_of_no_examples():
    x = mg.zeros(0, 3, 6)
    assert F.conv1d(x, mg.zeros(2, 3, 3)).shape == (0, 2, 4)
    values, places = F.max_pool1d(x, 2, return_indices=True)
    assert values.shape == places.shape == (0, 3, 3)
    assert F.adaptive_max_pool1d(x, 2).shape == (0, 3, 2)
    assert F.linear(mg.zeros(0, 8), mg.zeros(0, 8)).shape == (0, 0)
    assert F.avg_pool2d(mg.zeros(1, 1, 4, 4), 2, (), (0,)).shape == (1, 1, 2, 2)


def test_activations_keep_integers():
    x = mg.tensor([-2, 0, 9])
    assert F.hardtanh(x).tolist() == [-1, 0, 1] and F.relu6(x).dtype == np.int64
    assert F.softplus(mg.tensor([0.0, 1.0]), 2, 1.0).tolist() == pytest.approx([math.log(2) / 2, 1])
    with pytest.raises(DTypeError, match="uint8"):
        F.hardtanh(x.byte())


def test_joins_and_statistics_of_nothing():
    assert mg.cat([mg.zeros(0), mg.ones(2, 3)], 1).shape == (2, 3)
    assert mg.gather(mg.ones(5), 0, mg.zeros(2, 0).long()).shape == (2, 0)
    with np.errstate(all="ignore"):
        assert math.isnan(mg.zeros(0).var(correction=-1).item())
        assert math.isnan(mg.zeros(0).median().item())


def test_float16_is_summed_in_float32():
    x = mg.tensor(np.array([[300.0, 400.0]], np.float16))
    assert F.rms_norm(x[0], 2).tolist() == pytest.approx([0.8486, 1.1309], rel=1e-3)
    x = mg.tensor(np.full(64, 9000, np.float16))
    assert mg.logcumsumexp(x, 0)[-1].item() == 9008         # 9000 + ln 64


def test_output_padding_up_to_the_dilation():
    x, w = (mg.ones(1, 1, 2, 2, requires_grad=True) for _ in range(2))
    z = F.conv_transpose2d(x, w, stride=1, padding=1, output_padding=(1, 2), dilation=3)
    assert z.shape == (1, 1, 4, 5) and z.tolist()[0][0][2] == [1, 0, 1, 1, 0]
    z.sum().backward()
    assert x.grad.tolist() == [[[[1, 2], [2, 4]]]] and w.grad.tolist() == [[[[1, 2], [2, 4]]]]
    with pytest.raises(ArgumentError, match="dilation"):
        F.conv_transpose2d(x, w, output_padding=3, dilation=3)


def test_rank_with_a_tolerance_for_each_matrix():
    x = mg.tensor([[[4.0, 0.0], [0.0, 1.0]]] * 2)
    assert mg.linalg.matrix_rank(x, atol=mg.tensor([0.5, 2.0])).tolist() == [2, 1]
    assert mg.linalg.matrix_rank(x, rtol=mg.tensor([0.5, 0.1])).tolist() == [1, 2]


def test_layers_without_a_bias():
    for layer in (nn.BatchNorm2d(3, bias=False), nn.InstanceNorm2d(3, affine=True, bias=False),
                  nn.GroupNorm(3, 3, bias=False)):
        assert layer.bias is None and layer.weight.shape == (3,)
    assert nn.InstanceNorm2d(3)(mg.rand(3, 4, 5)).shape == (3, 4, 5)


def test_changes_in_place():
    x = mg.tensor([1.0, 4.0, 9.0])
    first = x[:1]
    assert x.sqrt_() is x and x.add_(1).tolist() == [2, 3, 4]
    assert x.clamp_(min=2.5).neg_().tolist() == [-2.5, -3, -4] and first.tolist() == [-2.5]
    assert x.gt_(-3).tolist() == [1, 0, 0] and x.dtype == np.float32
    with pytest.raises(DTypeError, match="exp_ in place keeps the type int64"):
        mg.tensor([1]).exp_()
    with pytest.raises(GradientError, match="no_grad"):
        mg.tensor([1.0], requires_grad=True).exp_()


def test_a_change_in_place_of_what_backward_needs_is_found():
    x = mg.tensor([1.0], requires_grad=True)
    y = x * 2
    z = y * y
    with mg.no_grad():
        y.exp_()
    with pytest.raises(ModifiedError, match="multiply"):
        z.backward()


def test_limits_by_name():
    x = mg.tensor([-1.0, 5.0])
    assert x.clamp(min=0).tolist() == [0, 5] and mg.clip(x, max=2).tolist() == [-1, 2]
    assert x.clip(min=0, max=2).tolist() == [0, 2]


@pytest.mark.parametrize("longest", [500, 3])
def test_chains_of_matrices_are_multiplied_in_the_cheapest_order(monkeypatch, longest, rng):
    monkeypatch.setattr(products, "LONGEST_CHAIN", longest)
    sizes = [30, 35, 15, 5, 10, 20, 25]             # Cormen and others, figure 15.5
    assert [row[0] for row in products._splits(sizes)[1:]] == [0, 0, 2, 2, 2]
    xs = [rng.standard_normal((n, m)) for n, m in itertools.pairwise(sizes)]
    z = mg.linalg.multi_dot([mg.tensor(x) for x in xs])
    np.testing.assert_allclose(z.numpy(), np.linalg.multi_dot(xs), rtol=1e-10)
    many = [mg.full((2, 2), 0.5)] * 600             # took eight seconds
    assert mg.linalg.multi_dot(many).tolist() == [[0.5, 0.5]] * 2
