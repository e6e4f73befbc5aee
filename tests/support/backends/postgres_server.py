"""Postgres: a real server, started in a folder of its own and listening on loopback, and databases in it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import dlt

from support.backends import Backend, Missing, tables_by_types
from support.expected import Tables

# Seconds that the server may take to start or to run a statement.
PATIENCE = 60
# Role whose members need a password; all others are trusted.
GUESTS = "guests"
# User of the operating system that the server runs as where the tests run as root, which Postgres refuses.
_SERVER_USER = "postgres"


class PostgresServer:
    """A Postgres server. Every statement of the tests runs as its owner, who needs no password."""

    def __init__(self) -> None:
        try:
            import psycopg2
        except ImportError:
            raise Missing("the driver psycopg2 is not installed: pip install --group dev installs it") from None
        self._driver = psycopg2
        self._binaries = binaries()
        self._user = _SERVER_USER if os.geteuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="scenario-"))
        self._data = self._folder / "data"
        if self._user:
            try:
                owner = pwd.getpwnam(self._user)
            except KeyError:
                raise Missing("Postgres refuses to run as root, and there is no user postgres") from None
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
        self._server: subprocess.Popen[bytes] | None = None
        try:
            self._make()
            self.start()
            self.run(f"CREATE ROLE {GUESTS}")
        except BaseException:
            self.close()
            raise

    def address(self, user: str, password: str, database: str = "postgres") -> str:
        """Returns the connection string of a user."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self._port}/{database}?connect_timeout=10"

    def invite(self, user: str, password: str) -> None:
        """Creates a user with a password and no rights."""
        self.run(f"CREATE ROLE {user} LOGIN PASSWORD '{password}' IN ROLE {GUESTS}")

    @property
    def process(self) -> int:
        """Id of the server's main process."""
        assert self._server is not None
        return self._server.pid

    def make_folder(self, name: str) -> Path:
        """Makes a folder that belongs to the server."""
        folder = self._folder / name
        folder.mkdir(parents=True)
        if self._user:
            shutil.chown(folder, self._user)
        return folder

    def _make(self) -> None:
        made = subprocess.run(
            [str(self._binaries / "initdb"), "-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8",
             "--locale=C", "--no-sync"],
            cwd=self._folder, user=self._user, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        access = self._data / "pg_hba.conf"
        access.write_text(f"host all +{GUESTS} 127.0.0.1/32 scram-sha-256\n{access.read_text()}")
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]

    def start(self) -> None:
        """Starts the server, if it is not running, and waits until it accepts connections."""
        if self._server and self._server.poll() is None:
            return
        # no durability: the data is dropped with the test
        settings = ("fsync=off", "full_page_writes=off", "listen_addresses=127.0.0.1", "timezone=Asia/Tokyo",
                    f"statement_timeout={PATIENCE}s", f"unix_socket_directories={self._folder}")  # fmt: skip
        with (self._folder / "log").open("wb") as log:
            self._server = subprocess.Popen(
                [str(self._binaries / "postgres"), "-D", str(self._data), "-p", str(self._port),
                 *(word for setting in settings for word in ("-c", setting))],
                cwd=self._folder, user=self._user, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.run("SELECT 1")
                return
            except self._driver.OperationalError:  # noqa: PERF203  # until it is up
                log_text = (self._folder / "log").read_text()
                assert self._server.poll() is None, log_text
                assert time.monotonic() < deadline, log_text
                time.sleep(0.02)

    def has_ended(self) -> bool:
        """Waits until the server has ended; False where it goes on."""
        assert self._server is not None
        try:
            self._server.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return False
        return True

    def wait_for(self, query: str, number: int) -> None:
        """Waits until a query returns a number."""
        deadline = time.monotonic() + PATIENCE
        while (found := self.run(query)) != [(number,)]:
            assert time.monotonic() < deadline, found
            time.sleep(0.02)

    def run(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        with closing(self.connect(database)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def close(self) -> None:
        if self._server:
            self._server.send_signal(signal.SIGQUIT)  # at once: a graceful stop waits for open connections
            try:
                self._server.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._server.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def connect(self, database: str = "postgres") -> Any:
        """Opens a connection as the server's owner."""
        return self._driver.connect(self.address("postgres", "trusted", database))


class Postgres(Backend):
    """A database of a server, created unless it is the server's first one."""

    name = "postgres"

    def __init__(self, server: PostgresServer, database: str = "postgres") -> None:
        self.server = server
        self.database = database
        if database != "postgres":
            server.run(f"CREATE DATABASE {database}")
        self.address = server.address("postgres", "trusted", database)
        self.environment = {"DESTINATION__POSTGRES__CREDENTIALS": self.address}

    @property
    def destination(self) -> Any:
        return dlt.destinations.postgres(self.address)

    def connect(self) -> Any:
        return self.server.connect(self.database)

    def tables(self, dataset: str) -> Tables:
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            listed = "SELECT table_name, column_name, '' FROM information_schema.columns WHERE table_schema = %s"
            cursor.execute(listed, [dataset])
            types = {(row[0], row[1]): row[2] for row in cursor.fetchall()}  # the driver decodes JSON

            def select(table: str) -> tuple[Iterable[str], Iterable[Sequence[Any]]]:
                cursor.execute(f"SELECT * FROM {self.qualified(dataset, table)}")
                return [each[0] for each in cursor.description or []], cursor.fetchall()

            return tables_by_types(types, select)

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        return self.server.run(sql, self.database)

    def save(self) -> None:
        self.server.run(f"DROP DATABASE IF EXISTS {self.database}_saved")
        self.server.run(f"CREATE DATABASE {self.database}_saved TEMPLATE {self.database}")

    def restore(self) -> None:
        self.server.run(f"DROP DATABASE {self.database}")
        self.server.run(f"CREATE DATABASE {self.database} TEMPLATE {self.database}_saved")

    @contextmanager
    def rejecting(self, dataset: str, table: str) -> Iterator[None]:
        """Has a table reject all rows, by a constraint."""
        table = self.qualified(dataset, table)
        self.run(f"ALTER TABLE {table} ADD CONSTRAINT rejects CHECK (date IS NULL) NOT VALID")
        yield
        self.run(f"ALTER TABLE {table} DROP CONSTRAINT rejects")


def binaries() -> Path:
    """Finds the server's programs: on the path, or where Debian keeps them, the newest first."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name), reverse=True
    )
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise Missing("no Postgres server is installed: apt-get install postgresql")
