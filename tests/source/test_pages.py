"""What is a page, and that its numbers stay what they are."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from claude_code_analytics.claude_code.pages import NotAPage, read_json, read_page


def body(**changes: object) -> bytes:
    return json.dumps({"data": [], "has_more": False, "next_page": None, **changes}).encode()


def test_a_day_without_records_is_a_page() -> None:
    page = read_page(b'{"data":[],"has_more":false,"next_page":null}')
    assert (page.days, page.next_page) == (frozenset(), None)


@pytest.mark.parametrize("ended", [{"next_page": None}, {"next_page": ""}, {"next_page": "page_x"}])
def test_the_last_page_is_the_one_that_says_so(ended: dict[str, object]) -> None:
    assert read_page(body(has_more=False, **ended)).next_page is None


def test_a_page_without_next_page_at_all_is_the_last() -> None:
    assert read_page(b'{"data":[],"has_more":false}').next_page is None


def test_the_days_of_its_records_are_told() -> None:
    records = [{"date": "2026-09-01T00:00:00Z"}, {"date": "2026-09-02"}, {"date": 5}, {}]
    assert read_page(body(data=records)).days == {"2026-09-01T00:00:00Z", "2026-09-02"}


@pytest.mark.parametrize("token", [None, "", 5, ["page"]])
def test_more_without_a_token_would_cut_the_day_short(token: object) -> None:
    with pytest.raises(NotAPage, match="has_more but gives no next_page"):
        read_page(body(has_more=True, next_page=token))


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
        b'{"data":[5],"has_more":false}',
        b'{"data":[[]],"has_more":false}',
        b'{"data":[null],"has_more":false}',
        b'{"data":[],"has_more":"no"}',
        b'{"data":[],"has_more":null}',
        b'{"type":"error","error":{"type":"api_error","message":"x"}}',
        b'{"data":[{"date":NaN}],"has_more":false}',
        b'{"data":[{"actor":"\xff\xfe"}],"has_more":false}',
        b'{"data":[' + b"[" * 100_000,
    ],
)
def test_anything_else_is_no_page(wrong: bytes) -> None:
    with pytest.raises(NotAPage):
        read_page(wrong)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("19", 19),
        ("19.0", 19),
        ("1.9e1", 19),
        ("1E2", 100),
        ("15.6", Decimal("15.6")),
        ("0.1", Decimal("0.1")),
        ("123456789.123456789123456789", Decimal("123456789.123456789123456789")),
        ("9007199254740993.0", 9007199254740993),
        ("9223372036854775808", 9223372036854775808),
        ("18446744073709551616", 18446744073709551616),
        ("-9223372036854775809", -9223372036854775809),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ("1e400", Decimal("1e400")),
        ("0.0", 0),
    ],
)
def test_numbers_stay_exact(text: str, value: object) -> None:
    decoded = read_json(text.encode())
    assert (decoded, type(decoded)) == (value, type(value))


def test_a_number_that_no_decimal_holds_is_kept_as_its_text() -> None:
    assert read_json(b"[1e99999999999999999999, -1.5e-99999999999999999999]") == [
        "1e99999999999999999999",
        "-1.5e-99999999999999999999",
    ]


@pytest.mark.parametrize("wrong", [b"", b"{", b'"\xff"', b"NaN", b"[" * 100_000])
def test_what_is_no_json_is_said_so(wrong: bytes) -> None:
    with pytest.raises(NotAPage, match="not \\(whole\\) JSON"):
        read_json(wrong)
