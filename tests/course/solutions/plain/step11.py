"""As the page says it, line by line."""


def squared_error(outputs, targets):
    """The mean of the squared differences."""
    return ((outputs - targets) ** 2).mean()


@Elementwise
def softplus(x):
    """ln(1 + eˣ) of each element, also of very large ones"""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def softplus_rule(g, x, out):
    """What x receives through softplus; out is softplus(x)."""
    return g * np.exp(x - out)


def binary_cross_entropy(scores, targets):
    """The mean of −ln p, where p is the probability, by sigmoid(score), of the target, 0 or 1."""
    return (softplus(scores) - targets * scores).mean()
