"""Who may ask when: everybody waits while one waits, fewer ask after a refusal, and there is an end to it."""

from __future__ import annotations

import datetime as dt
import heapq
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from claude_code_analytics.api.rate_limit import Governor, Halted, Pace, back_off
from claude_code_simulator import RateLimit


@pytest.fixture
def govern(clock: Any) -> Callable[..., Governor]:
    """Makes a governor on the test's clock."""
    return lambda **options: Governor(
        **{"at_once": 4, "clock": clock, "sleep": clock.sleep, "chance": lambda: 0.5, **options}
    )


def ask(governor: Governor, *, refused: bool = False, retry_after: float | None = None) -> None:
    with governor.turn() as turn:
        if refused:
            governor.refused(turn, retry_after)
        else:
            governor.answered(turn)


def width(governor: Governor) -> int:
    """How many requests may be under way at once."""
    turns = []
    found = 0
    blocked = threading.Event()

    def take() -> None:
        nonlocal found
        try:
            with governor.turn():
                found += 1
                blocked.wait()
        except Halted:
            pass

    for _ in range(6):
        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        turns.append(thread)
        thread.join(0.01)
    reached = found
    governor.halt()
    blocked.set()
    for thread in turns:
        thread.join()
    governor.resume()
    return reached


def test_back_off_doubles_up_to_two_minutes_with_a_quarter_of_jitter() -> None:
    assert [back_off(attempt, lambda: 0.5) for attempt in (1, 2, 3, 8, 9, 10_000)] == [1, 2, 4, 120, 120, 120]
    assert back_off(1, lambda: 0.0) == 0.75
    assert back_off(1, lambda: 1.0) == 1.25


def test_it_begins_with_one_request_and_opens_up_after_the_first_answer(govern: Callable[..., Governor]) -> None:
    governor = govern()
    assert width(governor) == 1
    ask(governor)
    assert width(governor) == 4


def test_everyone_waits_while_one_waits(govern: Callable[..., Governor], clock: Any) -> None:
    governor = govern()
    ask(governor)
    ask(governor, refused=True, retry_after=30)
    began = clock.now
    ask(governor)
    assert clock.now - began == dt.timedelta(seconds=30)


def test_one_asks_after_the_first_refusal_and_more_again_after_some_answers(
    govern: Callable[..., Governor], clock: Any
) -> None:
    governor = govern()
    ask(governor)
    clock.move(seconds=1)
    ask(governor, refused=True, retry_after=1)
    clock.move(seconds=2)
    assert width(governor) == 1
    for _ in range(12):
        clock.move(seconds=1)
        ask(governor)
    assert width(governor) == 2


def test_waits_without_an_answer_grow_and_one_answer_ends_the_growth(
    govern: Callable[..., Governor], clock: Any
) -> None:
    governor = govern()
    for _ in range(3):
        clock.move(seconds=0.001)
        ask(governor, refused=True)
    clock.move(seconds=8)
    clock.slept.clear()
    ask(governor)
    assert clock.slept == []


def test_between_two_refusals_as_many_were_granted_as_the_limit_refills() -> None:
    pace = Pace(4)
    pace.refused(now=100.0, started=99.9, retry_after=1)
    for second in range(20):
        pace.answered(started=101.0 + second / 2)
    assert (pace.width, pace.interval) == (2, 0.0)
    pace.refused(now=110.0, started=109.9, retry_after=1)
    assert (pace.width, pace.interval) == (4, pytest.approx(10 / 20 * 1.02))


def test_turns_that_nobody_took_are_made_up_for_and_only_the_last_ones() -> None:
    pace = Pace(4)
    pace.refused(now=0.0, started=-0.1, retry_after=1)
    for _ in range(10):
        pace.answered(started=1.0)
    pace.refused(now=5.0, started=4.9, retry_after=1)
    assert pace.interval == pytest.approx(0.51)
    sent = 0
    while pace.ready_at() <= 60.0:
        pace.started(60.0)
        sent += 1
    assert sent == 4


# Against a limit that refills: what becomes of many requests, some under way at once


@dataclass
class Outcome:
    """How asking went: seconds, requests, and the times of those that were refused; what another reader got."""

    seconds: float = 0.0
    asked: int = 0
    refused: list[float] = field(default_factory=list)
    others: int = 0
    others_granted: int = 0


def ask_under(
    limit: RateLimit, wanted: int, *, latency: float, seed: int, others_every: float | None = None
) -> Outcome:
    """Asks until so many requests were granted; `others_every` so many seconds another reader asks once."""
    rng = random.Random(seed)  # noqa: S311
    pace = Pace(4, rng.random)
    outcome = Outcome()
    events: list[tuple[float, int, str, float]] = [(0.0, 0, "other", 0.0)] if others_every else []
    now, under_way, waiting, granted = 0.0, 0, wanted, 0

    def at(seconds: float) -> dt.datetime:
        return dt.datetime.fromtimestamp(seconds, dt.timezone.utc)

    while granted < wanted and now < 3000:
        while waiting and under_way < pace.width and pace.ready_at() <= now + 1e-6:
            outcome.asked, under_way, waiting = outcome.asked + 1, under_way + 1, waiting - 1
            refusal = limit.refusal(at(now))
            pace.started(now)
            answer = "granted" if refusal is None else f"refused {refusal.headers.get('retry-after', '')}"
            heapq.heappush(events, (now + latency * rng.uniform(0.8, 1.2), outcome.asked, answer, now))
        times = [events[0][0]] if events else []
        if waiting and under_way < pace.width:
            times.append(pace.ready_at())
        now = max(now, min(times))
        while events and events[0][0] <= now:
            _, _, what, started = heapq.heappop(events)
            if what == "other":
                outcome.others += 1
                outcome.others_granted += not limit.take(at(now))
                heapq.heappush(events, (now + (others_every or 0) * rng.uniform(0.8, 1.2), -outcome.others, "other", 0))
                continue
            under_way -= 1
            if what == "granted":
                granted += 1
                pace.answered(started)
            else:
                waiting += 1
                outcome.refused.append(now)
                said = what.partition(" ")[2]
                pace.refused(now, started, float(said) if said else None)
    outcome.seconds = now
    return outcome


@pytest.mark.parametrize("says", ["seconds", "nothing", "stale"])
@pytest.mark.parametrize("per_second", [1, 5])
@pytest.mark.parametrize("seed", range(5))
def test_a_limit_is_used_up_and_hardly_ever_run_into(says: str, per_second: int, seed: int) -> None:
    outcome = ask_under(RateLimit(20, per_second, says=says), 200, latency=0.05, seed=seed)
    assert outcome.seconds <= 1.15 * (200 - 20) / per_second
    assert len(outcome.refused) <= 0.03 * outcome.asked + 1, outcome.refused


@pytest.mark.parametrize("says", ["seconds", "nothing"])
@pytest.mark.parametrize("seed", range(3))
def test_another_reader_gets_its_half_of_the_limit(says: str, seed: int) -> None:
    outcome = ask_under(RateLimit(20, 1, says=says), 200, latency=0.05, seed=seed, others_every=2)
    assert outcome.others_granted >= 0.9 * outcome.others
    assert outcome.seconds <= 1.15 * (200 - 20) / 0.5
    assert len(outcome.refused) <= 0.08 * outcome.asked


def test_a_well_known_pace_is_tried_faster_now_and_then_and_more_boldly_each_time() -> None:
    pace = Pace(4)
    pace.refused(now=0.0, started=-0.1, retry_after=1)
    for _ in range(20):
        pace.answered(started=1.0)
    pace.refused(now=20.0, started=19.9, retry_after=1)
    intervals = [pace.interval]
    for answer in range(400):
        pace.answered(started=21.0 + answer)
        if pace.interval != intervals[-1]:
            intervals.append(pace.interval)
    steps = [before / after for before, after in pairwise(intervals)]
    assert steps == pytest.approx([1.02, 1.04, 1.06, 1.08, 1.10])


def test_a_refusal_of_an_older_request_adds_nothing(govern: Callable[..., Governor], clock: Any) -> None:
    governor = govern()
    ask(governor)
    clock.move(seconds=1)
    with governor.turn() as early, governor.turn() as also_early:
        governor.refused(early, None)
        governor.refused(also_early, None)
    began = clock.now
    ask(governor)
    assert clock.now - began == dt.timedelta(seconds=1)


def test_whoever_listens_is_told_until_when_all_wait(govern: Callable[..., Governor], clock: Any) -> None:
    told: list[dt.datetime] = []
    governor = govern(on_wait=told.append)
    ask(governor, refused=True, retry_after=45)
    assert told == [clock.now + dt.timedelta(seconds=45)]


def test_patience_ends_after_thirty_minutes_without_an_answer(govern: Callable[..., Governor], clock: Any) -> None:
    governor = govern()
    assert not governor.out_of_patience()
    clock.move(minutes=30)
    assert not governor.out_of_patience()
    assert governor.out_of_patience(wait=1)
    ask(governor)
    assert not governor.out_of_patience(wait=1)


def test_a_wait_beyond_patience_is_not_even_begun(govern: Callable[..., Governor]) -> None:
    governor = govern()
    ask(governor, refused=True, retry_after=1801)
    assert governor.out_of_patience()


def test_who_waits_for_a_turn_when_the_run_is_stopped_is_let_go(govern: Callable[..., Governor]) -> None:
    governor = govern(sleep=None)
    ask(governor, refused=True, retry_after=3600)
    ended: list[str] = []

    def wait() -> None:
        try:
            ask(governor)
        except Halted:
            ended.append("halted")

    thread = threading.Thread(target=wait)
    thread.start()
    governor.halt()
    thread.join(timeout=10)
    assert ended == ["halted"]
