"""Records as they were, may become, or have been seen: schema eras, odd values and the known gap.

Each oddity is a function of one record, and `OddOrganization` shows another organization through some of
them. How the days of an organization come about is `organization`'s and `aggregation`'s business.
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from .organization import Organization

Oddity = Callable[[dict[str, Any]], "dict[str, Any] | None"]
"""Takes a copy of a record, and returns what is said in its place; None says nothing."""

LONG_NAME: Final = "ключ 🔑 " * 64
BIG: Final = 2**33


def _set(**fields: Any) -> Oddity:
    return lambda row: {**row, **copy.deepcopy(fields)}


def _without(*fields: str) -> Oddity:
    return lambda row: {name: value for name, value in row.items() if name not in fields}


def _actor(**actor: Any) -> Oddity:
    return lambda row: {**row, "actor": {**actor}}


def _usages(change: Callable[[dict[str, Any]], object]) -> Oddity:
    def odd(row: dict[str, Any]) -> dict[str, Any]:
        for usage in row["model_breakdown"]:
            change(usage)
        return row

    return odd


def _amount(convert: Callable[[Any], Any]) -> Oddity:
    return _usages(lambda usage: usage["estimated_cost"].update(amount=convert(usage["estimated_cost"]["amount"])))


def _tool(name: str, value: Any) -> Oddity:
    def odd(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "tool_actions": {**row["tool_actions"], name: value}}

    return odd


def _unknown_fields(row: dict[str, Any]) -> dict[str, Any]:
    news: dict[str, Any] = {"effort": "high", "latency_ms": 12.5, "labels": ["a", "b"], "extra": {"deep": {"er": 1}}}
    for part in (row, row["actor"], row["core_metrics"], *row["tool_actions"].values(), *row["model_breakdown"]):
        part.update(copy.deepcopy(news))
    for usage in row["model_breakdown"]:
        usage["tokens"]["thinking"] = 7
        usage["estimated_cost"]["list_price"] = 21
    return row


def _mixed_case(row: dict[str, Any]) -> dict[str, Any]:
    if "email_address" in row["actor"]:
        row["actor"]["email_address"] = row["actor"]["email_address"].title()
    return row


def _without_multi_edit(row: dict[str, Any]) -> dict[str, Any]:
    row["tool_actions"].pop("multi_edit_tool", None)
    return row


ODDITIES: Final[Mapping[str, Oddity]] = {
    # Eras. Rows that only `is_remote` told apart stay two; `EventOrganization(era="A")` adds them up.
    "era_a": _without("is_remote", "subscription_type"),
    "short_date": lambda row: {**row, "date": row["date"][:10]},
    "unknown_fields": _unknown_fields,
    # Dimensions.
    "null_terminal": _set(terminal_type=None),
    "empty_terminal": _set(terminal_type=""),
    "new_terminal": _set(terminal_type="terminal of the future"),
    "api_with_enterprise": _set(customer_type="api", subscription_type="enterprise"),
    "new_customer": _set(customer_type="partner", subscription_type="max"),
    "new_actor": _actor(type="agent_actor", agent_id="agent_7"),
    "null_actor": _set(actor=None),
    "long_key_name": _actor(type="api_actor", api_key_name=LONG_NAME),
    "mixed_case": _mixed_case,
    # Counts.
    "null_metrics": _set(core_metrics=None),
    "no_metrics": _without("core_metrics"),
    "null_tools": _set(tool_actions=None),
    "missing_tools": _without("tool_actions"),
    "no_tools": _set(tool_actions={}),
    "new_tool": _tool("browser_tool", {"accepted": 3, "rejected": 1}),
    "null_tool": _tool("edit_tool", None),
    "no_multi_edit": _without_multi_edit,
    # Models and money.
    "null_models": _set(model_breakdown=None),
    "missing_models": _without("model_breakdown"),
    "no_models": _set(model_breakdown=[]),
    "repeated_model": lambda row: {**row, "model_breakdown": row["model_breakdown"] + row["model_breakdown"][-1:]},
    "null_tokens": _usages(lambda usage: usage.update(tokens=None)),
    "big_tokens": _usages(lambda usage: usage.update(tokens={name: n + BIG for name, n in usage["tokens"].items()})),
    "free": _amount(lambda amount: 0),
    "null_amount": _amount(lambda amount: None),
    "float_cents": _amount(lambda amount: float(amount) + 0.25),
    "string_cents": _amount(lambda amount: f"{amount}.50"),
    "euro": _usages(lambda usage: usage["estimated_cost"].update(currency="EUR")),
    # Known gap: who signs in with a subscription is never reported.
    "known_gap": lambda row: None if row["customer_type"] == "subscription" else row,
}
"""The oddities by name."""


class OddOrganization:
    """Another organization, seen through oddities.

    Args:
        organization: What is shown.
        *oddities: Names in `ODDITIES`, or functions of a record of one's own; applied in this order.
        every: Only the first of so many records of a day is odd.
        until: Days from this one on are not odd; all are if None.
    """

    def __init__(
        self, organization: Organization, *oddities: str | Oddity, every: int = 1, until: dt.date | None = None
    ) -> None:
        self.organization = organization
        self.id = organization.id
        self.name = organization.name
        self.every = every
        self.until = until
        self._oddities = [ODDITIES[oddity] if isinstance(oddity, str) else oddity for oddity in oddities]

    def records(self, day: dt.date, now: dt.datetime) -> Sequence[dict[str, Any]]:
        """Return what the organization says about `day` at `now`, as it is seen from here."""
        rows = self.organization.records(day, now)
        return rows if self.until is not None and day >= self.until else list(self._seen(rows))

    def _seen(self, rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for place, row in enumerate(rows):
            seen: dict[str, Any] | None = row
            if place % self.every == 0:
                seen = copy.deepcopy(row)
                for oddity in self._oddities:
                    seen = oddity(seen) if seen is not None else None
            if seen is not None:
                yield seen
