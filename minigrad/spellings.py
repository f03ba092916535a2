"""Methods of a Tensor that only hand it to an operation of the same name: a table.

Each row declares a method for readers and type checkers. :func:`attach`, which `minigrad.ops` calls
when all operations exist, makes the methods. Methods with code of their own are in
:mod:`minigrad.core.methods`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from minigrad.changes import ChangesInPlace

Tensor = TypeVar("Tensor")      # stands for minigrad.Tensor


class Spellings(ChangesInPlace[Tensor]):
    """Base class of :class:`minigrad.core.methods.Methods`."""

    __slots__ = ()

    # -- operators, see OPERATORS
    __floordiv__: Callable[..., Tensor]
    __rfloordiv__: Callable[..., Tensor]
    __mod__: Callable[..., Tensor]
    __rmod__: Callable[..., Tensor]
    __xor__: Callable[..., Tensor]
    __rxor__: Callable[..., Tensor]
    __lshift__: Callable[..., Tensor]
    __rlshift__: Callable[..., Tensor]
    __rshift__: Callable[..., Tensor]
    __rrshift__: Callable[..., Tensor]
    __rand__: Callable[..., Tensor]
    __ror__: Callable[..., Tensor]

    # -- what a notebook shows of it; minigrad/__init__.py sets it

    _repr_html_: Callable[..., str]

    # -- to a Tensor

    absolute: Callable[..., Tensor]
    acos: Callable[..., Tensor]
    acosh: Callable[..., Tensor]
    add: Callable[..., Tensor]
    addbmm: Callable[..., Tensor]
    addcdiv: Callable[..., Tensor]
    addcmul: Callable[..., Tensor]
    addmm: Callable[..., Tensor]
    addmv: Callable[..., Tensor]
    addr: Callable[..., Tensor]
    all: Callable[..., Tensor]
    any: Callable[..., Tensor]
    arccos: Callable[..., Tensor]
    arcsin: Callable[..., Tensor]
    arctan: Callable[..., Tensor]
    arctan2: Callable[..., Tensor]
    argsort: Callable[..., Tensor]
    argwhere: Callable[..., Tensor]
    asin: Callable[..., Tensor]
    asinh: Callable[..., Tensor]
    atan: Callable[..., Tensor]
    atan2: Callable[..., Tensor]
    atanh: Callable[..., Tensor]
    baddbmm: Callable[..., Tensor]
    bincount: Callable[..., Tensor]
    bitwise_and: Callable[..., Tensor]
    bitwise_left_shift: Callable[..., Tensor]
    bitwise_not: Callable[..., Tensor]
    bitwise_or: Callable[..., Tensor]
    bitwise_right_shift: Callable[..., Tensor]
    bitwise_xor: Callable[..., Tensor]
    bmm: Callable[..., Tensor]
    bool: Callable[..., Tensor]
    broadcast_to: Callable[..., Tensor]
    byte: Callable[..., Tensor]
    ceil: Callable[..., Tensor]
    char: Callable[..., Tensor]
    clamp: Callable[..., Tensor]
    clip: Callable[..., Tensor]
    contiguous: Callable[..., Tensor]
    copysign: Callable[..., Tensor]
    corrcoef: Callable[..., Tensor]
    cosh: Callable[..., Tensor]
    count_nonzero: Callable[..., Tensor]
    cov: Callable[..., Tensor]
    cross: Callable[..., Tensor]
    cumprod: Callable[..., Tensor]
    cumsum: Callable[..., Tensor]
    deg2rad: Callable[..., Tensor]
    det: Callable[..., Tensor]
    diag: Callable[..., Tensor]
    diag_embed: Callable[..., Tensor]
    diagflat: Callable[..., Tensor]
    diagonal: Callable[..., Tensor]
    diff: Callable[..., Tensor]
    digamma: Callable[..., Tensor]
    dist: Callable[..., Tensor]
    div: Callable[..., Tensor]
    div_: Callable[..., Tensor]
    divide: Callable[..., Tensor]
    dot: Callable[..., Tensor]
    eq: Callable[..., Tensor]
    erf: Callable[..., Tensor]
    erfc: Callable[..., Tensor]
    erfinv: Callable[..., Tensor]
    exp2: Callable[..., Tensor]
    expand_as: Callable[..., Tensor]
    expm1: Callable[..., Tensor]
    fill_: Callable[..., Tensor]
    fix: Callable[..., Tensor]
    flip: Callable[..., Tensor]
    fliplr: Callable[..., Tensor]
    flipud: Callable[..., Tensor]
    float_power: Callable[..., Tensor]
    floor: Callable[..., Tensor]
    floor_divide: Callable[..., Tensor]
    fmax: Callable[..., Tensor]
    fmin: Callable[..., Tensor]
    fmod: Callable[..., Tensor]
    frac: Callable[..., Tensor]
    gcd: Callable[..., Tensor]
    ge: Callable[..., Tensor]
    greater: Callable[..., Tensor]
    greater_equal: Callable[..., Tensor]
    gt: Callable[..., Tensor]
    half: Callable[..., Tensor]
    heaviside: Callable[..., Tensor]
    histc: Callable[..., Tensor]
    hypot: Callable[..., Tensor]
    index_add: Callable[..., Tensor]
    index_copy: Callable[..., Tensor]
    index_fill: Callable[..., Tensor]
    index_put: Callable[..., Tensor]
    index_reduce: Callable[..., Tensor]
    index_select: Callable[..., Tensor]
    inner: Callable[..., Tensor]
    int: Callable[..., Tensor]
    inverse: Callable[..., Tensor]
    isclose: Callable[..., Tensor]
    isfinite: Callable[..., Tensor]
    isinf: Callable[..., Tensor]
    isnan: Callable[..., Tensor]
    isneginf: Callable[..., Tensor]
    isposinf: Callable[..., Tensor]
    isreal: Callable[..., Tensor]
    kron: Callable[..., Tensor]
    lcm: Callable[..., Tensor]
    ldexp: Callable[..., Tensor]
    le: Callable[..., Tensor]
    lerp: Callable[..., Tensor]
    less: Callable[..., Tensor]
    less_equal: Callable[..., Tensor]
    lgamma: Callable[..., Tensor]
    log10: Callable[..., Tensor]
    log1p: Callable[..., Tensor]
    log2: Callable[..., Tensor]
    log_softmax: Callable[..., Tensor]
    logaddexp: Callable[..., Tensor]
    logaddexp2: Callable[..., Tensor]
    logcumsumexp: Callable[..., Tensor]
    logdet: Callable[..., Tensor]
    logical_and: Callable[..., Tensor]
    logical_not: Callable[..., Tensor]
    logical_or: Callable[..., Tensor]
    logical_xor: Callable[..., Tensor]
    logit: Callable[..., Tensor]
    long: Callable[..., Tensor]
    lt: Callable[..., Tensor]
    masked_fill: Callable[..., Tensor]
    masked_fill_: Callable[..., Tensor]
    masked_scatter: Callable[..., Tensor]
    masked_select: Callable[..., Tensor]
    maximum: Callable[..., Tensor]
    minimum: Callable[..., Tensor]
    mm: Callable[..., Tensor]
    moveaxis: Callable[..., Tensor]
    movedim: Callable[..., Tensor]
    msort: Callable[..., Tensor]
    mul: Callable[..., Tensor]
    multiply: Callable[..., Tensor]
    mv: Callable[..., Tensor]
    mvlgamma: Callable[..., Tensor]
    nan_to_num: Callable[..., Tensor]
    nanmean: Callable[..., Tensor]
    nanquantile: Callable[..., Tensor]
    nansum: Callable[..., Tensor]
    narrow: Callable[..., Tensor]
    ne: Callable[..., Tensor]
    neg: Callable[..., Tensor]
    negative: Callable[..., Tensor]
    new_full: Callable[..., Tensor]
    new_ones: Callable[..., Tensor]
    new_tensor: Callable[..., Tensor]
    new_zeros: Callable[..., Tensor]
    nextafter: Callable[..., Tensor]
    norm: Callable[..., Tensor]
    not_equal: Callable[..., Tensor]
    outer: Callable[..., Tensor]
    pinverse: Callable[..., Tensor]
    put: Callable[..., Tensor]
    quantile: Callable[..., Tensor]
    rad2deg: Callable[..., Tensor]
    ravel: Callable[..., Tensor]
    reciprocal: Callable[..., Tensor]
    remainder: Callable[..., Tensor]
    renorm: Callable[..., Tensor]
    repeat: Callable[..., Tensor]
    repeat_interleave: Callable[..., Tensor]
    reshape_as: Callable[..., Tensor]
    roll: Callable[..., Tensor]
    rot90: Callable[..., Tensor]
    round: Callable[..., Tensor]
    rsqrt: Callable[..., Tensor]
    scatter: Callable[..., Tensor]
    scatter_add: Callable[..., Tensor]
    scatter_reduce: Callable[..., Tensor]
    sgn: Callable[..., Tensor]
    short: Callable[..., Tensor]
    signbit: Callable[..., Tensor]
    sinc: Callable[..., Tensor]
    sinh: Callable[..., Tensor]
    softmax: Callable[..., Tensor]
    sub: Callable[..., Tensor]
    sub_: Callable[..., Tensor]
    subtract: Callable[..., Tensor]
    sum_to_size: Callable[..., Tensor]
    swapaxes: Callable[..., Tensor]
    t: Callable[..., Tensor]
    take_along_dim: Callable[..., Tensor]
    tan: Callable[..., Tensor]
    tile: Callable[..., Tensor]
    to: Callable[..., Tensor]
    trace: Callable[..., Tensor]
    tril: Callable[..., Tensor]
    triu: Callable[..., Tensor]
    true_divide: Callable[..., Tensor]
    trunc: Callable[..., Tensor]
    type_as: Callable[..., Tensor]
    unflatten: Callable[..., Tensor]
    unfold: Callable[..., Tensor]
    vdot: Callable[..., Tensor]
    xlogy: Callable[..., Tensor]

    # -- to several, or to a value of Python

    allclose: Callable[..., Any]
    equal: Callable[..., Any]
    aminmax: Callable[..., Any]
    chunk: Callable[..., Any]
    cummax: Callable[..., Any]
    cummin: Callable[..., Any]
    dim: Callable[..., Any]
    dsplit: Callable[..., Any]
    frexp: Callable[..., Any]
    hsplit: Callable[..., Any]
    is_contiguous: Callable[..., Any]
    is_floating_point: Callable[..., Any]
    kthvalue: Callable[..., Any]
    median: Callable[..., Any]
    mode: Callable[..., Any]
    nanmedian: Callable[..., Any]
    nonzero: Callable[..., Any]
    qr: Callable[..., Any]
    slogdet: Callable[..., Any]
    sort: Callable[..., Any]
    split_with_sizes: Callable[..., Any]
    svd: Callable[..., Any]
    tensor_split: Callable[..., Any]
    topk: Callable[..., Any]
    unbind: Callable[..., Any]
    unique: Callable[..., Any]
    unique_consecutive: Callable[..., Any]
    vsplit: Callable[..., Any]


OPERATORS = {"floordiv": "floor_divide", "mod": "remainder", "xor": "bitwise_xor",
             "lshift": "bitwise_left_shift", "rshift": "bitwise_right_shift",
             "and": "bitwise_and", "or": "bitwise_or"}


def attach(operations: Mapping[str, Any], update: Callable) -> None:
    """Make each method of the tables call the operation of its name, or `update` a tensor by it."""
    for name in ChangesInPlace.__annotations__:
        setattr(ChangesInPlace, name, _change(name, operations[name.removesuffix("_")], update))
    for sign, name in OPERATORS.items():
        forward, reverse = _operators(operations[name])
        if sign not in ("and", "or"):           # of which Methods has the forward one
            setattr(Spellings, f"__{sign}__", forward)
        setattr(Spellings, f"__r{sign}__", reverse)
    for name in Spellings.__annotations__:
        if not name.startswith("_"):
            setattr(Spellings, name, _method(name, operations[name]))


def _change(name: str, operation: Callable, update: Callable) -> Callable:
    def method(self: Any, *args: Any, **named: Any) -> Any:
        return update(self, name, operation, *args, **named)
    method.__name__, method.__qualname__ = name, f"Tensor.{name}"
    method.__doc__ = f"x ← {name.removesuffix('_')}(x, …), in place: {operation.__doc__}"
    return method


def _operators(operation: Callable) -> tuple[Callable, Callable]:
    return (lambda self, other: operation(self, other),
            lambda self, other: operation(other, self))


def _method(name: str, operation: Callable) -> Callable:
    def method(self: Any, *args: Any, **named: Any) -> Any:
        return operation(self, *args, **named)
    method.__name__, method.__doc__ = name, operation.__doc__
    method.__qualname__ = f"Tensor.{name}"
    return method
