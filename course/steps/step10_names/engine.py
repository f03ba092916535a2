import inspect

del both, elementwise, as_tensor


class Tensor:
    """An array that remembers what it was made from.

    data : the array, of float64.
    requires_grad : whether anybody asks for its gradient.
    inputs : a pair (tensor, rule) for each Tensor that went into it and requires a gradient. A rule
        takes g, how fast the end result grows with each element of this array, and what else its
        parameters name; it returns the same for that input.
    kept : the values that these rules name, by name.
    stretches : whether NumPy may have stretched the inputs.
    number : how many Tensors were made before this one.
    grad : of a leaf that requires it: how fast the end grows with each element. It adds up over
        backward passes. Other Tensors have none.
    """

    def __init__(self, data, requires_grad=False):
        self.data = np.asarray(data, dtype=np.float64)
        self.requires_grad = requires_grad
        self.inputs = []
        self.kept = {}
        self.stretches = False
        self.number = next(numbers)
        self.grad = None

    def backward(self, gradient=None):
        """Add to `grad` of every leaf that this Tensor was made from and that requires it.

        gradient : how fast the end result grows with each element; for a single number it is 1.
        """
        if gradient is None:
            if self.data.size != 1:
                raise ValueError(f"backward() needs a gradient of the shape {self.data.shape}; "
                                 f"only a single number does without")
            gradient = np.ones(self.data.shape)
        grads = {self.number: np.asarray(gradient, dtype=np.float64)}       # of this pass
        for tensor in made_from(self):
            g = grads.pop(tensor.number)    # complete: everything made from it is younger
            for source, rule in tensor.inputs:
                # hole: call the rule with g and with what it names of `tensor.kept`; call what
                # it returns `part`
                part = rule(g, **{name: tensor.kept[name] for name in needs(rule)})
                # end
                if tensor.stretches:
                    part = unbroadcast(part, source.data.shape)
                if source.number in grads:
                    part = grads[source.number] + part
                grads[source.number] = part
            if tensor.requires_grad and not tensor.inputs:
                tensor.grad = g if tensor.grad is None else tensor.grad + g

    def reshape(self, *shape): return reshape(self, shape=shape)
    def permute(self, *dims): return permute(self, dims=dims)
    def sum(self, dim=None, keepdim=False): return sum_over(self, dim=dim, keepdim=keepdim)
    def __getitem__(self, index): return take(self, index=index)


# after: made_from
def needs(rule):
    """The parameters of a rule, but for g, which it always gets first."""
    return list(inspect.signature(rule).parameters)[1:]


# after: needs
class Operation:
    """A function of arrays, with a rule for each input that can have a gradient.

    A rule's parameters say what it needs beside g: `x`, an input of that name, `x_shape`, the
    shape of one, or `out`, the result. An array that no rule needs is not kept.
    """

    stretches = False

    def __init__(self, function):
        self.function = function
        self.signature = inspect.signature(function)
        self.rules = {}

    def derivative(self, **rules):
        """Declare the rules, each under the name of its input."""
        inputs = set(self.signature.parameters)
        known = inputs | {f"{name}_shape" for name in inputs} | {"out"}
        for name, rule in rules.items():
            # hole: raise a TypeError if `name` is no parameter of the function, or if the rule
            # needs something that is not in `known`
            if name not in inputs or not known.issuperset(needs(rule)):
                raise TypeError(f"a rule of {self.function.__name__} names what is not there")
            # end
            self.rules[name] = rule

    def __call__(self, *values, **options):
        """Run the function; the result keeps what the rules of this call name, and no more."""
        call = self.signature.bind(*values, **options)
        call.apply_defaults()
        arrays = {name: value.data if isinstance(value, Tensor) else value
                  for name, value in call.arguments.items()}
        out = self.function(**arrays)
        known = {**arrays, "out": out}
        known.update({f"{name}_shape": np.shape(array) for name, array in arrays.items()
                      if isinstance(array, (np.ndarray, int, float))})      # an index has none
        result = Tensor(out)
        for name, rule in self.rules.items():
            value = call.arguments[name]
            # hole: if the value is a Tensor that requires a gradient, append (value, rule) to
            # `result.inputs`, and put what the rule needs from `known` into `result.kept`
            if isinstance(value, Tensor) and value.requires_grad:
                result.inputs.append((value, rule))
                for need in needs(rule):
                    result.kept[need] = known[need]
            # end
        result.requires_grad = bool(result.inputs)
        result.stretches = self.stretches
        return result


# after: Operation
class Elementwise(Operation):
    """An operation element by element: NumPy stretches its inputs, the engine sums up again."""

    stretches = True


@Elementwise
def add(x, y):
    """x + y"""
    return x + y


# after: add
add.derivative(x=lambda g: g,
               y=lambda g: g)


@Elementwise
def multiply(x, y):
    """x · y, element by element"""
    return x * y


# after: multiply
multiply.derivative(x=lambda g, y: g * y,
                    y=lambda g, x: g * x)


@Elementwise
def maximum(x, y):
    """The larger of x and y, element by element; x where they are equal."""
    return np.where(x >= y, x, y)


# after: maximum
maximum.derivative(x=lambda g, x, y: g * (x >= y),
                   y=lambda g, x, y: g * (x < y))


@Operation
def matmul(x, w):
    """The matrix product of x (n × k) and w (k × m)."""
    if np.ndim(x) != 2 or np.ndim(w) != 2 or x.shape[1] != w.shape[0]:
        raise ValueError(f"matmul needs shapes (n, k) and (k, m), not {np.shape(x)} and "
                         f"{np.shape(w)}")
    return x @ w


# after: matmul
matmul.derivative(x=lambda g, w: g @ w.T,
                  w=lambda g, x: x.T @ g)


@Elementwise
def power(x, n):
    """xⁿ for a plain number n"""
    return x ** n


# after: power
power.derivative(x=lambda g, x, n: g * n * x ** (n - 1) if n else g * 0)


@Elementwise
def exp(x):
    """eˣ of each element"""
    return np.exp(x)


# after: exp
exp.derivative(x=lambda g, out: g * out)


@Elementwise
def log(x):
    """The natural logarithm of each element."""
    return np.log(x)


# after: log
log.derivative(x=lambda g, x: g / x)


@Elementwise
def tanh(x):
    """The hyperbolic tangent of each element."""
    return np.tanh(x)


# after: tanh
tanh.derivative(x=lambda g, out: g * (1 - out * out))


@Elementwise
def sigmoid(x):
    """1 / (1 + e⁻ˣ) of each element: near 0 for very negative ones, near 1 for large ones."""
    return 1 / (1 + np.exp(-x))


# after: sigmoid
sigmoid.derivative(x=lambda g, out: g * out * (1 - out))


@Elementwise
def sqrt(x):
    """The square root of each element."""
    return np.sqrt(x)


# after: sqrt
sqrt.derivative(x=lambda g, out: g / (2 * out))


@Elementwise
def absolute(x):
    """|x| of each element."""
    return np.abs(x)


# after: absolute
absolute.derivative(x=lambda g, x: g * np.sign(x))


@Operation
def sum_over(x, dim=None, keepdim=False):
    """The sum of all elements, or along one dimension, which stays with length 1 if asked for."""
    return x.sum(axis=dim, keepdims=keepdim)


# after: sum_over
def spread(g, shape, dim, keepdim):
    """What each element of a sum receives: the g of its sum."""
    if dim is not None and not keepdim:
        g = np.expand_dims(g, dim)
    return np.broadcast_to(g, shape)


# after: spread
sum_over.derivative(x=lambda g, x_shape, dim, keepdim: spread(g, x_shape, dim, keepdim))


@Operation
def reshape(x, shape):
    """The same elements in the same order, in another shape."""
    return x.reshape(shape)


# after: reshape
reshape.derivative(x=lambda g, x_shape: g.reshape(x_shape))


@Operation
def permute(x, dims):
    """The dimensions in another order: dimension number i of the result is dims[i] of x."""
    return x.transpose(dims)


# after: permute
permute.derivative(x=lambda g, dims: g.transpose(np.argsort(np.mod(dims, len(dims)))))


@Operation
def take(x, index):
    """x[index], for every index that NumPy knows; an element may be taken more than once."""
    return x[index]


# after: take
def put(g, shape, index):
    """Zeros, but at each index what its copies receive, added up."""
    result = np.zeros(shape)
    np.add.at(result, index, g)
    return result


# after: put
take.derivative(x=lambda g, x_shape, index: put(g, x_shape, index))
