"""Daily reports as data: the tables of a report, how it is fetched, how it is shaped."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from .api.client import Session
from .privacy import Pseudonymizer
from .warehouse.schema import Table
from .warehouse.unknown_fields import ExtraColumns


@dataclass(frozen=True)
class FetchedDay:
    """All pages of one day.

    Attributes:
        date: The UTC day.
        bodies: Response bodies of its pages.
        record_count: Records on all of them.
        request_id: `request-id` of the last page, where it was sent.
        fetched_at: The time of the request for the first page (UTC): the state of the data that the records show.
    """

    date: dt.date
    bodies: tuple[bytes, ...]
    record_count: int
    request_id: str | None
    fetched_at: dt.datetime

    @property
    def nbytes(self) -> int:
        """Bytes of its pages."""
        return sum(map(len, self.bodies))


@dataclass(frozen=True)
class ShapedDay:
    """One day as Arrow tables, whatever load it goes into. The facts of its fetch are those of `FetchedDay`.

    Attributes:
        content_hash: Hash of the records, without the texts of their actors.
        tables: By name, the rows of each record table, the root first; without `_dlt_load_id`.
    """

    date: dt.date
    fetched_at: dt.datetime
    pages: int
    request_id: str | None
    content_hash: str
    tables: dict[str, pa.Table]

    @property
    def nbytes(self) -> int:
        """Bytes of its tables."""
        return sum(table.nbytes for table in self.tables.values())

    @property
    def record_count(self) -> int:
        """Rows of its root table."""
        return int(next(iter(self.tables.values())).num_rows)


@dataclass(frozen=True)
class Shaping:
    """Settings of a run for shaping.

    Attributes:
        organization_id: Own organization, for records that name none; None: they belong to `unknown`.
        actors: Treatment of actors.
        extra: Columns beside the declared ones.
    """

    organization_id: str | None
    actors: Pseudonymizer
    extra: ExtraColumns


@dataclass(frozen=True)
class DailyReport:
    """A report that is read and replaced by UTC day.

    Attributes:
        name: Name of the resource and of the root table.
        tables: Record tables, the root first.
        ledger: Table of the fetches.
        fetch: Reads all pages of a day.
        shape_documented: Shapes a day whose records are all as documented; else returns None. Pure and thread-safe.
        shape: Shapes any day; raises `UndecodableDay`.
    """

    name: str
    tables: tuple[Table, ...]
    ledger: Table
    fetch: Callable[[Session, dt.date], FetchedDay]
    shape_documented: Callable[[FetchedDay, str | None, Pseudonymizer], ShapedDay | None]
    shape: Callable[[FetchedDay, Shaping], ShapedDay]
