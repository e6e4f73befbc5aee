"""Charts as Vega-Lite specifications. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

from ..metrics.periods import WEEK
from ..metrics.series import FINAL, MISSING
from ..metrics.tables import Kind, Table, rounded
from .colours import colour, part_colours
from .drawing import DATE, HEIGHT, LINE, LONGEST, WIDTH, Spec, by_time, drawable, sized, texts, value_axis

# A week is drawn around its middle.
_MIDDLE = WEEK / 2


def active_days(table: Table, period: tuple[Any, Any]) -> Spec:
    """Bars for each day, lines for the 7 and 28 days that end with it."""
    values = [
        {"day": str(day), "one": one, "seven": seven, "all": all_, "complete": complete == "yes", "state": state}
        for day, one, seven, all_, complete, state in table.rows
    ]
    x = by_time("day", table)
    top = max((value for row in table.rows for value in row[1:4] if value is not None), default=1) or 1
    layers = [
        _shade(period),
        *_day_marks(x, top),
        _trend(x, "seven", 1.5),
        _trend(x, "all", 1.25, dashed=True),
        _trend(x, "all", 2.5),
        _trend_labels(table, top),
    ]
    return sized({"data": {"values": values}, "layer": layers})


def _shade(period: tuple[Any, Any]) -> Spec:
    return {
        "data": {"values": [{"first": str(period[0]), "last": str(period[1])}]},
        "mark": {"type": "rect", "fill": colour("period")},
        "encoding": {
            "x": {"field": "first", "type": "temporal", "scale": DATE},
            "x2": {"field": "last"},
        },
    }


def _day_marks(x: Spec, top: float) -> Iterator[Spec]:
    """Yields the bars of final days, those of other loaded days, and the crosses of missing ones."""
    bar = {"type": "bar", "width": {"band": 0.7}, "binSpacing": 0, "fill": colour("context")}
    outlined = {**bar, "fill": colour("paper"), "stroke": colour("context"), "strokeDash": [2, 2]}
    cross = {
        "type": "point",
        "shape": "cross",
        "angle": 45,
        "fill": colour("warn"),
        "stroke": None,
        "size": 40,
        "opacity": 1,
    }
    y = {"field": "one", "type": "quantitative", "title": None, "axis": value_axis(Kind.COUNT, 4, top)}
    bars = {"x": _day(x), "y": y}
    yield _where(f"datum.state == '{FINAL}'", bar, bars)
    yield _where(f"datum.state != '{FINAL}' && datum.state != '{MISSING}'", outlined, bars)
    yield _where(f"datum.state == '{MISSING}'", cross, {"x": x, "y": {"datum": 0}})


def _where(condition: str, mark: Spec, encoding: Spec) -> Spec:
    return {"transform": [{"filter": condition}], "mark": mark, "encoding": encoding}


def _trend(x: Spec, field: str, size: float, *, dashed: bool = False) -> Spec:
    """Returns a line over the complete days, or a dashed one over all."""
    shown = field if dashed else f"{field}_complete"
    return {
        "transform": [] if dashed else [{"calculate": f"datum.complete ? datum.{field} : null", "as": shown}],
        "mark": {
            "type": "line",
            "stroke": colour("accent"),
            "strokeWidth": size,
            "strokeDash": [2, 3] if dashed else [],
        },
        "encoding": {"x": x, "y": {"field": shown, "type": "quantitative"}},
    }


def _trend_labels(table: Table, top: float) -> Spec:
    last = next((row for row in reversed(table.rows) if row[3] is not None), table.rows[-1])
    labels = (("28 days", last[3]), ("7 days", last[2]), ("1 day", last[1]))
    ends = [(text, float(value)) for text, value in labels if value is not None]
    return _end_labels(ends, str(last[0]), top * LINE / HEIGHT)


def stacked_weeks(table: Table, period: tuple[Any, Any], kind: Kind, jumps: Sequence[dt.date] = ()) -> Spec:
    """Returns one bar for each week, with a part for each column; parts below zero hang from the axis.

    Args:
        table: Weeks in its first column, parts from the bottom to the top, `yes` or `no` (complete) in its last.
        period: First and last day of what is shaded.
        kind: Unit of the parts.
        jumps: Weeks to mark.
    """
    values = [
        {"week": _middle(row[0]), "value": float(value), "part": part, "complete": row[-1]}
        for row in table.rows
        for part, value in enumerate(row[1:-1])
        if value
    ]
    x = by_time("week", table, padding=_week_width(table) / 2 + 4)
    top = max(_heights(table).values(), default=0)
    scale = {"domainMax": 1.15 * top or 1}  # room for the numbers
    y = {
        "field": "value",
        "type": "quantitative",
        "title": None,
        "scale": scale,
        "axis": value_axis(kind, 4, top),
    }
    colours = part_colours(len(table.columns) - 2)
    fill = {
        "field": "part",
        "type": "ordinal",
        "scale": {"domain": [*range(len(colours))], "range": colours},
        "legend": None,
    }
    opacity = {"condition": {"test": "datum.complete == 'yes'", "value": 1}, "value": 0.45}
    bars = {
        "mark": {"type": "bar", "width": _week_width(table), "stroke": colour("paper"), "strokeWidth": 0.75},
        "encoding": {"x": x, "y": y, "fill": fill, "order": {"field": "part"}, "opacity": opacity},
    }
    layers = [_shade(period), bars, _marked(table, jumps, kind)]
    return sized({"data": {"values": values}, "layer": layers})


def _heights(table: Table) -> dict[dt.date, float]:
    return {row[0]: float(sum(value for value in row[1:-1] if value and value > 0)) for row in table.rows}


def _marked(table: Table, jumps: Sequence[dt.date], kind: Kind) -> Spec:
    """Returns the height of the last complete week above its bar, and of the weeks that jumped."""
    heights = _heights(table)
    last = [row[0] for row in table.rows if row[-1] == "yes"][-1:]
    marks = {week: rounded(heights[week], kind) for week in last}
    marks |= {week: f"jump: {rounded(heights[week], kind)}" for week in jumps if week in heights}
    values = [{"x": _middle(week), "y": heights[week], "text": text} for week, text in marks.items()]
    return texts(values, align="center", dy=-8, fontWeight=600, stroke=colour("paper"), strokeWidth=3)


def _middle(week: dt.date) -> str:
    return (dt.datetime.combine(week, dt.time()) + _MIDDLE).isoformat()


def weekly_rates(table: Table) -> Spec:
    """Returns one row of weeks for each column of rates, under each other, with the last complete one as text.

    Args:
        table: Weeks in its first column, `yes` or `no` (complete) in its last.
    """
    places = range(1, len(table.columns) - 1)
    values = [
        {"week": str(row[0]), "value": row[place], "row": place, "complete": row[-1]}
        for place in places
        for row in table.rows
    ]
    x = by_time("week", table, padding=8)
    y = {
        "field": "value",
        "type": "quantitative",
        "title": None,
        "scale": {"zero": False},
        "axis": value_axis(Kind.SHARE, 2),
    }
    charts = [
        {
            "title": {"text": _row_title(table, place), "anchor": "start", "frame": "group", "offset": 8},
            "height": 64,
            "width": WIDTH - 70,
            "transform": [{"filter": f"datum.row == {place}"}],
            "encoding": {"x": {**x, "axis": x["axis"] if place == places[-1] else None}, "y": y},
            "layer": _week_line(y),
        }
        for place in places
    ]
    resolve = {"scale": {"x": "shared", "y": "shared"}}
    return {"data": {"values": values}, "vconcat": charts, "spacing": 16, "resolve": resolve}


def _row_title(table: Table, place: int) -> str:
    name = drawable(table.columns[place].title, LONGEST // 2)
    rates = [row[place] for row in table.rows if row[-1] == "yes" and row[place] is not None]
    return f"{name}   {rounded(rates[-1], Kind.SHARE)}" if rates else str(name)


def _week_line(y: Spec) -> list[Spec]:
    line = {"type": "line", "stroke": colour("accent"), "strokeWidth": 2}
    whole = {"calculate": "datum.complete == 'yes' ? datum.value : null", "as": "whole"}
    return [
        {"transform": [whole], "mark": line, "encoding": {"y": {**y, "field": "whole"}}},
        {"transform": [whole], "mark": _point(colour("accent")), "encoding": {"y": {**y, "field": "whole"}}},
        {"transform": [_complete("no")], "mark": _point(colour("paper"))},
    ]


def _complete(word: str) -> Spec:
    return {"filter": f"datum.complete == '{word}'"}


def _point(fill: str) -> Spec:
    return {"type": "point", "fill": fill, "stroke": colour("accent"), "size": 22, "opacity": 1}


def _day(x: Spec) -> Spec:
    return {**x, "timeUnit": "utcyearmonthdate", "bandPosition": 0}


def _week_width(table: Table) -> float:
    return round(min(48.0, 0.8 * (WIDTH - 80) / max(len(table.rows), 1)), 1)


def _end_labels(ends: Sequence[tuple[str, float]], x: str, gap: float) -> Spec:
    """Returns names at the ends of lines, pushed apart where they would overlap.

    Args:
        ends: Each name, and the last value of its line.
        x: The last day.
        gap: Height of a line of text, in units of the values.
    """
    values: list[Spec] = []
    for text, value in sorted(ends, key=lambda end: -end[1]):
        y = min(value, values[-1]["y"] - gap) if values else value
        values.append({"x": x, "y": y, "text": text})
    return texts(values, align="left", dx=8)
