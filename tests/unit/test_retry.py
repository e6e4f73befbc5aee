"""Facts about retries: which statuses, and how long between attempts. The loop is tested in `source/test_client.py`."""

from __future__ import annotations

import pytest

from claude_code_analytics.api.retry import back_off, is_passing


def test_waits_double_up_to_two_minutes_with_a_quarter_of_jitter() -> None:
    assert [back_off(failures, lambda: 0.5) for failures in (1, 2, 3, 8, 9, 10_000)] == [1, 2, 4, 120, 120, 120]
    assert [back_off(1, lambda: 0.0), back_off(1, lambda: 1.0)] == [0.75, 1.25]


@pytest.mark.parametrize(("status", "passes"), [(408, True), (409, True), (503, True), (529, True), (404, False)])
def test_only_statuses_that_may_clear_are_retried(status: int, passes: bool) -> None:
    assert is_passing(status) is passes
