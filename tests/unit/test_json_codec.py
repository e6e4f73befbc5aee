"""JSON: numbers stay exact, texts become canonical, repairable text is repaired."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_code_analytics import json_codec
from claude_code_analytics.json_codec import NotJson, decode_exact, encode_each, json_text

LONG = "1" * 5000
CLASH = rb'{"\ud83e":2,"\ufffd":1}'  # two names that a repair would make one


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("19", 19),
        ("19.0", 19),
        ("1.9e1", 19),
        ("1E2", 100),
        ("0.0", 0),
        ("15.6", Decimal("15.6")),
        ("123456789.123456789123456789", Decimal("123456789.123456789123456789")),
        ("9007199254740993.0", 9007199254740993),
        ("-9223372036854775809", -9223372036854775809),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ("1e400", Decimal("1e400")),
        ("1e99999999999999999999", "1e99999999999999999999"),  # no decimal has such an exponent
        (LONG, LONG),
        (f"-{LONG}", f"-{LONG}"),
        (f"0.{LONG}", Decimal(f"0.{LONG}")),
    ],
)
@pytest.mark.parametrize("beside", ["", '"\\ud800",'])  # the second list needs the lenient decoder
def test_numbers_stay_exact(text: str, value: object, beside: str) -> None:
    decoded = decode_exact(f"[{beside}{text}]".encode())[-1]
    assert (decoded, type(decoded)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (rb'"cut \ud83d"', "cut \ufffd"),
        (rb'"\udc00 and \uD800"', "\ufffd and \ufffd"),
        (rb'["\ud83d\ude00", "\\ud83d", "\ud83d"]', ["\U0001f600", "\\ud83d", "\ufffd"]),
        (rb'{"a":[{"\ud83d":{"b":"\ud83d"}}]}', {"a": [{"\ufffd": {"b": "\ufffd"}}]}),
    ],
)
def test_a_lone_surrogate_becomes_the_replacement_character(text: bytes, value: object) -> None:
    assert decode_exact(text) == value


@pytest.mark.parametrize(
    "wrong", [b"", b"{", b'"\xff"', b'"\xed\xa0\x80"', b"NaN", b"[-Infinity]", b"1 2", b'"\n"', b"[" * 100_000, CLASH]
)
def test_anything_else_is_not_json(wrong: bytes) -> None:
    with pytest.raises(NotJson):
        decode_exact(wrong)


def test_text_is_canonical() -> None:
    value = {"b": Decimal("0.12345678901234567890123"), "a": {"z": 10**30, "y": None}}
    assert json_text(value) == '{"a":{"y":null,"z":1000000000000000000000000000000},"b":0.12345678901234567890123}'
    assert encode_each([value, 5]) == [json_text(value).encode(), b"5"]


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**80), 2**80), st.text(), st.decimals(-9, 9, places=25)),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
)


@given(value=values)
def test_what_is_encoded_decodes_to_the_same_by_either_decoder(value: Any) -> None:
    (encoded,) = encode_each([value])
    assert decode_exact(encoded) == json_codec._decode_leniently(encoded) == value


def test_the_source_is_importable_where_dlt_has_dummies_for_missing_packages() -> None:
    package = Path(json_codec.__file__).parent
    program = f"""
import sys, types
from importlib.machinery import PathFinder
from dlt.common.reflection.ref import import_module_with_missing
class Missing(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.split(".")[0] in ("msgspec", "pyarrow"):
            raise ModuleNotFoundError(name, name=name.split(".")[0])
assert not {{"msgspec", "pyarrow"}} & set(sys.modules)
sys.meta_path.insert(0, Missing)
package = types.ModuleType("package")
package.__path__ = [{str(package)!r}]
sys.modules["package"] = package
for name in ("json_codec", "warehouse.arrow_tables", "claude_code.record_types", "privacy"):
    import_module_with_missing("package." + name)
"""
    subprocess.run([sys.executable, "-c", program], check=True)  # noqa: S603
