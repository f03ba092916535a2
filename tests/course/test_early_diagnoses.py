"""What the checks of steps 1 to 9 say to mistakes of the kinds that readers make there."""

import pytest
from findings import first_finding

from course import catalogue

# (step, lines of the solution, what a reader wrote, words of the message)
MISTAKES = [
    (1, "(f(x + h) - f(x - h)) / (2 * h)", "f(x + h) - f(x - h) / (2 * h)", "only f(x − h)"),
    (1, "/ (2 * h)", "// (2 * h)", "drops what is behind"),
    (1, "    return (f(x", "    h = 1e-5\n    return (f(x", "h that slope was given"),
    (1, "f(*moved)", "f(moved)", "`f(*moved)`"), (1, "list(inputs)", "inputs", "move a copy"),
    (1, "= value", "+= value", "takes the old one's place"),
    (1, "list(inputs)", "[value] * len(inputs)", "all inputs are moved together"),
    (1, "            return f(*moved)", "            f(*moved)", "`along` returns None"),
    (1, "moved[place]", "moved[0]", "place of the first input"),
    (2, "-1 / (x * x)", "math.log(x * x) / 2", "this is the logarithm of x"),
    (2, "-1 / (x * x)", "-x ** 2", "below the line"),
    (2, "values.append(value_of(values[-1]))", "values = values.append(value_of(values[-1]))",
     "keeps what `append` returns"),
    (2, "values.append(value_of(values[-1]))", "values += value_of(values[-1])", "adds one value"),
    (2, "values.append(value_of(values[-1]))", "values[-1] = value_of(values[-1])", "overwritten"),
    (2, "g = g * slope_of(values[place])", "g = g + slope_of(values[place])", "multiplies"),
    (2, "slope_of(values[place])", "values[place]", "multiply it with the slopes"),
    (2, "slope_of(values[place])", "slope_of(g)", "taken at g"),
    (2, "slope_of(values[place])", "slope_of", "slope_of is a function"),
    (3, "x.data * y.data, [", "x * y, [", "compute with their `data`"),
    (3, "(x, lambda g: g * result)", "(lambda g: g * result, x)", "the input comes first"),
    (3, "return Tensor(math.log(x.data), [(x, lambda g: g / x.data)])", "return math.log(x.data)",
     "and should return a Tensor"),
    (3, "n * x.data ** (n - 1)", "n * x.data ** n - 1", "the exponent needs brackets"),
    (3, "g * n * x.data", "g * x.data", "factor n is missing"),
    (3, "g * (1 - result * result)", "g * 1 - result * result", "brackets are missing"),
    (3, "math.log(", "log(", "calls itself"),
    (3, "math.log(", "math.log10(", "not the one to base"),
    (4, "rule(tensor.grad)", "rule(1.0)", "called with 1"),
    (4, "rule(tensor.grad)", "tensor.grad", "handed on as it is"),
    (4, "= rule(tensor.grad)", "= rule", "the rule itself"),
    (4, "source.grad = ", "tensor.grad = ", "what it gives is stored in `source.grad`"),
    (4, "key=lambda tensor: tensor.number, ", "", "sort with `key="),
    (4, "{end.number: end}, [end]", "{}, [end]", "the end itself is missing"),
    (5, "grads.get(source.number, 0.0) + rule(g)", "grads.get(source.number) + rule(g)",
     "gives 0"),
    (5, "grads.get(source.number, 0.0)", "grads.get(source.number, 1.0)", "begin with 0"),
    (5, "grads[source.number] = grads.get(source.number, 0.0) + rule(g)",
     "grads[tensor.number] = rule(g)", "under the number of the source"),
    (5, "0.0) + rule(g)", "0.0) + rule(1.0)", "called with 1"),
    (5, "tensor.grad + g", "g", "overwrites what earlier passes left"),
    (5, "tensor.grad + g", "tensor.grad", "later passes send is not added"),
    (6, "part = grads[source.number] + part", "pass", "later use overwrites"),
    (6, "1 / (1 + np.exp(-x.data))", "1 / 1 + np.exp(-x.data)", "needs brackets"),
    (6, "g * result * (1 - result)", "g * x.data * (1 - x.data)", "x stands in it"),
    (6, "np.exp(-x.data)", "math.exp(-x.data)", "which step 6 took away"),
    (6, "np.sqrt(x.data)", "x.data ** 2", "this is the square"),
    (6, "g * np.sign(x.data)", "g * (x.data > 0)", "0 where x is negative"),
    (7, "return g.sum(axis=stretched, keepdims=True)", "return g.mean(axis=stretched, keepdims="
     "True)", "means"),
    (7, "keepdims=True)", "keepdims=False)", "are to stay"),
    (7, "return lambda g: unbroadcast(rule(g), x.data.shape)", "return rule", "not brought back"),
    (7, "return lambda g: unbroadcast(rule(g), x.data.shape)",
     "return unbroadcast(rule, x.data.shape)", "return a function of g"),
    (7, "unbroadcast(rule(g), x.data.shape)", "unbroadcast(g, x.data.shape)", "is not applied"),
    (7, "g * ~chosen", "g * -chosen", "`~mask` turns it round"),
    (7, "np.where(chosen, x.data, y.data)", "np.minimum(x.data, y.data)", "the smaller of both"),
    (8, "self.data.shape[dim]\n", "len(self.data)\n", "first dimension"),
    (8, "if dim is None else self.data.shape[dim]", "if False else self.data.shape[dim]",
     "`data.size` counts them"),
    (8, "np.expand_dims(g, dim)", "np.expand_dims(g, 0)", "along the wrong dimension"),
    (8, "self.sum(dim, keepdim) /", "self.sum(dim) /", "`keepdim` is not handed on"),
    (8, "np.argsort(dims)", "dims[::-1]", "read backwards"),
    (8, "return result\n", "return np.add.at(result, index, g)\n", "keeps what `at` returns"),
    (8, "np.add.at(result, index, g)", "result[index] = g", "overwrites the others"),
    (9, "g @ w.data.T", "g * w.data", "`*` multiplies element by element"),
    (9, "x.data.T @ g", "g.T @ x.data", "is the transposed one"),
    (9, "matmul(x, w) + b", "matmul(x, w.permute(1, 0)) + b", "w is k × m already"),
    (9, "matmul(x, w) + b", "matmul(x, w) * b", "b is to be added"),
    (9, "matmul(x, w) + b", "Tensor(x.data @ w.data + b.data)", "nothing that is recorded"),
]


@pytest.mark.slow
@pytest.mark.parametrize("number, old, new, words", MISTAKES,
                         ids=[f"{row[0]} {row[3]}" for row in MISTAKES])
def test_the_mistake_is_named(number, old, new, words):
    source = catalogue.engine(number)
    head, found, tail = source.rpartition(old)
    assert found
    assert words in first_finding(number, head + new + tail)
