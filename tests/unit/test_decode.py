"""Decoding: the fast path takes documented records only, and both paths give equal tables."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_code_analytics.claude_code.decode import decode_any, decode_documented
from claude_code_analytics.claude_code.tables import shape_any, shape_documented
from claude_code_analytics.exceptions import UndecodableDay
from claude_code_analytics.privacy import MODES, pseudonymizer
from claude_code_simulator import OMITTED, SAMPLE_ORGANIZATION_ID, record
from support.record_strategies import documented_records
from support.shaped_days import DAY, FETCHED_AT, fetched, shaping

KEEP = pseudonymizer("keep")
DOCUMENTED = record(DAY, tools={"b": (1, 2), "a": (3, 4)}, models=["m", "n"])
UNEXPECTED = {
    "terminal_type": st.one_of(st.just({"a": None}), st.just([]), st.integers(), st.just(1.5)),
    "customer_type": st.one_of(st.just({}), st.booleans()),
    "date": st.one_of(st.none(), st.just("2026-09-14"), st.just(7)),
    "organization_id": st.one_of(st.none(), st.just(""), st.just("other")),
    "actor": st.fixed_dictionaries(
        {}, optional={"type": st.just({"of": "x"}), "email_address": st.one_of(st.none(), st.just([1]), st.just(7))}
    ),
}


@given(
    sent=st.lists(
        st.builds(lambda row, odd: {**row, **odd}, documented_records, st.fixed_dictionaries({}, optional=UNEXPECTED)),
        max_size=5,
    ),
    mode=st.sampled_from(MODES),
)
def test_both_paths_give_equal_days_where_both_apply(sent: list[Any], mode: str) -> None:
    warnings: list[str] = []
    day, run = fetched(sent), shaping(mode, warn=warnings.append)
    documented, general = shape_documented(day, SAMPLE_ORGANIZATION_ID, run.actors), shape_any(day, run)
    if documented is None:
        assert warnings
    else:
        assert documented == general
        assert not warnings


def test_a_documented_day_takes_the_fast_path() -> None:
    day = fetched([DOCUMENTED], [], [DOCUMENTED, record(DAY, subscription_type=OMITTED, api_key="ci")])
    documented = shape_documented(day, SAMPLE_ORGANIZATION_ID, KEEP)
    assert documented == shape_any(day, shaping())
    assert documented is not None
    assert (documented.date, documented.fetched_at, documented.request_id) == (DAY, FETCHED_AT, "req_last")
    assert (documented.record_count, documented.pages, len(documented.content_hash)) == (3, 3, 32)


@pytest.mark.parametrize(
    "change",
    [
        {"effort": "high"},
        {"actor": {"type": "agent_actor", "agent_id": "a-1"}},
        {"actor": None},
        {"model_breakdown": None},
        {"tool_actions": OMITTED},
        {"is_remote": "yes"},
        {"sessions": 2**64},
        {"terminal_type": "cut \ud83d"},
        {"terminal_type": {"deep": "er"}},
        {"date": "2026-09-13"},
        {"organization_id": "another"},
    ],
)
def test_anything_else_takes_the_general_path(change: dict[str, Any]) -> None:
    assert shape_documented(fetched([DOCUMENTED, record(DAY, **change)]), SAMPLE_ORGANIZATION_ID, KEEP) is None


@pytest.mark.parametrize("odd", ["null", "5", '"x"', "[]", "true"])
def test_a_record_that_is_not_an_object_names_its_day(odd: str) -> None:
    day = fetched(f"[{json.dumps(DOCUMENTED)},{odd}]".encode())
    assert decode_documented(day, KEEP) is None
    with pytest.raises(UndecodableDay, match=r"^2026-09-14: record 2 is not an object.*\[request-id req_last\]$") as e:
        decode_any(day, KEEP)
    assert (e.value.day, e.value.request_id) == (DAY, "req_last")


@pytest.mark.parametrize("field", ["effort", "actor", "tool_actions", "terminal_type"])
def test_nesting_beyond_the_decoder_names_its_day_and_less_is_kept(field: str) -> None:
    kept = []
    for depth in (50, *range(800, 1000), 100_000):
        nested = b"[" * depth + b"5" + b"]" * depth
        day = fetched(json.dumps([record(DAY, **{field: "NESTED"})]).encode().replace(b'"NESTED"', nested))
        assert shape_documented(day, SAMPLE_ORGANIZATION_ID, KEEP) is None
        try:
            kept.append(shape_any(day, shaping("hash")).record_count)
        except UndecodableDay as error:
            assert str(error).startswith("2026-09-14: ")  # noqa: PT017  # how deep is too deep depends on the stack
    assert 0 < len(kept) < 202
    assert set(kept) == {1}
