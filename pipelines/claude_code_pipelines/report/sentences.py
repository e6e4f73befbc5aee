"""Sentences of the panels: each speaks of the period of the page, or names the days that it speaks of. Pure."""

from __future__ import annotations

from collections import Counter

from claude_code_analytics.dates import list_ranges

from ..metrics import series
from ..metrics.answers import billing_of
from ..metrics.breakdowns import UNKNOWN
from ..metrics.explanations import DAY_KINDS
from ..metrics.figures import NOW, Figures
from ..metrics.measures import COST_NAMES, MEASURES
from ..metrics.queries import LIST_VALUE
from ..metrics.seats import stopped_earlier
from ..metrics.sums import PERSON, grouped, ratio, total_of
from ..metrics.tables import Column, Kind, Table, rounded

PRICES_BLEND = "The price of a million tokens is a blend of four kinds, which moves with the share read from cache."


def active(figures: Figures, table: Table) -> str:
    last = table.rows[-1]
    if last[3] is None:
        return "Identities are dropped in this dataset, so people cannot be counted."
    usual = sorted(row[1] for row in table.rows[-28:] if row[1] is not None and row[0].weekday() < 5)
    weekday = f", {usual[len(usual) // 2]:,} of them on a usual weekday" if usual else ""
    who = _people(last[3]) if series.spoken_of(figures) == PERSON else _keys(last[3])
    return f"{who} active in the 28 days up to {last[0]:%-d %B %Y}{weekday}."


def weeks(figures: Figures, table: Table) -> str:
    complete = [row for row in table.rows if row[-1] == "yes" and row[4] is not None]
    if not complete:
        return "No two complete weeks follow each other yet, so nothing can be compared."
    week, number, new, returning, _, lapsed, _ = complete[-1]
    parts = [f"{returning:,} came back", f"{lapsed:,} dropped out"]
    if new is not None:
        parts.insert(0, f"{new:,} new" if new else "nobody new")
    newest = [row for row in table.rows if row[-1] == "yes"][-1]
    which = "the last complete one" if complete[-1] is newest else "the last one that can be compared"
    return f"{_people(number)} active in the week of {week:%-d %B %Y}, {which}: {', '.join(parts)}."


def cohorts(figures: Figures, table: Table) -> str:
    found = series.retention(figures)
    if found is None:
        return "No week after a first one is complete yet."
    later, began, stayed = found
    return (
        f"{stayed / began:.0%} of the {began:,} people who began after the first four loaded weeks, and until "
        f"{figures.period.days.last:%-d %B %Y}, were active in week {later} after their first."
    )


def terminals(figures: Figures, table: Table) -> str:
    return f"{rounded(table.rows[0][2], Kind.SHARE)} of sessions in the period start in {table.rows[0][0]}."


def tools(figures: Figures, table: Table) -> str:
    sums = figures.sums(figures.subject)
    rate = rounded(MEASURES["acceptance_rate"].of(sums), Kind.SHARE)
    return f"{rate} of {rounded(sums.get('decisions'), Kind.COUNT)} proposed edits in the period were accepted."


def acceptance(figures: Figures, table: Table) -> str:
    names = [column.title for column in table.columns[1:-1]]
    shown = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"The tools with the largest number of proposals since {table.rows[0][0]:%-d %B %Y}: {shown}."


def cost_models(figures: Figures, table: Table) -> str:
    return _largest_model(figures, figures.money, COST_NAMES[figures.money])


def list_value_models(figures: Figures, table: Table) -> str:
    return _largest_model(figures, LIST_VALUE, "list value of subscriptions")


def _largest_model(figures: Figures, amount: str, what: str) -> str:
    rows = [row for row in figures.rows["model"] if row["side"] == NOW and row[amount]]
    sums = {name: total_of(its, amount) for name, its in grouped(rows, lambda row: row["model"] or UNKNOWN).items()}
    if not sums:
        return f"The period has no {what}."
    name = max(sums, key=lambda model: sums[model])
    return f"{name} makes {rounded(ratio(sums[name], sum(sums.values())), Kind.SHARE)} of the period's {what}."


def models(figures: Figures, table: Table) -> str:
    places = {column.key: place for place, column in enumerate(table.columns)}
    row = max(table.rows, key=lambda row: row[places["tokens_total"]] or 0)
    cached = rounded(row[places["cache_read_share"]], Kind.SHARE)
    return (
        f"{row[0]} used more tokens than any other model in the period, and read {cached} of its input from the cache."
    )


def movers(figures: Figures, table: Table) -> str:
    return f"Largest differences of {COST_NAMES[figures.money]} against {figures.period.name_before}."


def people(figures: Figures, table: Table) -> str:
    return (
        f"{_people(len(table.rows))} active in the period: {billing_of(figures)}. "
        f"They are ordered by {COST_NAMES[figures.money]}."
    )


def silent(figures: Figures, table: Table) -> str:
    states = Counter(row[-1] for row in table.rows)
    listed = f"No activity in the period: {', '.join(f'{number:,} {state}' for state, number in states.items())}."
    return " ".join(filter(None, (listed, stopped_earlier(figures))))


def keys(figures: Figures, table: Table) -> str:
    return f"{_keys(len(table.rows))} active in the period."


def teams(figures: Figures, table: Table) -> str:
    return "What the people of each team did and cost in the period."


def days_table(figures: Figures) -> Table:
    rows = [
        (kind, len(days), list_ranges(days, 6) or None, meaning)
        for kind, meaning in DAY_KINDS.items()
        for days in [figures.status.days[kind]]
    ]
    columns = (Column("Days", Kind.TEXT), Column("Number"), Column("Which", Kind.TEXT), Column("Meaning", Kind.TEXT))
    return Table("days", columns, rows)


def days(figures: Figures, table: Table) -> str:
    numbers = {row[0]: row[1] for row in table.rows}
    bad = [f"{numbers[kind]:,} {kind}" for kind in ("missing", "inconsistent") if numbers[kind]]
    partial = f" The partial {'day is' if numbers['partial'] == 1 else 'days are'} not final yet."
    since = f"since {min(figures.calendar.loaded):%-d %B %Y}"
    fine = f"No day {since} is missing or inconsistent."
    verdict = f"Some days {since} are not as they should be: {', '.join(bad)}." if bad else fine
    return f"{verdict}{partial if numbers['partial'] else ''}"


def _people(number: int) -> str:
    return "1 person was" if number == 1 else f"{number:,} people were"


def _keys(number: int) -> str:
    return f"{number:,} API {'key was' if number == 1 else 'keys were'}"
