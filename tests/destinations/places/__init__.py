"""Where the story is told: how each destination is reached, how dlt is led there, and how its tables are read back."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from truth import LEDGER, MODELS, TOOLS, USAGE, Row, Tables

TABLES = (USAGE, TOOLS, MODELS, LEDGER)
HOW_TO_START = "python tests/destinations"
"""The command that starts what a place needs."""


class Missing(Exception):
    """A place cannot be had here; why, and what to do, in one sentence."""


class Place(Protocol):
    """A destination that is up and can be loaded into.

    Attributes:
        name: The destination's name in dlt.
        environment: Environment variables that lead dlt there.
    """

    name: str
    environment: Mapping[str, str]

    def tables(self, dataset: str) -> Tables:
        """The rows of all tables of a dataset, as plain values; those that are not there are left out."""

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """What the destination answers to a statement of its own SQL."""

    def qualified(self, dataset: str, table: str) -> str:
        """How its SQL calls a table."""

    def rename(self, dataset: str, table: str, name: str) -> None:
        """Gives a table another name."""

    def close(self) -> None:
        """Ends what was started for it."""


def rows_of(names: Iterable[str], rows: Iterable[Sequence[Any]], convert: Callable[[str, Any], Any]) -> list[Row]:
    """Rows by column name, lower-cased, with each value made a plain one."""
    columns = [name.lower() for name in names]
    return [{name: convert(name, value) for name, value in zip(columns, row, strict=True)} for row in rows]


def decoded(value: Any) -> Any:
    """A JSON value that a driver gives as text."""
    return json.loads(value) if isinstance(value, str) else value


def in_utc(value: Any) -> Any:
    """A time in UTC, where it is one."""
    return value.astimezone(dt.timezone.utc) if isinstance(value, dt.datetime) else value
