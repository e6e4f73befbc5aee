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
AMOUNTS = ("api_cost_usd", "subscription_value_usd", "other_cost_usd")
COUNTS = (*_CORE, "accepted", "rejected", *_TOKENS)
MEASURES = (*COUNTS, *AMOUNTS)
_LOWER = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


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


def month_of(day: dt.date) -> dt.date:
    return day.replace(day=1)


def days_of_month(month: dt.date) -> list[dt.date]:
    days = [month + DAY * number for number in range(31)]
    return [day for day in days if day.month == month.month]


def named(actor: Row) -> str | None:
    """The actor of a record; None where identities are dropped."""
    if actor["type"] == KEY:
        return actor["api_key_name"]
    address = actor["email_address"] if actor["type"] == USER else None
    return None if address is None else address.strip(" \t\r\n").translate(_LOWER)


def amount_of(customer_type: str | None) -> str:
    """The column that an amount of a customer type belongs to."""
    return {"api": "api_cost_usd", "subscription": "subscription_value_usd"}.get(customer_type or "", "other_cost_usd")


def shaped(record: Row) -> Row:
    """A record with its breakdowns summed."""
    actor = record["actor"]
    row: Row = {
        "actor_type": actor["type"],
        "actor": named(actor),
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
    row |= dict.fromkeys(AMOUNTS)
    row[amount_of(row["customer_type"])] = None if dollars is None else dollars / 100
    row["has_cost"] = dollars is not None
    counted = [row[name] for name in COUNTS] + [amount for _, amount in amounts]
    row["is_active"] = any((value or 0) > 0 for value in counted)
    return row


def cents(model: Row) -> Decimal | None:
    amount = model["estimated_cost"]["amount"]
    return None if amount is None else Decimal(str(amount))


def sums(rows: Iterable[Row], suffix: str = "") -> Row:
    rows = list(rows)
    return {f"{name}{suffix}": add(row[name] for row in rows) for name in MEASURES}


def known(actors: set[str | None]) -> int | None:
    """Number of actors; None where one of them is dropped."""
    return None if None in actors else len(actors)


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
        self.by_day = defaultdict(list)
        self.active: dict[tuple[dt.date, str], set[str | None]] = defaultdict(set)
        for row in self.records:
            self.by_day[row["date"]].append(row)
            if row["is_active"]:
                self.active[row["date"], row["actor_type"]].add(row["actor"])
        self.week_list = sorted({monday(day) for day in loaded.days})
        self.complete = {
            week for week in self.week_list if all(week + DAY * number in loaded.final for number in range(7))
        }

    def active_in(self, days: Iterable[dt.date], kind: str) -> set[str | None]:
        return set().union(*(self.active[day, kind] for day in days))

    def active_in_week(self, week: dt.date, kind: str = USER) -> set[str | None]:
        return self.active_in((week + DAY * number for number in range(7)), kind)

    def types_of(self, days: Iterable[dt.date]) -> list[str | None]:
        """People, keys, and the other actor types of some days."""
        found = {row["actor_type"] for day in days for row in self.by_day[day]}
        return [USER, KEY, *(found - {USER, KEY})]

    def claude_code_records(self) -> list[Row]:
        hidden = ("tools", "models")
        return [{key: value for key, value in row.items() if key not in hidden} for row in self.records]

    def claude_code_actor_days(self) -> list[Row]:
        keys = ("date", "actor_type", "actor")
        return [
            {**dict(zip(keys, key, strict=True)), **sums(rows), "is_active": any(row["is_active"] for row in rows)}
            for key, rows in grouped(self.records, *keys).items()
        ]

    def claude_code_active_actors(self) -> list[Row]:
        found = []
        for day in self.loaded.days:
            window = [day - DAY * number for number in range(28)]
            for kind in (USER, KEY):
                row: Row = {"date": day, "actor_type": kind, "is_final": day in self.loaded.final}
                for length in (1, 7, 28):
                    row[f"active_{length}d"] = known(self.active_in(window[:length], kind))
                row["window_complete"] = all(each in self.loaded.final for each in window)
                found.append(row)
        return found

    def claude_code_organization_days(self) -> list[Row]:
        return [
            {
                "date": day,
                "actor_type": kind,
                **_measures_of_a_day(rows),
                **_ratios_of_a_day(rows),
                "is_final": day in self.loaded.final,
            }
            for day in self.loaded.days
            for kind in self.types_of([day])
            for rows in [[row for row in self.by_day[day] if row["actor_type"] == kind]]
        ]

    def claude_code_organization_weeks(self) -> list[Row]:
        days = self.claude_code_organization_days()
        return [
            {
                "week": week,
                "actor_type": kind,
                **self._counts_of_a_week(number, kind),
                **sums(row for row in its if row["actor_type"] == kind),
                "is_complete": week in self.complete,
            }
            for number, week in enumerate(self.week_list)
            for its in [[row for row in days if monday(row["date"]) == week]]
            for kind in self.types_of(row["date"] for row in its)
        ]

    def _counts_of_a_week(self, number: int, kind: str | None) -> Row:
        names = [f"{each}_actors" for each in ("active", "new", "retained", "returning", "lapsed")]
        if kind not in (USER, KEY):
            return dict.fromkeys(names)
        week = self.week_list[number]
        now, before = self.active_in_week(week, kind), self.active_in_week(week - WEEK, kind)
        earlier = set().union(*(self.active_in_week(each, kind) for each in self.week_list[:number]))
        comparable = week in self.complete and week - WEEK in self.complete
        known_pair, known_all = None not in now | before, None not in now | earlier
        return dict(
            zip(
                names,
                (
                    known(now),
                    len(now - earlier) if known_all and number >= 4 else None,
                    len(now & before) if known_pair and comparable else None,
                    len((now & earlier) - before) if known_all and comparable else None,
                    len(before - now) if known_pair and comparable else None,
                ),
                strict=True,
            )
        )

    def claude_code_organization_months(self) -> list[Row]:
        days = self.claude_code_organization_days()
        found = []
        for month in sorted({month_of(day) for day in self.loaded.days}):
            its = [row for row in days if month_of(row["date"]) == month]
            for kind in self.types_of(row["date"] for row in its):
                active = known(self.active_in(days_of_month(month), kind)) if kind in (USER, KEY) else None
                found.append(
                    {
                        "month": month,
                        "actor_type": kind,
                        "active_actors": active,
                        **sums(row for row in its if row["actor_type"] == kind),
                        "is_complete": self.loaded.final.issuperset(days_of_month(month)),
                    }
                )
        return found

    def claude_code_actor_months(self) -> list[Row]:
        months = ({**row, "month": month_of(row["date"])} for row in self.records)
        keys = ("month", "actor_type", "actor")
        return [
            {
                **dict(zip(keys, key, strict=True)),
                "active_days": len({row["date"] for row in rows if row["is_active"]}) if key[2] is not None else None,
                **sums(rows),
                "is_complete": self.loaded.final.issuperset(days_of_month(key[0])),
            }
            for key, rows in grouped(months, *keys).items()
        ]

    def claude_code_cohorts(self) -> list[Row]:
        people_of = {week: self.active_in_week(week) for week in self.week_list}
        dropped = [week for week in self.week_list if None in people_of[week]]
        first_week: dict[str | None, dt.date] = {}
        for week in reversed(self.week_list):
            first_week |= dict.fromkeys(people_of[week] - {None}, week)
        cells: dict[tuple[dt.date, int], list[tuple[dt.date, dt.date, bool]]] = defaultdict(list)
        for person, first in first_week.items():
            cohort = self.week_list[0] if self.week_list.index(first) < 4 else first
            for week in self.week_list:
                if week >= first:
                    cells[cohort, (week - first).days // 7].append((first, week, person in people_of[week]))
        found = []
        for (cohort, later), cell in cells.items():
            began = not any(each <= first for first, _, _ in cell for each in dropped)
            seen = began and not any(week in dropped for _, week, _ in cell)
            active = sum(is_active for _, _, is_active in cell)
            found.append(
                {
                    "cohort_week": cohort,
                    "weeks_since": later,
                    "cohort_people": len(cell) if began else None,
                    "active_people": active if seen else None,
                    "retention": share(active, len(cell)) if seen else None,
                    "is_complete": all(week in self.complete for _, week, _ in cell),
                }
            )
        return found

    def claude_code_actors(self) -> list[Row]:
        last = max(self.loaded.final)
        weeks = sorted(self.complete)[-4:]
        recent: dict[str, int] = {}
        for row in self.records:
            is_person = row["actor_type"] == USER and row["actor"] is not None
            if is_person and len(weeks) == 4 and weeks[0] <= row["date"] < weeks[3] + WEEK:
                recent[row["actor"]] = recent.get(row["actor"], 0) + (row["sessions"] or 0)
        ranked = {person: count for person, count in recent.items() if count}
        found = []
        for (kind, actor), rows in grouped(self.records, "actor_type", "actor").items():
            active = sorted(row["date"] for row in rows if row["is_active"])
            late = [row for row in rows if last - DAY * 28 < row["date"] <= last]
            has_level = kind == USER and actor is not None and len(ranked) >= 8
            active_late = {row["date"] for row in late if row["is_active"]}
            found.append(
                {
                    "actor_type": kind,
                    "actor": actor,
                    "first_day": active[0] if active else None,
                    "last_day": active[-1] if active else None,
                    "active_days_28d": None if actor is None else len(active_late),
                    **sums(rows),
                    **sums(late, "_28d"),
                    "usage_level": _level(actor, ranked) if has_level else None,
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
        keys = ("date", "actor_type", "customer_type", "model", "currency")
        found = []
        for key, rows in grouped(self._models(), *keys).items():
            tokens = {name: add(row[name] for row in rows) for name in _TOKENS}
            inputs = add(tokens[name] for name in ("tokens_input", "tokens_cache_read", "tokens_cache_creation"))
            amount = add(row["amount"] for row in rows)
            dollars = amount if key[4] == "USD" else None
            priced = add(row[name] or 0 for row in rows if row["amount"] is not None for name in _TOKENS)
            found.append(
                {
                    **dict(zip(keys, key, strict=True)),
                    **tokens,
                    "amount": amount,
                    **{name: add(row[name] for row in rows) for name in AMOUNTS},
                    "cache_read_share": share(tokens["tokens_cache_read"], inputs),
                    "price_per_mtok": share(None if dollars is None else dollars * 10000, priced),
                }
            )
        return found

    def _models(self) -> list[Row]:
        """The models of all records, each with the dimensions of its record."""
        found = []
        for record in self.records:
            for model in record["models"]:
                currency, amount = model["estimated_cost"]["currency"], cents(model)
                row = {name: record[name] for name in ("date", "actor_type", "actor", "customer_type")}
                row |= {"model": model["model"], "currency": currency, "amount": amount, **dict.fromkeys(AMOUNTS)}
                row |= {name: model["tokens"][kind] for name, kind in _TOKENS.items()}
                if currency == "USD" and amount is not None:
                    row[amount_of(record["customer_type"])] = amount / 100
                found.append(row)
        return found

    def claude_code_mix_days(self) -> list[Row]:
        keys = ("date", "actor_type", "customer_type", "subscription_type", "terminal_type", "is_remote")
        return [
            {**dict(zip(keys, key, strict=True)), **sums(rows)} for key, rows in grouped(self.records, *keys).items()
        ]

    def claude_code_costs(self) -> list[Row]:
        names = ("date", "actor_type", "actor", "customer_type", "model", *AMOUNTS)
        return [{name: row[name] for name in names} for row in self._models()]


def _measures_of_a_day(rows: list[Row]) -> Row:
    """Sums of one actor type; 0 where there is no record of it, or for an amount none of its customer types."""
    found = sums(rows)
    types = {amount_of(row["customer_type"]) for row in rows}
    return {name: 0 if not rows or (name in AMOUNTS and name not in types) else value for name, value in found.items()}


def _ratios_of_a_day(rows: list[Row]) -> Row:
    decided = [(a, r) for row in rows for _, a, r in row["tools"] if a is not None and r is not None]
    totals = sums(rows)
    inputs = add(totals[name] for name in ("tokens_input", "tokens_cache_read", "tokens_cache_creation"))
    api = [row for row in rows if row["customer_type"] == "api" and row["sessions"] is not None]
    return {
        "acceptance_rate": share(add(a for a, _ in decided), add(a + r for a, r in decided)),
        "cache_read_share": share(totals["tokens_cache_read"], inputs),
        "cost_coverage": share(
            sum(row["sessions"] for row in api if row["has_cost"]), add(row["sessions"] for row in api)
        ),
    }


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
