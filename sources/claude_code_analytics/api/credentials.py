"""What the API is asked with: which header it goes into, what is odd about it, and how it stays out of every text.

Three kinds work (API guide and Admin API reference): an Admin key, a personal or service-account key that is not
scoped to a workspace, and an OAuth token with `org:admin`. A prefix is a hint in an error, never a reason to refuse:
prefixes have changed before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..exceptions import ConfigurationError
from ..settings import API_KEY_VARIABLE

KEY_HINTS: tuple[tuple[str, str], ...] = (
    ("sk-ant-api03-", "a key like this usually belongs to a workspace, and only organization-wide keys work here"),
    ("sk-ant-api01-", "a key like this usually is an Enterprise Analytics key, which reads another API"),
    ("sk-ant-oat", "this looks like an OAuth token: set it as access_token"),
)
RENEWAL_ADVICE = "get a fresh OAuth token with the org:admin scope, set it as access_token and run again"
KEY_ADVICE = (
    "use an Admin API key (Console > Settings > Admin keys), or a personal or service-account key that is not scoped "
    "to a workspace; Claude Enterprise organizations have another API, individual accounts have none"
)
MISSING = (
    "no credential: set the dlt secret sources.claude_code_analytics.api_key (or the environment variable "
    f"{API_KEY_VARIABLE}) to an Admin API key, or access_token to an OAuth token with the org:admin scope"
)
_PLACEHOLDER = "<configure me>"
_SENDABLE = re.compile(r"[\x21-\x7e]+")


def filled_in(secret: str | None) -> str | None:
    """A secret as it was configured; None for what `dlt init` writes into secrets.toml where one is to be filled in."""
    return None if secret == _PLACEHOLDER else secret


@dataclass(frozen=True)
class Credential:
    """A key or a token. Its text never shows in `repr`.

    Attributes:
        text: The secret, or None where there is none yet: a source can be built without.
        is_token: Whether it is an OAuth token and goes into `Authorization`.
    """

    text: str | None = field(repr=False)
    is_token: bool = False

    @classmethod
    def of(cls, api_key: str | None, access_token: str | None) -> Credential:
        """The credential to use: the token where there is one, else the key; surrounding white space is dropped.

        Raises:
            ConfigurationError: It holds characters that no header can carry.
        """
        name, given = ("access_token", access_token) if access_token else ("api_key", api_key)
        text = (given or "").strip() or None
        if text and not _SENDABLE.fullmatch(text):
            raise ConfigurationError(f"{name} holds spaces or characters that no credential has; copy it again")
        return cls(text, is_token=name == "access_token")

    def headers(self) -> dict[str, str]:
        """The header that carries it."""
        if not self.text:
            return {}
        return {"authorization": f"Bearer {self.text}"} if self.is_token else {"x-api-key": self.text}

    def require(self) -> None:
        """Raises ConfigurationError where there is none."""
        if not self.text:
            raise ConfigurationError(MISSING)

    def advice(self) -> str:
        """What to do after the API refused it."""
        if self.is_token:
            return RENEWAL_ADVICE
        hint = next((hint for prefix, hint in KEY_HINTS if (self.text or "").startswith(prefix)), None)
        return f"{KEY_ADVICE} ({hint})" if hint else KEY_ADVICE

    def redact(self, text: str) -> str:
        """`text` without the secret, should it stand in it."""
        return text.replace(self.text, "***") if self.text else text
