"""Compare a CUDA kernel with the host's on the same arrays."""

import numpy as np

TOLERANCE = {"f": 2e-6, "d": 1e-14}


def relative(result, expected):
    return np.linalg.norm(result - expected) / max(np.linalg.norm(expected), 1e-30)


def compare(cuda, function, *arrays, tolerance=None):
    """Call a kernel with host arrays, and with the same on the device: the results must agree."""
    def there(value):
        return cuda.asarray(value) if isinstance(value, np.ndarray) else value

    before = cuda.launches
    results = function(*map(there, arrays))
    assert cuda.launches > before, "no kernel was launched"
    expected = function(*arrays)
    pairs = [(results, expected)] if not isinstance(results, tuple) else zip(results, expected)
    for result, known in pairs:
        if known is None:
            assert result is None
            continue
        assert type(result) is cuda.ndarray and result.dtype == known.dtype
        result = cuda.asnumpy(result)
        assert result.shape == known.shape
        if known.dtype.kind in "iu":
            np.testing.assert_array_equal(result, known)
        else:
            limit = TOLERANCE[known.dtype.char] if tolerance is None else tolerance
            assert relative(result, known) <= limit


def images(rng, *shape, dtype="f", last=True):
    """N×C×H×W; ``last``: with channels innermost in memory, as kernels make them."""
    n, c, h, w = shape
    x = rng.standard_normal((n, h, w, c)).astype(dtype).transpose(0, 3, 1, 2)
    return x if last else np.ascontiguousarray(x)


def upload(cuda, x):
    """On the device, in memory as it is here."""
    if not x.ndim:
        return cuda.asarray(x)
    order = sorted(range(x.ndim), key=lambda axis: -x.strides[axis])
    there = cuda.asarray(np.ascontiguousarray(x.transpose(order)))
    return there.transpose(np.argsort(order).tolist())
