"""Keep, hash, drop: who did it, and who may know."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest

from claude_code_analytics import ConfigurationError
from claude_code_analytics.claude_code.privacy import MODES, protection

KEY = "a long random text"
USER = {"type": "user_actor", "email_address": "Ada@Example.test"}


def pseudonym(text: str) -> str:
    return hmac.new(KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def test_keep_changes_nothing() -> None:
    assert protection("keep")(USER) is USER


def test_drop_leaves_the_type_and_nothing_else_that_is_text() -> None:
    assert protection("drop")(USER) == {"type": "user_actor", "email_address": None}


def test_hash_is_a_keyed_hmac_of_the_lower_cased_text() -> None:
    assert protection("hash", KEY)(USER)["email_address"] == pseudonym("ada@example.test")


def test_hash_is_the_same_whatever_the_case_and_another_under_another_key() -> None:
    shouted = {"type": "user_actor", "email_address": "ADA@EXAMPLE.TEST"}
    assert protection("hash", KEY)(USER) == protection("hash", KEY)(shouted)
    assert protection("hash", KEY)(USER) != protection("hash", "another")(USER)


@pytest.mark.parametrize("mode", ["hash", "drop"])
@pytest.mark.parametrize(
    "actor",
    [
        {"type": "api_actor", "api_key_name": "ada's laptop"},
        {"type": "agent_actor", "owner": "ada", "nick_names": ["ada"], "boss": {"name": "ada", "ada": 1}},
        {"type": {"of": "ada"}},
        {"type": ["ada"]},
        "ada",
        ["ada", {"name": "ada"}],
        {"ada": {"deep": [{"er": "ada"}]}, "type": "x"},
    ],
)
def test_every_text_under_actor_but_its_type_is_protected(mode: str, actor: Any) -> None:
    protected = protection(mode, KEY)(actor)
    values = list(protected.values()) if isinstance(protected, dict) else [protected]
    assert "ada" not in repr(values)
    if isinstance(actor, dict) and isinstance(actor["type"], str):
        assert protected["type"] == actor["type"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("actor", [None, {}, {"type": "user_actor"}, {"type": "user_actor", "email_address": None}])
def test_where_there_is_nobody_there_is_nothing_to_protect(mode: str, actor: Any) -> None:
    assert protection(mode, KEY)(actor) == actor


@pytest.mark.parametrize("key", [None, ""])
def test_hash_without_a_key_is_one_clear_error(key: str | None) -> None:
    with pytest.raises(ConfigurationError, match="actor_identity='hash' needs a key: set identity_key"):
        protection("hash", key)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="must be one of keep, hash, drop"):
        protection("scramble")
