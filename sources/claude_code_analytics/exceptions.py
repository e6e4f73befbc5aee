"""The error tree of the package.

    ClaudeCodeAnalyticsError
    ├── ConfigurationError          a parameter, setting, credential or clock that cannot work; no day was requested
    ├── DestinationError            the warehouse cannot be reached, is locked, or rejects the load
    └── ApiError                    the API did not return a day
        ├── CredentialRefused       401, 403: retrying is useless
        ├── RequestRefused          any other response that retrying does not change
        ├── ApiUnavailable          5xx, time-outs, resets, bodies that are no page, rate limits that did not clear
        └── UnexpectedResponse      pages that are not those of the requested day
            └── UndecodableDay      pages that arrived whole and hold a record that cannot be decoded

Each message is one line: what happened, to which day, what to do, and the `request-id` for a support ticket. No message
ever contains a credential.
"""

from __future__ import annotations

import datetime as dt


class ClaudeCodeAnalyticsError(Exception):
    """Base of all errors that this package raises on purpose.

    Print its text: it is one line, and says what to do.
    """


class ConfigurationError(ClaudeCodeAnalyticsError, ValueError):
    """A mistake in arguments, configuration or credentials, or a wrong clock, found before any day was requested.

    Correct what the message names, and run again.
    """


class DestinationError(ClaudeCodeAnalyticsError):
    """The warehouse cannot be reached, is locked, or rejects the load.

    Do what the message says, and run again. Nothing has to be undone.
    """


class ApiError(ClaudeCodeAnalyticsError):
    """The API did not return what was requested.

    Its kinds say what to do. Running again is always safe.

    Attributes:
        day: The requested UTC day; None for a request that is about no day.
        status: HTTP status of the last response; None when there was none.
        request_id: The `request-id` header of the last response, for Anthropic's support.
    """

    def __init__(
        self,
        what: str,
        *,
        day: dt.date | None = None,
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        about = f"{day.isoformat()}: " if day else ""
        trail = f" [request-id {request_id}]" if request_id else ""
        super().__init__(f"{about}{what}{trail}")
        self.day = day
        self.status = status
        self.request_id = request_id


class CredentialRefused(ApiError):
    """401 or 403: the credential is wrong, expired, or of a kind that this endpoint does not accept.

    Use another credential, as the message says. `claude-code-analytics check` tries it.

    Attributes:
        is_for_all: True if no request can succeed (401). A 403 may be about its day alone.
    """

    @property
    def is_for_all(self) -> bool:
        return self.status == 401


class RequestRefused(ApiError):
    """A response that retrying does not change (400, 402, 404, a redirect, a 204, a spend limit).

    Correct what the message names, such as `base_url` or the limit. Otherwise report its `request-id` to Anthropic.
    """


class ApiUnavailable(ApiError):
    """No usable response, although the request was retried.

    Run again later, or correct what the message names: network, proxy, certificate.
    """


class UnexpectedResponse(ApiError):
    """Pages that are not those of the requested day: records of another day, a page cursor that leads nowhere.

    Run again later. If it happens again, report the `request-id` to Anthropic.
    """


class UndecodableDay(UnexpectedResponse):
    """Pages that arrived whole and hold a record that cannot be decoded. The other days are loaded.

    Report the day and its `request-id` to Anthropic. Until then the day keeps the rows that it had.
    """
