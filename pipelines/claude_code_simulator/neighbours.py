"""The two reports beside the analytics report, for reconciliation: tokens by day, and cost by day.

Built from the records of the organization, at their grain of one UTC day, so `bucket_width` is `1d` only.
What customers pay for is counted: `subscription` records cost nothing and are left out of both.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import httpx

from .answers import to_json
from .organization import Organization
from .paging import PREFIX
from .parameters import InvalidParameter, integer

MESSAGES_PATH: Final = "/v1/organizations/usage_report/messages"
COST_PATH: Final = "/v1/organizations/cost_report"
DEFAULT_BUCKETS: Final = 7
BUCKETS: Final = range(1, 32)

NEIGHBOURS: Final[Mapping[str, Sequence[str]]] = {
    MESSAGES_PATH: ("model",),
    COST_PATH: ("description",),
}
"""By path, what `group_by[]` takes."""

_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})")
_DAY: Final = dt.timedelta(days=1)
_TOKENS: Final = ("input", "output", "cache_read", "cache_creation")


def report(path: str, params: httpx.QueryParams, organization: Organization, now: dt.datetime) -> bytes:
    """Answer one request for a report.

    Args:
        path: A key of `NEIGHBOURS`.
        params: Query parameters.
        organization: What is reported.
        now: The moment of the question, aware.

    Returns:
        The body of the page.

    Raises:
        InvalidParameter: The first parameter that is wrong.
    """
    first = _day(params, "starting_at", None)
    end = _day(params, "ending_at", now.astimezone(dt.timezone.utc).date() + _DAY)
    if end <= first:
        raise InvalidParameter("Invalid date range", "ending date must be after starting date")
    if params.get("bucket_width", "1d") != "1d":
        raise InvalidParameter("bucket_width", "Input should be '1d'")
    limit = integer("limit", params.get("limit"), DEFAULT_BUCKETS, BUCKETS)
    group_by = params.get_list("group_by[]")
    for name in group_by:
        if name not in NEIGHBOURS[path]:
            raise InvalidParameter("group_by", f"Input should be one of {', '.join(NEIGHBOURS[path])}")
    if "page" in params:
        first = _position(params["page"], path, first, end)
    stop = min(end, first + limit * _DAY)
    results = _tokens if path == MESSAGES_PATH else _costs
    buckets = [
        {
            "starting_at": _midnight(day),
            "ending_at": _midnight(day + _DAY),
            "results": results(_usage(organization, day, now), bool(group_by)),
        }
        for day in (first + n * _DAY for n in range((stop - first).days))
    ]
    following = _token(path, stop) if stop < end else None
    return to_json({"data": buckets, "has_more": following is not None, "next_page": following})


def _usage(organization: Organization, day: dt.date, now: dt.datetime) -> Iterator[dict[str, Any]]:
    for record in organization.records(day, now) if day <= now.date() else ():
        if record["customer_type"] != "subscription":
            yield from record.get("model_breakdown") or ()


def _tokens(usage: Iterable[dict[str, Any]], by_model: bool) -> list[dict[str, Any]]:
    sums: dict[str | None, dict[str, int]] = defaultdict(lambda: dict.fromkeys(_TOKENS, 0))
    for part in usage:
        row = sums[part["model"] if by_model else None]
        for name in _TOKENS:
            row[name] += (part.get("tokens") or {}).get(name) or 0
    nothing = ("account_id", "api_key_id", "context_window", "inference_geo", "service_account_id", "service_tier")
    return [
        {
            "uncached_input_tokens": row["input"],
            "cache_read_input_tokens": row["cache_read"],
            "cache_creation": {
                "ephemeral_1h_input_tokens": 0,
                "ephemeral_5m_input_tokens": row["cache_creation"],
            },
            "output_tokens": row["output"],
            "server_tool_use": {"web_search_requests": 0},
            "model": model,
            "workspace_id": None,
            **dict.fromkeys(nothing),
        }
        for model, row in sums.items()
    ]


def _costs(usage: Iterable[dict[str, Any]], by_description: bool) -> list[dict[str, Any]]:
    sums: dict[tuple[str, str | None], Decimal] = defaultdict(Decimal)
    for part in usage:
        cost = part["estimated_cost"]
        sums[cost["currency"], part["model"] if by_description else None] += Decimal(str(cost["amount"] or 0))
    return [
        {
            "currency": currency,
            "amount": f"{cents:.2f}" if cents == round(cents, 2) else f"{cents:f}",
            "workspace_id": None,
            "description": model and f"{model} usage",
            "cost_type": model and "tokens",
            "model": model,
            "context_window": None,
            "service_tier": None,
            "token_type": None,
        }
        for (currency, model), cents in sums.items()
    ]


def _day(params: httpx.QueryParams, name: str, default: dt.date | None) -> dt.date:
    """Read a moment, snapped to the UTC day in which it lies."""
    text = params.get(name)
    if text is None:
        if default is None:
            raise InvalidParameter(name, "Field required")
        return default
    try:
        if not _MOMENT.fullmatch(text):
            raise ValueError(text)
        moment = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
        return moment.astimezone(dt.timezone.utc).date()
    except (ValueError, OverflowError):
        raise InvalidParameter(name, "Input should be a valid datetime") from None


def _midnight(day: dt.date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def _token(path: str, day: dt.date) -> str:
    return PREFIX + base64.b64encode(f"{day.isoformat()}|{path}".encode()).decode()


def _position(token: str, path: str, first: dt.date, end: dt.date) -> dt.date:
    try:
        text = base64.b64decode(token.removeprefix(PREFIX), validate=True).decode()
        day = dt.date.fromisoformat(text.partition("|")[0])
    except (binascii.Error, ValueError):
        day = end
    if not first < day < end or token != _token(path, day):
        raise InvalidParameter("page", "Invalid page token")
    return day
