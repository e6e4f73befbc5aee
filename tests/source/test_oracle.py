"""The oracle (decision D6): dlt's own relational normalizer, given the same records, makes the same rows."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import dlt
import duckdb

from claude_code_analytics.claude_code.pages import read_json
from claude_code_simulator import OMITTED, SampleOrganization, ScriptedOrganization, model_usage, record

WEDNESDAY = dt.date(2026, 9, 16)
DAYS = [WEDNESDAY + dt.timedelta(days=number) for number in range(4)]
USAGE, TOOLS, MODELS = "claude_code_usage", "claude_code_usage__tool_actions", "claude_code_usage__model_breakdown"


def odd_records(day: dt.date) -> Iterator[dict[str, Any]]:
    """Records that follow the schema, and yet are rare."""
    yield record(day, subscription_type=OMITTED, is_remote=OMITTED, terminal_type=None)
    yield record(day, subscription_type="enterprise", terminal_type="", email="GRÄCE@exämple.test")
    yield record(day, api_key="夜間ビルド 🚀 'quoted' \"twice\" \\ back\nline", tools={}, models=[])
    yield record(day, tools={}, models=["m", "m"], sessions=0, added=2**40, removed=2**63 - 1)
    yield record(day, tools={"zeta": (0, 0), "alpha": (2**40, 1), "Mixed-Case Tool": (5, 5)})
    amounts = [0, 15.6, 0.1, "12.50", 10**20, 19.0, None]
    yield record(day, email="money@example.test", models=[model_usage("m", cents=cents) for cents in amounts])
    yield record(day, email="yen@example.test", models=[model_usage("m", currency="JPY")])
    yield record(day, email="twice@example.test")
    yield record(day, email="twice@example.test")
    yield record(day, email="null@example.test", tool_actions=None, model_breakdown=None, core_metrics=None)
    yield record(day, email="new@example.test", effort="high", core_metrics={"num_sessions": 1, "newThing": 5})
    yield record(day, email="half@example.test", core_metrics={"lines_of_code": {"added": 1}}, actor={"type": "x"})


def for_the_oracle(sent: dict[str, Any]) -> dict[str, Any]:
    """A record as dlt's normalizer takes it: the map of tools as a list by name, amounts as the decimals they are."""
    decoded = read_json(json.dumps(sent).encode())
    decoded["tool_actions"] = [
        {"tool_name": name, **counts} for name, counts in sorted((decoded["tool_actions"] or {}).items())
    ]
    for model in decoded["model_breakdown"] or ():
        amount = model["estimated_cost"]["amount"]
        model["estimated_cost"]["amount"] = None if amount is None else Decimal(amount)
    return decoded


def rows_of(database: Path) -> dict[str, list[dict[str, Any]]]:
    with duckdb.connect(str(database)) as connection:
        connection.execute("USE claude_code")
        found = {}
        for table in (USAGE, TOOLS, MODELS):
            result = connection.execute(f"SELECT * FROM {table}")  # noqa: S608
            names = [column[0] for column in result.description or []]
            found[table] = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        return found


def records_of(database: Path) -> list[str]:
    """All that a warehouse holds, record by record with its children, as comparable text."""
    tables = rows_of(database)
    ours = {"organization_id", "date"}

    def values(row: dict[str, Any], without: set[str]) -> dict[str, Any]:
        return {
            name: value
            for name, value in sorted(row.items())
            if value is not None and not name.startswith("_dlt") and name not in without
        }

    records = {row["_dlt_id"]: {"record": values(row, set())} for row in tables[USAGE]}
    for table in (TOOLS, MODELS):
        for child in sorted(tables[table], key=lambda row: row["_dlt_list_idx"]):
            children = records[child["_dlt_parent_id"]].setdefault(table, {})
            children[child["_dlt_list_idx"]] = values(child, ours)
    return sorted(map(repr, records.values()))


def test_the_rows_are_those_of_dlts_own_normalizer(warehouse: Any, tmp_path: Path) -> None:
    sample = SampleOrganization(developers=30)
    later = dt.datetime(2026, 9, 30, tzinfo=dt.timezone.utc)
    organization: ScriptedOrganization = warehouse.organization
    for day in DAYS:
        warehouse.write(day, *sample.records(day, later), *(odd_records(day) if day == WEDNESDAY else ()))
    sent = [each for day in DAYS for each in organization.days[day]]
    assert len(sent) > 100
    warehouse.load(start_date=DAYS[0], end_date=DAYS[-1])

    oracle = dlt.pipeline(
        "oracle",
        destination=dlt.destinations.duckdb(str(tmp_path / "oracle.duckdb")),
        dataset_name="claude_code",
        pipelines_dir=str(tmp_path / "pipelines"),
    )
    resource = dlt.resource(map(for_the_oracle, sent), name=USAGE, columns={"date": {"data_type": "date"}})
    oracle.run(resource, loader_file_format="parquet")

    mine, theirs = records_of(warehouse.database), records_of(tmp_path / "oracle.duckdb")
    assert len(mine) == len(sent)
    assert mine == theirs
