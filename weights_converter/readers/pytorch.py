"""Reader of PyTorch's files since 1.6: a zip archive with a pickle and one member per storage.

`NAME/data.pkl` describes the tensors, `NAME/data/KEY` holds the bytes of a storage, and
`NAME/byteorder`, which is optional, gives the byte order.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

from weights_converter.archives import open_zip, read_member, read_range
from weights_converter.errors import WeightsError
from weights_converter.lazy_array import Tensors
from weights_converter.torch_records import Storage
from weights_converter.torch_tensors import tensors_of
from weights_converter.unpickler import MAX_BYTES, unpickle

# torch.save does not compress. Members that were compressed later are read up to this size.
MAX_COMPRESSED = 16 << 20


@contextmanager
def open_torch_zip(path: Path) -> Iterator[Tensors]:
    """Yield every tensor of a state_dict by name.

    Raises
    ------
    WeightsError
        The file is damaged, or contains more than tensors.
    """
    with open_zip(path, "PyTorch file") as archive:
        names = archive.namelist()
        pickle = min((name for name in names if name.endswith("data.pkl")), key=len)
        prefix = pickle.removesuffix("data.pkl")
        order = "<"
        if f"{prefix}byteorder" in names:
            order = {b"little": "<", b"big": ">"}[read_member(path, archive, f"{prefix}byteorder",
                                                              16).strip()]
        try:
            root = unpickle(read_member(path, archive, pickle, MAX_BYTES))
        except WeightsError as error:
            raise WeightsError(f"{path} is rejected: {error}") from error
        yield tensors_of(path, root, partial(_bytes, archive, prefix), order)


def _bytes(archive: ZipFile, prefix: str, storage: Storage, start: int, count: int) -> bytes:
    info = archive.getinfo(f"{prefix}data/{storage.key}")
    if info.compress_type != ZIP_STORED and info.file_size > MAX_COMPRESSED:
        raise ValueError(f"{info.filename} is compressed and has {info.file_size:,} bytes")
    return read_range(archive, info.filename, start, count)
