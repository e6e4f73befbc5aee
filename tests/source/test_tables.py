"""One day of records to Arrow tables: every row, every value, ids that do not depend on pages or order."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pytest
from dlt.common.normalizers.naming.snake_case import NamingConvention

from claude_code_analytics.claude_code.columns import COLUMNS
from claude_code_analytics.claude_code.pages import FetchedDay
from claude_code_analytics.claude_code.privacy import protection
from claude_code_analytics.claude_code.tables import Shape, empty_table, shape_day
from claude_code_analytics.source import column_naming
from claude_code_simulator import OMITTED, SAMPLE_ORGANIZATION_ID, model_usage, record

DAY = dt.date(2026, 9, 1)
FETCHED_AT = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)
USAGE, TOOLS, MODELS, LEDGER = COLUMNS
NAMING = NamingConvention(63)


def fetched(*pages: Sequence[Any] | bytes, day: dt.date = DAY, **changes: Any) -> FetchedDay:
    """A day as the client gives it, from the records of its pages or from their JSON."""
    texts = [b'{"data":%b}' % (page if isinstance(page, bytes) else json.dumps(page).encode()) for page in pages]
    return FetchedDay(
        **{
            "date": day,
            "bodies": tuple(texts),
            "record_count": sum(len(json.loads(text)["data"]) for text in texts),
            "request_id": "req_last",
            "fetched_at": FETCHED_AT,
            **changes,
        }
    )


@pytest.fixture
def said() -> list[str]:
    """What was noticed."""
    return []


@pytest.fixture
def shape(said: list[str]) -> Shape:
    return Shape(
        naming=column_naming(NAMING),
        protect=protection("keep"),
        load_id="load",
        organization_id=SAMPLE_ORGANIZATION_ID,
        notice=said.append,
    )


@pytest.fixture
def rows(shape: Shape) -> Callable[..., list[dict[str, Any]]]:
    """Shapes records and gives the rows of one table."""

    def rows(*records: Any, table: str = USAGE) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = shape_day(fetched(records), shape)[table].to_pylist()
        return found

    return rows


def ids(tables: dict[str, pa.Table]) -> dict[str, list[str]]:
    return {table: sorted(tables[table]["_dlt_id"].to_pylist()) for table in (USAGE, TOOLS, MODELS)}


def test_a_day_without_records_has_all_columns_and_a_ledger_row(shape: Shape) -> None:
    tables = shape_day(fetched([]), shape)
    for table in (USAGE, TOOLS, MODELS):
        assert tables[table].num_rows == 0
        assert tables[table].schema == empty_table(table).schema
    assert tables[LEDGER].num_rows == 1


def test_every_declared_column_is_there_whatever_the_records_hold(shape: Shape) -> None:
    bare = {"date": "2026-09-01", "organization_id": "o"}
    tables = shape_day(fetched([bare, {**bare, "tool_actions": {"t": {}}, "model_breakdown": [{}]}]), shape)
    for table, columns in COLUMNS.items():
        assert tables[table].schema.names == [column.name for column in columns]
        assert [field.nullable for field in tables[table].schema] == [column.nullable for column in columns]


def test_tools_are_listed_by_name_and_models_as_the_api_lists_them(rows: Callable[..., list[dict[str, Any]]]) -> None:
    sent = record(DAY, tools={"write": (1, 2), "edit": (3, 4)}, models=["z", "a", "a"])
    found = rows(sent, table=TOOLS)
    assert [(row["tool_name"], row["_dlt_list_idx"], row["accepted"]) for row in found] == [
        ("edit", 0, 3),
        ("write", 1, 1),
    ]
    found = rows(sent, table=MODELS)
    assert [(row["model"], row["_dlt_list_idx"]) for row in found] == [("z", 0), ("a", 1), ("a", 2)]


def test_children_name_their_parent_and_carry_its_day_and_organization(shape: Shape) -> None:
    records = [record(DAY, email=f"dev{n}@example.test", organization_id=f"org-{n % 2}") for n in range(5)]
    tables = shape_day(fetched(records), shape)
    parents = {row["_dlt_id"]: row for row in tables[USAGE].to_pylist()}
    assert len(parents) == 5
    for table in (TOOLS, MODELS):
        children = tables[table].to_pylist()
        assert {child["_dlt_parent_id"] for child in children} == set(parents)
        for child in children:
            assert child["organization_id"] == parents[child["_dlt_parent_id"]]["organization_id"]
            assert child["date"] == DAY
            assert child["_dlt_id"] == f"{child['_dlt_parent_id']}.{child['_dlt_list_idx']}"


@pytest.mark.parametrize("field", ["tool_actions", "model_breakdown", "core_metrics", "actor"])
@pytest.mark.parametrize("value", [None, OMITTED])
def test_a_part_that_is_null_or_missing_is_null_and_never_zero(
    rows: Callable[..., list[dict[str, Any]]], field: str, value: Any
) -> None:
    (row,) = rows(record(DAY, **{field: value}))
    expected = {name for name in row if name.startswith(field)}
    assert all(row[name] is None for name in expected)
    for table, part in ((TOOLS, "tool_actions"), (MODELS, "model_breakdown")):
        assert len(rows(record(DAY, **{field: value}), table=table)) == (field != part)


def test_missing_and_null_numbers_stay_null(rows: Callable[..., list[dict[str, Any]]]) -> None:
    sent = record(
        DAY,
        core_metrics={"num_sessions": None, "lines_of_code": None},
        tools={"a": {"accepted": None}, "b": None},
        models=[{"model": None, "tokens": None}, None, {}],
    )
    (row,) = rows(sent)
    assert {name: value for name, value in row.items() if name.startswith("core_metrics")} == dict.fromkeys(
        (column.name for column in COLUMNS[USAGE] if column.name.startswith("core_metrics")), None
    )
    assert [(row["tool_name"], row["accepted"], row["rejected"]) for row in rows(sent, table=TOOLS)] == [
        ("a", None, None),
        ("b", None, None),
    ]
    assert [row["tokens__input"] for row in rows(sent, table=MODELS)] == [None, None, None]


# Ids


def test_ids_depend_on_neither_pages_nor_order_nor_the_order_of_keys(shape: Shape) -> None:
    records = [
        record(DAY, email=f"dev{number % 20}@example.test", sessions=number // 7, is_remote=number % 3 == 0)
        for number in range(100)
    ]
    expected = ids(shape_day(fetched(records), shape))
    assert len(set(expected[USAGE])) == 100
    shuffled = [dict(reversed(list(each.items()))) for each in records]
    random.Random(5).shuffle(shuffled)  # noqa: S311  # no secret
    assert ids(shape_day(fetched(shuffled[:33], shuffled[33:], []), shape)) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"is_remote": True},
        {"is_remote": None},
        {"terminal_type": "tmux"},
        {"terminal_type": ""},
        {"terminal_type": None},
        {"customer_type": "subscription"},
        {"subscription_type": "team"},
        {"email": "ADA@example.test"},
        {"api_key": "ada@example.test"},
        {"organization_id": "another"},
    ],
)
def test_each_dimension_makes_another_id(rows: Callable[..., list[dict[str, Any]]], change: dict[str, Any]) -> None:
    first, second = rows(record(DAY), record(DAY, **change))
    assert first["_dlt_id"] != second["_dlt_id"]
    assert rows(record(DAY))[0]["_dlt_id"] == first["_dlt_id"]
    assert rows(record(DAY, **change))[0]["_dlt_id"] == second["_dlt_id"]


def test_another_day_makes_another_id(shape: Shape) -> None:
    tomorrow = DAY + dt.timedelta(days=1)
    first = ids(shape_day(fetched([record(DAY)]), shape))
    assert first[USAGE] != ids(shape_day(fetched([record(tomorrow)], day=tomorrow), shape))[USAGE]


def test_restated_numbers_leave_the_id_alone(rows: Callable[..., list[dict[str, Any]]]) -> None:
    assert rows(record(DAY))[0]["_dlt_id"] == rows(record(DAY, sessions=9, models=[]))[0]["_dlt_id"]


def test_a_null_and_a_missing_dimension_say_the_same(rows: Callable[..., list[dict[str, Any]]]) -> None:
    found = [
        rows(record(DAY, subscription_type=value, actor={"type": "user_actor", **actor}))[0]["_dlt_id"]
        for value in (None, OMITTED)
        for actor in ({}, {"email_address": None})
    ]
    assert len(set(found)) == 1


def test_exact_duplicates_are_two_rows(rows: Callable[..., list[dict[str, Any]]]) -> None:
    found = rows(record(DAY), record(DAY))
    assert len({row["_dlt_id"] for row in found}) == 2
    assert len({row["_dlt_id"] for row in rows(record(DAY), record(DAY), table=MODELS)}) == 2


def test_ids_are_made_of_what_may_be_stored(shape: Shape) -> None:
    kept = ids(shape_day(fetched([record(DAY)]), shape))
    shape.protect = protection("hash", "key")
    hashed = ids(shape_day(fetched([record(DAY)]), shape))
    shape.protect = protection("hash", "another key")
    assert len({*kept[USAGE], *hashed[USAGE], *ids(shape_day(fetched([record(DAY)]), shape))[USAGE]}) == 3


# What nobody expected


def test_unknown_fields_are_kept_and_noticed(shape: Shape, said: list[str]) -> None:
    sent = record(
        DAY,
        effort="high",
        core_metrics={"num_sessions": 1, "newThing": 5, "lines_of_code": {"added": 1, "kept": 2.5}},
        where={"city": "Oslo", "b": [1]},
        tags=[1, "x"],
        tools={"edit": {"accepted": 1, "rejected": 2, "undone": 3}},
        models=[{**model_usage("m"), "tokens": {"input": 1, "thinking": 7}, "speed": True}],
    )
    tables = shape_day(fetched([sent]), shape)
    (row,) = tables[USAGE].to_pylist()
    assert row["effort"] == "high"
    assert row["core_metrics__new_thing"] == 5
    assert row["core_metrics__lines_of_code__kept"] == 2.5
    assert json.loads(row["where"]) == {"city": "Oslo", "b": [1]}
    assert json.loads(row["tags"]) == [1, "x"]
    assert tables[TOOLS].to_pylist()[0]["undone"] == 3
    (model,) = tables[MODELS].to_pylist()
    assert (model["tokens__thinking"], model["speed"]) == (7, True)
    assert len(said) == 8
    assert "claude_code_usage.effort: the API sent a field that this version does not know; it is kept" in said


def test_unknown_actor_types_keep_their_fields(rows: Callable[..., list[dict[str, Any]]]) -> None:
    (row,) = rows(record(DAY, actor={"type": "agent_actor", "agent_id": "a-1", "owner": {"name": "ada"}}))
    assert (row["actor__type"], row["actor__agent_id"]) == ("agent_actor", "a-1")
    assert json.loads(row["actor__owner"]) == {"name": "ada"}


def test_two_fields_of_one_column_name_are_both_kept(rows: Callable[..., list[dict[str, Any]]]) -> None:
    (row,) = rows(record(DAY, twoNames=1, two_names=2, TwoNames=4, isRemote="x", core_metrics__num_sessions=8))
    assert (row["two_names"], row["is_remote"], row["core_metrics__num_sessions"]) == (2, False, 3)
    assert sorted(value for name, value in row.items() if name.startswith("two_names__x")) == [1, 4]
    assert {"x", 8} <= set(row.values())


def test_a_column_keeps_its_first_type(shape: Shape) -> None:
    shape_day(fetched([record(DAY, effort=5)]), shape)
    (row,) = shape_day(fetched([record(DAY, effort="high")]), shape)[USAGE].to_pylist()
    assert (row["effort"], row["effort__v_text"]) == (None, "high")
    assert shape.extra_types[USAGE] == {"effort": "bigint", "effort__v_text": "text"}


def test_a_field_that_was_only_ever_null_makes_no_column(rows: Callable[..., list[dict[str, Any]]]) -> None:
    assert "effort" not in rows(record(DAY, effort=None))[0]


@pytest.mark.parametrize(
    ("change", "column", "value"),
    [
        ({"is_remote": "yes"}, "is_remote__v_text", "yes"),
        ({"terminal_type": 5}, "terminal_type__v_bigint", 5),
        ({"terminal_type": {"a": 1}}, "terminal_type__v_json", '{"a":1}'),
        ({"sessions": "many"}, "core_metrics__num_sessions__v_text", "many"),
        ({"sessions": 1.5}, "core_metrics__num_sessions__v_double", 1.5),
        ({"sessions": 2**63}, "core_metrics__num_sessions__v_text", str(2**63)),
        ({"core_metrics": "none"}, "core_metrics", "none"),
        ({"core_metrics": [1]}, "core_metrics", "[1]"),
        ({"actor": "ada"}, "actor", "ada"),
        ({"tool_actions": ["edit"]}, "tool_actions", '["edit"]'),
        ({"tool_actions": 0}, "tool_actions", 0),
        ({"model_breakdown": {"m": 1}}, "model_breakdown", '{"m":1}'),
        ({"date": 5}, "date__v_bigint", 5),
        ({"date": "someday"}, "date__v_text", "someday"),
        ({"organization_id": 5}, "organization_id__v_bigint", 5),
    ],
)
def test_a_value_of_an_unexpected_type_is_kept_beside_the_column(
    rows: Callable[..., list[dict[str, Any]]], change: dict[str, Any], column: str, value: Any
) -> None:
    (row,) = rows(record(DAY, **change))
    assert row[column] == value


def test_a_breakdown_item_that_is_no_object_is_kept(rows: Callable[..., list[dict[str, Any]]]) -> None:
    sent = record(DAY, tools={"a": 5, "b": {"accepted": 1, "value": 6}}, models=["opus", {"value": "x"}, [1], 7])
    sent["model_breakdown"] = ["opus", {"value": "x"}, [1], 7]
    assert [row["value"] for row in rows(sent, table=TOOLS)] == [5, 6]
    found = rows(sent, table=MODELS)
    assert [[v for k, v in row.items() if k.startswith("value") and v is not None] for row in found] == [
        ["opus"],
        ["x"],
        ["[1]"],
        [7],
    ]


@pytest.mark.parametrize("name", ["organization_id", "date", "tool_name", "_dlt_id", "_dlt_parent_id", "_dlt_load_id"])
def test_a_field_named_like_a_column_of_ours_is_kept_apart(
    rows: Callable[..., list[dict[str, Any]]], name: str
) -> None:
    sent = record(DAY, tools={"edit": {name: "theirs"}}, models=[{name: "theirs"}])
    if not name.startswith(("organization", "date")):
        sent[name] = "theirs"
        assert "theirs" in rows(sent)[0].values()
    for table in (TOOLS, MODELS):
        (row,) = rows(sent, table=table)
        assert row["organization_id"] == SAMPLE_ORGANIZATION_ID
        assert "theirs" in row.values()


def test_a_field_named_like_a_variant_is_kept_apart(rows: Callable[..., list[dict[str, Any]]]) -> None:
    found = rows(
        record(DAY, is_remote="a", is_remote__v_text="b", is_remote_v_text="c"),
        record(DAY, core_metrics={"v_text": "d", "v_bool": True}),
        record(DAY, core_metrics=5),
        record(DAY, core_metrics="e", effort=1, effort__v_text="f"),
        record(DAY, core_metrics=False, effort="g"),
    )
    values = [value for row in found for value in row.values()]
    assert {"a", "b", "c", "d", "e", "f", "g"} <= set(values)
    assert sum(value is True for value in values) == 1


@pytest.mark.parametrize(
    "key", ["", " ", "_", "__", "!!!", "日本", "a" * 300, "select", "1st", "a__b", "a___b", "Ä", "\x00"]
)
def test_a_field_of_any_name_is_kept(rows: Callable[..., list[dict[str, Any]]], key: str) -> None:
    (row,) = rows(record(DAY, **{key: "kept"}, tools={key: {key: "kept"}}))
    assert "kept" in row.values()
    (tool,) = rows(record(DAY, tools={key: {key: "kept"}}), table=TOOLS)
    assert tool["tool_name"] == key
    assert "kept" in tool.values()
    for name in row:
        assert NAMING.normalize_path(name) == name, "dlt would name the column again"


# The ledger


def test_the_ledger_says_what_was_read(shape: Shape) -> None:
    day = fetched([record(DAY)] * 3, [record(DAY)] * 2, request_id="req_last")
    (row,) = shape_day(day, shape)[LEDGER].to_pylist()
    content_hash = row.pop("content_hash")
    assert len(content_hash) == 32
    assert row == {
        "organization_id": SAMPLE_ORGANIZATION_ID,
        "date": DAY,
        "fetched_at": FETCHED_AT,
        "records": 5,
        "pages": 2,
        "request_id": "req_last",
        "is_final": True,
        "_dlt_load_id": "load",
    }


def hash_of(shape: Shape, *pages: Any) -> str:
    found: str = shape_day(fetched(*pages), shape)[LEDGER]["content_hash"][0].as_py()
    return found


def test_the_hash_of_the_content_knows_no_pages_no_order_and_no_order_of_keys(shape: Shape) -> None:
    records = [record(DAY, email=f"dev{number}@example.test") for number in range(10)]
    expected = hash_of(shape, records)
    assert hash_of(shape, records[:4], [], records[4:]) == expected
    assert hash_of(shape, records[::-1]) == expected
    assert hash_of(shape, [dict(reversed(list(each.items()))) for each in records]) == expected
    assert (
        hash_of(shape, b"[" + b" , ".join(json.dumps(each, indent=1).encode() for each in records) + b"]") == expected
    )


@pytest.mark.parametrize(
    "changed",
    [
        [],
        [record(DAY), record(DAY)],
        [record(DAY, sessions=4)],
        [record(DAY, models=[model_usage("claude-sonnet-5", cents=19.5)])],
        [record(DAY, new=1)],
        [record(DAY, tools={})],
    ],
)
def test_the_hash_of_the_content_tells_every_change(shape: Shape, changed: list[Any]) -> None:
    assert hash_of(shape, changed) != hash_of(shape, [record(DAY)])


@pytest.mark.parametrize(("hours", "is_final"), [(5.999, False), (6, True), (-3, False)])
def test_a_day_is_final_in_the_ledger_six_hours_after_its_end(shape: Shape, hours: float, is_final: bool) -> None:
    end = dt.datetime(2026, 9, 2, tzinfo=dt.timezone.utc)
    day = fetched([], fetched_at=end + dt.timedelta(hours=hours))
    assert shape_day(day, shape)[LEDGER]["is_final"].to_pylist() == [is_final]


def test_each_organization_of_a_day_has_its_ledger_row(shape: Shape) -> None:
    records = [record(DAY, organization_id=name) for name in ("b", "a", "b")]
    found = shape_day(fetched(records), shape)[LEDGER].to_pylist()
    assert [(row["organization_id"], row["records"]) for row in found] == [("a", 1), ("b", 2)]
