"""When faults happen: on the Nth request, on the Nth page of a day, every time or so many times."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import httpx

from .answers import Alteration, Fault
from .catalogue import FAULTS

REPORT_PATH: Final = "/v1/organizations/usage_report/claude_code"


@dataclass(frozen=True)
class On:
    """A fault, and the requests on which it happens: all those that fit everything given here.

    Attributes:
        fault: A name in `FAULTS`, or any fault.
        request: Running number of the request, from 1, over all paths.
        day: UTC day that is asked for.
        page: Which page of the day, from 1; `last` is the one after which there are no more.
        path: Path that is asked; any if None.
        after: So many fitting requests are let through first.
        times: How often it happens; every time if None.
    """

    fault: str | Fault
    request: int | None = None
    day: dt.date | None = None
    page: int | Literal["last"] | None = None
    path: str | None = REPORT_PATH
    after: int = 0
    times: int | None = 1

    @property
    def name(self) -> str:
        """The name in `FAULTS`, or that of the function."""
        return self.fault if isinstance(self.fault, str) else getattr(self.fault, "__name__", "fault")


class FaultScript:
    """Faults that happen when they are due; a `Fault` itself, for the hook of `SimulatedApi`.

    On a request that several fit, the first that has not yet happened often enough happens. Safe for several
    threads. A script belongs to one API: it learns from the answers which token leads to which page.

    Args:
        *entries: What happens when.

    Attributes:
        happened: Running number of the request and name of the fault, for each that happened.
    """

    def __init__(self, *entries: On) -> None:
        self.happened: list[tuple[int, str]] = []
        self._entries = [_Entry(on, _resolved(on.fault)) for on in entries]
        self._pages: dict[str, int] = {}
        self._lock = threading.Lock()

    @property
    def pending(self) -> list[On]:
        """What is still to happen: so often as said, or at all where that is every time."""
        with self._lock:
            return [entry.on for entry in self._entries if entry.happened < (entry.on.times or 1)]

    def __call__(self, request: httpx.Request, number: int) -> Alteration:
        """Tell what is to be made of the true answer to a request."""

        def play(response: httpx.Response) -> httpx.Response | Exception:
            sent = self._play(request, number, response)
            if isinstance(sent, httpx.Response):
                self._learn(request, sent)
            return sent

        return play

    def _play(self, request: httpx.Request, number: int, response: httpx.Response) -> httpx.Response | Exception:
        fault = self._due(request, number, response)
        answer = fault(request, number) if fault else None
        if answer is None:
            return response
        return answer if isinstance(answer, (httpx.Response, Exception)) else answer(response)

    def _due(self, request: httpx.Request, number: int, response: httpx.Response) -> Fault | None:
        with self._lock:
            page = self._pages.get(request.url.params.get("page", ""), 1)
            for entry in self._entries:
                if _fits(entry.on, request, number, page, response) and entry.is_due():
                    self.happened.append((number, entry.on.name))
                    return entry.fault
        return None

    def _learn(self, request: httpx.Request, sent: httpx.Response) -> None:
        page = _page(sent)
        token = page.get("next_page") if page else None
        if isinstance(token, str) and token:
            with self._lock:
                here = self._pages.get(request.url.params.get("page", ""), 1)
                self._pages.setdefault(token, here + 1)


class _Entry:
    """An entry of a script, with its counts."""

    def __init__(self, on: On, fault: Fault) -> None:
        self.on = on
        self.fault = fault
        self.fitted = 0
        self.happened = 0

    def is_due(self) -> bool:
        self.fitted += 1
        is_due = self.fitted > self.on.after and (self.on.times is None or self.happened < self.on.times)
        self.happened += is_due
        return is_due


def _resolved(fault: str | Fault) -> Fault:
    return FAULTS[fault] if isinstance(fault, str) else fault


def _fits(on: On, request: httpx.Request, number: int, page: int, response: httpx.Response) -> bool:
    asked: Iterable[tuple[object, object]] = (
        (on.path, request.url.path),
        (on.request, number),
        (on.day and on.day.isoformat(), request.url.params.get("starting_at")),
        (on.page if on.page != "last" else None, page),
    )
    if any(wanted is not None and wanted != found for wanted, found in asked):
        return False
    return on.page != "last" or (_page(response) or {}).get("has_more") is False


def _page(response: httpx.Response) -> dict[str, object] | None:
    """Return the page that an answer holds, or None."""
    if response.status_code != 200:
        return None
    try:
        found = json.loads(response.content)
    except (ValueError, RecursionError, httpx.StreamError):  # no JSON, or a body that breaks off
        return None
    return found if isinstance(found, dict) else None
