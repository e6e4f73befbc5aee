"""What an answer of the API means: may the question be asked again, or which error is it? Facts about statuses.

The statuses and the shape of errors are those of the API's error reference; that 429 may lack `retry-after`, and that
5xx bodies may be no JSON, was seen by others in production.
"""

from __future__ import annotations

import datetime as dt
from email.utils import parsedate_to_datetime

import httpx

from ..claude_code.pages import NotAPage, read_json
from ..exceptions import ApiError, CredentialRefused, RequestRefused, UnexpectedResponse
from .credentials import Credential

PASSING = frozenset({408, 409, 425})
"""Statuses beside 5xx that may be another one next time; 429 is handled apart, for it concerns all requests."""

ADVICE: dict[int, str] = {
    400: "the request itself was refused: check base_url, or look for a newer version of this package",
    402: "a billing problem of the organization: see Console > Billing",
    404: "no such endpoint: check base_url (organizations on Claude Platform on AWS do not have it)",
    429: "the organization's spend limit is reached, and waiting does not help: see Console > Limits",
}
"""What to do about a status that asking again will not change."""

_LONGEST_MESSAGE = 200
_LONGEST_PAUSE = 86_400.0
"""Seconds; far longer than a run waits, and short enough to be added to any time."""


def is_passing(response: httpx.Response) -> bool:
    """Whether the same question may get another answer later, apart from rate limits."""
    return response.status_code in PASSING or response.status_code >= 500


def is_rate_limit(response: httpx.Response) -> bool:
    """Whether this is a 429 that clears by waiting; the one for a spend limit lasts until the next month."""
    if response.status_code != 429:
        return False
    details = _error(response).get("details")
    return not (isinstance(details, dict) and details.get("error_code") == "enforced_spend_limit_reached")


def retry_after(response: httpx.Response, now: dt.datetime) -> float | None:
    """Seconds that the answer asks to wait, from `retry-after` as a number or an HTTP date; None where it does not.

    A value that is no number and no date, or lies in the past, counts as none.
    """
    value = response.headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.timezone.utc)
        seconds = (moment - now).total_seconds()
    return min(seconds, _LONGEST_PAUSE) if 0 < seconds < float("inf") else None


def request_id(response: httpx.Response) -> str | None:
    """The `request-id`, from the header, or from the body of an error."""
    found = response.headers.get("request-id")
    if not found and response.status_code != 200:
        found = _body(response).get("request_id")
    return found if isinstance(found, str) else None


def refusal(response: httpx.Response, credential: Credential, day: dt.date | None) -> ApiError:
    """The error for an answer that is no success and that asking again will not change."""
    status = response.status_code
    said = said_by(response, credential)
    kind: type[ApiError] = RequestRefused
    if status in (401, 403):
        kind, what = CredentialRefused, f"the API refused the credential: {said}; {credential.advice()}"
    elif 300 <= status < 400:
        what = f"the API answered with a redirect ({status}), which is never followed; check base_url"
    elif status < 300:
        kind, what = UnexpectedResponse, f"the API answered {status} where only 200 makes sense; check base_url"
    else:
        what = f"the API answered {said}; {ADVICE.get(status, 'asking again will not help')}"
    return kind(what, day=day, status=status, request_id=request_id(response))


def said_by(response: httpx.Response, credential: Credential) -> str:
    """Status and message of an answer, on one line, shortened, without the credential."""
    message = _error(response).get("message")
    text = credential.redact(message if isinstance(message, str) else response.text)
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return f"{response.status_code} {' '.join(line.split())[:_LONGEST_MESSAGE]}".strip()


def _error(response: httpx.Response) -> dict[str, object]:
    error = _body(response).get("error")
    return error if isinstance(error, dict) else {}


def _body(response: httpx.Response) -> dict[str, object]:
    try:
        body = read_json(response.content)
    except NotAPage:
        return {}
    return body if isinstance(body, dict) else {}
