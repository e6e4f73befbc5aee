"""Contents of a record arrive whole: documented values, exact money, unknown fields, variants, nulls, stable ids."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from claude_code_analytics.claude_code.report import CLAUDE_CODE
from claude_code_simulator import SAMPLE_ORGANIZATION_ID, ScriptedOrganization, model_usage, record
from claude_code_simulator.faults.builders import rewritten
from support.days import CLOSED, MONDAY, TUESDAY, people
from support.world import MODELS, RECORD_TABLES, TOOLS, USAGE, World, counts

TABLES = {table.name: table for table in (*CLAUDE_CODE.tables, CLAUDE_CODE.ledger)}


DUCKDB_TYPES = {
    "text": "VARCHAR",
    "bigint": "BIGINT",
    "bool": "BOOLEAN",
    "decimal": "DECIMAL(38,9)",
    "date": "DATE",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
}


def test_every_column_exists_from_the_first_load_on_also_when_that_is_empty(world: World) -> None:
    world.run(**CLOSED)
    for name, table in TABLES.items():
        described = {row[0]: (row[1], row[2] == "YES") for row in world.sql(f"DESCRIBE {name}")}
        assert described == {column.name: (DUCKDB_TYPES[column.data_type], column.nullable) for column in table.columns}
    world.write(MONDAY, {"date": f"{MONDAY}T00:00:00Z", "organization_id": SAMPLE_ORGANIZATION_ID})
    world.run(**CLOSED)
    (row,) = world.rows()
    made = {"organization_id", "date", "_dlt_id", "_dlt_load_id"}
    assert {name for name, value in row.items() if value is not None} == made


AMOUNTS = {
    "0": ("0", None),
    "15.6": ("15.6", None),
    "0.1": ("0.1", None),
    "1e2": ("100", None),
    '"12.50"': ("12.5", None),
    "123456789012345678.123456789": ("123456789012345678.123456789", None),
    "0.000000001": ("0.000000001", None),
    "0.0000000001": (None, "1E-10"),
    "0.12345678912345": (None, "0.12345678912345"),
    "1e30": (None, "1000000000000000000000000000000"),
    '"12,50"': (None, "12,50"),
    "null": (None, None),
    "1e9999999999999999999": (None, "1e9999999999999999999"),
}


def test_amounts_of_any_kind_are_exact(world: World) -> None:
    sent = record(MONDAY, models=[model_usage(f"m{index:02}", cents=f"<{index}>") for index in range(len(AMOUNTS))])
    body = json.dumps({"data": [sent], "has_more": False, "next_page": None})
    for index, amount in enumerate(AMOUNTS):
        body = body.replace(f'"<{index}>"', amount)
    world.api.fault = lambda request, number: (
        httpx.Response(200, text=body) if request.url.params.get("starting_at") == str(MONDAY) else None
    )
    world.run(**CLOSED)
    amount = "estimated_cost__amount"
    by_model = {row["model"]: (row[amount], row[f"{amount}__v_text"]) for row in world.rows(MODELS)}
    assert [found for _, found in sorted(by_model.items())] == [
        (exact and Decimal(exact), text) for exact, text in AMOUNTS.values()
    ]
    assert world.columns(MODELS)[amount] == "DECIMAL(38,9)"


def test_what_the_reference_does_not_have_is_kept_and_logged_once(world: World, warnings_of: Any) -> None:
    odd = {
        "effort": "high",
        "score": 1.5,
        "where": {"city": "Oslo", "b": [1, None]},
        "tags": ["x"],
        "twoNames": 1,
        "two_names": 2,
        "core_metrics": {"num_sessions": "many", "newThing": 5, "lines_of_code": {"added": 2**70, "kept": 7}},
        "actor": {"type": "agent_actor", "agent_id": "a-1", "owner": {"team": "red"}},
        "is_remote": "maybe",
    }
    for day in (MONDAY, TUESDAY):
        world.write(day, record(day, **odd), record(day))
    world.run(**CLOSED)
    found = world.rows(where="effort IS NOT NULL")
    assert len(found) == 2
    for row in found:
        assert (row["effort"], row["score"], row["two_names"]) == ("high", 1.5, 2)
        assert [value for name, value in row.items() if name.startswith("two_names__")] == [1]
        assert json.loads(row["where"]) == {"city": "Oslo", "b": [1, None]}
        assert json.loads(row["tags"]) == ["x"]
        assert (row["core_metrics__new_thing"], row["core_metrics__lines_of_code__kept"]) == (5, 7)
        assert (row["core_metrics__num_sessions"], row["core_metrics__num_sessions__v_text"]) == (None, "many")
        assert row["core_metrics__lines_of_code__added__v_text"] == str(2**70)
        assert (row["actor__type"], row["actor__agent_id"]) == ("agent_actor", "a-1")
        assert json.loads(row["actor__owner"]) == {"team": "red"}
        assert (row["is_remote"], row["is_remote__v_text"]) == (None, "maybe")
    types = world.columns()
    assert [types[name] for name in ("where", "tags", "effort", "score")] == ["JSON", "JSON", "VARCHAR", "DOUBLE"]
    logged = warnings_of()
    assert len(logged) == len(set(logged)) == 13
    world.run(**CLOSED)
    again = warnings_of()[len(logged) :]
    assert len(again) == len(set(again))
    assert counts(world) == (4, 4, 4)


def with_bytes(found: bytes, replaced: bytes, times: int = 1) -> Any:
    """Returns a fault that changes the bytes of a day's first responses."""
    left = [times]

    def change(body: bytes) -> bytes:
        left[0] -= found in body
        return body if left[0] < 0 else body.replace(found, replaced)

    return rewritten(change)


def test_bytes_that_are_no_utf8_are_requested_again_and_then_named_by_their_day(world: World, caplog: Any) -> None:
    """Damaged on its way, a page is right the second time. What the API stores damaged must not keep days away."""
    world.write(MONDAY, record(MONDAY, terminal_type="plain"))
    world.write(TUESDAY, record(TUESDAY))
    world.api.fault = with_bytes(b"plain", b"pl\xffin")
    world.run(**CLOSED)
    assert world.column("terminal_type") == ["plain", "vscode"]
    world.api.fault = with_bytes(b"plain", b"pl\xffin", times=9)
    world.write(TUESDAY, record(TUESDAY, sessions=9))
    world.run(**CLOSED)
    assert world.column("core_metrics__num_sessions")[1] == 9
    assert f"{MONDAY}: a page is not UTF-8; nothing of this day was loaded" in caplog.text
    assert world.status().days("inconsistent") == [MONDAY]
    assert world.clock.slept == []


def test_a_field_named_like_a_system_column_of_postgres_gets_another_name_everywhere(world: World) -> None:
    world.write(MONDAY, record(MONDAY, cmax=1, oid="x"))
    world.run(**CLOSED)
    (row,) = world.rows()
    assert not {"cmax", "oid"} & row.keys()
    assert {value for name, value in row.items() if name.startswith(("cmax__x", "oid__x"))} == {1, "x"}


def test_a_number_in_one_organization_and_a_text_in_the_next_fit_into_one_run(world: World, tmp_path: Path) -> None:
    second = World(tmp_path, organization=ScriptedOrganization(id="second"), clock=world.clock, database=world.database)
    world.organization.id = "first"
    world.write(MONDAY, record(MONDAY, organization_id="first", shift=5))
    second.write(MONDAY, record(MONDAY, organization_id="second", shift="late"))
    world.pipeline.run([world.source(**CLOSED), second.source(**CLOSED)])
    assert [(row["shift"], row["shift__v_text"]) for row in world.rows()] == [(5, None), (None, "late")]


def test_a_column_keeps_its_first_type_from_day_to_day_and_machine_to_machine(world: World) -> None:
    world.write(MONDAY, record(MONDAY, effort=5))
    world.write(TUESDAY, record(TUESDAY, effort="high"))
    world.run(**CLOSED)
    assert world.sql("SELECT effort, effort__v_text FROM claude_code_usage ORDER BY date") == [
        (5, None),
        (None, "high"),
    ]
    world.lose_working_folder()
    world.write(MONDAY, record(MONDAY, effort="low"))
    world.write(TUESDAY, record(TUESDAY, effort={"a": 1}))
    world.run(**CLOSED)
    found = world.sql("SELECT effort, effort__v_text, effort__v_json FROM claude_code_usage ORDER BY date")
    assert found == [(None, "low", None), (None, None, '{"a":1}')]


def test_ids_are_the_same_in_every_warehouse_and_children_join(world: World, tmp_path: Path) -> None:
    world.api.page_size = 10
    world.write(MONDAY, *people(15), record(MONDAY), record(MONDAY, sessions=8), record(MONDAY, sessions=8))
    world.run(**CLOSED)
    another = World(tmp_path, clock=world.clock, api=world.api, database=tmp_path / "another.duckdb", machine="another")
    world.organization.days[MONDAY].reverse()
    world.api.page_size = 7
    another.run(**CLOSED)
    for table in RECORD_TABLES:
        mine, theirs = ([{**row, "_dlt_load_id": None} for row in each.rows(table)] for each in (world, another))
        assert mine == theirs
    for table in (TOOLS, MODELS):
        joined = f"FROM {USAGE} u JOIN {table} c ON c._dlt_parent_id = u._dlt_id AND c.date = u.date"
        assert world.sql(f"SELECT count(*), count(DISTINCT u._dlt_id) {joined}") == [(18, 18)]
