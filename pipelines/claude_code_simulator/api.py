"""The simulated Admin API: one organization behind an httpx transport.

Puts the parts together: a request is logged, routed, authenticated, counted against the rate limit, checked
and answered, in that order. The rules of each step stand in `credentials`, `rate`, `parameters`, `sessions` and
`neighbours`, the shapes in `answers`, and what there is to report is the organization's.

Where the real API is not documented (the exact messages, the status of a wrong kind of key, whether unknown
parameters are refused, what a future day or an old page token gives) this is one possible reading: nothing
may rely on it, and what matters can be switched. `README.md` says which is which.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import httpx

from .answers import Fault, Refusal, error_response, json_response, new_request_id, to_json
from .credentials import CREDENTIAL_HEADERS, Credentials
from .neighbours import NEIGHBOURS, report
from .organization import Organization
from .parameters import InvalidParameter, read
from .rate import RateLimit
from .sessions import Sessions

REPORT_PATH: Final = "/v1/organizations/usage_report/claude_code"
ME_PATH: Final = "/v1/organizations/me"
PATHS: Final = (REPORT_PATH, ME_PATH, *NEIGHBOURS)
API_VERSIONS: Final = ("2023-06-01",)


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
        in_flight: Requests under way when this one came, itself included.
        status: HTTP status of the answer; None while it is pending or when the connection failed.
    """

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    in_flight: int = 1
    status: int | None = None


class SimulatedApi:
    """The Claude Code analytics endpoint and its neighbours, answered from an organization.

    Args:
        organization: What is reported.
        clock: Returns the API's present moment, aware.
        credentials: What is accepted and what is refused.
        fault: Asked before anything else with the request and its running number, from 1: a response is
            sent in place of the real one, an exception is raised, a function is given the real response
            and returns what is sent or raised, None lets the request through.
        unknown_parameters: Whether undocumented parameters such as `ending_at` are ignored or a 400.
        future_days: Whether a day that has not begun is answered with an empty page or a 400.
        page_lifetime: How long the tokens of a session are good; for ever if None.
        empty_first_page: Whether a day with records starts with an empty page that has more.
        page_size: Records on a page at most, whatever `limit` asks for, so that few records make many pages.
        rate_limit: How often the organization may ask for reports; as often as it likes if None.
        latency: Seconds that every answer takes.
        sleep: Waits for some seconds before an answer that takes time; does nothing unless given. Tests pass
            the clock that they set; `server` waits in earnest, whatever is given here.
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
        page_size: int | None = None,
        rate_limit: RateLimit | None = None,
        latency: float = 0.0,
        sleep: Callable[[float], object] = lambda seconds: None,
    ) -> None:
        self.organization = organization
        self.clock = clock
        self.credentials = credentials
        self.fault = fault
        self.unknown_parameters = unknown_parameters
        self.future_days = future_days
        self.page_lifetime = page_lifetime
        self.empty_first_page = empty_first_page
        self.page_size = page_size
        self.rate_limit = rate_limit
        self.latency = latency
        self.sleep = sleep
        self.requests: list[LoggedRequest] = []
        self._count = 0
        self._in_flight = 0
        self._lock = threading.Lock()
        self._sessions = Sessions()

    @property
    def transport(self) -> httpx.MockTransport:
        """A transport for `httpx.Client` and `httpx.AsyncClient` that leads here."""
        return httpx.MockTransport(self.handle)

    def handle(self, request: httpx.Request, *, sleep: Callable[[float], object] | None = None) -> httpx.Response:
        """Answer one request; may be called from several threads at once.

        Args:
            request: The request.
            sleep: Used in place of the API's own.

        Raises:
            Exception: What the `fault` hook returned, such as `httpx.ReadTimeout`.
            httpx.ReadTimeout: The answer takes longer than the request allows.
        """
        entry, number = self._log(request)
        try:
            response = self._respond(request, number)
            response.headers.setdefault("request-id", new_request_id())
            delay = self.latency + response.extensions.get("delay", 0.0)
            _take_time(request, delay, sleep or self.sleep)
            entry.status = response.status_code
            return response
        finally:
            with self._lock:
                self._in_flight -= 1

    def _log(self, request: httpx.Request) -> tuple[LoggedRequest, int]:
        headers = {
            name: "[redacted]" if name in CREDENTIAL_HEADERS else value for name, value in request.headers.items()
        }
        with self._lock:
            self._count += 1
            self._in_flight += 1
            params = dict(request.url.params)
            entry = LoggedRequest(request.method, request.url.path, params, headers, self._in_flight)
            self.requests.append(entry)
            return entry, self._count

    def _respond(self, request: httpx.Request, number: int) -> httpx.Response:
        answer = self.fault(request, number) if self.fault else None
        if answer is None:
            return self._answer(request)
        if not isinstance(answer, (httpx.Response, Exception)):
            answer = answer(self._answer(request))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _answer(self, request: httpx.Request) -> httpx.Response:
        now = self.clock().astimezone(dt.timezone.utc)
        refusal = self._refusal(request, now)
        if refusal is None:
            try:
                return self._report(request, now)
            except InvalidParameter as error:
                refusal = Refusal(400, str(error))
        return error_response(refusal.status, refusal.message, headers=refusal.headers)

    def _refusal(self, request: httpx.Request, now: dt.datetime) -> Refusal | None:
        refusal = _misrouted(request) or self.credentials.refusal(request.headers) or _wrong_version(request.headers)
        if refusal is None and self.rate_limit and request.url.path != ME_PATH:
            return self.rate_limit.refusal(now)
        return refusal

    def _report(self, request: httpx.Request, now: dt.datetime) -> httpx.Response:
        path = request.url.path
        extensions: dict[str, Any] = {}
        if path == ME_PATH:
            body = to_json({"id": self.organization.id, "type": "organization", "name": self.organization.name})
        elif path in NEIGHBOURS:
            body = report(path, request.url.params, self.organization, now)
        else:
            reject_unknown = self.unknown_parameters == "reject"
            query = read(request.url.params, self.organization.id, reject_unknown=reject_unknown)
            if self.page_size is not None:
                query = replace(query, limit=min(query.limit, self.page_size))
            if self.future_days == "reject" and query.day > now.date():
                raise InvalidParameter("starting_at", "Input should not be in the future")
            body, extensions["page_token"] = self._sessions.page(
                self.organization, query, now, lifetime=self.page_lifetime, empty_first=self.empty_first_page
            )
        response = json_response(200, body, {"anthropic-organization-id": self.organization.id})
        response.extensions.update(extensions)
        return response


def _take_time(request: httpx.Request, seconds: float, sleep: Callable[[float], object]) -> None:
    patience = request.extensions.get("timeout", {}).get("read")
    if patience is not None and seconds > patience:
        sleep(patience)
        raise httpx.ReadTimeout("The read operation timed out", request=request)
    if seconds:
        sleep(seconds)


def _misrouted(request: httpx.Request) -> Refusal | None:
    if request.url.path not in PATHS:
        return Refusal(404, "Not Found")
    return None if request.method == "GET" else Refusal(405, "Method Not Allowed")


def _wrong_version(headers: httpx.Headers) -> Refusal | None:
    version = headers.get("anthropic-version")
    if version is None:
        return Refusal(400, "anthropic-version: header is required")
    if version not in API_VERSIONS:
        return Refusal(400, f'anthropic-version: "{version}" is not a valid version')
    return None
