"""Bytes that nobody would send: whatever arrives in place of a page is whole days of rows or one named error, at once.

Real pages are mutated as bytes and as JSON, from a seed. What is taken for a page is shaped into sound Arrow tables
with a row for each record, and some of it is loaded into DuckDB.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from claude_code_analytics import ApiError, UndecodableDay, UnexpectedResponse
from claude_code_analytics.claude_code.columns import USAGE
from claude_code_analytics.claude_code.pages import FetchedDay, NotAPage, fetch_day, read_page
from claude_code_analytics.claude_code.tables import shape
from claude_code_pipelines import DaysNotHeld
from claude_code_simulator import OMITTED, SampleOrganization, record
from support.shaped_days import DAY, FETCHED_AT, RECORD_TABLES, shaping
from support.tally import Tally
from support.world import World

CASES = int(os.environ.get("FUZZ_CASES", "1000"))
# Seconds of this thread's own time that a case may take; usually it is a hundredth of one.
SLOWEST = 2.0

ODD_VALUES = (
    b"null", b"true", b"-0", b"-0.0", b"1e400", b"-1e-400", b"1e999999999", b"1e-48", b"12." + b"0" * 47 + b"1",
    b'"0.' + b"3" * 68 + b'"', b'"1e-999999999"', b"1e-999999999", b"0e999999999", b"1e99999999999999999999",
    b"9223372036854775808", b"-9223372036854775809", b"18446744073709551616", b"9" * 39, b"9" * 5000,
    b"0." + b"3" * 5000, b"NaN", b"Infinity", b"0x10", b"01", b'""', b'"\\u0000"', b'"\\ud800"', b'"\\udc00\\ud800"',
    b'"\\ud83d\\ude00"', b'"\xf0\x9f\x98\x80"', b'"\xed\xa0\x80"', b'"\xff"', b'"\xe2\x80\xae\xe2\x80\xa8\xef\xbb\xbf"',
    b'"2026-09-15T00:00:00Z"', b'"\'); DROP TABLE claude_code_usage; --"', b'"{}{0}%s"', b'"' + b"x" * 70_000 + b'"',
    b"[]", b"{}", b"[[],{},null]", b'{"":1," ":2,"\\u0000":3}', b'{"value":1,"Value":2,"VALUE":3,"value__v_text":"x"}',
    b'{"_dlt_id":"x","date":1,"organization_id":null,"_dlt_load_id":0}', b"[" * 30 + b"]" * 30,
    b"[" * 900 + b"]" * 900, b"[" * 100_000, b'{"a":' * 400 + b"1" + b"}" * 400,
)  # fmt: skip
ODD_BYTES = (b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xc0\x80", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\n")
KEYS = (b'"actor"', b'"type"', b'"tool_actions"', b'"accepted"', b'"model"', b'"tokens"', b'"amount"', b'"date"')
NAMES = (*KEYS, b'""', b'" "', b'"\\u0000"', b'"_dlt_id"', b'"Date"', b'"value"', b'"' + b"k" * 300 + b'"')


def page_of(records: list[Any]) -> bytes:
    return json.dumps({"data": records, "has_more": False, "next_page": None}).encode()


PAGES = [
    page_of(list(SampleOrganization(developers=12).records(DAY, FETCHED_AT)[:4])),
    page_of([record(DAY), record(DAY, organization_id=OMITTED)] if OMITTED else []),
    page_of([record(DAY, email="a@example.test", new_metric={"x": [1]}, tools={})]),
    page_of([]),
]

Mutation = Callable[[bytes, random.Random], bytes]


def flip_bits(page: bytes, rng: random.Random) -> bytes:
    changed = bytearray(page)
    for _ in range(rng.choice([1, 1, 2, 8])):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut_double_or_swap(page: bytes, rng: random.Random) -> bytes:
    a, b, c, d = sorted(rng.randrange(len(page) + 1) for _ in range(4))
    return rng.choice(
        [page[:a], page[:a] + page[b:], page[:b] + page[a:b] + page[b:], page[:a] + page[c:d] + page[b:c] + page[d:]]
    )


def insert(page: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(page) + 1)
    return page[:at] + rng.choice(ODD_BYTES + ODD_VALUES) + page[at:]


def rename_key(page: bytes, rng: random.Random) -> bytes:
    return page.replace(rng.choice(KEYS), rng.choice(NAMES), rng.choice([1, -1]))


def replace_values(page: bytes, rng: random.Random) -> bytes:
    """Puts odd values in the place of some: the page stays JSON where they are."""
    try:
        decoded = json.loads(page)
    except (ValueError, RecursionError):
        return insert(page, rng)
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


def _places(value: Any) -> Any:
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(inner, (dict, list)):
            yield from _places(inner)


# the others seldom leave a page
MUTATIONS: list[Mutation] = [flip_bits, cut_double_or_swap, insert, rename_key, *[replace_values] * 5]


def mutated(seed: int) -> bytes:
    """Returns a case: a page after one to three mutations."""
    rng = random.Random(seed)  # noqa: S311
    page = rng.choice(PAGES)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        page = rng.choice(MUTATIONS)(page, rng) if page else page
    return page


def shaped(page: bytes, settings: Any) -> str:
    """Reads and shapes a body; returns how it ends, after a look at the tables."""
    try:
        found = read_page(page)
    except NotAPage:
        return "no page"
    if found is None:
        return "nested too deep"
    day = FetchedDay(DAY, (page,), found.record_count, None, FETCHED_AT)
    try:
        tables = shape(day, settings).tables
    except UndecodableDay:
        return "undecodable"
    assert tables[USAGE.name].num_rows == found.record_count
    for declared in RECORD_TABLES:
        table = tables[declared.name]
        table.validate(full=True)
        assert len(set(table.schema.names)) == len(table.schema.names)
        assert len(set(table["_dlt_id"].to_pylist())) == table.num_rows
    return "tables"


def page_of_day(client: Any) -> bytes | None:
    """Returns the page that every request for the day gets, or None where its records are of other days."""
    try:
        (body,) = set(fetch_day(client.session(), DAY).bodies)
    except UnexpectedResponse:
        return None
    return bytes(body)


@pytest.mark.parametrize(
    ("first", "count"),
    [(0, 200), *(pytest.param(first, 500, marks=pytest.mark.slow) for first in range(300, 300 + CASES, 500))],
)
def test_any_bytes_are_rows_or_a_named_error(world: World, tally: Tally, first: int, count: int) -> None:
    settings = shaping()
    body = b""
    client = world.client(transport=httpx.MockTransport(lambda request: httpx.Response(200, content=body)))
    for seed in range(first, first + count):
        body = mutated(seed)
        began = time.thread_time()
        try:
            # columns that one case brings stay for the next ones, as in a run; now and then a new run begins
            settings = shaping() if seed % 10 == 0 else settings
            ended = shaped(body, settings)
            if ended in ("no page", "nested too deep"):
                with pytest.raises(ApiError, match=f"^{DAY}: .*$"):
                    fetch_day(client.session(), DAY)
            else:
                assert page_of_day(client) in (body, None)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {body[:300]!r}") from error
        assert time.thread_time() - began < SLOWEST, f"seed {seed}"
        tally.add("mutated pages", ended)


@pytest.mark.parametrize(
    ("first", "days"), [(0, 20), *(pytest.param(first, 60, marks=pytest.mark.slow) for first in range(100, 280, 60))]
)
def test_mutated_days_reach_the_warehouse_or_are_named(world: World, tally: Tally, first: int, days: int) -> None:
    """One load of many days, each mutated in another way."""
    bodies = {}
    for seed in range(first, first + 5 * days):
        day = world.clock.now.date().replace(day=1) - (len(bodies) + 1) * (DAY - DAY.replace(day=13))
        body = mutated(seed).replace(b"2026-09-14", day.isoformat().encode())
        if len(bodies) < days and shaped(body.replace(day.isoformat().encode(), b"2026-09-14"), shaping()) != "no page":
            bodies[day] = body

    def respond(request: httpx.Request) -> httpx.Response:
        body = bodies.get(_day_of(request))
        return httpx.Response(200, content=body) if body is not None else world.api.handle(request)

    not_held: list[Any] = []
    with world.client(transport=httpx.MockTransport(respond)) as client:
        try:
            world.backfill(min(bodies), max(bodies), client=client)
        except DaysNotHeld as error:
            not_held = error.days
    counts = dict(world.sql("SELECT date, count(*) FROM claude_code_usage GROUP BY 1"))
    for day, body in bodies.items():
        found = read_page(body)
        wanted = found.record_count if found and day not in not_held else 0
        assert counts.get(day, 0) == wanted, body[:300]
    assert not set(not_held) - set(bodies)
    tally.add("mutated days in the warehouse", "held", len(bodies) - len(not_held))
    tally.add("mutated days in the warehouse", "named", len(not_held))


def _day_of(request: httpx.Request) -> Any:
    text = request.url.params.get("starting_at", "")
    return DAY.fromisoformat(text) if text else None
