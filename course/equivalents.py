"""Mutants that are no mistakes: they compute the same as the solution, each for a reason."""

_PRODUCT = "a product does not depend on the order of its factors"

REASONS: dict[int, dict[str, str]] = {
    2: {"chain_slope: call dropped: for place in range(len(chain)):": _PRODUCT},
    4: {"made_from: attribute exchanged: found, waiting = ({end.grad: end}, [end])":
        "the end goes into nothing that it was made from, so nobody looks for it in `found`"},
    7: {"maximum: arguments exchanged: return elementwise(np.where(chosen, x.data, y.data), "
        "(y, lambda g: g * ~chosen), (x, lambda g: g * chosen))":
        "the order in which inputs are recorded does not matter: what they receive is added up"},
    11: {"softplus: arguments exchanged: return np.maximum(0, x) + np.log1p(np.exp(-np.abs(x)))":
         "the larger of two numbers does not depend on their order"},
    14: {"accuracy: call dropped: return (network(inputs).data.argmax(axis=1) == labels).mean()":
         "NumPy's mean of a row is a float already, by another name"},
    16: {"conv2d: attribute exchanged: out = np.ones((len(x), len(w), x.shape[2] - high + 1, "
         "x.shape[3] - wide + 1))": "every element is written over",
         "conv2d: name exchanged: out = np.zeros((len(x), len(b), x.shape[2] - high + 1, "
         "x.shape[3] - wide + 1))": "there are as many biases as filters"},
}
