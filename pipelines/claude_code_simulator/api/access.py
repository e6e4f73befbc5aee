"""Credentials that the simulated API accepts and refuses. All are made up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .rendering import Refusal

CREDENTIAL_HEADERS: Final = ("x-api-key", "authorization")
CORS: Final = "CORS requests are not allowed for this Organization because of its data retention settings."


@dataclass(frozen=True)
class Credentials:
    """One credential of every kind that an organization can have. Keys are sent as `x-api-key`, tokens as bearer."""

    admin_key: str = "sk-ant-admin01-sample"
    service_key: str = "sk-ant-api03-sample-service"  # of a service account outside any workspace
    oauth_token: str = "sk-ant-oat01-sample"  # noqa: S105 (made up, like all here)
    # Refused, the first with 401 and the others, valid but of the wrong kind, with 403.
    expired_oauth_token: str = "sk-ant-oat01-sample-expired"  # noqa: S105
    unscoped_oauth_token: str = "sk-ant-oat01-sample-unscoped"  # noqa: S105
    workspace_key: str = "sk-ant-api03-sample-workspace"
    enterprise_key: str = "sk-ant-api01-sample-enterprise"

    def refusal(self, headers: Mapping[str, str]) -> Refusal | None:
        """Returns why a request with these headers is refused, or None if its credential is good."""
        if "origin" in headers:
            return Refusal(401, CORS)
        if "x-api-key" in headers:
            return self._refusal_of_key(headers["x-api-key"])
        if "authorization" in headers:
            scheme, _, token = headers["authorization"].partition(" ")
            return self._refusal_of_token(token if scheme.lower() == "bearer" else "")
        return Refusal(401, "x-api-key header is required")

    def _refusal_of_key(self, key: str) -> Refusal | None:
        if key in (self.admin_key, self.service_key):
            return None
        scopes = {self.workspace_key: "workspace:inference", self.enterprise_key: "read:analytics"}
        return _wrong_kind(scopes[key], "api:admin") if key in scopes else Refusal(401, "invalid x-api-key")

    def _refusal_of_token(self, token: str) -> Refusal | None:
        if token == self.oauth_token:
            return None
        if token == self.expired_oauth_token:
            return Refusal(401, "OAuth token has expired. Obtain a new token or refresh the existing one.")
        if token == self.unscoped_oauth_token:
            return _wrong_kind("user:inference", "org:admin")
        return Refusal(401, "Invalid bearer token")


def _wrong_kind(got: str, needed: str) -> Refusal:
    return Refusal(403, f"Missing required scopes. Got: {[got]} Needed: {[needed]}")
