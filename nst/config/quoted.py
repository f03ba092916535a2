"""Values of options in error messages: short, whatever a file or a command line holds."""

from __future__ import annotations

import reprlib

LONGEST = 80            # characters of a text or a number
MAX_ITEMS = 4           # of a list or a table
MAX_LEVEL = 3           # of lists within lists


class _Short(reprlib.Repr):
    """`repr`, cut short; it neither descends without end nor writes thousands of digits."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = MAX_LEVEL
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdict = MAX_ITEMS
        self.maxstring = self.maxother = self.maxlong = LONGEST

    def repr_int(self, value: int, level: int) -> str:
        # Python refuses to write more than 4300 digits, and takes long for fewer.
        if value.bit_length() > 3 * LONGEST:
            return f"a number of {value.bit_length()} bits"
        return repr(value)


def quoted(value: object) -> str:
    """The value as Python writes it, shortened in its middle or at its end."""
    return _short.repr(value)


_short = _Short()
