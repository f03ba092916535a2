"""By the first student, from the page alone."""


@Operation
def log_softmax(x):
    """The logarithms of the softmax along the last dimension, also of very large scores."""
    x = x - x.max(axis=-1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


def log_softmax_rule(g, out):
    """What the scores receive."""
    return g - np.exp(out) * g.sum(axis=-1, keepdims=True)


def cross_entropy(scores, labels):
    """The mean of −ln p of the right labels; `labels` are whole numbers, one for each row."""
    return -log_softmax(scores)[np.arange(len(labels)), labels].mean()
