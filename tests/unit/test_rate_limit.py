"""All requests wait while one waits, fewer are sent after a 429, and the limit is used up without running into it."""

from __future__ import annotations

import heapq
import random
import threading
from dataclasses import dataclass
from typing import Any

import pytest

from claude_code_analytics.api.rate_limit import AdaptiveRate, Cancellation, Cancelled, RateLimiter
from claude_code_analytics.api.retry import MAX_SILENCE


class World:
    """A limiter and a run on the test's clock."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.waits: list[float] = []
        self.run = Cancellation(clock.sleep, self.waits.append)
        self.limiter = RateLimiter(at_once=4, monotonic=self.now, chance=lambda: 0.5)

    def now(self) -> float:
        return float(self.clock.now.timestamp())

    def request(
        self, *, limited: bool = False, retry_after: float | None = None, run: Cancellation | None = None
    ) -> float:
        """Sends a request and returns how long it waited for its slot."""
        began = self.now()
        with self.limiter.slot(run or self.run) as sent_at:
            if limited:
                self.limiter.limited(sent_at, retry_after)
            else:
                self.limiter.responded(sent_at)
        return self.now() - began

    def width(self) -> int:
        """Returns how many requests may be in flight."""
        run, found, leave = Cancellation(self.clock.sleep), [], threading.Event()

        def take() -> None:
            try:
                with self.limiter.slot(run):
                    found.append(1)
                    leave.wait()
            except Cancelled:
                pass

        threads = [threading.Thread(target=take, daemon=True) for _ in range(6)]
        for thread in threads:
            thread.start()
            thread.join(0.01)
        run.cancel()
        self.limiter.wake()
        leave.set()
        for thread in threads:
            thread.join()
        return len(found)


@pytest.fixture
def world(clock: Any) -> World:
    return World(clock)


def test_one_request_is_sent_first_and_more_after_its_response(world: World) -> None:
    assert world.width() == 1
    world.request()
    assert world.width() == 4


def test_every_run_waits_while_one_waits_and_each_observer_hears_of_its_own_waits_once(world: World) -> None:
    waits: list[float] = []
    other = Cancellation(world.clock.sleep, waits.append)
    world.request()
    world.request(limited=True, retry_after=30)
    assert (world.waits, waits) == ([], [])
    assert world.request(run=other) == 30
    assert (world.waits, waits) == ([], [30])
    for _ in range(2):
        other.announce(until=99.0, now=99.0)  # not later than what it has heard of
    assert waits == [30]


def test_one_request_is_sent_after_the_first_429_and_more_again_after_some_responses(world: World) -> None:
    world.request()
    world.clock.move(seconds=1)
    world.request(limited=True, retry_after=1)
    world.clock.move(seconds=2)
    assert world.width() == 1
    for _ in range(12):
        world.clock.move(seconds=1)
        world.request()
    assert world.width() == 2


def test_waits_without_a_response_grow_and_one_response_ends_the_growth(world: World) -> None:
    waited = [world.request(limited=True) for _ in range(3)]
    assert waited == pytest.approx([0, 1, 2])
    assert world.request() == pytest.approx(4)
    assert world.request() == 0


def test_a_429_to_an_older_request_adds_nothing(world: World) -> None:
    world.request()
    world.clock.move(seconds=1)
    with world.limiter.slot(world.run) as early, world.limiter.slot(world.run) as also_early:
        world.limiter.limited(early, None)
        world.limiter.limited(also_early, None)
    assert world.request() == 1


def test_thirty_minutes_without_a_response_are_the_end_of_a_run_and_not_of_others(world: World) -> None:
    limiter, run = world.limiter, world.run
    world.clock.move(minutes=40)  # nothing failed yet
    assert not limiter.failed(run, wait=0)
    world.clock.move(seconds=MAX_SILENCE)
    assert [limiter.failed(run, wait=0), limiter.failed(run, wait=1)] == [False, True]
    assert not limiter.failed(Cancellation(), wait=MAX_SILENCE)
    world.request()
    world.clock.move(seconds=1)
    assert [limiter.failed(run, wait=MAX_SILENCE), limiter.failed(run, wait=MAX_SILENCE + 1)] == [False, True]


@pytest.mark.parametrize("waits_for", ["a pause", "a slot", "a retry"])
def test_a_cancelled_run_is_let_go_and_others_go_on(world: World, waits_for: str) -> None:
    run, ended = Cancellation(), threading.Event()
    world.request()

    def wait() -> None:
        with pytest.raises(Cancelled):
            run.pause(3600) if waits_for == "a retry" else world.request(run=run)
        ended.set()

    if waits_for == "a pause":
        world.request(limited=True, retry_after=60)
    slots = [world.limiter.slot(Cancellation()) for _ in range(4)] if waits_for == "a slot" else []
    for slot in slots:
        slot.__enter__()
    threading.Thread(target=wait, daemon=True).start()
    assert not ended.wait(0.05)
    run.cancel()
    world.limiter.wake()
    assert ended.wait(10)
    for slot in slots:
        slot.__exit__(None, None, None)
    world.request()


# The rate itself, on a made-up time


@dataclass
class Limit:
    """A token bucket, as the API's guide describes."""

    burst: float
    per_second: float
    sends: str
    at: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def wait(self, now: float) -> float:
        """Takes a token, or returns the seconds until there is one."""
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.per_second)
        self.at = now
        if self.tokens < 1 - 1e-6:
            return (1 - self.tokens) / self.per_second
        self.tokens -= 1
        return 0.0


@dataclass
class Outcome:
    """Seconds, requests and 429s of a simulated run, and what another reader of the organization got."""

    seconds: float = 0.0
    sent: int = 0
    limited: int = 0
    others: int = 0
    others_granted: int = 0


def simulate(limit: Limit, wanted: int, *, seed: int, others_every: float | None = None) -> Outcome:
    """Sends requests until so many were granted; another reader sends one every `others_every` seconds."""
    rng = random.Random(seed)  # noqa: S311
    rate, outcome = AdaptiveRate(4, rng.random), Outcome()
    events: list[tuple[float, int, float, float]] = [(0.0, 0, 0.0, 0.0)] if others_every else []
    now, in_flight, waiting = 0.0, 0, wanted
    while in_flight or waiting:
        while waiting and in_flight < rate.width and rate.ready_at() <= now + 1e-6:
            outcome.sent, in_flight, waiting = outcome.sent + 1, in_flight + 1, waiting - 1
            rate.sent(now)
            heapq.heappush(events, (now + 0.05 * rng.uniform(0.8, 1.2), outcome.sent, limit.wait(now), now))
        times = [events[0][0]] if events else []
        if waiting and in_flight < rate.width:
            times.append(rate.ready_at())
        now = max(now, min(times))
        while events and events[0][0] <= now:
            _, number, wait, sent_at = heapq.heappop(events)
            if number <= 0:
                outcome.others += 1
                outcome.others_granted += not limit.wait(now)
                heapq.heappush(events, (now + (others_every or 0) * rng.uniform(0.8, 1.2), -outcome.others, 0, 0))
                continue
            in_flight -= 1
            if wait:
                waiting, outcome.limited = waiting + 1, outcome.limited + 1
                rate.limited(now, sent_at, wait if limit.sends == "retry-after" else None)
            else:
                rate.responded(sent_at)
    outcome.seconds = now
    return outcome


@pytest.mark.parametrize("sends", ["retry-after", "nothing"])
@pytest.mark.parametrize("per_second", [1, 5])
@pytest.mark.parametrize("seed", range(5))
def test_a_limit_is_used_up_and_hardly_ever_run_into(sends: str, per_second: int, seed: int) -> None:
    outcome = simulate(Limit(20, per_second, sends), 200, seed=seed)
    assert outcome.seconds <= 1.15 * (200 - 20) / per_second
    assert outcome.limited <= 0.03 * outcome.sent + 1


@pytest.mark.parametrize("sends", ["retry-after", "nothing"])
@pytest.mark.parametrize("seed", range(3))
def test_another_reader_gets_its_half_of_the_limit(sends: str, seed: int) -> None:
    outcome = simulate(Limit(20, 1, sends), 200, seed=seed, others_every=2)
    assert outcome.others_granted >= 0.9 * outcome.others
    assert outcome.seconds <= 1.15 * (200 - 20) / 0.5
    assert outcome.limited <= 0.08 * outcome.sent
