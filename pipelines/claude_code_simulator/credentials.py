"""Which credentials the simulated API takes, and what it says to all the others.

Holds made-up test values only. The status of a key of the wrong kind is not documented (401 or 403),
so it can be set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .answers import Refusal

CREDENTIAL_HEADERS: Final = ("x-api-key", "authorization")


@dataclass(frozen=True)
class Credentials:
    """One credential of every kind that an organization can have.

    Attributes:
        admin_key: Admin API key; accepted in `x-api-key`.
        service_key: Key of a service account that no workspace binds; accepted in `x-api-key`.
        oauth_token: OAuth token with the scope `org:admin`; accepted as `Authorization: Bearer`.
        expired_oauth_token: Was accepted once, now 401.
        unscoped_oauth_token: OAuth token without `org:admin`; 403.
        workspace_key: Ordinary API key of a workspace; 403.
        enterprise_key: Key of the Claude Enterprise Analytics API; 403.
        wrong_kind_status: Status for the credentials that are valid but of the wrong kind.
    """

    admin_key: str = "sk-ant-admin01-sample"
    service_key: str = "sk-ant-api03-sample-service"
    oauth_token: str = "sk-ant-oat01-sample"  # noqa: S105 (made up, like all here)
    expired_oauth_token: str = "sk-ant-oat01-sample-expired"  # noqa: S105
    unscoped_oauth_token: str = "sk-ant-oat01-sample-unscoped"  # noqa: S105
    workspace_key: str = "sk-ant-api03-sample-workspace"
    enterprise_key: str = "sk-ant-api01-sample-enterprise"
    wrong_kind_status: int = 403

    def refusal(self, headers: Mapping[str, str]) -> Refusal | None:
        """Judge a request by its headers.

        Args:
            headers: Headers of the request; their names must be found whatever their case.

        Returns:
            Why the request is refused, or None if its credential is good.
        """
        if "origin" in headers:
            return Refusal(
                401,
                "CORS requests are not allowed for this Organization because of its data retention settings.",
            )
        if "x-api-key" in headers:
            return self._judge_key(headers["x-api-key"])
        if "authorization" in headers:
            scheme, _, token = headers["authorization"].partition(" ")
            return self._judge_token(token if scheme.lower() == "bearer" else "")
        return Refusal(401, "x-api-key header is required")

    def _judge_key(self, key: str) -> Refusal | None:
        if key in (self.admin_key, self.service_key):
            return None
        scopes = {self.workspace_key: "workspace:inference", self.enterprise_key: "read:analytics"}
        if key in scopes:
            return self._wrong_kind(got=scopes[key], needed="api:admin")
        return Refusal(401, "invalid x-api-key")

    def _judge_token(self, token: str) -> Refusal | None:
        if token == self.oauth_token:
            return None
        if token == self.expired_oauth_token:
            return Refusal(401, "OAuth token has expired. Obtain a new token or refresh the existing one.")
        if token == self.unscoped_oauth_token:
            return self._wrong_kind(got="user:inference", needed="org:admin")
        return Refusal(401, "Invalid bearer token")

    def _wrong_kind(self, got: str, needed: str) -> Refusal:
        message = f"Missing required scopes. Got: {[got]} Needed: {[needed]}"
        return Refusal(self.wrong_kind_status, message)
