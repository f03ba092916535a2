"""The squares as a dot product of the differences; softplus by `logaddexp`, its rule by `expm1`
of the result; cross-entropy by its two cases."""


def squared_error(outputs, targets):
    """The mean of the squared differences."""
    d = add(outputs, multiply(targets, -1.0)).reshape(-1)
    return (matmul(d.reshape(1, -1), d.reshape(-1, 1)) / d.data.size).sum()


@Elementwise
def softplus(x):
    """ln(1 + eˣ) of each element, also of very large ones"""
    return np.logaddexp(0.0, x)


def softplus_rule(g, x, out):
    """What x receives through softplus; out is softplus(x)."""
    return g * -np.expm1(-out)


def binary_cross_entropy(scores, targets):
    """The mean of −ln p, where p is the probability, by sigmoid(score), of the target, 0 or 1."""
    return (targets * softplus(-scores) + (1 - targets) * softplus(scores)).mean()
