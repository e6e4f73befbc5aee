"""Paging through a day: the opaque cursor, and the records that a paging session looks at.

A session sees the day as it was when its first page was asked for. The cursor names that moment and the
digest of what was seen then; the snapshots keep it for a while, so that a later page is a slice.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

PREFIX: Final = "page_"


@dataclass(frozen=True)
class Cursor:
    """Where the next page of a session starts.

    Attributes:
        day: UTC day that is paged through.
        boundary: When the first page was asked for (aware, UTC): the session's data boundary.
        position: How many records the pages before have taken.
        snapshot: Digest of all the day's records as of the boundary.
    """

    day: dt.date
    boundary: dt.datetime
    position: int
    snapshot: str


def encode(cursor: Cursor, organization_id: str) -> str:
    """Write a cursor as a token that only its organization takes back."""
    # Fields of fixed width, 86 bytes in all with the seal: base64 of that always ends in `=`, which catches
    # a client that does not percent-encode.
    text = "|".join(
        (
            cursor.day.isoformat(),
            cursor.boundary.astimezone(dt.timezone.utc).isoformat(timespec="microseconds"),
            f"{cursor.position:08d}",
            cursor.snapshot,
        )
    )
    return PREFIX + base64.b64encode(f"{text}|{_seal(text, organization_id)}".encode()).decode()


def decode(token: str, organization_id: str) -> Cursor:
    """Read a token back.

    Raises:
        ValueError: `encode` did not make this token for this organization.
    """
    sealed = base64.b64decode(token.removeprefix(PREFIX), validate=True)
    text, _, seal = sealed.decode().rpartition("|")
    # The token is compared too: base64 is lenient about stray bits before the padding.
    if seal != _seal(text, organization_id) or token != PREFIX + base64.b64encode(sealed).decode():
        message = "not a token of this organization"
        raise ValueError(message)
    day, boundary, position, snapshot = text.split("|")
    return Cursor(dt.date.fromisoformat(day), dt.datetime.fromisoformat(boundary), int(position), snapshot)


def digest(records: Sequence[bytes]) -> str:
    """Return 16 characters that stand for these records in this order."""
    return hashlib.sha256(b"\n".join(records)).hexdigest()[:16]


def _seal(text: str, organization_id: str) -> str:
    return hashlib.sha256(f"{organization_id}|{text}".encode()).hexdigest()[:16]


class Snapshots:
    """The records of the sessions that were used last, as JSON; safe for several threads.

    Args:
        capacity: How many are kept.
    """

    def __init__(self, capacity: int = 32) -> None:
        self._capacity = capacity
        self._records: OrderedDict[str, Sequence[bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, records: Sequence[bytes]) -> str:
        """Keep the records of a session and return their digest."""
        key = digest(records)
        with self._lock:
            self._records[key] = records
            self._records.move_to_end(key)
            if len(self._records) > self._capacity:
                self._records.popitem(last=False)
        return key

    def get(self, key: str) -> Sequence[bytes] | None:
        """Return the records with this digest, or None if they are no longer kept."""
        with self._lock:
            if key in self._records:
                self._records.move_to_end(key)
            return self._records.get(key)
