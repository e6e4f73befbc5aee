"""Whatever the API does, a run ends with the exact truth or with one named error and nothing but whole days; the next
run brings the truth. Every fault of the simulated API, on the first, a middle and the last page and day.

The client meets each of them once everywhere and for ever in some places, in every run; the warehouse each of them once
and for ever somewhere. In the slow suite both meet all of them everywhere. How each ended is printed at the end.
"""

from __future__ import annotations

import datetime as dt
import random
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, product
from pathlib import Path
from typing import Any

import httpx
import pytest
from claude_code_simulator.catalogue import LIMITS
from claude_code_simulator.rate import WAYS
from tally import Ending
from truth import as_told, in_file

from claude_code_analytics import AnalyticsClient, ApiError, ApiUnavailable
from claude_code_analytics.api.client import FAULTS_PER_REQUEST
from claude_code_analytics.api.rate_limit import LONGEST_WAIT, PATIENCE
from claude_code_pipelines import Warehouse as Target
from claude_code_pipelines import load
from claude_code_simulator import FAULTS, HARMLESS, FaultScript, On, RateLimit, SimulatedApi, model_usage, record
from claude_code_simulator.faults import meanwhile, status
from claude_code_simulator.server import serve

ONE_DAY = dt.timedelta(days=1)
DAYS = [dt.date(2026, 9, 14), dt.date(2026, 9, 15), dt.date(2026, 9, 16)]
PAGES: list[Any] = [1, 2, "last"]
PLACES = list(product(range(3), PAGES))
"""Number of the day, and page."""
EXACT = "exact"
SECONDS_PER_ANSWER = 5.0

Connect = Callable[..., AnalyticsClient]


# What each fault must lead to


def expected(name: str, page: Any, *, lasts: bool) -> str:
    """How a day ends in which this fault happens once, or every time."""
    family, _, rest = name.partition("-")
    about = rest[:3] if family == "status" else name
    if name in HARMLESS and not (lasts and name == "cursor-empty-page" and page in ("last", None)):
        return EXACT
    if about in ("401", "403"):
        return "CredentialRefused"
    if about in ("402", "404", "413", "limit-spend") or family == "redirect":
        return "RequestRefused"
    if about in ("400", "cursor-expired"):  # with a page token the day starts over, once
        return "RequestRefused" if lasts or page in (1, None) else EXACT
    if name in ("answer-204", "answer-206"):
        return "UnexpectedResponse"
    if not lasts:
        return EXACT
    leads_nowhere = name in ("cursor-malformed", "cursor-of-another-day", "cursor-circle") or (
        name == "cursor-repeated" and page == 1
    )
    if leads_nowhere and page is not None:  # but to a page where the API refuses its token
        return "RequestRefused"
    return "UnexpectedResponse" if family in ("answer", "body", "cursor", "truncated") else "ApiUnavailable"


def people(day: dt.date, version: int = 0) -> list[dict[str, Any]]:
    """A day of three pages of two, which is told differently in each version: other numbers, rows more and less."""
    return [
        record(
            day,
            email=f"dev{number + version}@example.test",
            sessions=1 + number + 10 * version,
            tools={"edit_tool": (number, version), **({"write_tool": (1, 1)} if (number + version) % 2 else {})},
            models=[model_usage(f"model-{m}", cents=100 * version + number) for m in range((number + version) % 3)],
        )
        for number in range(5 + version % 2)
    ]


def familiar(name: str) -> str:
    return name.partition("-")[0]


def named_error(error: BaseException) -> ApiError:
    """The one error of the tree in what a run raised, after looking at how it speaks."""
    chain: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in chain:  # the pipelines raise it anew, and it leads back to itself
        chain.append(at)
        at = at.__cause__ or at.__context__
    found = [each for each in chain if isinstance(each, ApiError)]
    assert len(found) == 1, chain
    named = found[0]
    assert type(named) is not ApiError
    assert "\n" not in str(named)
    assert named.day is not None
    assert str(named).startswith(f"{named.day}: ")
    return named


# At the client: every fault, everywhere, once and for ever


@pytest.fixture
def three_days(api: SimulatedApi, clock: Any) -> SimulatedApi:
    """An API that tells of three days on three pages each, and takes its time."""
    api.page_size = 2
    api.latency, api.sleep = SECONDS_PER_ANSWER, clock.sleep
    api.organization.days.update({day: people(day) for day in DAYS})
    return api


def read(client: AnalyticsClient, api: SimulatedApi, days: Sequence[dt.date] = DAYS) -> str | ApiError:
    """Reads the days; each that is given must be the truth."""
    given = []
    failed: ApiError | None = None
    try:
        for day in client.days(days):
            assert day.records() == api.organization.days[day.date]
            given.append(day.date)
    except ApiError as error:
        failed = named_error(error)
    assert given == list(days[: len(given)])
    if failed is None:
        assert len(given) == len(days)
        return EXACT
    assert failed.day not in given
    return failed


def meets(connect: Connect, api: SimulatedApi, clock: Any, on: On) -> str:
    """How a reading of three days ends in which a fault happens."""
    script = FaultScript(on)
    api.fault = script
    api.requests.clear()
    began = clock.now
    with connect() as client:
        ended = read(client, api)
        for thread in threading.enumerate():  # what was under way ends at once, and before its connections are closed
            if thread.name.startswith("claude-code-day"):
                thread.join(timeout=10)
                assert not thread.is_alive()
        assert script.happened
        if on.times is not None:
            assert not script.pending
        if isinstance(ended, ApiError):
            assert ended.day == on.day
        # Patience has an end. (Waits of several threads add up on the clock.)
        assert clock.now - began < 2 * PATIENCE
        assert len(api.requests) < 2 * 30 * 60 / SECONDS_PER_ANSWER
        if on.times is None and ended != EXACT and type(ended).__name__ != "CredentialRefused":
            api.fault = None
            assert read(client, api, DAYS[1:2]) == EXACT
    return ended if isinstance(ended, str) else type(ended).__name__


def diagonal(number: int) -> list[tuple[int, Any]]:
    """Three places that have every day and every page once; another three for each of three numbers."""
    return [(day, PAGES[(day + number) % 3]) for day in range(3)]


@pytest.mark.parametrize(
    ("name", "lasting"),
    [
        *((name, [*diagonal(number), (1, None)]) for number, name in enumerate(FAULTS)),
        *(pytest.param(name, PLACES, marks=pytest.mark.slow, id=f"{name}-everywhere") for name in FAULTS),
    ],
)
def test_the_client_gives_whole_days_or_one_named_error(
    three_days: SimulatedApi,
    connect: Connect,
    clock: Any,
    tally: list[Ending],
    name: str,
    lasting: list[tuple[int, Any]],
) -> None:
    for (day, page), times in [*product(PLACES, [1]), *product(lasting, [None])]:
        ended = meets(connect, three_days, clock, On(name, day=DAYS[day], page=page, times=times))
        tally.append((familiar(name), name, f"client, day {day + 1}, page {page}, {times or 'every time'}", ended))
        assert ended == expected(name, page, lasts=times is None), (day, page, times)
    three_days.fault = None
    with connect() as client:
        assert read(client, three_days) == EXACT


def test_no_fault_at_all_is_the_truth(three_days: SimulatedApi, connect: Connect) -> None:
    assert read(connect(), three_days) == EXACT
    assert [request.status for request in three_days.requests] == [200] * 9


# In the warehouse: whole days only, the cursor, and the next run


class Run:
    """Loads three days into a warehouse again and again, while the API restates them and a new one comes.

    Attributes:
        days: The three days that the next run reads.
        held: What the warehouse must hold now.
    """

    def __init__(self, warehouse: Any) -> None:
        self.warehouse = warehouse
        self.api: SimulatedApi = warehouse.api
        self.api.page_size = 2
        self.held: dict[dt.date, list[str]] = {}
        self.cursor: dt.date | None = None
        self.days = list(DAYS)
        self._version = 0
        self._file = b""
        warehouse.clock.now = dt.datetime.combine(DAYS[-1], dt.time(12), dt.timezone.utc)
        self.tell()
        assert self.load() == EXACT

    def tell(self) -> None:
        """Has the API say something new about each of the three days."""
        self._version += 1
        for day in self.days:
            self.warehouse.write(day, *people(day, self._version))

    def next_day(self) -> None:
        """A day later: of the three days one is new, and all are told otherwise."""
        self.warehouse.clock.move(days=1)
        self.days = [day + ONE_DAY for day in self.days]
        self.tell()

    def on(self, name: str, place: tuple[int, Any], times: int | None) -> On:
        return On(name, day=self.days[place[0]], page=place[1], times=times)

    def load(self, *faults: On) -> str:
        """One run; the warehouse and the cursor must then be the truth, or what they were before."""
        script = FaultScript(*faults)
        self.api.fault = script
        try:
            lookback = (self.cursor - self.days[0]).days if self.cursor else 0
            self.warehouse.load(start_date=DAYS[0], lookback_days=lookback)
            ended = EXACT
        except Exception as error:  # noqa: BLE001  # any: `named_error` tells whether it is one of ours
            ended = type(named_error(error)).__name__
        if ended == EXACT:
            assert not [on for on in script.pending if on.times]
            assert set(self.warehouse.days_asked()) == set(self.days)
            self.held = {day: as_told(rows) for day, rows in self.api.organization.days.items()}
            self.cursor = self.days[-1]
        assert self.warehouse.cursor() == self.cursor
        if self.warehouse.database.read_bytes() == self._file:
            assert ended != EXACT
            return ended
        found = in_file(self.warehouse.database)
        assert found.days == self.held
        assert not found.orphans
        assert not found.doubles
        self._file = self.warehouse.database.read_bytes()
        return ended


CHAINS = 6


@pytest.mark.parametrize("chain", range(CHAINS))
def test_each_fault_leaves_the_warehouse_whole(warehouse: Any, tally: list[Ending], chain: int) -> None:
    run = Run(warehouse)
    names = list(FAULTS)[chain::CHAINS]
    places = cycle(PLACES[chain:] + PLACES[:chain])
    for group in (names[:12], names[12:]):
        run.next_day()
        # Faults that do not go away, one after the other: nothing of the new truth arrives, the old stays.
        for name in group:
            place = next(places)
            ended = run.load(run.on(name, place, None))
            tally.append((familiar(name), name, f"warehouse, {place}, every time", ended))
            assert ended == expected(name, place[1], lasts=True), (name, place)
        # Once each: those that end a run one after the other, the others all in the run that then brings the truth.
        spread = [(name, diagonal(chain + number // 3)[number % 3]) for number, name in enumerate(group)]
        passing = [each for each in spread if expected(each[0], each[1][1], lasts=False) == EXACT]
        for name, place in spread:
            if (name, place) not in passing:
                ended = run.load(run.on(name, place, 1))
                tally.append((familiar(name), name, f"warehouse, {place}, 1", ended))
                assert ended == expected(name, place[1], lasts=False), (name, place)
        ended = run.load(*(run.on(name, place, 1) for name, place in passing))
        tally.extend((familiar(name), name, f"warehouse, {place}, 1", ended) for name, place in passing)
        assert ended == EXACT, passing


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_everywhere_leaves_the_warehouse_whole(warehouse: Any, tally: list[Ending], name: str) -> None:
    run = Run(warehouse)
    for place, times in product(PLACES, (1, None)):
        run.next_day()
        ended = run.load(run.on(name, place, times))
        tally.append((familiar(name), name, f"warehouse, {place}, {times or 'every time'}", ended))
        assert ended == expected(name, place[1], lasts=times is None), (place, times)
        if ended != EXACT:
            assert run.load() == EXACT


def test_of_a_load_in_windows_the_days_before_the_fault_stay(
    api: SimulatedApi, connect: Connect, clock: Any, tally: list[Ending], tmp_path: Path
) -> None:
    database = tmp_path / "claude_code_analytics.duckdb"
    clock.now = dt.datetime.combine(DAYS[-1], dt.time(12), dt.timezone.utc)
    api.page_size = 2
    told = api.organization.days
    told.update({day: people(day) for day in DAYS})

    def run(*faults: On) -> str:
        api.fault = FaultScript(*faults)
        with connect() as client:
            try:
                load(Target(), start=DAYS[0], window_days=1, client=client)
            except ApiError as error:
                return type(named_error(error)).__name__
        return EXACT

    ended = run(On("status-503", day=DAYS[1], page="last", times=None))
    tally.append(("status", "status-503", "windows, day 2, page last, every time", ended))
    assert ended == "ApiUnavailable"
    found = in_file(database)
    assert found.days == {DAYS[0]: as_told(told[DAYS[0]])}
    assert set(found.ledger) == {DAYS[0]}
    assert run(On("cut-halfway", day=DAYS[1], page="last")) == EXACT
    assert in_file(database).days == {day: as_told(told[day]) for day in DAYS}


# Over a real connection


@pytest.fixture
def _loopback(monkeypatch: pytest.MonkeyPatch, _own_world: None) -> None:
    """Lets a test reach the one host that is not a network."""

    def connect(self: socket.socket, address: tuple[str, int]) -> None:
        assert address[0] == "127.0.0.1"
        super(socket.socket, self).connect(address)

    monkeypatch.setattr(socket.socket, "connect", connect)


REAL = (
    "break-connection-reset",
    "break-closed-early",
    "cut-at-once",
    "cut-halfway",
    "cut-before-the-end",
    "closed-halfway",
    "truncated-halfway",
    "not-gzip",
    "status-503-html",
    "cursor-expired",
)


@pytest.fixture
def served(three_days: SimulatedApi, _loopback: None) -> Iterator[str]:
    """The address of the three days behind a real socket, which answers at once."""
    three_days.latency = 0.0
    with serve(three_days) as address:
        yield address


def test_real_breaks_of_real_connections_lose_nothing(
    served: str, three_days: SimulatedApi, connect: Connect, clock: Any, tally: list[Ending]
) -> None:
    def online(**options: Any) -> AnalyticsClient:
        return connect(transport=httpx.HTTPTransport(verify=False), base_url=served, **options)  # there is no TLS

    for name, (day, page), times in product(REAL, [(0, 1), (1, 2), (2, "last")], (1, None)):
        ended = meets(online, three_days, clock, On(name, day=DAYS[day], page=page, times=times))
        tally.append((familiar(name), name, f"socket, day {day + 1}, page {page}, {times or 'every time'}", ended))
        assert ended == expected(name, page, lasts=times is None), (name, day, page, times)


@pytest.mark.usefixtures("_loopback")
def test_a_server_that_is_gone_is_one_named_error(three_days: SimulatedApi, connect: Connect, clock: Any) -> None:
    with serve(three_days) as address:
        pass
    began = clock.now
    with connect(transport=None, base_url=address) as client:
        assert isinstance(read(client, three_days), ApiUnavailable)
    assert clock.now - began < dt.timedelta(minutes=5)


# Many faults at once


def test_a_hail_of_passing_faults_ends_with_the_truth(three_days: SimulatedApi, connect: Connect) -> None:
    passing = [name for name in FAULTS if expected(name, 1, lasts=False) == EXACT]
    passing = [name for name in passing if name not in HARMLESS and familiar(name) != "cursor"]
    days = [DAYS[0] + ONE_DAY * number for number in range(5)]
    three_days.organization.days.update({day: people(day, number) for number, day in enumerate(days)})
    asked: Counter[str] = Counter()
    lock = threading.Lock()

    def hail(request: httpx.Request, number: int) -> Any:
        with lock:
            asked[str(request.url)] += 1
            rng = random.Random(f"{request.url} {asked[str(request.url)]}")  # noqa: S311
            is_over = asked[str(request.url)] >= FAULTS_PER_REQUEST
        return None if is_over else FAULTS[rng.choice(passing)](request, number)

    three_days.fault = hail
    assert read(connect(), three_days, days) == EXACT
    assert min(asked.values()) == FAULTS_PER_REQUEST


@pytest.mark.parametrize("says", WAYS)
def test_a_tight_rate_limit_is_waited_out(three_days: SimulatedApi, connect: Connect, says: str) -> None:
    three_days.latency = 0.1
    days = [DAYS[0] - ONE_DAY * number for number in range(10)]
    three_days.organization.days.update({day: people(day) for day in days})
    limit = three_days.rate_limit = RateLimit(burst=4, per_second=0.2, says=says)
    assert read(connect(), three_days, days) == EXACT
    assert limit.taken == 30
    assert 0 < limit.refused < limit.taken * (1 if says in ("seconds", "date") else 3)


@pytest.mark.parametrize("limit", ["429", *LIMITS])
@pytest.mark.parametrize(("minutes", "ended"), [(20, EXACT), (24 * 60, "ApiUnavailable")])
def test_a_storm_of_rate_limits_is_endured_for_half_an_hour(
    three_days: SimulatedApi, connect: Connect, clock: Any, tally: list[Ending], limit: str, minutes: int, ended: str
) -> None:
    refused = status(429, headers=LIMITS.get(limit))
    begins = clock.now + dt.timedelta(seconds=15)
    until = begins + dt.timedelta(minutes=minutes)
    three_days.fault = lambda request, number: refused(request, number) if begins <= clock.now < until else None
    with connect(max_concurrent_days=1) as client:
        found = read(client, three_days)
        name = found if isinstance(found, str) else type(found).__name__
        tally.append(("limit", f"limit-{limit}", f"storm of {minutes} minutes", name))
        assert name == ended
        if name != EXACT:
            assert clock.now - begins <= PATIENCE + dt.timedelta(seconds=LONGEST_WAIT + 2 * SECONDS_PER_ANSWER)
            clock.now = until
            assert read(client, three_days) == EXACT


# What happens while a day is read


def change_on(api: SimulatedApi, day: dt.date, page: Any, change: Callable[[], object]) -> None:
    """Has something happen just after a page of a day was asked for."""
    api.fault = FaultScript(On(meanwhile(change), day=day, page=page))


@pytest.mark.parametrize(("day", "page"), PLACES)
def test_a_day_that_changes_while_it_is_read_is_one_state_of_it(
    three_days: SimulatedApi, connect: Connect, day: int, page: Any
) -> None:
    told = three_days.organization.days
    before = list(told[DAYS[day]])
    change_on(three_days, DAYS[day], page, lambda: told.update({DAYS[day]: people(DAYS[day], 3)}))
    with connect() as client:
        given = {each.date: each.records() for each in client.days(DAYS)}
        assert given == {**told, DAYS[day]: before}
        three_days.fault = None
        assert read(client, three_days) == EXACT


@pytest.mark.parametrize("page", [2, "last"])
def test_a_day_that_starts_over_is_all_of_the_new_state(three_days: SimulatedApi, connect: Connect, page: Any) -> None:
    told = three_days.organization.days
    three_days.fault = FaultScript(
        On(meanwhile(lambda: told.update({DAYS[1]: people(DAYS[1], 3)})), day=DAYS[1], page=1),
        On("cursor-expired", day=DAYS[1], page=page),
    )
    with connect() as client:
        assert read(client, three_days) == EXACT
        assert three_days.fault.pending == []


def moment(day: dt.date, hours: float) -> dt.datetime:
    """A moment, counted from the day's beginning (UTC)."""
    return dt.datetime.combine(day, dt.time(), dt.timezone.utc) + dt.timedelta(hours=hours)


EDGES = [dt.date(2028, 2, 28), dt.date(2028, 2, 29), dt.date(2026, 12, 31)]
"""The days before and of a leap day, the end of a year."""


@pytest.mark.parametrize(("today", "page"), [*zip(EDGES, PAGES, strict=True)])
def test_midnight_within_a_load_loses_no_day(warehouse: Any, clock: Any, today: dt.date, page: Any) -> None:
    tomorrow = today + ONE_DAY
    days = [today - ONE_DAY, today]
    warehouse.api.page_size = 2
    for each in days:
        warehouse.write(each, *people(each))
    held = {each: as_told(people(each)) for each in days}
    clock.now = moment(today, 24) - dt.timedelta(seconds=1)

    def midnight() -> None:
        """The day ends, its last hour is told, and the next day has begun."""
        clock.move(seconds=2)
        warehouse.write(today, *people(today, 1))
        warehouse.write(tomorrow, *people(tomorrow))

    change_on(warehouse.api, today, page, midnight)
    warehouse.load(start_date=days[0])
    found = in_file(warehouse.database)
    assert found.days == held
    assert warehouse.cursor() == today

    warehouse.load(start_date=days[0])
    found = in_file(warehouse.database)
    assert found.days == {day: as_told(rows) for day, rows in warehouse.organization.days.items()}
    assert set(found.ledger) == {*days, tomorrow}
    assert warehouse.cursor() == tomorrow


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize(("seconds", "is_final"), [(-1, False), (0, True), (1, True)])
def test_a_day_is_final_by_the_moment_its_first_page_was_asked_for(
    three_days: SimulatedApi, connect: Connect, clock: Any, edge: dt.date, seconds: int, is_final: bool
) -> None:
    three_days.organization.days[edge] = people(edge)
    three_days.latency = 2.0  # the pages after the first come after the edge
    clock.now = moment(edge, 24 + 6) + dt.timedelta(seconds=seconds)
    day = connect().day(edge)
    assert (len(day.bodies), day.is_final) == (3, is_final)


def test_only_settled_days_are_read_without_today(warehouse: Any, clock: Any) -> None:
    leap_day = dt.date(2028, 2, 29)
    clock.now = moment(leap_day, 24 + 6) - dt.timedelta(seconds=1)
    warehouse.load(start_date=leap_day - ONE_DAY, include_today=False)
    assert warehouse.days_asked() == [leap_day - ONE_DAY]
    clock.move(seconds=1)
    warehouse.load(start_date=leap_day - ONE_DAY, include_today=False)
    assert warehouse.days_asked() == [leap_day - ONE_DAY, leap_day]
