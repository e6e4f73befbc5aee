"""Rendering of Vega-Lite specifications to SVG, and the axes, texts and colours that all charts share."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any

from claude_code_analytics.foreign_text import printable

from ..metrics.tables import Kind, Table
from .extra import extra

Spec = dict[str, Any]

# Widths of the two versions of each chart, in CSS pixels: text stays readable on a telephone.
WIDE, NARROW = 960, 340
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
    return svg


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


def sized(spec: Spec, width: int, height: int, right: int = 0) -> Spec:
    padding = {"left": 4, "right": 4 + right, "top": 6, "bottom": 4}
    size = {"type": "fit", "contains": "padding"}
    return {**spec, "width": width, "height": height, "padding": padding, "autosize": size}


def texts(values: Sequence[Spec], **mark: Any) -> Spec:
    """Returns texts at days and heights."""
    return {
        "data": {"values": values},
        "mark": {"type": "text", "fontSize": 13, "limit": 140, "clip": False, **mark},
        "encoding": {
            "x": {"field": "x", "type": "temporal", "scale": DATE},
            "y": {"field": "y", "type": "quantitative"},
            "text": {"field": "text"},
        },
    }


def by_time(field: str, table: Table, width: int, **scale: float) -> Spec:
    axis = _time_axis([row[0] for row in table.rows], width)
    return {"field": field, "type": "temporal", "scale": {**DATE, **scale}, "axis": axis, "title": None}


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


def value_axis(kind: Kind, ticks: int, top: float = math.inf) -> Spec:
    """Returns an axis of values up to `top`: of few, counts have whole numbers and dollars have cents."""
    format_ = "$,.2f" if kind is Kind.MONEY and top < _FEW else _FORMATS[kind]
    axis = {"format": format_, "tickCount": ticks, "domain": False, "ticks": False}
    return {**axis, "values": [*range(int(top) + 1)]} if kind is Kind.COUNT and top < _FEW else axis


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
