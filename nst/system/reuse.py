"""Work that is done once for the same object."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Found = TypeVar("Found")


def once_each(function: Callable[[Item], Found], items: Iterable[Item]) -> list[Found]:
    """`function` of each item; an object that occurs several times, such as one style for several
    regions, is computed once."""
    items = list(items)
    known: dict[int, Found] = {}
    for item in items:
        if id(item) not in known:
            known[id(item)] = function(item)
    return [known[id(item)] for item in items]
