"""What a person can do about what a warehouse says, known by the words that the drivers use."""

from __future__ import annotations

import re

_AGAIN = "then run the same command again"
_KNOWN = (
    (
        r"password authentication|authentication failed|no password supplied|incorrect username or password|"
        r"could not .*authenticate|invalid_grant|JWT token is invalid|role \S+ does not exist",
        "check user, password or key in dlt's configuration",
    ),
    (
        # BigQuery tells a dataset of another place in the same breath as one that the account may not see
        r"not found in location|in location \S+",
        "set `location` in [destination.bigquery] to the place of the dataset, or choose another --dataset",
    ),
    (
        r"permission denied|access denied|insufficient privileges|not authorized|must be owner|read-only",
        f"have the loader's user given that right (docs/destinations.md), {_AGAIN}",
    ),
    (
        r"out of memory|could not allocate",
        "give the destination more memory (DuckDB: memory_limit), or load fewer days at once with --window-days",
    ),
    (
        r"\[Errno 17\] File exists",
        "that folder was not made by a load: choose another --dataset, or move it away",
    ),
    (r"database \S+ does not exist", "create it, or name another in dlt's configuration"),
    (
        r"no space left|disk full|disk is full|could not extend file|out of disk|quota",
        f"make room there, {_AGAIN}",
    ),
    (
        r"connection refused|connection .*closed|server closed|terminating connection|starting up|shutting down|"
        r"could not translate host|name or service not known|timed out|timeout expired|no route to host|"
        r"network is unreachable|recovery mode",
        f"see that the warehouse runs and can be reached, {_AGAIN}",
    ),
)
"""What to look for, in any case of letters, and what to do; the first that fits."""


def advice(said: str) -> str | None:
    """What to do about it; None where nothing is known that helps.

    Args:
        said: What the driver said.
    """
    return next((help_ for pattern, help_ in _KNOWN if re.search(pattern, said, re.IGNORECASE)), None)
