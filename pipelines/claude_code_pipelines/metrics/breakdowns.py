"""Breakdowns of a period by person, key, team, model, tool or terminal: tables that add up (METRICS, R13). Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from claude_code_analytics import ConfigurationError

from .figures import BEFORE, NOW, Figures
from .measures import MEASURES, change_of, worded
from .queries import API_COST, LIST_VALUE, OTHER_COST
from .sums import DISTINCT, KEY, PERSON, Row, grouped, merged, ratio
from .tables import Column, Kind, Table
from .teams import NO_TEAM, SMALL_TEAMS, shown_teams

TOTAL = "Total"
UNKNOWN, DROPPED = "(unknown)", "(identity dropped)"
# Rows of other types of actors than those that a table is about.
_OTHER_TYPES = {PERSON: "(people)", KEY: "(API keys)"}
_OTHER_ACTORS = "(other actors)"
# What shares are of (METRICS, R12).
_WHOSE = {PERSON: "people's", KEY: "keys'"}
# How the use of a person is billed: by whether it has a cost, and whether it is part of a subscription.
_BILLING = {(True, False): "by use", (False, True): "seat", (True, True): "both"}
# Rows that complete a table, in order.
_REST = (NO_TEAM, SMALL_TEAMS, UNKNOWN, DROPPED, *_OTHER_TYPES.values(), _OTHER_ACTORS)


@dataclass(frozen=True)
class Breakdown:
    """Subject of a table.

    Attributes:
        name: Name of the table.
        title: Title of its first column.
        dimension: What its rows are in the query.
        measures: Keys of its columns; `cost` stands for the columns of money.
        actor_type: The actors that have rows of their own, `subject` for those that are spoken of; None for all.
        order: The measures that it is ordered by, the largest first.
        cell: The measure of its cells where periods are its columns; empty for the cost.
        unnamed: The row of those without a name.
    """

    name: str
    title: str
    dimension: str
    measures: tuple[str, ...]
    actor_type: str | None = "subject"
    order: tuple[str, ...] = ("cost", "sessions")
    cell: str = "cost"
    unnamed: str = UNKNOWN

    def is_own(self, row: Row, subject: str) -> bool:
        """Returns true if a row belongs to the actors that the table is about."""
        own = subject if self.actor_type == "subject" else self.actor_type
        return own is None or row["actor_type"] == own


_OUTPUT = ("sessions", "lines_added", "commits", "pull_requests", "acceptance_rate")
_PEOPLE = ("active_days", *_OUTPUT, "cost", "last_day")
BREAKDOWNS = {
    "person": Breakdown("people", "Person", "actor", _PEOPLE, PERSON, unnamed=DROPPED),
    "key": Breakdown("keys", "API key", "actor", _PEOPLE, KEY, unnamed=DROPPED),
    "team": Breakdown(
        "teams",
        "Team",
        "actor",
        ("active_people", *_OUTPUT, "cost", "billed_people", "cost_per_active_person"),
        PERSON,
        unnamed=DROPPED,
    ),
    "model": Breakdown(
        "models",
        "Model",
        "model",
        ("cost", "tokens_total", "cache_read_share", "price_per_mtok"),
        None,
        ("cost", "tokens_total"),
    ),
    "tool": Breakdown(
        "tools",
        "Tool",
        "tool",
        ("accepted", "rejected", "acceptance_rate"),
        order=("accepted", "rejected"),
        cell="acceptance_rate",
    ),
    "terminal": Breakdown(
        "terminals",
        "Terminal",
        "terminal",
        ("sessions", "remote_share", "commits", "acceptance_rate", "cost"),
        order=("sessions", "cost"),
        cell="sessions",
    ),
}


@dataclass(frozen=True)
class Group:
    """A row of a table: its sums now and before. Its shares are of `whole`, which rows of other actors lack."""

    label: str
    now: Row
    before: Row = field(default_factory=dict)
    is_rest: bool = False
    whole: Row = field(default_factory=dict)


Value = Callable[[Group], Any]
# A column and the recipe of its values.
Recipe = tuple[Column, Value]


def breakdown(figures: Figures, by: str, top: int | None = None, sort: str | None = None) -> Table:
    """Returns the table of a period by `by`, one of `BREAKDOWNS`.

    Args:
        figures: The numbers.
        by: What the rows are.
        top: The most rows; the others fold into one.
        sort: Key of the column to order by; by default by cost.

    Raises:
        ConfigurationError: People may not be listed, there is no team map, or no column of that key.
    """
    check(figures, by)
    spec = BREAKDOWNS[by]
    columns = list(_columns(figures, by, spec))
    order = [value_of(columns, sort)] if sort else default_order(figures, by)
    return table_of(spec.name, columns, folded(groups_of(figures, by), order, top), whole_of(figures, by))


def check(figures: Figures, by: str) -> None:
    """Refuses a breakdown that would list people who may not be listed, or teams without a map."""
    if by in ("person", "team") and not figures.knows_people:
        raise ConfigurationError(f"identities are {figures.treatment} in this dataset: people are not listed")
    if by == "person" and not figures.names_people:
        raise ConfigurationError("--no-people lists nobody by name: choose another --by")
    if by == "team" and figures.request.teams is None:
        raise ConfigurationError("teams need a map of addresses to teams: --team-map FILE")


def groups_of(figures: Figures, by: str) -> list[Group]:
    """Returns the rows of a table, those of the rest among them."""
    spec, label = BREAKDOWNS[by], labels(figures, by)
    now, before = (grouped(_of_side(figures, spec, side), label) for side in (NOW, BEFORE))
    whole = merged([row for row in _of_side(figures, spec, NOW) if spec.is_own(row, figures.subject)])
    groups = [
        _group(key, its, before.get(key, []), whole if spec.is_own(its[0], figures.subject) else None)
        for key, its in now.items()
    ]
    # a row of zeros is no activity, and adds nothing
    return [each for each in groups if each.is_rest or each.now.get("active", 1)]


def _group(key: tuple[bool, str], now: Sequence[Row], before: Sequence[Row], whole: Row | None) -> Group:
    return Group(key[1], _added(now, whole is not None), merged(before), key[0], whole or {})


def _of_side(figures: Figures, spec: Breakdown, side: int) -> list[Row]:
    return [row for row in figures.rows[spec.dimension] if row["side"] == side]


def labels(figures: Figures, by: str) -> Callable[[Row], tuple[bool, str]]:
    """Returns what gives a row of the query its row of the table: whether that is one of the rest, and its label."""
    spec = BREAKDOWNS[by]
    name = _team(figures) if by == "team" else lambda row: row[spec.dimension]

    def label(row: Row) -> tuple[bool, str]:
        if not spec.is_own(row, figures.subject):
            return True, _OTHER_TYPES.get(row["actor_type"], _OTHER_ACTORS)
        found = name(row) if row[spec.dimension] else spec.unnamed
        return found in (NO_TEAM, SMALL_TEAMS, spec.unnamed), found

    return label


def _team(figures: Figures) -> Callable[[Row], str]:
    teams = figures.request.teams or {}
    # beside the names of people a fold protects nobody (METRICS, R11)
    fewest = 1 if figures.names_people else figures.request.min_team
    active = (
        row["actor"]
        for row in figures.rows["actor"]
        if row["side"] == NOW and row["actor"] and row["active"]
        if row["actor_type"] == PERSON
    )
    shown = {teams.get(person, NO_TEAM): label for person, label in shown_teams(active, teams, fewest).items()}

    def name(row: Row) -> str:
        team = teams.get(row["actor"], NO_TEAM)
        return shown.get(team, team if fewest == 1 else SMALL_TEAMS)

    return name


def _added(rows: Sequence[Row], is_own: bool) -> Row:
    """Adds up rows. Different people (or keys) are counted, those that the table is not about are not."""
    if rows[0].get("actor") is None or len(rows) == 1:
        found = merged(rows)
    else:
        active = [row for row in rows if row["active"]]
        found = merged(rows, active=len(active), paying=sum(row["paying"] for row in active))
    return found if is_own else {name: value for name, value in found.items() if name not in DISTINCT}


def default_order(figures: Figures, by: str) -> list[Value]:
    """Returns the values that a table is ordered by."""
    return [measured(figures.money if key == "cost" else key) for key in BREAKDOWNS[by].order]


def folded(groups: Iterable[Group], order: Sequence[Value], top: int | None) -> list[Group]:
    """Returns groups in order, those beyond the first `top` folded into one row, and the rest at the end."""
    groups = sorted(groups, key=lambda group: (*(_descending(value(group)) for value in order), group.label))
    own = [each for each in groups if not each.is_rest]
    top = len(own) if top is None else top
    rest = [_others(own[top:])] if own[top:] else []
    rest += sorted((each for each in groups if each.is_rest), key=lambda group: _REST.index(group.label))
    return [*own[:top], *rest]


def _others(groups: Sequence[Group]) -> Group:
    label = f"({len(groups):,} {'other' if len(groups) == 1 else 'others'})"
    now, before = (merged([getattr(each, side) for each in groups]) for side in ("now", "before"))
    sums = {name: value for name, value in now.items() if name not in DISTINCT}
    return Group(label, sums, before, is_rest=True, whole=groups[0].whole)


def _descending(value: Any) -> tuple[Any, ...]:
    """Returns a key that puts the largest first, texts in their order, and what is not known last."""
    if value is None or isinstance(value, str):
        return (value is None, value or "")
    return (False, -(value.toordinal() if isinstance(value, dt.date) else value))


def table_of(name: str, columns: Sequence[Recipe], groups: Sequence[Group], whole: Group) -> Table:
    """Returns a table of groups with a row of the whole."""

    def row(group: Group) -> tuple[Any, ...]:
        return tuple(value(group) for _, value in columns)

    return Table(
        name,
        tuple(column for column, _ in columns),
        [row(each) for each in groups if not each.is_rest],
        [row(each) for each in groups if each.is_rest],
        row(whole) if groups else None,
    )


def whole_of(figures: Figures, by: str) -> Group:
    """Returns the row of the whole: also of what is gone in the period, so that its change is that of all."""
    spec = BREAKDOWNS[by]
    now, before = (merged(_of_side(figures, spec, side)) for side in (NOW, BEFORE))
    is_of_one_kind = all(spec.is_own(row, figures.subject) for row in _of_side(figures, spec, NOW))
    # a total of people is recounted, and has no keys in it
    people = figures.sums(figures.subject)
    counts = {name: people.get(name) for name in (("active", "paying", "cost_usd") if by == "team" else ("active",))}
    return Group(TOTAL, {**now, **counts}, before, is_rest=True, whole=now if is_of_one_kind else {})


def value_of(columns: Sequence[Recipe], key: str) -> Value:
    """Returns the recipe of a column.

    Raises:
        ConfigurationError: There is none of this key.
    """
    known = {column.key: value for column, value in columns}
    if key not in known:
        raise ConfigurationError(f"--sort {key!r} is not a column of this table; it has {', '.join(known)}")
    return known[key]


def _columns(figures: Figures, by: str, spec: Breakdown) -> Iterator[Recipe]:
    yield Column(spec.title, Kind.TEXT, by), lambda group: group.label
    teams = figures.request.teams
    if by == "person" and teams is not None:
        yield (
            Column("Team", Kind.TEXT, "team", detail=6),
            lambda group: None if group.is_rest else teams.get(group.label, NO_TEAM),
        )
    if by == "person":
        yield Column("Billing", Kind.TEXT, "billing"), _billing
    whose = _WHOSE.get(figures.subject if spec.actor_type == "subject" else spec.actor_type or "", "all")
    for key in spec.measures:
        yield from money_columns(figures, whose) if key == "cost" else _own_columns(figures, key, by, whose)


def _billing(group: Group) -> str | None:
    """Returns how the use of a person is billed."""
    ways = group.now.get(API_COST) is not None, bool(group.now.get("subscribers"))
    return None if group.is_rest else _BILLING.get(ways)


def _own_columns(figures: Figures, key: str, by: str, whose: str) -> Iterator[Recipe]:
    column, value = column_of(key)
    yield replace(column, title=worded(column.title, figures.money, figures.subject)), value
    if by == "terminal" and key == "sessions":
        yield _share("sessions", "session_share", f"Of {whose} sessions")
    if by == "tool" and key == "acceptance_rate":
        yield Column("Change", Kind.POINTS, "change"), _change(figures, key)


def money_columns(figures: Figures, whose: str = "all") -> Iterator[Recipe]:
    """Yields the columns of cost, its share and change, and the amounts that are never added to it.

    Args:
        figures: The numbers.
        whose: Those whose cost is divided by for the share.
    """
    column, value = column_of(figures.money)
    yield replace(column, detail=0), value
    yield _share(figures.money, "cost_share", f"Of {whose} {column.title.lower()}")
    yield Column("Change", Kind.CHANGE, "cost_change", detail=2), _change(figures, figures.money)
    yield from (column_of(key) for key in (LIST_VALUE, OTHER_COST) if key != figures.money)


def column_of(key: str) -> Recipe:
    """Returns the column of a measure."""
    measure = MEASURES[key]
    return Column(measure.title, measure.kind, key, measure.detail), measured(key)


def measured(key: str) -> Value:
    """Returns the recipe of a measure."""
    of = MEASURES[key].of
    return lambda group: of(group.now)


def _share(measure: str, key: str, title: str) -> Recipe:
    def value(group: Group) -> float | None:
        return ratio(group.now.get(measure), group.whole.get(measure))

    return Column(title, Kind.SHARE, key, detail=3), value


def _change(figures: Figures, key: str) -> Value:
    measure = MEASURES[key]

    def value(group: Group) -> float | None:
        if not figures.period.is_comparable:
            return None
        return change_of(measure.kind, measure.of(group.now), measure.of(group.before))

    return value
