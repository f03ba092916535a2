"""Silence for C libraries, which print to the standard error stream past Python.

libtiff prints a line of its own about a damaged file, before our sentence, and Pillow has no switch
for it. The process has one such stream, so what other threads print to it meanwhile is lost too:
only the decoding of TIFF files runs in this silence, which takes a moment and prints nothing else.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_ERRORS = 2                 # the file descriptor
_lock = threading.Lock()    # or one thread would keep the silence of another
if hasattr(os, "register_at_fork"):     # a thread that held it is not in the child
    os.register_at_fork(after_in_child=lambda: globals().update(_lock=threading.Lock()))


@contextmanager
def silent_libraries() -> Iterator[None]:
    """Discard what is written to file descriptor 2, where that is possible."""
    with _lock:
        try:
            original = os.dup(_ERRORS)
        except OSError:             # the stream is closed
            yield
            return
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            try:
                os.dup2(nowhere, _ERRORS)
            finally:
                os.close(nowhere)
            yield
        finally:
            os.dup2(original, _ERRORS)
            os.close(original)
