"""The views once more, in plain Python over raw records: sets and loops, nothing clever (METRICS, sections 1 to 3)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Row = dict[str, Any]
Days = Mapping[dt.date, list[Row]]

DAY, WEEK = dt.timedelta(days=1), dt.timedelta(days=7)
USER, KEY = "user_actor", "api_actor"
_CORE = {
    "sessions": ("num_sessions",),
    "lines_added": ("lines_of_code", "added"),
    "lines_removed": ("lines_of_code", "removed"),
    "commits": ("commits_by_claude_code",),
    "pull_requests": ("pull_requests_by_claude_code",),
}
_TOKENS = {f"tokens_{kind}": kind for kind in ("input", "output", "cache_read", "cache_creation")}
MEASURES = (*_CORE, "accepted", "rejected", *_TOKENS, "cost_usd")


@dataclass(frozen=True)
class Loaded:
    """One organization: its loaded days, and which of them are final."""

    days: Days
    final: frozenset[dt.date]


def add(values: Iterable[Any]) -> Any:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def share(numerator: Any, denominator: Any) -> float | None:
    return None if numerator is None or not denominator else float(numerator) / float(denominator)


def monday(day: dt.date) -> dt.date:
    return day - DAY * day.weekday()


def shaped(record: Row) -> Row:
    """A record with its breakdowns summed."""
    actor = record["actor"]
    row: Row = {
        "actor_type": actor["type"],
        "actor": actor["api_key_name"] if actor["type"] == KEY else actor["email_address"].strip().lower(),
        **{name: record.get(name) for name in ("customer_type", "subscription_type", "terminal_type", "is_remote")},
        "tools": [(name, counts["accepted"], counts["rejected"]) for name, counts in record["tool_actions"].items()],
        "models": record["model_breakdown"],
    }
    for name, path in _CORE.items():
        value = record["core_metrics"]
        for key in path:
            value = value[key]
        row[name] = value
    row["accepted"] = add(accepted for _, accepted, _ in row["tools"])
    row["rejected"] = add(rejected for _, _, rejected in row["tools"])
    for name, kind in _TOKENS.items():
        row[name] = add(model["tokens"][kind] for model in row["models"])
    amounts = [(model["estimated_cost"]["currency"], cents(model)) for model in row["models"]]
    dollars = add(amount for currency, amount in amounts if currency == "USD")
    row["cost_usd"] = None if dollars is None else dollars / 100
    row["has_cost"] = any(amount is not None for _, amount in amounts)
    counted = [row[name] for name in MEASURES] + [amount for _, amount in amounts]
    row["is_active"] = any((value or 0) > 0 for value in counted)
    return row


def cents(model: Row) -> Decimal | None:
    amount = model["estimated_cost"]["amount"]
    return None if amount is None else Decimal(str(amount))


def sums(rows: Iterable[Row], suffix: str = "") -> Row:
    rows = list(rows)
    return {f"{name}{suffix}": add(row[name] for row in rows) for name in MEASURES}


def grouped(rows: Iterable[Row], *keys: str) -> dict[tuple[Any, ...], list[Row]]:
    found: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        found[tuple(row[key] for key in keys)].append(row)
    return found


class Plain:
    """All views of one organization; each method returns rows without `organization_id`."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.records = [{"date": day, **shaped(record)} for day, records in loaded.days.items() for record in records]
        self.active = defaultdict(set)
        for row in self.records:
            if row["is_active"]:
                self.active[row["date"], row["actor_type"]].add(row["actor"])
        self.week_list = sorted({monday(day) for day in loaded.days})
        self.complete = {
            week for week in self.week_list if all(week + DAY * number in loaded.final for number in range(7))
        }
        self.people_of = {
            week: set().union(*(self.active[week + DAY * number, USER] for number in range(7)))
            for week in self.week_list
        }

    def claude_code_records(self) -> list[Row]:
        hidden = ("tools", "models")
        return [{key: value for key, value in row.items() if key not in hidden} for row in self.records]

    def claude_code_person_days(self) -> list[Row]:
        keys = ("date", "actor_type", "actor")
        return [
            {**dict(zip(keys, key, strict=True)), **sums(rows), "is_active": any(row["is_active"] for row in rows)}
            for key, rows in grouped(self.records, *keys).items()
        ]

    def claude_code_active_people(self) -> list[Row]:
        found = []
        for day in self.loaded.days:
            row: Row = {"date": day, "is_final": day in self.loaded.final}
            for name, kind in (("people", USER), ("keys", KEY)):
                for length in (1, 7, 28):
                    window = [day - DAY * number for number in range(length)]
                    row[f"active_{name}_{length}d"] = len(set().union(*(self.active[each, kind] for each in window)))
            row["window_complete"] = all(day - DAY * number in self.loaded.final for number in range(28))
            found.append(row)
        return found

    def claude_code_organization_days(self) -> list[Row]:
        by_day = grouped(self.records, "date")
        found = []
        for day, raw in self.loaded.days.items():
            rows = by_day[(day,)]
            decided = [(a, r) for row in rows for _, a, r in row["tools"] if a is not None and r is not None]
            totals = sums(rows)
            inputs = add(totals[name] for name in ("tokens_input", "tokens_cache_read", "tokens_cache_creation"))
            found.append(
                {
                    "date": day,
                    **(totals if raw else dict.fromkeys(MEASURES, 0)),
                    "acceptance_rate": share(add(a for a, _ in decided), add(a + r for a, r in decided)),
                    "cache_read_share": share(totals["tokens_cache_read"], inputs),
                    "cost_coverage": share(
                        add(row["sessions"] for row in rows if row["has_cost"]), add(row["sessions"] for row in rows)
                    ),
                    "is_final": day in self.loaded.final,
                }
            )
        return found

    def claude_code_organization_weeks(self) -> list[Row]:
        days = {row["date"]: row for row in self.claude_code_organization_days()}
        found = []
        for number, week in enumerate(self.week_list):
            now, before = self.people_of[week], self.people_of.get(week - WEEK, set())
            earlier = set().union(*(self.people_of[each] for each in self.week_list[:number]))
            comparable = week in self.complete and week - WEEK in self.complete
            its = [row for day, row in days.items() if monday(day) == week]
            found.append(
                {
                    "week": week,
                    "active_people": len(now),
                    "new_people": len(now - earlier) if number >= 4 else None,
                    "retained_people": len(now & before) if comparable else None,
                    "returning_people": len((now & earlier) - before) if comparable else None,
                    "lapsed_people": len(before - now) if comparable else None,
                    **sums(its),
                    "is_complete": week in self.complete,
                }
            )
        return found

    def claude_code_cohorts(self) -> list[Row]:
        first_week = {}
        for week in reversed(self.week_list):
            first_week |= dict.fromkeys(self.people_of[week], week)
        cells: dict[tuple[dt.date, int], list[tuple[bool, bool]]] = defaultdict(list)
        for person, first in first_week.items():
            cohort = self.week_list[0] if self.week_list.index(first) < 4 else first
            for week in self.week_list:
                if week >= first:
                    seen = person in self.people_of[week]
                    cells[cohort, (week - first).days // 7].append((seen, week in self.complete))
        return [
            {
                "cohort_week": cohort,
                "weeks_since": later,
                "cohort_people": len(cell),
                "active_people": sum(seen for seen, _ in cell),
                "retention": share(sum(seen for seen, _ in cell), len(cell)),
                "is_complete": all(complete for _, complete in cell),
            }
            for (cohort, later), cell in cells.items()
        ]

    def claude_code_people(self) -> list[Row]:
        last = max(self.loaded.final)
        weeks = sorted(self.complete)[-4:]
        recent: dict[str, int] = {}
        for row in self.records:
            if row["actor_type"] == USER and len(weeks) == 4 and weeks[0] <= row["date"] < weeks[3] + WEEK:
                recent[row["actor"]] = recent.get(row["actor"], 0) + (row["sessions"] or 0)
        ranked = {person: count for person, count in recent.items() if count}
        found = []
        for (kind, actor), rows in grouped(self.records, "actor_type", "actor").items():
            active = sorted(row["date"] for row in rows if row["is_active"])
            late = [row for row in rows if last - DAY * 28 < row["date"] <= last]
            found.append(
                {
                    "actor_type": kind,
                    "actor": actor,
                    "first_day": active[0] if active else None,
                    "last_day": active[-1] if active else None,
                    "active_days_28d": len({row["date"] for row in late if row["is_active"]}),
                    **sums(rows),
                    **sums(late, "_28d"),
                    "usage_level": _level(actor, ranked) if kind == USER and len(ranked) >= 8 else None,
                }
            )
        return found

    def claude_code_tool_days(self) -> list[Row]:
        tools = [
            {"date": row["date"], "actor_type": row["actor_type"], "tool_name": name, "accepted": a, "rejected": r}
            for row in self.records
            for name, a, r in row["tools"]
        ]
        keys = ("date", "actor_type", "tool_name")
        found = []
        for key, rows in grouped(tools, *keys).items():
            decided = [row for row in rows if row["accepted"] is not None and row["rejected"] is not None]
            rate = share(
                add(row["accepted"] for row in decided), add(row["accepted"] + row["rejected"] for row in decided)
            )
            counts = {name: add(row[name] for row in rows) for name in ("accepted", "rejected")}
            found.append({**dict(zip(keys, key, strict=True)), **counts, "acceptance_rate": rate})
        return found

    def claude_code_model_days(self) -> list[Row]:
        models = [
            {
                "date": row["date"],
                "customer_type": row["customer_type"],
                "model": model["model"],
                "currency": model["estimated_cost"]["currency"],
                "cents": cents(model),
                **{name: model["tokens"][kind] for name, kind in _TOKENS.items()},
            }
            for row in self.records
            for model in row["models"]
        ]
        keys = ("date", "customer_type", "model", "currency")
        found = []
        for key, rows in grouped(models, *keys).items():
            tokens = {name: add(row[name] for row in rows) for name in _TOKENS}
            inputs = add(tokens[name] for name in ("tokens_input", "tokens_cache_read", "tokens_cache_creation"))
            amount = add(row["cents"] for row in rows)
            priced = add(row[name] or 0 for row in rows if row["cents"] is not None for name in _TOKENS)
            found.append(
                {
                    **dict(zip(keys, key, strict=True)),
                    **tokens,
                    "cost": None if amount is None else amount / 100,
                    "cache_read_share": share(tokens["tokens_cache_read"], inputs),
                    "price_per_mtok": share(None if amount is None else amount * 10000, priced),
                }
            )
        return found

    def claude_code_mix_days(self) -> list[Row]:
        keys = ("date", "customer_type", "subscription_type", "terminal_type", "is_remote")
        return [
            {**dict(zip(keys, key, strict=True)), **sums(rows)} for key, rows in grouped(self.records, *keys).items()
        ]


def _level(actor: str, ranked: Mapping[str, int]) -> str:
    if actor not in ranked:
        return "none"
    place = sum(count <= ranked[actor] for count in ranked.values()) / len(ranked)
    return next(
        (name for name, least in (("heavy", 0.75), ("moderate", 0.5), ("light", 0.25)) if place >= least), "minimal"
    )


VIEWS: dict[str, Callable[[Plain], list[Row]]] = {
    name: method for name, method in vars(Plain).items() if name.startswith("claude_code_")
}
