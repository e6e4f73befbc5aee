"""HTTP client of one organization's Admin API: requests that are retried until they get a response, or one error.

Knows no report, no Arrow and no dlt, and keeps nothing of its callers: a run's own cancellation and observer are in its
`Session`. What responses mean is in `responses.py`, what is retried in `retry.py`, the rate in `rate_limit.py`.
"""

from __future__ import annotations

import datetime as dt
import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, TypeVar

import httpx

from ..constants import API_VERSION, BASE_URL, DISTRIBUTION, MAX_CONCURRENT_DAYS, ORGANIZATION_PATH, version
from ..exceptions import ApiError, ApiUnavailable, ConfigurationError, CredentialRefused, UnexpectedResponse
from ..json_codec import decode_exact
from . import responses
from .clock import ApiClock, Clock, utc_now
from .credentials import REDACTED, Credential, clean
from .network import Connection, can_connect
from .rate_limit import Cancellation, Cancelled, PausedTooLong, RateLimiter, Sleep
from .retry import (
    MAX_ATTEMPTS,
    MAX_SETUP_ATTEMPTS,
    MAX_SLOW_ATTEMPTS,
    SLOW_SECONDS,
    Retry,
    call_with_retries,
    is_passing,
)

T = TypeVar("T")
logger = logging.getLogger("claude_code_analytics")


@dataclass(frozen=True)
class Organization:
    """The organization of a credential.

    Attributes:
        id: Its id, or None where the API does not return one.
        problem: Why there is no id, on one line.
    """

    id: str | None
    problem: str | None = None


@dataclass(frozen=True)
class Response(Generic[T]):
    """A successful response.

    Attributes:
        value: The decoded body.
        request_id: Its `request-id`, for Anthropic's support.
    """

    value: T
    request_id: str | None


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
        monotonic: Callable[[], float] | None = None,
        sleep: Sleep | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        if max_concurrent_days < 1:
            raise ConfigurationError("max_concurrent_days must be 1 or more")
        self.max_concurrent_days = max_concurrent_days
        self._credential = Credential.of(api_key, access_token)
        self._clock = ApiClock(clock, monotonic)
        self._sleep = sleep
        self._chance = chance
        self._limiter = RateLimiter(at_once=max_concurrent_days, monotonic=self._clock.monotonic, chance=chance)
        self._has_responded = False
        self._has_warned = False
        headers = {
            **self._credential.headers(),
            "accept": "application/json",
            "anthropic-version": API_VERSION,
            "user-agent": f"{DISTRIBUTION}/{version()} (https://pypi.org/project/{DISTRIBUTION})",
        }
        url = usable_url(base_url)
        if url.scheme == "http" and url.host not in ("localhost", "127.0.0.1", "::1"):
            logger.warning("base_url is not encrypted (http): the credential can be read on its way to %s", url.host)
        self._connection = Connection(url, headers, transport, self._clock.monotonic)

    def now(self) -> dt.datetime:
        """Returns the time, checked against the API's, aware, in UTC."""
        return self._clock.now()

    def require_credential(self) -> None:
        """Raises ConfigurationError where there is no credential."""
        self._credential.require()

    def session(self, on_wait: Callable[[dt.datetime], object] | None = None) -> Session:
        """Returns a view of this client for one run.

        Args:
            on_wait: Called with the time until which all requests wait, whenever this run has to wait after a 429.
        """
        return Session(self, on_wait)

    def close(self) -> None:
        """Closes the connections. Requests of sessions that are still under way end with ApiUnavailable."""
        self._connection.close()

    def __enter__(self) -> AnalyticsClient:
        """Returns the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the client."""
        self.close()

    def _send(
        self, cancellation: Cancellation, path: str, params: dict[str, str | int], day: dt.date | None
    ) -> httpx.Response:
        """Sends one request in its turn, and returns the response unless it is one to retry.

        Raises:
            Retry: No response, a rate limit, or a fault that may pass.
        """
        with self._limiter.slot(cancellation) as sent_at:
            if self._connection.is_closed:
                raise Cancelled
            try:
                response = self._connection.get(path, params)
            except (httpx.TransportError, httpx.DecodingError) as error:
                what, is_setup = self._connection.explain(error)
                is_slow = self._clock.monotonic() - sent_at > SLOW_SECONDS
                attempts = MAX_SLOW_ATTEMPTS if is_slow else MAX_ATTEMPTS
                # A host that has responded before is set up right: then a failing DNS server, say, is a passing fault.
                if is_setup and not self._has_responded:
                    attempts = MAX_SETUP_ATTEMPTS
                elif (is_slow or not self._has_responded) and not self._has_warned:
                    self._has_warned = True  # otherwise a run is silent for minutes, and seems to hang
                    span = "" if is_slow else " for about a minute"
                    logger.warning("%s; trying again%s", self._credential.redact(what).partition(";")[0], span)
                raise Retry(ApiUnavailable(self._credential.redact(what), day=day), attempts=attempts) from None
            status = response.status_code
            if status < 500:  # a failing proxy may have any clock
                self._clock.observe(response.headers.get("date"))
            self._has_responded = True
            pause = responses.retry_after(response, self.now())
            is_rate_limit = responses.is_rate_limit(response)
            if is_rate_limit or is_passing(status):
                described = responses.describe(response, self._credential)
                request_id = responses.request_id(response, self._credential)
                what = f"the API kept failing ({described}); run again later"
                if is_rate_limit:
                    self._limiter.limited(sent_at, pause)
                    what = (
                        f"the API kept returning {described}; the whole organization shares the limit: "
                        "run again later, or with fewer max_concurrent_days"
                    )
                unavailable = ApiUnavailable(what, day=day, status=status, request_id=request_id)
                raise Retry(unavailable, attempts=None) if is_rate_limit else Retry(unavailable, retry_after=pause)
            self._limiter.responded(sent_at)
            return response


class Session:
    """One run's view of a client: its own cancellation and observer. Shared by the run's threads.

    Args:
        client: The client. Its rate limiter is shared with all its sessions.
        on_wait: Called with the time until which all requests wait.
    """

    def __init__(self, client: AnalyticsClient, on_wait: Callable[[dt.datetime], object] | None = None) -> None:
        self._client = client
        self._on_wait = on_wait
        self._cancellation = Cancellation(client._sleep, self._announce)
        self._refused: CredentialRefused | None = None
        self._organization: Organization | None = None
        self._lock = threading.Lock()

    def now(self) -> dt.datetime:
        """Returns the time, checked against the API's, aware, in UTC."""
        return self._client.now()

    def organization(self) -> Organization:
        """Returns the organization of the credential (`GET /v1/organizations/me`), requested once.

        Raises:
            CredentialRefused: 401. A 403 only means that this endpoint is closed to the credential.
            ApiUnavailable: The request kept failing.
            UnexpectedResponse: The response is not JSON.
        """
        with self._lock:
            if self._organization is None:
                self._organization = self._request_organization()
            return self._organization

    def get(
        self,
        path: str,
        params: dict[str, str | int],
        decode: Callable[[bytes], T],
        day: dt.date | None = None,
    ) -> Response[T]:
        """Sends one request, retried until it gets a response.

        Args:
            path: Path of the endpoint.
            params: Query parameters.
            decode: Decodes the body. Raises ValueError where it is not what was requested; that is retried as a fault.
            day: The requested day, for errors.

        Raises:
            ApiError: No usable response; the error names the day.
            ConfigurationError: There is no credential, or the environment's proxy or certificates cannot be used.
        """
        self._client.require_credential()
        try:
            return call_with_retries(
                lambda: self._attempt(path, params, decode, day),
                gives_up=self._gives_up,
                pause=self._cancellation.pause,
                chance=self._client._chance,
            )
        except CredentialRefused as error:
            if day or error.status == 401:
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

    def pause(self, seconds: float) -> None:
        """Waits; a cancelled session ends the wait."""
        self._cancellation.pause(seconds)

    def cancel(self) -> None:
        """Ends this session: its waiting and later requests raise ApiUnavailable. Other sessions go on."""
        self._cancellation.cancel()
        self._client._limiter.wake()

    def _attempt(
        self, path: str, params: dict[str, str | int], decode: Callable[[bytes], T], day: dt.date | None
    ) -> Response[T]:
        response = self._client._send(self._cancellation, path, params, day)
        credential = self._client._credential
        if response.status_code != 200:
            raise responses.refusal(response, credential, day)
        request_id = responses.request_id(response, credential)
        try:
            return Response(decode(credential.redact_body(response.content)), request_id)
        except ValueError as error:
            what = f"{clean(str(error), credential)}; nothing of it was loaded, run again later"
            raise Retry(UnexpectedResponse(what, day=day, status=200, request_id=request_id)) from None

    def _request_organization(self) -> Organization:
        try:
            found = self.get(ORGANIZATION_PATH, {}, decode_exact).value
        except (ApiUnavailable, UnexpectedResponse):
            raise
        except ApiError as error:
            if error.status == 401:
                raise
            return Organization(None, str(error))
        own_id = found.get("id") if isinstance(found, dict) else None
        if not (isinstance(own_id, str) and own_id):
            return Organization(None, f"{ORGANIZATION_PATH} returned no id")
        if REDACTED in own_id or clean(own_id, self._client._credential) != own_id:
            return Organization(None, f"{ORGANIZATION_PATH} returned an id that cannot be one")
        return Organization(own_id)

    def _gives_up(self, wait: float) -> bool:
        return self._client._limiter.failed(self._cancellation, wait)

    def _announce(self, seconds: float) -> None:
        if self._on_wait:
            self._on_wait(self.now() + dt.timedelta(seconds=seconds))


def usable_url(base_url: str) -> httpx.URL:
    """Returns `base_url` as an address.

    Raises:
        ConfigurationError: It is none, or holds a password. Its text is not repeated.
    """
    try:
        url = httpx.URL(base_url.strip())
    except (httpx.InvalidURL, AttributeError, TypeError):
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not can_connect(url):
        raise ConfigurationError(f"base_url must be an http:// or https:// address; the API is at {BASE_URL}")
    if url.userinfo or url.query or url.fragment:
        raise ConfigurationError("base_url must not contain a user name, a password or a query; remove them")
    return url
