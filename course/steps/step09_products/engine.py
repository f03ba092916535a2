class Tensor:
    # after: __rtruediv__
    def __matmul__(self, other): return matmul(self, other)
    # after: __matmul__
    def __rmatmul__(self, other): return matmul(other, self)


# after: maximum
def matmul(x, w):
    """The matrix product of x (n × k) and w (k × m)."""
    x, w = as_tensor(x), as_tensor(w)
    if x.data.ndim != 2 or w.data.ndim != 2 or x.data.shape[1] != w.data.shape[0]:
        raise ValueError(f"matmul needs shapes (n, k) and (k, m), not {x.data.shape} and "
                         f"{w.data.shape}")
    # hole: the product, and a rule for each matrix; g has the shape of the product, n × m
    return Tensor(x.data @ w.data, [(x, lambda g: g @ w.data.T),
                                    (w, lambda g: x.data.T @ g)])
    # end


# after: matmul
def linear(x, w, b):
    """A layer: each row of x (n × k) times w (k × m), plus b (m)."""
    # hole: in one line, from what is there
    return matmul(x, w) + b
    # end
