"""Tables of a period by day, week or month, and of anything else by them (METRICS, R13 and its decision o). Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import replace

from claude_code_analytics import ConfigurationError
from claude_code_analytics.dates import ONE_DAY, DayRange

from .breakdowns import (
    BREAKDOWNS,
    TOTAL,
    Group,
    Recipe,
    breakdown,
    check,
    column_of,
    default_order,
    folded,
    groups_of,
    labels,
    measured,
    money_columns,
    table_of,
    value_of,
    whole_of,
)
from .figures import NOW, Figures
from .measures import MEASURES
from .periods import WEEK, monday, month_of
from .queries import AMOUNTS, SPANS
from .sums import DISTINCT, KEY, PERSON, Row, grouped, merged, total_of
from .tables import Column, Kind, Table

_NAMES = {"day": "days", "week": "weeks", "month": "months"}
_TITLES = {"day": "Day", "week": "Week of", "month": "Month"}
_CUT = "cut"


def table(figures: Figures, by: str, top: int | None = None, sort: str | None = None) -> Table:
    """Returns the table of a period by one of `BREAKDOWNS`, by one of `SPANS`, or by both as `A,B`."""
    first, _, span = by.partition(",")
    if span:
        return _crossed(figures, first, span, top, sort)
    return breakdown(figures, by, top, sort) if by in BREAKDOWNS else _by_span(figures, by, top, sort)


def queries_of(by: str) -> list[str]:
    """Returns the names of the queries that a table needs.

    Raises:
        ConfigurationError: There is no such table.
    """
    first, _, span = by.partition(",")
    if (first in BREAKDOWNS and (not span or span in SPANS)) or (first in SPANS and not span):
        dimension = BREAKDOWNS[first].dimension if first in BREAKDOWNS else first
        return [dimension, f"{dimension},{span}"] if span else [dimension]
    raise ConfigurationError(
        f"--by {by} is not a table; use one of {', '.join((*BREAKDOWNS, *SPANS))}, or two such as model,month"
    )


def _by_span(figures: Figures, span: str, top: int | None, sort: str | None) -> Table:
    buckets = list(_buckets(figures, span))
    groups = _span_groups(figures, span, buckets)
    whole = merged([each.now for each in groups])
    groups = [replace(each, whole=whole) for each in groups]
    columns = list(_span_columns(figures, span, buckets))
    if sort or top:  # else in order of time
        order = [value_of(columns, sort)] if sort else [measured(figures.money), measured("sessions")]
        groups = folded(groups, order, top)
    counts = {key: figures.sums(figures.subject).get(key) for key in (*DISTINCT, "dropped")}
    return table_of(_NAMES[span], columns, groups, Group(TOTAL, {**whole, **counts}, is_rest=True, whole=whole))


def _span_groups(figures: Figures, span: str, buckets: list[DayRange]) -> list[Group]:
    rows = grouped((row for row in figures.rows[span] if row["side"] == NOW), lambda row: row[span])
    loaded = figures.period.counted & figures.calendar.loaded
    return [
        Group(
            _label(bucket, span), _spoken_of(figures, rows.get(bucket.first, [])) if loaded & {*bucket.days()} else {}
        )
        for bucket in buckets
    ]


def _spoken_of(figures: Figures, rows: list[Row]) -> Row:
    """Returns the activity of people, and the money of all with the part of keys beside it."""
    own = next((row for row in rows if row["actor_type"] == figures.subject), figures.nothing)
    of_all = figures.with_zero(merged(rows))
    keys = total_of((row for row in rows if row["actor_type"] == KEY), figures.money)
    return {**own, **{name: of_all.get(name) for name in AMOUNTS}, "key_cost_usd": keys}


def _span_columns(figures: Figures, span: str, buckets: list[DayRange]) -> Iterator[Recipe]:
    yield Column(_TITLES[span], Kind.TEXT, span), lambda group: group.label
    yield column_of("active_people" if figures.subject == PERSON else "active_keys")
    yield from map(column_of, ("sessions", "lines_added", "commits", "pull_requests", "acceptance_rate"))
    for column, value in money_columns(figures):
        if column.key != "cost_change":
            yield column, value
    if figures.subject == PERSON:
        yield (
            Column("Keys' cost", Kind.MONEY, "key_cost_usd", detail=3),
            lambda group: group.now.get("key_cost_usd"),
        )
    states = {_label(bucket, span): _state(figures, bucket, span) for bucket in buckets}
    yield Column("State", Kind.TEXT, "state", detail=1), lambda group: states.get(group.label)


def _crossed(figures: Figures, by: str, span: str, top: int | None, sort: str | None) -> Table:
    check(figures, by)
    spec = BREAKDOWNS[by]
    key = figures.money if spec.cell == "cost" else spec.cell
    cells = _cells(figures, by, span)
    columns: list[Recipe] = [
        (Column(spec.title, Kind.TEXT, by), lambda group: group.label),
        *_cell_columns(figures, key, span),
        (Column("Period", MEASURES[key].kind, key), measured(key)),
    ]
    groups = [
        Group(each.label, {**each.now, **cells.get((each.is_rest, each.label), {})}, {}, each.is_rest)
        for each in groups_of(figures, by)
    ]
    order = [value_of(columns, sort)] if sort else default_order(figures, by)
    whole = Group(TOTAL, {**whole_of(figures, by).now, **_side_by_side(figures.rows[_crossing(by, span)], span)})
    return table_of(f"{spec.name}_by_{span}", columns, folded(groups, order, top), whole)


def _crossing(by: str, span: str) -> str:
    return f"{BREAKDOWNS[by].dimension},{span}"


def _cells(figures: Figures, by: str, span: str) -> dict[tuple[bool, str], Row]:
    """Returns the sums of each row by column, under names such as `2026-10-01 sessions`."""
    rows = [row for row in figures.rows[_crossing(by, span)] if row["side"] == NOW]
    return {label: _side_by_side(its, span) for label, its in grouped(rows, labels(figures, by)).items()}


def _side_by_side(rows: Iterable[Row], span: str) -> Row:
    return {
        f"{first} {name}": value
        for first, cell in grouped((row for row in rows if row["side"] == NOW), lambda row: row[span]).items()
        for name, value in merged(cell).items()
    }


def _cell_columns(figures: Figures, key: str, span: str) -> Iterator[Recipe]:
    buckets = list(_buckets(figures, span))
    for age, bucket in zip(range(len(buckets), 0, -1), buckets, strict=True):
        column, value = _cell_column(figures, key, bucket, span)
        yield replace(column, detail=age), value  # the oldest give way first


def _cell_column(figures: Figures, key: str, bucket: DayRange, span: str) -> Recipe:
    of, prefix = MEASURES[key].of, f"{bucket.first} "
    mark = "" if figures.period.is_whole(bucket) else "*"

    def value(group: Group) -> object:
        cell = {name.removeprefix(prefix): each for name, each in group.now.items() if name.startswith(prefix)}
        return of(cell)

    name = f"{bucket.first:%Y-%m}" if span == "month" else str(bucket.first)
    return Column(f"{_label(bucket, span)}{mark}", MEASURES[key].kind, name), value


def _buckets(figures: Figures, span: str) -> Iterator[DayRange]:
    """Yields the days, weeks or months of the period, also where it cuts them."""
    days = figures.period.days
    day = days.first
    while day <= days.last:
        bucket = _bucket(day, span)
        yield bucket
        day = bucket.last + ONE_DAY


def _bucket(day: dt.date, span: str) -> DayRange:
    if span == "day":
        return DayRange(day, day)
    return month_of(day) if span == "month" else DayRange(monday(day), monday(day) + WEEK - ONE_DAY)


def _label(bucket: DayRange, span: str) -> str:
    return f"{bucket.first:%Y-%m}" if span == "month" else str(bucket.first)


def _state(figures: Figures, bucket: DayRange, span: str) -> str:
    days = set(bucket.days()) & set(figures.period.days.days())
    if not days & figures.calendar.loaded:
        return "not loaded"
    if not days <= figures.calendar.final:
        return "not final"
    return "final" if len(days) == len(bucket) else _CUT
