"""CSV of tables: exact values, and no text that a spreadsheet runs as a formula."""

from __future__ import annotations

import csv
import datetime as dt
from decimal import Decimal
from io import StringIO
from typing import Any

from claude_code_analytics.foreign_text import printable

from .tables import Table

# A spreadsheet takes a cell that begins with one of these as a formula (owasp.org, CSV Injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_of(table: Table) -> str:
    """Returns a table as CSV under the keys of its columns, without the total; nothing where a value is not known."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(cell(column.key) for column in table.columns)
    writer.writerows([cell(value) for value in row] for row in table.data)
    return text.getvalue()


def cell(value: Any) -> str:
    """Returns a value as text for a cell; a leading apostrophe keeps foreign text from being a formula."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, (bool, int, float, dt.date)):
        return str(value)
    text = printable(str(value))
    return f"'{text}" if text.startswith(_FORMULA) else text
