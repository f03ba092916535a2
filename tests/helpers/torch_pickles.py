"""PyTorch's files, written with ``pickle`` and by hand, without PyTorch."""

import collections
import pickle
import struct
import zipfile
from io import BytesIO

from weights_converter.torch_records import Storage

MAGIC = 0x1950A86A20F9469CFC6C


class Name:
    """Pickles as a name and nothing else."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"Name({self.name!r})"       # without an address: it is part of a test's id


class Call:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments


class Pickler(pickle._Pickler):
    """Writes any name, whether it exists or not."""

    def save(self, thing, save_persistent_id=True):
        if isinstance(thing, Name):
            module, name = thing.name.rsplit(".", 1)
            self.write(f"c{module}\n{name}\n".encode())
        elif isinstance(thing, Call):
            self.save(thing.function)
            self.save(thing.arguments)
            self.write(b"R")
        elif isinstance(thing, Storage):
            kind = Name(f"torch.{thing.code}")
            self.save(("storage", kind, thing.key, "cpu", thing.count))
            self.write(b"Q")
        else:
            super().save(thing, save_persistent_id)


def pickled(thing, protocol=2):
    stream = BytesIO()
    Pickler(stream, protocol).dump(thing)
    return stream.getvalue()


def tensor(storage, offset, shape, strides, *more):
    """A tensor with all arguments that PyTorch gives, and what it adds where a view is marked."""
    return Call(Name("torch._utils._rebuild_tensor_v2"), storage, offset, shape, strides, False,
                Call(Name("collections.OrderedDict")), *more)


def floats(count, key="0"):
    return Storage("FloatStorage", key, count)


def zip_file(path, data, storages=(), folder="archive"):
    """A file as PyTorch writes since 1.6."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{folder}/data.pkl", data)
        for key, content in dict(storages).items():
            archive.writestr(f"{folder}/data/{key}", content)
    return path


def legacy_file(path, data, storages=(), protocol=2):
    """A file as PyTorch wrote before 1.6."""
    parts = [*(pickled(part, protocol) for part in (MAGIC, 1001, {"little_endian": True})), data,
             pickled(list(dict(storages)), protocol)]
    for content in dict(storages).values():
        parts += [struct.pack("<q", len(content) // 4), content]
    path.write_bytes(b"".join(parts))
    return path


def state_of(layers, names=("conv1_1", "conv1_2"), prefix=""):
    """A state_dict of the first layers, and the contents of its storages by key."""
    state, storages = collections.OrderedDict(), {}
    for layer in names:
        for what, array in zip(("weight", "bias"), layers[layer]):
            key = str(len(storages))
            strides = tuple(stride // 4 for stride in array.strides)
            state[f"{prefix}{layer}.{what}"] = tensor(floats(array.size, key), 0, array.shape,
                                                      strides)
            storages[key] = array.tobytes()
    return state, storages
