"""Charts as Vega-Lite specifications, rendered to SVG. Colours are CSS variables, so that the page decides on them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from claude_code_analytics.foreign_text import printable

from ..metrics.series import FINAL, MISSING
from ..metrics.tables import Table, rounded
from .extra import extra

Spec = dict[str, Any]

# Widths of the two versions of each chart, in CSS pixels: text stays readable on a telephone.
WIDE, NARROW = 860, 340
_VERSION = "6.4"
_DATE = {"type": "utc"}
# Longer trends, in days, are marked by months.
_WEEKS_UNTIL = 70
_FEW = 3
# Characters of a text in a chart.
_LONGEST = 60


def render(spec: Spec) -> str:
    """Renders a specification to SVG.

    Raises:
        ConfigurationError: The extra `report` is not installed.
    """
    svg: str = extra("vl_convert").vegalite_to_svg(_drawable({**spec, "config": _config()}), vl_version=_VERSION)
    return svg


def _drawable(value: Any, longest: int | None = None) -> Any:
    """Returns a specification without unprintable characters, which end the renderer's process; data is shortened."""
    if isinstance(value, dict):
        return {
            _drawable(key, longest): _drawable(inner, _LONGEST if key in ("values", "title") else longest)
            for key, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_drawable(inner, longest) for inner in value]
    if not isinstance(value, str):
        return value
    text = printable(value)
    return text if longest is None or len(text) <= longest else f"{text[: longest - 1]}…"


def active_days(table: Table, period: tuple[Any, Any], width: int) -> Spec:
    """Bars for each day, lines for the 7 and 28 days that end with it."""
    values = [
        {"day": str(day), "one": one, "seven": seven, "all": all_, "complete": complete == "yes", "state": state}
        for day, one, seven, all_, complete, state in table.rows
    ]
    x = _time("day", table, width)
    layers = [
        _shade(period),
        *_day_marks(x),
        _trend(x, "seven", 1.5),
        _trend(x, "all", 1.25, dashed=True),
        _trend(x, "all", 2.5),
        _trend_labels(table),
    ]
    return _sized({"data": {"values": values}, "layer": layers}, width, 240, right=60)


def _shade(period: tuple[Any, Any]) -> Spec:
    return {
        "data": {"values": [{"first": str(period[0]), "last": str(period[1])}]},
        "mark": {"type": "rect", "fill": "var(--period)"},
        "encoding": {
            "x": {"field": "first", "type": "temporal", "scale": _DATE},
            "x2": {"field": "last"},
        },
    }


def _day_marks(x: Spec) -> Iterator[Spec]:
    """Yields the bars of final days, those of other loaded days, and the crosses of missing ones."""
    bar = {"type": "bar", "width": {"band": 0.7}, "fill": "var(--context)"}
    outlined = {**bar, "fill": "var(--paper)", "stroke": "var(--context)", "strokeDash": [2, 2]}
    cross = {
        "type": "point",
        "shape": "cross",
        "angle": 45,
        "fill": "var(--warn)",
        "stroke": None,
        "size": 40,
        "opacity": 1,
    }
    bars = {"x": _day(x), "y": _count("one")}
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
            "stroke": "var(--accent)",
            "strokeWidth": size,
            "strokeDash": [2, 3] if dashed else [],
        },
        "encoding": {"x": x, "y": {"field": shown, "type": "quantitative"}},
    }


def _trend_labels(table: Table) -> Spec:
    last = next((row for row in reversed(table.rows) if row[3] is not None), table.rows[-1])
    labels = (("28 days", last[3]), ("7 days", last[2]), ("1 day", last[1]))
    ends = [(text, float(value)) for text, value in labels if value is not None]
    top = max((value for row in table.rows for value in row[1:4] if value is not None), default=1) or 1
    return _end_labels(ends, str(last[0]), top * 18 / 240)


@dataclass(frozen=True)
class Rows:
    """Form of rows of weeks: bars or a line, and their scale."""

    format: str = "d"
    is_line: bool = False
    shared: bool = True
    from_zero: bool = True


COUNTS, DOLLARS = Rows(shared=False), Rows("$,.0f")
SHARES = Rows(".0%", is_line=True, from_zero=False)


def weekly_rows(table: Table, columns: Sequence[int], titles: Sequence[str], width: int, rows: Rows) -> Spec:
    """Returns one row of weeks for each column, under each other. Incomplete weeks are outlined.

    Args:
        table: Weeks in its first column, `yes` or `no` (complete) in its last.
        columns: Places of the columns.
        titles: Text above each row.
        width: `WIDE` or `NARROW`.
        rows: How they are drawn.
    """
    values = [
        {
            "week": str(row[0]),
            "value": None if row[place] is None else float(row[place]),
            "row": number,
            "complete": row[-1],
        }
        for number, place in enumerate(columns)
        for row in table.rows
    ]
    bar_width = _bar_width(width, len(table.rows))
    x = _time("week", table, width, padding=bar_width / 2 + 4)
    y = {
        "field": "value",
        "type": "quantitative",
        "title": None,
        "scale": {"zero": rows.from_zero},
        "axis": _value_axis(rows.format, 2),
    }
    layers = _week_line(y) if rows.is_line else _week_bars(bar_width)
    charts = []
    for number, title in enumerate(titles):
        axis = x["axis"] if number == len(titles) - 1 else None
        encoding = {"x": {**x, "axis": axis}, "y": _ticked(y, _highest(values, number))}
        charts.append(_week_row(number, title, width, {"encoding": encoding, "layer": layers}))
    resolve = {"scale": {"x": "shared", "y": "shared" if rows.shared else "independent"}}
    return {"data": {"values": values}, "vconcat": charts, "spacing": 16, "resolve": resolve}


def _week_row(number: int, title: str, width: int, drawing: Spec) -> Spec:
    return {
        "title": {"text": title, "anchor": "start", "frame": "group", "offset": 6, "limit": width - 60},
        "height": 64,
        "width": width - 60,
        "transform": [{"filter": f"datum.row == {number}"}],
        **drawing,
    }


def _highest(values: Sequence[Spec], row: int) -> float:
    return max((value["value"] or 0 for value in values if value["row"] == row), default=0)


def _week_bars(width: float) -> list[Spec]:
    hollow = {"fill": "var(--paper)", "stroke": "var(--accent)", "opacity": 1}
    return [
        {"transform": [_complete("yes")], "mark": {"type": "bar", "width": width, "fill": "var(--accent)"}},
        {"transform": [_complete("no")], "mark": {"type": "bar", "width": width, **hollow, "strokeDash": [2, 2]}},
    ]


def _week_line(y: Spec) -> list[Spec]:
    line = {"type": "line", "stroke": "var(--accent)", "strokeWidth": 2}
    whole = {"calculate": "datum.complete == 'yes' ? datum.value : null", "as": "whole"}
    return [
        {"transform": [whole], "mark": line, "encoding": {"y": {**y, "field": "whole"}}},
        {"transform": [whole], "mark": _point("var(--accent)"), "encoding": {"y": {**y, "field": "whole"}}},
        {"transform": [_complete("no")], "mark": _point("var(--paper)")},
    ]


def _ticked(y: Spec, top: float) -> Spec:
    """Returns an axis of counts with whole numbers: Vega sets ticks at halves where the highest count is 1 or 2."""
    if y["axis"]["format"] != "d" or top > _FEW:
        return y
    return {**y, "axis": {**y["axis"], "values": list(range(int(top) + 1))}}


def _complete(word: str) -> Spec:
    return {"filter": f"datum.complete == '{word}'"}


def _point(fill: str) -> Spec:
    return {"type": "point", "fill": fill, "stroke": "var(--accent)", "size": 22, "opacity": 1}


def tool_rates(table: Table, width: int) -> Spec:
    """Returns a bar for the acceptance of each tool, and its name, rate and decisions above it."""
    values = [
        {
            "row": number,
            "rate": rate,
            "text": f"{_drawable(name, _LONGEST // 2)}  {rounded(rate, table.columns[3].kind)} of "
            f"{(accepted or 0) + (rejected or 0):,} edits",
        }
        for number, (name, accepted, rejected, rate, _) in enumerate(table.rows)
        if rate is not None
    ]
    y = {
        "field": "row",
        "type": "ordinal",
        "axis": None,
        "sort": None,
        "scale": {"paddingInner": 0.75, "paddingOuter": 0.4},
    }
    bar = {"type": "bar", "height": {"band": 1}}
    return _sized(
        {
            "data": {"values": values},
            "encoding": {"y": y},
            "layer": [
                {
                    "mark": {**bar, "fill": "var(--line)"},
                    "encoding": {"x": {"datum": 0, "type": "quantitative"}, "x2": {"datum": 1}},
                },
                {
                    "mark": {**bar, "fill": "var(--accent)"},
                    "encoding": {
                        "x": {
                            "field": "rate",
                            "type": "quantitative",
                            "scale": {"domain": [0, 1]},
                            "axis": _value_axis(".0%", 4) | {"grid": False},
                            "title": None,
                        }
                    },
                },
                {
                    "mark": {"type": "text", "align": "left", "dy": -14, "fontSize": 13, "limit": width - 80},
                    "encoding": {"x": {"datum": 0}, "text": {"field": "text"}},
                },
            ],
        },
        width,
        46 * max(len(values), 1),
    )


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
    return {
        "data": {"values": values},
        "mark": {"type": "text", "align": "left", "dx": 8, "fontSize": 13, "limit": 140, "clip": False},
        "encoding": {
            "x": {"field": "x", "type": "temporal", "scale": _DATE},
            "y": {"field": "y", "type": "quantitative"},
            "text": {"field": "text"},
        },
    }


def _sized(spec: Spec, width: int, height: int, right: int = 0) -> Spec:
    padding = {"left": 4, "right": 4 + right, "top": 6, "bottom": 4}
    size = {"type": "fit", "contains": "padding"}
    return {**spec, "width": width, "height": height, "padding": padding, "autosize": size}


def _day(x: Spec) -> Spec:
    return {**x, "timeUnit": "utcyearmonthdate", "bandPosition": 0}


def _count(field: str) -> Spec:
    return {"field": field, "type": "quantitative", "title": None, "axis": _value_axis("d", 4)}


def _bar_width(width: int, weeks: int) -> float:
    return round(min(24.0, 0.7 * (width - 60) / max(weeks, 1)), 1)


def _time(field: str, table: Table, width: int, **scale: float) -> Spec:
    axis = _time_axis([row[0] for row in table.rows], width)
    return {"field": field, "type": "temporal", "scale": {**_DATE, **scale}, "axis": axis, "title": None}


def _time_axis(days: Sequence[dt.date], width: int) -> Spec:
    """Returns an axis with the months of the days, or with weeks where the days are few."""
    span = (max(days) - min(days)).days
    marked = [min(days) + dt.timedelta(days=number) for number in range(span + 1)]
    marked = [day for day in marked if (day.day == 1 if span > _WEEKS_UNTIL else day.weekday() == 0)] or [min(days)]
    step = 1 if width == WIDE else math.ceil(len(marked) / 4)
    return {
        "values": [day.isoformat() for day in marked[::step]],
        "format": "%b" if span > _WEEKS_UNTIL else "%-d %b",
        "grid": False,
        "labelOverlap": True,
    }


def _value_axis(format_: str, ticks: int) -> Spec:
    return {
        "format": format_,
        "tickCount": ticks,
        "domain": False,
        "ticks": False,
        "tickMinStep": 1 if format_ == "d" else 0,
    }


def _config() -> Spec:
    text = {"labelColor": "var(--muted)", "labelFontSize": 13, "titleColor": "var(--muted)"}
    return {
        "aria": False,  # a label for each point is noise: the figure has one, and its numbers stand in the table
        "background": None,
        "font": "system-ui, sans-serif",
        "view": {"stroke": None},
        "axis": {**text, "gridColor": "var(--line)", "domainColor": "var(--line)", "tickColor": "var(--line)"},
        "text": {"fill": "var(--ink)"},
        "title": {"color": "var(--ink)", "fontSize": 13, "fontWeight": 600},
    }
