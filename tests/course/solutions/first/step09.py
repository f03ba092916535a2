"""By the first student, from the page alone."""


def matmul(x, w):
    """The matrix product of x (n × k) and w (k × m)."""
    x, w = as_tensor(x), as_tensor(w)
    if x.data.ndim != 2 or w.data.ndim != 2 or x.data.shape[1] != w.data.shape[0]:
        raise ValueError(f"matmul needs shapes (n, k) and (k, m), not {x.data.shape} and "
                         f"{w.data.shape}")
    return Tensor(x.data @ w.data, [(x, lambda g: g @ w.data.T),
                                    (w, lambda g: x.data.T @ g)])


def linear(x, w, b):
    """A layer: each row of x (n × k) times w (k × m), plus b (m)."""
    return x @ w + b
