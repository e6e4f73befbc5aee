"""Types of public arguments, checked where they arrive: a wrong one is one line, not a failure far from its cause."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType

from .exceptions import ConfigurationError

# By argument, the types that it may have.
Types = Mapping[str, tuple[type, ...]]

OPTIONAL_TEXT = (str, NoneType)


def check_types(types: Types, given: Mapping[str, object]) -> None:
    """Raises ConfigurationError where an argument is of another type; it names no value, which may be a secret."""
    for name, allowed in types.items():
        if not isinstance(given[name], allowed):
            wanted = " or ".join("None" if kind is NoneType else kind.__name__ for kind in allowed)
            raise ConfigurationError(f"{name} is of type {type(given[name]).__name__}; it must be of type {wanted}")


def check_whole_number(name: str, value: object, least: int) -> None:
    """Raises ConfigurationError where a parameter is no whole number, or too small."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigurationError(f"{name} is {value!r}; it must be a whole number, {least} or more")
