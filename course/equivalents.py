"""Mutants that are no mistakes: they compute the same as the solution, each for a reason."""

_PRODUCT = "a product does not depend on the order of its factors"
_LETTERS = "`conv` and `relu` have four letters each: the digit of the block is at the same place"
_LARGER = "the larger one of two numbers does not depend on their order"
_REST = "NumPy takes any negative length as the one that is left"

REASONS: dict[int, dict[str, str]] = {
    2: {"chain_slope: call dropped: for place in range(len(chain)):": _PRODUCT},
    4: {"made_from: attribute exchanged: found, waiting = ({end.grad: end}, [end])":
        "the end goes into nothing that it was made from, so nobody looks for it in `found`"},
    7: {"maximum: arguments exchanged: return elementwise(np.where(chosen, x.data, y.data), "
        "(y, lambda g: g * ~chosen), (x, lambda g: g * chosen))":
        "the order in which inputs are recorded does not matter: what they receive is added up"},
    11: {"softplus: arguments exchanged: return np.maximum(0, x) + np.log1p(np.exp(-np.abs(x)))":
         _LARGER},
    14: {"accuracy: call dropped: return (network(inputs).data.argmax(axis=1) == labels).mean()":
         "NumPy's mean of a row is a float already, by another name",
         "train: call dropped: losses.append(loss.data)":
         "an array of one number is a number, and holds no graph either"},
    16: {"conv2d: attribute exchanged: out = np.ones((len(x), len(w), x.shape[2] - high + 1, "
         "x.shape[3] - wide + 1))": "every element is written over",
         "conv2d: name exchanged: out = np.zeros((len(x), len(b), x.shape[2] - high + 1, "
         "x.shape[3] - wide + 1))": "there are as many biases as filters"},
    18: {"windows: number + 1: return places.transpose(0, 2, 3, 1, 4, 5).reshape(-2, x.shape[1] * "
         "high * wide)": _REST,
         "windows: name exchanged: return places.transpose(0, 2, 3, 1, 4, 5).reshape(-1, "
         "places.shape[1] * high * wide)": "the view has the channels of the pictures",
         "conv2d: number + 1: columns = permute(reshape(w, (filters, -2)), (1, 0))": _REST,
         "conv2d: number + 1: return out.reshape(-2, down, across, filters).permute(0, 3, 1, 2)":
         _REST},
    20: {"Conv2d.__call__: number + 1: return conv2d(x, self.w, self.b, "
         "padding=self.w.shape[3] // 2)": "filters are square"},
    21: {"with_error: arguments exchanged: rounding = NOISE * max(abs(f(x - h)), abs(f(x + h))) "
         "/ h":
         _LARGER},
    25: {"unbroadcast: name exchanged: if g.shape == g:":
         "two sums over no dimension change nothing: returning at once only saves their time"},
    26: {"features: name exchanged: if layer[4] != block:": _LETTERS,
         "features: name exchanged: picture, block = (max_pool2d(picture), layer[4])": _LETTERS},
    29: {"lbfgs: name exchanged: if d @ y > 0:":
         "s is d times a positive length, so both products have one sign"},
    30: {"paint: name exchanged: loss = transfer_loss(picture, network, found, styles, "
         "style_weight, smoothness)":
         "Tensors that require no gradient serve as targets as well as their arrays"},
}
