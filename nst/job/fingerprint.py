"""The identity of a run: its settings, and hashes of its pictures and weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad import Tensor
from nst.config.plain import plain
from nst.config.validators import option_name
from nst.job.transfer import Job
from nst.model.vgg import Network

# Settings that name files, the device or the precision are not compared, but what they select is.
# The amount of memory and the number of processes do not change the result.
NOT_COMPARED = ("weights", "device", "precision", "content_mask", "region_masks", "style_masks",
                "init", "max_memory", "processes")

DESCRIPTIONS = {"content": "the content picture", "styles": "a style picture",
             "initial": "the initial picture", "masks": "a mask",
             "network": "the weights file"}


def fingerprint(job: Job) -> dict[str, str]:
    """All inputs of a run by name: settings as text, pictures and weights as SHA-256."""
    settings = {option_name(name): json.dumps(value, sort_keys=True)
                for name, value in plain(vars(job.settings)).items()
                if name not in NOT_COMPARED}
    inputs = job.inputs
    return {**settings, "device": job.device, "precision": job.precision,
            "content": _hash([inputs.content]), "styles": _hash(inputs.styles),
            "initial": _hash([inputs.initial]),
            "masks": _hash([inputs.masks.content, *inputs.masks.regions, *inputs.masks.styles]),
            "network": hash_of_network(job.network)}


def hash_of_network(network: Network) -> str:
    """SHA-256 of all weights and of the preprocessing of pictures."""
    return _hash([*(tensor for pair in network.parameters.values() for tensor in pair),
                  np.array([*network.mean, *network.scale]), network.color_order])


def _hash(values: Any) -> str:
    """SHA-256 of pictures, tensors, arrays, strings and None, with shapes and types."""
    digest = hashlib.sha256()
    for value in values:
        for part in _parts(value):
            if part is None or isinstance(part, str):
                digest.update(repr(part).encode())
            else:
                digest.update(f"{part.dtype}{part.shape}".encode())
                digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, Tensor):
        yield value.numpy()
    elif hasattr(value, "pixels"):
        yield from (value.pixels, value.alpha)
    else:
        yield value
