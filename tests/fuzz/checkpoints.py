"""Checkpoints as a target: those of a short run, changed as bytes or as a tree with a new seal."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import h5py
import numpy as np

from minigrad import io
from minigrad.io import load_state, save_state, state_digest
from nst import Settings, demo
from nst.job.checkpoint import CheckpointManager, load_checkpoint
from nst.job.transfer import Job, prepare
from nst.system.user_key import VARIABLE, user_key
from tests.fuzz.mutators.basic import Leaf, mutate_json, mutate_value
from tests.fuzz.mutators.hdf5 import mutate_hdf5

# Two runs, so that a checkpoint of the one is also tried on the other.
RUNS = ({"optimizer": "adam"}, {"optimizer": "lbfgs", "lbfgs_history": 2})
TEXTS = ("history", "rollbacks")            # entries of a tree that are JSON
ARRAYS = (np.zeros(3), np.zeros((1, 3, 4, 4), np.float32), np.array(1.5), np.full(2, np.nan),
          np.zeros((0, 3)), np.arange(6, dtype=np.int8).reshape(2, 3), np.ones(1, np.complex64))
NUMBERS = (-1, 1, 1000, 1e30, float("nan"), float("inf"))
VALUES = (*ARRAYS, *NUMBERS, None, True, "", "trying", [], {}, (), (3, 1, 1, 0), 0.5)
ITERATIONS = 6
STOP = 4

_NOTHING = object()

_folder = Path()


@cache
def _jobs() -> list[Job]:
    return [prepare(demo.scene_path(), demo.painting_path(), Settings(
        weights="small", size=24, margin=0, scales=1, iterations=ITERATIONS, device="cpu", **run))
        for run in RUNS]


def begin(folder: Path) -> list[bytes]:
    """Run until the checkpoints are written; their bytes. The key is one of this folder."""
    global _folder
    _folder = folder
    os.environ[VARIABLE] = str(folder / "key")
    found = []
    for number, job in enumerate(_jobs()):
        path = folder / f"run{number}"
        job.run(_stop, CheckpointManager(path, job, STOP))
        found.append(path.read_bytes())
    return found


def _stop(progress: Any) -> None:
    if progress.history[-1].iteration == STOP:
        raise KeyboardInterrupt


def load(path: Path) -> None:
    """Read a file as the checkpoint of the first run."""
    load_checkpoint(path, _jobs()[0])


def mutate(random: Random, data: bytes, leaf: Leaf) -> bytes:
    """Change the bytes, or one entry of the tree, which is sealed anew by somebody."""
    if random.random() < 0.5:
        return mutate_hdf5(random, data, leaf)
    return edited(random, copy.deepcopy(_tree()), user_key())


@cache
def _tree() -> dict[str, Any]:
    return dict(load_state(_folder / "run0"))


def edited(random: Random, tree: dict[str, Any], key: bytes) -> bytes:
    """A checkpoint with one changed entry, with a seal of the given key or of another one."""
    tree = {name: value for name, value in tree.items() if name != "seal"}
    if random.random() < 0.4:
        name = random.choice(TEXTS)
        text = mutate_json(random, tree[name].encode(), lambda _, data: data[: len(data) // 2])
        tree[name] = text.decode("utf-8", "replace")
    else:
        tree = _mutated(random, tree)
    path = _folder / "edited"
    try:
        seal = state_digest(tree, random.choice((key, key, key, bytes(32))))
        # What could not be read is not refused here, but written: to the reader, or to be changed.
        with mock.patch.multiple(io, _write=_write, _check_readable=lambda path: None):
            save_state(path, {**tree, "seal": seal})
    except Exception:           # nothing that can be written: another file will do
        return path.read_bytes() if path.exists() else b""
    return path.read_bytes()


@cache
def _first_file() -> h5py.File:
    return h5py.File(_folder / "run0", "r")


def _write(group: h5py.Group, name: str, value: Any, where: str,
           write: Callable[..., None] = io._write) -> None:
    """Write a value as `save_state` does, or copy it from the first run's file if it is there.

    h5py takes 24 ms to write all of a checkpoint, HDF5 2 ms to copy it.
    """
    path = f"{group.name.rstrip('/')}/{name}"
    if _same(value, _found(_tree(), path.split("/")[2:])):
        _first_file().copy(path, group, name)
    else:
        write(group, name, value, where)


def _found(tree: Any, names: list[str]) -> Any:
    """What stands in a tree under the names; an object of its own if nothing."""
    for name in names:
        if isinstance(tree, list | tuple):
            tree = dict(zip(map(str, range(len(tree))), tree))
        if not isinstance(tree, dict) or name not in tree:
            return _NOTHING
        tree = tree[name]
    return tree


def _same(value: Any, other: Any) -> bool:
    """Whether two values are the same in a file: in kind, order and bits."""
    if type(value) is not type(other):
        return False
    if isinstance(value, dict):
        return list(value) == list(other) and all(
            _same(item, other[name]) for name, item in value.items())
    if isinstance(value, list | tuple):
        return len(value) == len(other) and all(map(_same, value, other))
    if isinstance(value, np.ndarray):
        return (value.dtype, value.shape, value.tobytes()) == (
            other.dtype, other.shape, other.tobytes())
    return repr(value) == repr(other)       # so that -0.0 is not 0.0


def _mutated(random: Random, tree: dict[str, Any]) -> dict[str, Any]:
    """Change an entry of the optimiser's state, or any value of the tree."""
    if random.random() < 0.6:
        return json_like({**tree, "optimizer": _entry_changed(random, tree["optimizer"])})
    if random.random() < 0.5:
        return json_like(_entry_changed(random, tree))
    return json_like(mutate_value(random, tree))


def _entry_changed(random: Random, value: Any) -> Any:
    """A value with one entry, at some depth, in another type, shape or range."""
    if isinstance(value, dict) and value and random.random() < 0.9:
        name = random.choice(list(value))
        changed = {**value, name: _entry_changed(random, value[name])}
        if random.random() < 0.1:
            del changed[name]
        return changed
    if isinstance(value, list | tuple) and value and random.random() < 0.8:
        at = random.randrange(len(value))
        return type(value)([*value[:at], _entry_changed(random, value[at]), *value[at + 1:]])
    if isinstance(value, np.ndarray) and value.size and random.random() < 0.5:
        changed = value.copy()
        changed.flat[random.randrange(value.size)] = random.choice((-1, 0, 1))
        if value.dtype.kind == "f" and random.random() < 0.5:
            changed.flat[0] = random.choice(NUMBERS)
        return changed
    if type(value) in (int, float) and random.random() < 0.5:
        return value + random.choice(NUMBERS)
    return random.choice(VALUES)


def json_like(value: Any) -> Any:
    """The value without numbers that no file can hold."""
    if isinstance(value, dict):
        return {str(name).replace("/", "_") or "_": json_like(item)
                for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(json_like(item) for item in value)
    if type(value) is int and not -2**63 <= value < 2**63:
        return json.dumps(str(value))
    return value
