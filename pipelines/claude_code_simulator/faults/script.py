"""Scripts of faults: on a certain page of a day, after so many requests, once or every time."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from ..api.simulated_api import REPORT_PATH, Alteration, Fault, apply_fault
from .catalog import FAULTS


@dataclass(frozen=True)
class On:
    """A fault, and the requests on which it happens: those that fit everything given here."""

    fault: str | Fault  # a name in `FAULTS`, or any fault
    day: dt.date | None = None
    page: int | Literal["last"] | None = None  # from 1; `last` is the one after which there are no more
    path: str | None = REPORT_PATH  # None for any
    after: int = 0  # fitting requests let through first
    times: int | None = 1  # None for every time

    @property
    def function(self) -> Fault:
        """The fault itself."""
        return FAULTS[self.fault] if isinstance(self.fault, str) else self.fault

    @property
    def name(self) -> str:
        """The name in `FAULTS`, or that of the function."""
        return self.fault if isinstance(self.fault, str) else getattr(self.fault, "__name__", "fault")


class FaultScript:
    """Faults that happen when they are due. A `Fault` itself, for one `SimulatedApi`. Safe for several threads.

    If several entries fit a request, the first that is due happens. `happened` has the number of the request and the
    name of the fault, for each that did.
    """

    def __init__(self, *entries: On) -> None:
        self.happened: list[tuple[int, str]] = []
        self._entries = entries
        self._fitted: Counter[int] = Counter()
        self._done: Counter[int] = Counter()
        # The number of each page that a token leads to, learned from the responses.
        self._pages: dict[str, int] = {}
        self._lock = threading.Lock()

    @property
    def pending(self) -> list[On]:
        """The entries that have not happened as often as they are to. Those of every time happen at least once."""
        with self._lock:
            return [on for place, on in enumerate(self._entries) if self._done[place] < (on.times or 1)]

    def __call__(self, request: httpx.Request, number: int) -> Alteration:
        """Returns the alteration that lets the due fault happen."""

        def play(response: httpx.Response) -> httpx.Response | Exception:
            with self._lock:
                page = self._pages.get(request.url.params.get("page", ""), 1)
                on = self._due(request, page, response)
                if on is not None:
                    self.happened.append((number, on.name))
            sent = apply_fault(on.function if on else None, request, number, lambda: response)
            following = _page(sent).get("next_page")
            if isinstance(following, str) and following:
                with self._lock:
                    self._pages.setdefault(following, page + 1)
            return sent

        return play

    def _due(self, request: httpx.Request, page: int, response: httpx.Response) -> On | None:
        here = "last" if _page(response).get("has_more") is False else None
        day = request.url.params.get("starting_at")
        for place, on in enumerate(self._entries):
            is_fit = on.path in (None, request.url.path) and on.page in (None, page, here)
            if is_fit and (on.day is None or on.day.isoformat() == day):
                self._fitted[place] += 1
                if self._fitted[place] > on.after and (on.times is None or self._done[place] < on.times):
                    self._done[place] += 1
                    return on
        return None


def _page(response: object) -> dict[str, Any]:
    """Returns the page in a response. Empty where there is none."""
    if not isinstance(response, httpx.Response) or response.status_code != 200:
        return {}
    try:
        found = json.loads(response.content)
    except (ValueError, RecursionError, httpx.HTTPError, httpx.StreamError):  # no JSON, or a body that breaks off
        return {}
    return found if isinstance(found, dict) else {}
