"""The query parameters of the analytics report: what is read from them, and what is refused.

Pure functions of the parameters; a refusal is an exception that `api` turns into a 400.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from . import paging

DEFAULT_LIMIT: Final = 20
LIMITS: Final = range(1, 1001)
KNOWN: Final = ("starting_at", "limit", "page")

# `[0-9]` and not `\d`, which takes the digits of every script.
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")


class InvalidParameter(ValueError):
    """A parameter is refused; the text is the API's message, `<param>: <reason>`."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(f"{parameter}: {reason}")


@dataclass(frozen=True)
class Query:
    """What is asked for.

    Attributes:
        day: UTC day.
        limit: Records on the page.
        cursor: Where the page starts; None for the first page.
    """

    day: dt.date
    limit: int
    cursor: paging.Cursor | None


def read(params: Mapping[str, str], organization_id: str, *, reject_unknown: bool = False) -> Query:
    """Read and check the parameters of a request.

    Args:
        params: Parameters by name, decoded.
        organization_id: Whose page tokens are good.
        reject_unknown: Refuse parameters that are not documented instead of ignoring them.

    Raises:
        InvalidParameter: The first parameter that is wrong.
    """
    day = _day(params.get("starting_at"))
    limit = integer("limit", params.get("limit"), DEFAULT_LIMIT, LIMITS)
    cursor = _cursor(params.get("page"), day, organization_id)
    for name in params:
        if reject_unknown and name not in KNOWN:
            raise InvalidParameter(name, "Extra inputs are not permitted")
    return Query(day, limit, cursor)


def _day(value: str | None) -> dt.date:
    if value is None:
        raise InvalidParameter("starting_at", "Field required")
    if not _DAY.fullmatch(value):
        raise InvalidParameter("starting_at", r"String should match pattern '^\d{4}-\d{2}-\d{2}$'")
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise InvalidParameter("starting_at", "Input should be a valid date") from None


def integer(name: str, value: str | None, default: int, allowed: range) -> int:
    """Read the whole number of parameter `name`.

    Raises:
        InvalidParameter: It is none, or not among the `allowed` ones.
    """
    if value is None:
        return default
    if not _INTEGER.fullmatch(value):
        raise InvalidParameter(name, "Input should be a valid integer")
    if int(value) not in allowed:
        raise InvalidParameter(name, f"Input should be between {allowed[0]} and {allowed[-1]}")
    return int(value)


def _cursor(token: str | None, day: dt.date, organization_id: str) -> paging.Cursor | None:
    if token is None:
        return None
    try:
        cursor = paging.decode(token, organization_id)
    except ValueError:
        raise InvalidParameter("page", "Invalid page token") from None
    if cursor.day != day:
        raise InvalidParameter("page", "Page token belongs to another starting_at")
    return cursor
