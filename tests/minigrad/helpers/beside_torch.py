"""Comparing an operation with PyTorch's."""

import numpy as np

import minigrad as mg


def assert_same(ours, theirs, *arrays, tolerance=1e-10):
    """Same result, and same gradient for every floating input under a random upstream one."""
    import torch
    rng = np.random.default_rng(len(arrays))
    a = [mg.tensor(x, requires_grad=x.dtype.kind == "f") for x in arrays]
    b = [torch.tensor(x, requires_grad=x.dtype.kind == "f") for x in arrays]
    y, z = ours(*a), theirs(*b)
    assert y.shape == tuple(z.shape)
    np.testing.assert_allclose(y.numpy(), z.detach().numpy(), rtol=tolerance, atol=tolerance)
    upstream = rng.standard_normal(y.shape)
    y.backward(upstream.astype(y.dtype))
    z.backward(torch.tensor(upstream, dtype=z.dtype))
    for p, q in zip(a, b):
        if p.requires_grad:
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=tolerance,
                                       atol=tolerance)
