"""More than a thousand right gradients, beside the museum's wrong ones."""

from collections.abc import Iterator

from tools.museum.right import awkward, opinfo, ours, special
from tools.museum.right.function import RightFunction

SOURCES = {
    "scipy.special": special.functions,
    "awkward": awkward.functions,
    "minigrad": ours.functions,
    "OpInfo": opinfo.functions,
}


def right_functions() -> Iterator[RightFunction]:
    """All of them, source by source; the last source needs torch."""
    for functions in SOURCES.values():
        yield from functions()


__all__ = ["SOURCES", "RightFunction", "right_functions"]
