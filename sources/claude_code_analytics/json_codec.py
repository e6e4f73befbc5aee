"""The one JSON codec of the package: exact numbers in, canonical text out.

Integers decode to `int`, other numbers to `Decimal`, never to binary floats (decision D8). Objects encode with their
keys in order, so that equal values give equal bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

import msgspec

# Numbers such as 19.0 and 1e2 become integers up to this many digits. Beyond it, 1e999999999 would fill the memory.
_INTEGER_DIGITS = 40

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class NotJson(ValueError):
    """The bytes are not JSON. The text is one line that says why."""


def decode_exact(body: bytes) -> Any:
    """Decodes JSON with exact numbers.

    Repairs what strict decoders reject although its meaning is clear (decision D14): a lone surrogate becomes U+FFFD,
    and an integer of more digits than Python converts stays the text of its digits. Raises NotJson for all else.
    """
    try:
        return _decoder().decode(body)
    except RecursionError as error:
        raise NotJson("the JSON is nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decode_leniently(body)


def exact_decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    """Returns a strict decoder into `kind`, a type that msgspec knows, with the numbers of `decode_exact`."""
    return msgspec.json.Decoder(kind, float_hook=_exact_number)


def encode_each(values: Iterable[Any]) -> list[bytes]:
    """Encodes values canonically: keys in order, no spaces, exact numbers."""
    return list(map(_encoder().encode, values))


def json_text(value: Any) -> str:
    """Returns a value as canonical JSON text."""
    return _encoder().encode(value).decode()


@cache
def _decoder() -> msgspec.json.Decoder[Any]:
    return exact_decoder(Any)


@cache
def _encoder() -> msgspec.json.Encoder:
    # "deterministic" sorts the keys of dictionaries. "sorted" also sorts the fields of structs on every call, which
    # `claude_code/record_types.py` does once when it makes them.
    return msgspec.json.Encoder(order="deterministic", decimal_format="number")


def _exact_number(text: str) -> int | Decimal | str:
    """Converts a number with a point or an exponent: to `int` where it is whole, else to the decimal as written."""
    try:
        number = Decimal(text)
    except InvalidOperation:  # an exponent that no `Decimal` has
        return text
    is_whole = number.adjusted() < _INTEGER_DIGITS and number == number.to_integral_value()
    return int(number) if is_whole else number


def _decode_leniently(body: bytes) -> Any:
    try:
        decoded = json.loads(
            body.decode(), parse_float=_exact_number, parse_int=_integer, parse_constant=reject_constant
        )
        return _without_lone_surrogates(decoded)
    except (ValueError, RecursionError) as error:
        raise NotJson("the response is not (whole) JSON") from error


def _integer(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:  # Python converts at most 4,300 digits (sys.set_int_max_str_digits)
        return digits


def reject_constant(name: str) -> None:
    """Rejects NaN and Infinity, which Python takes for JSON."""
    raise ValueError(f"{name} is not JSON")


def _without_lone_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_lone_surrogates(item) for item in value]
    if not isinstance(value, dict):
        return value
    repaired = {_without_lone_surrogates(key): _without_lone_surrogates(inner) for key, inner in value.items()}
    if len(repaired) < len(value):
        raise ValueError("two names that differ only in lone surrogates")
    return repaired
