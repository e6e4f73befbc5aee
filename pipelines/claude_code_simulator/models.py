"""The models that the sample organization uses: their prices, and when each one came.

A table and the two readings of it. The dates and prices of 2025 follow the published ones; those of
2026 are made up. The simulator must be right about arithmetic, not about a price list.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Model:
    """One model.

    Attributes:
        id: As the API spells it.
        since: First UTC day on which anybody can use it.
        input: Price of uncached input, cents per million tokens. The same unit for the others.
        output: Price of output.
        cache_read: Price of reading the cache.
        cache_creation: Price of writing the cache.
    """

    id: str
    since: dt.date
    input: int
    output: int
    cache_read: int
    cache_creation: int

    def cents(self, input: int, output: int, cache_read: int, cache_creation: int) -> int:
        """Price these token counts in whole cents, rounded half up as one model row is."""
        millionths = (
            input * self.input
            + output * self.output
            + cache_read * self.cache_read
            + cache_creation * self.cache_creation
        )
        return (millionths + 500_000) // 1_000_000


# Newest first in each family. A model goes when the last slow adopter has moved on to the one above it.
FAMILIES: Final[dict[str, tuple[Model, ...]]] = {
    "opus": (
        Model("claude-opus-5", dt.date(2026, 5, 18), 500, 2500, 50, 625),
        Model("claude-opus-4-5-20251101", dt.date(2025, 11, 24), 500, 2500, 50, 625),
        Model("claude-opus-4-1-20250805", dt.date(2025, 8, 5), 1500, 7500, 150, 1875),
        Model("claude-opus-4-20250514", dt.date(2025, 5, 22), 1500, 7500, 150, 1875),
        Model("claude-3-opus-20240229", dt.date(2024, 3, 4), 1500, 7500, 150, 1875),
    ),
    "sonnet": (
        Model("claude-sonnet-5", dt.date(2026, 3, 2), 300, 1500, 30, 375),
        Model("claude-sonnet-4-5-20250929", dt.date(2025, 9, 29), 300, 1500, 30, 375),
        Model("claude-sonnet-4-20250514", dt.date(2025, 5, 22), 300, 1500, 30, 375),
        Model("claude-3-7-sonnet-20250219", dt.date(2025, 2, 24), 300, 1500, 30, 375),
    ),
    "haiku": (
        Model("claude-haiku-4-5-20251001", dt.date(2025, 10, 15), 100, 500, 10, 125),
        Model("claude-3-5-haiku-20241022", dt.date(2024, 11, 4), 80, 400, 8, 100),
    ),
}


def in_use(family: str, day: dt.date) -> Model:
    """Return the newest model of `family` that is out on `day`, or the oldest if none is."""
    models = FAMILIES[family]
    return next((model for model in models if model.since <= day), models[-1])
