"""Servers of the stand-ins, and the environment variables with their addresses."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from support.environments import make_environment, outer_variables

COMMAND = "python tests/destinations"
# Environment variables: the address of BigQuery's stand-in, the port of Snowflake's.
BIGQUERY_ADDRESS = "BIGQUERY_STAND_IN"
SNOWFLAKE_PORT = "SNOWFLAKE_STAND_IN"
# BigQuery's project.
PROJECT = "conformance"
# Seconds that a server may take to start or to stop.
PATIENCE = 60


@contextmanager
def bigquery(cache: Path) -> Iterator[dict[str, str]]:
    """Runs BigQuery's stand-in."""
    folder = cache / "bigquery-server"
    python = make_environment(folder, "bigquery-server")
    home = {**outer_variables(), "HOME": str(folder)}  # where DuckDB looks for its extensions
    extensions = "from duckdb_extensions import import_extension as get; get('spatial'); get('avro')"
    subprocess.run([str(python), "-c", extensions], check=True, env=home, timeout=PATIENCE)
    rest, grpc = _free_port(), _free_port()
    ports = ["--rest-port", str(rest), "--grpc-port", str(grpc)]
    command = [str(python), "-m", "bqemulator", "start", *ports, "--project", PROJECT, "--log-level", "error"]
    with _listening(command, rest, cache / "bigquery-server.log", home):
        yield {BIGQUERY_ADDRESS: f"http://127.0.0.1:{rest}"}


@contextmanager
def snowflake(cache: Path) -> Iterator[dict[str, str]]:
    """Runs Snowflake's stand-in."""
    python = make_environment(cache / "snowflake-server", "snowflake-server")
    port = _free_port()
    program = Path(__file__).parent / "snowflake_server.py"
    with _listening([str(python), str(program), str(port)], port, cache / "snowflake-server.log", outer_variables()):
        yield {SNOWFLAKE_PORT: str(port)}


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _listening(command: list[str], port: int, log: Path, environment: dict[str, str]) -> Iterator[None]:
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, cwd=log.parent
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not _accepts(port):
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{' '.join(command)} does not listen: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)
        yield
    finally:
        server.terminate()
        try:
            server.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            server.kill()


def _accepts(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == os.EX_OK
