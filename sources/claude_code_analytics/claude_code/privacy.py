"""Who did it: the three ways to treat an actor (`keep`, `hash`, `drop`), applied before anything is written.

Decision D11: personal data is every text under `actor` but its `type`, whether the field is known or not.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ..destination.arrow_types import json_text
from ..exceptions import ConfigurationError

MODES = ("keep", "hash", "drop")

Protect = Callable[[Any], Any]
"""Takes the value of `actor` as decoded from JSON, gives what may be stored."""


@lru_cache(maxsize=8)
def protection(mode: str, key: str | None = None) -> Protect:
    """The function that treats actors as `mode` says; the same one each time, so that two can be compared.

    Args:
        mode: `keep` stores actors as the API sends them; `hash` replaces each text by its HMAC-SHA256 (hex) over the
            lower-cased text, the same in every load with the same key; `drop` stores NULL instead.
        key: Key of the HMAC, needed for `hash`.

    Raises:
        ConfigurationError: Unknown mode, or `hash` without a key.
    """
    if mode not in MODES:
        raise ConfigurationError(f"actor_identity is {mode!r}; it must be one of {', '.join(MODES)}")
    if mode == "keep":
        return unprotected
    if mode == "drop":
        return lambda actor: _treat(actor, lambda text: None)
    if not key:
        raise ConfigurationError(
            "actor_identity='hash' needs a key: set identity_key as a dlt secret "
            "(SOURCES__CLAUDE_CODE_ANALYTICS__IDENTITY_KEY) to a long random text and keep it"
        )
    secret = key.encode()

    def pseudonym(text: str) -> str:
        return hmac.new(secret, text.lower().encode(), hashlib.sha256).hexdigest()

    return lambda actor: _treat(actor, pseudonym)


def unprotected(actor: Any) -> Any:
    """Actors as the API sends them."""
    return actor


def _treat(actor: Any, replace: Callable[[str], str | None]) -> Any:
    """Replaces the texts of an actor; objects and lists in it as one text, for their keys can name people too."""
    if isinstance(actor, dict):
        return {
            key: value if key == "type" and isinstance(value, str) else _treat_value(value, replace)
            for key, value in actor.items()
        }
    return _treat_value(actor, replace)


def _treat_value(value: Any, replace: Callable[[str], str | None]) -> Any:
    if isinstance(value, (dict, list)):
        return replace(json_text(value))
    return replace(value) if isinstance(value, str) else value
