"""The product and both rules by `einsum`, without transposing; the layer by a sum over an outer
product."""


def matmul(x, w):
    """The matrix product of x (n × k) and w (k × m)."""
    x, w = as_tensor(x), as_tensor(w)
    if x.data.ndim != 2 or w.data.ndim != 2 or x.data.shape[1] != w.data.shape[0]:
        raise ValueError(f"matmul needs shapes (n, k) and (k, m), not {x.data.shape} and "
                         f"{w.data.shape}")
    return Tensor(np.einsum("ip,pj->ij", x.data, w.data),
                  [(x, lambda g: np.einsum("ij,pj->ip", g, w.data)),
                   (w, lambda g: np.einsum("ip,ij->pj", x.data, g))])


def linear(x, w, b):
    """A layer: each row of x (n × k) times w (k × m), plus b (m)."""
    return (x.reshape(-1, w.data.shape[0], 1) * w).sum(1) + b
