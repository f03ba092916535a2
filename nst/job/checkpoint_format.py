"""A state of a run as a tree of dicts, arrays and numbers, as `minigrad.io` writes them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad import Tensor, backend
from nst.optimize.progress import Iteration, Progress, Rollback, RunState
from nst.pictures.frame import Frame

FORMAT = 2


def as_tree(state: RunState, frames: Sequence[Frame]) -> dict[str, Any]:
    """Everything of a state, and the pictures for the page of its run.

    Arrays are not copied: they are to be written before anything goes on.
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
        "history": json.dumps([dataclasses.asdict(one) for one in progress.history]),
        "rollbacks": json.dumps([dataclasses.asdict(one) for one in progress.rollbacks]),
        "frames": [{**vars(frame), "data": np.frombuffer(frame.data, np.uint8)}
                   for frame in frames],
    }


def from_tree(tree: Mapping[str, Any], device: str) -> tuple[RunState, list[Frame]]:
    """What `as_tree` was given.

    Raises
    ------
    KeyError, TypeError, ValueError
        Something else made the tree.
    """
    if tree["format"] != FORMAT:
        raise ValueError(f"its format is {tree['format']}, not {FORMAT}")

    def tensor(packed: Any) -> Tensor | None:
        array = _unpacked(packed, device)
        return None if array is None else Tensor(array)

    progress = Progress(
        best=tensor(tree["best"]), best_iteration=tree["best_iteration"],
        history=[Iteration(**one) for one in json.loads(tree["history"])],
        rollbacks=[Rollback(**one) for one in json.loads(tree["rollbacks"])],
        scale=tree["scale"], warm_start=_unpacked(tree["warm_start"], device))
    frames = [Frame(**{**one, "data": one["data"].tobytes()}) for one in tree["frames"]]
    return RunState(progress, tensor(tree["picture"]), _unpacked(tree["optimizer"], device)), frames


def _axes(array: Any) -> tuple[int, ...]:
    """Axes from the outermost to the innermost in memory.

    Sums depend on the order in memory in their last bits, so an array must come back from a file
    as it was.
    """
    return tuple(sorted(range(array.ndim), key=lambda axis: -array.strides[axis]))


def _packed(value: Any) -> Any:
    """The same with every array as {"array", "axes"}, written in the order of memory."""
    if isinstance(value, dict):
        return {name: _packed(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_packed(one) for one in value)
    if isinstance(value, Tensor):
        value = value.data
    if not backend.is_array(value) or not value.ndim:
        return value
    axes = _axes(value)
    return {"array": value.transpose(axes), "axes": axes}


def _unpacked(value: Any, device: str) -> Any:
    """What `_packed` was given, on ``device``."""
    if isinstance(value, dict) and set(value) == {"array", "axes"}:
        array = backend.to_device(np.ascontiguousarray(value["array"]), device)
        back = sorted(range(array.ndim), key=value["axes"].__getitem__)
        return array.transpose(back)
    if isinstance(value, dict):
        return {name: _unpacked(one, device) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_unpacked(one, device) for one in value)
    return value
