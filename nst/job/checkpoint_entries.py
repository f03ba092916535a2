"""The entries of a checkpoint, each checked by its declared type before anything uses it.

A seal tells that a user's programs wrote a file, not that nobody edited it: the user may have.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nst.job.checkpoint_schema import number, text, whole
from nst.optimize.progress import Iteration, Rollback
from nst.pictures.frame import MAX_SIDE, Frame

TERMS = ("content", "style", "palette")         # None where a term is not computed
LAYERS = ("content_layers", "style_layers")
PICTURES = (b"\x89PNG", b"\xff\xd8")            # how the files of frames begin


def iterations(entries: Any) -> list[Iteration]:
    """The history of a run from plain data.

    Raises
    ------
    TypeError, ValueError
        An entry is not what a run writes.
    """
    history = [Iteration(**entry) for entry in _list(entries)]
    for position, entry in enumerate(history):
        where = f"iteration {position}"
        whole(entry.iteration, f"the number of {where}", position, position)
        whole(entry.scale, f"the scale of {where}", 0, 1000)
        number(entry.total, f"the total of {where}")
        number(entry.tv, f"the tv of {where}")
        if number(entry.seconds, f"the seconds of {where}") < 0:
            raise ValueError(f"the seconds of {where} are negative")
        for term in TERMS:
            value = getattr(entry, term)
            if value is not None:
                number(value, f"the {term} of {where}")
            if (value is None) != (getattr(history[0], term) is None):
                raise ValueError(f"only some iterations have the term {term}")
        for term in LAYERS:
            _layers(getattr(entry, term), getattr(history[0], term), where)
    return history


def rollbacks(entries: Any, count: int) -> list[Rollback]:
    """The rollbacks of a run of `count` iterations so far; raises as `iterations`."""
    found = [Rollback(**entry) for entry in _list(entries)]
    for entry in found:
        whole(entry.iteration, "the iteration of a rollback", 0, count)
        whole(entry.back_to, "the target of a rollback", 0, entry.iteration)
        text(entry.cause, "the cause of a rollback")
    return found


def frames(entries: Any, count: int) -> list[Frame]:
    """The small pictures of a run of `count` iterations so far; raises as `iterations`."""
    found = [Frame(**{**entry, "data": entry["data"].tobytes()}) for entry in _list(entries)]
    if len(found) > count:
        raise ValueError(f"it has {len(found)} small pictures of {count} iterations")
    for frame in found:
        whole(frame.iteration, "the iteration of a small picture", 0, count)
        text(frame.label, "the label of a small picture")
        if not frame.data.startswith(PICTURES):
            raise ValueError("a small picture is not a picture")
        width, height = frame.size
        for side in (width, height):
            whole(side, "the side of a small picture", 1, MAX_SIDE)
    return found


def _list(entries: Any) -> Sequence[Any]:
    if not isinstance(entries, (list, tuple)):
        raise TypeError("a list is missing")
    return entries


def _layers(layers: Any, first: Any, where: str) -> None:
    if not isinstance(layers, dict) or list(layers) != list(first):
        raise ValueError(f"the layers of {where} are not those of the first")
    for layer, value in layers.items():
        text(layer, f"a layer of {where}")
        number(value, f"a layer of {where}")
