"""Rendering of Vega-Lite specifications to SVG, and the axes, texts and colours that all charts share."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any

from claude_code_analytics.foreign_text import printable

from ..extras import extra
from ..metrics.tables import Kind, Table
from .colours import colour

Spec = dict[str, Any]

# Size of a chart and of its text in CSS pixels. The text is large, so that it is readable in a chart that a telephone
# shrinks; where there is room, the style makes it smaller.
WIDTH, HEIGHT, _TEXT = 600, 240, 18
# Height of a line of text.
LINE = 22
DATE = {"type": "utc"}
# Characters of a text in a chart.
LONGEST = 60
_FORMATS = {Kind.COUNT: "d", Kind.MONEY: "$,.0f", Kind.SHARE: ".0%"}
# Vega sets four ticks, at halves where the highest value is lower.
_FEW = 4
_VERSION = "6.4"
# Longer trends, in days, are marked by months.
_WEEKS_UNTIL = 70


def render(spec: Spec) -> str:
    """Renders a specification to SVG.

    Raises:
        ConfigurationError: The extra `report` is not installed.
    """
    svg: str = extra("vl_convert").vegalite_to_svg(drawable({**spec, "config": _config()}), vl_version=_VERSION)
    return svg.replace("<text ", '<text paint-order="stroke" ')  # an outline behind its letters, not over them


def drawable(value: Any, longest: int | None = None) -> Any:
    """Returns a specification without unprintable characters, which end the renderer's process; data is shortened."""
    if isinstance(value, dict):
        return {
            drawable(key, longest): drawable(inner, LONGEST if key in ("values", "title") else longest)
            for key, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [drawable(inner, longest) for inner in value]
    if not isinstance(value, str):
        return value
    text = printable(value)
    return text if longest is None or len(text) <= longest else f"{text[: longest - 1]}…"


def sized(spec: Spec) -> Spec:
    padding = {"left": 4, "right": 14, "top": 6, "bottom": 4}
    size = {"type": "fit", "contains": "padding"}
    return {**spec, "width": WIDTH, "height": HEIGHT, "padding": padding, "autosize": size}


def texts(values: Sequence[Spec], **mark: Any) -> Spec:
    """Returns texts at days and heights."""
    return {
        "data": {"values": values},
        "mark": {"type": "text", "fontSize": _TEXT, "limit": 200, "clip": False, **mark},
        "encoding": {
            "x": {"field": "x", "type": "temporal", "scale": DATE},
            "y": {"field": "y", "type": "quantitative"},
            "text": {"field": "text"},
        },
    }


def by_time(field: str, table: Table, **scale: float) -> Spec:
    axis = _time_axis([row[0] for row in table.rows])
    return {"field": field, "type": "temporal", "scale": {**DATE, **scale}, "axis": axis, "title": None}


def _time_axis(days: Sequence[dt.date]) -> Spec:
    """Returns an axis with the months of the days, or with weeks where the days are few."""
    span = (max(days) - min(days)).days
    marked = [min(days) + dt.timedelta(days=number) for number in range(span + 1)]
    marked = [day for day in marked if (day.day == 1 if span > _WEEKS_UNTIL else day.weekday() == 0)] or [min(days)]
    return {
        "values": [day.isoformat() for day in marked],
        "format": "%b" if span > _WEEKS_UNTIL else "%-d %b",
        "grid": False,
        "labelOverlap": True,
    }


def value_axis(kind: Kind, ticks: int, top: float = math.inf) -> Spec:
    """Returns an axis of values up to `top`: of few, counts have whole numbers and dollars have cents."""
    format_ = "$,.2f" if kind is Kind.MONEY and top < _FEW else _FORMATS[kind]
    axis = {"format": format_, "tickCount": ticks, "domain": False, "ticks": False}
    return {**axis, "values": [*range(int(top) + 1)]} if kind is Kind.COUNT and top < _FEW else axis


def _config() -> Spec:
    text = {"labelColor": colour("muted"), "labelFontSize": _TEXT, "titleColor": colour("muted")}
    return {
        "aria": False,  # a label for each point is noise: the figure has one, and its numbers stand in the table
        "background": None,
        "font": "system-ui, sans-serif",
        "view": {"stroke": None},
        "axis": {**text, "gridColor": colour("line"), "domainColor": colour("line"), "tickColor": colour("line")},
        "text": {"fill": colour("ink")},
        "title": {"color": colour("ink"), "fontSize": _TEXT, "fontWeight": 600},
    }
