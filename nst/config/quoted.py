"""Values of options in error messages: short, whatever a file or a command line holds."""

from __future__ import annotations

from minigrad.printable import Short

LONGEST = 80            # characters of a text or a number
MAX_ITEMS = 4           # of a list or a table
MAX_LEVEL = 3           # of lists within lists


class _Short(Short):
    """Whole numbers stand in full, or not at all."""

    def repr_int(self, x: int, level: int) -> str:
        # Python refuses to write more than 4300 digits, and takes long for fewer.
        return repr(x) if x.bit_length() <= 3 * LONGEST else f"a number of {x.bit_length()} bits"


def quoted(value: object) -> str:
    """The value as Python writes it, shortened in its middle or at its end."""
    return _short.repr(value)


_short = _Short(LONGEST, MAX_ITEMS, MAX_LEVEL)
