"""Fields of `Settings` that accept several forms of a value and store one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

from nst.config.validators import AUTO, option_name

Accepted = TypeVar("Accepted")
Stored = TypeVar("Stored")


class Converted(Generic[Accepted, Stored]):
    """A field that accepts several forms of a value and stores one.

    Parameters
    ----------
    convert : callable
        From the option's name and an accepted value to the stored one.
    default
        The default, as an accepted value. If it is None, None and "auto" are stored as None.
    """

    def __init__(self, convert: Callable[[str, Any], Stored], default: Accepted) -> None:
        self.convert = convert
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    # Dataclasses read the default from the class.
    @overload
    def __get__(self, instance: None, owner: type) -> Accepted: ...

    @overload
    def __get__(self, instance: object, owner: type) -> Stored: ...

    def __get__(self, instance: object | None, owner: type) -> Accepted | Stored:
        return self.default if instance is None else instance.__dict__[self.name]

    def __set__(self, instance: object, value: Accepted) -> None:
        instance.__dict__[self.name] = checked(self.name, value, self.default, self.convert)


def checked(name: str, value: Any, default: Any, check: Callable[[str, Any], Any] | None) -> Any:
    """Return a field's value in its final form."""
    if default is None and (value is None or (isinstance(value, str) and value == AUTO)):
        return None
    return value if check is None else check(option_name(name), value)
