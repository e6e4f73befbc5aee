"""Pseudonymization of actors: `keep`, `hash` or `drop` (decision D11), applied before anything is written.

Personal data is every text under `actor` but its `type`, in known and unknown fields alike.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from .exceptions import ConfigurationError
from .foreign_text import folded
from .json_codec import json_text

MODES = ("keep", "hash", "drop")


@dataclass(frozen=True)
class Pseudonymizer:
    """Treats actors in one of the `MODES`. Made by `pseudonymizer`."""

    mode: str
    _key: bytes = field(default=b"", repr=False)

    @property
    def label(self) -> str:
        """The mode, for `hash` with a fingerprint of the key, as the ledger shows it."""
        return f"hash:{self._hmac(self._key)[:8]}" if self.mode == "hash" else self.mode

    def __call__(self, actor: Any) -> Any:
        """Returns what may be stored of an actor as decoded from JSON."""
        if self.mode == "keep":
            return actor
        if isinstance(actor, dict):
            return {
                key: value if key == "type" and isinstance(value, str) else self._replaced(value)
                for key, value in actor.items()
            }
        return self._replaced(actor)

    def _replaced(self, value: Any) -> Any:
        """Replaces a text. An object or a list is replaced as one text, because its keys can name people too."""
        text = json_text(value) if isinstance(value, (dict, list)) else value
        if not isinstance(text, str):
            return value
        return self._hmac(folded(text).encode()) if self.mode == "hash" else None

    def _hmac(self, message: bytes) -> str:
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()


def check_mode(mode: str) -> None:
    """Raises ConfigurationError for an unknown mode."""
    if mode not in MODES:
        raise ConfigurationError(f"actor_identity is {mode!r}; it must be one of {', '.join(MODES)}")


def pseudonymizer(mode: str, key: str | None = None) -> Pseudonymizer:
    """Makes the pseudonymizer of a mode.

    `keep` stores actors as the API sends them. `hash` replaces each text by its HMAC-SHA256 (hex) over the text as
    views fold it, the same in every load with the same key. `drop` stores NULL instead.
    """
    check_mode(mode)
    if mode != "hash":
        return Pseudonymizer(mode)
    if not (key and key.strip()):
        raise ConfigurationError(
            "actor_identity='hash' needs a key: set identity_key as a dlt secret "
            "(SOURCES__CLAUDE_CODE_ANALYTICS__IDENTITY_KEY) to a long random text and keep it"
        )
    return Pseudonymizer(mode, key.encode())


def without_texts(actor: Any) -> Any:
    """Returns an actor without its texts, for the content hash: the same in every mode (decision D10)."""
    if isinstance(actor, dict):
        return {key: value for key, value in actor.items() if isinstance(value, (bool, int, Decimal))}
    return actor if isinstance(actor, (bool, int, Decimal)) else None
