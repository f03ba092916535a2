"""The state of a run as a tree of dicts, arrays and numbers, which `minigrad.io` can write."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad import Tensor, backend
from nst.job import checkpoint_entries
from nst.optimize.progress import Progress, RunState
from nst.pictures.frame import Frame

FORMAT = 3
# All entries of a tree; the last is its fingerprint.
ENTRIES = ("format", "scale", "picture", "optimizer", "warm_start", "best", "best_iteration",
           "history", "rollbacks", "frames", "about")


def as_tree(state: RunState, frames: Sequence[Frame]) -> dict[str, Any]:
    """The state and the small pictures of a run.

    Arrays are not copied, so the tree must be written before the run continues.
    """
    progress = state.progress
    return {
        "format": FORMAT,
        "scale": progress.scale,
        "picture": _packed(state.picture),
        "optimizer": _packed(state.optimizer),
        "warm_start": _packed(progress.warm_start) if state.picture is None else None,
        "best": _packed(progress.best),
        "best_iteration": progress.best_iteration,
        "history": json.dumps([dataclasses.asdict(entry) for entry in progress.history]),
        "rollbacks": json.dumps([dataclasses.asdict(entry) for entry in progress.rollbacks]),
        "frames": [{**vars(frame), "data": np.frombuffer(frame.data, np.uint8)}
                   for frame in frames],
    }


def from_tree(tree: Mapping[str, Any], device: str) -> tuple[RunState, list[Frame]]:
    """The inverse of `as_tree`, with arrays on `device`.

    Raises
    ------
    KeyError, TypeError, ValueError
        The tree is not one of `as_tree`.
    """
    if tree["format"] != FORMAT:
        raise ValueError(f"its format is {tree['format']!r:.40}, not {FORMAT}")
    if set(tree) != set(ENTRIES):
        raise ValueError(f"it does not have exactly the entries {', '.join(ENTRIES)}")

    def tensor(packed: Any) -> Tensor | None:
        array = _unpacked(packed, device)
        if array is not None and not (backend.is_array(array) and array.dtype == np.float32):
            raise ValueError("its picture is not an array of float32")
        return None if array is None else Tensor(array)

    best = tensor(tree["best"])
    if best is None:
        raise ValueError("it has no picture")
    history = checkpoint_entries.iterations(json.loads(tree["history"]))
    progress = Progress(
        best=best, best_iteration=tree["best_iteration"], history=history,
        rollbacks=checkpoint_entries.rollbacks(json.loads(tree["rollbacks"]), len(history)),
        scale=tree["scale"], warm_start=_unpacked(tree["warm_start"], device))
    frames = checkpoint_entries.frames(tree["frames"], len(history))
    return RunState(progress, tensor(tree["picture"]), _unpacked(tree["optimizer"], device)), frames


def _axes(array: Any) -> tuple[int, ...]:
    """Axes from the outermost to the innermost in memory.

    The last bits of sums depend on the memory order, so a file must preserve it.
    """
    return tuple(sorted(range(array.ndim), key=lambda axis: -array.strides[axis]))


def _is_order(axes: Any, count: int) -> bool:
    """Whether these are the axes of an array, each once."""
    return (isinstance(axes, (list, tuple)) and all(type(axis) is int for axis in axes)
            and sorted(axes) == list(range(count)))


def _packed(value: Any) -> Any:
    """The value with every array as {"array", "axes"}, in memory order."""
    if isinstance(value, dict):
        return {name: _packed(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_packed(entry) for entry in value)
    if isinstance(value, Tensor):
        value = value.data
    if not backend.is_array(value) or not value.ndim:
        return value
    axes = _axes(value)
    return {"array": value.transpose(axes), "axes": axes}


def _unpacked(value: Any, device: str) -> Any:
    """The inverse of `_packed`, with arrays on `device`."""
    if isinstance(value, dict) and set(value) == {"array", "axes"}:
        array, axes = value["array"], value["axes"]
        if not isinstance(array, np.ndarray) or not _is_order(axes, array.ndim):
            raise ValueError("the axes of one of its arrays are not in any order")
        inverse = sorted(range(array.ndim), key=axes.__getitem__)
        return backend.to_device(np.ascontiguousarray(array), device).transpose(inverse)
    if isinstance(value, Tensor) or (backend.is_array(value) and value.ndim):
        raise ValueError("one of its arrays has no order of axes")
    if isinstance(value, dict):
        return {name: _unpacked(entry, device) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_unpacked(entry, device) for entry in value)
    return value
