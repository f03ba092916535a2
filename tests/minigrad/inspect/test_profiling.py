"""Profile and memory of operations, forward and backward."""

import subprocess
import sys

import numpy as np
import pytest

import minigrad as mg
import minigrad.functional as F
from minigrad import inspect
from minigrad.core.primitive import registered_primitives
from minigrad.inspect import flops


def test_profile_counts_products_forward_and_backward():
    x = mg.rand(4, 5).requires_grad_()
    w = mg.rand(5, 6).requires_grad_()
    with inspect.profile() as costs:
        ((x @ w) * 2).sum().backward()
    product = costs.row("matrix_product", "forward")
    assert (product.calls, product.flops, product.bytes) == (1, 2 * 4 * 5 * 6, 4 * (20 + 30 + 24))
    assert costs.row("matrix_product", "backward").flops == 2 * 2 * 4 * 5 * 6
    assert costs.row("multiply", "forward").flops == costs.row("multiply", "backward").flops == 24
    assert costs.row("sum", "forward").flops == 24
    assert costs.total("forward").calls == costs.total("backward").calls == 3
    assert 0 < sum(row.seconds for row in costs.rows) <= costs.seconds
    assert product.gflops_per_second == pytest.approx(240e-9 / product.seconds)
    assert "matrix_product" in str(costs) and "outside of operations" in str(costs)


def test_profile_counts_convolutions_gram_and_frozen_weights():
    image, weight = mg.rand(2, 3, 8, 8).requires_grad_(), mg.rand(4, 3, 3, 3)
    with inspect.profile() as costs:
        features = F.conv2d(image, weight, mg.rand(4), padding=1)
        F.gram_matrix(features).sum().backward()
    multiply_adds = 2 * 4 * 8 * 8 * 27
    assert costs.row("convolve", "forward").flops == 2 * multiply_adds
    assert costs.row("convolve", "backward").flops == 2 * multiply_adds     # by the image only
    assert costs.row("gram_matrix", "forward").flops == 2 * 2 * 4 * 4 * 64
    strided = F.conv2d(image, weight.requires_grad_(), stride=2)
    with inspect.profile() as costs:
        strided.backward(np.ones(strided.shape, np.float32))
    assert costs.row("convolve", "backward").flops is None      # the forward was not watched
    assert costs.row("convolve", "backward").gflops_per_second is None


def test_profile_counts_the_pixels_of_a_window():
    image, window = mg.rand(2, 3, 8, 8).requires_grad_(), (1, 7, 0, 5)
    with inspect.profile() as costs:
        F.moment_matrix(image, window).sum().backward()
    assert costs.row("moments", "forward").flops == 2 * 2 * 4 * 4 * 30
    with inspect.profile() as costs:
        mg.grad(F.moment_matrix(image, window).sum(), image, create_graph=True)
    assert costs.row("moment_mix", "forward").flops == 2 * 2 * 3 * 4 * 30


def test_profile_counts_the_pixels_of_regions():
    image = mg.rand(2, 3, 4, 5).requires_grad_()
    weights = mg.zeros(2, 4, 5)
    weights[0, :2] = 1
    weights[1, 3] = 0.5                 # 10 and 5 pixels
    with inspect.profile() as costs:
        F.weighted_moment_matrices(image, weights).sum().backward()
    assert costs.row("weighted_moments", "forward").flops == 2 * 2 * 4 * 4 * 15
    with inspect.profile() as costs:
        mg.grad(F.weighted_moment_matrices(image, weights).sum(), image, create_graph=True)
    assert costs.row("weighted_mix", "forward").flops == 2 * 2 * 3 * 4 * 15


def test_profile_counts_einsum_and_knows_the_names_of_operations():
    a, b = mg.rand(3, 4).requires_grad_(), mg.rand(4, 5)
    with inspect.profile() as costs:
        mg.einsum("ij,jk->ik", a, b).sum().backward()
    assert costs.row("contract", "forward").flops == costs.row("contract", "backward").flops \
        == 2 * 3 * 4 * 5
    counted = {*flops.MOVES, *flops.PRODUCTS, *flops.OTHERS}
    assert counted <= set(registered_primitives())      # a renamed operation would lose its count


def test_profile_gives_inner_time_to_the_inner_operation():
    x = mg.rand(300, 300).requires_grad_()
    with inspect.profile() as costs:
        mg.grad((x @ x).sum(), x, create_graph=True)
    assert costs.row("matrix_product", "forward").calls == 3
    assert costs.row("matrix_product", "backward").calls == 1
    assert costs.total("backward").flops == 0       # what the rules did is counted as forward
    assert sum(row.seconds for row in costs.rows) <= costs.seconds


def test_memory_names_what_holds_the_peak():
    weights = mg.rand(1000, 100)
    x = mg.rand(100, 1000).requires_grad_()         # 400,000 bytes
    with inspect.memory() as use:
        y = x.exp()                                 # saved by its own rule
        z = (y @ weights).sin()                     # weights saved, but not made here
        del y
    assert use.saved == pytest.approx({"exp": 400_000, "sin": 40_000}, rel=0.01)
    assert 440_000 + 40_000 <= use.peak < 700_000
    assert use.during == "sin, forward"
    assert use.other == use.peak - 440_000
    assert "saved by exp" in str(use)
    z.sum().backward()


def test_memory_sees_large_arrays_and_their_return():
    x = mg.rand(1, 8, 256, 256).requires_grad_()                # 2 MiB
    weight = mg.rand(8, 8, 3, 3)
    one = x.numel() * 4
    with inspect.memory() as use:
        y = F.conv2d(x, weight, padding=1)
        y = F.conv2d(y, weight, padding=1)
        del y
        alone = use.peak
    assert 2 * one <= alone < 20 * one
    with inspect.memory() as use:
        F.conv2d(x, weight, padding=1).relu().sum().backward()
    assert use.saved.get("relu", 0) in (0, pytest.approx(one, rel=0.05))
    assert use.peak >= 2 * one


FRESH = """
import minigrad as mg, minigrad.functional as F
from minigrad import inspect
mg.manual_seed(0)
weights = [mg.randn(32, c, 3, 3) * 0.1 for c in (3, 32, 32, 32)]
image = mg.rand(1, 3, 320, 320).requires_grad_()
F.conv2d(mg.rand(1, 3, 16, 16), weights[0]).relu()
with inspect.memory() as use:
    h = image
    for i, w in enumerate(weights):
        h = F.conv2d(h, w, None, padding=1).relu()
    F.mse_loss(F.gram_matrix(h), mg.zeros(1, 32, 32), "sum").backward()
print(use.peak, use.process)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_agrees_with_what_the_process_shows():
    run = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True)
    peak, process = run.stdout.split()
    if process == "None":
        pytest.skip("the system does not let a process reset its own peak")
    assert int(peak) > 30e6
    assert int(peak) == pytest.approx(int(process), rel=0.15)
