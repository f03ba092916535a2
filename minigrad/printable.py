"""Text of unknown origin, such as names of files, for terminals, logs and comments."""

from __future__ import annotations


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
