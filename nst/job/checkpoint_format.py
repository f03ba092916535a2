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
        raise ValueError(f"its format is {tree['format']}, not {FORMAT}")

    def tensor(packed: Any) -> Tensor | None:
        array = _unpacked(packed, device)
        if array is not None and not backend.is_array(array):
            raise ValueError("its picture is not an array")
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


def check_state(state: RunState, iterations: int, sizes: Sequence[tuple[int, int]]) -> None:
    """Check that a state is possible in a run.

    Parameters
    ----------
    iterations : int
        Those of the whole run.
    sizes : sequence of (height, width)
        Of the pictures that are computed, by scale.

    Raises
    ------
    ValueError
        The message says what is impossible.
    """
    progress = state.progress
    history = progress.history
    if type(progress.scale) is not int or progress.scale not in range(len(sizes)):
        raise ValueError(f"its scale is {progress.scale!r:.40} of {len(sizes)}")
    if not 0 < len(history) <= iterations + 1:
        raise ValueError(f"it has {len(history)} iterations of {iterations}")
    for position, entry in enumerate(history):
        if entry.scale > progress.scale:
            raise ValueError(f"its iteration {position} is at the scale {entry.scale}")
    if type(progress.best_iteration) is not int or progress.best_iteration not in range(
            len(history)):
        raise ValueError(f"its best iteration is {progress.best_iteration!r:.40}")
    # Between two scales, the best picture has the size of the one or of the other.
    shapes = [(1, 3, *size) for size in sizes]
    for picture in [progress.best, *([] if state.picture is None else [state.picture])]:
        if picture.dtype != np.float32 or picture.shape not in shapes or (
                not np.isfinite(picture.numpy()).all()):
            raise ValueError(f"its picture has shape {picture.shape}, or numbers that are not "
                             f"finite")
    if not isinstance(state.optimizer, dict | None) or (state.picture is None) == (
            state.optimizer is not None):
        raise ValueError("its optimiser's state does not fit its picture")
    checkpoint_entries.check_counts(state.optimizer, len(history))
    checkpoint_entries.check_counts(progress.warm_start, max(len(history), *map(max, sizes)))


def _axes(array: Any) -> tuple[int, ...]:
    """Axes from the outermost to the innermost in memory.

    The last bits of sums depend on the memory order, so a file must preserve it.
    """
    return tuple(sorted(range(array.ndim), key=lambda axis: -array.strides[axis]))


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
        array = backend.to_device(np.ascontiguousarray(value["array"]), device)
        inverse = sorted(range(array.ndim), key=value["axes"].__getitem__)
        return array.transpose(inverse)
    if isinstance(value, dict):
        return {name: _unpacked(entry, device) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_unpacked(entry, device) for entry in value)
    return value
