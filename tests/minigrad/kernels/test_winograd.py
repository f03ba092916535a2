"""The fast convolutions against float64: accuracy, sizes, threads, memory that is used again."""

import gc
import os
import signal
import threading
import time

import numpy as np
import pytest

import minigrad as mg
import minigrad.functional as F
from minigrad.errors import ArgumentError
from minigrad.kernels import array_cache, conv, memory, parallel, relu_mask, winograd
from minigrad.kernels.geometry import Convolution
from minigrad.kernels.im2col import im2col_conv2d, im2col_input_gradient, im2col_weight_gradient
from minigrad.kernels.loops import loops_conv2d
from minigrad.kernels.winograd import winograd_conv2d, winograd_weight_gradient

TOLERANCE = {"im2col": 5e-6, "winograd2": 5e-6, "winograd4": 2e-5, "winograd6": 1e-4,
             "winograd8": 1e-4}
SHAPES = [   # images, channels, filters, height, width, padding
    (1, 1, 1, 3, 3, 0), (1, 3, 5, 7, 9, 1), (2, 16, 16, 8, 8, 1), (1, 17, 33, 13, 21, 1),
    (3, 8, 4, 5, 1, 1), (1, 64, 32, 16, 16, 1), (2, 5, 7, 31, 6, 2), (1, 512, 16, 9, 11, 1),
    (1, 16, 512, 4, 4, 1), (1, 20, 20, 2, 2, 1), (1, 32, 32, 40, 17, 0)]


def relative(result, expected):
    return np.linalg.norm(result - expected) / np.linalg.norm(expected)


def case(rng, images, channels, filters, height, width, padding, mean=0.0):
    geometry = Convolution(padding=(padding,) * 4)
    x = (rng.standard_normal((images, channels, height, width)) + mean).astype("f")
    w = (rng.standard_normal((filters, channels, 3, 3)) / np.sqrt(9 * channels)).astype("f")
    b = rng.standard_normal(filters).astype("f")
    return x, w, b, geometry


@pytest.mark.parametrize("algorithm", TOLERANCE)
@pytest.mark.parametrize("mean", [0, 120])       # pixels of images are far from zero
@pytest.mark.parametrize("shape", SHAPES)
def test_accuracy(rng, algorithm, mean, shape):
    x, w, b, geometry = case(rng, *shape, mean=mean)
    exact, _ = im2col_conv2d(x.astype("d"), w.astype("d"), b.astype("d"), geometry)
    y = rng.standard_normal(exact.shape).astype("f")
    exact_gradient = im2col_input_gradient(y.astype("d"), w.astype("d"), x.shape, geometry)
    with mg.conv_algorithm(algorithm):
        result, _ = conv.fastest(x, w, b, geometry)
        gradient = conv.fastest_input(y, w, x.shape, geometry)
    assert result.dtype == np.float32
    assert relative(result, exact) < TOLERANCE[algorithm]
    assert relative(gradient, exact_gradient) < TOLERANCE[algorithm]


def test_im2col_in_float64_is_the_loops(rng):
    x, w, b, geometry = case(rng, 1, 3, 2, 5, 6, 1)
    x, w, b = x.astype("d"), w.astype("d"), b.astype("d")
    assert relative(conv.fastest(x, w, b, geometry)[0], loops_conv2d(x, w, b, geometry)) < 1e-14


@pytest.mark.parametrize("m", winograd.POINTS)
def test_matrices_are_exact(rng, m):
    d, g = rng.standard_normal(m + 2), rng.standard_normal(3)
    use = winograd.matrices(m)
    expected = [d[i:i + 3] @ g for i in range(m)]
    np.testing.assert_allclose(use.AT @ ((use.G @ g) * (use.BT @ d)), expected, atol=1e-10)
    turned = winograd.turned(m)       # the same G·g serves the turned kernel
    expected = [d[i:i + 3] @ g[::-1] for i in range(m)]
    np.testing.assert_allclose(turned.AT @ ((use.G @ g) * (turned.BT @ d)), expected, atol=1e-10)


@pytest.mark.parametrize("algorithm", ["im2col", "winograd4", "winograd8"])
@pytest.mark.parametrize("shape", [(2, 16, 24, 19, 18, 1), (1, 3, 5, 7, 9, 1)])
def test_fused_relu_equals_its_plain_twin(rng, algorithm, shape):
    x, w, b, _ = case(rng, *shape)
    with mg.conv_algorithm(algorithm):
        results = []
        for function in (lambda *a: F.relu(F.conv2d(*a, padding=1)),
                         lambda *a: F.conv2d_relu(*a, padding=1)):
            leaves = [mg.tensor(a, requires_grad=True) for a in (x, w, b)]
            y = function(*leaves)
            y.backward(np.random.default_rng(1).standard_normal(y.shape).astype("f"))
            results.append([y.numpy(), *(leaf.grad.numpy() for leaf in leaves)])
    for plain, fused in zip(*results):
        np.testing.assert_allclose(fused, plain, atol=2e-5 * np.abs(plain).max())


def test_sign_bits_of_any_width(rng, device):
    for shape in [(1, 1, 2, 3), (2, 3, 3, 5), (1, 16, 4, 4)]:
        y = mg.tensor(rng.standard_normal(shape), device=device)._array
        bits = relu_mask.pack(y)
        assert bits.shape == (shape[0], shape[2], -(-shape[3] * shape[1] // 8))
        assert bool((relu_mask.apply(y, bits) == y * (y > 0)).all())


def test_large_weights_take_the_shared_path(rng, monkeypatch):
    x, w, b, _ = case(rng, 2, 24, 40, 30, 26, 1)
    planes = winograd.transform_weight(w, 4)
    apart = winograd_conv2d(x, planes, b, (1, 1, 1, 1), 4, relu=True, wants_mask=True)
    monkeypatch.setattr(winograd, "PLANES_IN_CACHE", 0)
    together = winograd_conv2d(x, planes, b, (1, 1, 1, 1), 4, relu=True, wants_mask=True)
    np.testing.assert_allclose(apart[0], together[0], atol=1e-5)
    np.testing.assert_array_equal(together[1], relu_mask.pack(together[0]))


@pytest.mark.parametrize("m", [2, 4])
@pytest.mark.parametrize("shape", [
    (1, 16, 24, 19, 18, 1), (3, 16, 17, 13, 9, 0), (2, 20, 16, 3, 70, 1)])
@pytest.mark.parametrize("sums_in_cache", [0, 1 << 20])
def test_weight_gradient(rng, monkeypatch, m, shape, sums_in_cache):
    images, channels, filters, height, width, padding = shape
    x = rng.standard_normal((images, channels, height, width)).astype("f")
    y = rng.standard_normal((images, filters, height + 2 * padding - 2, width + 2 * padding - 2)
                            ).astype("f")
    monkeypatch.setattr(winograd, "SUMS_IN_CACHE", sums_in_cache)
    monkeypatch.setattr(winograd, "TILES_IN_CACHE", 1 << 18)        # several chunks
    found = winograd_weight_gradient(y, x, (padding,) * 4, m)
    geometry = Convolution.of(1, padding, 1, 1, (3, 3))
    true = im2col_weight_gradient(y.astype("d"), x.astype("d"), found.shape, geometry)
    assert np.linalg.norm(found - true) < 5e-6 * np.linalg.norm(true)


def test_a_band_may_hold_several_images(rng):
    x, w, b, _ = case(rng, 7, 16, 16, 6, 5, 1)
    planes = winograd.transform_weight(w, 4)
    batch = winograd_conv2d(x, planes, b, (1, 1, 1, 1), 4)[0]
    alone = [winograd_conv2d(x[k:k + 1], planes, b, (1, 1, 1, 1), 4)[0] for k in range(7)]
    np.testing.assert_allclose(batch, np.concatenate(alone), atol=1e-5)


def evaluation(threads):
    """A small network's output and gradient, as bytes-comparable arrays."""
    rng = np.random.default_rng(3)
    before = mg.get_num_threads()
    mg.set_num_threads(threads)
    try:
        x = mg.tensor(rng.standard_normal((1, 3, 50, 38)).astype("f"), requires_grad=True)
        h = x
        for channels, filters in [(3, 32), (32, 32), (32, 64)]:
            w = mg.tensor((rng.standard_normal((filters, channels, 3, 3)) * 0.1).astype("f"))
            h = F.conv2d_relu(h, w, padding=1)
        y = F.gram_matrix(F.max_pool2d(h, 2))
        (y * y).sum().backward()
        return y.numpy(), x.grad.numpy()
    finally:
        mg.set_num_threads(before)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_results_repeat_bit_by_bit(threads):
    first = evaluation(threads)
    for _ in range(5):
        for a, b in zip(first, evaluation(threads)):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("threads", [2, 3, 5])
def test_the_number_of_threads_changes_no_bit(threads):
    for a, b in zip(evaluation(1), evaluation(threads)):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kernel, stride", [(3, 1), (3, 2), (5, 1), (1, 1)], ids=str)
def test_the_number_of_threads_changes_no_bit_of_a_training_step(rng, kernel, stride):
    """All gradients of a convolution, a linear layer and a batch's mean."""
    arrays = [rng.standard_normal(shape).astype("f") for shape in
              [(4, 16, 33, 29), (24, 16, kernel, kernel), (24,), (24, 300)]]
    before, found = mg.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            mg.set_num_threads(threads)
            x, w, bias, m = (mg.tensor(array, requires_grad=True) for array in arrays)
            y = F.relu(F.conv2d(x, w, bias, stride=stride, padding=kernel // 2))
            z = y.permute(0, 2, 3, 1).reshape(-1, 24) @ m
            ((z * z).mean() + z.mean(dim=0).norm()).backward()
            found.append([z.numpy(), *(leaf.grad.numpy() for leaf in (x, w, bias, m))])
    finally:
        mg.set_num_threads(before)
    for other in found[1:]:
        for one, same in zip(found[0], other):
            np.testing.assert_array_equal(one, same)


def test_bad_settings():
    with pytest.raises(ArgumentError, match="winograd4"), mg.conv_algorithm("fft"):
        pass
    with pytest.raises(ArgumentError, match="at least 1"):
        mg.set_num_threads(0)


def test_an_error_in_a_piece_reaches_the_caller():
    def fail(piece):
        if piece == 3:
            raise ValueError("piece 3")
    with pytest.raises(ValueError, match="piece 3"):
        parallel.run(fail, range(8))
    assert parallel.run(lambda piece: None, range(4)) is None      # and the pool still works


def test_pieces_may_call_run_themselves():
    seen = []
    parallel.run(lambda piece: parallel.run(seen.append, [piece, piece]), range(4))
    assert sorted(seen) == [0, 0, 1, 1, 2, 2, 3, 3]


# ------------------------------------------------------------------ memory used again


def test_memory_comes_back_only_when_the_last_view_is_gone():
    gc.collect()
    before = memory.used_bytes()
    array = memory.empty((600, 1000), np.float32)
    address = array.__array_interface__["data"][0]
    view = array[10:].reshape(-1, 5).T
    del array
    assert memory.used_bytes() > before
    del view
    assert memory.used_bytes() == before
    again = memory.empty((600, 1000), np.float32)
    assert again.__array_interface__["data"][0] == address


def test_arrays_never_overlap(rng):
    """Random sizes come and go; each array keeps the number that was written to it."""
    alive = {}
    for number in range(400):
        if alive and rng.random() < 0.5:
            key = list(alive)[rng.integers(len(alive))]
            array = alive.pop(key)
            assert (array == key).all()
            del array
        array = memory.empty((int(rng.integers(1 << 20, 1 << 22)),), np.uint8)
        array[...] = number % 251
        alive[number % 251] = array
    for key, array in alive.items():
        assert (array == key).all()


def test_free_ranges_join_again():
    segment = memory._Segment(1 << 20)
    starts = [segment.take(1 << 18) for _ in range(4)]
    assert starts == [0, 1 << 18, 2 << 18, 3 << 18] and segment.take(1) is None
    for k in (1, 3, 0, 2):
        segment.put(starts[k], 1 << 18)
    assert segment.free == [(0, 1 << 20)]


def test_a_kept_result_is_never_overwritten(rng):
    """A second evaluation must not write into what the user, or a kept graph, still holds."""
    w = mg.tensor((rng.standard_normal((64, 16, 3, 3)) * 0.1).astype("f"))
    x = mg.tensor(rng.standard_normal((1, 16, 96, 96)).astype("f"), requires_grad=True)
    first = F.conv2d_relu(x, w, padding=1)
    copy = first.numpy()
    total = first.square().sum()
    for _ in range(3):
        F.conv2d_relu(x * 2, w, padding=1).square().sum().backward()
    np.testing.assert_array_equal(first.numpy(), copy)
    x.grad = None
    total.backward(retain_graph=True)
    gradient = x.grad.numpy()
    x.grad = None
    total.backward()
    np.testing.assert_array_equal(x.grad.numpy(), gradient)


def test_evaluations_take_no_new_memory(rng):
    w = mg.tensor((rng.standard_normal((64, 16, 3, 3)) * 0.1).astype("f"))
    x = mg.tensor(rng.standard_normal((1, 16, 96, 96)).astype("f"), requires_grad=True)

    def evaluate():
        x.grad = None
        F.max_pool2d(F.conv2d_relu(x, w, padding=1), 2).sum().backward()
        return memory.used_bytes(), memory.reserved_bytes()

    gc.disable()
    try:
        evaluate()
        assert len({evaluate() for _ in range(5)}) == 1
    finally:
        gc.enable()


# ------------------------------------------------------- transformed weights are kept


def test_weights_are_transformed_once_and_again_after_a_change(rng, monkeypatch):
    calls = []
    transform = winograd.transform_weight
    monkeypatch.setattr(winograd, "transform_weight",
                        lambda *a: calls.append(1) or transform(*a))
    x = mg.tensor(rng.standard_normal((1, 16, 100, 100)).astype("f"))
    w = mg.tensor((rng.standard_normal((16, 16, 3, 3)) * 0.1).astype("f"))
    first = F.conv2d(x, w, padding=1).numpy()
    F.conv2d(x, w, padding=1)
    assert len(calls) == 1
    w.mul_(2)
    np.testing.assert_allclose(F.conv2d(x, w, padding=1).numpy(), 2 * first, atol=1e-5)
    w[0].mul_(0)                       # through a view of it
    assert not F.conv2d(x, w, padding=1).numpy()[0, 0].any()
    assert len(calls) == 3


def test_derived_values_go_with_their_array():
    array = np.ones(3)
    before = len(array_cache._entries)
    assert array_cache.cached(array, "sum", lambda: 3.0) == 3
    assert len(array_cache._entries) == before + 1
    del array
    gc.collect()
    assert len(array_cache._entries) == before


@pytest.mark.parametrize("size", [40, 80])       # by im2col, and by Winograd's algorithm
def test_kernels_may_be_called_from_several_threads(rng, size):
    x, w, b, geometry = case(rng, 1, 32, 32, size, size, 1)
    expected = conv.fastest(x, w, b, geometry)[0]
    results = []

    def work():
        for _ in range(5):
            results.append(conv.fastest(x, w, b, geometry)[0])

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 15
    for result in results:
        np.testing.assert_array_equal(result, expected)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_makes_its_own_threads(rng):
    x, w, b, geometry = case(rng, 1, 32, 32, 64, 64, 1)
    expected = conv.fastest(x, w, b, geometry)[0]          # so that the parent has its threads
    child = os.fork()
    if child == 0:
        same = np.array_equal(conv.fastest(x, w, b, geometry)[0], expected)
        os._exit(0 if same else 1)
    for _ in range(200):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            assert os.waitstatus_to_exitcode(status) == 0
            return
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    pytest.fail("the child hangs")
