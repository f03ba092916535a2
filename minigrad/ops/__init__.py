"""Operations with their derivative rules, by family; `__all__` lists the public ones."""

from minigrad.core import operations
from minigrad.ops import in_place, numpy_calls
from minigrad.ops.activation import elu, leaky_relu, log_softmax, relu, sigmoid, softmax, tanh
from minigrad.ops.arithmetic import (
    abs,
    add,
    clip,
    clone,
    cos,
    divide,
    equal,
    exp,
    greater,
    greater_equal,
    less,
    less_equal,
    log,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    multiply,
    negative,
    not_equal,
    pow,
    sign,
    sin,
    sqrt,
    square,
    subtract,
    where,
)
from minigrad.ops.einsum import einsum
from minigrad.ops.in_place import add_, assign, clip_, copy_, div_, mul_, sub_
from minigrad.ops.linalg import matmul
from minigrad.ops.reduce import (
    all,
    amax,
    amin,
    any,
    argmax,
    argmin,
    logsumexp,
    max,
    mean,
    min,
    norm,
    prod,
    std,
    sum,
    var,
)
from minigrad.ops.shape import cast, flip, matrix_transpose, permute, reshape, sum_to
from minigrad.ops.shape_functions import (
    cat,
    expand,
    flatten,
    gather,
    getitem,
    move,
    plain_index,
    split,
    squeeze,
    stack,
    take,
    transpose,
    unsqueeze,
)
from minigrad.ops.sorting import argsort, sort

__all__ = [  # noqa: RUF022  (by family, not by letter)
    "add", "subtract", "multiply", "divide", "negative", "pow", "square", "sqrt", "exp", "log",
    "sin", "cos", "abs", "sign", "clip", "clone", "maximum", "minimum", "where",
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal",
    "logical_and", "logical_or", "logical_not",
    "relu", "leaky_relu", "elu", "tanh", "sigmoid", "softmax", "log_softmax",
    "sum", "mean", "var", "std", "amax", "amin", "max", "min", "argmax", "argmin", "all", "any",
    "prod", "norm", "logsumexp", "matmul", "einsum", "reshape", "permute", "transpose", "expand",
    "squeeze", "unsqueeze", "flatten", "flip", "gather", "take", "sort", "argsort", "split", "cat",
    "stack",
]

operations.provide(globals())      # for the operators of Tensor, see there
in_place.attach()
numpy_calls.attach()
globals().update(numpy_calls.with_names(globals(), __all__))
