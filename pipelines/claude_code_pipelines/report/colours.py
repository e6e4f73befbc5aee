"""Colours of the page. Drawings have the light ones as attributes, so that they need no style."""

from __future__ import annotations

from collections.abc import Iterator

# By name, a colour in the light and in the dark. Each has one meaning: accent for what a chart shows, context for what
# lies behind it, warn for bad data.
_PALETTE = {
    "paper": ("#fcfbf9", "#17171a"),
    "ink": ("#1f1e1c", "#edebe6"),
    "muted": ("#63605a", "#a5a29a"),
    "line": ("#e3e0da", "#34333a"),
    "period": ("#f1eee7", "#222226"),
    "accent": ("#2f55c0", "#8fadff"),
    "context": ("#8a8880", "#77757f"),
    "warn": ("#b0480b", "#f0a060"),
    "sky": ("#8fb0ee", "#4763b5"),
    "teal": ("#1f7a70", "#6fd0c2"),
    "gold": ("#d2ab45", "#b8923a"),
    "violet": ("#8d5aa5", "#c39ad6"),
}
# Of the parts of a stack, from its bottom.
_PARTS = ("accent", "sky", "teal", "gold", "violet", "context", "line")
# Steps of the shades between paper and accent.
_STEPS = 10
# Attributes that have colours, and their properties.
_PROPERTIES = {"fill": "fill", "stroke": "stroke", "bgcolor": "background"}


def colour(name: str) -> str:
    return _PALETTE[name][0]


def part_colours(count: int) -> list[str]:
    return [colour(name) for name in _PARTS[:count]]


def shade(share: float) -> str:
    """Returns the colour of a share between none and all."""
    return _shade(round(_STEPS * share), 0)


def _shade(step: int, mode: int) -> str:
    weight = (2 + 4 * step) / 100  # pale, so that numbers are readable on it
    pairs = zip(*(bytes.fromhex(_PALETTE[name][mode][1:]) for name in ("accent", "paper")), strict=True)
    return f"#{bytes(round(weight * accent + (1 - weight) * paper) for accent, paper in pairs).hex()}"


def colour_style() -> str:
    """Returns the colours as variables, and the dark ones in place of the attributes. Paper is always light."""
    light, dark = ("".join(f"--{name}: {pair[mode]}; " for name, pair in _PALETTE.items()) for mode in (0, 1))
    rules = "\n".join(_dark_rules())
    return f":root {{ {light}}}\n@media screen and (prefers-color-scheme: dark) {{\n:root {{ {dark}}}\n{rules}\n}}\n"


def _dark_rules() -> Iterator[str]:
    shades = ((_shade(step, 0), _shade(step, 1)) for step in range(_STEPS + 1))
    for light, dark in (*_PALETTE.values(), *shades):
        for attribute, name in _PROPERTIES.items():
            yield f'[{attribute}="{light}"] {{ {name}: {dark} }}'
