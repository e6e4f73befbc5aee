"""Writes a dataset by the present version: `python tests/upgrades`, once for each release that changes the tables.

All later versions load into it, see `tests/destinations/test_upgrades.py`. Needs a Postgres server and its `pg_dump`.
"""

from __future__ import annotations

import datetime as dt
import json
import lzma
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

FOLDER = Path(__file__).resolve().parent
sys.path[0] = str(FOLDER.parent)  # the packages are those of the tests

from claude_code_analytics.constants import version  # noqa: E402
from destinations.scenario import write_days  # noqa: E402
from support.backends import Backend  # noqa: E402
from support.backends.duckdb_file import DuckDb  # noqa: E402
from support.backends.postgres_server import Postgres, PostgresServer, binaries  # noqa: E402
from support.world import TODAY, World  # noqa: E402

# The first days are settled when they are loaded, and the last ones may change. The days between are empty.
FIRST_DAY, SETTLED, RECENT = dt.date(2026, 9, 1), dt.date(2026, 9, 3), dt.date(2026, 9, 18)


def loaded(backend: Backend, folder: Path) -> World:
    """Loads the days into a backend."""
    world = World(folder, backend=backend, machine=backend.name)
    write_days(world, FIRST_DAY, SETTLED)
    write_days(world, RECENT, TODAY, sessions=20)
    world.load(start=FIRST_DAY)
    return world


def main() -> None:
    """Writes both files, and the days as the API returned them."""
    target = FOLDER / version()
    target.mkdir(exist_ok=True)
    with TemporaryDirectory() as name:
        folder = Path(name)
        os.environ |= {"DLT_DATA_DIR": name, "RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL"}
        world = loaded(DuckDb(folder / "claude_code_analytics.duckdb"), folder)
        write(target / "duckdb.xz", world.database.read_bytes())
        server = PostgresServer()
        try:
            loaded(Postgres(server), folder)
            address = server.address("postgres", "trusted")
            dump = [str(binaries() / "pg_dump"), "--inserts", "--no-owner", f"--dbname={address}"]
            write(target / "postgres.sql.xz", subprocess.run(dump, check=True, capture_output=True).stdout)
        finally:
            server.close()
    days = {day.isoformat(): records for day, records in world.organization.days.items()}
    write(target / "days.json.xz", json.dumps(days).encode())


def write(file: Path, content: bytes) -> None:
    file.write_bytes(lzma.compress(content))
    sys.stdout.write(f"{file.relative_to(FOLDER)}: {file.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
