"""Who may ask when: everybody waits while one waits, fewer ask after a refusal, and there is an end to it."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import pytest

from claude_code_analytics.pacing import Governor, Halted, back_off


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
            governor.answered()


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


def test_fewer_ask_after_a_refusal_and_more_again_after_ten_answers_each(
    govern: Callable[..., Governor], clock: Any
) -> None:
    governor = govern()
    ask(governor)
    clock.move(seconds=1)
    ask(governor, refused=True, retry_after=1)
    clock.move(seconds=2)
    assert width(governor) == 2
    for _ in range(20):
        ask(governor)
    assert width(governor) == 3
    for _ in range(30):
        ask(governor)
    assert width(governor) == 4


def test_waits_without_an_answer_grow_and_one_answer_ends_the_growth(
    govern: Callable[..., Governor], clock: Any
) -> None:
    governor = govern()
    for _ in range(3):
        ask(governor, refused=True)
        clock.move(seconds=0.001)
    ask(governor)
    ask(governor, refused=True)
    ask(governor)
    assert [round(wait) for wait in clock.slept] == [1, 2, 4, 1]


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
