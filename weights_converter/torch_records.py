"""What the names in PyTorch's pickles stand for here: inert records, and functions that make them.

A name either belongs to tensors, or to what checkpoints commonly hold beside them: sizes, types,
sets, counters, dates, NumPy's numbers, options of the command line. Of the latter nothing is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from weights_converter.checks import as_count, as_shape
from weights_converter.errors import WeightsError

MAX_NUMBER = 1 << 64
MAX_KEY = 100
MAX_NAME = 200

# Storage classes of PyTorch -> NumPy's code of their elements, without the byte order.
STORAGES = {
    "DoubleStorage": "f8", "FloatStorage": "f4", "HalfStorage": "f2", "BFloat16Storage": "bf16",
    "LongStorage": "i8", "IntStorage": "i4", "ShortStorage": "i2", "CharStorage": "i1",
    "ByteStorage": "u1", "BoolStorage": "u1", "ComplexFloatStorage": "c8",
    "ComplexDoubleStorage": "c16",
}

# Names of element types. Those from float8 on have no storage classes of their own.
TYPES = (
    "float64", "double", "float32", "float", "float16", "half", "bfloat16", "int64", "long",
    "int32", "int", "int16", "short", "int8", "uint8", "bool", "complex64", "cfloat", "complex128",
    "cdouble", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz",
    "float8_e8m0fnu", "float4_e2m1fn_x2", "complex32", "chalf", "uint16", "uint32", "uint64",
    "bits8", "bits16", "bits1x8", "bits2x4", "bits4x2",
)

BUILT_IN = "set frozenset bytes bytearray complex object slice bool int float tuple list dict"
PATHS = "PosixPath WindowsPath PurePosixPath PureWindowsPath"

# Names of classes and functions whose results hold no weights of ours, by their modules.
HARMLESS = {
    "torch": "Size device Tensor",
    "torch.nn.parameter": "Parameter Buffer",
    "torch.torch_version": "TorchVersion",
    "__builtin__": f"{BUILT_IN} xrange unicode long",
    "builtins": f"{BUILT_IN} range str",
    "collections": "Counter defaultdict deque",
    "datetime": "datetime date time timedelta timezone",
    "copy_reg": "_reconstructor",                   # objects before protocol 2
    "_codecs": "encode",                            # bytes before protocol 3
    "numpy": "dtype ndarray",
    "numpy.core.multiarray": "scalar _reconstruct",
    "numpy._core.multiarray": "scalar _reconstruct",
    "numpy.core.numeric": "_frombuffer",            # arrays since protocol 5
    "numpy._core.numeric": "_frombuffer",
    "argparse": "Namespace",
    "pathlib": PATHS,
    "pathlib._local": PATHS,                        # Python 3.13
    # Dictionaries with attributes, in which Lightning keeps settings.
    "pytorch_lightning.utilities.parsing": "AttributeDict",
    "lightning.pytorch.utilities.parsing": "AttributeDict",
    "lightning_fabric.utilities.data": "AttributeDict",
    "lightning.fabric.utilities.data": "AttributeDict",
}


@dataclass(frozen=True)
class StorageType:
    """The class of a storage, which determines the element type."""

    code: str


@dataclass(frozen=True)
class Storage:
    """A block of memory that the pickle refers to and that lies elsewhere in the file."""

    code: str
    key: str
    count: int


@dataclass(frozen=True)
class Tensor:
    """A view of a storage: offset and strides in elements.

    `negative` says that the sign of what is stored is reversed; `unread` names an element type or a
    mark with which nothing is read.
    """

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    negative: bool = False
    unread: str = ""


@dataclass(frozen=True)
class ElementType:
    """A `torch.dtype`."""

    name: str


class Other:
    """Something that holds no weights."""


OTHER = Other()


def other(*_: Any) -> Other:
    """Stands for every class and function whose result is not needed."""
    return OTHER


def _rebuild_tensor(storage: Any, offset: Any, shape: Any, strides: Any,
                    _requires_grad: Any = None, _hooks: Any = None, metadata: Any = None) -> Tensor:
    if not isinstance(storage, Storage):
        raise ValueError("a tensor without a storage")
    shape, strides = as_shape(shape), as_shape(strides)
    if len(shape) != len(strides):
        raise ValueError(f"{len(shape)} sizes and {len(strides)} strides")
    return Tensor(storage, as_count(offset), shape, strides, *_marks(metadata))


def _marks(metadata: Any) -> tuple[bool, str]:
    """Whether PyTorch reverses the sign of what is stored, and what else it would do to it.

    PyTorch does not compute a negated or conjugate view, but marks it, also in a file.
    """
    if metadata is None:
        return False, ""
    if type(metadata) is not dict:
        raise ValueError("marks of a tensor that are not a dictionary")
    negative = metadata.get("neg") is True
    others = [mark for mark, value in metadata.items()
              if value is not False and not (mark == "neg" and negative)]
    return negative, f"marked {str(others[0])[:60]!r}" if others else ""


def _rebuild_newer_tensor(storage: Any, offset: Any, shape: Any, strides: Any, requires_grad: Any,
                          hooks: Any, element: Any, metadata: Any = None) -> Tensor:
    """A tensor of a type without a storage class; no network is stored in one."""
    if not isinstance(element, ElementType):
        raise ValueError("a tensor without a type")
    tensor = _rebuild_tensor(storage, offset, shape, strides, requires_grad, hooks, metadata)
    return replace(tensor, unread=element.name)


def _rebuild_parameter(tensor: Any, *_: Any) -> Any:
    return tensor


def ordered_dict(pairs: Any = ()) -> dict:
    """What a `collections.OrderedDict` of pairs becomes."""
    made: dict = {}
    for pair in pairs:
        if type(pair) not in (list, tuple) or len(pair) != 2:
            raise ValueError("a dictionary of something other than pairs")
        put(made, *pair)
    return made


def put(target: dict, key: Any, value: Any) -> None:
    """Set an item of a dictionary, if the key can be a part of a name.

    Others hold no weights. Their hashes are not computed, because a nested tuple may be endless.
    """
    if type(key) in (list, dict):
        raise ValueError(f"a dictionary with a {type(key).__name__} as key")
    if (type(key) is str and len(key) <= MAX_NAME) or (type(key) is int and abs(key) < MAX_NUMBER):
        target[key] = value


CALLABLE = (ordered_dict, _rebuild_tensor, _rebuild_newer_tensor, _rebuild_parameter, other)

# PyTorch's function for a tensor to which somebody gave attributes. Its arguments are another
# function, the class of the result, that function's arguments, and the attributes.
WITH_ATTRIBUTES = object()

# The only names that a pickle may use.
ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): ordered_dict,
    ("torch._utils", "_rebuild_tensor"): _rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _rebuild_newer_tensor,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): _rebuild_parameter,
    ("torch._tensor", "_rebuild_from_type_v2"): WITH_ATTRIBUTES,
    ("torch.storage", "UntypedStorage"): StorageType("u1"),         # counted in bytes
    **{("torch", name): StorageType(code) for name, code in STORAGES.items()},
    **{("torch.cuda", name): StorageType(code) for name, code in STORAGES.items()},
    **{("torch", name): ElementType(f"torch.{name}") for name in TYPES},
    **{(module, name): other for module, names in HARMLESS.items() for name in names.split()},
}


def find(module: Any, name: Any) -> Any:
    """What a name stands for.

    Raises
    ------
    WeightsError
        It is not one of `ALLOWED`.
    """
    if type(module) is not str or type(name) is not str:
        raise ValueError("a name that is not text")
    value = ALLOWED.get((module, name))
    if value is None:
        raise WeightsError(
            f"it uses {module[:60]}.{name[:60]}, which no weights need: it may be a whole "
            "model (save its state_dict() instead), or an attack")
    return value


def storage(identity: Any) -> Storage:
    """Resolve a persistent id: ("storage", class, key, device, count[, view])."""
    if type(identity) is not tuple or len(identity) not in (5, 6):
        raise ValueError("a reference that is not a storage")
    kind, storage_type, key, _, count, *view = identity
    if type(kind) is not str or kind != "storage" or not isinstance(storage_type, StorageType) or (
            view not in ([], [None])):
        raise ValueError("a reference that is not a storage")
    if type(key) is not str or len(key) > MAX_KEY:
        raise ValueError("a storage whose key is not a short text")
    return Storage(storage_type.code, key, as_count(count))
