"""The one late binding of the engine.

Tensors and rules call operations (`x + y`, the sum that undoes broadcasting), but operations are
built on tensors. So the core imports this module, which is empty at first, and `minigrad.ops`
fills it as soon as its operations exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def provide(operations: Mapping[str, Any]) -> None:
    """Make the public names among `operations` attributes of this module."""
    globals().update({name: value for name, value in operations.items()
                      if not name.startswith("_")})


def __getattr__(name: str) -> Any:
    raise AttributeError(f"minigrad.ops has not provided an operation {name!r}")
