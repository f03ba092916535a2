"""An array library that is not NumPy: what CuPy is to the engine, on a machine without a GPU.

Its arrays hold NumPy's behind a wall. Whatever reaches for them with NumPy by name fails, as
it does with CuPy's: `__array__`, `__array_ufunc__` and `__array_function__` refuse, and its
functions refuse host arrays. It has only those names that CuPy 13 and 14 have (`NAMES`, looked
up in both), and the habits of CuPy that matter: reductions give arrays, never scalars; packing
bits takes flat arrays only; integer arrays as indices never raise. New memory is filled with
0xFF, which is NaN as floats, so that what is never written shows. `syncs` counts how often the
host asked for a value.
"""

import math
import operator
import re

import numpy as np

POISON = 0xFF
GUARD = 256         # bytes around every array, to notice kernels that write past it


def _words(text):
    return re.findall(r"\w+", text)


# What CuPy calls these libraries of CUDA for.
LIBRARIES = {np.matmul: "cuBLAS", operator.matmul: "cuBLAS", np.dot: "cuBLAS",
             np.tensordot: "cuBLAS", np.argsort: "Thrust"}
NAMES = frozenset(_words("""
    abs add arange arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin argsort array
    asarray ascontiguousarray asnumpy broadcast_to ceil clip concatenate copyto cos cosh cumprod
    cumsum divide dot einsum empty empty_like equal exp exp2 expm1 eye flip floor fmod frexp full
    gcd greater greater_equal hypot isfinite isinf isnan lcm less less_equal log log10 log1p log2
    logaddexp logaddexp2 logical_and logical_not logical_or matmul maximum mean minimum moveaxis
    multiply nan_to_num negative nextafter not_equal ogrid ones ones_like packbits pad power prod
    promote_types rint searchsorted sign signbit sin sinc sinh sort sqrt square squeeze stack
    subtract sum take take_along_axis tan tanh tensordot transpose trunc uint8 unique unpackbits
    where zeros zeros_like
"""))

class Refusal(TypeError):
    """Something that CuPy would not do either, or not without waiting for the device."""


MISSING_OPTIONS = {"initial", "where"}


def _part(host, index):
    """A view also of a single element, as in CuPy, where NumPy gives a number."""
    part = host[index]
    if isinstance(part, np.generic):
        part = host[(*index, ...) if isinstance(index, tuple) else (index, ...)]
    return part


class Array:
    """An array on a device; `_host` is where it really is."""

    __array_ufunc__ = None
    library = None              # set by the library that makes a subclass of this one

    def __init__(self, host, base=None, number=0):
        self._host, self._base, self.number = host, base, number

    def __array__(self, *_, **__):
        raise Refusal("implicit conversion to a NumPy array is not allowed")

    def __array_function__(self, *_):
        raise Refusal("a NumPy function was called by name with an array of the device")

    shape = property(lambda self: self._host.shape)
    dtype = property(lambda self: self._host.dtype)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    itemsize = property(lambda self: self._host.itemsize)
    nbytes = property(lambda self: self._host.nbytes)
    strides = property(lambda self: self._host.strides)
    flags = property(lambda self: self._host.flags)
    base = property(lambda self: self._base)
    T = property(lambda self: self.transpose())

    def __len__(self):
        return len(self._host)

    def __getitem__(self, index):
        return self._call(_part, self, index)

    def __setitem__(self, index, value):
        self._call(operator.setitem, self, index, value)

    def get(self):
        """The contents on the host."""
        self.library.wait("get")
        return self._host.copy()

    def item(self):
        self.library.wait("item")
        return self._host.item()

    def tolist(self):
        self.library.wait("tolist")
        return self._host.tolist()

    def __bool__(self):
        self.library.wait("bool")
        return bool(self._host)

    def __int__(self):
        self.library.wait("int")
        return int(self._host)

    def __float__(self):
        self.library.wait("float")
        return float(self._host)

    def __complex__(self):
        self.library.wait("complex")
        return complex(self._host)

    def _call(self, function, *args, **named):
        return self.library.call(function, args, named)

    def __eq__(self, other):
        return self._call(operator.eq, self, other)

    def __ne__(self, other):
        return self._call(operator.ne, self, other)

    __hash__ = None


def _operators():
    for name in _words("add sub mul truediv floordiv mod pow matmul and_ or_ xor lt le gt ge"):
        function = getattr(operator, name)
        plain = name.rstrip("_")
        setattr(Array, f"__{plain}__",
                lambda self, other, f=function: self._call(f, self, other))
        setattr(Array, f"__r{plain}__",
                lambda self, other, f=function: self._call(f, other, self))
        if plain not in ("lt", "le", "gt", "ge"):
            inplace = getattr(operator, f"i{plain}")
            setattr(Array, f"__i{plain}__",
                    lambda self, other, f=inplace: self._call(f, self, other))
    for name in ("neg", "abs", "invert", "pos"):
        function = getattr(operator, name)
        setattr(Array, f"__{name}__", lambda self, f=function: self._call(f, self))
    for name in _words("sum mean max min prod any all argmax argmin astype reshape transpose copy "
                       "view ravel fill swapaxes clip squeeze cumsum take repeat var std round"):
        setattr(Array, name, lambda self, *args, _name=name, **named: self._call(
            lambda host, *a, **n: getattr(host, _name)(*a, **n), self, *args, **named))


_operators()


class Library:
    """The namespace with NumPy's names; CuPy's module in what the engine uses of it."""

    def __init__(self):
        self.ndarray = type("ndarray", (Array,), {"library": self, "__hash__": object.__hash__})
        self.syncs = 0
        self.current = 0            # number of the current device
        self.add = _Add(self)
        self.lib = _Namespace(stride_tricks=_Namespace(as_strided=self._as_strided))
        self.fft = _Namespace(
            rfft=lambda *args, **named: self.call(np.fft.rfft, args, named),
            irfft=lambda *args, **named: self.call(np.fft.irfft, args, named))
        self.linalg = _Namespace(eigh=self._eigh)

    # -- calls

    def __getattr__(self, name):
        if name not in NAMES:
            raise AttributeError(f"the stand-in has no {name}: see whether CuPy 13 and 14 have it")
        function = getattr(np, name)
        if name == "ogrid":
            return _Grid(self)
        if isinstance(function, type):
            return function             # an element type
        return lambda *args, **named: self.call(function, args, named)

    def call(self, function, args, named):
        """Apply a NumPy function to what is behind the wall."""
        if function in LIBRARIES:
            self.use(LIBRARIES[function])
        for name in MISSING_OPTIONS & named.keys():
            raise Refusal(f"CuPy's reductions have no {name}")
        for value in [*args, *named.values()]:
            self._check(value)
        number = self._number([*args, *named.values()])
        host_args = [self._host(value) for value in args]
        host_named = {name: self._host(value) for name, value in named.items()}
        try:
            result = function(*host_args, **host_named)
        except IndexError as error:
            if any(array.dtype.kind in "iu" for array in _arrays(args[1:])):
                raise Refusal(f"CuPy would not say that {error}, but begin again from 0") from None
            raise
        for value in [named.get("out"), *args]:         # in place, or nothing new
            if isinstance(value, Array) and value._host is result:
                self.done(lambda: function(*host_args, **host_named))
                return value
        if not isinstance(result, (np.ndarray, np.generic)):
            self.done(lambda: function(*host_args, **host_named))
            return result
        parent = self._parent(np.asarray(result), args)
        if parent is not None:
            return self.ndarray(result, parent, number)
        fresh = self.allocate(result.shape, result.dtype, _order(np.asarray(result)), number)
        fresh._host[...] = result
        self.done(lambda: np.copyto(fresh._host, function(*host_args, **host_named)))
        return fresh

    def done(self, again):
        """A call was made; ``again`` makes it once more (for recording)."""

    def use(self, name):
        """A library of CUDA is used by way of CuPy."""

    def _eigh(self, a):
        self.use("cuSOLVER")
        return tuple(self.call(lambda host, part=part: np.linalg.eigh(host)[part], (a,), {})
                     for part in (0, 1))

    def wait(self, what):
        """The host waits for the device to know a value."""
        self.syncs += 1

    def _check(self, value):
        if isinstance(value, (list, tuple)):
            for part in value:
                self._check(part)
        elif isinstance(value, np.ndarray):
            raise Refusal(f"a host array of shape {value.shape} was handed to the device")

    def _number(self, values):
        numbers = {value.number for value in _arrays(values)}
        if len(numbers) > 1:
            raise Refusal(f"arrays of devices {sorted(numbers)} in one call")
        return numbers.pop() if numbers else self.current

    def _host(self, value):
        if isinstance(value, Array):
            return value._host
        if isinstance(value, (list, tuple)):
            return type(value)(self._host(part) for part in value)
        return value

    @staticmethod
    def _parent(result, args):
        """The array that owns the memory that ``result`` shows, or None if it is new."""
        for value in _arrays(args):
            if result.size and np.may_share_memory(result, value._host):
                return value if value._base is None else value._base
        return None

    # -- making arrays

    def allocate(self, shape, dtype, order="C", number=None):
        """New memory, poisoned, between guards."""
        dtype = np.dtype(dtype)
        size = math.prod(map(int, shape)) * dtype.itemsize
        block = np.full(size + 2 * GUARD, POISON, np.uint8)
        host = block[GUARD:GUARD + size].view(dtype).reshape(shape, order=order)
        return self.ndarray(host, None, self.current if number is None else number)

    def empty(self, shape, dtype=float, order="C"):
        return self.allocate((shape,) if isinstance(shape, int) else tuple(shape), dtype, order)

    def empty_like(self, array, dtype=None):
        return self.allocate(array.shape, dtype or array.dtype, _order(array._host), array.number)

    def _filled(self, shape, value, dtype):
        array = self.empty(shape, dtype)
        array.fill(value)
        return array

    def zeros(self, shape, dtype=float):
        return self._filled(shape, 0, dtype)

    def ones(self, shape, dtype=float):
        return self._filled(shape, 1, dtype)

    def full(self, shape, value, dtype=None):
        if isinstance(value, Array):
            array = self.empty(shape, dtype or value.dtype)
            array[...] = value
            return array
        return self._filled(shape, value, dtype or np.asarray(value).dtype)

    def asarray(self, data, dtype=None):
        """From the host, if it is not here already."""
        if isinstance(data, Array):
            return data if dtype is None else data.astype(dtype, copy=False)
        return self.array(data, dtype)

    def array(self, data, dtype=None):
        if isinstance(data, Array):
            return data.astype(dtype or data.dtype)
        host = np.array(data, dtype=dtype)
        self.upload(host)
        array = self.allocate(host.shape, host.dtype, _order(host))
        array._host[...] = host
        return array

    def upload(self, host):
        """Data come from the host."""

    def asnumpy(self, array):
        return array.get()

    def _as_strided(self, array, shape, strides):
        host = np.lib.stride_tricks.as_strided(array._host, shape, strides)
        return self.ndarray(host, array if array._base is None else array._base, array.number)

    # -- where CuPy knows less than NumPy

    def packbits(self, array):
        if array.ndim != 1:
            raise Refusal("packbits takes flat arrays only")
        return self.call(np.packbits, (array,), {})

    def unpackbits(self, array):
        if array.ndim != 1:
            raise Refusal("unpackbits takes flat arrays only")
        return self.call(np.unpackbits, (array,), {})

    def matmul(self, a, b, out=None):
        if out is not None and not out.flags.c_contiguous:
            raise Refusal("matmul writes to arrays without gaps only")
        return self.call(np.matmul, (a, b), {} if out is None else {"out": out})


class _Namespace:
    def __init__(self, **members):
        self.__dict__.update(members)


class _Add:
    """The function add, and its method at."""

    def __init__(self, library):
        self.library = library

    def __call__(self, *args, **named):
        return self.library.call(np.add, args, named)

    def at(self, *args):
        self.library.call(np.add.at, args, {})


class _Grid:
    """ogrid[slices]: index arrays."""

    def __init__(self, library):
        self.library = library

    def __getitem__(self, index):
        return [self.library.asarray(part) for part in np.ogrid[index]]


def _arrays(values):
    for value in values:
        if isinstance(value, Array):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _arrays(value)


def _order(host):
    return "F" if host.flags.f_contiguous and not host.flags.c_contiguous else "C"


def install(backend, monkeypatch, library, name, devices=1):
    """Let the engine know ``library`` under a device ``name`` until the end of a test."""
    monkeypatch.setattr(backend, "_libraries", dict(backend._libraries))

    def use(device):
        library.current = int(device.partition(":")[2])

    def convert(array, device):
        use(device)
        return library.asarray(array)

    backend.register_library(library.ndarray, library, lambda array: f"{name}:{array.number}",
                             name, convert, lambda: devices, use)
    return library
