"""Whatever a record holds goes in whole and comes out whole."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from claude_code_analytics.claude_code.privacy import MODES, protection
from dlt.common.normalizers.naming.snake_case import NamingConvention
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from claude_code_analytics.claude_code.columns import COLUMNS
from claude_code_analytics.claude_code.pages import FetchedDay
from claude_code_analytics.claude_code.tables import Shape, ShapeAhead, ShapedDay, shape_day
from claude_code_analytics.source import column_naming
from claude_code_simulator import OMITTED, SAMPLE_ORGANIZATION_ID, model_usage, record

DAY = dt.date(2026, 9, 14)
USAGE, TOOLS, MODELS, LEDGER = COLUMNS
NAMING = NamingConvention(63)

texts = st.text(max_size=12)
counts = st.integers(0, 2**63 - 1)
maybe = st.one_of(counts, st.none())
amounts = st.one_of(st.integers(0, 10**28), st.floats(0, 1e12), st.decimals(0, 10**9, places=4).map(str))

models = st.builds(
    model_usage,
    model=texts,
    input=counts,
    output=maybe,
    cache_read=counts,
    cache_creation=counts,
    cents=amounts,
    currency=st.sampled_from(["USD", "EUR"]),
)
records = st.builds(
    record,
    st.just(DAY),
    email=texts,
    api_key=st.one_of(st.none(), texts),
    customer_type=st.sampled_from(["api", "subscription"]),
    subscription_type=st.sampled_from([None, OMITTED, "team", "enterprise"]),
    terminal_type=st.one_of(st.none(), texts),
    is_remote=st.sampled_from([True, False, OMITTED]),
    sessions=counts,
    added=counts,
    removed=maybe,
    commits=counts,
    pull_requests=counts,
    tools=st.dictionaries(texts, st.tuples(counts, maybe), max_size=4),
    models=st.lists(models, max_size=3),
)


def told(row: dict[str, Any]) -> tuple[Any, ...]:
    """What a record says, read from it in the plainest way."""
    metrics, actor = row["core_metrics"], row["actor"]
    return (
        actor["type"],
        actor.get("email_address"),
        actor.get("api_key_name"),
        row["customer_type"],
        row.get("subscription_type"),
        row["terminal_type"],
        row.get("is_remote"),
        metrics["num_sessions"],
        metrics["lines_of_code"]["added"],
        metrics["lines_of_code"]["removed"],
        metrics["commits_by_claude_code"],
        metrics["pull_requests_by_claude_code"],
        tuple((name, tool["accepted"], tool["rejected"]) for name, tool in sorted(row["tool_actions"].items())),
        tuple(
            (model["model"], *model["tokens"].values(), model["estimated_cost"]["currency"], str_of(model))
            for model in row["model_breakdown"]
        ),
    )


def str_of(model: dict[str, Any]) -> str:
    amount = model["estimated_cost"]["amount"]
    return canonical(repr(amount) if isinstance(amount, float) else str(amount))


def canonical(number: str | Decimal) -> str:
    return f"{Decimal(number).normalize():f}" if Decimal(number) else "0"


def loaded(warehouse: Any) -> list[tuple[Any, ...]]:
    """What the warehouse says of each record."""
    tools: dict[str, list[Any]] = {}
    for row in sorted(warehouse.rows(TOOLS), key=lambda row: row["_dlt_list_idx"]):
        tools.setdefault(row["_dlt_parent_id"], []).append((row["tool_name"], row["accepted"], row["rejected"]))
    models: dict[str, list[Any]] = {}
    for row in sorted(warehouse.rows(MODELS), key=lambda row: row["_dlt_list_idx"]):
        amount = row["estimated_cost__amount"]
        models.setdefault(row["_dlt_parent_id"], []).append(
            (
                row["model"],
                *(row[f"tokens__{kind}"] for kind in ("input", "output", "cache_read", "cache_creation")),
                row["estimated_cost__currency"],
                canonical(row["estimated_cost__amount__v_text"] if amount is None else amount),
            )
        )
    facts = [column.name for column in COLUMNS[USAGE] if column.path and column.name not in ("organization_id", "date")]
    return [
        (
            *(row[name] for name in facts),
            tuple(tools.get(row["_dlt_id"], ())),
            tuple(models.get(row["_dlt_id"], ())),
        )
        for row in warehouse.rows()
    ]


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(sent=st.lists(records, max_size=40))
def test_any_day_that_follows_the_schema_goes_in_and_comes_out_whole(warehouse: Any, sent: list[Any]) -> None:
    warehouse.write(DAY, *sent)
    warehouse.load(start_date=DAY, end_date=DAY)
    assert Counter(loaded(warehouse)) == Counter(map(told, sent))


ODD = st.fixed_dictionaries(
    {},
    optional={
        "terminal_type": st.one_of(st.just({"a": None}), st.just([]), st.integers(), st.just(1.5)),
        "customer_type": st.one_of(st.just({}), st.booleans()),
        "date": st.one_of(st.none(), st.just("2026-09-14"), st.just(7)),
        "organization_id": st.one_of(st.none(), st.just(""), st.just("other")),
    },
)


@settings(max_examples=60)
@given(sent=st.lists(st.builds(lambda row, odd: {**row, **odd}, records, ODD), max_size=6), mode=st.sampled_from(MODES))
def test_records_that_are_decoded_into_types_and_others_become_the_same_tables(sent: list[Any], mode: str) -> None:
    class Untyped(FetchedDay):
        def known_records(self) -> None:
            return None

    now = dt.datetime(2026, 9, 20, tzinfo=dt.timezone.utc)
    body = json.dumps({"data": sent, "has_more": False}).encode()
    protect = protection(mode, "key")
    known, untyped = (kind(DAY, (body,), len(sent), None, now) for kind in (FetchedDay, Untyped))
    tables = [
        shape_day(day, Shape(column_naming(NAMING), protect, "1", SAMPLE_ORGANIZATION_ID))
        for day in (known, untyped, ShapeAhead(protect)(known))
    ]
    assert tables[0] == tables[1] == tables[2]


def test_what_the_api_reference_has_is_decoded_into_types() -> None:
    body = json.dumps({"data": [record(DAY, tools={"a": (1, 2)}, models=["m"])], "has_more": False}).encode()
    known = FetchedDay(DAY, (body,), 1, None, dt.datetime(2026, 9, 20, tzinfo=dt.timezone.utc)).known_records()
    assert known is not None
    assert known[0].model_breakdown[0].model == "m"


def test_a_usual_day_is_shaped_ahead_and_its_pages_are_gone() -> None:
    body = json.dumps({"data": [record(DAY, tools={"a": (1, 2)}, models=["m"])], "has_more": False}).encode()
    day = FetchedDay(DAY, (body, body), 2, None, dt.datetime(2026, 9, 20, tzinfo=dt.timezone.utc))

    ahead = ShapeAhead(protection("keep"))(day)

    assert isinstance(ahead, ShapedDay)
    assert ahead.bodies == (b"", b"")
    assert shape_day(ahead, Shape(column_naming(NAMING), protection("keep"), "1", None)) == shape_day(
        day, Shape(column_naming(NAMING), protection("keep"), "1", None)
    )


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**80), 2**80),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)
keys = st.one_of(
    texts,
    st.sampled_from(
        ["type", "date", "value", "v_text", "organization_id", "twoNames", "two_names", "_dlt_id", "accepted"]
    ),
)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=8,
)
PLACES: tuple[tuple[str, ...], ...] = (
    ("actor",),
    ("actor", "email_address"),
    ("customer_type",),
    ("is_remote",),
    ("core_metrics",),
    ("core_metrics", "num_sessions"),
    ("core_metrics", "lines_of_code"),
    ("core_metrics", "lines_of_code", "added"),
    ("tool_actions",),
    ("tool_actions", "edit_tool"),
    ("tool_actions", "edit_tool", "accepted"),
    ("model_breakdown",),
    ("model_breakdown", "0"),
    ("model_breakdown", "0", "model"),
    ("model_breakdown", "0", "tokens"),
    ("model_breakdown", "0", "estimated_cost", "amount"),
    ("organization_id",),
    ("date",),
)


@st.composite
def odd_records(draw: st.DrawFn) -> dict[str, Any]:
    """A record with anything in some of its places, and more fields than anybody knows."""
    built = record(DAY, email=draw(texts))
    for place in draw(st.lists(st.sampled_from(PLACES), max_size=3, unique=True)):
        inside: Any = built
        for key in place[:-1]:
            if isinstance(inside, dict):
                inside = inside.get(key)
            else:
                inside = inside[0] if isinstance(inside, list) and inside and key == "0" else None
        if isinstance(inside, dict):
            inside[place[-1]] = draw(anything)
        elif isinstance(inside, list) and inside and place[-1] == "0":
            inside[0] = draw(anything)
    for inside in (built, built.get("core_metrics"), built.get("actor")):
        if isinstance(inside, dict):
            for key, value in draw(st.dictionaries(keys, anything, max_size=2)).items():
                inside.setdefault(key, value)
    return built


def leaf(value: Any) -> str:
    """A scalar as text that does not tell a number from the text of that number."""
    if isinstance(value, bool):
        return str(value)
    text = repr(value) if isinstance(value, float) else str(value)
    try:
        return canonical(text) if Decimal(text).is_finite() else text
    except InvalidOperation:
        return text


def leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif value is not None:
        yield leaf(value)


def sent_leaves(built: dict[str, Any]) -> Iterator[str]:
    """The scalars of a record but its day and organization, which the connector writes itself."""
    for key, value in built.items():
        expected = (key == "organization_id" and isinstance(value, str)) or (
            key == "date" and isinstance(value, str) and value[:10] == str(DAY)
        )
        if not expected:
            yield from leaves(value)


def kept_leaves(tables: dict[str, Any], shape: Shape) -> Iterator[str]:
    for table in (USAGE, TOOLS, MODELS):
        made = {column.name for column in COLUMNS[table] if not column.path} | {"organization_id", "date"}
        for row in tables[table].to_pylist():
            for name, value in row.items():
                if name not in made and value is not None:
                    is_json = shape.extra_types.get(table, {}).get(name) == "json"
                    yield from leaves(json.loads(value, parse_float=Decimal) if is_json else value)


def shaped(*days: list[Any]) -> tuple[list[dict[str, Any]], Shape]:
    shape = Shape(
        naming=column_naming(NAMING),
        protect=protection("keep"),
        load_id="load",
        organization_id=SAMPLE_ORGANIZATION_ID,
    )
    at = dt.datetime(2026, 9, 20, tzinfo=dt.timezone.utc)
    fetched = [
        FetchedDay(
            date=DAY,
            bodies=(json.dumps({"data": sent}).encode(),),
            record_count=len(sent),
            request_id=None,
            fetched_at=at,
        )
        for sent in days
    ]
    return [shape_day(day, shape) for day in fetched], shape


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(first=st.lists(odd_records(), max_size=4), second=st.lists(odd_records(), max_size=2))
def test_anything_anywhere_raises_nothing_and_loses_nothing(first: list[Any], second: list[Any]) -> None:
    days, shape = shaped(first, second)
    for sent, tables in zip((first, second), days, strict=True):
        assert tables[USAGE].num_rows == len(sent)
        assert Counter(kept_leaves(tables, shape)) == Counter(each for row in sent for each in sent_leaves(row))
        for table in (USAGE, TOOLS, MODELS):
            names = tables[table].schema.names
            assert len(names) == len(set(names))
            assert [NAMING.normalize_path(name) for name in names] == names
            ids = tables[table]["_dlt_id"].to_pylist()
            assert len(ids) == len(set(ids))


@settings(max_examples=40)
@given(sent=st.lists(odd_records(), max_size=6), data=st.data())
def test_ids_and_the_content_hash_depend_on_no_order(sent: list[Any], data: st.DataObject) -> None:
    shuffled = [dict(reversed(list(each.items()))) for each in data.draw(st.permutations(sent))]
    (one,), _ = shaped(sent)
    (another,), _ = shaped(shuffled)
    assert sorted(one[USAGE]["_dlt_id"].to_pylist()) == sorted(another[USAGE]["_dlt_id"].to_pylist())
    assert one[LEDGER]["content_hash"] == another[LEDGER]["content_hash"]


@settings(
    max_examples=2,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sent=st.lists(odd_records(), min_size=5, max_size=30))
def test_anything_anywhere_reaches_the_warehouse(warehouse: Any, sent: list[Any]) -> None:
    for row in sent:
        row["organization_id"], row["date"] = SAMPLE_ORGANIZATION_ID, str(DAY)
    warehouse.write(DAY, *sent)
    warehouse.load(start_date=DAY, end_date=DAY)
    expected, _ = shaped(sent)
    for table in (USAGE, TOOLS, MODELS):
        assert len(warehouse.rows(table)) == expected[0][table].num_rows
    kept = Counter(each for row in sent for each in sent_leaves(row))
    assert Counter(warehouse_leaves(warehouse)) == kept


def warehouse_leaves(warehouse: Any) -> Iterator[str]:
    for table in (USAGE, TOOLS, MODELS):
        made = {column.name for column in COLUMNS[table] if not column.path} | {"organization_id", "date"}
        is_json = {name for name, kind in warehouse.columns(table).items() if kind == "JSON"}
        for row in warehouse.rows(table):
            for name, value in row.items():
                if name not in made and value is not None:
                    yield from leaves(json.loads(value, parse_float=Decimal) if name in is_json else value)
