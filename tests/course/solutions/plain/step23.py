"""By a student, from the page alone."""


def is_linear(f, shape, rng):
    """Whether f, but for a constant, is linear: tried on whole numbers, without any tolerance."""
    x, y, zero = whole(rng, shape), whole(rng, shape), np.zeros(shape)

    def change(x):
        """What x adds to f(0)."""
        return f(Tensor(x)).data - f(Tensor(zero)).data

    adds = np.array_equal(change(x + y), change(x) + change(y))
    return adds and np.array_equal(change(3 * x), 3 * change(x))


def adjoint_gap(f, shape, rng):
    """Σ v·A(u) − Σ u·Aᵀ(v) for whole u and v: 0.0 if the rule is right.

    A(u) is what f adds to f(0). Aᵀ(v) is the gradient with v as the upstream gradient, at a third
    point, as it does not depend on the point where f is linear.
    """
    u = whole(rng, shape)
    ahead = f(Tensor(u)).data - f(Tensor(np.zeros(shape))).data
    v = whole(rng, ahead.shape)
    leaf = Tensor(whole(rng, shape), requires_grad=True)
    f(leaf).backward(v)
    return np.sum(v * ahead) - np.sum(u * leaf.grad)
