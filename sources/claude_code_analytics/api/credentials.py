"""API credentials: which header each kind uses, hints for common mix-ups, and redaction.

Three kinds work: an Admin key, a personal or service-account key that is not scoped to a workspace, and an OAuth token
with `org:admin`. A prefix is a hint in an error, never a reason to refuse: prefixes have changed before.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

from ..exceptions import ConfigurationError
from ..foreign_text import printable

# Read for a key where none is given and dlt's configuration has none.
API_KEY_VARIABLE = "ANTHROPIC_ADMIN_KEY"

# Beginning of a credential, and what is probably wrong with it.
KEY_HINTS: tuple[tuple[str, str], ...] = (
    (
        "sk-ant-api03-",
        "a key like this usually belongs to a workspace: use an Admin API key (Console > Settings > Admin keys)",
    ),
    (
        "sk-ant-api01-",
        "a key like this usually is an Enterprise Analytics key, which reads another API: use an Admin API key "
        "(Console > Settings > Admin keys)",
    ),
    ("sk-ant-oat", "this looks like an OAuth token: set it as access_token"),
)
# An env-file read by something other than a shell (docker --env-file, systemd) keeps its quotes.
QUOTES_HINT = "the credential is in quotation marks: remove the quotes, for example in an env-file"
QUOTES = "\"'`"
RENEWAL_ADVICE = "get a fresh OAuth token with the org:admin scope, set it as access_token and run again"
KEY_ADVICE = (
    "use an Admin API key (Console > Settings > Admin keys), or a personal or service-account key that is not scoped "
    "to a workspace"
)
MISSING = (
    "no credential: set the dlt secret sources.claude_code_analytics.api_key (or the environment variable "
    f"{API_KEY_VARIABLE}) to an Admin API key, or access_token to an OAuth token with the org:admin scope"
)
# Characters of a text from outside that are kept, and that are looked at.
LONGEST_TEXT = 200
_LONGEST_INPUT = 10_000
# Written in place of a secret.
REDACTED = "***"
# Real ones have about a hundred characters.
_SHORTEST_SECRET = 16
_SENDABLE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class Credential:
    """A key or a token. Its text never shows in `repr`."""

    text: str | None = field(repr=False)  # None where there is none yet: a source can be built without
    is_token: bool = False  # an OAuth token, which goes into `Authorization`

    @classmethod
    def of(cls, api_key: str | None, access_token: str | None) -> Credential:
        """Returns the credential to use, without blanks around it: the token, the key, or ANTHROPIC_ADMIN_KEY."""
        name, given = ("access_token", access_token) if access_token else ("api_key", api_key)
        text = (given or os.environ.get(API_KEY_VARIABLE) or "").strip() or None
        if text and not _SENDABLE.fullmatch(text):
            raise ConfigurationError(f"{name} holds spaces or characters that no credential has; copy it again")
        return cls(text, is_token=name == "access_token")

    def headers(self) -> dict[str, str]:
        if not self.text:
            return {}
        return {"authorization": f"Bearer {self.text}"} if self.is_token else {"x-api-key": self.text}

    def require(self) -> None:
        if not self.text:
            raise ConfigurationError(MISSING)

    def advice(self) -> str:
        """Returns what to do after the API refused it."""
        text = self.text or ""
        if text.strip(QUOTES) != text:
            return QUOTES_HINT
        if self.is_token:
            return RENEWAL_ADVICE
        return next((hint for prefix, hint in KEY_HINTS if text.startswith(prefix)), KEY_ADVICE)

    def redact(self, text: str) -> str:
        """Returns `text` with `***` in place of the secret, its quotes aside."""
        bare = (self.text or "").strip(QUOTES)
        return text.replace(bare, REDACTED) if bare else text

    def redact_body(self, body: bytes) -> bytes:
        """Returns a response's body with `***` in place of the secret: what is not there reaches no table and no file.

        A secret that is too short to be one is left alone, because it may be a part of any word.
        """
        bare = (self.text or "").strip(QUOTES).encode()
        return body.replace(bare, REDACTED.encode()) if len(bare) >= _SHORTEST_SECRET else body


def clean(text: str, credential: Credential) -> str:
    """Makes text from outside safe to print, log and store: one printable line, shortened, without the credential."""
    return credential.redact(printable(credential.redact(text)[:_LONGEST_INPUT]))[:LONGEST_TEXT]
