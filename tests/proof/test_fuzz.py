"""Bytes that nobody would send: whatever arrives in place of a page is an answer or one named error, at once.

Real pages are mutated as bytes and as JSON, from a seed. What is still taken for a page must be shaped into sound
Arrow tables with a row for each record, and a sample of it must reach DuckDB.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest
from claude_code_analytics.claude_code.privacy import protection
from dlt.common.normalizers.naming.snake_case import NamingConvention

from claude_code_analytics import AnalyticsClient, ApiError, UnexpectedResponse
from claude_code_analytics.claude_code.columns import COLUMNS
from claude_code_analytics.claude_code.pages import FetchedDay, NotAPage, read_page
from claude_code_analytics.claude_code.tables import Shape, shape_day
from claude_code_analytics.source import column_naming
from claude_code_simulator import (
    ODDITIES,
    SAMPLE_ORGANIZATION_ID,
    OddOrganization,
    SampleOrganization,
    model_usage,
    record,
)

DAY = dt.date(2026, 9, 14)
NOW = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)
LONG_RUN = int(os.environ.get("FUZZ_CASES", "10000"))
"""Cases in the slow suite."""
PER_TEST = 100
SLOWEST = 2.0
"""Seconds of this thread's own time that a case may take; usually it is a hundredth of one."""

USAGE, _, MODELS, _ = COLUMNS
NAMING = NamingConvention(63)

ODD_VALUES = (
    b"null",
    b"true",
    b"-0",
    b"-0.0",
    b"1e400",
    b"-1e-400",
    b"1e999999999",
    b"1e-48",
    b"12." + b"0" * 47 + b"1",
    b'"0.' + b"3" * 68 + b'"',
    b'"1e-999999999"',
    b"1e-999999999",
    b"0e999999999",
    b"1e99999999999999999999",
    b"9223372036854775808",
    b"-9223372036854775809",
    b"18446744073709551616",
    b"9" * 39,
    b"9" * 5000,
    b"0." + b"3" * 5000,
    b"NaN",
    b"Infinity",
    b"0x10",
    b"01",
    b'""',
    b'"\\u0000"',
    b'"\\ud800"',
    b'"\\udc00\\ud800"',
    b'"\\ud83d\\ude00"',
    b'"\xf0\x9f\x98\x80"',
    b'"\xed\xa0\x80"',
    b'"\xff"',
    b'"\xe2\x80\xae\xe2\x80\xa8\xef\xbb\xbf"',
    b'"2026-09-15T00:00:00Z"',
    b'"\'); DROP TABLE claude_code_usage; --"',
    b'"{}{0}%s"',
    b'"' + b"x" * 70_000 + b'"',
    b"[]",
    b"{}",
    b"[[],{},null]",
    b'{"":1," ":2,"\\u0000":3}',
    b'{"value":1,"Value":2,"VALUE":3,"value__v_text":"x"}',
    b'{"_dlt_id":"x","date":1,"organization_id":null,"_dlt_load_id":0}',
    b"[" * 30 + b"]" * 30,
    b"[" * 900 + b"]" * 900,
    b"[" * 100_000,
    b'{"a":' * 400 + b"1" + b"}" * 400,
)
ODD_BYTES = (b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xc0\x80", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\n")


def real_pages() -> list[bytes]:
    """Pages as the API writes them, ordinary and odd ones."""
    organizations: list[Any] = [SampleOrganization(developers=12)]
    organizations += [OddOrganization(organizations[0], name) for name in ODDITIES]
    days = [organization.records(DAY, NOW)[:4] for organization in organizations]
    days += [[record(DAY)], []]
    return [
        json.dumps(
            {"data": list(rows), "has_more": False, "next_page": None},
            separators=(",", ":"),
            ensure_ascii=number % 2 == 0,
        ).encode()
        for number, rows in enumerate(days)
    ]


# Mutations: each takes a page, a source of chance and other pages


def flip_bits(page: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    changed = bytearray(page)
    for _ in range(rng.choice([1, 1, 2, 8])):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut(page: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    return page[: rng.randrange(len(page) + 1)]


def take_out(page: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    start, end = _chunk(page, rng)
    return page[:start] + page[end:]


def double(page: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    start, end = _chunk(page, rng)
    return page[:end] + page[start:end] + page[end:]


def swap(page: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    a, b, c, d = sorted(rng.randrange(len(page) + 1) for _ in range(4))
    return page[:a] + page[c:d] + page[b:c] + page[a:b] + page[d:]


def splice(page: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    other = rng.choice(others)
    return page[: rng.randrange(len(page) + 1)] + other[rng.randrange(len(other) + 1) :]


def insert(page: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    at = rng.randrange(len(page) + 1)
    return page[:at] + rng.choice(ODD_BYTES + ODD_VALUES) + page[at:]


def replace_value(page: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """Puts odd values in the place of some: the page stays JSON where they are."""
    try:
        decoded = json.loads(page)
    except (ValueError, RecursionError):
        return insert(page, rng, others)
    odd: list[bytes] = []
    for _ in range(rng.choice([1, 1, 2, 5])):
        places = list(_places(decoded))
        if places:
            container, key = rng.choice(places)
            odd.append(rng.choice(ODD_VALUES))
            container[key] = f"<odd {len(odd) - 1}>"
    text = json.dumps(decoded).encode()
    for number, value in enumerate(odd):
        text = text.replace(f'"<odd {number}>"'.encode(), value)
    return text


def rename_key(page: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    keys = [b'"actor"', b'"type"', b'"tool_actions"', b'"accepted"', b'"model"', b'"tokens"', b'"amount"', b'"date"']
    names = [b'""', b'" "', b'"\\u0000"', b'"_dlt_id"', b'"Date"', b'"value"', b'"' + b"k" * 300 + b'"', *keys]
    return page.replace(rng.choice(keys), rng.choice(names), rng.choice([1, -1]))


MUTATIONS: list[Callable[[bytes, random.Random, list[bytes]], bytes]] = [
    flip_bits,
    cut,
    take_out,
    double,
    swap,
    splice,
    insert,
    rename_key,
    *[replace_value] * 6,  # the others seldom leave a page
]


def _chunk(page: bytes, rng: random.Random) -> tuple[int, int]:
    start = rng.randrange(len(page) + 1)
    return start, min(len(page), start + rng.choice([1, 2, 10, 100, 1000]))


def _places(value: Any) -> Any:
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(inner, (dict, list)):
            yield from _places(inner)


PAGES = real_pages()


def mutated(seed: int) -> bytes:
    """A case: a page after one to three mutations."""
    rng = random.Random(seed)  # noqa: S311
    page = rng.choice(PAGES)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        page = rng.choice(MUTATIONS)(page, rng, PAGES) if page else page
    return page


# What must come of it


def new_shape() -> Shape:
    return Shape(
        naming=column_naming(NAMING),
        protect=protection("keep"),
        load_id="load",
        organization_id=SAMPLE_ORGANIZATION_ID,
    )


def shaped(page: bytes, shape: Shape) -> str:
    """How a body ends that is read and shaped, with a look at the tables that come of it."""
    try:
        found = read_page(page)
    except NotAPage:
        return "no page"
    assert found.body == page
    day = FetchedDay(DAY, (page,), found.record_count, None, NOW)
    try:
        tables = shape_day(day, shape)
    except UnexpectedResponse:
        return "UnexpectedResponse"
    assert tables[USAGE].num_rows == found.record_count
    for table in tables.values():
        table.validate(full=True)
        assert len(set(table.schema.names)) == len(table.schema.names)
        if "_dlt_id" in table.schema.names:
            assert len(set(table["_dlt_id"].to_pylist())) == table.num_rows
    return "tables"


def asked(page: bytes, client: AnalyticsClient) -> str:
    """How a day ends whose every page is this body."""
    try:
        day = client.day(DAY)
    except UnexpectedResponse as error:
        return f"UnexpectedResponse {error.day} {len(str(error).splitlines())}"
    assert set(day.bodies) == {page}
    return "a day"


def fuzz(first: int, connect: Callable[..., AnalyticsClient], tally: list[Any], count: int = PER_TEST) -> Counter[str]:
    """Runs some cases; a failure names its seed."""
    ends: Counter[str] = Counter()
    shape = new_shape()
    body = b""
    client = connect(transport=httpx.MockTransport(lambda request: httpx.Response(200, content=body)))
    for seed in range(first, first + count):
        body = mutated(seed)
        began = time.thread_time()
        try:
            # Columns that one case brings stay for the next ones, as in a run; now and then a new run begins.
            shape = new_shape() if seed % 10 == 0 else shape
            ended = shaped(body, shape)
            ends[ended] += 1
            from_client = asked(body, client)
            assert from_client in (f"UnexpectedResponse {DAY} 1", *(["a day"] if ended != "no page" else []))
        except Exception as error:
            raise AssertionError(f"seed {seed}: {body[:300]!r}") from error
        assert time.thread_time() - began < SLOWEST, f"seed {seed}"
        tally.append(
            ("fuzz", f"case {seed}", "client, shaping", "exact" if ended == "tables" else "UnexpectedResponse")
        )
    return ends


@pytest.mark.parametrize("first", range(0, 300, PER_TEST))
def test_any_bytes_are_an_answer_or_a_named_error(
    connect: Callable[..., AnalyticsClient], tally: list[Any], first: int
) -> None:
    ends = fuzz(first, connect, tally)
    assert min(ends["tables"], ends["no page"]) > PER_TEST / 10  # both ways are walked


@pytest.mark.slow
@pytest.mark.parametrize("first", range(300, 300 + LONG_RUN, 500))
def test_ten_thousand_bodies_are_answers_or_named_errors(
    connect: Callable[..., AnalyticsClient], tally: list[Any], first: int
) -> None:
    fuzz(first, connect, tally, 500)


@pytest.mark.parametrize("head", ["0.", "12.", "-0.00"])
def test_amounts_of_any_number_of_decimals_are_kept_to_the_last(head: str) -> None:
    # pyarrow 26 made 0 of amounts with 48, 68, 84, ... decimals.
    sent = [f"{head}{'0' * zeros}1" for zeros in range(300)] + [f"1e-{exponent}" for exponent in (999, 999_999_999)]
    rows = [record(DAY, email=text, models=[model_usage("m", cents=text)]) for text in sent]
    as_text = json.dumps({"data": rows}).encode()
    as_numbers = as_text
    for text in sent:
        as_numbers = as_numbers.replace(f'"amount": "{text}"'.encode(), f'"amount": {text}'.encode())
    for body in (as_text, as_numbers):
        models = shape_day(FetchedDay(DAY, (body,), len(rows), None, NOW), new_shape())[MODELS].to_pylist()
        kept = [row["estimated_cost__amount"] or row["estimated_cost__amount__v_text"] for row in models]
        assert [Decimal(amount) for amount in kept] == [Decimal(text) for text in sent]


OURS = f"organization_id = '{SAMPLE_ORGANIZATION_ID}'"
"""Records that are under another id after a mutation stay until that id is told of again (decision D3)."""


def _is_ours(row: dict[str, Any]) -> bool:
    named = row.get("organization_id")
    return named == SAMPLE_ORGANIZATION_ID or not (isinstance(named, str) and named)


def load_mutated(warehouse: Any, tally: list[Any], seeds: range) -> None:
    """Loads mutated days, one after the other, into one warehouse; each is there as often as it has records."""
    body = b""

    def answer(request: httpx.Request) -> httpx.Response:
        is_report = request.url.path.endswith("claude_code")
        return httpx.Response(200, content=body) if is_report else warehouse.api.handle(request)

    warehouse.load(start_date=DAY, end_date=DAY)
    held = 0
    for seed in seeds:
        body = mutated(seed)
        if shaped(body, new_shape()) != "tables":
            continue
        try:
            client = warehouse.client(transport=httpx.MockTransport(answer))
            warehouse.load(start_date=DAY, end_date=DAY, client=client)
            rows = FetchedDay(DAY, (body,), 0, None, NOW).records()
            held, ended = sum(_is_ours(row) for row in rows), "exact"
        except Exception as error:
            at: BaseException | None = error
            while at is not None and not isinstance(at, ApiError):
                at = at.__cause__ or at.__context__
            if at is None:
                raise AssertionError(f"seed {seed}: {body[:300]!r}") from error
            ended = type(at).__name__
        assert warehouse.sql(f"SELECT count(*) FROM {USAGE} WHERE {OURS}") == [(held,)], f"seed {seed}"
        tally.append(("fuzz", f"case {seed}", "warehouse", ended))


def test_what_is_taken_for_a_page_reaches_the_warehouse(warehouse: Any, tally: list[Any]) -> None:
    load_mutated(warehouse, tally, range(12))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 1100, 100))
def test_whatever_is_taken_for_a_page_reaches_the_warehouse(warehouse: Any, tally: list[Any], first: int) -> None:
    load_mutated(warehouse, tally, range(first, first + 100))
