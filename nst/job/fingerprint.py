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

# Settings that name files, the device or the precision: their effect is compared, not their names.
# The amount of memory and the number of processes change no bit.
NOT_COMPARED = ("weights", "device", "precision", "content_mask", "region_masks", "style_masks",
                "init", "max_memory", "processes")

DESCRIBED = {"content": "the content picture", "styles": "a style picture",
             "initial": "the initial picture", "masks": "a mask",
             "network": "the file of the weights"}


def fingerprint(job: Job) -> dict[str, str]:
    """What a run depends on, by name: settings as text, pictures and weights as SHA-256."""
    settings = {option_name(name): json.dumps(value, sort_keys=True)
             for name, value in plain(vars(job.settings)).items()
             if name not in NOT_COMPARED}
    given = job.inputs
    return {**settings, "device": job.device, "precision": job.precision,
            "content": _hash([given.content]), "styles": _hash(given.styles),
            "initial": _hash([given.initial]),
            "masks": _hash([given.masks.content, *given.masks.regions, *given.masks.styles]),
            "network": hash_of_network(job.network)}


def hash_of_network(network: Network) -> str:
    """SHA-256 of all weights and of the preprocessing of pictures."""
    return _hash([*(tensor for pair in network.parameters.values() for tensor in pair),
                  np.array([*network.mean, *network.scale]), network.color_order])


def _hash(things: Any) -> str:
    """SHA-256 of pictures, tensors, arrays, texts and Nones, with their shapes and types."""
    digest = hashlib.sha256()
    for thing in things:
        for part in _parts(thing):
            if part is None or isinstance(part, str):
                digest.update(repr(part).encode())
            else:
                digest.update(f"{part.dtype}{part.shape}".encode())
                digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()


def _parts(thing: Any) -> Iterator[Any]:
    if isinstance(thing, Tensor):
        yield thing.numpy()
    elif hasattr(thing, "pixels"):
        yield from (thing.pixels, thing.alpha)
    else:
        yield thing
