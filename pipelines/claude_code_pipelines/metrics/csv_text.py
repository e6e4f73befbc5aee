"""CSV of tables: exact values, and no text that a spreadsheet runs as a formula."""

from __future__ import annotations

import csv
import datetime as dt
import re
from decimal import Decimal
from io import StringIO
from typing import Any

from ..visible_text import visible
from .tables import Table

# What a spreadsheet takes for the beginning of a formula (owasp.org, CSV Injection), full-width signs too. In countries
# with a decimal comma it opens CSV with semicolons, so a formula may also begin behind one.
_FORMULA = re.compile(r"(^|;)(\s*)(?=[-=+@\uff0d\uff1d\uff0b\uff20])")


def csv_of(table: Table) -> str:
    """Returns a table as CSV under the keys of its columns, without the total; nothing where a value is not known."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(cell(column.key) for column in table.columns)
    writer.writerows([cell(value) for value in row] for row in table.data)
    return text.getvalue()


def cell(value: Any) -> str:
    """Returns a value as text for a cell; an apostrophe keeps foreign text from being a formula."""
    if value is None:
        return ""
    if isinstance(value, (Decimal, float)):
        return f"{Decimal(str(value)).normalize():f}"
    if isinstance(value, (bool, int, dt.date)):
        return str(value)
    return _FORMULA.sub(r"\1\2'", visible(str(value)))
