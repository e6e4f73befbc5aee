"""The oracle (decision D6): dlt's own relational normalizer makes the same rows of the same records."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from dlt.common.schema import Schema

from claude_code_analytics.claude_code.columns import MODEL_BREAKDOWN, TOOL_ACTIONS, USAGE
from claude_code_analytics.claude_code.tables import shape_any, shape_documented
from claude_code_analytics.json_codec import decode_exact
from claude_code_analytics.privacy import pseudonymizer
from claude_code_simulator import OMITTED, SAMPLE_ORGANIZATION_ID, SampleOrganization, model_usage, record
from support.shaped_days import DAY, RECORD_TABLES, fetched, shaping

LATER = dt.datetime(2026, 9, 30, tzinfo=dt.timezone.utc)


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


def unexpected_records(day: dt.date) -> Iterator[dict[str, Any]]:
    """Records that need the general path."""
    yield record(day, email="null@example.test", tool_actions=None, model_breakdown=None, core_metrics=None)
    yield record(day, email="new@example.test", effort="high", core_metrics={"num_sessions": 1, "newThing": 5})
    yield record(day, email="half@example.test", core_metrics={"lines_of_code": {"added": 1}}, actor={"type": "x"})


def for_the_oracle(sent: dict[str, Any]) -> dict[str, Any]:
    """A record as dlt's normalizer takes it: the map of tools as a list by name, amounts as the decimals they are."""
    decoded: dict[str, Any] = decode_exact(json.dumps(sent).encode())
    decoded["date"] = dt.date.fromisoformat(decoded["date"][:10])
    decoded["tool_actions"] = [
        {"tool_name": name, **counts} for name, counts in sorted((decoded["tool_actions"] or {}).items())
    ]
    for model in decoded["model_breakdown"] or ():
        amount = model["estimated_cost"]["amount"]
        model["estimated_cost"]["amount"] = None if amount is None else Decimal(amount)
    return decoded


def of_the_oracle(sent: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The rows of dlt's normalizer by table."""
    rows: dict[str, list[dict[str, Any]]] = {table.name: [] for table in RECORD_TABLES}
    for each in map(for_the_oracle, sent):
        for (table, *_), row in Schema("oracle").normalize_data_item(each, "load", USAGE.name):
            rows[table].append(row)
    return rows


def whole_records(tables: dict[str, list[dict[str, Any]]]) -> list[str]:
    """All records with their children, as comparable text."""

    def values(row: dict[str, Any], without: set[str]) -> dict[str, Any]:
        return {
            name: value.normalize() if isinstance(value, Decimal) else value
            for name, value in sorted(row.items())
            if value is not None and not name.startswith("_dlt") and name not in without
        }

    records: dict[str, dict[str, Any]] = {row["_dlt_id"]: {"record": values(row, set())} for row in tables[USAGE.name]}
    for table in (TOOL_ACTIONS.name, MODEL_BREAKDOWN.name):
        for child in sorted(tables[table], key=lambda row: row["_dlt_list_idx"]):
            children = records[child["_dlt_parent_id"]].setdefault(table, {})
            children[child["_dlt_list_idx"]] = values(child, {"organization_id", "date"})
    return sorted(map(str, records.values()))


def test_the_rows_are_those_of_dlts_own_normalizer() -> None:
    documented = [*SampleOrganization(developers=100).records(DAY, LATER), *odd_records(DAY)]
    everything = [*documented, *unexpected_records(DAY)]
    assert len(documented) > 50
    for sent, day in (
        (documented, shape_documented(fetched(documented), SAMPLE_ORGANIZATION_ID, pseudonymizer("keep"))),
        (everything, shape_any(fetched(everything), shaping())),
    ):
        assert day is not None
        mine = whole_records({name: table.to_pylist() for name, table in day.tables.items()})
        assert len(mine) == len(sent)
        assert mine == whole_records(of_the_oracle(sent))
