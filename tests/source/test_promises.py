"""The one promise, through the public face: the warehouse holds what the API said of each loaded day the last time it
was asked. No row lost, none doubled, none stale."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import dlt
import httpx
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

import claude_code_analytics as package
from claude_code_analytics import (
    ApiUnavailable,
    ClaudeCodeAnalyticsError,
    ConfigurationError,
    CredentialRefused,
    DestinationError,
    RequestRefused,
    UnexpectedResponse,
    claude_code_analytics,
)
from claude_code_analytics import source as source_module
from claude_code_analytics.claude_code.columns import COLUMNS
from claude_code_simulator import (
    OMITTED,
    SAMPLE_ORGANIZATION_ID,
    ScriptedOrganization,
    SimulatedApi,
    error_response,
    model_usage,
    record,
)

USAGE, TOOLS, MODELS, LEDGER = COLUMNS
TODAY = dt.date(2026, 9, 20)
MONDAY = dt.date(2026, 9, 14)
TUESDAY = dt.date(2026, 9, 15)
CLOSED = {"start_date": MONDAY, "end_date": TUESDAY}
"""A closed range of two days."""


def back(days: int) -> dt.date:
    """A day so many days before today."""
    return TODAY - dt.timedelta(days=days)


def people(count: int, day: dt.date = MONDAY, **fields: Any) -> list[dict[str, Any]]:
    return [record(day, email=f"dev{number}@example.test", **fields) for number in range(count)]


def refuse_me(status: int = 403) -> Callable[[httpx.Request, int], httpx.Response | None]:
    """A fault hook that refuses `organizations/me` and nothing else."""
    return lambda request, number: error_response(status, "not for you") if request.url.path.endswith("/me") else None


@contextmanager
def refused(kind: type[ClaudeCodeAnalyticsError], match: str = "") -> Iterator[None]:
    """Expects a run to fail because of an error of ours, and dlt to pass its sentence on."""
    with pytest.raises(PipelineStepFailed, match=match) as caught:
        yield
    chain: list[BaseException | None] = [caught.value]
    while chain[-1] is not None:
        chain.append(chain[-1].__cause__ or chain[-1].__context__)
    assert any(isinstance(error, kind) for error in chain), chain


def counts(warehouse: Any) -> tuple[int, ...]:
    return tuple(len(warehouse.rows(table)) for table in (USAGE, TOOLS, MODELS))


# Days are replaced


def test_restated_rows_are_replaced_up_and_down(warehouse: Any) -> None:
    warehouse.write(MONDAY, record(MONDAY, sessions=5, models=[model_usage("m", cents=10)]))
    warehouse.load()
    warehouse.write(
        MONDAY, record(MONDAY, sessions=9, tools={"edit_tool": (1, 0)}, models=[model_usage("m", cents=30)])
    )
    warehouse.load()
    assert warehouse.column("core_metrics__num_sessions") == [9]
    warehouse.write(MONDAY, record(MONDAY, sessions=2, models=[model_usage("m", cents=3)]))
    warehouse.load()
    assert warehouse.column("core_metrics__num_sessions") == [2]
    assert warehouse.column("estimated_cost__amount", MODELS) == [3]
    assert warehouse.column("accepted", TOOLS) == [17]


def test_rows_tools_and_models_that_vanish_are_removed(warehouse: Any) -> None:
    rich = {"tools": {"a": (1, 1), "b": (2, 2)}, "models": ["x", "y", "z"]}
    warehouse.write(MONDAY, *people(3, **rich))
    warehouse.load()
    assert counts(warehouse) == (3, 6, 9)
    warehouse.write(MONDAY, *people(1, tools={"b": (2, 2)}, models=["z"]))
    warehouse.load()
    assert counts(warehouse) == (1, 1, 1)
    assert warehouse.column("tool_name", TOOLS) == ["b"]
    assert warehouse.column("model", MODELS) == ["z"]


def test_a_day_that_became_empty_is_emptied(warehouse: Any) -> None:
    warehouse.write(MONDAY, *people(2))
    warehouse.write(TUESDAY, *people(2, TUESDAY))
    warehouse.load()
    warehouse.write(MONDAY)
    warehouse.clock.move(minutes=1)
    warehouse.load()
    assert warehouse.column("date") == [TUESDAY, TUESDAY]
    assert counts(warehouse) == (2, 2, 2)
    assert [row["records"] for row in warehouse.rows(LEDGER, f"date = DATE '{MONDAY}'")] == [2, 0]


def test_a_window_that_became_empty_is_emptied(warehouse: Any) -> None:
    warehouse.write(MONDAY, *people(2))
    warehouse.load()
    warehouse.write(MONDAY)
    warehouse.load()
    assert counts(warehouse) == (0, 0, 0)


def test_days_outside_the_window_stay_as_they_are(warehouse: Any) -> None:
    for day in (MONDAY, TUESDAY, back(4)):
        warehouse.write(day, record(day, sessions=1))
    warehouse.load()
    for day in (MONDAY, TUESDAY, back(4)):
        warehouse.write(day, record(day, sessions=2))
    warehouse.load(start_date=TUESDAY, end_date=TUESDAY)
    assert warehouse.column("core_metrics__num_sessions") == [1, 2, 1]
    warehouse.load(start_date=TODAY, end_date=TODAY)
    assert warehouse.column("core_metrics__num_sessions") == [1, 2, 1], "the scope of the run before was used again"


def test_rows_that_differ_in_one_dimension_are_all_kept(warehouse: Any) -> None:
    kinds: list[dict[str, Any]] = [
        {},
        {"is_remote": True},
        {"is_remote": OMITTED},
        {"terminal_type": "tmux"},
        {"terminal_type": ""},
        {"terminal_type": None},
        {"customer_type": "subscription"},
        {"subscription_type": "team"},
        {"subscription_type": "enterprise"},
    ]
    warehouse.write(MONDAY, *(record(MONDAY, **kind) for kind in kinds))
    for _ in range(2):
        warehouse.load(**CLOSED)
        assert counts(warehouse) == (len(kinds),) * 3
    assert warehouse.sql("SELECT count(DISTINCT _dlt_id) FROM claude_code_usage") == [(len(kinds),)]
    assert set(warehouse.column("terminal_type")) == {"vscode", "tmux", "", None}
    assert set(warehouse.column("is_remote")) == {True, False, None}


def test_exact_duplicates_stay_two_rows(warehouse: Any) -> None:
    warehouse.write(MONDAY, record(MONDAY), record(MONDAY))
    for _ in range(2):
        warehouse.load(**CLOSED)
        assert counts(warehouse) == (2, 2, 2)


def test_days_of_several_pages_are_loaded_whole_also_when_the_last_is_full(warehouse: Any) -> None:
    sizes = {back(3): 1000, back(2): 2000, back(1): 2001, back(0): 0}
    for day, size in sizes.items():
        warehouse.write(day, *people(size, day))
    warehouse.load(start_date=back(3), end_date=TODAY)
    assert counts(warehouse) == (5001, 5001, 5001)
    assert warehouse.sql(
        "SELECT date, count(DISTINCT actor__email_address) FROM claude_code_usage GROUP BY 1 ORDER BY 1"
    ) == [(day, size) for day, size in sizes.items() if size]
    assert warehouse.column("records", LEDGER) == list(sizes.values())
    assert warehouse.column("pages", LEDGER) == [1, 2, 3, 1]


def test_batches_of_one_window_are_one_replacement(warehouse: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "ROWS_PER_BATCH", 10)
    for _ in range(2):
        for number in range(7):
            # An unknown field, another organization and an odd type turn up in later batches only.
            odd: dict[str, Any] = {"effort": "high"} if number == 4 else {}
            odd |= {"organization_id": "another-org", "is_remote": "yes"} if number == 6 else {}
            warehouse.write(back(number), *people(4, back(number), **odd))
        warehouse.load()
        assert counts(warehouse) == (28, 28, 28)
    assert warehouse.column("effort").count("high") == 4
    assert warehouse.column("is_remote__v_text").count("yes") == 4
    assert warehouse.sql("SELECT count(*) FROM claude_code_days WHERE records = 4") == [(7,)]


# What a record holds


def test_every_documented_value_arrives(warehouse: Any) -> None:
    warehouse.write(
        MONDAY,
        record(
            MONDAY,
            email="Grace.Höpper@example.test",
            customer_type="subscription",
            subscription_type="enterprise",
            terminal_type="iTerm.app",
            is_remote=True,
            sessions=1,
            added=2,
            removed=3,
            commits=4,
            pull_requests=5,
            tools={"write_tool": (6, 7), "brand_new_tool": (8, 9)},
            models=[
                model_usage("m-1", input=10, output=11, cache_read=2**40, cache_creation=13, cents=14, currency="EUR"),
                model_usage("m-0"),
            ],
        ),
        record(MONDAY, api_key="Prüfstand 🚀", models=[], tools={}),
    )
    warehouse.load(**CLOSED)
    keyed, user = sorted(warehouse.rows(), key=lambda row: row["actor__type"])
    load_id = user.pop("_dlt_load_id")
    row_id = user.pop("_dlt_id")
    assert user == {
        "organization_id": SAMPLE_ORGANIZATION_ID,
        "date": MONDAY,
        "actor__type": "user_actor",
        "actor__email_address": "Grace.Höpper@example.test",
        "actor__api_key_name": None,
        "customer_type": "subscription",
        "subscription_type": "enterprise",
        "terminal_type": "iTerm.app",
        "is_remote": True,
        "core_metrics__num_sessions": 1,
        "core_metrics__lines_of_code__added": 2,
        "core_metrics__lines_of_code__removed": 3,
        "core_metrics__commits_by_claude_code": 4,
        "core_metrics__pull_requests_by_claude_code": 5,
    }
    assert (keyed["actor__type"], keyed["actor__api_key_name"], keyed["actor__email_address"]) == (
        "api_actor",
        "Prüfstand 🚀",
        None,
    )
    common = {"organization_id": SAMPLE_ORGANIZATION_ID, "date": MONDAY, "_dlt_parent_id": row_id}
    assert sorted(warehouse.rows(TOOLS), key=lambda row: row["_dlt_list_idx"]) == [
        {
            **common,
            "tool_name": name,
            "accepted": yes,
            "rejected": no,
            "_dlt_list_idx": idx,
            "_dlt_id": f"{row_id}.{idx}",
        }
        for idx, (name, yes, no) in enumerate([("brand_new_tool", 8, 9), ("write_tool", 6, 7)])
    ]
    first = min(warehouse.rows(MODELS), key=lambda row: row["_dlt_list_idx"])
    assert first == {
        **common,
        "model": "m-1",
        "tokens__input": 10,
        "tokens__output": 11,
        "tokens__cache_read": 2**40,
        "tokens__cache_creation": 13,
        "estimated_cost__currency": "EUR",
        "estimated_cost__amount": Decimal(14),
        "_dlt_list_idx": 0,
        "_dlt_id": f"{row_id}.0",
    }
    loads = warehouse.sql("SELECT DISTINCT load_id FROM _dlt_loads")
    assert loads == [(load_id,)]
    assert set(warehouse.column("_dlt_load_id", LEDGER)) == {load_id}


DUCKDB_TYPES = {
    "text": "VARCHAR",
    "bigint": "BIGINT",
    "bool": "BOOLEAN",
    "decimal": "DECIMAL(38,9)",
    "date": "DATE",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
}


def test_all_columns_exist_from_the_first_load_on_also_when_it_is_empty(warehouse: Any, capfd: Any) -> None:
    warehouse.load(**CLOSED)
    for table, columns in COLUMNS.items():
        assert warehouse.columns(table) == {column.name: DUCKDB_TYPES[column.data_type] for column in columns}
    nullable = {row[0]: row[2] == "YES" for row in warehouse.sql("DESCRIBE claude_code_usage")}
    assert nullable == {column.name: column.nullable for column in COLUMNS[USAGE]}
    warehouse.write(MONDAY, {"date": f"{MONDAY}T00:00:00Z", "organization_id": SAMPLE_ORGANIZATION_ID})
    warehouse.load(**CLOSED)
    (row,) = warehouse.rows()
    made = {"organization_id", "date", "_dlt_id", "_dlt_load_id"}
    assert {name: value for name, value in row.items() if value is not None}.keys() == made
    assert capfd.readouterr().err == ""


def test_nothing_is_printed_on_a_normal_run(warehouse: Any, capfd: Any, warnings_of: Callable[[], list[str]]) -> None:
    warehouse.write(MONDAY, *people(3))
    for _ in range(2):
        warehouse.load()
    out, err = capfd.readouterr()
    assert (out, err, warnings_of()) == ("", "", [])


def test_amounts_of_any_kind_are_exact(warehouse: Any) -> None:
    amounts = [
        "0", "19", "15.6", "0.1", "1e2", '"12.50"', "123456789012345678.123456789", "0.000000001",
        "0.0000000001", "0.12345678912345", "1e30", '"12,50"', "null",
        '"1e9999999999999999999"', "1e9999999999999999999",
    ]  # fmt: skip
    sent = record(MONDAY, models=[model_usage(f"m{index:02}", cents=f"<{index}>") for index in range(len(amounts))])
    body = json.dumps({"data": [sent], "has_more": False, "next_page": None})
    for index, amount in enumerate(amounts):
        body = body.replace(f'"<{index}>"', amount)
    warehouse.api.fault = lambda request, number: (
        httpx.Response(200, text=body) if request.url.params.get("starting_at") == str(MONDAY) else None
    )
    warehouse.load(**CLOSED)
    found = warehouse.sql(
        "SELECT estimated_cost__amount, estimated_cost__amount__v_text "
        "FROM claude_code_usage__model_breakdown ORDER BY _dlt_list_idx"
    )
    decimal = Decimal
    assert found == [
        (decimal("0"), None),
        (decimal("19"), None),
        (decimal("15.6"), None),
        (decimal("0.1"), None),
        (decimal("100"), None),
        (decimal("12.5"), None),
        (decimal("123456789012345678.123456789"), None),
        (decimal("0.000000001"), None),
        (None, "1E-10"),
        (None, "0.12345678912345"),
        (None, "1000000000000000000000000000000"),
        (None, "12,50"),
        (None, None),
        (None, "1e9999999999999999999"),
        (None, "1e9999999999999999999"),
    ]
    assert warehouse.columns(MODELS)["estimated_cost__amount"] == "DECIMAL(38,9)"


def test_what_nobody_expected_is_kept_and_told_once(warehouse: Any, warnings_of: Callable[[], list[str]]) -> None:
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
        warehouse.write(day, record(day, **odd), record(day))
    warehouse.load(**CLOSED)
    found = warehouse.rows(where="effort IS NOT NULL")
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
    types = warehouse.columns()
    assert (types["where"], types["tags"], types["effort"], types["score"]) == ("JSON", "JSON", "VARCHAR", "DOUBLE")
    assert warehouse.sql("SELECT \"where\"->>'city' FROM claude_code_usage WHERE effort = 'high'") == [("Oslo",)] * 2
    told = warnings_of()
    assert len(told) == len(set(told)) == 13
    warehouse.load(**CLOSED)
    again = warnings_of()[len(told) :]
    assert len(again) == len(set(again))
    assert counts(warehouse) == (4, 4, 4)


def test_an_unknown_field_may_change_its_type_from_day_to_day_and_run_to_run(warehouse: Any) -> None:
    warehouse.write(MONDAY, record(MONDAY, effort=5))
    warehouse.write(TUESDAY, record(TUESDAY, effort="high"))
    warehouse.load(**CLOSED)
    assert warehouse.sql("SELECT effort, effort__v_text FROM claude_code_usage ORDER BY date") == [
        (5, None),
        (None, "high"),
    ]
    warehouse.write(MONDAY, record(MONDAY, effort="low"))
    warehouse.write(TUESDAY, record(TUESDAY, effort={"a": 1}))
    warehouse.load(**CLOSED)
    assert warehouse.sql("SELECT effort, effort__v_text, effort__v_json FROM claude_code_usage ORDER BY date") == [
        (None, "low", None),
        (None, None, '{"a":1}'),
    ]
    warehouse.write(MONDAY, record(MONDAY, effort=None))
    warehouse.write(TUESDAY, record(TUESDAY))
    warehouse.load(**CLOSED)
    assert warehouse.sql("SELECT effort, effort__v_text FROM claude_code_usage") == [(None, None)] * 2


# Ids


def test_ids_are_the_same_in_every_warehouse_and_children_join(
    warehouse: Any, make_warehouse: Callable[..., Any]
) -> None:
    records = [*people(1100), record(MONDAY), record(MONDAY, sessions=8), record(MONDAY, sessions=8)]
    warehouse.write(MONDAY, *records)
    warehouse.load(**CLOSED)
    another = make_warehouse(name="another")
    another.write(MONDAY, *records[::-1])
    another.load(**CLOSED)
    for table in (USAGE, TOOLS, MODELS):
        mine, theirs = warehouse.rows(table), another.rows(table)
        for row in mine + theirs:
            row.pop("_dlt_load_id", None)
        by_id: Callable[[dict[str, Any]], str] = lambda row: row["_dlt_id"]  # noqa: E731
        assert sorted(mine, key=by_id) == sorted(theirs, key=by_id)
    for table in (TOOLS, MODELS):
        joined = f"FROM {USAGE} u JOIN {table} c ON c._dlt_parent_id = u._dlt_id AND c.date = u.date"
        assert warehouse.sql(f"SELECT count(*), count(DISTINCT u._dlt_id) {joined}") == [(1103, 1103)]


# Organizations


def test_two_organizations_in_one_dataset_leave_each_other_alone(
    warehouse: Any, make_warehouse: Callable[..., Any]
) -> None:
    other = make_warehouse(name="other", organization=ScriptedOrganization(id="other-org"), database=warehouse.database)
    warehouse.write(MONDAY, *people(2))
    other.write(MONDAY, *people(3, organization_id="other-org"))
    warehouse.load(**CLOSED)
    other.load(**CLOSED)
    assert counts(warehouse) == (5, 5, 5)
    other.write(MONDAY)
    other.load(**CLOSED)
    assert counts(warehouse) == (2, 2, 2)
    warehouse.write(MONDAY)
    other.write(MONDAY, *people(1, organization_id="other-org"))
    other.load(**CLOSED)
    warehouse.load(**CLOSED)
    assert set(warehouse.column("organization_id")) == {"other-org"}
    assert counts(warehouse) == (1, 1, 1)


@pytest.mark.parametrize("status", [403, 500])
def test_where_only_me_is_refused_the_ids_of_the_records_serve(
    warehouse: Any, warnings_of: Callable[[], list[str]], status: int
) -> None:
    warehouse.api.fault = refuse_me(status)
    warehouse.write(MONDAY, *people(2))
    warehouse.write(TUESDAY, *people(2, TUESDAY))
    warehouse.load(**CLOSED)
    warehouse.write(TUESDAY)
    warehouse.load(**CLOSED)
    assert counts(warehouse) == (2, 2, 2)
    assert set(warehouse.column("organization_id", LEDGER)) == {SAMPLE_ORGANIZATION_ID}
    assert any("did not name the organization" in said for said in warnings_of())


def test_a_window_that_names_no_organization_is_left_as_it_is(
    warehouse: Any, warnings_of: Callable[[], list[str]]
) -> None:
    warehouse.write(MONDAY, *people(2))
    warehouse.write(TUESDAY, *people(2, TUESDAY))
    warehouse.load(**CLOSED)
    warehouse.api.fault = refuse_me()
    warehouse.write(MONDAY)
    warehouse.write(TUESDAY)
    warehouse.load(**CLOSED)
    assert counts(warehouse) == (4, 4, 4)
    assert any("no record names the organization" in said and "was left" in said for said in warnings_of())


def test_a_day_that_became_empty_waits_for_an_outage_of_the_organizations_name(warehouse: Any, clock: Any) -> None:
    warehouse.write(TODAY, *people(2, TODAY))
    warehouse.load(start_date=TODAY)
    warehouse.write(TODAY)
    warehouse.api.fault = refuse_me(503)
    with refused(ApiUnavailable, "no record of 2026-09-20 names the organization"):
        warehouse.load(start_date=TODAY)
    assert counts(warehouse)[0] == 2
    warehouse.api.fault = None
    warehouse.load(start_date=TODAY)
    assert counts(warehouse)[0] == 0


def test_a_record_without_an_organization_belongs_to_that_of_the_credential(warehouse: Any) -> None:
    warehouse.write(MONDAY, record(MONDAY, organization_id=OMITTED), record(MONDAY, organization_id=None))
    for _ in range(2):
        warehouse.load(**CLOSED)
        assert counts(warehouse) == (2, 2, 2)
    assert set(warehouse.column("organization_id")) == {SAMPLE_ORGANIZATION_ID}


@pytest.mark.parametrize("others", [0, 2])
def test_records_that_name_nobody_are_not_doubled_where_me_is_refused_too(warehouse: Any, others: int) -> None:
    warehouse.api.fault = refuse_me()
    warehouse.write(MONDAY, record(MONDAY, organization_id=OMITTED), *people(others))
    for _ in range(2):
        warehouse.load(**CLOSED)
        assert counts(warehouse) == (1 + others,) * 3


def test_a_record_of_another_organization_is_replaced_too(warehouse: Any) -> None:
    for number in (3, 1):
        warehouse.write(MONDAY, *people(number, organization_id="child-org"), *people(1))
        warehouse.load(**CLOSED)
        assert counts(warehouse) == (number + 1,) * 3
    assert sorted(set(warehouse.column("organization_id", LEDGER))) == sorted([SAMPLE_ORGANIZATION_ID, "child-org"])


def test_an_organization_that_must_not_go_into_sql_is_refused(warehouse: Any) -> None:
    warehouse.write(MONDAY, *people(2))
    warehouse.load(**CLOSED)
    for odd in ("o'; DROP TABLE x; --", "{0}", "a b", "ö"):
        warehouse.write(MONDAY, record(MONDAY, organization_id=odd))
        with refused(UnexpectedResponse, match=r"is not put into SQL"):
            warehouse.load(**CLOSED)
    assert counts(warehouse) == (2, 2, 2)


# The cursor


def test_the_cursor_moves_over_empty_days(warehouse: Any) -> None:
    warehouse.load()
    assert warehouse.cursor() == TODAY
    warehouse.clock.move(days=3)
    warehouse.load(lookback_days=2)
    assert warehouse.days_asked() == [back(2), back(1), back(0), back(-1), back(-2), back(-3)]
    assert warehouse.cursor() == back(-3)


def test_a_closed_range_neither_reads_nor_moves_the_cursor(warehouse: Any) -> None:
    warehouse.load(start_date=back(3))
    before = warehouse.pipeline.state["sources"]
    warehouse.write(back(60), record(back(60)))
    warehouse.load(start_date=back(61), end_date=back(59))
    assert warehouse.days_asked() == [back(61), back(60), back(59)]
    assert len(warehouse.rows()) == 1
    assert warehouse.pipeline.state["sources"] == before
    warehouse.load(start_date=back(3), lookback_days=1)
    assert warehouse.days_asked() == [back(1), TODAY]
    assert len(warehouse.rows()) == 1


def test_a_closed_range_alone_leaves_the_first_incremental_run_to_begin_at_its_start(warehouse: Any) -> None:
    warehouse.load(start_date=back(2), end_date=TODAY)
    warehouse.load(start_date=back(4))
    assert warehouse.days_asked() == [back(4), back(3), back(2), back(1), TODAY]


@pytest.mark.parametrize("lookback", [0, 6])
def test_the_lookback_is_read_again_to_the_day(warehouse: Any, lookback: int) -> None:
    warehouse.load(start_date=back(10), lookback_days=lookback)
    for number in range(11):
        warehouse.write(back(number), record(back(number)))
    warehouse.load(start_date=back(10), lookback_days=lookback)
    expected = sorted(back(number) for number in range(lookback + 1))
    assert warehouse.days_asked() == expected
    assert warehouse.column("date") == expected


def test_corrected_rows_of_the_last_day_arrive_without_any_lookback(warehouse: Any) -> None:
    warehouse.write(TODAY, record(TODAY, sessions=1), record(TODAY, email="b@example.test"))
    warehouse.load(start_date=TODAY, lookback_days=0)
    warehouse.write(TODAY, record(TODAY, sessions=5), record(TODAY, email="c@example.test"))
    warehouse.load(start_date=TODAY, lookback_days=0)
    assert warehouse.sql(
        "SELECT actor__email_address, core_metrics__num_sessions FROM claude_code_usage ORDER BY 1"
    ) == [
        ("ada@example.test", 5),
        ("c@example.test", 3),
    ]
    assert counts(warehouse) == (2, 2, 2)


@pytest.mark.parametrize(("max_days", "lookback"), [(1, 7), (2, 7), (3, 0)])
def test_few_days_at_a_time_catch_up_without_a_gap(warehouse: Any, max_days: int, lookback: int) -> None:
    for number in range(4):
        warehouse.write(back(number), record(back(number)))
    runs = 0
    while runs == 0 or warehouse.cursor() < TODAY:
        warehouse.load(start_date=back(3), max_days=max_days, lookback_days=lookback)
        assert 1 <= len(warehouse.days_asked()) <= max_days
        runs += 1
        assert runs <= 4
    assert warehouse.column("date") == sorted(back(number) for number in range(4))
    warehouse.write(TODAY, record(TODAY, sessions=77))
    warehouse.load(start_date=back(3), max_days=max_days, lookback_days=lookback)
    assert warehouse.column("core_metrics__num_sessions")[-1] == 77, "today was not read again"


@pytest.mark.parametrize(("hour", "last"), [(5, 2), (6, 1)])
def test_without_today_the_last_day_is_the_last_final_one(warehouse: Any, hour: int, last: int) -> None:
    warehouse.clock.now = warehouse.clock.now.replace(hour=hour)
    warehouse.load(start_date=back(4), include_today=False)
    assert warehouse.days_asked()[-1] == back(last)
    assert all(warehouse.column("is_final", LEDGER))


def test_without_today_a_start_of_today_has_nothing_to_read(warehouse: Any) -> None:
    warehouse.load(start_date=TODAY, include_today=False)
    assert warehouse.api.requests == []


def test_a_run_that_was_cut_short_deletes_nothing_later(warehouse: Any) -> None:
    for number in range(7):
        warehouse.write(back(number), record(back(number)))
    warehouse.load()
    warehouse.pipeline.run(warehouse.source().add_limit(1))
    warehouse.load(lookback_days=1)
    assert warehouse.column("date") == sorted(back(number) for number in range(7))


def test_a_first_run_that_was_cut_short_deletes_nothing_later(warehouse: Any) -> None:
    for number in range(7):
        warehouse.write(back(number), record(back(number)))
    warehouse.pipeline.run(warehouse.source(lookback_days=1).add_limit(1))
    warehouse.load(lookback_days=1)
    assert warehouse.column("date") == sorted(back(number) for number in range(7))


# The ledger


def test_the_ledger_has_a_row_for_each_day_and_fetch(warehouse: Any) -> None:
    warehouse.write(MONDAY, *people(1500))
    warehouse.load(start_date=MONDAY, end_date=TODAY)
    first = {row["date"]: row for row in warehouse.rows(LEDGER)}
    assert sorted(first) == [MONDAY + dt.timedelta(days=number) for number in range(7)]
    assert (first[MONDAY]["records"], first[MONDAY]["pages"]) == (1500, 2)
    assert (first[TUESDAY]["records"], first[TUESDAY]["pages"]) == (0, 1)
    assert all(row["request_id"].startswith("req_") for row in first.values())
    assert {row["fetched_at"] for row in first.values()} == {warehouse.clock.now}
    assert [row["is_final"] for _, row in sorted(first.items())] == [True] * 6 + [False]
    warehouse.load(start_date=MONDAY, end_date=TODAY)
    assert len(warehouse.rows(LEDGER)) == 7, "the same fetch counted twice"
    warehouse.clock.move(hours=18)
    warehouse.write(MONDAY, *people(1500)[::-1])
    warehouse.write(TUESDAY, record(TUESDAY))
    warehouse.load(start_date=MONDAY, end_date=TODAY)
    later = {row["date"]: row for row in warehouse.rows(LEDGER) if row["fetched_at"] == warehouse.clock.now}
    assert len(warehouse.rows(LEDGER)) == 14
    changed = {day for day in later if later[day]["content_hash"] != first[day]["content_hash"]}
    assert changed == {TUESDAY}
    assert all(row["is_final"] for row in later.values())


# Who did it


def everything_written(folder: Path) -> bytes:
    """All bytes of all files, with what is compressed in Parquet as text."""
    import pyarrow.parquet

    found = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    tables = [pyarrow.parquet.read_table(path) for path in folder.rglob("*.parquet")]
    assert tables
    return b"\n".join([*found, *(str(table.to_pydict()).encode() for table in tables)])


@pytest.mark.parametrize("mode", ["hash", "drop"])
def test_no_address_is_written_anywhere(warehouse: Any, tmp_path: Path, mode: str, caplog: Any) -> None:
    actor = {"type": "agent_actor", "owner": {"name": "Hedy Lamarr"}, "aliases": ["Hedy L."], "nick": "Hedy"}
    warehouse.write(MONDAY, record(MONDAY, email="Ada.Lovelace@example.test"), record(MONDAY, actor=actor))
    warehouse.write(MONDAY, *warehouse.organization.days[MONDAY], record(MONDAY, api_key="Lovelace's key"))
    warehouse.load(**CLOSED, actor_identity=mode, identity_key="k" * 40)
    assert len(warehouse.rows()) == 3
    written = everything_written(tmp_path).lower()
    for name in (b"lovelace", b"lamarr", b"hedy"):
        assert name not in written
    assert b"k" * 40 not in written
    assert "lovelace" not in caplog.text.lower()
    expected = {None} if mode == "drop" else {None, *(value for value in warehouse.column("actor__email_address"))}
    assert set(warehouse.column("actor__email_address")) == expected
    assert set(warehouse.column("actor__type")) == {"user_actor", "api_actor", "agent_actor"}


def test_a_pseudonym_is_the_same_for_any_case_and_in_every_run(warehouse: Any) -> None:
    warehouse.write(MONDAY, record(MONDAY, email="Ada@Example.test"))
    warehouse.write(TUESDAY, record(TUESDAY, email="ada@example.TEST"))
    warehouse.load(**CLOSED, actor_identity="hash", identity_key="key")
    (pseudonym,) = set(warehouse.column("actor__email_address"))
    assert len(pseudonym) == 64
    warehouse.load(**CLOSED, actor_identity="hash", identity_key="key")
    assert set(warehouse.column("actor__email_address")) == {pseudonym}


def test_days_loaded_anew_with_another_mode_lose_the_addresses(warehouse: Any) -> None:
    warehouse.write(MONDAY, *people(3))
    warehouse.load(**CLOSED)
    warehouse.load(**CLOSED, actor_identity="drop")
    assert warehouse.column("actor__email_address") == [None, None, None]


def test_hash_without_a_key_fails_before_anything_is_asked(warehouse: Any) -> None:
    with refused(ConfigurationError, match=r"needs a key: set identity_key"):
        warehouse.load(**CLOSED, actor_identity="hash")
    assert warehouse.api.requests == []


# Failures


def test_a_failed_day_loads_nothing_of_its_window_and_is_named(warehouse: Any) -> None:
    for number in range(7):
        warehouse.write(back(number), record(back(number), sessions=1))
    warehouse.load()
    cursor = warehouse.cursor()
    for number in range(7):
        warehouse.write(back(number), record(back(number), sessions=2))
    warehouse.api.fault = lambda request, number: (
        error_response(500, "Internal server error", request_id="req_support")
        if request.url.params.get("starting_at") == str(back(2))
        else None
    )
    warehouse.clock.move(days=1)
    with refused(ApiUnavailable, match=rf"{back(2)}: .*Internal server error.*request-id req_support"):
        warehouse.load()
    assert warehouse.column("core_metrics__num_sessions") == [1] * 7
    assert warehouse.cursor() == cursor
    warehouse.api.fault = None
    warehouse.load()
    assert warehouse.column("core_metrics__num_sessions") == [2] * 7


def test_records_of_another_day_are_refused(warehouse: Any) -> None:
    warehouse.write(MONDAY, record(MONDAY))
    warehouse.load(**CLOSED)
    warehouse.write(MONDAY, record(MONDAY, sessions=9), record(TUESDAY))
    with refused(UnexpectedResponse, match=f"{MONDAY}: .*records of {TUESDAY}"):
        warehouse.load(**CLOSED)
    assert warehouse.column("core_metrics__num_sessions") == [3]


def test_a_refused_credential_is_one_clear_error_and_asked_a_handful_of_times(
    warehouse: Any, tmp_path: Path, caplog: Any
) -> None:
    key = "sk-ant-api03-very-secret-key"
    sentence = "the API refused the credential: 401 invalid x-api-key; use an Admin API key"
    with refused(CredentialRefused, match=sentence):
        warehouse.load(start_date="2025-01-01", client=warehouse.client(api_key=key))
    assert len(warehouse.api.requests) <= 5
    assert key not in caplog.text
    assert all(key.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_an_expired_cursor_costs_one_more_reading_and_no_row(warehouse: Any) -> None:
    warehouse.write(MONDAY, *people(2500))
    asked: list[str] = []

    def fault(request: httpx.Request, number: int) -> httpx.Response | None:
        if "page" in request.url.params:
            asked.append(request.url.params["page"])
            if len(asked) == 2:
                return error_response(400, "page: Page token has expired")
        return None

    warehouse.api.fault = fault
    warehouse.load(start_date=MONDAY, end_date=MONDAY)
    assert counts(warehouse) == (2500, 2500, 2500)
    assert warehouse.column("pages", LEDGER) == [3]


def test_a_destination_that_cannot_replace_days_is_refused(warehouse: Any, tmp_path: Path) -> None:
    nothing = dlt.pipeline(
        "nothing",
        destination="dummy",
        dataset_name="claude_code",
        pipelines_dir=str(tmp_path / "pipelines"),
    )
    with refused(DestinationError, match=r"the destination dummy cannot replace days.*use duckdb"):
        nothing.run(warehouse.source(**CLOSED))
    assert warehouse.api.requests == []


# Parameters


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"start_date": "2026-09-21"}, "start_date 2026-09-21 lies in the future; today is 2026-09-20"),
        ({"end_date": "2026-09-21"}, "end_date 2026-09-21 lies in the future"),
        ({"start_date": TUESDAY, "end_date": MONDAY}, "end_date 2026-09-14 lies before start_date 2026-09-15"),
        ({"start_date": "yesterday"}, "start_date is 'yesterday'; it must be a day such as 2025-01-31"),
        ({"end_date": "2026-02-30"}, "end_date is '2026-02-30'; it must be a day"),
        ({"end_date": "9999-12-31T23:59:59-10:00"}, "end_date is .*; it must be a day"),
        ({"start_date": 20260901}, "start_date is 20260901; it must be a day"),
        ({"lookback_days": -1}, "lookback_days is -1; it must be a whole number, 0 or more"),
        ({"lookback_days": "x"}, "lookback_days is 'x'; it must be a whole number"),
        ({"lookback_days": 1.5}, "lookback_days is 1.5; it must be a whole number"),
        ({"lookback_days": True}, "lookback_days is True; it must be a whole number"),
        ({"max_days": 0}, "max_days is 0; it must be a whole number, 1 or more"),
        ({"max_days": "x"}, "max_days is 'x'; it must be a whole number"),
        ({"max_concurrent_days": 0}, "max_concurrent_days is 0; it must be a whole number, 1 or more"),
        ({"max_concurrent_days": "x"}, "max_concurrent_days is 'x'; it must be a whole number"),
        ({"actor_identity": "scramble"}, "actor_identity is 'scramble'; it must be one of keep, hash, drop"),
        ({"end_date": TODAY, "max_days": 5}, "holds more than max_days=5 days; load it in pieces"),
    ],
)
def test_a_parameter_that_cannot_work_is_refused_while_the_source_is_built(
    warehouse: Any, arguments: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        warehouse.source(**arguments)


def test_days_can_be_written_in_any_way(warehouse: Any) -> None:
    for start in ("2026-09-19", dt.date(2026, 9, 19), dt.datetime(2026, 9, 19, 23, tzinfo=dt.timezone.utc)):
        list_of_days = warehouse.source(start_date=start, end_date="2026-09-20T23:59:59Z")
        warehouse.api.requests.clear()
        warehouse.pipeline.extract(list_of_days)
        assert warehouse.days_asked() == [back(1), TODAY]
        warehouse.pipeline.abort_packages()


def test_numbers_beyond_all_calendars_do_no_harm(warehouse: Any) -> None:
    for _ in range(2):
        warehouse.load(lookback_days=10**9, max_days=10**9)
        assert len(warehouse.days_asked()) == 7


def test_a_source_is_built_without_network_and_secrets() -> None:
    source = claude_code_analytics()
    assert source.name == "claude_code_analytics"
    assert list(source.resources) == [USAGE]


def test_without_a_credential_a_run_says_where_to_put_one(warehouse: Any) -> None:
    with refused(ConfigurationError, match=r"no credential: set the dlt secret sources.claude_code_analytics.api_key"):
        warehouse.pipeline.run(claude_code_analytics())


@pytest.fixture
def real_client(monkeypatch: pytest.MonkeyPatch, warehouse: Any) -> SimulatedApi:
    """Lets the client that the source makes of its parameters talk to the simulated API."""
    build = httpx.Client

    def simulated(**options: Any) -> httpx.Client:
        return build(**{**options, "transport": warehouse.api.transport})

    monkeypatch.setattr(httpx, "Client", simulated)
    api: SimulatedApi = warehouse.api
    return api


@pytest.mark.parametrize(
    ("variable", "kind"),
    [
        ("ANTHROPIC_ADMIN_KEY", "admin_key"),
        ("SOURCES__CLAUDE_CODE_ANALYTICS__API_KEY", "service_key"),
        ("SOURCES__CLAUDE_CODE_ANALYTICS__ACCESS_TOKEN", "oauth_token"),
    ],
)
def test_a_credential_comes_from_dlts_secrets_or_the_environment(
    warehouse: Any,
    real_client: SimulatedApi,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: Any,
    variable: str,
    kind: str,
) -> None:
    credential = getattr(real_client.credentials, kind)
    monkeypatch.setenv(variable, credential + "\n")
    warehouse.pipeline.run(claude_code_analytics(start_date="2026-09-19", end_date="2026-09-20"))
    assert {request.status for request in real_client.requests} == {200}
    assert ("authorization" in real_client.requests[-1].headers) is (kind == "oauth_token")
    assert all(credential.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert credential not in caplog.text


def test_a_dlt_secret_wins_over_the_environment(
    warehouse: Any, real_client: SimulatedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", "sk-wrong")
    monkeypatch.setenv("SOURCES__CLAUDE_CODE_ANALYTICS__API_KEY", real_client.credentials.admin_key)
    warehouse.pipeline.run(claude_code_analytics(start_date="2026-09-19", end_date="2026-09-20"))
    assert {request.status for request in real_client.requests} == {200}


def test_a_secret_in_a_file_works_and_stays_there(warehouse: Any, real_client: SimulatedApi, tmp_path: Path) -> None:
    folder = tmp_path / ".dlt"
    folder.mkdir()
    (folder / "secrets.toml").write_text(
        f'[sources.claude_code_analytics]\napi_key = "{real_client.credentials.admin_key}"\n'
    )
    (folder / "config.toml").write_text(
        "[sources.claude_code_analytics]\nstart_date = 2026-09-18\nend_date = '2026-09-19'\n"
    )
    from dlt.common.configuration.container import Container
    from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

    Container()[PluggableRunContext].reload_providers()
    warehouse.pipeline.run(claude_code_analytics())
    assert warehouse.days_asked() == [back(2), back(1)]


def test_every_parameter_can_come_from_dlts_configuration(warehouse: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {
        "START_DATE": "2026-09-10",
        "END_DATE": "2026-09-12",
        "LOOKBACK_DAYS": "3",
        "INCLUDE_TODAY": "false",
        "MAX_DAYS": "5",
        "MAX_CONCURRENT_DAYS": "2",
        "ACTOR_IDENTITY": "hash",
        "IDENTITY_KEY": "a key of its own",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"SOURCES__CLAUDE_CODE_ANALYTICS__{name}", value)
    warehouse.write(back(10), record(back(10)))
    warehouse.pipeline.run(claude_code_analytics(client=warehouse.client()))
    assert warehouse.days_asked() == [back(10), back(9), back(8)]
    assert len(warehouse.column("actor__email_address")[0]) == 64


@pytest.mark.parametrize("name", ["LOOKBACK_DAYS", "MAX_DAYS", "MAX_CONCURRENT_DAYS"])
def test_a_bad_number_in_dlts_configuration_is_refused(
    warehouse: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"SOURCES__CLAUDE_CODE_ANALYTICS__{name}", "-1")
    with pytest.raises(ConfigurationError, match=f"{name.lower()} is -1; it must be a whole number"):
        claude_code_analytics(client=warehouse.client())


def test_what_the_package_promises_to_export_is_there() -> None:
    assert sorted(package.__all__) == package.__all__
    assert all(hasattr(package, name) for name in package.__all__)
    for error in (ApiUnavailable, CredentialRefused, RequestRefused, UnexpectedResponse):
        assert issubclass(error, package.ApiError)
    for name in package.__all__:
        found = getattr(package, name)
        if isinstance(found, type) and issubclass(found, Exception):
            assert issubclass(found, ClaudeCodeAnalyticsError)
    assert issubclass(ConfigurationError, ValueError)
