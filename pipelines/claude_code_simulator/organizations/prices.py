"""Models of the sample organization. Dates and prices of 2025 follow the published ones, those of 2026 are made up."""

from __future__ import annotations

import datetime as dt
from typing import Final, NamedTuple


class Model(NamedTuple):
    """One model, with its first UTC day and its prices.

    The prices are cents per million tokens: input, output, cache read, cache creation.
    """

    id: str
    since: dt.date
    prices: tuple[int, int, int, int]

    def cents(self, tokens: list[int]) -> int:
        """Returns the price of these token counts in whole cents, rounded half up as in one model row."""
        millionths = sum(count * price for count, price in zip(tokens, self.prices, strict=True))
        return (millionths + 500_000) // 1_000_000


# Newest first in each family.
FAMILIES: Final = {
    "opus": (
        Model("claude-opus-5", dt.date(2026, 5, 18), (500, 2500, 50, 625)),
        Model("claude-opus-4-5-20251101", dt.date(2025, 11, 24), (500, 2500, 50, 625)),
        Model("claude-opus-4-1-20250805", dt.date(2025, 8, 5), (1500, 7500, 150, 1875)),
        Model("claude-opus-4-20250514", dt.date(2025, 5, 22), (1500, 7500, 150, 1875)),
        Model("claude-3-opus-20240229", dt.date(2024, 3, 4), (1500, 7500, 150, 1875)),
    ),
    "sonnet": (
        Model("claude-sonnet-5-2", dt.date(2026, 9, 8), (250, 1250, 25, 312)),
        Model("claude-sonnet-5", dt.date(2026, 3, 2), (300, 1500, 30, 375)),
        Model("claude-sonnet-4-5-20250929", dt.date(2025, 9, 29), (300, 1500, 30, 375)),
        Model("claude-sonnet-4-20250514", dt.date(2025, 5, 22), (300, 1500, 30, 375)),
        Model("claude-3-7-sonnet-20250219", dt.date(2025, 2, 24), (300, 1500, 30, 375)),
    ),
    "haiku": (
        Model("claude-haiku-4-5-20251001", dt.date(2025, 10, 15), (100, 500, 10, 125)),
        Model("claude-3-5-haiku-20241022", dt.date(2024, 11, 4), (80, 400, 8, 100)),
    ),
}


def newest_model(family: str, day: dt.date) -> Model:
    """Returns the newest model of `family` on `day`, or the oldest of all before its release."""
    models = FAMILIES[family]
    return next((model for model in models if model.since <= day), models[-1])
