"""What the two reports beside the analytics report promise."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from claude_code_simulator import ScriptedOrganization, SimulatedApi, model_usage, record
from claude_code_simulator.neighbours import COST_PATH, MESSAGES_PATH

FIRST = dt.date(2026, 9, 1)
THIRD = dt.date(2026, 9, 3)
NOW = dt.datetime(2026, 9, 20, 12, tzinfo=dt.timezone.utc)


@pytest.fixture
def api() -> SimulatedApi:
    sonnet = model_usage("claude-sonnet-5", input=1, output=2, cache_read=3, cache_creation=4, cents=12)
    opus = model_usage("claude-opus-5", input=10, output=20, cache_read=30, cache_creation=40, cents="0.75")
    days = {
        FIRST: [
            record(FIRST, models=[sonnet, opus]),
            record(FIRST, api_key="ci", models=[sonnet]),
            record(FIRST, customer_type="subscription", subscription_type="team", models=[opus]),
        ],
        THIRD: [record(THIRD, models=[opus])],
    }
    return SimulatedApi(ScriptedOrganization(days), clock=lambda: NOW)


def asked(ask: Any, api: SimulatedApi, path: str, start: str, end: str | None, **params: Any) -> Any:
    return ask(api, path, starting_at=start, ending_at=end, **params)


def test_buckets_are_days_with_empty_ones_and_without_the_end(ask: Any, api: SimulatedApi) -> None:
    page = asked(ask, api, MESSAGES_PATH, "2026-09-01T00:00:00Z", "2026-09-04T00:00:00Z").json()
    assert [(bucket["starting_at"], bucket["ending_at"], len(bucket["results"])) for bucket in page["data"]] == [
        ("2026-09-01T00:00:00Z", "2026-09-02T00:00:00Z", 1),
        ("2026-09-02T00:00:00Z", "2026-09-03T00:00:00Z", 0),
        ("2026-09-03T00:00:00Z", "2026-09-04T00:00:00Z", 1),
    ]
    assert (page["has_more"], page["next_page"]) == (False, None)


def test_tokens_are_those_of_the_records_that_are_paid_for(ask: Any, api: SimulatedApi) -> None:
    window = ("2026-09-01T00:00:00Z", "2026-09-02T00:00:00Z")
    (total,) = asked(ask, api, MESSAGES_PATH, *window).json()["data"][0]["results"]
    assert (total["uncached_input_tokens"], total["output_tokens"], total["cache_read_input_tokens"]) == (12, 24, 36)
    assert total["cache_creation"] == {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 48}
    models = asked(ask, api, MESSAGES_PATH, *window, **{"group_by[]": "model"}).json()["data"][0]["results"]
    assert {row["model"]: row["output_tokens"] for row in models} == {"claude-sonnet-5": 4, "claude-opus-5": 20}


def test_costs_are_cents_as_decimal_text(ask: Any, api: SimulatedApi) -> None:
    window = ("2026-09-01T00:00:00Z", "2026-09-02T00:00:00Z")
    (total,) = asked(ask, api, COST_PATH, *window).json()["data"][0]["results"]
    assert (total["amount"], total["currency"]) == ("24.75", "USD")
    rows = asked(ask, api, COST_PATH, *window, **{"group_by[]": "description"}).json()["data"][0]["results"]
    assert {row["model"]: row["amount"] for row in rows} == {"claude-sonnet-5": "24.00", "claude-opus-5": "0.75"}


@pytest.mark.parametrize("path", [MESSAGES_PATH, COST_PATH])
def test_a_page_has_seven_buckets_unless_asked_and_31_at_most(ask: Any, api: SimulatedApi, path: str) -> None:
    start, end = "2026-07-01T00:00:00Z", "2026-09-04T00:00:00Z"
    assert len(asked(ask, api, path, start, end).json()["data"]) == 7
    assert asked(ask, api, path, start, end, limit=32).status_code == 400
    starts, token = [], None
    while True:
        page = asked(ask, api, path, start, end, limit=31, page=token).json()
        starts += [bucket["starting_at"] for bucket in page["data"]]
        token = page["next_page"]
        if not page["has_more"]:
            break
    days = [(dt.date(2026, 7, 1) + dt.timedelta(days=n)).isoformat() for n in range(65)]
    assert starts == [f"{day}T00:00:00Z" for day in days]


def test_moments_snap_to_the_utc_day_and_the_end_is_today_unless_given(ask: Any, api: SimulatedApi) -> None:
    page = asked(ask, api, COST_PATH, "2026-09-17T23:30:00+02:00", None, limit=31).json()
    assert [bucket["starting_at"][:10] for bucket in page["data"]] == [f"2026-09-{day}" for day in (17, 18, 19, 20)]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"starting_at": None}, "starting_at: Field required"),
        ({"starting_at": "2026-09-01"}, "starting_at: "),
        ({"starting_at": "2026-02-30T00:00:00Z"}, "starting_at: "),
        ({"ending_at": "soon"}, "ending_at: "),
        ({"ending_at": "2026-09-01T12:00:00Z"}, "Invalid date range: ending date must be after starting date"),
        ({"bucket_width": "1h"}, "bucket_width: "),
        ({"limit": "0"}, "limit: "),
        ({"group_by[]": "nothing"}, "group_by: "),
        ({"page": "page_2"}, "page: "),
        ({"page": "page_MjAyNS0wNS0xNFQwMDowMDowMFo="}, "page: "),
    ],
)
@pytest.mark.parametrize("path", [MESSAGES_PATH, COST_PATH])
def test_a_bad_parameter_of_a_neighbour_is_named(
    ask: Any, api: SimulatedApi, path: str, params: dict[str, Any], said: str
) -> None:
    good = {"starting_at": "2026-09-01T00:00:00Z", "ending_at": "2026-09-04T00:00:00Z"}
    response = ask(api, path, **{**good, **params})
    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith(said)


def test_a_token_of_the_other_report_is_refused(ask: Any, api: SimulatedApi) -> None:
    window = ("2026-07-01T00:00:00Z", "2026-09-04T00:00:00Z")
    token = asked(ask, api, COST_PATH, *window).json()["next_page"]
    assert asked(ask, api, COST_PATH, *window, page=token).status_code == 200
    assert asked(ask, api, MESSAGES_PATH, *window, page=token).status_code == 400
