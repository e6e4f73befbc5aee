"""A Postgres server of the tests' own, on loopback, in a folder that goes with it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

# Seconds that the server may take to come up, to answer a statement, or to end.
PATIENCE = 60


class Unavailable(Exception):
    """No server can be started here; the message says why."""


class PostgresServer:
    """A running server.

    Args:
        port: Where it listens.
    """

    def __init__(self, port: int) -> None:
        self.port = port

    def url(self, database: str = "postgres") -> str:
        """Returns the address as dlt takes it."""
        return f"postgresql://postgres:trusted@127.0.0.1:{self.port}/{database}?connect_timeout=10"

    def connect(self, database: str = "postgres") -> Any:
        """Opens a connection that commits each statement."""
        import psycopg2

        connection = psycopg2.connect(self.url(database))
        connection.autocommit = True
        return connection

    def run(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Runs a statement on a connection of its own."""
        with closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def tables(self, database: str, dataset: str = "claude_code") -> dict[str, list[dict[str, Any]]]:
        """Returns the rows of this project's tables."""
        listed = f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{dataset}'"
        found = {}
        with closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(listed)
            for name in [name for (name,) in cursor.fetchall() if name.startswith("claude_code")]:
                cursor.execute(f"SELECT * FROM {dataset}.{name}")
                columns = [column[0] for column in cursor.description]
                found[name] = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
        return found


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Runs a server for as long as the block lasts.

    Raises:
        Unavailable: There is no driver, no server, or no user that it may run as.
    """
    try:
        import psycopg2
    except ImportError:
        raise Unavailable("the driver psycopg2 is not installed: pip install --group dev brings it") from None
    binaries = _binaries()
    user = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    if user:
        try:
            owner = pwd.getpwnam(user)
        except KeyError:
            raise Unavailable("Postgres refuses to run as root, and there is no user postgres") from None
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    data = folder / "data"
    made = subprocess.run(  # noqa: S603
        [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        cwd=folder, user=user, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        server = PostgresServer(probe.getsockname()[1])
    settings = ("fsync=off", "full_page_writes=off", "listen_addresses=127.0.0.1", f"statement_timeout={PATIENCE}s",
                f"unix_socket_directories={folder}", "max_connections=50")  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603
            [binaries / "postgres", "-D", data, "-p", str(server.port), *(f"--{setting}" for setting in settings)],
            cwd=folder, user=user, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                server.run("SELECT 1")
                break
            except psycopg2.OperationalError:
                assert process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()  # noqa: PT018
                time.sleep(0.02)
        yield server
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: it would wait for connections that are still open
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    """Returns the folder of the server's programs: on the path, or where Debian keeps them, the newest first."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: float(each.parent.name), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise Unavailable("there is no Postgres server here: apt-get install postgresql brings one")
