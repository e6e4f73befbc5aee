"""Comparison of a dataset with what the API returned: rows compared, rows wrong, and what is wrong."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from support.truth import LEDGER, MODELS, TOOLS, USAGE, Contents, Day, RecordingApi, Row, Tables, broken_promises


@dataclass(frozen=True)
class Comparison:
    """Two sides, compared row by row and value by value.

    A row of a breakdown is compared together with the record that it belongs to.

    Attributes:
        rows: Rows of all four tables that were compared, missing ones included.
        wrong: Rows that are missing, too many, or hold another value.
        differences: What is wrong, one sentence each.
    """

    rows: int
    wrong: int
    differences: tuple[str, ...]


def compare(tables: Tables, contents: Contents, api: RecordingApi) -> Comparison:
    """Compares the tables of an organization with the last response about each requested day.

    Args:
        tables: The rows.
        contents: The same, by day.
        api: What was returned.
    """
    expected = _rows({day: api.answers[request_id][1] for day, request_id in api.last.items()})
    held = _rows(contents.days)
    lost, more = _by_table_and_day(expected - held), _by_table_and_day(held - expected)
    wrong = sum((lost | more).values()) + len(contents.orphans) + len(contents.doubles)
    differences = broken_promises(contents, api)
    for entry in tables.get(LEDGER, ()):
        if difference := _ledger_difference(entry, api):
            wrong += 1
            differences.append(difference)
    for day in sorted(api.last.keys() | contents.ledger.keys()):
        if contents.ledger.get(day) != api.last.get(day):
            wrong += 1
            differences.append(f"the newest fetch of {day} is {contents.ledger.get(day)}, not {api.last.get(day)}")
    if wrong and not differences:
        differences.append(f"{wrong} rows are wrong: {[*(expected - held), *(held - expected)][:3]}")
    return Comparison(sum((expected | held).values()) + len(tables.get(LEDGER, ())), wrong, tuple(differences))


def _rows(days: Mapping[dt.date, Day]) -> Counter[tuple[str, dt.date, str]]:
    """Returns the rows of the three record tables that days consist of."""
    rows: Counter[tuple[str, dt.date, str]] = Counter()
    for day, records in days.items():
        for text in records:
            values, tools, models = json.loads(text)
            rows[USAGE, day, json.dumps(values)] += 1
            for table, children in ((TOOLS, tools), (MODELS, models)):
                rows.update((table, day, json.dumps([values, child])) for child in children)
    return rows


def _by_table_and_day(rows: Counter[tuple[str, dt.date, str]]) -> Counter[tuple[str, dt.date]]:
    """Counts rows: one with a wrong value is one lost and one too many, and counts once."""
    counts: Counter[tuple[str, dt.date]] = Counter()
    for (table, day, _), count in rows.items():
        counts[table, day] += count
    return counts


def _ledger_difference(entry: Row, api: RecordingApi) -> str | None:
    request_id = entry["request_id"]
    if request_id not in api.answers:
        return f"the ledger has a request that the API never saw: {request_id}"
    day, records = api.answers[request_id]
    children = [json.loads(text)[1:] for text in records]
    expected = {
        "date": day,
        "records": len(records),
        "tool_actions": sum(len(tools) for tools, _ in children),
        "models": sum(len(models) for _, models in children),
        "pages": 1,
        "fetched_at": api.answered_at[request_id],
        "is_final": day < api.answered_at[request_id].date(),
    }
    wrong = [f"{name} is {entry[name]}, not {value}" for name, value in expected.items() if entry[name] != value]
    if not entry["_dlt_load_id"]:
        wrong.append("_dlt_load_id is empty")
    return f"the ledger's {request_id}: {', '.join(wrong)}" if wrong else None
