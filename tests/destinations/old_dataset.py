"""A dataset that an older version of this project made: what it was told, how it is written down, how it is restored.

As a program, in an environment that has the older version: `python tests/destinations/old_dataset.py FOLDER` loads into
a DuckDB file, and writes two files: `dataset.sql`, the whole dataset with dlt's own tables, and `told.json`, what the
API had said. Both are plain text, so that no later DuckDB is too new to read them.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from places import Place
from places.duckdb_file import DuckDb
from story import Story, some_records
from truth import PLACES

DATASET = "claude_code"
FOLDER = Path(__file__).parent / "old"
FIRST = dt.date(2026, 9, 1)
LAST = dt.date(2026, 9, 14)
ONE_DAY = dt.timedelta(days=1)
FIELDS = ("flag", "note", "core_metrics.reviews", "origin")
"""Places of what the older version did not know, and met."""
LATER = ("region", "core_metrics.commits_signed", "labels")
"""Places of what the API sends only after it."""
COMPARED = (*PLACES, *FIELDS, *LATER)


def restore(place: Place) -> None:
    """Makes the dataset anew at a place."""
    place.run((FOLDER / "dataset.sql").read_text(encoding="utf-8"))


def remember(story: Story) -> None:
    """Has a story know what the older version was told, and when."""
    for request_id, (day, asked_at, told) in json.loads((FOLDER / "told.json").read_text(encoding="utf-8")).items():
        story.recall(request_id, dt.date.fromisoformat(day), dt.datetime.fromisoformat(asked_at), told)


class _Clock:
    """The time of the older version's loads."""

    def __init__(self) -> None:
        self.now = dt.datetime.combine(LAST, dt.time(12), dt.timezone.utc)

    def __call__(self) -> dt.datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.move(seconds=seconds)

    def move(self, **span: float) -> None:
        self.now += dt.timedelta(**span)


def _make(folder: Path, working: Path) -> None:
    place = DuckDb(working)
    os.environ.update(place.environment, DLT_DATA_DIR=str(working), RUNTIME__DLTHUB_TELEMETRY="false")
    story = Story(place, DATASET, _Clock(), working, places=COMPARED)
    story.write_days(FIRST, LAST)
    story.write(FIRST + ONE_DAY)
    story.load(start=FIRST, window_days=5)
    one, two, three = some_records(FIRST + 3 * ONE_DAY, 40)
    story.write(
        FIRST + 3 * ONE_DAY,
        {**one, "flag": True, "note": 'it\'s "new"', "origin": {"kind": "ci", "runs": [1, 2.5, None]}},
        {**two, "flag": False, "core_metrics": {**two["core_metrics"], "reviews": 4}},
        {**three, "note": ""},
    )
    story.write(FIRST + 4 * ONE_DAY)
    story.backfill(FIRST + 2 * ONE_DAY, FIRST + 5 * ONE_DAY)
    story.clock.move(days=1)
    story.write_days(LAST, LAST + ONE_DAY, sessions=20)
    story.load(start=FIRST)
    story.require_truth()
    (folder / "dataset.sql").write_text("".join(_statements(place)), encoding="utf-8")
    told = {request_id: (f"{day}", f"{asked}", rows) for request_id, day, asked, rows in story.told()}
    (folder / "told.json").write_text(json.dumps(told, ensure_ascii=False, indent=0), encoding="utf-8")
    place.close()


def _statements(place: DuckDb) -> Iterator[str]:
    """The dataset as SQL; every value stands there as text, which any type can be read from exactly."""
    yield f"CREATE SCHEMA {DATASET};\n"
    listed = "SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns() WHERE schema_name = '{}'"
    columns: dict[str, list[tuple[Any, ...]]] = {}
    for table, *column in place.run(listed.format(DATASET)):
        columns.setdefault(table, []).append(tuple(column))
    for table, described in sorted(columns.items()):
        lines = [f'  "{name}" {kind}{"" if nullable else " NOT NULL"}' for name, kind, nullable in described]
        yield f"CREATE TABLE {DATASET}.{table} (\n" + ",\n".join(lines) + "\n);\n"
        values = ", ".join(f'"{name}"::TEXT' for name, *_ in described)
        for row in place.run(f"SELECT {values} FROM {DATASET}.{table} ORDER BY ALL"):  # noqa: S608
            yield f"INSERT INTO {DATASET}.{table} VALUES ({', '.join(map(_literal, row))});\n"  # noqa: S608


def _literal(value: str | None) -> str:
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as working:
        _make(Path(sys.argv[1]), Path(working))
