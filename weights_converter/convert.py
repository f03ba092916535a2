"""From a weights file of the world to the project's own."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from minigrad.files import check_writable
from weights_converter import vgg
from weights_converter.detect import CONVERTED, KERAS, detect, text
from weights_converter.errors import WeightsError
from weights_converter.hdf5 import write_weights
from weights_converter.keras import read_keras
from weights_converter.verify import examine
from weights_converter.weights import Layers, Preprocessing, Weights

# One reader for each format: it gives the layers in the canonical form, and what they expect.
READERS: dict[str, Callable[[Path], tuple[Layers, Preprocessing]]] = {KERAS: read_keras}


def convert(source: str | Path, destination: str | Path) -> Weights:
    """Read VGG19 from `source`, prove that it is right, and write it to `destination`.

    Parameters
    ----------
    source : str or Path
        A weights file of Keras's VGG19, with or without the dense layers on top.
    destination : str or Path
        The file to write; one of that name is replaced, in a single step, at the very end.

    Returns
    -------
    Weights
        What was written.

    Raises
    ------
    WeightsError
        Either file is not what it should be; then nothing has been written.
    """
    source, destination = Path(source), Path(destination)
    reader = _reader_of(source)
    check_writable(destination, WeightsError)
    if os.path.exists(destination) and destination.samefile(source):
        raise WeightsError(f"{destination} is the source itself; name another file to write")
    layers, preprocessing = reader(source)
    weights = Weights(
        layers=layers,
        **asdict(preprocessing),
        source=text(source.name),
        source_sha256=sha256_of(source),
        licence=vgg.LICENCE,
    )
    examine(source, weights)
    write_weights(destination, weights)
    return weights


def _reader_of(source: Path) -> Callable[[Path], tuple[Layers, Preprocessing]]:
    kind = detect(source)
    if kind == CONVERTED:
        raise WeightsError(
            f"{source} is converted already: use it as it is, "
            f"or check it with python -m weights_converter verify {source}"
        )
    return READERS[kind]


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hexadecimal digits."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {error.strerror}") from error
