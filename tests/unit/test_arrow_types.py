"""Coercion of values to arrays: columns, variants, and nothing lost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from claude_code_analytics.warehouse.arrow_types import coerce, natural_type
from claude_code_analytics.warehouse.schema import arrow_types

BEYOND_64_BITS = 2**63


def coerced(values: list[Any], data_type: str) -> dict[str | None, list[Any]]:
    arrays = coerce(values, data_type)
    assert all(array.type == arrow_types()[variant or data_type] for variant, array in arrays.items())
    assert all(len(array) == len(values) for array in arrays.values())
    return {variant: array.to_pylist() for variant, array in arrays.items()}


@pytest.mark.parametrize(
    ("data_type", "values"),
    [
        ("text", ["a", "", None, "ünï 🚀"]),
        ("bool", [True, False, None]),
        ("bigint", [0, -(2**63), 2**63 - 1, None]),
        ("text", []),
        ("bigint", [None, None]),
    ],
)
def test_what_fits_stays_as_it_is(data_type: str, values: list[Any]) -> None:
    assert coerced(values, data_type) == {None: values}


@pytest.mark.parametrize(
    "amount", [0, 19, -5, 2**63, 10**28, Decimal("15.6"), Decimal("0.000000001"), Decimal("12.50000000000")]
)
def test_amounts_are_exact(amount: int | Decimal) -> None:
    assert coerced([amount, None], "decimal") == {None: [Decimal(amount), None]}


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (Decimal("0.0000000001"), "1E-10"),
        (Decimal("0.1234567891"), "0.1234567891"),
        (Decimal("1E-48"), "1E-48"),  # pyarrow 26 makes 0 of it
        (Decimal("1E-999999999"), "1E-999999999"),  # and crashes here
        (Decimal("1E+999999999"), "1E+999999999"),
        (10**29, "1" + "0" * 29),
        (10**60, "1" + "0" * 60),
        ("about 5", "about 5"),
        ("", ""),
        (" 12.50", " 12.50"),
        ("٣", "٣"),  # a digit, but not of JSON
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("1e99999999999999999999", "1e99999999999999999999"),
        ("0.0000000001", "0.0000000001"),
    ],
)
def test_amounts_that_the_column_cannot_hold_exactly_are_kept_as_text(sent: Any, text: str) -> None:
    result = coerced([5, sent, None], "decimal")
    assert result == {None: [5, None, None], "text": [None, text, None]}


@pytest.mark.parametrize(
    ("data_type", "sent", "variant", "kept"),
    [
        ("bigint", "many", "text", "many"),
        ("bigint", BEYOND_64_BITS, "text", str(BEYOND_64_BITS)),
        ("bigint", -BEYOND_64_BITS - 1, "text", str(-BEYOND_64_BITS - 1)),
        ("bigint", Decimal("1.5"), "double", 1.5),
        ("bigint", Decimal("0.12345678901234567890123"), "text", "0.12345678901234567890123"),
        ("bigint", True, "bool", True),
        ("bigint", {"b": 1, "a": [2]}, "json", '{"a":[2],"b":1}'),
        ("bigint", [1, "x"], "json", '[1,"x"]'),
        ("text", 5, "bigint", 5),
        ("text", False, "bool", False),
        ("text", {}, "json", "{}"),
        ("text", BEYOND_64_BITS, "text", str(BEYOND_64_BITS)),
        ("bool", "yes", "text", "yes"),
        ("bool", 1, "bigint", 1),
        ("decimal", True, "bool", True),
        ("decimal", [], "json", "[]"),
        ("double", 2**53 + 1, "bigint", 2**53 + 1),
        ("double", Decimal("1e400"), "text", "1E+400"),
        ("bigint", "7" * 5000, "text", "7" * 5000),  # what the codec keeps of such an integer
    ],
)
def test_a_value_of_an_unexpected_type_goes_to_a_variant(data_type: str, sent: Any, variant: str, kept: Any) -> None:
    result = coerced([sent], data_type)
    assert [home for home, values in result.items() if values != [None]] == [variant]
    assert result[variant] == [kept]


def test_one_odd_value_moves_no_other() -> None:
    assert coerced([1, "two", 3, None, [4]], "bigint") == {
        None: [1, None, 3, None, None],
        "text": [None, "two", None, None, None],
        "json": [None, None, None, None, "[4]"],
    }


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([None, "a", 1], "text"),
        ([1, "a"], "bigint"),
        ([Decimal("1.5")], "double"),
        ([True], "bool"),
        ([[]], "json"),
        ([None, {}], "json"),
        ([None], None),
        ([], None),
    ],
)
def test_an_unknown_field_gets_the_type_of_its_first_value(values: list[Any], expected: str | None) -> None:
    assert natural_type(values) == expected
