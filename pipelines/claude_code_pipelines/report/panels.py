"""Panels of the report, in order. A new panel is one entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..metrics import series
from ..metrics.breakdowns import breakdown
from ..metrics.changes import movers_table
from ..metrics.explanations import DAY_KINDS, column_notes
from ..metrics.figures import Figures
from ..metrics.queries import API_COST, LIST_VALUE
from ..metrics.seats import who_stopped
from ..metrics.tables import Kind, Table
from . import charts, markup, sentences, shapes
from .drawing import Spec
from .stacks import cost_parts, jump_weeks_shown, legend, people_parts


@dataclass(frozen=True)
class Panel:
    """One panel: a sentence, a drawing, and a table with its numbers.

    Attributes:
        section: Its section, a key of `SECTIONS`.
        title: Title.
        table: Returns the numbers; None leaves the panel out.
        sentence: Returns one sentence that says what the panel shows.
        chart: Returns a chart; None where the table is the panel.
        drawing: Returns HTML in place of a chart.
        note: What must not be concluded.
        marks: Place of a column, value in it, and what the drawing shows there; said only where it occurs.
        key: Returns HTML that explains the colours of the drawing.
        is_trend: Whether it shows half a year, not the period; its title names the days.
        is_searched: Whether its table can be searched and sorted.
        is_folded: Whether the reader has to open it.
        bars: Key of a column of shares that are drawn.
    """

    section: str
    title: str
    table: Callable[[Figures], Table | None]
    sentence: Callable[[Figures, Table], str]
    chart: Callable[[Figures, Table], Spec] | None = None
    drawing: Callable[[Figures, Table], str] | None = None
    note: str = ""
    marks: tuple[tuple[int, str, str], ...] = ()
    key: Callable[[Figures, Table], str] | None = None
    is_trend: bool = False
    is_searched: bool = False
    is_folded: bool = False
    bars: str = ""

    @property
    def is_drawn(self) -> bool:
        """True if there is a chart or a drawing above the numbers."""
        return self.chart is not None or self.drawing is not None

    def note_on(self, table: Table) -> str:
        """Returns the note, and what the marks mean that are there."""
        shown = (text for place, value, text in self.marks if any(row[place] == value for row in table.rows))
        return " ".join(filter(None, (self.note, *shown, *column_notes(table))))


SECTIONS = {
    "use": "Use",
    "acceptance": "Acceptance",
    "cost": "Cost",
    "who": "People, keys and teams",
    "quality": "Quality of the data",
}

_PALE = ((-1, "no", "Pale weeks are not complete."),)


def _filled(table: Table | None) -> Table | None:
    return table if table and table.rows else None


def _active_days(figures: Figures) -> Table | None:
    """Returns the counts of each day, if there are any: there are none where identities are dropped."""
    table = series.active_days(figures)
    return table if any(row[3] for row in table.rows) else None


def _listed(by: str) -> Callable[[Figures], Table | None]:
    def table(figures: Figures) -> Table | None:
        if by == "person" and not figures.names_people:
            return None
        if by == "team" and (figures.request.teams is None or not figures.knows_people):
            return None
        return _filled(breakdown(figures, by))

    return table


def _shaded(figures: Figures) -> tuple[object, object]:
    """Returns the days of the period that the trends reach."""
    return max(figures.period.days.first, figures.since), figures.period.days.last


def _cost_table(figures: Figures, amount: str) -> Table | None:
    made = series.cost_weeks(figures, amount)
    return made if len(made.columns) > 3 else None


def _stacked_cost(figures: Figures, table: Table) -> Spec:
    return charts.stacked_weeks(cost_parts(table), _shaded(figures), Kind.MONEY, jump_weeks_shown(figures))


def _cost_legend(figures: Figures, table: Table) -> str:
    return legend(cost_parts(table), Kind.MONEY)


PANELS = (
    Panel(
        "use",
        "Activity by day",
        _active_days,
        sentences.active,
        chart=lambda figures, table: charts.active_days(table, _shaded(figures)),
        note="Bars: on the day. Thin line: in the 7 days that end with it, bold: in 28. "
        "The period of the page is shaded.",
        marks=(
            (5, series.PARTIAL, "Dashed outlines are days that are not final."),
            (5, series.MISSING, "A cross is a day that was not loaded."),
            (4, "no", "A dotted line means that its 28 days are not all loaded and final."),
        ),
        is_trend=True,
    ),
    Panel(
        "use",
        "People by week",
        lambda figures: _filled(series.weeks(figures)) if series.has_people(figures) else None,
        sentences.weeks,
        chart=lambda figures, table: charts.stacked_weeks(people_parts(table), _shaded(figures), Kind.COUNT),
        note="Lapsed, below the line: active the week before, and not in this one; they may be on holiday. "
        "New: first seen in the loaded data, not first ever.",
        marks=_PALE,
        key=lambda figures, table: legend(people_parts(table), Kind.COUNT),
        is_trend=True,
    ),
    Panel(
        "use",
        "Who stays",
        lambda figures: _filled(series.cohorts(figures)) if series.has_people(figures) else None,
        sentences.cohorts,
        drawing=lambda figures, table: markup.heat_table(table),
        note="Each row: the people first active in these weeks, and the share of them active so many weeks later. "
        "The first row has everybody who was there in the first four loaded weeks. Small cohorts are folded.",
    ),
    Panel(
        "use",
        "Terminals",
        _listed("terminal"),
        sentences.terminals,
        note="Shares of sessions, not of people. Remote is not known before August 2026.",
        is_folded=True,
    ),
    Panel(
        "acceptance",
        "Acceptance by tool",
        _listed("tool"),
        sentences.tools,
        note="Permission modes that accept edits count as accepted: a trend, not a measure of quality.",
        bars="acceptance_rate",
    ),
    Panel(
        "acceptance",
        "Acceptance by week",
        lambda figures: table if len((table := series.acceptance_weeks(figures)).columns) > 2 else None,
        sentences.acceptance,
        chart=lambda figures, table: charts.weekly_rates(table),
        note=f"Weeks with fewer than {series.FEWEST_DECISIONS} proposals of a tool are left out. "
        "The number is that of the last complete week.",
        marks=((-1, "no", "Hollow points are weeks that are not complete."),),
        is_trend=True,
    ),
    Panel(
        "cost",
        "Cost by model",
        lambda figures: _cost_table(figures, figures.money),
        sentences.cost_models,
        chart=_stacked_cost,
        note="Estimated by the API in US dollars: not an invoice.",
        marks=_PALE,
        key=_cost_legend,
        is_trend=True,
    ),
    Panel("cost", "Models", _listed("model"), sentences.models, note=sentences.PRICES_BLEND),
    Panel(
        "cost",
        "What changed most",
        lambda figures: _filled(movers_table(figures)),
        sentences.movers,
        note="At least 5% of the cost of their kind: of people, of keys, or of all for models.",
    ),
    Panel(
        "cost",
        "List value of subscriptions by model",
        lambda figures: _cost_table(figures, LIST_VALUE) if figures.money == API_COST else None,
        sentences.list_value_models,
        # jumps are those of the cost
        chart=lambda figures, table: charts.stacked_weeks(cost_parts(table), _shaded(figures), Kind.MONEY),
        note="What the use would cost at list prices. Nobody is billed for it: never add it to the cost.",
        marks=_PALE,
        key=_cost_legend,
        is_trend=True,
        is_folded=True,
    ),
    Panel("who", "People", _listed("person"), sentences.people, is_searched=True),
    Panel(
        "who",
        "Without activity",
        lambda figures: _filled(who_stopped(figures)),
        sentences.silent,
        note="They may sign in in a way that the API does not report.",
        is_searched=True,
    ),
    Panel(
        "who",
        "API keys",
        _listed("key"),
        sentences.keys,
        note="A key may be a robot or a person, and two keys may share a name.",
        is_searched=True,
    ),
    Panel(
        "who",
        "Teams",
        _listed("team"),
        sentences.teams,
        note="Work differs between teams: do not rank them by it.",
        is_searched=True,
    ),
    Panel(
        "quality",
        "Days",
        sentences.days_table,
        sentences.days,
        drawing=lambda figures, table: shapes.calendar(series.day_states(figures)),
        key=lambda figures, table: " ".join(f"<span>{shapes.key_of(kind)} {kind}</span>" for kind in DAY_KINDS),
    ),
)


def made(figures: Figures) -> list[tuple[Panel, Table]]:
    """Returns the panels that have something to show, with their tables."""
    tables = ((panel, panel.table(figures)) for panel in PANELS)
    return [(panel, table) for panel, table in tables if table is not None]
