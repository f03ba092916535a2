"""Text that comes with Python: the help pages of its language, as words and as one string."""

from __future__ import annotations

import re

import numpy as np


def manual() -> str:
    """All help pages of Python's language (`help("topics")`), one after the other."""
    from pydoc_data.topics import topics
    return "\n".join(topics[name] for name in sorted(topics))


def words(longest: int = 12) -> list[str]:
    """The different words of the manual: 3 to `longest` small letters, in alphabetical order."""
    found = re.findall(r"(?<![\w.])[a-z]{3,}(?![\w.(])", manual())
    return sorted({word for word in found if len(word) <= longest})


def alphabet(text: str) -> str:
    """The different characters of a text, in order."""
    return "".join(sorted(set(text)))


def numbers(text: str, characters: str) -> np.ndarray:
    """Each character as its place in an alphabet."""
    place = {character: i for i, character in enumerate(characters)}
    return np.array([place[character] for character in text], np.int64)
