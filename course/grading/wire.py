"""Values between the two processes: JSON, with arrays as bytes. Nothing that could run travels."""

import base64
import json

import numpy as np


def encoded(value):
    """A value as JSON can hold it; what cannot travel becomes the name of its type."""
    if isinstance(value, (np.ndarray, np.generic)) and np.asarray(value).dtype.kind in "biufc":
        array = np.asarray(value)
        order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
        return {"array": [array.dtype.str, list(array.shape), order,
                          base64.b64encode(array.tobytes(order)).decode()]}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [encoded(item) for item in value]
    if isinstance(value, dict):
        return {"dict": [[str(key), encoded(item)] for key, item in value.items()]}
    return {"type": type(value).__name__}


class Foreign:
    """Stands for an object that cannot travel."""

    def __init__(self, type_name):
        self.type_name = type_name


def decoded(value):
    """The value again. Arrays can be written to, and lie by rows or by columns as before."""
    if isinstance(value, list):
        return [decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        kind, shape, order, data = value["array"]
        flat = np.frombuffer(base64.b64decode(data), np.dtype(kind))
        return flat.reshape(shape, order=order).copy(order)
    if "dict" in value:
        return {key: decoded(item) for key, item in value["dict"]}
    return Foreign(value["type"])


def send(stream, message):
    """Write one message: its length in eight digits of base 16, then its bytes."""
    data = json.dumps(message).encode()
    stream.write(b"%08x" % len(data) + data)
    stream.flush()


def receive(stream):
    """Read one message; None where the other side has ended."""
    head = stream.read(8)
    if len(head) < 8:
        return None
    return json.loads(stream.read(int(head, 16)))
