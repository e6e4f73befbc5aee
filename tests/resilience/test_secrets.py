"""No secret anywhere: every command at its most talkative, and then every byte and every cell that was written.

Marked are the credential, a token, the key of the pseudonyms, the password of a proxy, and the names of people.
"""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import io
import logging
import pickle
import traceback
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from claude_code_analytics import ClaudeCodeAnalyticsError
from claude_code_analytics.dates import DayRange
from claude_code_pipelines import Warehouse, load
from claude_code_pipelines.cli import commands
from claude_code_simulator import Credentials, ScriptedOrganization, error_response, record, utc_now
from claude_code_simulator.faults.builders import rewritten
from support.expected import RecordingApi
from support.processes import Machine, ended, start_forks
from support.serving import serving
from support.world import FIRST_DAY, TODAY, TestClock, World

ID = "11111111-aaaa-4a55-9d3e-3c2f5a7b9e10"
KEY, TOKEN = "sk-ant-admin01-MARKEDcredential-4711", "sk-ant-oat01-MARKEDtoken-4712"
IDENTITY_KEY, PERSON = "MARKEDidentitykey-4713", "MARKEDperson-4714"
MARKS = [mark.lower().encode() for mark in ("MARKEDcredential", "MARKEDtoken", "MARKEDidentitykey", "MARKEDperson")]


def people(day: Any) -> list[dict[str, Any]]:
    """Returns records that name people in every way that the API has, and in some that it may get."""
    address = f"{PERSON}@example.test"
    actors: list[Any] = [
        {"type": "user_actor", "email_address": address, "name": PERSON},
        {"type": "new_actor", "who": {"name": [PERSON]}},
        address,
    ]
    return [
        record(day, organization_id=ID, email=address),
        record(day, organization_id=ID, api_key=f"{PERSON}'s key"),
        *(record(day, organization_id=ID, actor=actor) for actor in actors),
    ]


def organization(today: dt.date = TODAY) -> ScriptedOrganization:
    return ScriptedOrganization({day: people(day) for day in DayRange(week_before(today), today).days()}, id=ID)


def week_before(today: dt.date) -> dt.date:
    return today - (TODAY - FIRST_DAY)


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yields every file below a folder, as it is and as it reads when it is unpacked."""
    for path in filter(Path.is_file, folder.rglob("*")):
        content = path.read_bytes()
        yield str(path), content
        if content[:2] == b"\x1f\x8b":
            yield str(path), gzip.decompress(content)
        if path.suffix == ".pickle":
            yield from ((str(path), part.encode()) for part in texts(pickle.loads(content)))  # noqa: S301


def texts(value: Any, seen: set[int] | None = None) -> Iterator[str]:
    """Yields all texts within an object."""
    seen = set() if seen is None else seen
    if isinstance(value, (bytes, str)):
        yield value if isinstance(value, str) else value.decode("utf-8", "replace")
    elif id(value) not in seen:
        seen.add(id(value))
        inner = list(value.items()) if isinstance(value, dict) else value
        if isinstance(inner, (list, tuple, set, frozenset)):
            for item in inner:
                yield from texts(item, seen)
        elif hasattr(value, "__dict__"):
            yield from texts(vars(value), seen)


def cells(database: Path) -> Iterator[tuple[str, bytes]]:
    """Yields every value of every table, staging and dlt's own too; its compressed state unpacked."""
    with duckdb.connect(str(database)) as connection:
        connection.execute("CHECKPOINT")
        tables = connection.execute("SELECT table_schema, table_name FROM information_schema.tables").fetchall()
        assert len(tables) >= 8
        for schema, table in tables:
            for row in connection.execute(f'SELECT * FROM "{schema}"."{table}"').fetchall():
                for cell in row:
                    yield f"{schema}.{table}", str(cell).encode()
                    yield f"{schema}.{table}", unpacked(cell)


def unpacked(cell: Any) -> bytes:
    """Returns dlt's state, which it keeps as base64 of zlib."""
    try:
        return zlib.decompress(base64.b64decode(cell))
    except (ValueError, TypeError, zlib.error):
        return b""


def found_in(places: Iterable[tuple[str, bytes]]) -> set[str]:
    return {f"{mark.decode()} in {place}" for place, content in places for mark in MARKS if mark in content.lower()}


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Output of all loggers at DEBUG, dlt's and httpx's own too, with tracebacks."""
    monkeypatch.setenv("RUNTIME__LOG_LEVEL", "DEBUG")
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    levels = {}
    for name in ("", "dlt", "httpx", "httpcore", "claude_code_analytics"):
        logger = logging.getLogger(name)
        levels[logger] = logger.level
        logger.setLevel(logging.DEBUG)
        logger.addHandler(handler)
    yield text
    for logger, level in levels.items():
        logger.removeHandler(handler)
        logger.setLevel(level)


@pytest.fixture
def _configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ACTOR_IDENTITY": "hash", "IDENTITY_KEY": IDENTITY_KEY, "API_KEY": KEY}.items():
        monkeypatch.setenv(f"SOURCES__CLAUDE_CODE_ANALYTICS__{name}", value)


@pytest.mark.usefixtures("_configured")
@pytest.mark.parametrize(
    "credential",
    [
        pytest.param({"api_key": KEY}, id="key"),
        pytest.param({"access_token": TOKEN}, id="token", marks=pytest.mark.slow),
    ],
)
def test_no_secret_is_written_whatever_is_done(
    credential: dict[str, str], tmp_path: Path, clock: TestClock, log: io.StringIO, capfd: Any
) -> None:
    credentials = Credentials(admin_key=KEY, oauth_token=TOKEN)
    api = RecordingApi(organization(), clock=clock, credentials=credentials, page_size=2)
    world = World(tmp_path, clock=clock, api=api)
    secret = next(iter(credential.values()))
    printed = io.StringIO()

    def run(*arguments: str, code: int = 0) -> None:
        clock.move(minutes=1)
        with world.client(**credential) as client:
            result = CliRunner().invoke(commands, list(arguments), obj=client)
        assert result.exit_code == code, result.output
        printed.write(result.output)
        if result.exc_info:
            printed.write("".join(traceback.format_exception(*result.exc_info)))

    run("check")
    run("load", "--start", f"{FIRST_DAY}", "--window-days", "4")
    run("status", "--json")
    # responses that repeat what was sent to them, before and in the middle of a load
    api.fault = lambda request, number: error_response(400, f"no: {dict(request.headers)} {request.url}")
    run("load", code=1)
    api.fault = lambda request, number: (
        error_response(529, f"Overloaded {secret}", headers={"request-id": secret})
        if request.url.params.get("starting_at") == f"{TODAY}"
        else None
    )
    run("backfill", "--start", f"{FIRST_DAY}", "--end", f"{TODAY}", "--window-days", "4", code=1)
    api.fault = lambda request, number: error_response(401, f"invalid {secret}")
    run("load", code=2)
    api.fault = lambda request, number: error_response(403, f"refused {secret}")
    with world.client(**credential) as client, pytest.raises(ClaudeCodeAnalyticsError) as raised:
        load(Warehouse(), start=FIRST_DAY, client=client)
    printed.write(f"{raised.value!r} {''.join(traceback.format_exception(raised.value))}{list(texts(raised.value))}")
    # records that repeat it, as a value and as the name of a field
    api.fault = rewritten(
        lambda body: body.replace(b'"is_remote":', f'"note":"{secret}","{secret}":1,"is_remote":'.encode())
    )
    world.run(client=world.client(**credential))  # a plain run, with dlt's own trace
    assert "***" in world.column("note")

    out, err = capfd.readouterr()
    assert "claude_code_usage" in log.getvalue(), "dlt was silent, so this test says nothing"
    everything = [(name, text.encode()) for name, text in (("stdout", out + err), ("log", log.getvalue()))]
    everything += [("command line", printed.getvalue().encode()), *cells(tmp_path / "claude_code_analytics.duckdb")]
    everything += [*cells(world.database), *files(tmp_path)]
    assert any(place.endswith(".pickle") for place, _ in everything), "dlt's trace was not looked at"
    assert found_in(everything) == set()


def test_the_search_finds_what_is_there(tmp_path: Path, clock: TestClock) -> None:
    world = World(tmp_path, clock=clock, organization=organization())
    world.run()
    assert any("claude_code.claude_code_usage" in place for place in found_in(cells(world.database)))
    assert any(place.endswith(".duckdb") for place in found_in(files(tmp_path)))


@pytest.mark.usefixtures("_configured")
def test_no_secret_leaves_a_process_of_its_own(tmp_path: Path) -> None:
    """The real program with a real client, where it succeeds, is refused, and fails in dlt's hands."""
    start_forks()
    today = utc_now().date()
    api = RecordingApi(organization(today), credentials=Credentials(admin_key=KEY), clock=utc_now)
    database = tmp_path / "home" / "claude_code_analytics.duckdb"
    start = ("load", "--start", f"{week_before(today)}", "--window-days", "4")
    with serving(api) as variables:
        machine = Machine(tmp_path / "home", {**variables, "RUNTIME__LOG_LEVEL": "DEBUG"})
        assert ended(machine.command(*start)) == 0, machine.output
        api.fault = lambda request, number: error_response(401, f"invalid {dict(request.headers)}")
        assert ended(machine.command(*start)) == 2
        api.fault = None
        with duckdb.connect(str(database)) as connection:
            connection.execute("ALTER TABLE claude_code.claude_code_usage RENAME date TO day")
        assert ended(machine.command(*start)) == 2
    assert found_in([*cells(database), *files(tmp_path)]) == set()
