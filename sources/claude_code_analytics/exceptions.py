"""Every error that the connector raises of its own, as one tree.

    ClaudeCodeAnalyticsError
    ├── ConfigurationError          a parameter, setting or credential that cannot work; nothing was asked
    ├── DestinationError            the warehouse cannot be reached, is locked, or cannot replace days
    └── ApiError                    the API did not give a day
        ├── CredentialRefused       401, 403: asking again is useless
        ├── RequestRefused          any other answer that will not change by asking again
        ├── ApiUnavailable          5xx, time-outs, resets, rate limits that did not clear
        └── UnexpectedAnswer        a 200 that is no page of records

The text of each is one line for the person who reads it: what happened, to which day, what to do, and the
`request-id` for a support ticket. No text ever holds a credential.
"""

from __future__ import annotations

import datetime as dt


class ClaudeCodeAnalyticsError(Exception):
    """Base of all errors that this package raises on purpose."""


class ConfigurationError(ClaudeCodeAnalyticsError, ValueError):
    """A mistake in arguments, configuration or credentials, found before anything was asked."""


class DestinationError(ClaudeCodeAnalyticsError):
    """The warehouse is out of reach, locked, or of a kind that cannot replace days."""


class ApiError(ClaudeCodeAnalyticsError):
    """The API did not give what was asked for.

    Attributes:
        day: The UTC day that was asked for; None for a question that is about no day.
        status: HTTP status of the last answer; None when there was none.
        request_id: The `request-id` header of the last answer, for Anthropic's support.
    """

    def __init__(
        self,
        what: str,
        *,
        day: dt.date | None = None,
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        """Builds the one line from what happened, the day and the request id."""
        about = f"{day.isoformat()}: " if day else ""
        trail = f" [request-id {request_id}]" if request_id else ""
        super().__init__(f"{about}{what}{trail}")
        self.day = day
        self.status = status
        self.request_id = request_id


class CredentialRefused(ApiError):
    """401 or 403: the credential is wrong, expired, or of a kind that this endpoint does not take."""


class RequestRefused(ApiError):
    """An answer that asking again will not change (400, 402, 404, a redirect, a spend limit)."""


class ApiUnavailable(ApiError):
    """The API did not answer in a useful way although it was asked again and again."""


class UnexpectedAnswer(ApiError):
    """A successful answer that is no page of records: not JSON, another shape, a cursor that leads nowhere."""
