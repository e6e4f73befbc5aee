"""Days for tests of shaping: fetched from bytes, without HTTP, and shaped."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from typing import Any

from dlt.common.normalizers.naming.snake_case import NamingConvention

from claude_code_analytics.claude_code.columns import MODEL_BREAKDOWN, TOOL_ACTIONS, USAGE
from claude_code_analytics.claude_code.pages import FetchedDay, read_page
from claude_code_analytics.claude_code.tables import ShapedDay, Shaping, shape
from claude_code_analytics.privacy import pseudonymizer
from claude_code_analytics.warehouse.unknown_fields import ExtraColumns, column_naming
from claude_code_simulator import SAMPLE_ORGANIZATION_ID
from support.world import FIRST_DAY, NOW

DAY, FETCHED_AT = FIRST_DAY, NOW
RECORD_TABLES = (USAGE, TOOL_ACTIONS, MODEL_BREAKDOWN)
NAMING = NamingConvention(63)


def fetched(*pages: Sequence[Any] | bytes, day: dt.date = DAY) -> FetchedDay:
    """A day as the client returns it, from the records of its pages or from their JSON."""
    listed = [page if isinstance(page, bytes) else json.dumps(page).encode() for page in pages]
    bodies = [b'{"data":%b,"has_more":false}' % text for text in listed]
    decoded = [page.documented if page else None for page in map(read_page, bodies)]
    return FetchedDay(
        date=day,
        bodies=tuple(bodies),
        record_count=sum(len(page) for page in pages),
        request_id="req_last",
        fetched_at=FETCHED_AT,
        documented=None if None in decoded else [record for page in decoded for record in page or ()],
    )


def shaping(
    mode: str = "keep",
    key: str = "key",
    organization_id: str = SAMPLE_ORGANIZATION_ID,
    warn: Callable[[str], None] = lambda message: None,
) -> Shaping:
    """Settings of a run that meets its first day."""
    return Shaping(organization_id, pseudonymizer(mode, key), ExtraColumns(column_naming(NAMING), {}, warn))


def shaped(*records: Any, settings: Shaping | None = None, day: dt.date = DAY) -> ShapedDay:
    """Shapes a day of these records."""
    return shape(fetched(records, day=day), settings or shaping())


def rows(*records: Any, table: str = USAGE.name, settings: Shaping | None = None) -> list[dict[str, Any]]:
    """Shapes a day of these records and returns the rows of one table."""
    found: list[dict[str, Any]] = shaped(*records, settings=settings).tables[table].to_pylist()
    return found
