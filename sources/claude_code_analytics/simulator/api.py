"""The simulated Admin API: one organization behind an httpx transport.

Puts the parts together: a request is logged, routed, authenticated, checked and answered, in that order.
The rules of each step stand in `credentials`, `parameters` and `paging`, the shapes in `answers`, and what
there is to report is the organization's.

Where the real API is not documented (the exact messages, the status of a wrong kind of key, whether unknown
parameters are refused, what a future day or an old page token gives) this is one possible reading: nothing
may rely on it, and what matters can be switched.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import httpx

from .answers import Refusal, error_response, json_response, new_request_id, page_body, to_json
from .credentials import CREDENTIAL_HEADERS, Credentials
from .organization import Organization
from .paging import Cursor, Snapshots, digest, encode
from .parameters import InvalidParameter, Query, read

REPORT_PATH: Final = "/v1/organizations/usage_report/claude_code"
ME_PATH: Final = "/v1/organizations/me"
API_VERSIONS: Final = ("2023-06-01",)

Fault = Callable[[httpx.Request, int], "httpx.Response | Exception | None"]


def utc_now() -> dt.datetime:
    """Return the present moment, aware, in UTC."""
    return dt.datetime.now(dt.timezone.utc)


@dataclass
class LoggedRequest:
    """One request as it arrived.

    Attributes:
        method: HTTP method.
        path: Path without the query.
        params: Query parameters, decoded.
        headers: Headers by lower-case name; the values of credential headers are `[redacted]`.
        status: HTTP status of the answer; None while it is pending or when the connection failed.
    """

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    status: int | None = None


class SimulatedApi:
    """The Claude Code analytics endpoint and `organizations/me`, answered from an organization.

    Args:
        organization: What is reported.
        clock: Returns the API's present moment, aware.
        credentials: What is accepted and what is refused.
        fault: Asked before anything else with the request and its running number, from 1: a response is
            sent in place of the real one, an exception is raised, None lets the request through.
        unknown_parameters: Whether undocumented parameters such as `ending_at` are ignored or a 400.
        future_days: Whether a day that has not begun is answered with an empty page or a 400.
        page_lifetime: How long the tokens of a session are good; for ever if None.
        empty_first_page: Whether a day with records starts with an empty page that has more.
    """

    def __init__(
        self,
        organization: Organization,
        *,
        clock: Callable[[], dt.datetime] = utc_now,
        credentials: Credentials = Credentials(),  # noqa: B008 (frozen)
        fault: Fault | None = None,
        unknown_parameters: Literal["ignore", "reject"] = "ignore",
        future_days: Literal["empty", "reject"] = "empty",
        page_lifetime: dt.timedelta | None = None,
        empty_first_page: bool = False,
    ) -> None:
        self.organization = organization
        self.clock = clock
        self.credentials = credentials
        self.fault = fault
        self.unknown_parameters = unknown_parameters
        self.future_days = future_days
        self.page_lifetime = page_lifetime
        self.empty_first_page = empty_first_page
        self.requests: list[LoggedRequest] = []
        self._count = 0
        self._lock = threading.Lock()
        self._snapshots = Snapshots()

    @property
    def transport(self) -> httpx.MockTransport:
        """A transport for `httpx.Client` and `httpx.AsyncClient` that leads here."""
        return httpx.MockTransport(self.handle)

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; may be called from several threads at once.

        Raises:
            Exception: What the `fault` hook returned, such as `httpx.ReadTimeout`.
        """
        entry, number = self._log(request)
        answer = self.fault(request, number) if self.fault else None
        if isinstance(answer, Exception):
            raise answer
        response = self._answer(request) if answer is None else answer
        response.headers.setdefault("request-id", new_request_id())
        entry.status = response.status_code
        return response

    def _log(self, request: httpx.Request) -> tuple[LoggedRequest, int]:
        headers = {
            name: "[redacted]" if name in CREDENTIAL_HEADERS else value for name, value in request.headers.items()
        }
        entry = LoggedRequest(request.method, request.url.path, dict(request.url.params), headers)
        with self._lock:
            self.requests.append(entry)
            self._count += 1
            return entry, self._count

    def _answer(self, request: httpx.Request) -> httpx.Response:
        body = self._body(request)
        if isinstance(body, Refusal):
            return error_response(body.status, body.message)
        return json_response(200, body, {"anthropic-organization-id": self.organization.id})

    def _body(self, request: httpx.Request) -> bytes | Refusal:
        refusal = _misrouted(request) or self.credentials.refusal(request.headers) or _wrong_version(request.headers)
        if refusal:
            return refusal
        if request.url.path == ME_PATH:
            me = {"id": self.organization.id, "type": "organization", "name": self.organization.name}
            return to_json(me)
        try:
            query = read(request.url.params, self.organization.id, reject_unknown=self.unknown_parameters == "reject")
            return self._page(query, self.clock().astimezone(dt.timezone.utc))
        except InvalidParameter as error:
            return Refusal(400, str(error))

    def _page(self, query: Query, now: dt.datetime) -> bytes:
        limit = query.limit
        if query.cursor is None:
            if self.future_days == "reject" and query.day > now.date():
                raise InvalidParameter("starting_at", "Input should not be in the future")
            position, boundary, records = 0, now, self._day(query.day, now)
            if self.empty_first_page:
                limit = 0
        else:
            position, boundary = query.cursor.position, query.cursor.boundary
            records = self._session(query.cursor, now)
        end = position + limit
        if end >= len(records):
            return page_body(records[position:], None)
        cursor = Cursor(query.day, boundary, end, self._snapshots.keep(records))
        return page_body(records[position:end], encode(cursor, self.organization.id))

    def _day(self, day: dt.date, now: dt.datetime) -> Sequence[bytes]:
        """Ask the organization; JSON at once, so that a later change to its records changes nothing here."""
        if day > now.date():
            return []
        return [to_json(record) for record in self.organization.records(day, now)]

    def _session(self, cursor: Cursor, now: dt.datetime) -> Sequence[bytes]:
        if self.page_lifetime is not None and now - cursor.boundary > self.page_lifetime:
            raise InvalidParameter("page", "Page token has expired")
        records = self._snapshots.get(cursor.snapshot)
        if records is None:
            # Long ago, or another process: good if the organization still says the same of that moment.
            records = self._day(cursor.day, cursor.boundary)
            if digest(records) != cursor.snapshot:
                raise InvalidParameter("page", "Page token has expired")
        return records


def _misrouted(request: httpx.Request) -> Refusal | None:
    if request.url.path not in (REPORT_PATH, ME_PATH):
        return Refusal(404, "Not Found")
    return None if request.method == "GET" else Refusal(405, "Method Not Allowed")


def _wrong_version(headers: httpx.Headers) -> Refusal | None:
    version = headers.get("anthropic-version")
    if version is None:
        return Refusal(400, "anthropic-version: header is required")
    if version not in API_VERSIONS:
        return Refusal(400, f'anthropic-version: "{version}" is not a valid version')
    return None
