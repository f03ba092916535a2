"""Cache of values derived from an array, such as transformed weights.

An entry lives as long as its array. `Tensor.array_for_writing` drops it before the array changes
through the public interface. Writes that bypass minigrad (`from_numpy`, CuPy's `.data`) are
documented as unguarded.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Hashable
from typing import Any

_entries: dict[int, dict[Hashable, Any]] = {}      # id of the array that owns the memory
_lock = threading.RLock()


def owner_of(array: Any) -> Any:
    """The array that owns the memory of a view."""
    base = getattr(array, "base", None)
    return base if isinstance(base, type(array)) else array


def _address(array: Any) -> int:
    interface = getattr(array, "__array_interface__", None)
    return array.data.ptr if interface is None else interface["data"][0]        # CuPy, NumPy


def cached(array: Any, key: Hashable, compute: Callable[[], Any]) -> Any:
    """Return `compute()`, or its result of an earlier call if `array` has not changed since."""
    owner = owner_of(array)
    where = (key, array.shape, array.strides, _address(array))
    with _lock:
        entries = _entries.get(id(owner))
        if entries is None:
            entries = _entries[id(owner)] = {}
            weakref.finalize(owner, _entries.pop, id(owner), None).atexit = False
        if where not in entries:
            entries[where] = compute()
        return entries[where]


def invalidate(array: Any) -> None:
    """Drop everything derived from `array`, which is about to change."""
    if _entries:
        entries = _entries.get(id(owner_of(array)))
        if entries:
            entries.clear()
