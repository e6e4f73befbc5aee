"""HTTP client of one organization's Admin API: requests that are retried until they get a response, or one error.

Knows no report, no Arrow and no dlt, and keeps nothing of its callers: a run's own cancellation and observer are in its
`Session`. What responses mean is in `responses.py`, what is retried in `retry.py`, the rate in `rate_limit.py`.
"""

from __future__ import annotations

import datetime as dt
import logging
import math
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType
from typing import Generic, TypeVar

import httpx

from ..argument_types import OPTIONAL_TEXT, Types, check_types, check_whole_number
from ..constants import API_VERSION, BASE_URL, DISTRIBUTION, MAX_CONCURRENT_DAYS, ORGANIZATION_PATH, version
from ..exceptions import ApiError, ApiUnavailable, ConfigurationError, CredentialRefused
from ..json_codec import decode_exact
from . import responses
from .clock import Clock, Monotonic, RunClock, monotonic_of, utc_now
from .credentials import Credential, clean
from .network import Connection, NoResponse, Params, can_connect
from .rate_limit import Cancellation, Cancelled, PausedTooLong, RateLimiter, Sleep
from .responses import Organization
from .retry import MAX_ATTEMPTS, MAX_FAILING_SECONDS, back_off, is_passing

# Seconds without a response after which a person watching wonders whether a run hangs.
SLOW_SECONDS = 30.0

_TYPES: Types = {
    "api_key": OPTIONAL_TEXT,
    "access_token": OPTIONAL_TEXT,
    "transport": (httpx.BaseTransport, NoneType),
    "clock": (Callable,),  # type: ignore[dict-item]  # it has the instances that can be called
    "monotonic": (Callable, NoneType),  # type: ignore[dict-item]
    "sleep": (Callable, NoneType),  # type: ignore[dict-item]
    "chance": (Callable,),  # type: ignore[dict-item]
}

T = TypeVar("T")
logger = logging.getLogger("claude_code_analytics")


@dataclass(frozen=True)
class Response(Generic[T]):
    """A successful response: its decoded body, and its `request-id` and `anthropic-organization-id` where sent."""

    value: T
    request_id: str | None
    organization_id: str | None


@dataclass(eq=False)
class _Retry(Exception):
    """A failed attempt of a request that may succeed later."""

    error: ApiError  # raised where it is not retried any more
    attempts: int | None = MAX_ATTEMPTS  # most attempts of a request that ends this way; None: as many as it takes
    retry_after: float | None = None
    is_silent: bool = False  # a run that retries seems to hang: no response for long, or none ever


class AnalyticsClient:
    """HTTP client of one organization. Safe to share between threads and between loads; connects when first used.

    Args:
        api_key: Admin key, or a personal or service-account key of the whole organization (`x-api-key`).
        access_token: OAuth token with `org:admin`; used instead of `api_key` where it is given.
        base_url: Address of the API.
        max_concurrent_days: Most requests in flight, and days read at once.
        transport: What sends the requests, for tests and special networks.
        clock: Returns the time, aware, in UTC.
        monotonic: Returns seconds that never go back, for waits and deadlines.
        sleep: Waits for some seconds; by default a wait that a cancelled session leaves at once.
        chance: Returns a number in [0, 1), for jitter.

    Attributes:
        max_concurrent_days: As given.

    Raises:
        ConfigurationError: A credential, `base_url` or `max_concurrent_days` that cannot work.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        access_token: str | None = None,
        base_url: str = BASE_URL,
        max_concurrent_days: int = MAX_CONCURRENT_DAYS,
        transport: httpx.BaseTransport | None = None,
        clock: Clock = utc_now,
        monotonic: Monotonic | None = None,
        sleep: Sleep | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        check_types(_TYPES, locals())
        check_whole_number("max_concurrent_days", max_concurrent_days, 1)
        self.max_concurrent_days = max_concurrent_days
        self._credential = Credential.of(api_key, access_token)
        self._clock = clock
        self._monotonic = monotonic or monotonic_of(clock)
        self._sleep = sleep
        self._chance = chance
        self._limiter = RateLimiter(at_once=max_concurrent_days, monotonic=self._monotonic, chance=chance)
        self._has_responded = False
        headers = {
            **self._credential.headers(),
            "accept": "application/json",
            "anthropic-version": API_VERSION,
            "user-agent": f"{DISTRIBUTION}/{version()} (https://pypi.org/project/{DISTRIBUTION})",
        }
        url = usable_url(base_url)
        if url.scheme == "http" and url.host not in ("localhost", "127.0.0.1", "::1"):
            logger.warning("base_url is not encrypted (http): the credential can be read on its way to %s", url.host)
        self._connection = Connection(url, headers, transport, self._monotonic)

    def now(self) -> dt.datetime:
        """Returns the machine's time, aware, in UTC."""
        return self._clock()

    def require_credential(self) -> None:
        """Raises ConfigurationError where there is no credential."""
        self._credential.require()

    def session(self, on_wait: Callable[[dt.datetime], object] | None = None) -> Session:
        """Returns a view of this client for one run.

        Args:
            on_wait: Called with the time (UTC) until which this run's requests wait, for each wait after a 429.
        """
        return Session(self, on_wait)

    def close(self) -> None:
        """Closes the connections. Requests of sessions that are still under way end with ApiUnavailable."""
        self._connection.close()

    def __enter__(self) -> AnalyticsClient:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _send(self, session: Session, path: str, params: Params, day: dt.date | None) -> httpx.Response:
        """Sends one request in its turn. Raises _Retry where there is no response, or one that may pass."""
        with self._limiter.slot(session._cancellation) as sent_at:
            if self._connection.is_closed:
                raise Cancelled
            try:
                response = self._connection.get(path, params)
            except NoResponse as failure:
                raise self._unreachable(failure, day, sent_at) from None
            if response.status_code < 500:  # a failing proxy may have any clock
                session._clock.observe(response.headers.get("date"))
            self._has_responded = True
            if response.status_code != 200:
                self._raise_passing(response, day, sent_at, session.now())
            self._limiter.responded(sent_at)
            return response

    def _raise_passing(self, response: httpx.Response, day: dt.date | None, sent_at: float, now: dt.datetime) -> None:
        pause = responses.retry_after(response, now)
        if responses.is_rate_limit(response):
            self._limiter.limited(sent_at, pause)
            raise _Retry(responses.unavailable(response, self._credential, day), attempts=None)
        if is_passing(response.status_code):
            raise _Retry(responses.unavailable(response, self._credential, day), retry_after=pause)

    def _unreachable(self, failure: NoResponse, day: dt.date | None, sent_at: float) -> _Retry:
        error = ApiUnavailable(self._credential.redact(str(failure)), day=day)
        # A host that has responded before is set up right: then a failing DNS server, say, is a passing fault.
        if failure.is_setup and not self._has_responded:
            return _Retry(error, attempts=1)
        is_slow = self._monotonic() - sent_at > SLOW_SECONDS
        return _Retry(error, is_silent=is_slow or not self._has_responded)


class Session:
    """One run's view of a client: its own clock, cancellation and observer. Shared by the run's threads."""

    def __init__(self, client: AnalyticsClient, on_wait: Callable[[dt.datetime], object] | None = None) -> None:
        self._client = client
        self._on_wait = on_wait
        self._clock = RunClock(client._clock, client._monotonic)
        self._cancellation = Cancellation(client._sleep, self._announce)
        self._refused: CredentialRefused | None = None
        self._organization: Organization | None = None
        self._lock = threading.Lock()

    def now(self) -> dt.datetime:
        """Returns the time, checked against the API's, aware, in UTC."""
        return self._clock.now()

    def mark(self) -> float:
        """Returns the present moment, for `at`."""
        return self._clock.mark()

    def at(self, mark: float) -> dt.datetime:
        """Returns the time of a moment, checked against the API's, aware, in UTC.

        What began before the first response has the API's time too, if it is asked for behind that response.
        """
        return self._clock.at(mark)

    def latest(self) -> dt.datetime | None:
        """Returns the time after which no run with a right clock is by now; None as long as that is not known."""
        return self._clock.latest()

    def organization(self) -> Organization:
        """Returns the organization of the credential (`GET /v1/organizations/me`), requested once.

        A refusal other than 401 is no error here: it only means that this endpoint is closed to the credential.
        """
        with self._lock:
            if self._organization is None:
                self._organization = self._request(ORGANIZATION_PATH, {}, None, self._organization_of)
            return self._organization

    def get(self, path: str, params: Params, decode: Callable[[bytes], T], day: dt.date | None = None) -> Response[T]:
        """Sends one request, retried until it gets a response, or raises the ApiError that names the day.

        `decode` raises ValueError where the body is not what was requested. That is retried as a fault.
        """
        return self._request(path, params, day, lambda response: self._decoded(response, decode, day))

    def pause(self, seconds: float) -> None:
        """Waits; a cancelled session ends the wait."""
        self._cancellation.pause(seconds)

    def cancel(self) -> None:
        """Ends this session: its waiting and later requests raise ApiUnavailable. Other sessions go on."""
        self._cancellation.cancel()
        self._client._limiter.wake()

    def _request(self, path: str, params: Params, day: dt.date | None, read: Callable[[httpx.Response], T]) -> T:
        """Returns what `read` makes of the response. `read` may raise _Retry too."""
        self._client.require_credential()
        try:
            return self._retried(lambda: read(self._client._send(self, path, params, day)))
        except CredentialRefused as error:
            if error.is_for_all:
                self._refused = error
                self.cancel()
            raise
        except PausedTooLong as pause:
            minutes = pause.seconds / 60
            what = f"all requests have to wait {minutes:.0f} minutes after a 429; run again later"
            unavailable = ApiUnavailable(what, day=day, status=429)
        except Cancelled:
            if self._refused:
                raise self._refused from None
            unavailable = ApiUnavailable("stopped before a response arrived", day=day)
        raise unavailable

    def _retried(self, attempt: Callable[[], T]) -> T:
        client, failures, failing_since = self._client, 0, math.inf
        while True:
            try:
                return attempt()
            except _Retry as retry:
                failure = retry
            if failure.attempts is None:  # the limiter makes all requests wait
                wait, is_over, failing_since = 0.0, False, math.inf
            else:
                failures += 1
                now = client._monotonic()
                failing_since = min(failing_since, now)
                wait = failure.retry_after or back_off(failures, client._chance)
                is_over = failures >= failure.attempts or now - failing_since > MAX_FAILING_SECONDS
            if client._limiter.failed(self._cancellation, wait) or is_over:
                # Raised outside the `except`: httpx's error holds the request, and with it the credential.
                raise failure.error
            if failure.is_silent:
                logger.warning("%s; trying again in %.0f s", str(failure.error).partition(";")[0], wait)
            self.pause(wait)

    def _decoded(self, response: httpx.Response, decode: Callable[[bytes], T], day: dt.date | None) -> Response[T]:
        credential = self._client._credential
        if response.status_code != 200:
            raise responses.refusal(response, credential, day)
        request_id = responses.request_id(response, credential)
        try:
            value = decode(credential.redact_body(response.content))
        except ValueError as error:
            what = f"{clean(str(error), credential)}; nothing of it was loaded, run again later"
            raise _Retry(ApiUnavailable(what, day=day, status=200, request_id=request_id)) from None
        return Response(value, request_id, responses.organization_id(response, credential))

    def _organization_of(self, response: httpx.Response) -> Organization:
        credential = self._client._credential
        # Closed to this credential or at this gateway; a 401 fails as everywhere.
        if 400 <= response.status_code < 500 and response.status_code != 401:
            problem = str(responses.refusal(response, credential, None))
            return Organization(None, header_id=responses.organization_id(response, credential), problem=problem)
        found = self._decoded(response, decode_exact, None)
        return responses.organization(found.value, found.organization_id, credential)

    def _announce(self, seconds: float) -> None:
        if self._on_wait:
            self._on_wait(self.now() + dt.timedelta(seconds=seconds))


def usable_url(base_url: str) -> httpx.URL:
    """Returns `base_url` as an address. Raises ConfigurationError where it is none, or holds a password."""
    try:
        url = httpx.URL(base_url.strip())
    except (httpx.InvalidURL, AttributeError, TypeError):
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not can_connect(url):
        raise ConfigurationError(f"base_url must be an http:// or https:// address; the API is at {BASE_URL}")
    if url.userinfo or url.query or url.fragment:
        raise ConfigurationError("base_url must not contain a user name, a password or a query; remove them")
    return url
