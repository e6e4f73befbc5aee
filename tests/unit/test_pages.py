"""A page is checked when it arrives: only a body that is no page is refused, whatever its records hold."""

from __future__ import annotations

import json

import pytest

from claude_code_analytics.claude_code.pages import NotAPage, Page, read_page


def body(**changes: object) -> bytes:
    return json.dumps({"data": [], "has_more": False, "next_page": None, **changes}).encode()


def page_of(content: bytes) -> Page:
    page = read_page(content)
    assert page is not None
    return page


def test_a_day_without_records_is_a_page() -> None:
    assert page_of(body()) == Page(body(), 0, frozenset(), None, documented=[])


@pytest.mark.parametrize("ended", [{"next_page": None}, {"next_page": ""}, {"next_page": "page_x"}])
def test_the_last_page_is_the_one_whose_has_more_is_false(ended: dict[str, object]) -> None:
    assert page_of(body(has_more=False, **ended)).next_page is None
    assert page_of(b'{"data":[],"has_more":false}').next_page is None


def test_the_dates_of_its_records_are_read() -> None:
    records = [{"date": "2026-09-01T00:00:00Z"}, {"date": "2026-09-02"}, {"date": 5}, {}]
    page = page_of(body(data=records, has_more=True, next_page="page_b"))
    assert (page.record_count, page.next_page) == (4, "page_b")
    assert page.days == {"2026-09-01T00:00:00Z", "2026-09-02"}


@pytest.mark.parametrize("token", [None, "", 5, ["page"], "\ud83d"])
def test_has_more_without_a_usable_token_is_not_the_end_of_the_day(token: object) -> None:
    for data in ([], [None]):
        assert page_of(body(data=data, has_more=True, next_page=token)).next_page == ""


@pytest.mark.parametrize(
    "odd",
    [
        b"null",
        b"5",
        b"[]",
        rb'{"actor":{"api_key_name":"cut \ud83d"}}',
        rb'{"cut \ud83d":1}',
        rb'{"date":"\ud83d"}',
        b'{"n":' + b"1" * 5000 + b"}",
        b'{"date":' + b"1" * 5000 + b"}",
        b'{"n":1e999999999999}',
        b'{"n":' + b"[" * 900 + b"]" * 900 + b"}",
    ],
)
def test_records_with_odd_content_are_a_page_and_hide_no_other_record(odd: bytes) -> None:
    content = b'{"data":[' + odd + b',{"date":"2026-09-02"}],"has_more":true,"next_page":"page_b"}'
    page = page_of(content)
    assert (page.body, page.record_count, page.next_page) == (content, 2, "page_b")
    assert "2026-09-02" in page.days


def test_a_page_that_is_nested_too_deep_is_not_a_fault_that_passes() -> None:
    assert read_page(b'{"data":[{"x":' + b"[" * 100_000 + b"]" * 100_000 + b'}],"has_more":false}') is None


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"<html>502 Bad Gateway</html>",
        b'{"data":[{"date":"2026-09-0',
        b'{"data":[],"has_more":false}trailing',
        b"null",
        b"[]",
        b"{}",
        b'{"data":[]}',
        b'{"has_more":false}',
        b'{"data":null,"has_more":false}',
        b'{"data":{},"has_more":false}',
        b'{"data":[],"has_more":"no"}',
        b'{"data":[null],"has_more":null}',
        b'{"type":"error","error":{"type":"api_error","message":"x"}}',
        b'{"data":[{"date":NaN}],"has_more":false}',
    ],
)
def test_anything_else_is_not_a_page(wrong: bytes) -> None:
    with pytest.raises(NotAPage):
        read_page(wrong)
