"""Interpretation of responses: rate limit or not, how long to wait, which error. Facts about statuses and bodies.

The statuses and the shape of errors are those of the API's error reference. That a 429 may lack `retry-after`, and that
5xx bodies may not be JSON, was seen by others in production.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import httpx

from ..constants import ORGANIZATION_PATH, UNKNOWN_ORGANIZATION
from ..exceptions import ApiError, ApiUnavailable, CredentialRefused, RequestRefused
from ..json_codec import NotJson, decode_exact
from .clock import parse_http_date
from .credentials import REDACTED, Credential, clean

# What to do about a status that a retry does not change.
ADVICE: dict[int, str] = {
    400: "check base_url, or look for a newer version of this package",
    402: "a billing problem of the organization: see Console > Billing",
    404: "check base_url (organizations on Claude Platform on AWS do not have this endpoint)",
    407: "put the proxy's user name and password into HTTP_PROXY or HTTPS_PROXY (http://user:password@host:port)",
    429: "the organization's spend limit is reached, and waiting does not help: see Console > Limits",
}

# Statuses that may be about the day of a request alone, whatever the credential: a gateway blocked it, say.
_PERHAPS_OF_A_DAY = frozenset({400, 403, 404})

# Seconds. Far longer than a run waits, and short enough to be added to any time.
_LONGEST_PAUSE = 86_400.0


@dataclass(frozen=True)
class Organization:
    """The organization of a credential, as far as the API names it."""

    id: str | None  # in the body of `/v1/organizations/me`
    name: str | None = None
    header_id: str | None = None  # in the header of that response, or of its refusal
    problem: str | None = None  # why there is no `id`, on one line


def is_rate_limit(response: httpx.Response) -> bool:
    """Returns whether this is a 429 that clears by waiting; the one for a spend limit lasts until the next month."""
    if response.status_code != 429:
        return False
    details = _error(response).get("details")
    return not (isinstance(details, dict) and details.get("error_code") == "enforced_spend_limit_reached")


def retry_after(response: httpx.Response, now: dt.datetime) -> float | None:
    """Returns the seconds to wait by `retry-after`, a number or an HTTP date; None where it names no later time."""
    value = response.headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        moment = parse_http_date(value)
        if moment is None:
            return None
        seconds = (moment - now).total_seconds()
    return min(seconds, _LONGEST_PAUSE) if 0 < seconds < float("inf") else None


def request_id(response: httpx.Response, credential: Credential) -> str | None:
    """Returns the `request-id` from the header, or from the body of an error, cleaned."""
    found = response.headers.get("request-id")
    if not found and response.status_code != 200:
        found = _body(response).get("request_id")
    return clean(found, credential) or None if isinstance(found, str) else None


def unavailable(response: httpx.Response, credential: Credential, day: dt.date | None) -> ApiUnavailable:
    """Returns the error for a rate limit, or a fault that may pass, where it did not clear."""
    described = describe(response, credential)
    what = f"the API kept failing ({described}); run again later"
    if is_rate_limit(response):
        what = (
            f"the API kept returning {described}; the whole organization shares the limit: "
            "run again later, or with fewer max_concurrent_days"
        )
    return ApiUnavailable(what, day=day, status=response.status_code, request_id=request_id(response, credential))


def organization_id(response: httpx.Response, credential: Credential) -> str | None:
    """Returns the organization's id from the header, where it was sent and can be an id."""
    return _identifier(response.headers.get("anthropic-organization-id"), credential)


def organization(body: object, header_id: str | None, credential: Credential) -> Organization:
    """Returns the organization that the body of `/v1/organizations/me` names."""
    fields = body if isinstance(body, dict) else {}
    name = fields.get("name")
    own_id = _identifier(fields.get("id"), credential)
    return Organization(
        id=own_id,
        name=clean(name, credential) or None if isinstance(name, str) else None,
        header_id=header_id,
        problem=None if own_id else f"{ORGANIZATION_PATH} returned no usable id",
    )


def refusal(response: httpx.Response, credential: Credential, day: dt.date | None) -> ApiError:
    """Returns the error for a response that is not a success and that a retry does not change."""
    status = response.status_code
    described = describe(response, credential)
    kind: type[ApiError] = RequestRefused
    is_perhaps_of_a_day = day is not None and status in _PERHAPS_OF_A_DAY
    condition = "if other days fail too, " if is_perhaps_of_a_day else ""
    if status in (401, 403):
        refused = "this day" if is_perhaps_of_a_day else "the credential"
        kind, what = CredentialRefused, f"the API refused {refused}: {described}; {condition}{credential.advice()}"
    elif 300 <= status < 400:
        what = f"the API returned a redirect ({status}), which is never followed; check base_url"
    elif status < 300:
        what = f"the API returned {status} where only 200 makes sense; check base_url"
    else:
        what = f"the API returned {described}; {condition}{ADVICE.get(status, 'a retry does not help')}"
    return kind(what, day=day, status=status, request_id=request_id(response, credential))


def describe(response: httpx.Response, credential: Credential) -> str:
    """Returns status and message of a response, cleaned."""
    message = _error(response).get("message")
    text = clean(message if isinstance(message, str) else response.text, credential)
    return f"{response.status_code} {text}".strip()


def _identifier(found: object, credential: Credential) -> str | None:
    """Returns an id that is printable, not too long, and no echo of the credential, as it was sent; else None."""
    if not isinstance(found, str) or REDACTED in found or clean(found, credential) != found:
        return None
    return None if found.lower() in ("", UNKNOWN_ORGANIZATION) else found


def _error(response: httpx.Response) -> dict[str, object]:
    error = _body(response).get("error")
    return error if isinstance(error, dict) else {}


def _body(response: httpx.Response) -> dict[str, object]:
    try:
        body = decode_exact(response.content)
    except NotJson:
        return {}
    return body if isinstance(body, dict) else {}
