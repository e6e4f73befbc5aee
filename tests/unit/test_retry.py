"""A request is retried until it returns, as often as its failures allow, with growing waits."""

from __future__ import annotations

import pytest

from claude_code_analytics import ApiUnavailable
from claude_code_analytics.api.retry import MAX_ATTEMPTS, Retry, back_off, call_with_retries, is_passing


class Request:
    """Fails in the given ways, one after the other, then returns how often it was attempted."""

    def __init__(self, *failures: Retry, gives_up: bool = False) -> None:
        self.failures = list(failures)
        self.gives_up = gives_up
        self.attempts = 0
        self.waits: list[float] = []

    def attempt(self) -> int:
        self.attempts += 1
        if self.failures:
            raise self.failures.pop(0)
        return self.attempts

    def run(self) -> int:
        return call_with_retries(
            self.attempt, gives_up=lambda wait: self.gives_up, pause=self.waits.append, chance=lambda: 0.5
        )


def fault(attempts: int | None = MAX_ATTEMPTS, retry_after: float | None = None) -> Retry:
    return Retry(ApiUnavailable("failing"), attempts=attempts, retry_after=retry_after)


def test_waits_double_up_to_two_minutes_with_a_quarter_of_jitter() -> None:
    assert [back_off(failures, lambda: 0.5) for failures in (1, 2, 3, 8, 9, 10_000)] == [1, 2, 4, 120, 120, 120]
    assert [back_off(1, lambda: 0.0), back_off(1, lambda: 1.0)] == [0.75, 1.25]


def test_a_fault_is_retried_seven_times_about_a_minute_in_all() -> None:
    request = Request(*[fault() for _ in range(6)])
    assert request.run() == 7
    assert request.waits == [1, 2, 4, 8, 16, 32]
    with pytest.raises(ApiUnavailable, match="failing"):
        Request(*[fault() for _ in range(7)]).run()


def test_rate_limits_do_not_count_as_attempts_and_leave_the_wait_to_the_limiter() -> None:
    request = Request(*[fault(attempts=None) for _ in range(50)], *[fault() for _ in range(6)])
    assert request.run() == 57
    assert request.waits == [0.0] * 50 + [1, 2, 4, 8, 16, 32]


def test_a_failure_that_waiting_cannot_help_ends_after_its_own_number_of_attempts() -> None:
    request = Request(*[fault(attempts=2) for _ in range(5)])
    with pytest.raises(ApiUnavailable):
        request.run()
    assert request.attempts == 2


def test_the_run_can_give_up_at_any_failure_and_the_error_holds_nothing_of_the_attempt() -> None:
    request = Request(fault(), gives_up=True)
    with pytest.raises(ApiUnavailable) as raised:
        request.run()
    assert request.attempts == 1
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)


@pytest.mark.parametrize(("status", "passes"), [(408, True), (409, True), (503, True), (529, True), (404, False)])
def test_only_statuses_that_may_clear_are_retried(status: int, passes: bool) -> None:
    assert is_passing(status) is passes
