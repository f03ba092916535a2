"""Both laws as rows of one matrix, whose products have to vanish; the gap as one product of two
long rows."""


def is_linear(f, shape, rng):
    """Whether f, but for a constant, is linear: tried on whole numbers, without any tolerance."""
    x, y, zero = whole(rng, shape), whole(rng, shape), np.zeros(shape)

    def change(x):
        """What x adds to f(0)."""
        return f(Tensor(x)).data - f(Tensor(zero)).data

    # both laws as columns of one product: changes for x, y, x + y and 3x, and what has to vanish
    changes = np.stack([change(point).ravel() for point in (x, y, x + y, 3 * x)])
    return not np.any(np.array([[1, 1, -1, 0], [3, 0, 0, -1]]) @ changes)


def adjoint_gap(f, shape, rng):
    """Σ v·A(u) − Σ u·Aᵀ(v) for whole u and v: 0.0 if the rule is right.

    A(u) is what f adds to f(0). Aᵀ(v) is the gradient with v as the upstream gradient, at a third
    point, as it does not depend on the point where f is linear.
    """
    leaf, u = Tensor(whole(rng, shape), requires_grad=True), whole(rng, shape)
    end, start = f(leaf), f(Tensor(0 * u)).data
    v = whole(rng, end.shape)
    end.backward(v)
    # v and −u in one row, A(u) and Aᵀ(v) in another: the gap is their product
    there = np.append(v, -u)
    return there @ np.append(f(Tensor(u)).data - start, leaf.grad)
