"""Processes to measure: the simulated API, its readers, and the contents of the files that they wrote."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import duckdb

from pages import FIRST_DAY

HERE = Path(__file__).parent
INGESTR = "ingestr==0.14.155"
TABLES = {
    "usage": ("claude_code_usage", "core_metrics__num_sessions"),
    "tools": ("claude_code_usage__tool_actions", "accepted"),
    "models": ("claude_code_usage__model_breakdown", "estimated_cost__amount"),
}


@dataclass
class Run:
    """Measurements of one process: seconds in all, those that it measured itself, those of CPU, peak megabytes."""

    whole: float
    inside: float
    cpu: float
    megabytes: float
    output: str


@contextmanager
def serving(records: int, *options: str) -> Iterator[str]:
    """Serves the simulated API from another process, and yields its address."""
    command = [sys.executable, str(HERE / "server.py"), str(records), *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin
        assert server.stdout
        try:
            yield server.stdout.readline().strip()
        finally:
            server.stdin.close()


def contender(name: str, address: str, count: int, database: Path) -> list[str]:
    """Returns the command that runs one of `contenders.py`."""
    return [sys.executable, str(HERE / "contenders.py"), name, address, str(count), str(database)]


def run(command: list[str], folder: Path, **variables: str) -> Run:
    """Runs a command in a folder of its own and measures it."""
    environment = {
        **os.environ,
        "DLT_DATA_DIR": str(folder / "dlt"),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "CRITICAL",
        "INGESTR_DISABLE_TELEMETRY": "true",  # it waits for a network that is not there
        **variables,
    }
    with (folder / "output").open("w+") as output:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        whole = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise click.ClickException(f"{command} ended with {process.returncode}:\n{text[-3000:]}")
    printed = re.findall(r'\{"seconds": ([0-9.]+)\}', text)
    inside = float(printed[-1]) if printed else whole
    return Run(whole, inside, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, text)


def contents(database: Path) -> dict[str, Any]:
    """Returns rows and a sum of each table, by which contenders are compared."""
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("USE bench")
        found = {}
        tables = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        for name, (table, column) in TABLES.items():
            nested = table if table in tables else None
            if nested:
                variant = f"{column}__v_double"  # where plain dlt puts numbers of another kind
                has = connection.execute(
                    "SELECT count(*) FROM duckdb_columns() WHERE table_name = ? AND column_name = ?", [table, variant]
                ).fetchall()[0][0]
                value = f"coalesce({column}, 0) + coalesce({variant}, 0)" if has else column
                if name == "usage" and "claude_code_usage__tool_actions" not in tables:
                    value = "0"  # a flat table, of names of its own
                found[name] = connection.execute(
                    f"SELECT count(*), round(sum({value})::DOUBLE, 3) FROM {table}"
                ).fetchall()[0]
        return found


def python_with_ingestr(folder: Path) -> Path:
    """Returns the Python of an environment with ingestr, which is made first where it is missing."""
    python = folder / "bin" / "python"
    if not python.exists():
        click.echo(f"installing {INGESTR} into {folder}", err=True)
        venv.create(folder, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", INGESTR], check=True)
    return python


@contextmanager
def other_reader(address: str, seconds: float | None) -> Iterator[list[int]]:
    """Requests a day every `seconds` without ever backing off, and yields the list of statuses."""
    statuses: list[int] = []
    over = threading.Event()

    def status() -> int:
        request = urllib.request.Request(
            f"{address}/v1/organizations/usage_report/claude_code?starting_at={FIRST_DAY}",
            headers={"user-agent": "other"},
        )
        try:
            return int(urllib.request.urlopen(request).status)
        except urllib.error.HTTPError as refusal:
            return refusal.code

    def repeat() -> None:
        while not over.wait(seconds):
            statuses.append(status())

    reader = threading.Thread(target=repeat)
    if seconds:
        reader.start()
    try:
        yield statuses
    finally:
        over.set()
        if seconds:
            reader.join()
