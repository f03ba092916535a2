"""More than two thousand right gradients, beside the museum's wrong ones."""

from collections.abc import Callable, Iterator
from importlib import import_module

from tools.museum.right.function import RightFunction


def _functions_of(module: str) -> Callable[[], Iterator[RightFunction]]:
    """The `functions` of a module that is imported only when they are needed."""
    return lambda: import_module(f"tools.museum.right.{module}").functions()


SOURCES = {
    "scipy.special": _functions_of("special"),
    "awkward": _functions_of("awkward"),
    "minigrad": _functions_of("ours"),
    "OpInfo": _functions_of("opinfo"),
}
# The packages that a source needs besides NumPy.
NEEDS = {"scipy.special": ["scipy"], "OpInfo": ["torch", "expecttest"]}

__all__ = ["NEEDS", "SOURCES", "RightFunction"]
