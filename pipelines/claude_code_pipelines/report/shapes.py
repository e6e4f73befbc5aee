"""Small drawings as SVG: bars of shares, the calendar of days, and the marks of legends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from ..metrics.periods import monday
from .colours import colour, part_colours

# Side of a day in the calendar and its gap, in CSS pixels.
_DAY, _STEP = 10, 12
_SQUARE = f'width="{_DAY}" height="{_DAY}" rx="2"'
_HELD = f'<rect {_SQUARE} fill="{colour("accent")}"/>'
# Marks of days beside their colour: a shape for each kind, drawn in a box of 10 x 10.
_MARKS = {
    "held": _HELD,
    "changed": f'{_HELD}<circle cx="5" cy="5" r="2" fill="{colour("paper")}"/>',
    "partial": '<rect x=".75" y=".75" width="8.5" height="8.5" rx="2" fill="none" stroke-width="1.5" '
    f'stroke-dasharray="2 1.5" stroke="{colour("accent")}"/>',
    "inconsistent": f'<rect {_SQUARE} fill="{colour("warn")}"/>'
    f'<path d="M2.5 2.5l5 5m0-5l-5 5" stroke-width="1.5" stroke="{colour("paper")}"/>',
    "missing": f'<path d="M2 2l6 6m0-6l-6 6" stroke-width="1.75" stroke="{colour("warn")}"/>',
}


def bar_of(share: float | None) -> str:
    """Returns a share as a bar."""
    width = 0 if share is None else min(max(share, 0), 1) * 120
    parts = "".join(
        f'<rect width="{size:.4g}" height="8" fill="{colour(name)}"/>'
        for size, name in ((120, "line"), (width, "accent"))
    )
    return f'<svg class="bar" width="120" height="8" aria-hidden="true">{parts}</svg> '


def calendar(states: Mapping[dt.date, str]) -> str:
    """Returns a calendar of days, one column for each week."""
    first = monday(min(states))
    weeks = (max(states) - first).days // 7 + 1
    marks, months = [], []
    for day, kind in sorted(states.items()):
        x, y = 28 + (day - first).days // 7 * _STEP, 18 + day.weekday() * _STEP
        marks.append(f'<g transform="translate({x},{y})"><title>{day}: {kind}</title>{_MARKS[kind]}</g>')
        if day.day == 1:
            months.append(f'<text x="{x}" y="10">{day:%b}</text>')
    names = "".join(
        f'<text x="0" y="{27 + row * _STEP}">{name}</text>' for row, name in ((0, "Mo"), (3, "Th"), (6, "Su"))
    )
    width, height = 40 + weeks * _STEP, 18 + 7 * _STEP  # with room for the name of a month above the last week
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="State of each day"><g font-family="sans-serif" font-size="10" fill="{colour("muted")}">'
        f"{''.join(months)}{names}</g>{''.join(marks)}</svg>"
    )


def key_of(kind: str) -> str:
    """Returns the mark of a kind of day for a legend."""
    return _key(_MARKS[kind])


def swatches(count: int) -> list[str]:
    """Returns the colours of the parts of a chart for a legend."""
    return [_key(f'<rect {_SQUARE} fill="{each}"/>') for each in part_colours(count)]


def _key(mark: str) -> str:
    return f'<svg class="key" viewBox="0 0 10 10" width="12" height="12" aria-hidden="true">{mark}</svg>'
