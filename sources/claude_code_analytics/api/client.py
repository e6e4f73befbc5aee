"""The HTTP client: one day's pages, whole or an error that names the day. Knows nothing of Arrow or dlt.

Facts about the API come from its guide and reference: one UTC day per request, at most 1,000 records a page, an opaque
page cursor. What answers mean stands in `answers.py`, who may ask when in `pacing.py`.
"""

from __future__ import annotations

import datetime as dt
import logging
import random
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TypeVar

import httpx
import tenacity

from ..claude_code.pages import FetchedDay, NotAPage, Page, read_json, read_page
from ..exceptions import ApiError, ApiUnavailable, ConfigurationError, CredentialRefused, UnexpectedResponse
from ..settings import API_VERSION, BASE_URL, MAX_CONCURRENT_DAYS, ORGANIZATION_PATH, PAGE_LIMIT, REPORT_PATH, version
from . import responses as answers
from .credentials import Credential
from .prefetch import Prepare, Reader, as_it_came
from .rate_limit import Clock, Governor, Halted, Sleep, back_off, utc_now

logger = logging.getLogger("claude_code_analytics")

TIMEOUT = httpx.Timeout(60.0, connect=10.0)
FAULTS_PER_REQUEST = 7
"""Tries of one request that meets faults (5xx, resets, time-outs, broken bodies): about a minute in all."""
FAULTS_PER_PROBE = 3
"""Tries of a question that the load can do without."""
PAGES_PER_DAY = 10_000
"""More pages than any organization has in a day: beyond, the cursor leads in circles."""
EMPTY_PAGES_PER_DAY = 100
"""More pages without a record than an API sends that gets anywhere; each with a new token, they would never end."""

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_Answer = TypeVar("_Answer")


class AnalyticsClient:
    """Reads days from the Claude Code Analytics endpoint. Safe to share between threads, and between loads.

    Args:
        api_key: Admin key, or a personal or service-account key of the whole organization (`x-api-key`).
        access_token: OAuth token with `org:admin`; used instead of `api_key` where it is given.
        base_url: Where the API is.
        max_concurrent_days: Days in flight at once.
        transport: What sends the requests, for tests and for special networks.
        clock: Gives the time, aware UTC.
        sleep: Waits for some seconds.
        chance: Gives a number in [0, 1), for jitter.

    Attributes:
        now: Gives the time, aware UTC.
        organization_problem: Why the API did not name the organization, after it was asked in vain.
        organization_may_come: Whether that is a fault that passes (an outage, say).

    Raises:
        ConfigurationError: A credential or `base_url` that cannot be used.
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
        sleep: Sleep | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.now = clock
        self._credential = Credential.of(api_key, access_token)
        self._chance = chance
        self._governor = Governor(at_once=max_concurrent_days, clock=clock, sleep=sleep, chance=chance)
        self._reader = Reader(self._whole_day, max_concurrent_days)
        self._organization: tuple[str | None] | None = None
        self.organization_problem: str | None = None
        self.organization_may_come = False
        self._refused: CredentialRefused | None = None
        self._said: set[str] = set()
        self._on_day: Callable[[FetchedDay], object] = lambda day: None
        self._lock = threading.Lock()
        self._http = httpx.Client(
            base_url=_usable_url(base_url),
            headers={
                **self._credential.headers(),
                "accept": "application/json",
                "anthropic-version": API_VERSION,
                "user-agent": f"claude-code-analytics/{version()} (https://pypi.org/project/claude-code-analytics)",
            },
            timeout=TIMEOUT,
            transport=transport,
            follow_redirects=False,
        )

    def on_wait(self, tell: Callable[[dt.datetime], object]) -> None:
        """Has `tell` called with the time until which all requests wait, whenever the API asks for a pause."""
        self._governor.on_wait = tell

    def on_day(self, tell: Callable[[FetchedDay], object]) -> None:
        """Has `tell` called with each day that `days` gives."""
        self._on_day = tell

    def require_credential(self) -> None:
        """Raises ConfigurationError where there is no credential to ask with."""
        self._credential.require()

    def notice(self, message: str) -> None:
        """Logs a warning, once in the life of this client."""
        with self._lock:
            is_new = message not in self._said
            self._said.add(message)
        if is_new:
            logger.warning(message)

    def organization_id(self) -> str | None:
        """The organization of the credential (`GET /v1/organizations/me`), asked once; None where it is not told."""
        if self._organization is None:
            self._organization = (self._ask_organization(),)
        return self._organization[0]

    def day(self, date: dt.date) -> FetchedDay:
        """Reads all pages of one UTC day.

        A page cursor that the API does not take any more, that leads in circles or to another day makes the day start
        over once, from its first page: the error reference does not say how long a cursor lives.

        Raises:
            ApiError: The day could not be read whole; the error names it.
            ConfigurationError: There is no credential.
        """
        self._begin()
        return self._whole_day(date)

    def _begin(self) -> None:
        """Lets requests pass, unless the credential was refused: it is not asked again."""
        self._credential.require()
        if not self._refused:
            self._governor.resume()

    def _whole_day(self, date: dt.date) -> FetchedDay:
        try:
            try:
                return self._day(date)
            except _LostCursor as lost:
                logger.info("%s; the day is read again from its first page", lost)
                return self._day(date)
        except _LostCursor as lost:
            raise lost.error from None
        except Halted:
            raise self._refused or ApiUnavailable("given up, because the load was stopped", day=date) from None

    def days(
        self,
        dates: Sequence[dt.date],
        alive: Callable[[], object] = lambda: None,
        prepare: Prepare = as_it_came,
    ) -> Iterator[FetchedDay]:
        """Reads several days, some at a time, and gives them in the order asked for.

        Args:
            dates: The UTC days.
            alive: Called twice a second while a day is waited for; may raise to give up.
            prepare: What is done with each day as soon as it is there, in another thread, one day at a time; gives the
                day in the form that the caller gets. Days that are read ahead for later calls are prepared the same
                way, and read again where a later call wants another.

        Raises:
            ApiError: A day could not be read whole; what is under way is given up.
            ConfigurationError: There is no credential.
        """
        self._begin()
        finished = False
        try:
            for day in self._reader.days(dates, alive, prepare):
                self._on_day(day)
                yield day
            finished = True
        finally:
            if not finished:
                self._stop()

    @contextmanager
    def reading_ahead(self, dates: Iterable[dt.date]) -> Iterator[None]:
        """Has days that `days` will be asked for read before it is, while the caller does something else.

        What was not asked for when the context ends is forgotten.
        """
        self._reader.expect(dates)
        try:
            yield
        except BaseException:
            self._governor.halt()
            raise
        finally:
            self._reader.stop()

    def close(self) -> None:
        """Stops what is under way and closes the connections."""
        self._stop()
        self._http.close()

    def _stop(self) -> None:
        self._governor.halt()
        self._reader.stop()

    def __enter__(self) -> AnalyticsClient:
        """The client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the client."""
        self.close()

    def _ask_organization(self) -> str | None:
        self._credential.require()
        self._governor.resume()
        try:
            answer, _ = self._ask(ORGANIZATION_PATH, {}, read_json, None, FAULTS_PER_PROBE)
        except ApiError as error:
            if self._governor.out_of_patience():
                raise  # a rate limit that concerns the days just as well: they must not wait for it first
            self.organization_problem = str(error)
            self.organization_may_come = isinstance(error, ApiUnavailable)
            return None
        found = answer.get("id") if isinstance(answer, dict) else None
        if isinstance(found, str) and found:
            return found
        self.organization_problem = "the answer has no id"
        return None

    def _day(self, date: dt.date) -> FetchedDay:
        fetched_at = self.now()
        bodies: list[bytes] = []
        records = 0
        tokens: set[str] = set()
        params: dict[str, str | int] = {"starting_at": date.isoformat(), "limit": PAGE_LIMIT}
        while True:
            page, request_id = self._ask(REPORT_PATH, params, read_page, date)
            problem = _problem_of(page, date, tokens, records)
            if problem:
                raise _LostCursor(UnexpectedResponse(problem, day=date, status=200, request_id=request_id))
            bodies.append(page.body)
            records += page.record_count
            if page.next_page is None:
                return FetchedDay(date, tuple(bodies), records, request_id, fetched_at)
            tokens.add(page.next_page)
            params["page"] = page.next_page

    def _ask(
        self,
        path: str,
        params: dict[str, str | int],
        read: Callable[[bytes], _Answer],
        day: dt.date | None,
        faults: int = FAULTS_PER_REQUEST,
    ) -> tuple[_Answer, str | None]:
        """One question, asked until it is answered: what was read from the body, and the request id."""
        patience = _Patience(self._governor, faults, self._chance)
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Again),
            stop=patience.is_over,
            wait=patience.wait,
            sleep=self._governor.pause,
            reraise=True,
        )
        try:
            return retrying(self._ask_once, path, params, read, day)
        except _Again as failure:
            raise failure.error from None

    def _ask_once(
        self, path: str, params: dict[str, str | int], read: Callable[[bytes], _Answer], day: dt.date | None
    ) -> tuple[_Answer, str | None]:
        with self._governor.turn() as turn:
            try:
                response = self._http.get(path, params=params)
            except (httpx.TransportError, httpx.DecodingError) as error:
                what = f"the API could not be reached ({type(error).__name__}); check the network and run again"
                raise _Again(ApiUnavailable(what, day=day)) from None
            status, request_id = response.status_code, answers.request_id(response)
            pause = answers.retry_after(response, self.now())
            said = answers.said_by(response, self._credential) if status != 200 else ""
            if answers.is_rate_limit(response):
                self._governor.refused(turn, pause)
                what = (
                    f"the API kept answering {said}; the limit is shared by the whole organization: run again later, "
                    "or with fewer max_concurrent_days"
                )
                limited = ApiUnavailable(what, day=day, status=status, request_id=request_id)
                raise _Again(limited, is_fault=False)
            if answers.is_passing(response):
                what = f"the API kept failing: {said}; run again later"
                failed = ApiUnavailable(what, day=day, status=status, request_id=request_id)
                raise _Again(failed, retry_after=pause)
            self._governor.answered(turn)
        if status != 200:
            refusal = answers.refusal(response, self._credential, day)
            if isinstance(refusal, CredentialRefused) and day:
                self._refused = refusal
                self._governor.halt()
            raise _LostCursor(refusal) if status == 400 and "page" in params else refusal
        try:
            return read(response.content), request_id
        except NotAPage as error:
            what = f"{error}; nothing of it was loaded, run again later"
            raise _Again(UnexpectedResponse(what, day=day, status=status, request_id=request_id)) from None


class _Again(Exception):
    """An answer, or none, after which the same question may be asked again."""

    def __init__(self, error: ApiError, *, is_fault: bool = True, retry_after: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.is_fault = is_fault
        self.retry_after = retry_after


class _LostCursor(Exception):
    """A page cursor that is of no use; the day may be started over."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(str(error))
        self.error = error


class _Patience:
    """How often one question is asked again: a few times after faults, as long as the run has hope after 429."""

    def __init__(self, governor: Governor, faults: int, chance: Callable[[], float]) -> None:
        self._governor = governor
        self._most_faults = faults
        self._faults = 0
        self._chance = chance

    def is_over(self, state: tenacity.RetryCallState) -> bool:
        failure = self._failure(state)
        self._faults += failure.is_fault
        return self._faults >= self._most_faults or self._governor.out_of_patience(failure.retry_after or 0.0)

    def wait(self, state: tenacity.RetryCallState) -> float:
        failure = self._failure(state)
        if not failure.is_fault:
            return 0.0  # the governor makes everybody wait, this request too
        return failure.retry_after or back_off(self._faults, self._chance)

    @staticmethod
    def _failure(state: tenacity.RetryCallState) -> _Again:
        failure = state.outcome.exception() if state.outcome else None
        if not isinstance(failure, _Again):
            raise TypeError("only _Again is asked again")
        return failure


def _problem_of(page: Page, date: dt.date, tokens: set[str], records: int) -> str | None:
    """What is wrong with a page of `date` that came after the cursors `tokens` and so many records, or None."""
    if page.next_page in tokens or len(tokens) >= min(PAGES_PER_DAY, records + EMPTY_PAGES_PER_DAY):
        return "the API's page cursor leads in circles; nothing of this day was loaded, run again later"
    for named in page.days:
        if _ISO_DAY.match(named) and named[:10] != date.isoformat():
            return f"the API answered with records of {named[:10]}; nothing of this day was loaded, run again later"
    return None


def _usable_url(base_url: str) -> httpx.URL:
    """`base_url`, where it is one; its text is not repeated in the error, for it may hold a password."""
    try:
        url = httpx.URL(base_url.strip())
    except (httpx.InvalidURL, AttributeError, TypeError):
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigurationError(f"base_url is no http(s) address; the API is at {BASE_URL}")
    if url.scheme == "http" and url.host not in ("localhost", "127.0.0.1", "::1"):
        logger.warning("base_url is not encrypted (http): the credential can be read on its way to %s", url.host)
    return url
