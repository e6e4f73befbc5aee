"""What a dataset holds beside what the API said: how many rows were compared, how many are wrong, and what is wrong."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from truth import LEDGER, MODELS, TOOLS, USAGE, Contents, Day, RecordingApi, Row, Tables, broken_promises


@dataclass(frozen=True)
class Comparison:
    """Two sides, row by row and value by value.

    A row of a breakdown is compared together with the record that it belongs to: one that hangs on another record is
    wrong.

    Attributes:
        rows: Rows of all four tables that were compared, those that are missing included.
        wrong: Rows that are missing, or too many, or that hold another value than the API gave.
        said: What is wrong, a sentence each; empty where all is right.
    """

    rows: int
    wrong: int
    said: tuple[str, ...]


def compared(tables: Tables, contents: Contents, api: RecordingApi, asked_at: Mapping[str, dt.datetime]) -> Comparison:
    """Compares the tables of an organization with the last answer about each day that was asked for.

    Args:
        tables: The rows.
        contents: The same, as what they say of each day.
        api: What was answered.
        asked_at: When, by request-id.
    """
    told = _rows({day: api.answers[request_id][1] for day, request_id in api.last.items()})
    held = _rows(contents.days)
    lost, more = _by_table_and_day(told - held), _by_table_and_day(held - told)
    wrong = sum((lost | more).values()) + len(contents.orphans) + len(contents.doubles)
    said = broken_promises(contents, api)
    for entry in tables.get(LEDGER, ()):
        if untrue := _untrue(entry, api, asked_at):
            wrong += 1
            said.append(untrue)
    for day in sorted(api.last.keys() | contents.ledger.keys()):
        if contents.ledger.get(day) != api.last.get(day):
            wrong += 1
            said.append(f"the ledger's last fetch of {day} is {contents.ledger.get(day)}, not {api.last.get(day)}")
    if wrong and not said:
        said.append(f"{wrong} rows are wrong: {[*(told - held), *(held - told)][:3]}")
    return Comparison(sum((told | held).values()) + len(tables.get(LEDGER, ())), wrong, tuple(said))


def _rows(days: Mapping[dt.date, Day]) -> Counter[tuple[str, dt.date, str]]:
    """The rows of the three tables that days are made of."""
    rows: Counter[tuple[str, dt.date, str]] = Counter()
    for day, records in days.items():
        for text in records:
            values, tools, models = json.loads(text)
            rows[USAGE, day, json.dumps(values)] += 1
            for table, children in ((TOOLS, tools), (MODELS, models)):
                rows.update((table, day, json.dumps([values, child])) for child in children)
    return rows


def _by_table_and_day(rows: Counter[tuple[str, dt.date, str]]) -> Counter[tuple[str, dt.date]]:
    """How many: a row with another value than it should have is one that is lost and one too many, and counts once."""
    counts: Counter[tuple[str, dt.date]] = Counter()
    for (table, day, _), count in rows.items():
        counts[table, day] += count
    return counts


def _untrue(entry: Row, api: RecordingApi, asked_at: Mapping[str, dt.datetime]) -> str | None:
    """What a row of the ledger says that is not so."""
    request_id = entry["request_id"]
    if request_id not in api.answers:
        return f"the ledger knows a request that was never answered: {request_id}"
    day, told = api.answers[request_id]
    right = {
        "date": day,
        "records": len(told),
        "pages": 1,
        "fetched_at": asked_at[request_id],
        "is_final": day < asked_at[request_id].date(),
    }
    wrong = [f"{name} is {entry[name]}, not {value}" for name, value in right.items() if entry[name] != value]
    if not entry["_dlt_load_id"]:
        wrong.append("_dlt_load_id is empty")
    return f"the ledger's {request_id}: {', '.join(wrong)}" if wrong else None
