"""Breakdowns of a period by person, key, team, tool, model and terminal, as tables. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .headlines import change_of
from .reader import Row
from .tables import Column, Kind, Table
from .teams import shown_teams
from .totals import API, KEY, PERSON, SUBSCRIPTION, all_tokens, cache_read_share, ratio, total, total_of, where

UNKNOWN = "(unknown)"
_TEXT, _MONEY, _SHARE = Kind.TEXT, Kind.MONEY, Kind.SHARE

# Columns of people, keys and teams: title, unit, and the value of some summed-up rows of `actors`.
_ACTIVITY = (
    (Column("Sessions"), lambda row: row["sessions"]),
    (Column("Lines added"), lambda row: row["lines_added"]),
    (Column("Commits"), lambda row: row["commits"]),
    (Column("Pull requests"), lambda row: row["pull_requests"]),
    (Column("Accepted", _SHARE), lambda row: ratio(row["accepted_decided"], row["decisions"])),
    (Column("Billed by use", _MONEY), lambda row: row["billed_cost"]),
    (Column("List value", _MONEY), lambda row: row["notional_cost"]),
)
_SUMMED = (
    "sessions",
    "lines_added",
    "commits",
    "pull_requests",
    "accepted_decided",
    "decisions",
    "billed_cost",
    "notional_cost",
)

_MODEL_COLUMNS = (
    Column("Model", _TEXT),
    Column("Billed by use", _MONEY),
    Column("Subscription list value", _MONEY),
    Column("Tokens"),
    Column("Share of tokens", _SHARE),
    Column("Read from cache", _SHARE),
    Column("For a million tokens", _MONEY),
    Column("Other currencies", _TEXT),
)
_TOKENS = ("tokens_input", "tokens_output", "tokens_cache_read", "tokens_cache_creation")


def by_person(
    actors: Iterable[Row], people: Iterable[Row], teams: Mapping[str, str] | None = None, min_team: int = 1
) -> Table:
    """Returns active people, the most sessions first.

    Args:
        actors: Rows of `queries.QUERIES["actors"]`, of the period.
        people: Rows of `people`.
        teams: Teams by address.
        min_team: Fewest active people of a team that is shown by its name.
    """
    known = {row["actor"]: row for row in people if row["actor_type"] == PERSON}
    rows = _active(actors, PERSON)
    shown = shown_teams((row["actor"] for row in rows), teams or {}, min_team)
    team = (Column("Team", _TEXT),) if teams is not None else ()
    columns = (Column("Person", _TEXT), *team, Column("Active days"), *(column for column, _ in _ACTIVITY))
    return Table(
        "people",
        (*columns, Column("Use", _TEXT), Column("Last active", Kind.DAY), Column("First seen", Kind.DAY)),
        [
            (
                row["actor"],
                *([shown[row["actor"]]] if teams is not None else ()),
                row["active_days"],
                *(value(row) for _, value in _ACTIVITY),
                known.get(row["actor"], {}).get("usage_level"),
                row["last_day"],
                known.get(row["actor"], {}).get("first_day"),
            )
            for row in rows
        ],
    )


def by_key(actors: Iterable[Row]) -> Table:
    """Returns active API keys, the most sessions first."""
    return Table(
        "keys",
        (
            Column("API key", _TEXT),
            Column("Active days"),
            *(column for column, _ in _ACTIVITY),
            Column("Last active", Kind.DAY),
        ),
        [
            (row["actor"], row["active_days"], *(value(row) for _, value in _ACTIVITY), row["last_day"])
            for row in _active(actors, KEY)
        ],
    )


def by_team(actors: Iterable[Row], teams: Mapping[str, str], min_team: int) -> Table:
    """Returns active people by team, small teams folded.

    Args:
        actors: Rows of `queries.QUERIES["actors"]`, of the period.
        teams: Teams by address.
        min_team: Fewest active people of a team that is shown by its name.
    """
    rows = _active(actors, PERSON)
    shown = shown_teams((row["actor"] for row in rows), teams, min_team)
    members: dict[str, list[Row]] = {}
    for row in rows:
        members.setdefault(shown[row["actor"]], []).append(row)
    found: list[tuple[Any, ...]] = []
    for team, its in members.items():
        sums = {name: total(row[name] for row in its) for name in _SUMMED}
        billed = sum(row["billed_cost"] is not None for row in its)
        values = (value(sums) for _, value in _ACTIVITY)
        found.append((team, len(its), *values, ratio(sums["billed_cost"], billed)))
    columns = (Column("Team", _TEXT), Column("Active people"), *(column for column, _ in _ACTIVITY))
    ordered = sorted(found, key=lambda row: (row[0].startswith("("), -row[1], row[0]))
    return Table("teams", (*columns, Column("Billed for each", _MONEY)), ordered)


def mapped_without_activity(actors: Iterable[Row], teams: Mapping[str, str]) -> Table:
    """Returns the people of the team map without activity in the period."""
    active = {row["actor"] for row in _active(actors, PERSON)}
    missing = sorted((team, email) for email, team in teams.items() if email not in active)
    return Table(
        "mapped_without_activity",
        (Column("Person", _TEXT), Column("Team", _TEXT)),
        [(email, team) for team, email in missing],
    )


def by_tool(current: Iterable[Row], before: Iterable[Row], *, comparable: bool) -> Table:
    """Returns proposals and their acceptance by tool.

    Args:
        current: Rows of `queries.QUERIES["tools"]`, of the period.
        before: Those of the preceding period.
        comparable: Whether both periods are complete.
    """
    earlier = {name: _rate(rows) for name, rows in _grouped(before, "tool_name").items()}
    found = []
    for name, rows in _grouped(current, "tool_name").items():
        rate = _rate(rows)
        change = change_of(_SHARE, rate, earlier.get(name)) if comparable else None
        found.append((name, *(total(row[key] for row in rows) for key in ("accepted", "rejected")), rate, change))
    columns = (Column("Tool", _TEXT), Column("Accepted"), Column("Rejected"), Column("Acceptance", _SHARE))
    ordered = sorted(found, key=lambda row: (-((row[1] or 0) + (row[2] or 0)), row[0]))
    return Table("tools", (*columns, Column("Change", Kind.POINTS)), ordered)


def by_model(models: Iterable[Row]) -> Table:
    """Returns tokens and costs by model, dollars apart from other currencies and billed apart from notional.

    Args:
        models: Rows of `queries.QUERIES["models"]`, of the period.
    """
    rows_of = _grouped(models, "model")
    whole = total(all_tokens(row) for rows in rows_of.values() for row in rows)
    found = [_model_row(name, rows, whole) for name, rows in rows_of.items()]
    ordered = sorted(found, key=lambda row: (-(row[3] or 0), row[0]))
    if any(row[-1] for row in ordered):
        return Table("models", _MODEL_COLUMNS, ordered)
    return Table("models", _MODEL_COLUMNS[:-1], [row[:-1] for row in ordered])


def _model_row(name: str, rows: Sequence[Row], whole: Any) -> tuple[Any, ...]:
    tokens = {key: total_of(rows, key) for key in _TOKENS}
    dollars = where(rows, "currency", "USD")
    others = sorted({row["currency"] for row in rows if row["currency"] not in ("USD", None)})
    return (
        name,
        *(total_of(where(dollars, "customer_type", kind), "cost") for kind in (API, SUBSCRIPTION)),
        all_tokens(tokens),
        ratio(all_tokens(tokens), whole),
        cache_read_share(tokens),
        _price_of_a_million(dollars),
        ", ".join(others) or None,
    )


def by_terminal(mix: Iterable[Row]) -> Table:
    """Returns sessions by terminal, local and remote."""
    rows_of = _grouped(mix, "terminal_type")
    whole = total(total_of(rows, "sessions") for rows in rows_of.values())
    found = []
    for name, rows in rows_of.items():
        sessions = total_of(rows, "sessions")
        remote = total_of((row for row in rows if row["is_remote"]), "sessions")
        known = total_of((row for row in rows if row["is_remote"] is not None), "sessions")
        found.append((name, sessions, ratio(sessions, whole), ratio(remote or 0, known)))
    columns = (Column("Terminal", _TEXT), Column("Sessions"), Column("Share", _SHARE), Column("Remote", _SHARE))
    return Table("terminals", columns, sorted(found, key=lambda row: (-(row[1] or 0), row[0])))


def _price_of_a_million(dollars: Sequence[Row]) -> float | None:
    priced = [row for row in dollars if row["cost"] is not None]
    price = ratio(total_of(dollars, "cost"), total(map(_priced_tokens, priced)))
    return None if price is None else price * 1e6


def _priced_tokens(row: Row) -> Any:
    """Returns the tokens of a row whose cost is known; its other tokens come from records without an amount."""
    return float(row["cost"]) / row["price_per_mtok"] * 1e6 if row["price_per_mtok"] else all_tokens(row)


def _active(actors: Iterable[Row], actor_type: str) -> list[Row]:
    rows = [row for row in actors if row["actor_type"] == actor_type and row["actor"] and row["active_days"]]
    return sorted(rows, key=lambda row: (-(row["sessions"] or 0), row["actor"]))


def _grouped(rows: Iterable[Row], key: str) -> dict[str, Sequence[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row[key] or UNKNOWN, []).append(row)
    return dict(found)


def _rate(rows: Sequence[Row]) -> Any:
    return ratio(total(row["accepted_decided"] for row in rows), total(row["decisions"] for row in rows))
