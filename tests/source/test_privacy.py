"""Actors: kept, hashed or dropped before anything is written, with the mode in the ledger (decision D11)."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from claude_code_simulator import record
from support.days import CLOSED, MONDAY, TUESDAY, people
from support.world import World

KEY = "k" * 40
ADA = "Ada.Lovelace@example.test"


def hashed(text: str, key: str = KEY) -> str:
    """Returns the pseudonym of a text."""
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def everything_written(folder: Path) -> bytes:
    """Returns the bytes of all files, with what is compressed in Parquet as text."""
    found = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    tables = [pq.read_table(path) for path in folder.rglob("*.parquet")]
    assert tables
    return b"\n".join([*found, *(str(table.to_pydict()).encode() for table in tables)])


def test_where_names_are_dropped_none_is_written_anywhere(world: World, tmp_path: Path, caplog: Any) -> None:
    """`test_secrets.py` looks for names where they are hashed."""
    actor = {"type": "agent_actor", "owner": {"name": "Hedy Lamarr"}, "aliases": ["Hedy L."], "nick": "Hedy"}
    odd = record(MONDAY, actor=actor)
    world.write(MONDAY, record(MONDAY, email=ADA), odd, record(MONDAY, api_key="Lovelace's key"))
    world.write(TUESDAY, record(TUESDAY, email=ADA))
    world.run(**CLOSED, actor_identity="drop")
    written = everything_written(tmp_path).lower()
    for name in (b"lovelace", b"lamarr", b"hedy"):
        assert name not in written
    assert "lovelace" not in caplog.text.lower()
    assert set(world.column("actor__type")) == {"user_actor", "api_actor", "agent_actor"}
    assert set(world.column("actor__email_address")) == {None}


def test_a_switch_of_privacy_changes_the_label_and_not_the_content_hash(world: World, warnings_of: Any) -> None:
    world.write(MONDAY, *people(3), record(MONDAY, api_key="a key"))
    modes = [("keep", None), ("hash", KEY), ("hash", "another key"), ("drop", None)]
    for mode, key in modes:
        world.clock.move(minutes=1)
        world.run(start_date=MONDAY, end_date=MONDAY, actor_identity=mode, identity_key=key)
    labels = ["keep", f"hash:{hashed(KEY)[:8]}", f"hash:{hashed('another key', 'another key')[:8]}", "drop"]
    found = world.sql("SELECT actor_identity, content_hash FROM claude_code_days ORDER BY fetched_at")
    assert [label for label, _ in found] == labels
    assert len({content for _, content in found}) == 1
    assert world.column("actor__email_address") == [None] * 4
    assert [text for text in warnings_of() if "1 loaded days have actor_identity keep, this load writes hash:" in text]
    assert world.status().days("changed") == []


def test_days_that_are_not_read_again_keep_the_names_that_they_have(world: World, warnings_of: Any) -> None:
    world.write(MONDAY, *people(2))
    world.clock.move(days=30)
    world.run()
    world.run(actor_identity="drop")
    assert None not in world.column("actor__email_address")
    assert "backfill them to have all days alike" in warnings_of()[-1]
    world.run(**CLOSED, actor_identity="drop")
    assert world.column("actor__email_address") == [None, None]
