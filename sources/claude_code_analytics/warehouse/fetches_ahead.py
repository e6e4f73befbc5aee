"""Fetches that a wrong clock dated into the future: removed from the ledger before a run proves its days.

Readers have no clock: for them the newest fetch of a day counts. One from the future would hide all later ones.
"""

from __future__ import annotations

import datetime as dt
import logging

from .backend import Backend
from .schema import Table

logger = logging.getLogger("claude_code_analytics")


def remove_fetches_ahead(backend: Backend, ledger: Table, latest: dt.datetime) -> None:
    """Removes the ledger rows of fetches after `latest`, which no run with a right clock has written.

    Days that are left without a fetch are not held, so they are read again when they are due. The machine's time alone
    is no reason to remove anything.
    """
    fetched_at = backend.column("fetched_at")
    counted = f"SELECT COUNT(*), MAX({fetched_at}) FROM {backend.table(ledger.name)} WHERE {fetched_at} > %s"  # noqa: S608  # names
    ((fetches, newest),) = backend.query(counted, latest)
    if fetches:
        backend.delete_later(ledger.name, "fetched_at", latest)
        logger.warning(
            "the ledger had %d fetches from the future, up to %s, which a wrong clock wrote; they are removed, and "
            "their days are read again",
            fetches,
            newest,
        )
