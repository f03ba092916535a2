"""JSON as our programs write it; what a stranger may have written instead is refused.

Python's parser takes NaN, numbers of any size, and lists within lists as deep as its stack: each of
them ends in an exception where the data is used, or written again.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

MAX_DEPTH = 20          # lists and objects within one another; records have five
MAX_BYTES = 32_000_000  # of a file: a run of seventy thousand iterations
MAX_DIGITS = 300        # of a whole number, which then is a finite float


def loads(text: str | bytes) -> Any:
    """The content of a JSON text of finite numbers and little depth.

    Raises
    ------
    ValueError
        It has anything else, or is not JSON.
    TypeError
        It is not text.
    """
    try:
        content = json.loads(text, parse_constant=_refuse, parse_float=_number, parse_int=_whole)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    _check_depth(content, MAX_DEPTH)
    return content


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"it has the number {word}")


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        _refuse(text[:40])
    return number


def _whole(text: str) -> int:
    if len(text) > MAX_DIGITS:
        _refuse(text[:40])
    return int(text)


def _check_depth(content: Any, left: int) -> None:
    if not isinstance(content, (dict, list)):
        return
    if not left:
        raise ValueError("it is nested too deeply")
    for entry in content.values() if isinstance(content, dict) else content:
        _check_depth(entry, left - 1)
