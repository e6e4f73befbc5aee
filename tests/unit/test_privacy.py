"""Pseudonymization: keep, hash and drop, and what is left of an actor in each."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest

from claude_code_analytics.exceptions import ConfigurationError
from claude_code_analytics.privacy import MODES, pseudonymizer, without_texts

KEY = "a long random text"
USER = {"type": "user_actor", "email_address": "Ada@Example.test"}


def hmac_of(text: str) -> str:
    return hmac.new(KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def test_drop_leaves_the_type_and_nothing_else_that_is_text() -> None:
    assert pseudonymizer("drop")(USER) == {"type": "user_actor", "email_address": None}


def test_hash_folds_texts_as_the_views_do_and_is_another_under_another_key() -> None:
    for text, folded in (
        ("ADA@EXAMPLE.TEST", "ada@example.test"),
        (" ada@x.test\n", "ada@x.test"),
        ("Ö@X.test", "Ö@x.test"),
    ):
        actor = {"type": "user_actor", "email_address": text}
        assert pseudonymizer("hash", KEY)(actor)["email_address"] == hmac_of(folded)
    assert pseudonymizer("hash", KEY)(USER)["email_address"] == hmac_of("ada@example.test")
    assert pseudonymizer("hash", KEY)(USER) != pseudonymizer("hash", "another")(USER)


ACTORS: list[Any] = [
    {"type": "api_actor", "api_key_name": "ada's laptop"},
    {"type": "agent_actor", "owner": "ada", "nick_names": ["ada"], "boss": {"name": "ada", "ada": 1}},
    {"type": {"of": "ada"}},
    {"type": ["ada"]},
    "ada",
    ["ada", {"name": "ada"}],
    {"ada": {"deep": [{"er": "ada"}]}, "type": "x"},
]


@pytest.mark.parametrize("mode", ["hash", "drop"])
@pytest.mark.parametrize("actor", ACTORS)
def test_every_text_under_actor_but_its_type_is_protected(mode: str, actor: Any) -> None:
    protected = pseudonymizer(mode, KEY)(actor)
    values = list(protected.values()) if isinstance(protected, dict) else [protected]
    assert "ada" not in repr(values)
    if isinstance(actor, dict) and isinstance(actor["type"], str):
        assert protected["type"] == actor["type"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("actor", [None, {}, {"type": "user_actor"}, {"type": "user_actor", "email_address": None}])
def test_where_there_is_nobody_there_is_nothing_to_protect(mode: str, actor: Any) -> None:
    assert pseudonymizer(mode, KEY)(actor) == actor


@pytest.mark.parametrize("key", [None, ""])
def test_hash_without_a_key_is_one_clear_error(key: str | None) -> None:
    with pytest.raises(ConfigurationError, match="actor_identity='hash' needs a key: set identity_key"):
        pseudonymizer("hash", key)


@pytest.mark.parametrize("actor", ACTORS)
def test_nothing_of_a_text_is_left_for_the_content_hash(actor: Any) -> None:
    assert "ada" not in repr(without_texts(actor))
    assert without_texts({"seat": 5, "name": "ada", "on": True, "of": None}) == {"seat": 5, "on": True}


def test_the_label_names_the_mode_and_for_hash_a_fingerprint_of_the_key() -> None:
    assert [pseudonymizer(mode).label for mode in ("keep", "drop")] == ["keep", "drop"]
    assert pseudonymizer("hash", KEY).label == f"hash:{hmac_of(KEY)[:8]}"


def test_the_key_is_not_shown() -> None:
    assert KEY not in repr(pseudonymizer("hash", KEY))


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="must be one of keep, hash, drop"):
        pseudonymizer("scramble")
