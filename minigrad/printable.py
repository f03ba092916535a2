"""Text of unknown origin, such as names of files, for terminals, logs and comments."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable
from typing import Any

LONGEST = 60            # characters of one argument in a message
_NOT_ASCII = re.compile("[^\n\x20-\x7e\ud800-\udfff]")


def printable(value: object, longest: int | None = None) -> str:
    """The text of a value in one line, without characters that control a terminal.

    Line ends, escape sequences, and characters that reverse the direction of writing become "�".

    Parameters
    ----------
    longest : int, optional
        Longer text is shortened in its middle.
    """
    text = "".join(letter if letter.isprintable() else "�" for letter in str(value))
    if longest is not None and len(text) > longest:
        return f"{text[: longest // 2]} … {text[-longest // 2 :]}"
    return text


def one_line(text: str, longest: int | None) -> str:
    """A message as one printable line of at most `longest` characters; with None as it is."""
    if longest is None:
        return text
    joined = " ".join(filter(None, map(str.strip, text.splitlines())))
    return printable(joined, longest if len(joined) <= longest else longest - 3)


def escape_controls(text: str, escape: Callable[[str], str]) -> str:
    """Replace characters that control a terminal, but for line ends, by `escape` of each.

    For files of text that users may copy to a terminal. What is no character at all, bytes of a
    name that is not UTF-8, stays.
    """
    return _NOT_ASCII.sub(lambda match: match[0] if match[0].isprintable() else escape(match[0]),
                          text)


def escaped_json(text: str) -> str:
    """JSON with the same meaning, whose texts do not control a terminal."""
    def escape(letter: str) -> str:
        units = letter.encode("utf-16-be").hex()
        return "".join(f"\\u{units[k : k + 4]}" for k in range(0, len(units), 4))

    return escape_controls(text, escape)


def escaped(text: str) -> str:
    """Text in one line, as Python escapes it: for names of files that are stored, not shown."""
    return escape_controls(text.replace("\n", "\\n"),
                           lambda letter: letter.encode("unicode_escape").decode())


def shown(value: object) -> str:
    """An argument in a message: tensors by type and shape, others as they are written, but short.

    To write out a whole tensor or a long list would take time, and fill the screen.
    """
    text = one_line(_SHORT.repr(value), 2 * LONGEST)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def shape_of(value: object) -> tuple[int, ...] | None:
    """The shape of an array or tensor; None for others, such as a class of arrays.

    A class has the attribute as well: a description of what its objects have.
    """
    shape = getattr(value, "shape", None)
    return tuple(shape) if isinstance(shape, tuple) else None


class Short(reprlib.Repr):
    """Python's own, with a word for tensors, for objects of minigrad, and for immense numbers.

    Parameters
    ----------
    longest : int
        Characters of a text or a number.
    items : int
        Of a list or a table.
    level : int
        Of lists within lists.
    """

    def __init__(self, longest: int, items: int, level: int = 6) -> None:
        super().__init__()
        self.maxlevel = level
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdict = items
        self.maxstring = self.maxlong = self.maxother = longest

    def repr_instance(self, x: Any, level: int) -> str:
        shape = shape_of(x)
        if shape is not None and hasattr(x, "dtype"):
            return f"a {x.dtype} tensor of shape {shape}"
        if type(x).__module__.startswith("minigrad"):
            return f"a {type(x).__name__}"
        return super().repr_instance(x, level)

    def repr_int(self, x: int, level: int) -> str:
        # Python refuses to write out more than 4300 digits.
        return super().repr_int(x, level) if x.bit_length() < 1000 \
            else f"an integer of {x.bit_length()} bits"


_SHORT = Short(LONGEST, 30)
