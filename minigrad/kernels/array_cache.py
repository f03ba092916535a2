"""What is computed once from an array and kept beside it: transformed weights.

An entry lives as long as its array, and is forgotten when the array is changed through
the public interface (:meth:`Tensor.array_for_writing` says so). Arrays that a user
writes to behind minigrad's back (``from_numpy``, CuPy's ``.data``) are documented as
unguarded.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Hashable
from typing import Any

_kept: dict[int, dict[Hashable, Any]] = {}      # id of the array that owns the memory
_lock = threading.RLock()


def _owner(array: Any) -> Any:
    """The array whose memory a view shows: that is the one that changes."""
    base = getattr(array, "base", None)
    return base if isinstance(base, type(array)) else array


def _address(array: Any) -> int:
    interface = getattr(array, "__array_interface__", None)
    return array.data.ptr if interface is None else interface["data"][0]        # CuPy, NumPy


def cached(array: Any, key: Hashable, compute: Callable[[], Any]) -> Any:
    """The value of ``compute()`` for ``array``, from the last time if it is still good."""
    owner = _owner(array)
    where = (key, array.shape, array.strides, _address(array))
    with _lock:
        entries = _kept.get(id(owner))
        if entries is None:
            entries = _kept[id(owner)] = {}
            weakref.finalize(owner, _kept.pop, id(owner), None).atexit = False
        if where not in entries:
            entries[where] = compute()
        return entries[where]


def invalidate(array: Any) -> None:
    """The array is about to change: what was derived from it is not good any more."""
    if _kept:
        entries = _kept.get(id(_owner(array)))
        if entries:
            entries.clear()
