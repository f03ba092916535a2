"""A check that pictures fit into memory before they are scaled."""

from __future__ import annotations

from collections.abc import Collection

from minigrad.errors import ArgumentError
from nst.system import free_memory
from nst.system.units import in_bytes

SCALING = 30                # bytes per pixel that Pillow and NumPy need to scale a picture
ADVICE = "choose a smaller --size, --style-scale or --margin"


def check_memory(sizes: Collection[tuple[int, int]], max_memory: int | None = None,
                 advice: str = ADVICE) -> None:
    """Check that the pictures alone, scaled to `sizes`, fit into memory.

    Parameters
    ----------
    sizes : collection of (int, int)
        Width and height of each picture.
    max_memory : int, optional
        Bytes that may be used; by default the available memory.
    advice : str
        What to do, for the end of the message.

    Raises
    ------
    ArgumentError
        The pictures alone need more memory than is available.
    """
    needed = SCALING * sum(width * height for width, height in sizes)
    available = max_memory or free_memory.available()
    if available is not None and needed > available:
        width, height = max(sizes, key=lambda size: size[0] * size[1])
        limit = (f"max-memory is {in_bytes(available)}" if max_memory
               else f"only {in_bytes(available)} are available")
        raise ArgumentError(f"a picture of {width}×{height} pixels needs {in_bytes(needed)} of "
                            f"memory just to be loaded, but {limit}; {advice}")
