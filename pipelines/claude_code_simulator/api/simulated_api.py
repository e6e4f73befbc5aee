"""The simulated API: a request is logged, routed, authenticated, counted and checked before a response is made.

Where the real API is not documented, this is one possible reading, and nothing may rely on it. `README.md` lists which
is which.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import httpx

from ..organizations.scripted import Organization
from .access import CREDENTIAL_HEADERS, Credentials
from .paging import InvalidParameter, Paging, read_query
from .rendering import Refusal, error_response, http_date, json_response, new_request_id, to_json
from .token_bucket import RateLimit

REPORT_PATH: Final = "/v1/organizations/usage_report/claude_code"
ME_PATH: Final = "/v1/organizations/me"
ORGANIZATION_HEADER: Final = "anthropic-organization-id"
API_VERSIONS: Final = ("2023-06-01", "2026-10-21")

# Takes the true response and returns what is sent, or raised, in its place.
Alteration = Callable[[httpx.Response], "httpx.Response | Exception"]
# Gets each request with its running number, from 1. A response is sent in place of the true one, an exception is
# raised, an `Alteration` is applied to the true response, and None lets the request through.
Fault = Callable[[httpx.Request, int], "httpx.Response | Exception | Alteration | None"]
Sleep = Callable[[float], object]


def utc_now() -> dt.datetime:
    """Returns the present moment, aware, in UTC."""
    return dt.datetime.now(dt.timezone.utc)


@dataclass
class LoggedRequest:
    """One request as it arrived, with its query parameters decoded and credentials as `[redacted]`.

    `status` is that of the response: None while it is pending or when the connection failed.
    """

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    status: int | None = None


class SimulatedApi:
    """The Claude Code analytics report and `organizations/me` of one organization.

    Args:
        organization: Source of the records.
        clock: Returns the API's present moment, aware.
        date_clock: Returns the moment of the `Date` header. Defaults to `clock`.
        credentials: What is accepted and what is refused.
        fault: Hook that may replace a response. See `Fault`.
        organization_header: Which responses carry `anthropic-organization-id`. A response that a fault makes has none.
        page_size: Most records on a page, whatever `limit` requests, so that few records make many pages.
        rate_limit: Limit of the organization. None for no limit.
        latency: Seconds that every response takes.
        sleep: Waits for some seconds before a response that takes time. Does nothing by default, so that tests do not
            wait. `server` waits in real time, whatever is passed here.

    Attributes:
        requests: Log of all requests, in order of arrival.
    """

    def __init__(
        self,
        organization: Organization,
        *,
        clock: Callable[[], dt.datetime] = utc_now,
        date_clock: Callable[[], dt.datetime] | None = None,
        credentials: Credentials = Credentials(),  # noqa: B008 (frozen)
        fault: Fault | None = None,
        organization_header: Literal["all", "200", "never"] = "all",
        page_size: int | None = None,
        rate_limit: RateLimit | None = None,
        latency: float = 0.0,
        sleep: Sleep = lambda seconds: None,
    ) -> None:
        self.organization = organization
        self.clock = clock
        self.date_clock = date_clock
        self.credentials = credentials
        self.fault = fault
        self.organization_header = organization_header
        self.page_size = page_size
        self.rate_limit = rate_limit
        self.latency = latency
        self.sleep = sleep
        self.requests: list[LoggedRequest] = []
        self._count = 0
        self._lock = threading.Lock()
        self._paging = Paging()

    @property
    def transport(self) -> httpx.MockTransport:
        """A transport for `httpx.Client` that leads here."""
        return httpx.MockTransport(self.handle)

    def handle(self, request: httpx.Request, *, sleep: Sleep | None = None) -> httpx.Response:
        """Returns the response to one request, or raises what the `fault` hook returned. Safe for several threads.

        `sleep` replaces the API's own. A response that takes longer than the request allows is a `httpx.ReadTimeout`.
        """
        entry, number = self._log(request)
        response = apply_fault(self.fault, request, number, lambda: self._true_response(request))
        if isinstance(response, Exception):
            raise response
        delay = self.latency + response.extensions.get("delay", 0.0)
        _take_time(request, delay, sleep or self.sleep)
        response.headers.setdefault("request-id", new_request_id())
        # Stamped last, as a server does when it begins to send.
        response.headers.setdefault("date", http_date((self.date_clock or self.clock)()))
        entry.status = response.status_code
        return response

    def _log(self, request: httpx.Request) -> tuple[LoggedRequest, int]:
        headers = {
            name: "[redacted]" if name in CREDENTIAL_HEADERS else value for name, value in request.headers.items()
        }
        entry = LoggedRequest(request.method, request.url.path, dict(request.url.params), headers)
        with self._lock:
            self._count += 1
            self.requests.append(entry)
            return entry, self._count

    def _true_response(self, request: httpx.Request) -> httpx.Response:
        response = self._response(request)
        if self.organization_header in ("all", str(response.status_code)):
            response.headers[ORGANIZATION_HEADER] = self.organization.id
        return response

    def _response(self, request: httpx.Request) -> httpx.Response:
        now = self.clock().astimezone(dt.timezone.utc)
        refusal = self._refusal(request, now)
        if refusal is None:
            try:
                return self._me() if request.url.path == ME_PATH else self._report(request, now)
            except InvalidParameter as error:
                refusal = Refusal(400, str(error))
        return error_response(refusal.status, refusal.message, headers=refusal.headers)

    def _refusal(self, request: httpx.Request, now: dt.datetime) -> Refusal | None:
        if request.url.path not in (REPORT_PATH, ME_PATH):
            return Refusal(404, "Not Found")
        if request.method != "GET":
            return Refusal(405, "Method Not Allowed")
        refusal = self.credentials.refusal(request.headers)
        if refusal is not None:
            return refusal
        version = request.headers.get("anthropic-version")
        if version is None:
            return Refusal(400, "anthropic-version: header is required")
        if version not in API_VERSIONS:
            return Refusal(400, f'anthropic-version: "{version}" is not a valid version')
        return self.rate_limit.refusal(now) if self.rate_limit and request.url.path == REPORT_PATH else None

    def _me(self) -> httpx.Response:
        body = {"id": self.organization.id, "type": "organization", "name": self.organization.name}
        return json_response(200, to_json(body))

    def _report(self, request: httpx.Request, now: dt.datetime) -> httpx.Response:
        day, limit, token = read_query(request.url.params)
        limit = min(limit, self.page_size or limit)
        if token is None:
            records = self.organization.records(day, now) if day <= now.date() else ()
            # JSON at once, so that later changes of the records do not reach this session.
            body, another_token = self._paging.begin(day, limit, [to_json(record) for record in records], now)
        else:
            body, another_token = self._paging.resume(day, limit, token)
        response = json_response(200, body)
        response.extensions["page_token"] = another_token
        return response


def apply_fault(
    fault: Fault | None, request: httpx.Request, number: int, true_response: Callable[[], httpx.Response]
) -> httpx.Response | Exception:
    """Returns what a fault makes of the response to a request."""
    outcome = fault(request, number) if fault else None
    if outcome is None:
        return true_response()
    return outcome if isinstance(outcome, (httpx.Response, Exception)) else outcome(true_response())


def _take_time(request: httpx.Request, seconds: float, sleep: Sleep) -> None:
    allowed = request.extensions.get("timeout", {}).get("read")
    if allowed is not None and seconds > allowed:
        sleep(allowed)
        raise httpx.ReadTimeout("The read operation timed out", request=request)
    if seconds:
        sleep(seconds)
