"""Operations with their derivative rules, by family; ``__all__`` lists the public ones."""

from .activation import leaky_relu, log_softmax, relu, sigmoid, softmax, tanh
from .arithmetic import (
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
from .linalg import matmul
from .reduce import all, amax, amin, any, argmax, argmin, max, mean, min, std, sum, var
from .shape import (
    cast,
    cat,
    expand,
    flatten,
    flip,
    gather,
    getitem,
    move,
    permute,
    plain_index,
    reshape,
    squeeze,
    stack,
    transpose,
    unsqueeze,
)

__all__ = [  # noqa: RUF022  (by family, not by letter)
    "add", "subtract", "multiply", "divide", "negative", "pow", "square", "sqrt", "exp", "log",
    "sin", "cos", "abs", "sign", "clip", "clone", "maximum", "minimum", "where",
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal",
    "logical_and", "logical_or", "logical_not",
    "relu", "leaky_relu", "tanh", "sigmoid", "softmax", "log_softmax",
    "sum", "mean", "var", "std", "amax", "amin", "max", "min", "argmax", "argmin", "all", "any",
    "matmul", "reshape", "permute", "transpose", "expand", "squeeze", "unsqueeze", "flatten",
    "flip", "gather", "cat", "stack",
]
