"""No secret anywhere: everything that the program does, at the most talkative, and then every byte that was written.

Marked are the credential, the key of the pseudonyms, and the addresses and key names of people.
"""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import io
import logging
import pickle
import random
import traceback
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner
from processes import Site
from truth import RecordingApi

from claude_code_analytics import AnalyticsClient, ClaudeCodeAnalyticsError
from claude_code_pipelines import Warehouse, load
from claude_code_pipelines.cli import commands
from claude_code_simulator import Credentials, ScriptedOrganization, SimulatedApi, error_response, record
from claude_code_simulator.server import serve

CREDENTIAL = "sk-ant-admin01-MARKEDcredential-4711"
TOKEN = "sk-ant-oat01-MARKEDtoken-4712"
IDENTITY_KEY = "MARKEDidentitykey-4713"
PERSON = "MARKEDperson-4714"
REAL_ID = "11111111-aaaa-4a55-9d3e-3c2f5a7b9e10"
MARKS = [mark.lower().encode() for mark in ("MARKEDcredential", "MARKEDtoken", "MARKEDidentitykey", PERSON)]
FIRST = dt.date(2026, 9, 14)


def people(day: dt.date) -> list[dict[str, Any]]:
    """Records that name people in every way that the API knows, and in some that it may learn."""
    address = f"{PERSON}@example.test"
    return [
        record(day, organization_id=REAL_ID, email=address),
        record(day, organization_id=REAL_ID, api_key=f"{PERSON}'s key"),
        record(day, organization_id=REAL_ID, actor={"type": "user_actor", "email_address": address, "name": PERSON}),
        record(day, organization_id=REAL_ID, actor={"type": "new_actor", "who": {"name": [PERSON]}}),
        record(day, organization_id=REAL_ID, actor=address),
    ]


def organization() -> ScriptedOrganization:
    days = {FIRST + dt.timedelta(days=number): people(FIRST + dt.timedelta(days=number)) for number in range(7)}
    return ScriptedOrganization(days, id=REAL_ID)


def written(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file below a folder as it is, and as it reads when it is compressed."""
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        content = path.read_bytes()
        yield path, content
        if content[:2] == b"\x1f\x8b":
            yield path, gzip.decompress(content)
        if path.suffix == ".pickle":
            for part in texts(pickle.loads(content)):  # noqa: S301  # what dlt has just written
                yield path, part.encode()


def texts(value: Any, seen: set[int] | None = None) -> Iterator[str]:
    """All texts within an object, compressed ones too."""
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


def cells(database: Path) -> Iterator[tuple[Path, bytes]]:
    """Every value of every table, dlt's own and those of the staging dataset too; its compressed state unpacked."""
    with duckdb.connect(str(database)) as connection:
        connection.execute("CHECKPOINT")
        tables = connection.execute("SELECT table_schema, table_name FROM information_schema.tables").fetchall()
        assert len(tables) >= 8
        for schema, table in tables:
            for row in connection.execute(f'SELECT * FROM "{schema}"."{table}"').fetchall():
                for cell in row:
                    yield database / schema / table, str(cell).encode()
                    yield database / schema / table, unpacked(cell)


def unpacked(cell: Any) -> bytes:
    """dlt keeps its state as base64 of zlib."""
    try:
        return zlib.decompress(base64.b64decode(cell))
    except (ValueError, TypeError, zlib.error):
        return b""


def hits(found: Iterator[tuple[Path, bytes]]) -> list[str]:
    return [f"{mark.decode()} in {path}" for path, content in found for mark in MARKS if mark in content.lower()]


@pytest.fixture
def talk(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What all loggers say at DEBUG, dlt's and httpx's own too, with tracebacks."""
    monkeypatch.setenv("RUNTIME__LOG_LEVEL", "DEBUG")
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    before = {}
    for name in ("", "dlt", "httpx", "httpcore", "claude_code_analytics", "tenacity"):
        logger = logging.getLogger(name)
        before[logger] = logger.level
        logger.setLevel(logging.DEBUG)
        logger.addHandler(handler)
    yield said
    for logger, level in before.items():
        logger.removeHandler(handler)
        logger.setLevel(level)


@pytest.fixture
def settings_of(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "ACTOR_IDENTITY": "hash",
        "IDENTITY_KEY": IDENTITY_KEY,
        "API_KEY": CREDENTIAL,
        "LOOKBACK_DAYS": "2",
    }.items():
        monkeypatch.setenv(f"SOURCES__CLAUDE_CODE_ANALYTICS__{name}", value)


@pytest.mark.parametrize(
    "credential",
    [
        pytest.param({"api_key": CREDENTIAL}, id="key"),
        pytest.param({"access_token": TOKEN}, id="token", marks=pytest.mark.slow),
    ],
)
def test_no_secret_is_written_whatever_is_done_and_said(
    credential: dict[str, str], tmp_path: Path, clock: Any, talk: io.StringIO, settings_of: None, capfd: Any
) -> None:
    api = SimulatedApi(
        organization(), clock=clock, credentials=Credentials(admin_key=CREDENTIAL, oauth_token=TOKEN), page_size=2
    )
    told = io.StringIO()
    secret = next(iter(credential.values()))

    def run(*arguments: str, code: int = 0) -> None:
        with AnalyticsClient(**credential, transport=api.transport, clock=clock, sleep=clock.sleep) as client:
            result = CliRunner().invoke(commands, list(arguments), obj=client)
        assert result.exit_code == code, result.output
        told.write(result.output)
        if result.exc_info:
            told.write("".join(traceback.format_exception(*result.exc_info)))

    run("check")
    run("load", "--start", f"{FIRST}", "--window-days", "3")
    run("backfill", "--start", f"{FIRST}", "--end", f"{FIRST}")
    run("status")
    run("status", "--json")
    # a load that fails half way, with an answer that repeats what it was sent
    api.fault = lambda request, number: error_response(400, f"no: {dict(request.headers)} {request.url}")
    run("load", code=1)
    run("check", code=1)
    api.fault = lambda request, number: (
        error_response(529, f"Overloaded {secret}") if request.url.params.get("starting_at") == "2026-09-19" else None
    )
    run("load", "--start", f"{FIRST}", "--window-days", "2", code=1)
    api.fault = lambda request, number: error_response(401, f"invalid {secret}")
    run("load", code=2)
    api.fault = None
    clock.move(days=1)
    run("load")

    api.fault = lambda request, number: error_response(403, f"refused {secret}")
    client = AnalyticsClient(**credential, transport=api.transport, clock=clock, sleep=clock.sleep)
    with client, pytest.raises(ClaudeCodeAnalyticsError) as raised:
        load(Warehouse(), start=FIRST, client=client)
    told.write(f"{raised.value} {raised.value!r} {''.join(traceback.format_exception(raised.value))}")
    told.write("".join(texts(vars(raised.value))))

    out, err = capfd.readouterr()
    said = talk.getvalue()
    assert "claude_code_usage" in said, "dlt was silent, so this test says nothing"
    database = tmp_path / "claude_code_analytics.duckdb"
    everything = [
        (Path(name), text.encode())
        for name, text in {"stdout": out, "stderr": err, "log": said, "command line": told.getvalue()}.items()
    ]
    everything += [*cells(database), *written(tmp_path)]
    assert sum(len(content) for _, content in everything) > 100_000
    assert any(path.suffix == ".pickle" for path, _ in everything), "dlt's trace was not looked at"
    assert hits(iter(everything)) == []


def test_the_search_finds_what_is_there(tmp_path: Path, make_warehouse: Callable[..., Any]) -> None:
    """The counterpart: with `keep`, addresses are found in the database, file and cell."""
    warehouse = make_warehouse(organization=organization())
    warehouse.load(start_date=FIRST)
    assert any("cell" not in hit and PERSON.lower() in hit for hit in hits(cells(warehouse.database)))
    assert any(str(warehouse.database) in hit for hit in hits(written(tmp_path)))


def test_no_secret_leaves_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings_of: None
) -> None:
    """The real program with a real client, also where it fails in dlt's hands."""
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", f"duckdb:///{tmp_path / 'here.duckdb'}")
    monkeypatch.setenv("RUNTIME__LOG_LEVEL", "DEBUG")
    api = RecordingApi(ScriptedOrganization(id=REAL_ID), credentials=Credentials(admin_key=CREDENTIAL))
    with serve(api) as address:
        site = Site(tmp_path, api, address, random.Random(1))  # noqa: S311
        for number in range(9):
            api.organization.days[site.day(number)] = people(site.day(number))  # type: ignore[attr-defined]
        start = ("--start", f"{site.day(6)}", "--window-days", "3")
        told = [site.run("load", *start)]
        api.fault = lambda request, number: error_response(401, f"invalid {dict(request.headers)}")
        told.append(site.run("load", *start))
        api.fault = None
        with duckdb.connect(str(tmp_path / "here.duckdb")) as connection:
            connection.execute("DROP TABLE claude_code.claude_code_usage")
        told.append(site.run("load", *start))
    assert [code for code, _, _ in told][:2] == [0, 2]
    everything = [(Path("output"), f"{out} {err}".encode()) for _, out, err in told]
    everything += [*cells(tmp_path / "here.duckdb"), *written(tmp_path)]
    assert hits(iter(everything)) == []
