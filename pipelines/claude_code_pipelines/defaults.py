"""Names, defaults and choices that the command line shows. No imports but the standard library: help must be quick."""

from __future__ import annotations

# Days that are committed together.
WINDOW_DAYS = 31
