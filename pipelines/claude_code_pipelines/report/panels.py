"""Panels of the report, in order. A new panel is one entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from claude_code_analytics.dates import list_ranges

from ..metrics import series
from ..metrics.breakdowns import breakdown
from ..metrics.explanations import DAY_KINDS
from ..metrics.figures import Figures
from ..metrics.measures import MEASURES
from ..metrics.queries import API_COST, LIST_VALUE
from ..metrics.seats import who_stopped
from ..metrics.sums import ratio, total
from ..metrics.tables import Column, Kind, Table, rounded
from . import charts, markup


@dataclass(frozen=True)
class Panel:
    """One panel: a sentence, a drawing, and a table with its numbers.

    Attributes:
        section: Its section, a key of `SECTIONS`.
        title: Title.
        table: Returns the numbers; None leaves the panel out.
        sentence: Returns one sentence that says what the panel shows.
        chart: Returns a chart of a width; None where the table is the panel.
        drawing: Returns HTML in place of a chart.
        note: What must not be concluded.
        key: HTML that explains marks of the drawing.
        searched: Whether its table can be searched and sorted.
    """

    section: str
    title: str
    table: Callable[[Figures], Table | None]
    sentence: Callable[[Figures, Table], str]
    chart: Callable[[Figures, Table, int], charts.Spec] | None = None
    drawing: Callable[[Figures, Table], str] | None = None
    note: str = ""
    key: str = ""
    searched: bool = False

    @property
    def is_drawn(self) -> bool:
        """True if there is a chart or a drawing above the numbers."""
        return self.chart is not None or self.drawing is not None


SECTIONS = {
    "use": "Use",
    "acceptance": "Acceptance",
    "cost": "Cost",
    "who": "People and keys",
    "quality": "Quality of the data",
}

_PARTIAL = "Dashed outlines are days or weeks that are not complete. A cross is a day that was not loaded."
_WEEK_COLUMNS = (("Active", 1), ("New", 2), ("Returning", 3), ("Lapsed", 5))


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"


def _filled(table: Table) -> Table | None:
    return table if table.rows else None


def _active_sentence(figures: Figures, table: Table) -> str:
    last = table.rows[-1]
    who = "people" if series.has_people(figures) else "API keys"
    if last[3] is None:
        return "Identities are dropped in this dataset, so people cannot be counted."
    of_weekdays = [row[1] for row in table.rows[-28:] if row[1] is not None and row[0].weekday() < 5]
    usual = sorted(of_weekdays)[len(of_weekdays) // 2] if of_weekdays else 0
    return f"{last[3]:,} {who} were active in the last 28 days, about {usual:,} of them on a usual weekday."


def _weeks_sentence(figures: Figures, table: Table) -> str:
    complete = [row for row in table.rows if row[-1] == "yes" and row[4] is not None]
    if not complete:
        return "No two complete weeks follow each other yet, so nothing can be compared."
    week, active, new, returning, _, lapsed, _ = complete[-1]
    parts = [f"{returning:,} came back", f"{lapsed:,} dropped out"]
    if new is not None:
        parts.insert(0, f"{new:,} new" if new else "nobody new")
    newest = [row for row in table.rows if row[-1] == "yes"][-1]
    which = "the last complete one" if complete[-1] is newest else "the last one that can be compared"
    return f"{active:,} people were active in the week of {week:%-d %B}, {which}: {', '.join(parts)}."


def _cohorts_sentence(figures: Figures, table: Table) -> str:
    found = series.retention(figures)
    if found is None:
        return "No week after a first one is complete yet."
    weeks, began, active = found
    share = f"{active / began:.0%} of the {began:,} people who began after the first four loaded weeks"
    return f"{share} were active in week {weeks} after their first."


def _tools_sentence(figures: Figures, table: Table) -> str:
    sums = figures.sums(figures.subject)
    rate = rounded(MEASURES["acceptance_rate"].of(sums), Kind.SHARE)
    return f"{rate} of {rounded(sums.get('decisions'), Kind.COUNT)} proposed edits were accepted."


def _acceptance_sentence(figures: Figures, table: Table) -> str:
    shown = " and ".join(filter(None, (", ".join(c.title for c in table.columns[1:-2]), table.columns[-2].title)))
    return f"Acceptance by week for {shown}, the tools with the most proposals."


def _cost_sentence(what: str) -> Callable[[Figures, Table], str]:
    def sentence(figures: Figures, table: Table) -> str:
        sums = {column.title: total(row[place] for row in table.rows) for place, column in _money(table)}
        whole = sums.pop(series.ALL_MODELS)
        name = max(sums, key=lambda model: sums[model] or 0)
        share = rounded(ratio(sums[name], whole), Kind.SHARE)
        return f"{name} makes {share} of {what} since {table.rows[0][0]:%-d %B %Y}."

    return sentence


def _money(table: Table) -> list[tuple[int, Column]]:
    return [(place, column) for place, column in enumerate(table.columns) if column.kind is Kind.MONEY]


def _money_chart(figures: Figures, table: Table, width: int) -> charts.Spec:
    places = [place for place, _ in _money(table)]
    titles = [
        f"{table.columns[place].title}   {rounded(total(row[place] for row in table.rows), Kind.MONEY)}"
        for place in places
    ]
    return charts.weekly_rows(table, places, titles, width, charts.DOLLARS)


def _rates_chart(figures: Figures, table: Table, width: int) -> charts.Spec:
    places = range(1, len(table.columns) - 1)
    titles = [table.columns[place].title for place in places]
    return charts.weekly_rows(table, places, titles, width, charts.SHARES)


def _weeks_chart(figures: Figures, table: Table, width: int) -> charts.Spec:
    shown = [(name, place) for name, place in _WEEK_COLUMNS if any(row[place] for row in table.rows)]
    return charts.weekly_rows(table, [place for _, place in shown], [name for name, _ in shown], width, charts.COUNTS)


def _cost_table(amount: str) -> Callable[[Figures], Table | None]:
    def table(figures: Figures) -> Table | None:
        made = series.cost_weeks(figures, amount)
        return made if len(made.columns) > 3 else None

    return table


def _models_sentence(figures: Figures, table: Table) -> str:
    places = {column.key: place for place, column in enumerate(table.columns)}
    row = max(table.rows, key=lambda row: row[places["tokens_total"]] or 0)
    cached = rounded(row[places["cache_read_share"]], Kind.SHARE)
    return f"{row[0]} used more tokens than any other model, and read {cached} of its input from the cache."


def _listed(by: str) -> Callable[[Figures], Table | None]:
    def table(figures: Figures) -> Table | None:
        if by == "person" and not figures.names_people:
            return None
        if by == "team" and (figures.request.teams is None or not figures.knows_people):
            return None
        return _filled(breakdown(figures, by))

    return table


def _quality(figures: Figures) -> Table:
    rows = [
        (kind, len(days), list_ranges(days, 6) or None, meaning)
        for kind, meaning in DAY_KINDS.items()
        for days in [figures.status.days[kind]]
    ]
    columns = (Column("Days", Kind.TEXT), Column("Number"), Column("Which", Kind.TEXT), Column("Meaning", Kind.TEXT))
    return Table("days", columns, rows)


def _quality_sentence(figures: Figures, table: Table) -> str:
    numbers = {row[0]: row[1] for row in table.rows}
    bad = [f"{numbers[kind]:,} {kind}" for kind in ("missing", "inconsistent") if numbers[kind]]
    partial = f" The partial {'day is' if numbers['partial'] == 1 else 'days are'} not final yet."
    verdict = f"Some days are not as they should be: {', '.join(bad)}." if bad else "No day is missing or inconsistent."
    return f"{verdict}{partial if numbers['partial'] else ''}"


_KEY = "".join(f"<span>{markup.key_of(kind)} {kind}</span>" for kind in DAY_KINDS)

PANELS = (
    Panel(
        "use",
        "Active people by day",
        lambda figures: _filled(series.active_days(figures)),
        _active_sentence,
        chart=lambda figures, table, width: charts.active_days(
            table, (figures.period.days.first, figures.period.days.last), width
        ),
        note=f"Bars: on the day. Thin line: in the 7 days that end with it, bold: in 28. {_PARTIAL} The period of this "
        "report is shaded. A dotted line means that its 28 days are not all loaded and final.",
    ),
    Panel(
        "use",
        "People by week",
        lambda figures: _filled(series.weeks(figures)) if series.has_people(figures) else None,
        _weeks_sentence,
        chart=_weeks_chart,
        note="Lapsed: active the week before, and not in this one; they may be on holiday. New: first seen in the "
        "loaded data, not first ever. The first four loaded weeks have none: everybody looks new in them.",
    ),
    Panel(
        "use",
        "Who stays",
        lambda figures: _filled(series.cohorts(figures)) if series.has_people(figures) else None,
        _cohorts_sentence,
        drawing=lambda figures, table: markup.heat_table(table),
        note="Each row: the people first active in these weeks, and the share of them active so many weeks later. "
        "The first row has everybody who was there in the first four loaded weeks. Small cohorts are folded.",
    ),
    Panel(
        "use",
        "Terminals",
        _listed("terminal"),
        lambda figures, table: f"{rounded(table.rows[0][2], Kind.SHARE)} of sessions start in {table.rows[0][0]}.",
        note="Shares of sessions, not of people. Remote is not known before August 2026.",
    ),
    Panel(
        "acceptance",
        "Acceptance by tool",
        _listed("tool"),
        _tools_sentence,
        chart=lambda figures, table, width: charts.tool_rates(table, width),
        note="Permission modes that accept edits count as accepted: a trend, not a measure of quality.",
    ),
    Panel(
        "acceptance",
        "Acceptance by week",
        lambda figures: table if len((table := series.acceptance_weeks(figures)).columns) > 2 else None,
        _acceptance_sentence,
        chart=_rates_chart,
        note=f"Weeks with fewer than {series.FEWEST_DECISIONS} proposals of a tool are left out. "
        "Hollow points are weeks that are not complete.",
    ),
    Panel(
        "cost",
        "Billed by use, by model",
        _cost_table(API_COST),
        _cost_sentence("the cost billed by use"),
        chart=_money_chart,
        note="Estimated by the API in US dollars, by week: not an invoice.",
    ),
    Panel(
        "cost",
        "List value of subscriptions, by model",
        _cost_table(LIST_VALUE),
        _cost_sentence("the list value of subscriptions"),
        chart=_money_chart,
        note="What the use would cost at list prices. Nobody is billed for it: never add it to the cost billed by use.",
    ),
    Panel(
        "cost",
        "Models",
        _listed("model"),
        _models_sentence,
        note="The price of a million tokens is a blend of four kinds, which moves with the share read from cache.",
    ),
    Panel(
        "who",
        "Teams",
        _listed("team"),
        lambda figures, table: "What the people of each team did and cost.",
        note="Work differs between teams: do not rank them by it.",
    ),
    Panel(
        "who",
        "Without activity",
        lambda figures: _filled(table) if (table := who_stopped(figures)) else None,
        lambda figures, table: f"{_people(len(table.rows))} had no activity in the period.",
        note="They may sign in in a way that the API does not report.",
        searched=True,
    ),
    Panel(
        "who",
        "People",
        _listed("person"),
        lambda figures, table: f"{_people(len(table.rows))} had activity in the period.",
        searched=True,
    ),
    Panel(
        "who",
        "API keys",
        _listed("key"),
        lambda figures, table: f"API keys with activity in the period: {len(table.rows):,}.",
        note="A key may be a robot or a person, and two keys may share a name.",
        searched=True,
    ),
    Panel(
        "quality",
        "Days",
        _quality,
        _quality_sentence,
        drawing=lambda figures, table: markup.calendar(series.day_states(figures)),
        key=_KEY,
    ),
)


def made(figures: Figures) -> list[tuple[Panel, Table]]:
    """Returns the panels that have something to show, with their tables."""
    tables = ((panel, panel.table(figures)) for panel in PANELS)
    return [(panel, table) for panel, table in tables if table is not None]
