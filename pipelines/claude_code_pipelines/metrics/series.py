"""Series over days and weeks, cohorts and the states of days, as tables. Pure."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from claude_code_analytics.dates import ONE_DAY, DayRange

from .breakdowns import UNKNOWN
from .figures import Figures
from .periods import WEEK, monday
from .queries import API_COST
from .sums import KEY, PERSON, Row, grouped, ratio, total, total_of
from .tables import Column, Kind, Table

# Cohorts and weeks of the retention table: a quarter.
COHORTS, COHORT_WEEKS = 13, 12
# A rate of fewer decisions says nothing.
FEWEST_DECISIONS = 20
ALL_MODELS, OTHER_MODELS = "All models", "other models"

FINAL, PARTIAL, MISSING = "final", "not final", "not loaded"


def active_days(figures: Figures) -> Table:
    """Returns active people (without any, keys) of each day, and of the 7 and 28 days that end with it."""
    known = {row["date"]: row for row in figures.rows["active_actors"] if row["actor_type"] == spoken_of(figures)}
    first = max(figures.since, min(known, default=figures.since))
    rows = []
    for day in DayRange(first, figures.period.days.last).days():
        row = known.get(day)
        values = [row[f"active_{window}d"] for window in (1, 7, 28)] if row else [None] * 3
        rows.append((day, *values, bool(row and row["window_complete"]), state_of(row)))
    titles = (Column("Day", Kind.DAY), Column("On the day"), Column("In 7 days"), Column("In 28 days"))
    return Table(
        "active_days",
        (*titles, Column("28 days complete", Kind.TEXT), Column("Day is", Kind.TEXT)),
        [*map(_words, rows)],
    )


def _words(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*row[:4], "yes" if row[4] else "no", row[5])


def has_people(figures: Figures) -> bool:
    """Returns true if any person was active in the trends; an organization of named keys has none."""
    return any(row["actor_type"] == PERSON and row["active_28d"] for row in figures.rows["active_actors"])


def spoken_of(figures: Figures) -> str:
    """Returns the type of actor that the trends are about: people, or keys where no person was active."""
    return PERSON if has_people(figures) or figures.subject == PERSON else KEY


def state_of(row: Row | None) -> str:
    """Returns whether a day is final, not final or not loaded."""
    return MISSING if row is None else FINAL if row["is_final"] else PARTIAL


def weeks(figures: Figures) -> Table:
    """Returns active, new, returning and lapsed people of each week of the trends."""
    last = figures.period.days.last
    columns = ("Active", "New", "Returning", "Retained", "Lapsed")
    rows = [
        (
            row["week"],
            *(row[f"{name.lower()}_actors"] for name in columns),
            "yes" if row["is_complete"] and row["week"] + WEEK - ONE_DAY <= last else "no",
        )
        for row in figures.rows["weeks"]
    ]
    titles = (Column("Week of", Kind.DAY), *map(Column, columns), Column("Complete", Kind.TEXT))
    return Table("weeks", titles, rows)


def cohorts(figures: Figures) -> Table:
    """Returns people by the weeks in which they began, and those active so many weeks later; complete weeks only.

    Neighbouring cohorts fold together until each row has `min_team` people: a row of one is a person (METRICS, R11).
    """
    sizes: dict[dt.date, int] = {}
    active: dict[dt.date, dict[int, int]] = defaultdict(dict)
    for row in _complete_cohorts(figures):
        cohort, later = row["cohort_week"], row["weeks_since"]
        if later <= COHORT_WEEKS:
            sizes[cohort] = max(sizes.get(cohort, 0), row["cohort_people"])
            active[cohort][later] = row["active_people"]
    first = _first_cohort(figures)
    groups = _grouped_cohorts(sizes, figures.request.min_team)
    rows = []
    for group in [*groups[:1], *groups[1:][-COHORTS:]]:
        cells = [[active[cohort].get(later) for cohort in group] for later in range(COHORT_WEEKS + 1)]
        rows.append(
            (
                _cohort_name(group, first),
                sum(sizes[cohort] for cohort in group),
                *(None if None in cell else total(cell) for cell in cells),
            )
        )
    titles = (Column(str(number)) for number in range(COHORT_WEEKS + 1))
    return Table("cohorts", (Column("First week", Kind.TEXT), Column("People"), *titles), rows)


def retention(figures: Figures, weeks: tuple[int, ...] = (4, 3, 2, 1)) -> tuple[int, int, int] | None:
    """Returns how many weeks after their first, people who began, and how many of them were active then.

    Of the first of `weeks` that is complete for any cohort. Those who were there in the first four weeks are left out:
    nobody knows when they began.
    """
    first = _first_cohort(figures)
    complete = [row for row in _complete_cohorts(figures) if row["cohort_week"] != first]
    for later in weeks:
        rows = [row for row in complete if row["weeks_since"] == later]
        if rows:
            return later, sum(row["cohort_people"] for row in rows), sum(row["active_people"] for row in rows)
    return None


def _first_cohort(figures: Figures) -> dt.date | None:
    return min((row["cohort_week"] for row in figures.rows["cohorts"]), default=None)


def _complete_cohorts(figures: Figures) -> Iterator[Row]:
    """Yields the weeks of cohorts that are complete, and over by the end of the period."""
    for row in figures.rows["cohorts"]:
        end = row["cohort_week"] + WEEK * (row["weeks_since"] + 1) - ONE_DAY
        if row["is_complete"] and end <= figures.period.days.last:
            yield row


def _cohort_name(group: list[dt.date], first: dt.date | None) -> str:
    if group[0] == first:  # the first four weeks are one cohort
        return f"until {group[-1] + WEEK * 4 - ONE_DAY:%-d %b %Y}"
    return f"{group[0]:%-d %b %Y}" if len(group) == 1 else f"{group[0]:%-d %b} to {group[-1]:%-d %b %Y}"


def _grouped_cohorts(sizes: dict[dt.date, int], least: int) -> list[list[dt.date]]:
    groups: list[list[dt.date]] = []
    for cohort in sorted(sizes):
        if groups and sum(sizes[each] for each in groups[-1]) < least:
            groups[-1].append(cohort)
        else:
            groups.append([cohort])
    if len(groups) > 1 and sum(sizes[each] for each in groups[-1]) < least:
        groups[-2:] = [groups[-2] + groups[-1]]
    return groups


def acceptance_weeks(figures: Figures, most: int = 4) -> Table:
    """Returns the acceptance by week of the tools with the most decisions."""

    def rate(accepted: Any, decided: Any) -> float | None:
        return ratio(accepted, decided) if (decided or 0) >= FEWEST_DECISIONS else None

    decisions: dict[str, int] = defaultdict(int)
    parts: dict[tuple[dt.date, str], list[Any]] = defaultdict(lambda: [None, None])
    for row in _trend(figures, "trend:tool,week", spoken_of(figures)):
        name = row["tool"] or ""
        decisions[name] += row["decisions"] or 0
        part = parts[row["week"], name]
        part[0] = total((part[0], row["accepted_decided"]))
        part[1] = total((part[1], row["decisions"]))
    names = sorted(
        (name for name in decisions if decisions[name] >= FEWEST_DECISIONS), key=lambda name: (-decisions[name], name)
    )[:most]
    rows = [
        (week, *(rate(*parts[week, name]) if (week, name) in parts else None for name in names), complete)
        for week, complete in _weeks(figures)
    ]
    shares = (Column(name, Kind.SHARE) for name in names)
    return Table("acceptance_weeks", (Column("Week of", Kind.DAY), *shares, Column("Complete", Kind.TEXT)), rows)


def cost_weeks(figures: Figures, amount: str, most: int = 5) -> Table:
    """Returns an amount by week and model, in US dollars; the cheapest models fold into one column.

    Args:
        figures: The numbers.
        amount: One of `queries.AMOUNTS`.
        most: Models with a column of their own.
    """
    rows = [row for row in _trend(figures, "trend:model,week") if row[amount] is not None]
    ordered = _most_first(rows, amount)
    # One model too many is shown, not folded: "other" would be as wide.
    own = ordered if len(ordered) <= most + 1 else ordered[:most]
    names = own if own == ordered else [*own, OTHER_MODELS]
    in_weeks = grouped(rows, lambda row: (row["week"], _model(row) if _model(row) in own else OTHER_MODELS))
    table = []
    for week, complete in _weeks(figures):
        amounts = [total_of(in_weeks.get((week, name), ()), amount) for name in names]
        table.append((week, total(amounts), *amounts, complete))
    costs = (Column(name, Kind.MONEY) for name in (ALL_MODELS, *names))
    name = "cost_weeks" if amount == API_COST else "list_value_weeks"
    return Table(name, (Column("Week of", Kind.DAY), *costs, Column("Complete", Kind.TEXT)), table)


def _model(row: Row) -> str:
    return row["model"] or UNKNOWN


def _most_first(rows: list[Row], amount: str) -> list[str]:
    """Returns the models, the one with most of an amount first."""
    sums = {name: total_of(its, amount) for name, its in grouped(rows, _model).items()}
    return sorted(sums, key=lambda name: (-sums[name], name))


def _trend(figures: Figures, query: str, actor_type: str | None = None) -> list[Row]:
    rows = figures.rows[query]
    return [row for row in rows if row["week"] >= figures.since and actor_type in (None, row["actor_type"])]


def day_states(figures: Figures) -> dict[dt.date, str]:
    """Returns the state of each day since the trends begin, as the proof shows it."""
    return {day: kind for kind, days in figures.status.days.items() for day in days if day >= figures.since}


def _weeks(figures: Figures) -> Iterable[tuple[dt.date, str]]:
    """Yields the loaded weeks of the trends, gaps included, and whether each is complete."""
    loaded = [day for day in figures.calendar.loaded if figures.since <= day <= figures.period.days.last]
    if not loaded:
        return
    week = monday(min(loaded))
    while week <= figures.period.days.last:
        complete = figures.calendar.are_final(week + ONE_DAY * number for number in range(7))
        yield week, "yes" if complete else "no"
        week += WEEK
