"""What the simulated rate limit promises."""

from __future__ import annotations

import datetime as dt
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from claude_code_simulator import RateLimit, ScriptedOrganization, SimulatedApi
from claude_code_simulator.neighbours import COST_PATH, MESSAGES_PATH

DAY = dt.date(2026, 9, 1)
NOW = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)
ME = "/v1/organizations/me"


def later(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


def test_a_burst_is_let_through_and_then_so_many_a_second() -> None:
    limit = RateLimit(burst=3, per_second=0.5)
    assert [limit.take(NOW) for _ in range(4)] == [0, 0, 0, 2]
    assert limit.take(later(1)) == 1
    assert limit.take(later(2)) == 0
    assert limit.take(later(2)) == 2
    assert (limit.taken, limit.refused) == (4, 3)


def test_the_bucket_never_holds_more_than_a_burst() -> None:
    limit = RateLimit(burst=2, per_second=10)
    limit.take(NOW)
    assert [limit.take(later(3600)) for _ in range(3)] == [0, 0, pytest.approx(0.1)]


def test_who_waits_as_long_as_told_is_let_through() -> None:
    limit = RateLimit(burst=1, per_second=0.3)
    now = NOW
    for _ in range(200):
        assert limit.take(now) == 0
        now += dt.timedelta(seconds=limit.take(now))


def test_a_clock_that_goes_back_gives_nothing() -> None:
    limit = RateLimit(burst=1, per_second=1)
    limit.take(later(10))
    assert limit.take(NOW) == 1
    assert limit.take(later(10)) == 1


def test_all_reports_draw_from_one_bucket_and_the_probe_does_not(ask: Any) -> None:
    limit = RateLimit(burst=3, per_second=1)
    api = SimulatedApi(ScriptedOrganization(), clock=lambda: NOW, rate_limit=limit)
    moment = {"starting_at": "2026-09-01T00:00:00Z"}
    statuses = [
        ask(api, starting_at=DAY).status_code,
        ask(api, MESSAGES_PATH, **moment).status_code,
        ask(api, COST_PATH, **moment).status_code,
        ask(api, ME).status_code,
        ask(api, starting_at=DAY).status_code,
        ask(api, COST_PATH, **moment).status_code,
        ask(api, ME).status_code,
    ]
    assert statuses == [200, 200, 200, 200, 429, 429, 200]
    assert (limit.taken, limit.refused) == (3, 2)


def test_another_reader_draws_from_the_same_bucket(ask: Any) -> None:
    limit = RateLimit(burst=2, per_second=1)
    ours, theirs = (SimulatedApi(ScriptedOrganization(), clock=lambda: NOW, rate_limit=limit) for _ in range(2))
    assert limit.take(NOW) == 0
    assert ask(theirs, starting_at=DAY).status_code == 200
    assert ask(ours, starting_at=DAY).status_code == 429


@pytest.mark.parametrize("says", ["seconds", "date", "nothing", "stale"])
def test_a_429_says_how_long_to_wait_or_does_not(ask: Any, says: str) -> None:
    clock = Clock()
    limit = RateLimit(burst=1, per_second=0.3, says=says)
    api = SimulatedApi(ScriptedOrganization(), clock=clock, rate_limit=limit)
    ask(api, starting_at=DAY)
    refused = ask(api, starting_at=DAY)
    assert (refused.status_code, refused.json()["error"]["type"]) == (429, "rate_limit_error")
    after, reset = (refused.headers.get(name) for name in ("retry-after", "anthropic-ratelimit-requests-reset"))
    if says == "seconds":
        assert (after, reset) == ("4", None)
    elif says == "date":
        assert parsedate_to_datetime(after) == later(4)
    elif says == "nothing":
        assert (after, reset) == (None, None)
    else:
        assert after is None
        assert dt.datetime.fromisoformat(reset.replace("Z", "+00:00")) < NOW
    clock.now = later(4)
    assert ask(api, starting_at=DAY).status_code == 200


@pytest.mark.parametrize("wrong", [{"burst": 0}, {"per_second": 0}, {"says": "later"}])
def test_a_limit_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="burst"):
        RateLimit(**{"burst": 1, "per_second": 1, **wrong})
