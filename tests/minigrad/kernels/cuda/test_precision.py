"""TF32, rounding, and errors of the compiler and of cuBLAS, on a played or a real GPU."""


import numpy as np
import pytest
import stand_in_cuda
from kernel_checks import compare, images, relative

import minigrad as mg
import minigrad.functional as F
from minigrad.kernels import channel_matmul, conv, pool, relu_mask
from minigrad.kernels.cuda import blas, compiler, winograd
from minigrad.kernels.geometry import Convolution, Pooling
from minigrad.kernels.im2col import im2col_conv2d


def test_tf32_only_where_it_is_asked_for(cuda, rng):
    x = images(rng, 1, 16, 6, 6)
    weight = rng.standard_normal((16, 16, 3, 3)).astype("f")
    exact = im2col_conv2d(x.astype("d"), weight.astype("d"), None, Convolution())[0]

    def error():
        cuda.cublas.computed.clear()
        result = conv.fastest(*map(cuda.asarray, (x, weight)), None, Convolution())[0]
        return relative(result.get(), exact), set(cuda.cublas.computed)

    assert blas.precision() == mg.cuda.precision() == "highest"
    plain, computed = error()
    assert plain < 5e-6 and computed == {68}
    with mg.cuda.matmul_precision("high"):
        rough, computed = error()
        assert rough < 5e-3 and computed == {77}
        # For so small a product cuBLAS is free to take a kernel that cuts nothing.
        assert rough > 1e-5 or not isinstance(cuda, stand_in_cuda.CudaLibrary)
        with mg.cuda.matmul_precision("highest"):
            assert error()[1] == {68}
        doubled = channel_matmul.channel_products(*[cuda.asarray(x.astype("d"))] * 2)
        assert cuda.cublas.computed[-1] == 70
        expected = channel_matmul.channel_products(*[x.astype("d")] * 2)
        assert relative(doubled.get(), expected) < 1e-14
    assert blas.precision() == "highest"
    with pytest.raises(mg.errors.ArgumentError, match="highest and high, not 'low'"), \
            mg.cuda.matmul_precision("low"):
        pass


def test_transforms_round_where_tensor_cores_would_cut(played, rng, monkeypatch):
    """Cutting makes every product smaller; rounding leaves their mean where it is.

    For smaller products than these cuBLAS takes kernels that cut nothing.
    """
    x = images(rng, 1, 64, 24, 24)
    weight = rng.standard_normal((64, 64, 3, 3)).astype("f")
    geometry = Convolution(padding=(1, 1, 1, 1))
    exact = im2col_conv2d(x.astype("d"), weight.astype("d"), None, geometry)[0]

    def shrinkage():
        with mg.conv_algorithm("winograd4"):
            result = conv.fastest(*map(played.asarray, (x, weight)), None, geometry)[0].get()
        assert relative(result, exact) > 1e-4       # TF32 it is
        return 1 - np.vdot(result, exact) / np.vdot(exact, exact)

    with mg.cuda.matmul_precision("high"):
        rounded = shrinkage()
        monkeypatch.setattr(blas, "precision", lambda: "highest")       # what transforms ask
        cut = shrinkage()
    assert abs(rounded) < 1e-4 and cut > 4e-4


def test_weights_are_rounded_to_the_nearest(cuda, rng):
    """To 10 bits after the point, halves away from zero; what is not finite stays."""
    weight = rng.standard_normal((40, 8, 3, 3)).astype("f")
    weight[0, 0, 0, 0], weight[1, 1, 2, 2] = np.inf, np.nan
    plain = winograd.transform_weight(cuda, cuda.asarray(weight), 4).get()
    with mg.cuda.matmul_precision("high"):
        rounded = winograd.transform_weight(cuda, cuda.asarray(weight), 4).get()
    mantissa, exponent = np.frexp(plain)
    nearest = np.sign(mantissa) * np.floor(np.abs(mantissa) * 2**11 + 0.5) / 2**11
    np.testing.assert_array_equal(rounded, np.ldexp(nearest, exponent))


def test_a_kernel_that_does_not_compile_is_named(cuda, monkeypatch):
    monkeypatch.setattr(compiler, "source", lambda *a: "this is no program")
    monkeypatch.setattr(compiler, "_functions", {})
    x = mg.randn(1, 2, 4, 4, device="cuda")
    with pytest.raises(mg.errors.DeviceError, match=r"max_pool of pool\.cu cannot be compiled"):
        F.max_pool2d(x, 2)


def test_a_refusal_of_cublas_is_named(cuda, monkeypatch):
    monkeypatch.setattr(cuda.cublas, "cublasGemmStridedBatchedEx", lambda *a: 15)
    x = mg.randn(3, 3, device="cuda")
    with pytest.raises(mg.errors.DeviceError, match="Ex with the status NOT_SUPPORTED"):
        x @ x


def test_large_arrays_are_counted_with_long_integers(cuda, rng, monkeypatch):
    monkeypatch.setattr(compiler, "LARGE", 50)
    geometry = Pooling((2, 2), (2, 2))
    compare(cuda, lambda x: pool.max_pool2d(x, geometry), images(rng, 1, 3, 6, 6))
    compare(cuda, relu_mask.pack, images(rng, 1, 3, 6, 6))
    assert "typedef long long offset" in compiler.source("pool", large=True)
