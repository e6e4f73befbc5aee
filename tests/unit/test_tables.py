"""Records of a day to Arrow tables: every row, every value, ids and hashes that do not depend on pages or order."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claude_code_analytics.claude_code.columns import DAYS, MODEL_BREAKDOWN, TOOL_ACTIONS, USAGE
from claude_code_analytics.claude_code.tables import ShapedDay, Shaping, shape
from claude_code_analytics.privacy import MODES
from claude_code_simulator import OMITTED, SAMPLE_ORGANIZATION_ID, model_usage, record
from support.record_strategies import leaves, odd_records, sent_leaves
from support.shaped_days import DAY, NAMING, RECORD_TABLES, fetched, rows, shaped, shaping

TOOLS, MODELS = TOOL_ACTIONS.name, MODEL_BREAKDOWN.name


def ids(day: ShapedDay) -> dict[str, list[str]]:
    return {name: sorted(table["_dlt_id"].to_pylist()) for name, table in day.tables.items()}


# Declared columns


def test_the_tables_have_the_columns_of_the_public_contract() -> None:
    required = {
        table.name: {column.name for column in table.columns if not column.nullable} for table in (*RECORD_TABLES, DAYS)
    }
    everywhere = {"organization_id", "date", "_dlt_load_id"}
    assert required == {
        USAGE.name: everywhere | {"_dlt_id"},
        TOOLS: everywhere | {"_dlt_id", "_dlt_parent_id", "_dlt_list_idx"},
        MODELS: everywhere | {"_dlt_id", "_dlt_parent_id", "_dlt_list_idx"},
        DAYS.name: everywhere | {"fetched_at", "pages", "is_final"},
    }
    assert {table.counted_as for table in RECORD_TABLES} < set(DAYS.column_names)
    for table in (*RECORD_TABLES, DAYS):
        assert set(table.clustered_by) < set(table.column_names)
        assert len(set(table.column_names)) == len(table.columns)


@pytest.mark.parametrize(
    "records",
    [
        [],
        [{}],
        [{"tool_actions": {"t": {}}, "model_breakdown": [{}]}],
        [record(DAY, tools={"t": (1, 2)}, models=["m"])],
    ],
)
def test_every_declared_column_is_there_whatever_the_records_hold(records: list[Any]) -> None:
    day = shaped(*records)
    assert list(day.tables) == [table.name for table in RECORD_TABLES]
    for table in RECORD_TABLES:
        declared = [column.field for column in table.columns if column.name != "_dlt_load_id"]
        assert list(day.tables[table.name].schema) == declared


@pytest.mark.parametrize("field", ["tool_actions", "model_breakdown", "core_metrics", "actor"])
@pytest.mark.parametrize("value", [None, OMITTED])
def test_a_part_that_is_null_or_missing_is_null_and_never_zero(field: str, value: Any) -> None:
    sent = record(DAY, **{field: value})
    (row,) = rows(sent)
    assert all(row[name] is None for name in row if name.startswith(field))
    for table, part in ((TOOLS, "tool_actions"), (MODELS, "model_breakdown")):
        assert len(rows(sent, table=table)) == (field != part)


# Row ids


def test_ids_are_those_of_earlier_versions() -> None:
    tools = record(DAY, tools={"a": (1, 2)}, models=["m"])
    found = ids(shaped(tools, tools, record(DAY, email="Ünï", is_remote=None, terminal_type=None)))
    assert found[USAGE.name] == EARLIER_IDS


EARLIER_IDS = ["0a878e5813efb75f2da70458", "47f1b15048a3d9cb13a75fe4", "a62b2c7385e2b5d77ce7cad5"]


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
    ],
)
def test_each_dimension_makes_another_id(change: dict[str, Any]) -> None:
    first, second = rows(record(DAY), record(DAY, **change))
    assert first["_dlt_id"] != second["_dlt_id"]
    assert rows(record(DAY))[0]["_dlt_id"] == first["_dlt_id"]
    assert rows(record(DAY, **change))[0]["_dlt_id"] == second["_dlt_id"]


def test_restated_numbers_leave_the_id_alone() -> None:
    assert rows(record(DAY))[0]["_dlt_id"] == rows(record(DAY, sessions=9, models=[]))[0]["_dlt_id"]


def test_a_null_and_a_missing_dimension_make_the_same_id() -> None:
    found = [
        rows(record(DAY, subscription_type=value, actor={"type": "user_actor", **actor}))[0]["_dlt_id"]
        for value in (None, OMITTED)
        for actor in ({}, {"email_address": None})
    ]
    assert len(set(found)) == 1


def test_exact_duplicates_are_two_rows() -> None:
    found = ids(shaped(record(DAY, models=["m"]), record(DAY, models=["m"])))
    assert len(set(found[USAGE.name])) == len(set(found[MODELS])) == 2


def test_ids_are_made_of_what_may_be_stored() -> None:
    settings = [shaping(), shaping("hash"), shaping("hash", "another key"), shaping("drop")]
    assert len({ids(shaped(record(DAY), settings=each))[USAGE.name][0] for each in settings}) == 4


# The content hash


def hash_of(*pages: Any, mode: str = "keep") -> str:
    return shape(fetched(*pages), shaping(mode)).content_hash


def test_the_content_hash_does_not_depend_on_pages_order_order_of_keys_or_spaces() -> None:
    records = [record(DAY, email=f"dev{number}@example.test", sessions=number) for number in range(10)]
    expected = hash_of(records)
    assert hash_of(records[:4], [], records[4:]) == expected
    assert hash_of(records[::-1]) == expected
    assert hash_of([dict(reversed(list(each.items()))) for each in records]) == expected
    assert hash_of(b"[" + b" , ".join(json.dumps(each, indent=1).encode() for each in records) + b"]") == expected


@pytest.mark.parametrize(
    "changed",
    [
        [],
        [record(DAY), record(DAY)],
        [record(DAY, sessions=4)],
        [record(DAY, models=[model_usage("claude-sonnet-5", cents=19.5)])],
        [record(DAY, new=1)],
        [record(DAY, tools={})],
        [record(DAY, actor={"type": "user_actor", "email_address": "ada@example.test", "seat": 5})],
    ],
)
def test_the_content_hash_changes_with_the_content(changed: list[Any]) -> None:
    assert hash_of(changed) != hash_of([record(DAY)])


@pytest.mark.parametrize(
    "actor",
    [
        {"type": "api_actor", "api_key_name": "ada's laptop"},
        {"type": "agent_actor", "owner": {"name": "ada"}, "teams": ["a"], "none": None},
        {},
    ],
)
def test_the_content_hash_leaves_out_who_acted(actor: dict[str, Any]) -> None:
    assert {hash_of([record(DAY, actor=actor)], mode=mode) for mode in MODES} == {hash_of([record(DAY)])}


# Unexpected fields and values


def test_unknown_actor_types_keep_their_fields_and_are_treated_before_anything_is_made_of_them() -> None:
    sent = record(DAY, actor={"type": "agent_actor", "agent_id": "ada", "owner": {"name": "ada"}})
    (row,) = rows(sent)
    assert (row["actor__type"], row["actor__agent_id"]) == ("agent_actor", "ada")
    assert json.loads(row["actor__owner"]) == {"name": "ada"}
    for mode in ("hash", "drop"):
        (row,) = rows(sent, settings=shaping(mode))
        assert row["actor__type"] == "agent_actor"
        assert "ada" not in repr(row)


def test_two_fields_of_one_column_name_are_both_kept() -> None:
    (row,) = rows(record(DAY, twoNames=1, two_names=2, TwoNames=4, isRemote="x", core_metrics__num_sessions=8))
    assert (row["two_names"], row["is_remote"], row["core_metrics__num_sessions"]) == (2, False, 3)
    assert sorted(value for name, value in row.items() if name.startswith("two_names__x")) == [1, 4]
    assert {"x", 8} <= set(row.values())


def test_a_field_that_was_only_ever_null_makes_no_column() -> None:
    assert "effort" not in rows(record(DAY, effort=None))[0]


@pytest.mark.parametrize(
    ("change", "column", "value"),
    [
        ({"is_remote": "yes"}, "is_remote__v_text", "yes"),
        ({"terminal_type": 5}, "terminal_type__v_bigint", 5),
        ({"terminal_type": {"a": 1}}, "terminal_type__v_json", '{"a":1}'),
        ({"sessions": 1.5}, "core_metrics__num_sessions__v_double", 1.5),
        ({"sessions": 2**63}, "core_metrics__num_sessions__v_text", str(2**63)),
        ({"core_metrics": "none"}, "core_metrics", "none"),
        ({"core_metrics": [1]}, "core_metrics", "[1]"),
        ({"actor": "ada"}, "actor", "ada"),
        ({"tool_actions": ["edit"]}, "tool_actions", '["edit"]'),
        ({"tool_actions": 0}, "tool_actions", 0),
        ({"model_breakdown": {"m": 1}}, "model_breakdown", '{"m":1}'),
        ({"date": 5}, "date__v_bigint", 5),
        ({"date": "2026-09-13"}, "date__v_text", "2026-09-13"),
        ({"organization_id": 5}, "organization_id__v_bigint", 5),
        ({"organization_id": "another"}, "organization_id__v_text", "another"),
        ({"terminal_type": "cut \ud83d"}, "terminal_type", "cut \ufffd"),
    ],
)
def test_a_value_of_an_unexpected_type_is_kept_beside_the_column(change: Any, column: str, value: Any) -> None:
    (row, usual) = rows(record(DAY, **change), record(DAY))
    assert row[column] == value
    assert usual.get(column, None) in (None, "vscode")


def test_a_breakdown_item_that_is_no_object_is_kept() -> None:
    sent = record(DAY, tools={"a": 5, "b": {"accepted": 1, "value": 6}})
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
def test_a_field_named_like_a_column_of_ours_is_kept_apart(name: str) -> None:
    sent = record(DAY, tools={"edit": {name: "theirs"}}, models=[{name: "theirs"}])
    if name not in ("organization_id", "date"):
        sent[name] = "theirs"
        assert "theirs" in rows(sent)[0].values()
    for table in (TOOLS, MODELS):
        (row,) = rows(sent, table=table)
        assert row["organization_id"] == SAMPLE_ORGANIZATION_ID
        assert "theirs" in row.values()
        assert "_dlt_load_id" not in row


def test_a_field_named_like_a_variant_is_kept_apart() -> None:
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
    "key", ["", " ", "_", "__", "!!!", "日本", "a" * 300, "select", "1st", "a__b", "a___b", "Ä", "\x00", "\ud83d"]
)
def test_a_field_of_any_name_is_kept(key: str) -> None:
    (row,) = rows(record(DAY, **{key: "kept"}, tools={key: {key: "kept"}}))
    assert "kept" in row.values()
    (tool,) = rows(record(DAY, tools={key: {key: "kept"}}), table=TOOLS)
    assert tool["tool_name"] == key.replace("\ud83d", "\ufffd")
    assert "kept" in tool.values()
    for name in row:
        assert NAMING.normalize_path(name) == name, "dlt would name the column again"


# Anything anywhere


def kept_leaves(day: ShapedDay, run: Shaping) -> Iterator[str]:
    for table in RECORD_TABLES:
        made = {column.name for column in table.columns if not column.path} | {"organization_id", "date"}
        types = run.extra.types.get(table.name, {})
        for row in day.tables[table.name].to_pylist():
            for name, value in row.items():
                if name not in made and value is not None:
                    is_json = types.get(name) == "json"
                    yield from leaves(json.loads(value, parse_float=Decimal) if is_json else value)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(first=st.lists(odd_records(), max_size=4), second=st.lists(odd_records(), max_size=2))
def test_anything_anywhere_raises_nothing_and_loses_nothing(first: list[Any], second: list[Any]) -> None:
    run = shaping()
    for sent in (first, second):
        day = shaped(*sent, settings=run)
        assert day.record_count == len(sent)
        assert Counter(kept_leaves(day, run)) == Counter(each for row in sent for each in sent_leaves(row))
        for table in day.tables.values():
            names = table.schema.names
            assert len(names) == len(set(names))
            assert [NAMING.normalize_path(name) for name in names] == names
        assert all(len(each) == len(set(each)) for each in ids(day).values())


@given(sent=st.lists(odd_records(), max_size=6), mode=st.sampled_from(MODES), data=st.data())
def test_neither_ids_nor_the_content_hash_depend_on_any_order(sent: list[Any], mode: str, data: st.DataObject) -> None:
    shuffled = [dict(reversed(list(each.items()))) for each in data.draw(st.permutations(sent))]
    one, another = (shaped(*each, settings=shaping(mode)) for each in (sent, shuffled))
    assert ids(one)[USAGE.name] == ids(another)[USAGE.name]
    assert one.content_hash == another.content_hash == shaped(*sent).content_hash
