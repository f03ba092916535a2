"""By a student, from the page alone."""


def is_linear(f, shape, rng):
    """Whether f, but for a constant, is linear: tried on whole numbers, without any tolerance."""
    x, y, zero = whole(rng, shape), whole(rng, shape), np.zeros(shape)

    def change(x):
        """What x adds to f(0)."""
        return f(Tensor(x)).data - f(Tensor(zero)).data

    adds = np.all(change(x + y) == change(x) + change(y))
    scales = np.all(change(3 * x) == 3 * change(x))
    return bool(adds and scales)


def adjoint_gap(f, shape, rng):
    """Σ v·A(u) − Σ u·Aᵀ(v) for whole u and v: 0.0 if the rule is right.

    A(u) is what f adds to f(0). Aᵀ(v) is the gradient with v as the upstream gradient, at a third
    point, as it does not depend on the point where f is linear.
    """
    u = whole(rng, shape)
    leaf = Tensor(whole(rng, shape), requires_grad=True)
    result = f(leaf)
    v = whole(rng, result.shape)
    result.backward(v)
    forward = f(Tensor(u)).data - f(Tensor(np.zeros(shape))).data
    return (v * forward).sum() - (u * leaf.grad).sum()
