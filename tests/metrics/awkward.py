"""Organizations with everything that makes numbers wrong (METRICS, section 5), from a seed."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from claude_code_analytics.dates import DayRange
from claude_code_simulator import OMITTED, model_usage, record

PEOPLE = (*(f"person.{number}@example.test" for number in range(11)), "p\u00d6rs\u00f6n.11@example.test")
# Hostile in HTML, in CSV and in SQL; a key that looks like a person, and two that share a name.
KEYS = ("person.1@example.test", "ci", "=1+1", "</script><script>alert(1)</script>")
HOSTILE = "<img src=x onerror=alert(1)>'\"&"


def awkward_days(first: dt.date, last: dt.date, organization_id: str, seed: int) -> dict[dt.date, list[dict[str, Any]]]:
    """Returns the records of each day of a range."""
    rng = random.Random(seed)  # noqa: S311
    return {
        day: _records(rng, day, organization_id, people=6 + number // 5)
        for number, day in enumerate(DayRange(first, last).days())
    }


def _records(rng: random.Random, day: dt.date, organization_id: str, people: int) -> list[dict[str, Any]]:
    if rng.random() < 0.08:
        return []
    busy = [
        person
        for number, person in enumerate(PEOPLE[:people])
        if rng.random() < 0.5 and (day.toordinal() // 7 + number) % 5
    ]
    found = [
        _record(rng, day, organization_id, email=_spelled(rng, person))
        for person in busy
        for _ in range(rng.choice((1, 1, 2, 3)))
    ]
    found += [_record(rng, day, organization_id, api_key=key) for key in KEYS if rng.random() < 0.3]
    if rng.random() < 0.2:
        actor = {"type": "robot_actor", "email_address": "robot@example.test"}
        found.append(_record(rng, day, organization_id, actor=actor))
    return found


def _record(rng: random.Random, day: dt.date, organization_id: str, **who: Any) -> dict[str, Any]:
    idle = rng.random() < 0.1  # a row of zeros is no activity

    def count(most: int) -> Any:
        return 0 if idle else rng.choice((None, 0, *(rng.randint(1, most) for _ in range(4))))

    tools = {name: (count(20), count(5)) for name in ("edit_tool", "write_tool", HOSTILE) if rng.random() < 0.6}
    models = [
        model_usage(
            rng.choice(("claude-sonnet-5", "claude-opus-5", HOSTILE)),  # the same model may come twice
            count(10**15),
            count(1000),
            count(10**6),
            count(1000),
            cents=0 if idle else rng.choice((None, 0, 19, "12.345678901", 1234)),
            currency=rng.choice(("USD", "USD", "USD", "EUR", "JPY")),
        )
        for _ in range(rng.choice((0, 1, 2, 4)))
    ]
    return record(
        day,
        organization_id=organization_id,
        customer_type=rng.choice(("api", "api", "api", "subscription", "subscription", "enterprise", None)),
        subscription_type=rng.choice((None, "team", OMITTED)),
        terminal_type=rng.choice(("vscode", "", None, HOSTILE)),
        is_remote=rng.choice((True, False, OMITTED)),
        sessions=count(5),
        added=count(100),
        removed=count(100),
        commits=count(9),
        pull_requests=count(3),
        tools={name: {"accepted": accepted, "rejected": rejected} for name, (accepted, rejected) in tools.items()},
        models=models,
        **who,
    )


def _spelled(rng: random.Random, address: str) -> str:
    return rng.choice((address, address, address.upper(), f"\t {address.title()} \r\n"))
